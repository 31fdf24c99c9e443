"""Operations and jobs that go on: what the log knows of them, and what Valkey still does."""

from typing import Any
from uuid import UUID

import pytest

from domain.job import EnterPhase, QueueJob, StartJob, UnknownJob
from domain.operation import CloseOperation, OpenOperation, ReportStep, UnknownOperation
from domain.project import UnknownProject
from projections.jobs import GetJob
from projections.operations import MOST_MILESTONES, GetOperation, ListOperations
from projections.queries import Queries
from runtime.broker import open_client
from runtime.ids import new_id
from runtime.progress import ProgressBoard, Step, engine_job, own_job
from tests.projections.shelf import EDITOR, OUTSIDER, Shelf

JOB = new_id()


def opened(shelf: Shelf, project_id: UUID, job_id: UUID = JOB) -> dict[str, Any]:
    ids = {"project_id": project_id, "operation_id": new_id()}
    shelf.world.do(OpenOperation(**ids, job_id=job_id, name="Roof"), EDITOR)
    return ids


async def test_an_operation_shows_its_phase_its_milestones_and_its_end(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = opened(shelf, project_id)
    shelf.world.do(ReportStep(**ids, event_id=1, phase="solver_start", step_index=0, step_total=2), EDITOR)
    shelf.world.do(ReportStep(**ids, event_id=4, phase="solver_progress"), EDITOR)
    await shelf.keep_up()
    shown = await shelf.ask(GetOperation(**ids))
    assert (shown.status, shown.phase, shown.stage, shown.step_index) == ("open", "solver_progress", "progress", None)
    assert [(each.event_id, each.phase) for each in shown.newest_milestones] == [(1, "solver_start")]
    assert (shown.milestones, shown.opened_by, shown.live, shown.closed_at) == (1, EDITOR, None, None)
    shelf.world.do(CloseOperation(**ids, outcome="failed", error="No licence."), EDITOR)
    await shelf.keep_up()
    shown = await shelf.ask(GetOperation(**ids))
    assert (shown.status, shown.error, shown.closed_at) == ("failed", "No licence.", shown.changed_at)


async def test_operations_are_listed_by_status_and_job(shelf: Shelf) -> None:
    project_id, other = shelf.project(), new_id()
    first, second = opened(shelf, project_id), opened(shelf, project_id, other)
    shelf.world.do(CloseOperation(**first), EDITOR)
    await shelf.keep_up()
    listed = await shelf.pages(ListOperations(project_id=project_id, limit=1))
    assert [each.operation_id for each in listed] == [second["operation_id"], first["operation_id"]]
    (still_open,) = await shelf.pages(ListOperations(project_id=project_id, status="open"))
    (of_job,) = await shelf.pages(ListOperations(project_id=project_id, job_id=other))
    assert still_open == of_job
    with pytest.raises(UnknownProject):
        await shelf.ask(ListOperations(project_id=project_id), OUTSIDER)
    with pytest.raises(UnknownOperation):
        await shelf.ask(GetOperation(project_id=project_id, operation_id=new_id()))


async def test_a_row_keeps_the_newest_milestones(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = opened(shelf, project_id)
    for event_id in range(1, MOST_MILESTONES + 6):
        shelf.world.do(ReportStep(**ids, event_id=event_id, phase="solver_progress", milestone=True), EDITOR)
    await shelf.keep_up()
    shown = await shelf.ask(GetOperation(**ids))
    assert shown.milestones == MOST_MILESTONES + 5
    assert [each.event_id for each in shown.newest_milestones] == list(range(6, MOST_MILESTONES + 6))


async def test_what_goes_on_is_shown_live(shelf: Shelf, redis_url: str) -> None:
    project_id = shelf.project()
    ids, other = opened(shelf, project_id), opened(shelf, project_id)
    await shelf.keep_up()
    async with open_client(redis_url) as valkey:
        shelf.queries = Queries(shelf.pool, shelf.queries.vault, shelf.blobs, board=ProgressBoard(valkey))
        step = Step(event_id=9, scope=str(ids["operation_id"]), phase="solver_progress", items_done=3, items_total=4)
        await ProgressBoard(valkey).tell(engine_job(project_id, JOB), step)
        live = (await shelf.ask(GetOperation(**ids))).live
        assert (live.step.items_done, live.step.items_total) == (3, 4)
        assert (await shelf.ask(GetOperation(**other))).live is None


async def test_a_running_job_shows_how_far_its_phase_is(shelf: Shelf, redis_url: str) -> None:
    project_id, job_id = shelf.project(), new_id()
    ids = {"project_id": project_id, "job_id": job_id}
    shelf.world.do(QueueJob(**ids, kind="audit", subject=new_id()))
    shelf.world.do(StartJob(**ids, attempt=2))
    shelf.world.do(EnterPhase(**ids, attempt=2, phase="judging"))
    await shelf.keep_up()
    async with open_client(redis_url) as valkey:
        shelf.queries = Queries(shelf.pool, shelf.queries.vault, shelf.blobs, board=ProgressBoard(valkey))
        board = ProgressBoard(valkey)
        await board.tell(own_job(job_id), Step(event_id=1, scope="1", phase="judging", items_done=1, items_total=1))
        earlier = await shelf.ask(GetJob(job_id=job_id))
        assert (earlier.progress, earlier.live) == (50, None)
        step = Step(event_id=2, scope="2", phase="judging", items_done=50, items_total=100, eta_ms=700)
        await board.tell(own_job(job_id), step)
        running = await shelf.ask(GetJob(job_id=job_id))
        assert (running.progress, running.live.step.eta_ms) == (58, 700)
        await board.tell(own_job(job_id), Step(event_id=3, scope="2", phase="recording"))
        assert (await shelf.ask(GetJob(**ids))).progress == 50


async def test_a_job_is_nobodys_business_but_the_members(shelf: Shelf) -> None:
    project_id, job_id = shelf.project(), new_id()
    shelf.world.do(QueueJob(project_id=project_id, job_id=job_id, kind="parse", subject=new_id()))
    await shelf.keep_up()
    assert (await shelf.ask(GetJob(job_id=job_id))).project_id == project_id
    with pytest.raises(UnknownJob):
        await shelf.ask(GetJob(job_id=job_id), OUTSIDER)
    administrator = (await shelf.answer(GetJob(job_id=job_id), OUTSIDER, admin=True)).body
    assert administrator.job_id == job_id


async def test_with_valkey_away_an_answer_has_no_live_part(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = opened(shelf, project_id)
    await shelf.keep_up()
    async with open_client("unix:///nowhere/valkey.sock") as valkey:
        shelf.queries = Queries(shelf.pool, shelf.queries.vault, shelf.blobs, board=ProgressBoard(valkey))
        assert (await shelf.ask(GetOperation(**ids))).live is None
