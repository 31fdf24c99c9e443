"""Laws of variations: approving is the same as doing it by hand, in one version, or nothing at all."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from domain.budget import (
    BUDGET,
    Addition,
    AddPosition,
    ApproveVariation,
    Budget,
    BudgetCommand,
    BulkItem,
    DraftVariation,
    Edit,
    EditPosition,
    Omission,
    Proposal,
    RemovePosition,
    RestoreVersion,
    SubmitVariation,
    VariationApproved,
    VariationEmpty,
    VariationOutdated,
)
from domain.core import Event
from domain.position import Position
from tests.domain.budgets import P, at_version, bill, key, last, order
from tests.domain.history import LAW, context, decided, fold
from tests.domain.test_budget_history import EDITS, LINES

V = key(0xFA)
SUBMIT, APPROVE = (command(project_id=P, variation_id=V) for command in (SubmitVariation, ApproveVariation))
BILLS = st.lists(LINES, min_size=1, max_size=8, unique_by=lambda line: line.position_id)


@st.composite
def proposals(draw: st.DrawFn) -> tuple[list[Position], Proposal]:
    """Draw a bill, and a proposal that fits it."""
    lines = draw(BILLS)
    there = [line.position_id for line in lines]
    roles = {position_id: draw(st.sampled_from(["keep", "change", "omit"])) for position_id in there}
    changes = [BulkItem(position_id=each, changes=draw(EDITS)) for each in there if roles[each] == "change"]
    omissions = [Omission(position_id=each) for each in there if roles[each] == "omit"]
    additions: list[Addition] = []
    for number in range(draw(st.integers(0, 4))):
        after = draw(st.none() | st.sampled_from([*there, *(each.position_id for each in additions)]))
        additions.append(Addition(position_id=key(100 + number), fields=draw(EDITS), after=after))
    return lines, Proposal(additions=tuple(additions), changes=tuple(changes), omissions=tuple(omissions))


def carried_out(*commands: BudgetCommand, events: list[Event]) -> list[Event]:
    """Carry commands out behind what happened; answer all of it."""
    budget: Budget = fold(BUDGET, events)
    for command in commands:
        happened = decided(BUDGET, budget, command, context())
        budget = fold(BUDGET, happened, budget)
        events = [*events, *happened]
    return events


def by_hand(proposal: Proposal) -> list[BudgetCommand]:
    """Do what it proposes one by one."""
    return [
        *(
            AddPosition(project_id=P, position_id=each.position_id, fields=each.fields, after=each.after)
            for each in proposal.additions
        ),
        *(EditPosition(project_id=P, position_id=each.position_id, changes=each.changes) for each in proposal.changes),
        *(RemovePosition(project_id=P, position_id=each.position_id) for each in proposal.omissions),
    ]


@LAW
@given(drawn=proposals())
def test_approving_is_doing_it_by_hand_in_one_version(drawn: tuple[list[Position], Proposal]) -> None:
    lines, proposal = drawn
    begun = carried_out(bill(*lines), events=[])
    draft = DraftVariation(project_id=P, variation_id=V, name="One", proposal=proposal)
    drafted = carried_out(draft, events=begun)
    try:
        submitted = carried_out(SUBMIT, events=drafted)
    except VariationEmpty:
        assert fold(BUDGET, carried_out(*by_hand(proposal), events=begun)).version == 1
        return
    events = carried_out(APPROVE, events=submitted)
    varied, edited = fold(BUDGET, events), fold(BUDGET, carried_out(*by_hand(proposal), events=begun))
    assert (varied.positions, varied.removed, order(varied)) == (edited.positions, edited.removed, order(edited))
    assert varied.total_cost == edited.total_cost
    assert (varied.version, varied.names) == (2, {2: "One"})
    closing, approved = last(events[len(submitted) : -2]), events[-1]
    assert isinstance(approved, VariationApproved)
    assert approved.cost_effect == closing.delta_cost
    assert Fraction(closing.delta_cost) == Fraction(varied.total_cost) - Fraction(at_version(events, 1).total_cost)
    assert (closing.total_positions, closing.version) == (len(varied.positions), approved.version)


@LAW
@given(drawn=proposals())
def test_what_was_before_an_approval_can_be_restored(drawn: tuple[list[Position], Proposal]) -> None:
    lines, proposal = drawn
    begun = carried_out(bill(*lines), events=[])
    draft = DraftVariation(project_id=P, variation_id=V, name="One", proposal=proposal)
    try:
        events = carried_out(draft, SUBMIT, APPROVE, events=begun)
    except VariationEmpty:
        assume(False)
        return
    for version in (1, 2):
        past, budget = at_version(events, version), fold(BUDGET, events)
        restore = RestoreVersion(project_id=P, version=version)
        events = [*events, *decided(BUDGET, budget, restore, context(looked_up=past))]
        again = fold(BUDGET, events)
        assert unrevised(again) == unrevised(past)
        assert (order(again), again.total_cost) == (order(past), past.total_cost)
        assert again.variations[V].status == "approved"


@LAW
@given(drawn=proposals(), chosen=st.integers(0, 7), edit=EDITS)
def test_it_is_refused_whole_if_one_position_of_it_was_changed(
    drawn: tuple[list[Position], Proposal], chosen: int, edit: Edit
) -> None:
    lines, proposal = drawn
    position_id = lines[chosen % len(lines)].position_id
    draft = DraftVariation(project_id=P, variation_id=V, name="One", proposal=proposal)
    submitted = carried_out(bill(*lines), draft, events=[])
    try:
        submitted = carried_out(SUBMIT, events=submitted)
    except VariationEmpty:
        assume(False)
    meanwhile = EditPosition(project_id=P, position_id=position_id, changes=edit)
    events = carried_out(meanwhile, events=submitted)
    touched = {each.position_id for each in (*proposal.changes, *proposal.omissions)}
    if events != submitted and position_id in touched:
        with pytest.raises(VariationOutdated) as refused:
            carried_out(APPROVE, events=events)
        assert refused.value.extra == {"positions": [position_id]}
    else:
        assert carried_out(APPROVE, events=events) != events


def unrevised(budget: Budget) -> dict[object, Position]:
    return {each: structs.replace(line, revision=1) for each, line in budget.positions.items()}
