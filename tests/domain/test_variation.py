"""Variations: drafted, revised, submitted, then approved as one version of the budget, rejected, or withdrawn."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from domain.budget import (
    BUDGET,
    RANK_STEP,
    Addition,
    AddPosition,
    ApproveVariation,
    BadAmount,
    BudgetCommand,
    BulkItem,
    Changes,
    DraftVariation,
    Edit,
    EditPosition,
    MovePosition,
    Omission,
    PositionAdded,
    PositionEdited,
    PositionRemoved,
    Proposal,
    Recalculate,
    RejectVariation,
    RemovePosition,
    ReviseVariation,
    SubmitVariation,
    TwiceInBulk,
    UnknownVariation,
    VariationApproved,
    VariationClosed,
    VariationDrafted,
    VariationEmpty,
    VariationIdTaken,
    VariationNotSubmitted,
    VariationOutdated,
    VariationRejected,
    VariationRevised,
    VariationRevisedSince,
    VariationSubmitted,
    VariationWithdrawn,
    VersionNamed,
    WithdrawVariation,
)
from domain.core import Command
from domain.position import Position
from tests.domain.budgets import D, P, bill, closing, history, key, line, numbers
from tests.domain.history import BOB, actor, fold

V, W = UUID(int=0x7A1), UUID(int=0x7A2)
IDS: Any = {"project_id": P, "variation_id": V}
IMPORT = bill(line(1), line(2, "4", "10"), line(3, "1", "100"))
"""Lines of 7, 40 and 100 crowns."""
MORE = Edit(quantity=D(6))
PROPOSAL = Proposal(
    additions=(
        Addition(position_id=key(10), fields=Edit(quantity=D(3), unit_price=D(5)), after=key(1)),
        Addition(position_id=key(11), fields=Edit(description="Skirting"), after=key(10)),
    ),
    changes=(BulkItem(position_id=key(2), changes=MORE),),
    omissions=(Omission(position_id=key(3)),),
)
SEEN = structs.replace(
    PROPOSAL,
    changes=(BulkItem(position_id=key(2), changes=MORE, expected_revision=1),),
    omissions=(Omission(position_id=key(3), expected_revision=1),),
)
DRAFT = DraftVariation(**IDS, name="Wall moved", reason="The client asked", proposal=PROPOSAL)
SUBMIT, APPROVE, WITHDRAW = SubmitVariation(**IDS), ApproveVariation(**IDS), WithdrawVariation(**IDS)
REJECT = RejectVariation(**IDS, reason="Too dear")
DRAFTED = VariationDrafted(
    **IDS, number=1, name="Wall moved", reason="The client asked", proposal=SEEN, cost_effect=D(-65)
)
EDITED = EditPosition(project_id=P, position_id=key(2), changes=Edit(description="Other"))


def changing(position_id: UUID, edit: Edit, revision: int | None = None) -> Proposal:
    return Proposal(changes=(BulkItem(position_id=position_id, changes=edit, expected_revision=revision),))


def test_a_draft_has_a_number_and_knows_what_it_saw_and_costs(given: Any) -> None:
    given(BUDGET, *history(IMPORT)).when(DRAFT).then(DRAFTED)
    second = DraftVariation(project_id=P, variation_id=W, name="Second")
    given(BUDGET, *history(IMPORT, DRAFT)).when(second).then(
        VariationDrafted(
            project_id=P, variation_id=W, number=2, name="Second", reason="", proposal=Proposal(), cost_effect=D(0)
        )
    )


def test_a_draft_changes_nothing_in_the_budget() -> None:
    before, after = fold(BUDGET, history(IMPORT)), fold(BUDGET, history(IMPORT, DRAFT, SUBMIT))
    assert after.variations[V].status == "submitted"
    after.variations.clear()
    assert after == before


def test_an_approved_one_is_one_version_of_its_name(given: Any) -> None:
    made = Position(position_id=key(10), source="manual", quantity=D(3), unit_price=D(5), total_price=D("15.00"))
    skirting = Position(position_id=key(11), source="manual", description="Skirting")
    given(BUDGET, *history(IMPORT, DRAFT, SUBMIT)).when(APPROVE).then(
        PositionAdded(project_id=P, position=made, rank=RANK_STEP * 3 // 2),
        PositionAdded(project_id=P, position=skirting, rank=RANK_STEP * 7 // 4),
        PositionEdited(
            project_id=P, position_id=key(2), revision=2, changes=Changes(quantity=D(6), total_price=D("60.00"))
        ),
        PositionRemoved(project_id=P, position_id=key(3)),
        closing(
            2,
            "variation",
            positions=4,
            total="82.00",
            delta="-65.00",
            added=2,
            removed=1,
            modified=1,
            trigger_details={"variation_id": str(V), "number": 1, "name": "Wall moved"},
        ),
        VersionNamed(project_id=P, version=2, name="Wall moved"),
        VariationApproved(**IDS, version=2, cost_effect=D("-65.00")),
    )
    assert numbers(fold(BUDGET, history(IMPORT, DRAFT, SUBMIT, APPROVE))) == [1, 10, 11, 2]


def test_additions_find_room_where_there_is_none() -> None:
    crowd = tuple(Addition(position_id=key(number), fields=Edit(), after=key(1)) for number in range(20, 60))
    draft = DraftVariation(**IDS, name="Many", proposal=Proposal(additions=crowd))
    budget = fold(BUDGET, history(IMPORT, draft, SUBMIT, APPROVE))
    assert numbers(budget) == [1, *range(59, 19, -1), 2, 3]


def test_an_addition_may_stand_behind_what_is_omitted() -> None:
    addition = Addition(position_id=key(9), fields=Edit(), after=key(1))
    proposal = Proposal(additions=(addition,), omissions=(Omission(position_id=key(1)),))
    events = history(IMPORT, DraftVariation(**IDS, name="Other wall", proposal=proposal), SUBMIT, APPROVE)
    assert numbers(fold(BUDGET, events)) == [9, 2, 3]


@pytest.mark.parametrize(
    ("meanwhile", "positions"),
    [
        ((EDITED,), [key(2)]),
        ((RemovePosition(project_id=P, position_id=key(3)), EDITED), [key(2), key(3)]),
        ((RemovePosition(project_id=P, position_id=key(1)),), [key(1)]),
        ((AddPosition(project_id=P, position_id=key(10), fields=Edit()),), [key(10)]),
        (
            (
                AddPosition(project_id=P, position_id=key(10), fields=Edit()),
                RemovePosition(project_id=P, position_id=key(10)),
            ),
            [key(10)],
        ),
        ((MovePosition(project_id=P, position_id=key(2), after=None),), [key(2)]),
    ],
)
def test_an_outdated_one_is_refused_and_names_the_positions(
    given: Any, meanwhile: Sequence[BudgetCommand], positions: list[UUID]
) -> None:
    for commands in ((DRAFT, *meanwhile), (DRAFT, SUBMIT, *meanwhile)):
        deciding = APPROVE if SUBMIT in commands else SUBMIT
        given(BUDGET, *history(IMPORT, *commands)).when(deciding).refused(VariationOutdated, positions=positions)


def test_revising_renews_it_against_the_present(given: Any) -> None:
    events = history(IMPORT, DRAFT, SUBMIT, EDITED)
    renewed = structs.replace(SEEN, changes=(BulkItem(position_id=key(2), changes=MORE, expected_revision=2),))
    given(BUDGET, *events).when(ReviseVariation(**IDS)).then(
        VariationRevised(
            **IDS, revision=2, name="Wall moved", reason="The client asked", proposal=renewed, cost_effect=D("-65.00")
        )
    )
    budget = fold(BUDGET, history(IMPORT, DRAFT, SUBMIT, EDITED, ReviseVariation(**IDS), SUBMIT, APPROVE))
    assert budget.positions[key(2)].description == "Other"
    assert (budget.positions[key(2)].quantity, budget.total_cost, budget.names[3]) == (D(6), D(82), "Wall moved")


def test_what_cannot_be_renewed_names_the_positions(given: Any) -> None:
    gone = RemovePosition(project_id=P, position_id=key(3))
    given(BUDGET, *history(IMPORT, DRAFT, gone)).when(ReviseVariation(**IDS)).refused(
        VariationOutdated, positions=[key(3)]
    )


def test_revising_changes_what_is_given_and_takes_it_back_to_a_draft(given: Any) -> None:
    proposal = changing(key(1), Edit(unit_price=D(4)))
    command = ReviseVariation(**IDS, name="Other", reason="", proposal=proposal, expected_revision=1)
    given(BUDGET, *history(IMPORT, DRAFT, SUBMIT)).when(command).then(
        VariationRevised(
            **IDS,
            revision=2,
            name="Other",
            reason="",
            proposal=changing(key(1), Edit(unit_price=D(4)), revision=1),
            cost_effect=D("1.00"),
        )
    )
    given(BUDGET, *history(IMPORT, DRAFT, SUBMIT, command)).when(APPROVE).refused(VariationNotSubmitted)


def test_nothing_new_is_no_event(given: Any) -> None:
    for events, command in (
        (history(IMPORT, DRAFT), ReviseVariation(**IDS)),
        (history(IMPORT, DRAFT, SUBMIT), ReviseVariation(**IDS, name="Wall moved", proposal=PROPOSAL)),
        (history(IMPORT, DRAFT, SUBMIT), SUBMIT),
        (history(IMPORT, DRAFT, SUBMIT, APPROVE), APPROVE),
        (history(IMPORT, DRAFT, SUBMIT, REJECT), REJECT),
        (history(IMPORT, DRAFT, WITHDRAW), WITHDRAW),
    ):
        given(BUDGET, *events).when(command).then()


def test_it_is_submitted_rejected_and_withdrawn(given: Any) -> None:
    submitted = VariationSubmitted(**IDS, submitted_by=actor(BOB))
    given(BUDGET, *history(IMPORT, DRAFT)).when(SUBMIT, acting=actor(BOB)).then(submitted)
    given(BUDGET, *history(IMPORT, DRAFT, SUBMIT)).when(REJECT).then(VariationRejected(**IDS, reason="Too dear"))
    for commands in ((DRAFT,), (DRAFT, SUBMIT)):
        given(BUDGET, *history(IMPORT, *commands)).when(WITHDRAW).then(VariationWithdrawn(**IDS))


def test_it_is_known_who_submitted_it_last(given: Any) -> None:
    revise = ReviseVariation(**IDS, name="Wall moved again")
    events = [*history(IMPORT, DRAFT, SUBMIT, revise), VariationSubmitted(**IDS, submitted_by=actor(BOB))]
    for decision in (APPROVE, REJECT):
        decided = given(BUDGET, *events).when(decision).events
        assert fold(BUDGET, [*events, *decided]).variations[V].submitted_by == actor(BOB)
    assert fold(BUDGET, [*history(IMPORT, DRAFT), VariationSubmitted(**IDS)]).variations[V].submitted_by == ""


@pytest.mark.parametrize("last", [APPROVE, REJECT, WITHDRAW])
def test_what_is_decided_stays_decided(given: Any, last: Command) -> None:
    events = history(IMPORT, DRAFT, SUBMIT, last)
    for command in (ReviseVariation(**IDS), SUBMIT, APPROVE, REJECT, WITHDRAW):
        if command != last:
            given(BUDGET, *events).when(command).refused(VariationClosed)


def test_a_draft_is_not_decided_on(given: Any) -> None:
    for command in (APPROVE, REJECT):
        given(BUDGET, *history(IMPORT, DRAFT)).when(command).refused(VariationNotSubmitted)


def test_nobody_approves_what_was_revised_behind_their_back(given: Any) -> None:
    events = history(IMPORT, DRAFT, ReviseVariation(**IDS, name="Other"), SUBMIT)
    stale = structs.replace(APPROVE, expected_revision=1)
    given(BUDGET, *events).when(stale).refused(VariationRevisedSince, current_revision=2)
    given(BUDGET, *events).when(ReviseVariation(**IDS, expected_revision=1)).refused(
        VariationRevisedSince, current_revision=2
    )
    assert given(BUDGET, *events).when(structs.replace(APPROVE, expected_revision=2)).events


def test_a_variation_that_is_not_there_is_refused(given: Any) -> None:
    for command in (ReviseVariation(**IDS), SUBMIT, APPROVE, REJECT, WITHDRAW):
        given(BUDGET, *history(IMPORT)).when(command).refused(UnknownVariation)


def test_an_id_is_used_once(given: Any) -> None:
    given(BUDGET, *history(IMPORT, DRAFT, WITHDRAW)).when(DRAFT).refused(VariationIdTaken)


def test_what_no_budget_could_take_is_refused_at_once(given: Any) -> None:
    twice = Proposal(changes=PROPOSAL.changes, omissions=(Omission(position_id=key(2)),))
    fine = changing(key(2), Edit(quantity=D("0.00001")))
    fine_addition = Proposal(additions=(Addition(position_id=key(9), fields=Edit(unit_price=D("NaN"))),))
    for proposal, refusal, extra in (
        (twice, TwiceInBulk, {}),
        (fine, BadAmount, {"field": "quantity"}),
        (fine_addition, BadAmount, {"field": "unit_price"}),
        (changing(key(2), MORE, revision=4), VariationOutdated, {"positions": [key(2)]}),
        (changing(key(99), MORE), VariationOutdated, {"positions": [key(99)]}),
    ):
        for events, command in (
            (history(IMPORT), structs.replace(DRAFT, proposal=proposal)),
            (history(IMPORT, DRAFT), ReviseVariation(**IDS, proposal=proposal)),
        ):
            given(BUDGET, *events).when(command).refused(refusal, **extra)


def test_one_that_would_change_nothing_is_not_submitted(given: Any) -> None:
    for proposal in (Proposal(), changing(key(2), Edit(quantity=D(4)))):
        events = history(IMPORT, structs.replace(DRAFT, proposal=proposal))
        given(BUDGET, *events).when(SUBMIT).refused(VariationEmpty)


def test_an_addition_is_priced_as_the_budget_rounds_when_it_is_approved() -> None:
    half = Proposal(additions=(Addition(position_id=key(9), fields=Edit(quantity=D("0.5"), unit_price=D(1))),))
    draft, rounded = structs.replace(DRAFT, proposal=half), Recalculate(project_id=P, rounding=0)
    events = history(IMPORT, draft, SUBMIT, rounded, APPROVE)
    approved = events[-1]
    assert isinstance(approved, VariationApproved)
    assert (approved.cost_effect, fold(BUDGET, events).total_cost) == (D(1), D(148))
