"""The order of a budget's positions: ranks with room between them."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from domain.budget.events import RANK_STEP, PositionMoved
from domain.budget.refusals import UnknownPosition
from domain.budget.state import Budget
from domain.core import Event


def rank_behind(
    after: UUID | None, budget: Budget, *, moving: UUID | None = None
) -> tuple[int, Sequence[tuple[UUID, int]]]:
    """Find a rank right behind `after` (first where it is `None`), and the neighbours to shift if there is none."""
    if after is not None and after not in budget.positions:
        raise UnknownPosition
    others = sorted((rank, position_id) for position_id, rank in budget.ranks.items() if position_id != moving)
    at = 0 if after is None else next(index for index, (_, key) in enumerate(others) if key == after) + 1
    low = others[at - 1][0] if at else 0
    if at == len(others):
        return low + RANK_STEP, ()
    high = others[at][0]
    if high - low > 1:
        return (low + high) // 2, ()
    shifted = [(key, low + (index + 2) * RANK_STEP) for index, (_, key) in enumerate(others[at:])]
    return low + RANK_STEP, shifted


def shift(project_id: UUID, shifted: Iterable[tuple[UUID, int]], budget: Budget) -> Iterator[Event]:
    """Move neighbours to their new ranks."""
    for position_id, rank in shifted:
        revision = budget.positions[position_id].revision + 1
        yield PositionMoved(project_id=project_id, position_id=position_id, revision=revision, rank=rank)
