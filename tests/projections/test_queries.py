"""What all queries share: their registry, who may ask, waiting for one's own writes, and the history of a project."""

import asyncio
from time import monotonic
from typing import Any, Union

import msgspec
import pytest

from domain.budget import AddPosition, Edit, EditPosition
from domain.project import DescribeProject, InviteMember, RenameProject, UnknownProject
from projections import models, projects
from projections.asking import Listing, NoSnapshot, NulInQuery, Query, Viewer
from projections.history import ListHistory
from projections.project_questions import SOURCES, GetProject, ListProjects
from projections.queries import QUERIES, RESULT_OF, Queries, Rebuilding
from projections.watermarks import StaleRead
from runtime.broker import open_broker
from runtime.ids import new_id
from tests.projections.shelf import EDITOR, OUTSIDER, OWNER, Shelf
from tests.projections.tables import catch_up
from tests.projections.world import account

NAMES = {
    "analyses.get",
    "analyses.list",
    "cache.stats",
    "account.get",
    "audits.get",
    "audits.list",
    "catalogues.list",
    "catalogues.prices",
    "documents.diff",
    "documents.get",
    "documents.list",
    "findings.list",
    "history.list",
    "invitations.list",
    "jobs.get",
    "jobs.list",
    "members.list",
    "messages.history",
    "notifications.count",
    "notifications.list",
    "operations.get",
    "operations.list",
    "positions.get",
    "positions.list",
    "positions.using_code",
    "projects.get",
    "projects.list",
    "search.find",
    "threads.list",
    "threads.messages",
    "variations.get",
    "variations.list",
    "versions.diff",
    "versions.list",
}
OVER_PROJECTS = {
    "notifications.list",
    "notifications.count",
    "account.get",
    "projects.list",
    "invitations.list",
    "search.find",
    "positions.using_code",
    "analyses.get",
    "analyses.list",
    "cache.stats",
    "catalogues.list",
    "catalogues.prices",
}
"""Queries that are about no single project: they answer with what the asking account may see."""


def filled(query: type[Query]) -> dict[str, Any]:
    """Give a query's required fields."""
    required = {field.name for field in msgspec.structs.fields(query) if field.required}
    return {name: 1 if name in {"a", "b"} else str(new_id()) for name in required}


def test_names_of_queries_are_permanent_and_each_has_a_result() -> None:
    assert QUERIES.keys() == NAMES
    assert RESULT_OF.keys() == NAMES
    sources = {projection.name for projection in models.ALL}
    assert all(set(question.sources) <= sources for question in models.QUESTIONS)


def test_queries_are_told_apart_by_their_tag_and_have_schemas() -> None:
    union: Any = Union[tuple(QUERIES.values())]  # noqa: UP007 - made of a list
    for name, query in QUERIES.items():
        decoded = msgspec.json.decode(msgspec.json.encode({"type": name, **filled(query)}), type=union)
        assert type(decoded) is query
    schemas, _ = msgspec.json.schema_components([*QUERIES.values(), *RESULT_OF.values()])
    assert len(schemas) == 2 * len(NAMES)


@pytest.mark.parametrize("limit", [0, 501])
def test_pages_have_one_to_five_hundred_items(limit: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"limit": limit}, Listing)


@pytest.mark.parametrize("name", sorted(NAMES - OVER_PROJECTS))
async def test_every_query_about_a_project_refuses_those_who_are_not_in_it(shelf: Shelf, name: str) -> None:
    project_id = shelf.project()
    shelf.world.do(InviteMember(project_id=project_id, account_id=account(EDITOR), role="owner"), OWNER)
    await shelf.keep_up()
    fields = filled(QUERIES[name]) | {"project_id": str(project_id)}
    query = msgspec.convert(fields, QUERIES[name])
    for stranger in (OUTSIDER, EDITOR):
        with pytest.raises(UnknownProject):
            await shelf.ask(query, stranger)


async def test_one_reads_ones_own_write(shelf: Shelf) -> None:
    project_id = shelf.project("old")
    await shelf.keep_up()
    shelf.world.do(RenameProject(project_id=project_id, name="new"), OWNER)
    position = await shelf.world.store(shelf.pool)
    asked = asyncio.create_task(shelf.answer(GetProject(project_id=project_id, after=position)))
    await asyncio.sleep(0.1)
    assert not asked.done()
    await catch_up(shelf.connection)
    answer = await asked
    assert (answer.body.name, answer.position) == ("new", position)


