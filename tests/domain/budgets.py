"""Budgets for tests: positions, and the histories that commands make."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.budget import (
    BUDGET,
    Budget,
    BudgetCommand,
    ChangeCounts,
    ImportPositions,
    RestoreVersion,
    Trigger,
    Versioned,
)
from domain.core import Event
from domain.position import Position
from tests.domain.history import context, decided, fold

P, FIRST, SECOND = (UUID(int=0xB1D0 + number) for number in range(3))
"""A project, and two documents of it."""

BAD_AMOUNTS = [
    Decimal(text)
    for text in ("NaN", "sNaN", "Infinity", "-Infinity", "1e15", "-1000000000000000.0001", "1e999999", "9e9999999")
]
D = Decimal


def key(number: int) -> UUID:
    """Name a position."""
    return UUID(int=0x9051710 + number)


def line(number: int, quantity: Any = "2", unit_price: Any = "3.50", **fields: Any) -> Position:
    """Make a line of a bill; its code tells it from others."""
    quantity = None if quantity is None else Decimal(quantity)
    unit_price = None if unit_price is None else Decimal(unit_price)
    return Position(
        position_id=key(number),
        code=str(number),
        quantity=quantity,
        unit_price=unit_price,
        source_document_id=FIRST,
        **fields,
    )


def bill(*positions: Position, document: UUID = FIRST, **fields: Any) -> ImportPositions:
    """Import these lines as one document."""
    return ImportPositions(project_id=P, document_id=document, positions=positions, **{"currency": "CZK"} | fields)


def history(*commands: BudgetCommand) -> list[Event]:
    """Carry the commands out one after another, on an empty budget."""
    events: list[Event] = []
    budget = Budget()
    for command in commands:
        past = at_version(events, command.version) if isinstance(command, RestoreVersion) else None
        happened = decided(BUDGET, budget, command, context(looked_up=past))
        budget = fold(BUDGET, happened, budget)
        events += happened
    return events


def at_version(events: Iterable[Event], version: int) -> Budget:
    """Fold a budget as it was when a version was complete."""
    budget = Budget()
    for event in events:
        budget = fold(BUDGET, [event], budget)
        if budget.version == version:
            break
    return budget


def order(budget: Budget) -> list[UUID]:
    """List the positions as they stand."""
    return sorted(budget.positions, key=budget.ranks.__getitem__)


def numbers(budget: Budget) -> list[int]:
    """List the positions as they stand, by their numbers."""
    return [position_id.int - key(0).int for position_id in order(budget)]


def closing(
    version: int, trigger: Trigger, positions: int, total: str, delta: str = "0", *, summary: str = "", **fields: Any
) -> Versioned:
    """Expect this version: its number of positions, its total, and how much more that is than before."""
    counts = {name: fields.pop(name) for name in ("added", "removed", "modified") if name in fields}
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    return Versioned(
        project_id=P,
        version=version,
        trigger=trigger,
        total_positions=positions,
        total_cost=Decimal(total),
        delta_cost=Decimal(delta),
        summary=summary or told,
        changes=ChangeCounts(**counts),
        **{"currency": "CZK"} | fields,
    )


def last(events: Sequence[Event]) -> Versioned:
    """Take the version that closes a change, and check that it is the only one."""
    versions = [event for event in events if isinstance(event, Versioned)]
    assert versions == [events[-1]]
    return versions[0]
