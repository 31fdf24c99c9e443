"""What a proposal comes to: the same for whoever looks at it and for whoever approves it. Only reads the budget."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import reduce
from uuid import UUID

from msgspec import Struct, structs

from domain.budget.commands import Proposal
from domain.budget.pricing import added_position, check_edit, cost_of, edited_position
from domain.budget.refusals import TwiceInBulk
from domain.position import EXACT, Position


class Effect(Struct, frozen=True, kw_only=True):
    """What becomes of one position: `before` is `None` for one to add, `after` for one to take out."""

    position_id: UUID
    before: Position | None
    after: Position | None

    @property
    def cost(self) -> Decimal:
        """What it adds to the total."""
        after, before = (cost_of([line] if line else []) for line in (self.after, self.before))
        return EXACT.subtract(after, before)


def check_proposal(proposal: Proposal) -> None:
    """Refuse what no budget could take. Raises `TwiceInBulk`, `BadAmount`."""
    named = named_in(proposal)
    if len(set(named)) < len(named):
        raise TwiceInBulk
    for addition in proposal.additions:
        check_edit(addition.fields)
    for change in proposal.changes:
        check_edit(change.changes)


def named_in(proposal: Proposal) -> list[UUID]:
    """List the positions that are added, changed or taken out."""
    return [each.position_id for each in (*proposal.additions, *proposal.changes, *proposal.omissions)]


def outdated(proposal: Proposal, present: Mapping[UUID, Position], removed: Container[UUID]) -> list[UUID]:
    """List the positions that are not what the proposal saw: changed, gone, or there where it would add one."""
    return list(dict.fromkeys(_outdated(proposal, present, removed)))


def _outdated(proposal: Proposal, present: Mapping[UUID, Position], removed: Container[UUID]) -> Iterator[UUID]:
    added = set[UUID]()
    for addition in proposal.additions:
        if addition.position_id in present or addition.position_id in removed:
            yield addition.position_id
        if addition.after is not None and addition.after not in present and addition.after not in added:
            yield addition.after
        added.add(addition.position_id)
    for item in (*proposal.changes, *proposal.omissions):
        position = present.get(item.position_id)
        if position is None or item.expected_revision not in {None, position.revision}:
            yield item.position_id


def seen(proposal: Proposal, present: Mapping[UUID, Position]) -> Proposal:
    """Note the revisions of the positions as they are, all of which are there."""
    return _noting(proposal, lambda position_id: present[position_id].revision)


def unseen(proposal: Proposal) -> Proposal:
    """Forget which revisions were seen."""
    return _noting(proposal, lambda _: None)


def _noting(proposal: Proposal, revision: Callable[[UUID], int | None]) -> Proposal:
    return structs.replace(
        proposal,
        changes=tuple(structs.replace(each, expected_revision=revision(each.position_id)) for each in proposal.changes),
        omissions=tuple(
            structs.replace(each, expected_revision=revision(each.position_id)) for each in proposal.omissions
        ),
    )


def effects_of(proposal: Proposal, present: Mapping[UUID, Position], rounding: int) -> list[Effect]:
    """Say what becomes of each position, in the proposal's order. One that is gone already is left out."""
    return [
        *(
            Effect(
                position_id=each.position_id,
                before=None,
                after=added_position(each.position_id, each.fields, rounding),
            )
            for each in proposal.additions
        ),
        *(
            Effect(position_id=each.position_id, before=before, after=edited_position(before, each.changes, rounding))
            for each in proposal.changes
            if (before := present.get(each.position_id)) is not None
        ),
        *(
            Effect(position_id=each.position_id, before=before, after=None)
            for each in proposal.omissions
            if (before := present.get(each.position_id)) is not None
        ),
    ]


def cost_effect(effects: Iterable[Effect]) -> Decimal:
    """Say how much all of it adds to the total, exactly."""
    return reduce(EXACT.add, (effect.cost for effect in effects), Decimal(0))
