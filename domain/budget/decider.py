"""What a budget answers to a command. Only reads the state."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal
from uuid import UUID

from msgspec import structs

from domain.budget.commands import (
    AddPosition,
    BudgetCommand,
    BulkEdit,
    BulkItem,
    EditPosition,
    ImportPositions,
    MovePosition,
    NameVersion,
    Recalculate,
    RemovePosition,
    RestoreVersion,
)
from domain.budget.events import (
    MOST_POSITIONS_PER_EVENT,
    RANK_STEP,
    ChangeCounts,
    Changes,
    Imported,
    PositionAdded,
    PositionMoved,
    PositionRemoved,
    VersionNamed,
)
from domain.budget.order import rank_behind, shift
from domain.budget.pricing import check_amounts, cost_of, priced
from domain.budget.refusals import (
    AlreadyImported,
    NothingToImport,
    OtherCurrency,
    PositionIdTaken,
    RevisionConflict,
    TwiceInBulk,
    UnknownPosition,
)
from domain.budget.state import Budget, with_edit
from domain.budget.versions import check_version, difference, edited, restored, version_of, versioned
from domain.core import Context, Event
from domain.position import Position, line_total


def decide(command: BudgetCommand, budget: Budget, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    match command:
        case ImportPositions():
            return _import(command, budget)
        case AddPosition():
            return _add(command, budget)
        case EditPosition():
            edit = BulkItem(
                position_id=command.position_id,
                changes=command.changes,
                expected_revision=command.expected_revision,
            )
            return _edit_all(command.project_id, (edit,), "user_edit", budget)
        case BulkEdit(project_id=project_id, edits=edits, trigger=trigger):
            return _edit_all(project_id, edits, trigger, budget)
        case RemovePosition():
            position = _current(budget, command.position_id, command.expected_revision)
            gone = PositionRemoved(project_id=command.project_id, position_id=position.position_id)
            cost = -(position.total_price or Decimal(0))
            return [gone, versioned(command, budget, "user_edit", cost=cost, removed=1)]
        case MovePosition():
            return _move(command, budget)
        case Recalculate():
            return _recalculate(command, budget)
        case RestoreVersion():
            return restored(command, budget, context.given)
        case NameVersion(project_id=project_id, version=version, name=name):
            check_version(budget, version)
            named = VersionNamed(project_id=project_id, version=version, name=name)
            return [] if budget.names.get(version) == name else [named]


def _import(command: ImportPositions, budget: Budget) -> list[Event]:
    if command.document_id in budget.documents:
        raise AlreadyImported
    if not command.positions:
        raise NothingToImport
    if budget.currency and budget.currency != command.currency:
        raise OtherCurrency(f"The budget is kept in {budget.currency}, this document is in {command.currency}.")
    if any(position.position_id in budget.positions for position in command.positions):
        raise PositionIdTaken
    positions = [
        structs.replace(
            position, total_price=line_total(position.quantity, position.unit_price, command.rounding), revision=1
        )
        for position in command.positions
    ]
    parts: list[Event] = [
        Imported(
            project_id=command.project_id,
            document_id=command.document_id,
            part=part,
            first_rank=budget.last_rank + (start + 1) * RANK_STEP,
            positions=tuple(positions[start : start + MOST_POSITIONS_PER_EVENT]),
            declared=command.declared if part == 1 else None,
            currency=command.currency,
            rounding=command.rounding,
        )
        for part, start in enumerate(range(0, len(positions), MOST_POSITIONS_PER_EVENT), start=1)
    ]
    closing = versioned(
        command,
        structs.replace(budget, currency=command.currency, rounding=command.rounding),
        "document_added" if budget.version else "initial",
        details={"document_id": str(command.document_id)},
        cost=cost_of(positions),
        added=len(positions),
    )
    return [*parts, closing]


def _add(command: AddPosition, budget: Budget) -> list[Event]:
    if command.position_id in budget.positions or command.position_id in budget.removed:
        raise PositionIdTaken
    check_amounts(command.fields)
    blank = Position(position_id=command.position_id, source="manual")
    position = priced(with_edit(blank, command.fields), budget.rounding)
    ranked = rank_behind(command.after, budget) if command.after else (budget.last_rank + RANK_STEP, ())
    rank, shifted = ranked
    added = PositionAdded(project_id=command.project_id, position=position, rank=rank)
    closing = versioned(command, budget, "user_edit", cost=cost_of([position]), added=1, modified=len(shifted))
    return [*shift(command.project_id, shifted, budget), added, closing]


def _edit_all(
    project_id: UUID, edits: Sequence[BulkItem], trigger: Literal["user_edit", "chat_modification"], budget: Budget
) -> list[Event]:
    if len({edit.position_id for edit in edits}) < len(edits):
        raise TwiceInBulk
    edits_made: list[Event] = []
    cost = Decimal(0)
    for edit in edits:
        check_amounts(edit.changes)
        before = _current(budget, edit.position_id, edit.expected_revision)
        after = priced(with_edit(before, edit.changes), budget.rounding)
        if (before.quantity, before.unit_price) != (after.quantity, after.unit_price):
            after = structs.replace(after, declared_total=None, material_price=None, assembly_price=None)
        changes = difference(before, after)
        if changes != Changes():
            edits_made.append(edited(project_id, before, changes))
            cost += cost_of([after]) - cost_of([before])
    if not edits_made:
        return []
    return [
        *edits_made,
        version_of(project_id, budget, trigger, cost=cost, counts=ChangeCounts(modified=len(edits_made))),
    ]


def _move(command: MovePosition, budget: Budget) -> list[Event]:
    position = _current(budget, command.position_id, command.expected_revision)
    if command.after == command.position_id:
        return []
    section = command.section if command.section not in {None, position.section} else None
    rank, shifted = rank_behind(command.after, budget, moving=command.position_id)
    moved = PositionMoved(
        project_id=command.project_id,
        position_id=position.position_id,
        revision=position.revision + 1,
        rank=rank,
        section=section,
    )
    closing = versioned(command, budget, "user_edit", modified=1 + len(shifted))
    return [*shift(command.project_id, shifted, budget), moved, closing]


def _recalculate(command: Recalculate, budget: Budget) -> list[Event]:
    rounding = budget.rounding if command.rounding is None else command.rounding
    edits_made: list[Event] = []
    cost = Decimal(0)
    for before in budget.positions.values():
        after = priced(before, rounding)
        if after.total_price != before.total_price:
            edits_made.append(edited(command.project_id, before, difference(before, after)))
            cost += cost_of([after]) - cost_of([before])
    if not edits_made and rounding == budget.rounding:
        return []
    rounded = structs.replace(budget, rounding=rounding)
    return [*edits_made, versioned(command, rounded, "recalculation", cost=cost, modified=len(edits_made))]


def _current(budget: Budget, position_id: UUID, expected_revision: int | None) -> Position:
    position = budget.positions.get(position_id)
    if position is None:
        raise UnknownPosition
    if expected_revision is not None and expected_revision != position.revision:
        raise RevisionConflict(current_revision=position.revision, current=position)
    return position
