"""Versions: the event that closes each, what changed between two states, and the way back to an earlier one."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs

from domain.budget.commands import RestoreVersion
from domain.budget.events import (
    ChangeCounts,
    Changes,
    PositionAdded,
    PositionEdited,
    PositionRemoved,
    Trigger,
    Versioned,
)
from domain.budget.order import in_order
from domain.budget.refusals import UnknownVersion
from domain.budget.state import Budget
from domain.core import Event
from domain.position import EXACT, Position

_NEVER_A_CHANGE = frozenset({"position_id", "revision"})


def restored(command: RestoreVersion, budget: Budget, past: Budget) -> list[Event]:
    """Say what must happen for the budget to be again what `past` was. Raises `UnknownVersion`."""
    check_version(budget, command.version)
    gone = [
        PositionRemoved(project_id=command.project_id, position_id=key)
        for key in budget.positions
        if key not in past.positions
    ]
    back = [
        PositionAdded(
            project_id=command.project_id,
            position=structs.replace(position, revision=budget.removed[key] + 1),
            rank=past.ranks[key],
        )
        for key, position in past.positions.items()
        if key not in budget.positions
    ]
    changed = list(_changed_back(command.project_id, budget, past))
    if not gone and not back and not changed and budget.rounding == past.rounding:
        return []
    closing = versioned(
        command.project_id,
        structs.replace(budget, rounding=past.rounding),
        "restore",
        details={"version": command.version},
        cost=EXACT.subtract(past.total_cost, budget.total_cost),
        added=len(back),
        removed=len(gone),
        modified=len(changed),
    )
    return [*gone, *back, *changed, closing]


def _changed_back(project_id: UUID, budget: Budget, past: Budget) -> Iterator[PositionEdited]:
    reordered = in_order(budget) != in_order(past)
    for key, before in budget.positions.items():
        if key not in past.positions:
            continue
        changes = difference(before, past.positions[key])
        if reordered and budget.ranks[key] != past.ranks[key]:
            changes = structs.replace(changes, rank=past.ranks[key])
        if changes != Changes():
            yield edited(project_id, before, changes)


def difference(before: Position, after: Position) -> Changes:
    """Say which fields must change to make one state of a position the other. Identity and revision do not count."""
    values = zip(Position.__struct_fields__, structs.astuple(before), structs.astuple(after), strict=True)
    changed = {
        field: now for field, was, now in values if was is not now and was != now and field not in _NEVER_A_CHANGE
    }
    return Changes(**changed)


def check_version(budget: Budget, version: int) -> None:
    """Raise `UnknownVersion` for a version that the budget never had."""
    if not 1 <= version <= budget.version:
        raise UnknownVersion(f"The budget has the versions 1 to {budget.version}.")


def edited(project_id: UUID, before: Position, changes: Changes) -> PositionEdited:
    """Change fields of a position."""
    return PositionEdited(
        project_id=project_id, position_id=before.position_id, revision=before.revision + 1, changes=changes
    )


def versioned(
    project_id: UUID,
    budget: Budget,
    trigger: Trigger,
    *,
    details: dict[str, Any] | None = None,
    cost: Decimal = Decimal(0),
    added: int = 0,
    removed: int = 0,
    modified: int = 0,
) -> Versioned:
    """Close a change that costs `cost` more than before: the next version of `budget`."""
    counts = ChangeCounts(added=added, removed=removed, modified=modified)
    told = [f"{number} {what}" for what, number in structs.asdict(counts).items() if number]
    return Versioned(
        project_id=project_id,
        version=budget.version + 1,
        trigger=trigger,
        trigger_details=details or {},
        total_positions=len(budget.positions) + added - removed,
        total_cost=EXACT.add(budget.total_cost, cost),
        delta_cost=cost,
        currency=budget.currency,
        rounding=budget.rounding,
        summary=", ".join(told) or "nothing but its rounding",
        changes=counts,
    )
