"""Reports of outside engines on the bus: what is shown, what is said in the log, and what Valkey's absence costs."""

from uuid import UUID

from structlog.testing import capture_logs

from commands.reporting import Reporting
from commands.write_side import WriteSide
from domain.operation import OpenOperation, ReportStep
from runtime.broker import open_broker, open_client
from runtime.ids import new_id
from runtime.progress import ProgressBoard, engine_job
from tests.acting import create_project, register

JOB = new_id()


async def opened(write: WriteSide) -> tuple[str, UUID, UUID]:
    actor = await register(write)
    project_id, operation_id = await create_project(write, actor), new_id()
    opening = OpenOperation(project_id=project_id, operation_id=operation_id, job_id=JOB, name="Roof")
    await write.bus.execute(opening, actor=actor)
    return actor, project_id, operation_id


async def test_a_report_is_kept_with_the_stage_of_its_phase(write: WriteSide, redis_url: str) -> None:
    actor, project_id, operation_id = await opened(write)
    report = ReportStep(
        project_id=project_id, operation_id=operation_id, event_id=3, phase="topo_hash_end", items_done=4
    )
    await write.bus.execute(report, actor=actor)
    async with open_client(redis_url) as valkey:
        found = await ProgressBoard(valkey).read(engine_job(project_id, JOB))
        assert found is not None
        assert (found.step.stage, found.step.items_done, found.step.scope) == ("end", 4, str(operation_id))
        await valkey.flushall()  # what is older than the log's own knowledge is not shown again
        late = ReportStep(project_id=project_id, operation_id=operation_id, event_id=2, phase="topo_hash_progress")
        assert (await write.bus.execute(late, actor=actor)).unchanged
        assert await ProgressBoard(valkey).read(engine_job(project_id, JOB)) is None


async def test_an_unknown_phase_is_an_error_in_the_log_when_it_is_entered(write: WriteSide) -> None:
    actor, project_id, operation_id = await opened(write)
    ids = {"project_id": project_id, "operation_id": operation_id, "phase": "constraint_add_start"}
    with capture_logs() as logs:
        for event_id in (1, 2, 3):
            await write.bus.execute(ReportStep(**ids, event_id=event_id), actor=actor)
    (told,) = [each for each in logs if each["event"] == "operation.phase_unknown"]
    assert (told["log_level"], told["phase"], told["taken_as"]) == ("error", "constraint_add_start", "progress")
    assert "stage_of" in told["hint"]


async def test_with_valkey_away_reports_are_accepted_and_not_shown(write: WriteSide, redis_url: str) -> None:
    actor, project_id, operation_id = await opened(write)
    async with open_broker(redis_url) as broker, open_client("unix:///nowhere/valkey.sock") as away:
        write.bus.after = Reporting(write.bus.states, broker, ProgressBoard(away))
        report = ReportStep(project_id=project_id, operation_id=operation_id, event_id=1, phase="solver_start")
        with capture_logs() as logs:
            receipt = await write.bus.execute(report, actor=actor)
    assert not receipt.unchanged
    (told,) = [each for each in logs if each["event"] == "operation.step_not_shown"]
    assert told["exc_info"]
