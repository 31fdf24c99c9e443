"""What a budget answers to commands about variations. An approved one is one version of the budget, all or nothing."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET, structs

from domain.budget.commands import (
    Addition,
    ApproveVariation,
    DraftVariation,
    Proposal,
    RejectVariation,
    ReviseVariation,
    SubmitVariation,
    VariationCommand,
    WithdrawVariation,
)
from domain.budget.events import (
    RANK_STEP,
    Changes,
    PositionAdded,
    PositionEdited,
    PositionRemoved,
    VariationApproved,
    VariationDrafted,
    VariationRejected,
    VariationRevised,
    VariationSubmitted,
    VariationWithdrawn,
    VersionNamed,
)
from domain.budget.order import rank_behind, shift
from domain.budget.proposal import Effect, check_proposal, cost_effect, effects_of, outdated, seen, unseen
from domain.budget.refusals import (
    UnknownVariation,
    VariationClosed,
    VariationEmpty,
    VariationIdTaken,
    VariationNotSubmitted,
    VariationOutdated,
    VariationRevisedSince,
)
from domain.budget.state import Budget, Variation, evolve
from domain.budget.versions import difference, edited, versioned
from domain.core import Event
from domain.position import Position


def decide_variation(command: VariationCommand, budget: Budget, actor: str) -> list[Event]:
    """Answer an actor's command about a variation with what happens, or refuse it."""
    variation = budget.variations.get(command.variation_id)
    if isinstance(command, DraftVariation):
        return _draft(command, budget)
    if variation is None:
        raise UnknownVariation
    ids = {"project_id": command.project_id, "variation_id": command.variation_id}
    match command:
        case ReviseVariation():
            return _revise(command, _open(variation), budget)
        case SubmitVariation():
            submitted = VariationSubmitted(**ids, submitted_by=actor)
            return [submitted] if _may_be_submitted(variation, budget) else []
        case ApproveVariation():
            return [] if variation.status == "approved" else _approve(command, _submitted(variation), budget)
        case RejectVariation(reason=reason):
            if variation.status == "rejected":
                return []
            _submitted(variation)
            return [VariationRejected(**ids, reason=reason)]
        case WithdrawVariation():
            if variation.status == "withdrawn":
                return []
            _open(variation)
            return [VariationWithdrawn(**ids)]


def _open(variation: Variation) -> Variation:
    if variation.status not in {"draft", "submitted"}:
        raise VariationClosed
    return variation


def _submitted(variation: Variation) -> Variation:
    if _open(variation).status == "draft":
        raise VariationNotSubmitted
    return variation


def _draft(command: DraftVariation, budget: Budget) -> list[Event]:
    if command.variation_id in budget.variations:
        raise VariationIdTaken
    check_proposal(command.proposal)
    _check_present(command.proposal, budget)
    drafted = VariationDrafted(
        project_id=command.project_id,
        variation_id=command.variation_id,
        number=len(budget.variations) + 1,
        name=command.name,
        reason=command.reason,
        proposal=seen(command.proposal, budget.positions),
        cost_effect=cost_effect(_effects(command.proposal, budget)),
    )
    return [drafted]


def _revise(command: ReviseVariation, variation: Variation, budget: Budget) -> list[Event]:
    _check_revision(command, variation)
    proposal = unseen(variation.proposal) if command.proposal is UNSET else command.proposal
    check_proposal(proposal)
    _check_present(proposal, budget)
    revised = VariationRevised(
        project_id=command.project_id,
        variation_id=command.variation_id,
        revision=variation.revision + 1,
        name=variation.name if command.name is UNSET else command.name,
        reason=variation.reason if command.reason is UNSET else command.reason,
        proposal=seen(proposal, budget.positions),
        cost_effect=cost_effect(_effects(proposal, budget)),
    )
    said = (revised.name, revised.reason, revised.proposal)
    return [] if said == (variation.name, variation.reason, variation.proposal) else [revised]


def _may_be_submitted(variation: Variation, budget: Budget) -> bool:
    """Say whether there is anything to do. Refuses what could not be approved."""
    if _open(variation).status == "submitted":
        return False
    _check_present(variation.proposal, budget)
    if not any(effect.before != effect.after for effect in _effects(variation.proposal, budget)):
        raise VariationEmpty
    return True


def _approve(command: ApproveVariation, variation: Variation, budget: Budget) -> list[Event]:
    _check_revision(command, variation)
    _check_present(variation.proposal, budget)
    project_id, version = command.project_id, budget.version + 1
    effects = _effects(variation.proposal, budget)
    added = list(_added(project_id, variation.proposal.additions, effects, budget))
    changed = list(_changed(project_id, effects))
    removed = [
        PositionRemoved(project_id=project_id, position_id=effect.position_id)
        for effect in effects
        if effect.after is None
    ]
    cost = cost_effect(effects)
    closing = versioned(
        project_id,
        budget,
        "variation",
        details={
            "variation_id": str(command.variation_id),
            "number": variation.number,
            "name": variation.name,
        },
        cost=cost,
        added=len(variation.proposal.additions),
        removed=len(removed),
        modified=len(changed),
    )
    named = VersionNamed(project_id=project_id, version=version, name=variation.name)
    approved = VariationApproved(
        project_id=project_id, variation_id=command.variation_id, version=version, cost_effect=cost
    )
    return [*added, *changed, *removed, closing, named, approved]


def _check_revision(command: ReviseVariation | ApproveVariation, variation: Variation) -> None:
    if command.expected_revision not in {None, variation.revision}:
        raise VariationRevisedSince(current_revision=variation.revision)


def _check_present(proposal: Proposal, budget: Budget) -> None:
    positions = outdated(proposal, budget.positions, budget.removed)
    if positions:
        raise VariationOutdated(positions=positions)


def _effects(proposal: Proposal, budget: Budget) -> list[Effect]:
    return effects_of(proposal, budget.positions, budget.rounding)


def _added(
    project_id: UUID, additions: Sequence[Addition], effects: Sequence[Effect], budget: Budget
) -> Iterator[Event]:
    """Find each addition its place, on a copy of the budget's order that has those before it."""
    made: dict[UUID, Position] = {effect.position_id: effect.after for effect in effects if effect.after is not None}
    copy = structs.replace(budget, positions=dict(budget.positions), ranks=dict(budget.ranks))
    for addition in additions:
        last = (copy.last_rank + RANK_STEP, ())
        rank, shifted = last if addition.after is None else rank_behind(addition.after, copy)
        added = PositionAdded(project_id=project_id, position=made[addition.position_id], rank=rank)
        for event in [*shift(project_id, shifted, copy), added]:
            copy = evolve(copy, event)
            yield event


def _changed(project_id: UUID, effects: Sequence[Effect]) -> Iterator[PositionEdited]:
    for effect in effects:
        if effect.before is not None and effect.after is not None:
            changes = difference(effect.before, effect.after)
            if changes != Changes():
                yield edited(project_id, effect.before, changes)
