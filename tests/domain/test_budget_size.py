"""A budget of 100,000 positions: what may look at all of them, and how often."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from domain.budget import (
    BUDGET,
    AddPosition,
    Budget,
    BudgetCommand,
    BulkEdit,
    BulkItem,
    Edit,
    EditPosition,
    MovePosition,
    NameVersion,
    RemovePosition,
)
from domain.core import Event
from tests.domain.budgets import D, P, bill, key, line, numbers
from tests.domain.history import context

COUNT = 100_000
IMPORT = bill(*(line(number, "12.3456", "99.99") for number in range(COUNT)))


class Unread(dict[UUID, Any]):
    """A map that may be asked for single keys only."""

    def __iter__(self) -> Iterator[UUID]:
        raise AssertionError("all positions were looked at")

    keys = values = items = copy = __iter__


class Counted(dict[UUID, int]):
    """Ranks that count how many of them are read by walks over all."""

    reads = 0

    def __iter__(self) -> Iterator[UUID]:
        self.reads += len(self)
        return super().__iter__()

    def values(self) -> Any:
        self.reads += len(self)
        return super().values()

    def items(self) -> Any:
        self.reads += len(self)
        return super().items()


def done(command: BudgetCommand, budget: Budget) -> list[Event]:
    events = BUDGET.decide(command, budget, context())
    for event in events:
        BUDGET.evolve(budget, event)
    return events


@pytest.fixture(scope="module")
def large() -> Budget:
    budget = Budget()
    done(IMPORT, budget)
    return budget


@pytest.mark.parametrize(
    "command",
    [
        EditPosition(project_id=P, position_id=key(50_000), changes=Edit(quantity=D(3), section=("SO 01",))),
        BulkEdit(project_id=P, edits=(BulkItem(position_id=key(7), changes=Edit(unit="m")),)),
        RemovePosition(project_id=P, position_id=key(50_001)),
        AddPosition(project_id=P, position_id=key(COUNT + 1), fields=Edit()),
        NameVersion(project_id=P, version=1, name="Tender"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_change_of_one_position_looks_at_no_other(large: Budget, command: BudgetCommand) -> None:
    budget = Budget(
        version=large.version,
        last_rank=large.last_rank,
        total_cost=large.total_cost,
        positions=Unread(large.positions),
        ranks=Unread(large.ranks),
        removed=Unread(),
    )
    assert done(command, budget)


def test_a_move_in_a_large_budget_reads_each_rank_a_few_times_at_most(large: Budget) -> None:
    ranks = Counted(large.ranks)
    budget = structs.replace(large, ranks=ranks)
    for number in numbers(large)[-20:]:
        ranks.reads = 0
        assert done(MovePosition(project_id=P, position_id=key(number)), budget)
        assert ranks.reads <= 3 * COUNT
