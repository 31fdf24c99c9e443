"""Variations as they are shown: against the budget as it is, and once approved as the version that they became."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from msgspec import structs

from domain.budget import (
    Addition,
    AddPosition,
    ApproveVariation,
    Budget,
    BulkItem,
    DraftVariation,
    Edit,
    EditPosition,
    ImportPositions,
    Omission,
    Proposal,
    RejectVariation,
    RemovePosition,
    RestoreVersion,
    ReviseVariation,
    SubmitVariation,
    UnknownVariation,
    VariationApproved,
    VariationOutdated,
    VariationStatus,
    Versioned,
    WithdrawVariation,
    evolve,
)
from domain.core import Event
from domain.position import Position
from domain.project import UnknownProject
from projections.differences import DiffVersions
from projections.positions import AMOUNTS
from projections.rows import amount
from projections.variation_details import GetVariation, VariationDetail
from projections.variations import ListVariations
from projections.versions import ListVersions
from runtime.ids import new_id
from tests.projections.play import THROUGH_THE_DATABASE, Play, played, steps
from tests.projections.shelf import OUTSIDER, OWNER, Shelf
from tests.projections.test_rows import without_nul


def imported(shelf: Shelf, project_id: UUID) -> list[UUID]:
    """Import lines of 10, 20, 30 and 40 crowns."""
    ids = [new_id() for _ in range(4)]
    positions = tuple(
        Position(
            position_id=each, number=str(place), section=("SO 01",), quantity=Decimal(place), unit_price=Decimal(10)
        )
        for place, each in enumerate(ids, start=1)
    )
    shelf.world.do(ImportPositions(project_id=project_id, document_id=new_id(), positions=positions, currency="CZK"))
    return ids


def drafted(shelf: Shelf, project_id: UUID, ids: list[UUID], name: str = "Wall moved") -> tuple[UUID, UUID]:
    """Propose 5 of 20 behind the first, twice the second, none of the third; give the variation and what is new."""
    variation_id, new = new_id(), new_id()
    fields = Edit(code="new", section=("SO 01",), quantity=Decimal(5), unit_price=Decimal(20))
    proposal = Proposal(
        additions=(Addition(position_id=new, fields=fields, after=ids[0]),),
        changes=(BulkItem(position_id=ids[1], changes=Edit(quantity=Decimal(4))),),
        omissions=(Omission(position_id=ids[2]),),
    )
    draft = DraftVariation(project_id=project_id, variation_id=variation_id, name=name, proposal=proposal)
    shelf.world.do(draft, OWNER)
    return variation_id, new


def told_items(detail: VariationDetail) -> list[tuple[Any, ...]]:
    return [(item.position_id, item.change, sorted(item.changes), item.cost_effect) for item in detail.items]


async def test_it_is_shown_against_the_present_until_it_is_approved(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    variation_id, new = drafted(shelf, project_id, ids)
    of = {"project_id": project_id, "variation_id": variation_id}
    items = [
        (new, "added", [], Decimal(100)),
        (ids[1], "changed", ["quantity", "total_price"], Decimal(20)),
        (ids[2], "removed", [], Decimal(-30)),
    ]
    await shelf.keep_up()
    draft = await shelf.ask(GetVariation(**of))
    assert (draft.number, draft.name, draft.status, draft.revision) == (1, "Wall moved", "draft", 1)
    assert (told_items(draft), draft.cost_effect, draft.against, draft.applies) == (items, Decimal(90), 1, True)
    assert [item.behind for item in draft.items] == [ids[0], None, None]

    shelf.world.do(EditPosition(project_id=project_id, position_id=ids[1], changes=Edit(unit_price=Decimal(11))), OWNER)
    shelf.world.do(RemovePosition(project_id=project_id, position_id=ids[2]), OWNER)
    await shelf.keep_up()
    late = await shelf.ask(GetVariation(**of))
    assert (late.against, late.applies, late.outdated) == (3, False, [ids[1], ids[2]])
    assert [(item.outdated, item.cost_effect) for item in late.items] == [
        (False, Decimal(100)),
        (True, Decimal(22)),
        (True, Decimal(0)),
    ]
    assert (late.items[2].before, late.items[2].after, late.cost_effect) == (None, None, Decimal(122))

    changes = (BulkItem(position_id=ids[1], changes=Edit(quantity=Decimal(4))),)
    additions = shelf.world.states[f"budget:{project_id}"].variations[variation_id].proposal.additions
    shelf.world.do(ReviseVariation(**of, proposal=Proposal(additions=additions, changes=changes)), OWNER)
    shelf.world.do(SubmitVariation(**of), OWNER)
    await shelf.keep_up()
    renewed = await shelf.ask(GetVariation(**of))
    assert (renewed.status, renewed.revision, renewed.applies, renewed.outdated) == ("submitted", 2, True, [])
    assert renewed.cost_effect == Decimal(122)

    shelf.world.do(ApproveVariation(**of), OWNER)
    shelf.world.do(EditPosition(project_id=project_id, position_id=new, changes=Edit(quantity=Decimal(1))), OWNER)
    await shelf.keep_up()
    approved = await shelf.ask(GetVariation(**of))
    assert (approved.status, approved.version, approved.against, approved.applies) == ("approved", 4, 3, False)
    assert (told_items(approved), approved.cost_effect) == (told_items(renewed), Decimal(122))
    assert [(each.before, each.changes) for each in approved.items] == [
        (each.before, each.changes) for each in renewed.items
    ]
    (_, version, *_) = await shelf.pages(ListVersions(project_id=project_id))
    assert (version.name, version.trigger, version.delta_cost) == ("Wall moved", "variation", Decimal(122))
    assert version.trigger_details == {"variation_id": str(variation_id), "number": 1, "name": "Wall moved"}
    difference = await shelf.ask(DiffVersions(project_id=project_id, a=3, b=4))
    assert {item.position_id: (item.change, item.cost_effect) for item in difference.items} == {
        new: ("added", Decimal(100)),
        ids[1]: ("changed", Decimal(22)),
    }


async def test_variations_are_listed_newest_first_by_status(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    made = [drafted(shelf, project_id, ids, name)[0] for name in ("a", "b", "c", "d", "e")]
    of = [{"project_id": project_id, "variation_id": variation_id} for variation_id in made]
    for each in of[:3]:
        shelf.world.do(SubmitVariation(**each), OWNER)
    shelf.world.do(RejectVariation(**of[0], reason="Too dear"), OWNER)
    shelf.world.do(ApproveVariation(**of[1]), OWNER)
    shelf.world.do(WithdrawVariation(**of[3]), OWNER)
    await shelf.keep_up()
    listed = await shelf.pages(ListVariations(project_id=project_id, limit=2))
    assert [(each.number, each.name, each.status, each.version, each.rejection) for each in listed] == [
        (5, "e", "draft", None, None),
        (4, "d", "withdrawn", None, None),
        (3, "c", "submitted", None, None),
        (2, "b", "approved", 2, None),
        (1, "a", "rejected", None, "Too dear"),
    ]
    assert {each.cost_effect for each in listed} == {Decimal(90)}
    assert [each.closed_by for each in listed] == [None, OWNER, None, OWNER, OWNER]
    statuses: tuple[VariationStatus, ...] = ("draft", "withdrawn", "submitted", "approved", "rejected")
    for status, expected in zip(statuses, listed, strict=True):
        assert await shelf.pages(ListVariations(project_id=project_id, status=status)) == [expected]


async def test_one_that_changes_nothing_or_is_closed_does_not_apply(shelf: Shelf) -> None:
    project_id = shelf.project()
    empty = {"project_id": project_id, "variation_id": new_id()}
    shelf.world.do(DraftVariation(**empty, name="Nothing yet"), OWNER)
    await shelf.keep_up()
    told = await shelf.ask(GetVariation(**empty))
    assert (told.against, told.applies, told.items, told.cost_effect) == (0, False, [], Decimal(0))
    ids = imported(shelf, project_id)
    withdrawn = {"project_id": project_id, "variation_id": drafted(shelf, project_id, ids)[0]}
    shelf.world.do(WithdrawVariation(**withdrawn), OWNER)
    await shelf.keep_up()
    told = await shelf.ask(GetVariation(**withdrawn))
    assert (told.status, told.applies, told.outdated, told.cost_effect) == ("withdrawn", False, [], Decimal(90))


async def test_an_id_that_was_taken_meanwhile_is_told(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    variation_id, new = drafted(shelf, project_id, ids)
    shelf.world.do(AddPosition(project_id=project_id, position_id=new, fields=Edit()), OWNER)
    for _ in range(2):
        await shelf.keep_up()
        told = await shelf.ask(GetVariation(project_id=project_id, variation_id=variation_id))
        assert (told.applies, told.outdated) == (False, [new])
        if new in shelf.world.states[f"budget:{project_id}"].positions:
            shelf.world.do(RemovePosition(project_id=project_id, position_id=new), OWNER)


async def test_what_is_nobodys_business_is_unknown(shelf: Shelf) -> None:
    project_id = shelf.project()
    variation_id, _ = drafted(shelf, project_id, imported(shelf, project_id))
    await shelf.keep_up()
    with pytest.raises(UnknownVariation):
        await shelf.ask(GetVariation(project_id=project_id, variation_id=new_id()))
    for query in (
        GetVariation(project_id=project_id, variation_id=variation_id),
        ListVariations(project_id=project_id),
    ):
        with pytest.raises(UnknownProject):
            await shelf.ask(query, OUTSIDER)


@THROUGH_THE_DATABASE
@given(chosen=steps)
async def test_what_is_shown_is_what_would_be_approved_and_what_was(
    shelf: Shelf, chosen: list[tuple[str, int]]
) -> None:
    play = played(chosen)
    for action, seed in chosen:  # more of the same, with lines to vary
        play.act(action if action in {"import", "edit", "restore"} else "vary", seed + 1)
    shelf.world = play.world
    await shelf.keep_up()
    for project_id in play.projects:
        budget = play.budget(project_id)
        for variation_id, variation in budget.variations.items():
            query = GetVariation(project_id=project_id, variation_id=variation_id)
            told: VariationDetail = (await shelf.answer(query, play.people[0], admin=True)).body
            assert (told.status, told.number, told.revision) == (variation.status, variation.number, variation.revision)
            if variation.status == "approved":
                was_approved(told, play.world.events[f"budget:{project_id}"])
            elif variation.status == "submitted":
                would_be_approved(told, play, project_id)


def was_approved(told: VariationDetail, events: list[Event]) -> None:
    """Hold it against the versions around it."""
    assert told.version is not None
    before, after = at_version(events, told.version - 1), at_version(events, told.version)
    assert told.cost_effect == after.total_cost - before.total_cost
    shown = {item.position_id: (item.before, item.after) for item in told.items}
    for position_id in before.positions.keys() | after.positions.keys():
        was, now = stored(before.positions.get(position_id)), stored(after.positions.get(position_id))
        assert shown.get(position_id, (was, was)) == (was, now)


def would_be_approved(told: VariationDetail, play: Play, project_id: UUID) -> None:
    """Hold it against the answer that an approval would get."""
    command = ApproveVariation(project_id=project_id, variation_id=told.variation_id)
    if not told.applies:
        with pytest.raises(VariationOutdated) as refused:
            play.world.decide(command)
        assert refused.value.extra == {"positions": told.outdated}
        return
    approved = play.world.decide(command)[-1]
    assert isinstance(approved, VariationApproved)
    assert (told.outdated, told.cost_effect) == ([], approved.cost_effect)


def at_version(events: list[Event], version: int) -> Budget:
    budget = Budget()
    for event in events:
        if budget.version == version and not isinstance(event, Versioned):
            break
        budget = evolve(budget, event)  # pyright: ignore[reportArgumentType]
    return budget


def stored(position: Position | None) -> Position | None:
    """Give a position as the tables keep it."""
    if position is None:
        return None
    fields = structs.asdict(position)
    return Position(
        **{name: amount(value) if name in AMOUNTS else without_nul(value) for name, value in fields.items()}
    )


async def test_restoring_takes_an_approval_back_and_brings_it_back(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    of = {"project_id": project_id, "variation_id": drafted(shelf, project_id, ids)[0]}
    shelf.world.do(SubmitVariation(**of), OWNER)
    shelf.world.do(ApproveVariation(**of), OWNER)
    for version in (1, 2):
        past = at_version(shelf.world.events[f"budget:{project_id}"], version)
        shelf.world.do(RestoreVersion(project_id=project_id, version=version), OWNER, past)
    await shelf.keep_up()
    for a, b, effect in ((1, 2, 90), (2, 3, -90), (1, 3, 0), (2, 4, 0)):
        told = await shelf.ask(DiffVersions(project_id=project_id, a=a, b=b))
        assert (told.delta_cost, bool(told.items)) == (Decimal(effect), bool(effect))
    assert (await shelf.ask(GetVariation(**of))).status == "approved"