async def test_a_read_that_stays_behind_is_refused_with_where_it_is(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.watermarks.PATIENCE", 0.3)
    project_id = shelf.project()
    position = await shelf.keep_up()
    with pytest.raises(StaleRead) as refused:
        await shelf.ask(GetProject(project_id=project_id, after=position + 1))
    assert refused.value.extra == {"position": position}


async def test_a_snapshot_waits_until_all_its_tables_are_true_at_one_sequence(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = shelf.project()
    await shelf.keep_up()
    asked = GetProject(project_id=project_id, snapshot=True)
    before = await shelf.answer(asked)
    shelf.world.do(RenameProject(project_id=project_id, name="new"), OWNER)
    position = await shelf.world.store(shelf.pool)
    await catch_up(shelf.connection, [projects.PROJECTION])
    uneven = await shelf.answer(GetProject(project_id=project_id))
    assert (uneven.sequence, uneven.epoch) == (None, None)
    waiting = asyncio.create_task(shelf.answer(asked))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await catch_up(shelf.connection)
    answer = await waiting
    assert before.sequence is not None
    assert (answer.body.name, answer.position, answer.sequence) == ("new", position, before.sequence + 1)
    shelf.world.do(RenameProject(project_id=project_id, name="newer"), OWNER)
    await shelf.world.store(shelf.pool)
    await catch_up(shelf.connection, [projects.PROJECTION])
    monkeypatch.setattr("projections.watermarks.PATIENCE", 0.1)
    with pytest.raises(StaleRead):
        await shelf.ask(asked)
    with pytest.raises(NoSnapshot):
        await shelf.ask(ListProjects(snapshot=True))


async def test_a_snapshot_is_never_amid_a_command(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = shelf.project()
    before = await shelf.keep_up()
    shelf.world.do(
        AddPosition(project_id=project_id, position_id=new_id(), fields=Edit(description="Wall", unit="m")), OWNER
    )
    last = await shelf.world.store(shelf.pool)
    assert last == before + 2
    await catch_up(shelf.connection, upto=last - 1)
    assert (await shelf.answer(GetProject(project_id=project_id))).sequence is None
    monkeypatch.setattr("projections.queries.PATIENCE", 0.1)
    with pytest.raises(StaleRead):
        await shelf.ask(GetProject(project_id=project_id, snapshot=True))
    await catch_up(shelf.connection)
    assert (await shelf.answer(GetProject(project_id=project_id, snapshot=True))).position == last


async def test_waiting_queries_share_one_look_at_the_checkpoints(shelf: Shelf) -> None:
    shelf.project()
    await shelf.keep_up()
    shelf.project()
    position = await shelf.world.store(shelf.pool)
    waiting = [asyncio.create_task(shelf.ask(ListProjects(after=position))) for _ in range(50)]
    await asyncio.sleep(0.5)
    looks = await statements(shelf, "SELECT projection, position FROM read.checkpoints")
    await catch_up(shelf.connection)
    assert {len(body.items) for body in await asyncio.gather(*waiting)} == {2}
    assert looks <= 2


async def statements(shelf: Shelf, query: str) -> int:
    """Count the connections whose last statement was this one."""
    cursor = await shelf.connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = %s", (query,)
    )
    ((count,),) = await cursor.fetchall()
    return count


async def test_an_announced_position_ends_the_waiting_at_once(
    shelf: Shelf, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.watermarks.SHORTEST", 30)
    monkeypatch.setattr("projections.watermarks.LONGEST", 30)
    monkeypatch.setattr("projections.watermarks.PATIENCE", 20)
    async with (
        open_broker(redis_url) as own,
        open_broker(redis_url) as broker,
        Queries(shelf.pool, shelf.queries.vault, shelf.blobs, own) as queries,
    ):
        shelf.project()
        position = await shelf.world.store(shelf.pool)
        viewer = Viewer(account_id=account(OWNER))
        asked = asyncio.create_task(queries.answer(ListProjects(after=position), viewer))
        await asyncio.sleep(0.2)
        await catch_up(shelf.connection)
        began = monotonic()
        while not asked.done():
            for projection in SOURCES:
                broker.publish(f"watermark:{projection}", b"%d" % position)
            await asyncio.sleep(0.05)
        assert len((await asked).body.items) == 1
        assert monotonic() - began < 10


async def test_a_read_model_of_another_shape_says_that_it_is_being_rebuilt(shelf: Shelf) -> None:
    project_id = shelf.project()
    await shelf.keep_up()
    await shelf.connection.execute("ALTER TABLE read.projects DROP COLUMN workflow")
    with pytest.raises(Rebuilding):
        await shelf.ask(GetProject(project_id=project_id))


async def test_the_history_tells_who_did_what_when_and_why(shelf: Shelf) -> None:
    project_id, position_id = shelf.project(), new_id()
    shelf.world.do(RenameProject(project_id=project_id, name="second"), OWNER)
    for other in (position_id, new_id()):
        command = AddPosition(project_id=project_id, position_id=other, fields=Edit(description="x"))
        shelf.world.do(command, EDITOR)
    changes = Edit(quantity=None, description="y")
    shelf.world.do(EditPosition(project_id=project_id, position_id=position_id, changes=changes), OWNER)
    shelf.world.do(DescribeProject(project_id=project_id, description="a bridge"), OWNER)
    await shelf.keep_up()

    async def told(**filters: Any) -> list[str]:
        query = ListHistory(project_id=project_id, limit=2, **filters)
        return [item.event_type for item in await shelf.pages(query)]

    everything = [
        "project.created",
        "project.renamed",
        *("position.added", "budget.versioned") * 2,
        "position.edited",
        "budget.versioned",
        "project.described",
    ]
    assert await told(order="oldest") == everything
    assert await told() == everything[::-1]
    assert await told(actor=EDITOR) == ["budget.versioned", "position.added"] * 2
    assert await told(event_type="project.renamed") == ["project.renamed"]
    assert await told(event_type="project.*", order="oldest") == [everything[0], everything[1], everything[-1]]
    assert await told(position_id=position_id) == ["position.edited", "position.added"]
    (renamed,) = await shelf.pages(ListHistory(project_id=project_id, event_type="project.renamed"))
    assert (renamed.actor, renamed.sequence, renamed.data["name"]) == (OWNER, 2, "second")
    assert renamed.command_id is not None


async def test_text_with_a_nul_is_refused(shelf: Shelf) -> None:
    with pytest.raises(NulInQuery):
        await shelf.ask(ListProjects(text="a\0b"))
