"""Versions: the event that closes each, what changed between two states, and the way back to an earlier one."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs

from domain.budget.commands import BudgetCommand, RestoreVersion
from domain.budget.events import (
    ChangeCounts,
    Changes,
    PositionAdded,
    PositionEdited,
    PositionRemoved,
    Trigger,
    Versioned,
)
from domain.budget.refusals import UnknownVersion
from domain.budget.state import Budget
from domain.core import Event
from domain.position import Position


def restored(command: RestoreVersion, budget: Budget, past: Budget) -> list[Event]:
    """Say what must happen for the budget to be again what `past` was. Raises `UnknownVersion`."""
    check_version(budget, command.version)
    gone = [position for key, position in budget.positions.items() if key not in past.positions]
    back = [position for key, position in past.positions.items() if key not in budget.positions]
    events: list[Event] = [
        PositionRemoved(project_id=command.project_id, position_id=position.position_id) for position in gone
    ]
    events += [
        PositionAdded(
            project_id=command.project_id,
            position=structs.replace(position, revision=budget.removed.get(position.position_id, 0) + 1),
            rank=past.ranks[position.position_id],
        )
        for position in back
    ]
    modified = 0
    for key, before in budget.positions.items():
        if key not in past.positions:
            continue
        changes = difference(before, past.positions[key])
        if budget.ranks[key] != past.ranks[key]:
            changes = structs.replace(changes, rank=past.ranks[key])
        if changes != Changes():
            events.append(edited(command.project_id, before, changes))
            modified += 1
    if not events:
        return []
    closing = versioned(
        command,
        structs.replace(budget, rounding=past.rounding),
        "restore",
        details={"version": command.version},
        cost=past.total_cost - budget.total_cost,
        added=len(back),
        removed=len(gone),
        modified=modified,
    )
    return [*events, closing]


def difference(before: Position, after: Position) -> Changes:
    """Say which fields must change to make one state of a position the other. Identity and revision do not count."""
    changed = {
        field: getattr(after, field)
        for field in Changes.__struct_fields__
        if field != "rank" and getattr(before, field) != getattr(after, field)
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
    command: BudgetCommand,
    budget: Budget,
    trigger: Trigger,
    *,
    details: dict[str, Any] | None = None,
    cost: Decimal = Decimal(0),
    added: int = 0,
    removed: int = 0,
    modified: int = 0,
) -> Versioned:
    """Close the change that a command made: the budget's next version."""
    counts = ChangeCounts(added=added, removed=removed, modified=modified)
    return version_of(command.project_id, budget, trigger, cost=cost, counts=counts, details=details)


def version_of(
    project_id: UUID,
    budget: Budget,
    trigger: Trigger,
    *,
    cost: Decimal,
    counts: ChangeCounts,
    details: dict[str, Any] | None = None,
) -> Versioned:
    """Close a change that costs `cost` more than before: the budget's next version."""
    told = [f"{number} {what}" for what, number in structs.asdict(counts).items() if number]
    return Versioned(
        project_id=project_id,
        version=budget.version + 1,
        trigger=trigger,
        trigger_details=details or {},
        total_positions=len(budget.positions) + counts.added - counts.removed,
        total_cost=budget.total_cost + cost,
        delta_cost=cost,
        currency=budget.currency,
        rounding=budget.rounding,
        summary=", ".join(told) or "nothing but its rounding",
        changes=counts,
    )
