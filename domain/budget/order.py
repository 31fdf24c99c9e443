"""The order of a budget's positions: ranks with room between them."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from domain.budget.events import RANK_STEP, PositionMoved
from domain.budget.refusals import UnknownPosition
from domain.budget.state import Budget

ROOM = 4
"""The more neighbours are shifted, the further apart they come to stand: so each of many moves to one place shifts
a handful on average."""

Places = Sequence[tuple[UUID, int]]
"""Positions with the ranks that they get."""


def in_order(budget: Budget) -> list[UUID]:
    """List the positions as they stand."""
    return sorted(budget.ranks, key=budget.ranks.__getitem__)


def rank_behind(after: UUID | None, budget: Budget, *, moving: UUID | None = None) -> tuple[int, Places]:
    """Find a rank right behind `after` (first where it is `None`), and the neighbours to shift if there is none.

    A `moving` position that stands there already keeps its rank. Raises `UnknownPosition`.
    """
    if after is not None and after not in budget.positions:
        raise UnknownPosition
    low = 0 if after is None else budget.ranks[after]
    own = 0 if moving is None else budget.ranks[moving]
    if moving is not None and after == moving:
        return own, ()
    high = min((rank for rank in budget.ranks.values() if rank > low and rank != own), default=None)
    if own > low and (high is None or own < high):
        return own, ()
    if high is None:
        return low + RANK_STEP, ()
    if high - low > 1:
        return (low + high) // 2, ()
    return _with_room(low, own, budget)


def _with_room(low: int, own: int, budget: Budget) -> tuple[int, Places]:
    """Shift as few neighbours behind rank `low` as it takes to stand apart; not the one at rank `own`, which moves."""
    behind = sorted(rank for rank in budget.ranks.values() if rank > low and rank != own)
    step, crowd = RANK_STEP, behind
    for count, rank in enumerate(behind):
        apart = (rank - low) // (count + 2)
        if apart >= ROOM * (count + 1):
            step, crowd = apart, behind[:count]
            break
    places = {rank: low + index * step for index, rank in enumerate(crowd, start=2)}
    return low + step, [(key, places[rank]) for key, rank in budget.ranks.items() if rank in places]


def shift(project_id: UUID, shifted: Iterable[tuple[UUID, int]], budget: Budget) -> Iterator[PositionMoved]:
    """Move neighbours to their new ranks. Nobody changed them, so they keep their revisions."""
    for position_id, rank in shifted:
        revision = budget.positions[position_id].revision
        yield PositionMoved(project_id=project_id, position_id=position_id, revision=revision, rank=rank)
