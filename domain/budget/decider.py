"""What a budget answers to a command. Only reads the state."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import structs

from domain.bill import Rounding
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
    Changes,
    Imported,
    PositionAdded,
    PositionMoved,
    PositionRemoved,
    Trigger,
    VersionNamed,
)
from domain.budget.order import rank_behind, shift
from domain.budget.pricing import (
    added_cost,
    added_position,
    check_edit,
    check_stated,
    cost_of,
    edited_position,
    priced,
)
from domain.budget.refusals import (
    AlreadyImported,
    NothingToImport,
    OtherCurrency,
    PositionIdTaken,
    RevisionConflict,
    TwiceInBulk,
    UnknownPosition,
)
from domain.budget.state import Budget
from domain.budget.variations import decide_variation
from domain.budget.versions import check_version, difference, edited, restored, versioned
from domain.core import Context, Event
from domain.position import EXACT, Position


def decide(command: BudgetCommand, budget: Budget, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    match command:
        case ImportPositions():
            return _import(command, budget)
        case AddPosition():
            return _add(command, budget)
        case EditPosition(project_id=project_id, position_id=position_id, changes=changes):
            edit = BulkItem(position_id=position_id, changes=changes, expected_revision=command.expected_revision)
            return _edit_all(project_id, (edit,), "user_edit", budget)
        case BulkEdit(project_id=project_id, edits=edits, trigger=trigger):
            return _edit_all(project_id, edits, trigger, budget)
        case RemovePosition():
            return _remove(command, budget)
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
        case _:
            return decide_variation(command, budget, context.actor)


def _import(command: ImportPositions, budget: Budget) -> list[Event]:
    """Price the lines as their file rounds; the first file settles the budget's currency and rounding.

    Lines of a later file that rounds otherwise keep to its rounding until all are computed to another one.
    """
    _check_import(command, budget)
    strange = budget.currency and budget.rounding != command.rounding
    own = Rounding(total=command.rounding) if strange else None
    positions = [
        priced(structs.replace(position, rounding=position.rounding or own, revision=1), command.rounding)
        for position in command.positions
    ]
    parts = [
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
    first = structs.replace(budget, currency=command.currency, rounding=command.rounding)
    closing = versioned(
        command.project_id,
        budget if budget.currency else first,
        "document_added" if budget.version else "initial",
        details={"document_id": str(command.document_id)},
        cost=cost_of(positions),
        added=len(positions),
    )
    return [*parts, closing]


def _check_import(command: ImportPositions, budget: Budget) -> None:
    if command.document_id in budget.documents:
        raise AlreadyImported
    if not command.positions:
        raise NothingToImport
    if budget.currency and budget.currency != command.currency:
        raise OtherCurrency(f"The budget is kept in {budget.currency}, this document is in {command.currency}.")
    new: set[UUID] = set()
    for position in command.positions:
        if position.position_id in new:
            raise PositionIdTaken
        _check_new(position.position_id, budget)
        check_stated(position)
        new.add(position.position_id)


def _check_new(position_id: UUID, budget: Budget) -> None:
    if position_id in budget.positions or position_id in budget.removed:
        raise PositionIdTaken


def _add(command: AddPosition, budget: Budget) -> list[Event]:
    _check_new(command.position_id, budget)
    check_edit(command.fields)
    position = added_position(command.position_id, command.fields, budget.rounding)
    last = (budget.last_rank + RANK_STEP, ())
    rank, shifted = last if command.after is None else rank_behind(command.after, budget)
    added = PositionAdded(project_id=command.project_id, position=position, rank=rank)
    closing = versioned(command.project_id, budget, "user_edit", cost=cost_of([position]), added=1)
    return [*shift(command.project_id, shifted, budget), added, closing]


def _edit_all(project_id: UUID, edits: Sequence[BulkItem], trigger: Trigger, budget: Budget) -> list[Event]:
    if len({edit.position_id for edit in edits}) < len(edits):
        raise TwiceInBulk
    changed: list[Event] = []
    cost = Decimal(0)
    for edit in edits:
        check_edit(edit.changes)
        before = _current(budget, edit.position_id, edit.expected_revision)
        after = edited_position(before, edit.changes, budget.rounding)
        changes = difference(before, after)
        if changes != Changes():
            changed.append(edited(project_id, before, changes))
            cost = EXACT.add(cost, added_cost(before, after))
    if not changed:
        return []
    return [*changed, versioned(project_id, budget, trigger, cost=cost, modified=len(changed))]


def _remove(command: RemovePosition, budget: Budget) -> list[Event]:
    position = _current(budget, command.position_id, command.expected_revision)
    gone = PositionRemoved(project_id=command.project_id, position_id=position.position_id)
    cost = EXACT.subtract(Decimal(0), cost_of([position]))
    return [gone, versioned(command.project_id, budget, "user_edit", cost=cost, removed=1)]


def _move(command: MovePosition, budget: Budget) -> list[Event]:
    position = _current(budget, command.position_id, command.expected_revision)
    section = None if command.section == position.section else command.section
    rank, shifted = rank_behind(command.after, budget, moving=command.position_id)
    if rank == budget.ranks[command.position_id] and section is None:
        return []
    moved = PositionMoved(
        project_id=command.project_id,
        position_id=command.position_id,
        revision=position.revision + 1,
        rank=rank,
        section=section,
    )
    closing = versioned(command.project_id, budget, "user_edit", modified=1)
    return [*shift(command.project_id, shifted, budget), moved, closing]


def _recalculate(command: Recalculate, budget: Budget) -> list[Event]:
    rounding = budget.rounding if command.rounding is None else command.rounding
    changed: list[Event] = []
    cost = Decimal(0)
    for before in budget.positions.values():
        after = priced(before if command.rounding is None else structs.replace(before, rounding=None), rounding)
        if (after.total_price, after.rounding) != (before.total_price, before.rounding):
            changed.append(edited(command.project_id, before, difference(before, after)))
            cost = EXACT.add(cost, added_cost(before, after))
    if not changed and rounding == budget.rounding:
        return []
    rounded = structs.replace(budget, rounding=rounding)
    closing = versioned(command.project_id, rounded, "recalculation", cost=cost, modified=len(changed))
    return [*changed, closing]


def _current(budget: Budget, position_id: UUID, expected_revision: int | None) -> Position:
    position = budget.positions.get(position_id)
    if position is None:
        raise UnknownPosition
    if expected_revision is not None and expected_revision != position.revision:
        raise RevisionConflict(current_revision=position.revision, current=position)
    return position
