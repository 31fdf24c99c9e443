"""Positions, versions and their differences: every version can be read as it was."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from msgspec import structs

from domain.budget import (
    AddPosition,
    Budget,
    BulkEdit,
    BulkItem,
    Changes,
    Edit,
    EditPosition,
    ImportPositions,
    MovePosition,
    NameVersion,
    RemovePosition,
    UnknownPosition,
    UnknownVersion,
    Versioned,
    difference,
    evolve,
)
from domain.position import Position
from projections.asking import BadCursor
from projections.differences import DiffVersions
from projections.position_details import GetPosition
from projections.position_questions import ListPositions
from projections.positions import AMOUNTS, PROJECTION, Line, PositionRow
from projections.rows import amount
from projections.sections import SectionDifferences
from projections.versions import ListVersions
from runtime.ids import new_id
from tests.projections.play import THROUGH_THE_DATABASE, Play, steps
from tests.projections.shelf import OWNER, Shelf, replaced
from tests.projections.test_rows import without_nul

FIELDS = [name for name in Position.__struct_fields__ if name in Line.__struct_fields__]


def test_every_field_of_a_position_is_a_column() -> None:
    assert list(Position.__struct_fields__) == FIELDS
    assert set(FIELDS) < set(PositionRow.__struct_fields__)


def imported(shelf: Shelf, project_id: UUID, count: int = 6, **fields: Any) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    positions = tuple(
        Position(
            position_id=position_id,
            number=str(number),
            code=f"31{number}",
            description="Brick wall" if number % 2 else "100 % concrete",
            section=("SO 01", "HSV" if number < 3 else "PSV"),
            quantity=Decimal(number),
            unit_price=Decimal("2.5"),
            kind="material" if number == 1 else "work",
            **fields,
        )
        for number, position_id in enumerate(ids)
    )
    document_id = fields.get("source_document_id") or new_id()
    command = ImportPositions(project_id=project_id, document_id=document_id, positions=positions, currency="CZK")
    shelf.world.do(command)
    return ids


def edit(shelf: Shelf, project_id: UUID, position_id: UUID, **changes: Any) -> None:
    shelf.world.do(EditPosition(project_id=project_id, position_id=position_id, changes=Edit(**changes)), OWNER)


def versions_of(shelf: Shelf, stream: str) -> list[Budget]:
    """Fold a budget to each of its versions, in order."""
    budget, past = Budget(), []
    for event in shelf.world.events.get(stream, ()):
        budget = evolve(budget, event)
        if isinstance(event, Versioned):
            past.append(structs.replace(budget, positions=dict(budget.positions), ranks=dict(budget.ranks)))
    return past


def shown(line: Any) -> dict[str, Any]:
    return {name: without_nul(getattr(line, name)) for name in FIELDS}


def expected(position: Position) -> dict[str, Any]:
    kept = {name: without_nul(getattr(position, name)) for name in FIELDS}
    return kept | {name: amount(kept[name]) for name in AMOUNTS}


@THROUGH_THE_DATABASE
@given(chosen=steps)
async def test_any_version_reads_as_the_budget_was_and_any_two_differ_as_their_positions_do(
    shelf: Shelf, chosen: list[tuple[str, int]]
) -> None:
    play = Play(0)
    for action, seed in chosen:
        play.act(action, seed)
    shelf.world = play.world
    await shelf.keep_up()
    project_id, owner = play.projects[0], play.people[0]
    past = [Budget(), *versions_of(shelf, f"budget:{project_id}")]
    if owner.removeprefix("account:") not in map(str, play.world.states[f"project:{project_id}"].members):
        return
    for version in {1, len(past) // 2, len(past) - 1} - {0}:
        if version == len(past):
            continue
        lines = await shelf.pages(ListPositions(project_id=project_id, version=version, limit=100), owner)
        budget = past[version]
        assert [line.rank for line in lines] == sorted(budget.ranks.values())
        assert {line.position_id: shown(line) for line in lines} == {
            position_id: expected(position) for position_id, position in budget.positions.items()
        }
    if len(past) > 2:
        await differences_agree(shelf, project_id, owner, past)


async def differences_agree(shelf: Shelf, project_id: UUID, owner: str, past: list[Budget]) -> None:
    for a, b in ((1, len(past) - 1), (len(past) - 1, len(past) // 2)):
        before, after = past[a], past[b]
        answer = await shelf.ask(DiffVersions(project_id=project_id, a=a, b=b), owner)
        told = {
            item.position_id: item
            for item in await shelf.pages(DiffVersions(project_id=project_id, a=a, b=b, limit=7), owner)
        }
        added, removed = (
            after.positions.keys() - before.positions.keys(),
            before.positions.keys() - after.positions.keys(),
        )
        fields, moved = set[UUID](), set[UUID]()
        for position_id in before.positions.keys() & after.positions.keys():
            was, now = before.positions[position_id], after.positions[position_id]
            if difference(structs.replace(was, section=now.section), now) != Changes():
                fields.add(position_id)
            elsewhere = before.ranks[position_id] != after.ranks[position_id] and was.revision != now.revision
            if was.section != now.section or elsewhere:
                moved.add(position_id)
        assert {"added": added, "removed": removed, "changed": fields, "moved": moved - fields} == {
            kind: {position_id for position_id, item in told.items() if item.change == kind}
            for kind in ("added", "removed", "changed", "moved")
        }
        assert moved == {position_id for position_id, item in told.items() if item.moved}
        counts = (answer.added, answer.removed, answer.changed, answer.moved)
        assert counts == (len(added), len(removed), len(fields), len(moved))
        assert (
            sum(item.cost_effect for item in told.values()) == after.total_cost - before.total_cost == answer.delta_cost
        )
        for section in answer.sections.items:
            assert section.before == cost_below(before, section.section)
            assert section.after == cost_below(after, section.section)
            assert section.cost_effect == section.after - section.before
        assert sum(section.cost_effect for section in answer.sections.items if not section.section) == answer.delta_cost


def cost_below(budget: Budget, section: tuple[str, ...]) -> Decimal:
    inside = (line for line in budget.positions.values() if line.section[: len(section)] == section)
    return sum((line.total_price for line in inside if line.total_price is not None), Decimal(0))


async def test_pages_show_one_version_while_the_budget_changes(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    await shelf.keep_up()
    query = ListPositions(project_id=project_id, limit=2)
    first = await shelf.ask(query)
    edit(shelf, project_id, ids[3], description="changed meanwhile")
    shelf.world.do(RemovePosition(project_id=project_id, position_id=ids[4]), OWNER)
    shelf.world.do(MovePosition(project_id=project_id, position_id=ids[5], after=None), OWNER)
    shelf.world.do(AddPosition(project_id=project_id, position_id=new_id(), fields=Edit()), OWNER)
    await shelf.keep_up()
    rest = await shelf.pages(replaced(query, cursor=first.next_cursor))
    assert [item.position_id for item in [*first.items, *rest]] == ids
    assert {item.description for item in rest} == {"Brick wall", "100 % concrete"}
    assert {item.version for item in [*first.items, *rest]} == {1}
    now = await shelf.pages(query)
    assert [item.position_id for item in now][:4] == [ids[5], *ids[:3]]


async def test_positions_are_found_by_section_words_kind_document_and_version(shelf: Shelf) -> None:
    project_id, document_id = shelf.project(), new_id()
    ids = imported(shelf, project_id)
    others = imported(shelf, project_id, 2, source_document_id=document_id)
    edit(shelf, project_id, ids[0], section=("SO 02",))
    await shelf.keep_up()

    async def found(**filters: Any) -> list[UUID]:
        return [item.position_id for item in await shelf.pages(ListPositions(project_id=project_id, **filters))]

    assert await found(section=("SO 01", "HSV")) == [*ids[1:3], *others]
    assert await found(section='["SO 01", "PSV"]') == ids[3:]
    assert await found(section="SO 02") == ids[:1]
    assert await found(section=("SO 0",)) == []
    assert await found(text="100 %") == [*ids[::2], others[0]]
    assert await found(text="311") == [ids[1], others[1]]
    assert await found(kind="material") == [ids[1], others[1]]
    assert await found(document_id=document_id) == others
    assert await found(version=1, section="SO 02") == []
    assert await found(at="v1") == ids


async def test_a_position_of_another_project_is_not_touched_by_one_of_the_same_id(shelf: Shelf) -> None:
    one, other = shelf.project("one"), shelf.project("other")
    position_id = new_id()
    for project_id, text in ((one, "mine"), (other, "theirs")):
        command = AddPosition(project_id=project_id, position_id=position_id, fields=Edit(description=text))
        shelf.world.do(command, OWNER)
    await shelf.keep_up()
    assert [item.description for item in await shelf.pages(ListPositions(project_id=one))] == ["mine"]


async def test_a_position_tells_all_it_went_through(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    edit(shelf, project_id, ids[1], quantity=Decimal(10))
    edit(shelf, project_id, ids[2], quantity=Decimal(10))
    shelf.world.do(MovePosition(project_id=project_id, position_id=ids[1], after=ids[5]), OWNER)
    end = await shelf.keep_up()
    details = await shelf.ask(GetPosition(project_id=project_id, position_id=ids[1]))
    assert (details.position.quantity, details.position.revision) == (Decimal(10), 3)
    assert [(state.since, state.until, state.trigger) for state in details.history] == [
        (4, None, "user_edit"),
        (2, 4, "user_edit"),
        (1, 2, "initial"),
    ]
    changes = details.history[1].changes
    assert {name: (change.before, change.after) for name, change in changes.items()} == {
        "quantity": (Decimal(1), Decimal(10)),
        "total_price": (Decimal("2.50"), Decimal("25.00")),
    }
    assert details.history[1].changed_by == OWNER
    assert details.history[0].changes == details.history[2].changes == {}
    earlier = await shelf.ask(GetPosition(project_id=project_id, position_id=ids[1], at="v1"))
    assert (earlier.position.quantity, len(earlier.history)) == (Decimal(1), 1)
    shelf.world.do(RemovePosition(project_id=project_id, position_id=ids[1]), OWNER)
    await shelf.keep_up()
    with pytest.raises(UnknownPosition):
        await shelf.ask(GetPosition(project_id=project_id, position_id=ids[1]))
    still = await shelf.ask(GetPosition(project_id=project_id, position_id=ids[1], at=str(end)))
    assert still.position.quantity == Decimal(10)


async def test_versions_are_listed_with_names_as_they_were(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    edit(shelf, project_id, ids[1], quantity=Decimal(3))
    shelf.world.do(NameVersion(project_id=project_id, version=1, name="tender"), OWNER)
    named = await shelf.keep_up()
    shelf.world.do(NameVersion(project_id=project_id, version=1, name="offer"), OWNER)
    edit(shelf, project_id, ids[1], quantity=Decimal(4))
    await shelf.keep_up()
    listed = await shelf.pages(ListVersions(project_id=project_id, limit=2))
    assert [(item.version, item.name, item.trigger, item.delta_cost) for item in listed] == [
        (3, None, "user_edit", Decimal("2.50")),
        (2, None, "user_edit", Decimal("5.00")),
        (1, "offer", "initial", Decimal("37.50")),
    ]
    then = await shelf.pages(ListVersions(project_id=project_id, at=str(named)))
    assert [(item.version, item.name) for item in then] == [(2, None), (1, "tender")]


async def test_a_difference_says_what_moved_and_what_it_costs(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    new = new_id()
    fields = Edit(quantity=Decimal(2), unit_price=Decimal(5))
    shelf.world.do(AddPosition(project_id=project_id, position_id=new, fields=fields), OWNER)
    shelf.world.do(RemovePosition(project_id=project_id, position_id=ids[5]), OWNER)
    shelf.world.do(MovePosition(project_id=project_id, position_id=ids[0], after=ids[2], section=("SO 09",)), OWNER)
    edits = tuple(BulkItem(position_id=ids[n], changes=Edit(description="new")) for n in (1, 2))
    shelf.world.do(BulkEdit(project_id=project_id, edits=edits), OWNER)
    edit(shelf, project_id, ids[2], description="100 % concrete")
    await shelf.keep_up()
    difference = await shelf.ask(DiffVersions(project_id=project_id, a=1, b=6))
    told = {
        item.position_id: (item.change, item.moved, sorted(item.changes), item.cost_effect) for item in difference.items
    }
    assert told == {
        new: ("added", False, [], Decimal("10.00")),
        ids[5]: ("removed", False, [], Decimal("-12.50")),
        ids[0]: ("moved", True, ["section"], Decimal(0)),
        ids[1]: ("changed", False, ["description"], Decimal(0)),
    }
    assert (difference.total_cost_a, difference.delta_cost, difference.currency) == (
        Decimal("37.50"),
        Decimal("-2.50"),
        "CZK",
    )
    assert (difference.added, difference.removed, difference.changed, difference.moved) == (1, 1, 1, 1)
    sums = [(each.section, each.before, each.after, each.cost_effect) for each in difference.sections.items]
    assert sums == [
        ((), Decimal("37.50"), Decimal("35.00"), Decimal("-2.50")),
        (("SO 01",), Decimal("37.50"), Decimal("25.00"), Decimal("-12.50")),
        (("SO 01", "PSV"), Decimal("30.00"), Decimal("17.50"), Decimal("-12.50")),
    ]
    same = await shelf.ask(DiffVersions(project_id=project_id, a=6, b=6))
    assert (same.items, same.sections) == ([], SectionDifferences(items=[], left_out=0))


async def test_what_only_made_room_was_not_moved(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    ranks = dict[UUID, int]()
    for number in range(30):  # halves the room behind the first line until there is none
        ranks = ranks if number > 18 else dict(shelf.world.states[f"budget:{project_id}"].ranks)
        shelf.world.do(AddPosition(project_id=project_id, position_id=new_id(), fields=Edit(), after=ids[0]), OWNER)
    now = shelf.world.states[f"budget:{project_id}"].ranks
    assert any(now[position_id] != rank for position_id, rank in ranks.items())
    await shelf.keep_up()
    told = await shelf.ask(DiffVersions(project_id=project_id, a=19, b=31))
    assert (told.added, told.moved, {item.change for item in told.items}) == (12, 0, {"added"})


async def test_a_version_that_is_not_there_is_refused(shelf: Shelf) -> None:
    project_id = shelf.project()
    imported(shelf, project_id)
    await shelf.keep_up()
    for query in (
        ListPositions(project_id=project_id, version=2),
        ListPositions(project_id=project_id, at="v2"),
        DiffVersions(project_id=project_id, a=1, b=2),
        GetPosition(project_id=project_id, position_id=new_id(), version=7),
    ):
        with pytest.raises(UnknownVersion):
            await shelf.ask(query)


@pytest.mark.parametrize("cursor", ["", "x", "////", "W10", "WzEsMiwzXQ", "é"])
async def test_a_cursor_of_anything_else_is_refused(shelf: Shelf, cursor: str) -> None:
    project_id = shelf.project()
    imported(shelf, project_id)
    await shelf.keep_up()
    with pytest.raises(BadCursor):
        await shelf.ask(ListPositions(project_id=project_id, cursor=cursor))


async def test_a_budget_without_positions_has_an_empty_page(shelf: Shelf) -> None:
    project_id = shelf.project()
    await shelf.keep_up()
    assert await shelf.pages(ListPositions(project_id=project_id)) == []
    assert await shelf.pages(ListVersions(project_id=project_id)) == []


async def test_half_of_a_change_is_never_seen(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    edits = tuple(BulkItem(position_id=position_id, changes=Edit(description="new")) for position_id in ids)
    shelf.world.do(BulkEdit(project_id=project_id, edits=edits), OWNER)
    await shelf.keep_up(but=3)
    assert {item.description for item in await shelf.pages(ListPositions(project_id=project_id))} == {
        "Brick wall",
        "100 % concrete",
    }
    await shelf.keep_up()
    assert {item.description for item in await shelf.pages(ListPositions(project_id=project_id))} == {"new"}


async def test_the_newest_version_is_one_that_all_tables_have_reached(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    await shelf.keep_up()
    edit(shelf, project_id, ids[0], description="new")
    end = await shelf.keep_up(lagging=PROJECTION)
    (first, *_) = await shelf.pages(ListPositions(project_id=project_id))
    assert (first.version, first.description) == (1, "100 % concrete")
    assert (await shelf.answer(ListPositions(project_id=project_id))).position < end


async def test_a_version_that_one_table_has_not_reached_is_waited_for(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    await shelf.keep_up()
    edit(shelf, project_id, ids[0], description="new")
    await shelf.keep_up(lagging=PROJECTION)
    asked = [
        asyncio.create_task(shelf.ask(query))
        for query in (
            ListPositions(project_id=project_id, version=2),
            DiffVersions(project_id=project_id, a=1, b=2),
        )
    ]
    await asyncio.sleep(0.2)
    assert not any(task.done() for task in asked)
    await shelf.keep_up()
    listed, difference = await asyncio.gather(*asked)
    assert listed.items[0].description == "new"
    assert difference.changed == 1
