"""Budgets: the positions of a project and every version they went through. One per project.

Every change makes exactly one version, closed by `budget.versioned`. Optimistic locking is per position:
edits of different positions never conflict.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from domain.bill import BillSection, CodeSystem, ItemKind, TakeoffLine
from domain.core import Aggregate, Command, Context, Event, Name, Refused, Text
from domain.position import EXACT, Position, PositionSource, line_total

Trigger = Literal["initial", "document_added", "user_edit", "chat_modification", "recalculation", "restore"]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Revision = Annotated[int, Meta(ge=1)]

MOST_POSITIONS_PER_EVENT = 200
MOST_EDITS = 5_000
LARGEST = Decimal(10) ** 15
RANK_STEP = 1_000_000
"""Distance between neighbours' ranks: leaves room to move positions between them."""


class Edit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """New values for some fields of a position; fields left out stay as they are, `null` empties a number."""

    number: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    code: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    category: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    kind: ItemKind | UnsetType = UNSET
    section: tuple[str, ...] | UnsetType = UNSET
    quantity: Decimal | UnsetType | None = UNSET
    unit: Annotated[str, Meta(max_length=50)] | UnsetType = UNSET
    unit_price: Decimal | UnsetType | None = UNSET
    vat_rate: Decimal | UnsetType | None = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    enrichment: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Changes(Edit, frozen=True, kw_only=True, omit_defaults=True):
    """What an event changes: an edit, what follows from it, and what only a restore brings back."""

    code_system: CodeSystem | UnsetType = UNSET
    material_price: Decimal | UnsetType | None = UNSET
    assembly_price: Decimal | UnsetType | None = UNSET
    total_price: Decimal | UnsetType | None = UNSET
    declared_total: Decimal | UnsetType | None = UNSET
    takeoff: tuple[TakeoffLine, ...] | UnsetType = UNSET
    source: PositionSource | UnsetType = UNSET
    source_document_id: UUID | UnsetType | None = UNSET
    source_sheet: str | UnsetType = UNSET
    source_line: int | UnsetType = UNSET
    rank: int | UnsetType = UNSET


class ImportPositions(Command, frozen=True, kw_only=True, tag="budget.import_positions"):
    """Add the positions of a document that was read, as one version. Once per document."""

    project_id: UUID
    document_id: UUID
    positions: tuple[Position, ...]
    sections: tuple[BillSection, ...] = ()
    currency: Currency
    rounding: Annotated[int, Meta(ge=0, le=6)] = 2
    declared_total: Decimal | None = None


class AddPosition(Command, frozen=True, kw_only=True, tag="position.add"):
    """Add a position behind the last one, or behind `after`."""

    project_id: UUID
    position_id: UUID
    fields: Edit
    after: UUID | None = None


class EditPosition(Command, frozen=True, kw_only=True, tag="position.edit"):
    """Change some fields of a position. With `expected_revision`, only if nobody changed it since."""

    project_id: UUID
    position_id: UUID
    changes: Edit
    expected_revision: Revision | None = None


class RemovePosition(Command, frozen=True, kw_only=True, tag="position.remove"):
    """Take a position out. With `expected_revision`, only if nobody changed it since."""

    project_id: UUID
    position_id: UUID
    expected_revision: Revision | None = None


class MovePosition(Command, frozen=True, kw_only=True, tag="position.move"):
    """Put a position behind another, or first where `after` is null; into another section if one is named."""

    project_id: UUID
    position_id: UUID
    after: UUID | None = None
    section: tuple[str, ...] | None = None
    expected_revision: Revision | None = None


class BulkItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of many edits made together."""

    position_id: UUID
    changes: Edit
    expected_revision: Revision | None = None


class BulkEdit(Command, frozen=True, kw_only=True, tag="budget.bulk_edit"):
    """Change many positions as one version: all of them, or none."""

    project_id: UUID
    edits: Annotated[tuple[BulkItem, ...], Meta(min_length=1, max_length=MOST_EDITS)]
    trigger: Literal["user_edit", "chat_modification"] = "user_edit"


class Recalculate(Command, frozen=True, kw_only=True, tag="budget.recalculate"):
    """Compute every line total again, to another number of decimals if one is named."""

    project_id: UUID
    rounding: Annotated[int, Meta(ge=0, le=6)] | None = None


class RestoreVersion(Command, frozen=True, kw_only=True, tag="budget.restore_version"):
    """Make the budget what it was at a version. That is a new version; nothing is forgotten."""

    project_id: UUID
    version: Annotated[int, Meta(ge=1)]


class NameVersion(Command, frozen=True, kw_only=True, tag="budget.name_version"):
    """Give a version a name that people can find it by."""

    project_id: UUID
    version: Annotated[int, Meta(ge=1)]
    name: Name


class Imported(Event, frozen=True, kw_only=True, tag="budget.imported"):
    """Up to 200 positions of a document, ranked from `first_rank` on. Its sections come with the first part."""

    project_id: UUID
    document_id: UUID
    part: int
    first_rank: int
    positions: tuple[Position, ...]
    sections: tuple[BillSection, ...] = ()
    currency: str
    rounding: int = 2
    declared_total: Decimal | None = None


class PositionAdded(Event, frozen=True, kw_only=True, tag="position.added"):
    """A position is new, or back."""

    project_id: UUID
    position: Position
    rank: int


class PositionEdited(Event, frozen=True, kw_only=True, tag="position.edited"):
    """Fields of a position have other values."""

    project_id: UUID
    position_id: UUID
    revision: int
    changes: Changes


class PositionRemoved(Event, frozen=True, kw_only=True, tag="position.removed"):
    """A position is gone from this version on."""

    project_id: UUID
    position_id: UUID


class PositionMoved(Event, frozen=True, kw_only=True, tag="position.moved"):
    """A position stands elsewhere."""

    project_id: UUID
    position_id: UUID
    revision: int
    rank: int
    section: tuple[str, ...] | None = None


class ChangeCounts(Struct, frozen=True, kw_only=True):
    """How many positions a version added, removed and modified."""

    added: int = 0
    removed: int = 0
    modified: int = 0


class Versioned(Event, frozen=True, kw_only=True, tag="budget.versioned"):
    """A change is complete: this is what the budget comes to now."""

    project_id: UUID
    version: int
    trigger: Trigger
    trigger_details: dict[str, Any] = {}
    total_positions: int
    total_cost: Decimal
    delta_cost: Decimal
    currency: str = ""
    rounding: int = 2
    summary: str = ""
    changes: ChangeCounts


class VersionNamed(Event, frozen=True, kw_only=True, tag="budget.version_named"):
    """A version can be found by a name."""

    project_id: UUID
    version: int
    name: str


class ImportedDocument(Struct, frozen=True, kw_only=True):
    """What a document declared about the positions that came from it."""

    sections: tuple[BillSection, ...] = ()
    declared_total: Decimal | None = None


class Budget(Struct, kw_only=True):
    """The state of a budget.

    Mutable on purpose: `evolve` updates the maps in place, because copying 100,000 positions for each event
    would cost the square. Whoever folds owns the state; `decide` only reads it.
    """

    version: int = 0
    currency: str = ""
    rounding: int = 2
    total_cost: Decimal = Decimal(0)
    positions: dict[UUID, Position] = {}
    ranks: dict[UUID, int] = {}
    last_rank: int = 0
    removed: dict[UUID, int] = {}
    """Revisions of removed positions: one that comes back goes on counting."""
    documents: dict[UUID, ImportedDocument] = {}
    names: dict[int, str] = {}


class AlreadyImported(Refused):
    """This document's positions are in the budget already."""

    code = "budget.already_imported"


class NothingToImport(Refused):
    """The document has no positions."""

    code = "budget.nothing_to_import"


class OtherCurrency(Refused):
    """The budget is kept in another currency, and currencies are never added together."""

    code = "budget.other_currency"


class UnknownPosition(Refused):
    """There is no such position in the budget, or it was removed."""

    code = "position.unknown"
    kind = "unknown"


class PositionIdTaken(Refused):
    """Another position has this id."""

    code = "position.id_taken"


class RevisionConflict(Refused):
    """Somebody changed this position since you read it."""

    code = "revision_conflict"


class BadAmount(Refused):
    """A number is not finite, too large, or has too many decimals."""

    code = "position.bad_amount"
    kind = "invalid"


class UnknownVersion(Refused):
    """The budget has no such version."""

    code = "budget.unknown_version"
    kind = "unknown"


class TwiceInBulk(Refused):
    """A bulk edit names a position twice."""

    code = "budget.twice_in_bulk"
    kind = "invalid"


BudgetCommand = (
    ImportPositions
    | AddPosition
    | EditPosition
    | RemovePosition
    | MovePosition
    | BulkEdit
    | Recalculate
    | RestoreVersion
    | NameVersion
)
BudgetEvent = Imported | PositionAdded | PositionEdited | PositionRemoved | PositionMoved | Versioned | VersionNamed


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
            return [gone, _versioned(command, budget, "user_edit", cost=cost, removed=1)]
        case MovePosition():
            return _move(command, budget)
        case Recalculate():
            return _recalculate(command, budget)
        case RestoreVersion():
            return _restore(command, budget, context.given)
        case NameVersion(project_id=project_id, version=version, name=name):
            _known_version(budget, version)
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
            sections=command.sections if part == 1 else (),
            currency=command.currency,
            rounding=command.rounding,
            declared_total=command.declared_total if part == 1 else None,
        )
        for part, start in enumerate(range(0, len(positions), MOST_POSITIONS_PER_EVENT), start=1)
    ]
    closing = _versioned(
        command,
        structs.replace(budget, currency=command.currency, rounding=command.rounding),
        "document_added" if budget.version else "initial",
        details={"document_id": str(command.document_id)},
        cost=_cost(positions),
        added=len(positions),
    )
    return [*parts, closing]


def _add(command: AddPosition, budget: Budget) -> list[Event]:
    if command.position_id in budget.positions or command.position_id in budget.removed:
        raise PositionIdTaken
    _check_amounts(command.fields)
    blank = Position(position_id=command.position_id, source="manual")
    position = _priced(_apply(blank, command.fields), budget.rounding)
    ranked = _rank_behind(command.after, budget) if command.after else (budget.last_rank + RANK_STEP, ())
    rank, shifted = ranked
    added = PositionAdded(project_id=command.project_id, position=position, rank=rank)
    closing = _versioned(command, budget, "user_edit", cost=_cost([position]), added=1, modified=len(shifted))
    return [*_shift(command.project_id, shifted, budget), added, closing]


def _edit_all(
    project_id: UUID, edits: Sequence[BulkItem], trigger: Literal["user_edit", "chat_modification"], budget: Budget
) -> list[Event]:
    if len({edit.position_id for edit in edits}) < len(edits):
        raise TwiceInBulk
    edited: list[Event] = []
    cost = Decimal(0)
    for edit in edits:
        _check_amounts(edit.changes)
        before = _current(budget, edit.position_id, edit.expected_revision)
        after = _priced(_apply(before, edit.changes), budget.rounding)
        if (before.quantity, before.unit_price) != (after.quantity, after.unit_price):
            after = structs.replace(after, declared_total=None, material_price=None, assembly_price=None)
        changes = difference(before, after)
        if changes != Changes():
            edited.append(_edited(project_id, before, changes))
            cost += _cost([after]) - _cost([before])
    if not edited:
        return []
    return [*edited, _version(project_id, budget, trigger, cost=cost, counts=ChangeCounts(modified=len(edited)))]


def _move(command: MovePosition, budget: Budget) -> list[Event]:
    position = _current(budget, command.position_id, command.expected_revision)
    if command.after == command.position_id:
        return []
    section = command.section if command.section not in {None, position.section} else None
    rank, shifted = _rank_behind(command.after, budget, moving=command.position_id)
    moved = PositionMoved(
        project_id=command.project_id,
        position_id=position.position_id,
        revision=position.revision + 1,
        rank=rank,
        section=section,
    )
    closing = _versioned(command, budget, "user_edit", modified=1 + len(shifted))
    return [*_shift(command.project_id, shifted, budget), moved, closing]


def _rank_behind(
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


def _shift(project_id: UUID, shifted: Iterable[tuple[UUID, int]], budget: Budget) -> Iterator[Event]:
    for position_id, rank in shifted:
        revision = budget.positions[position_id].revision + 1
        yield PositionMoved(project_id=project_id, position_id=position_id, revision=revision, rank=rank)


def _recalculate(command: Recalculate, budget: Budget) -> list[Event]:
    rounding = budget.rounding if command.rounding is None else command.rounding
    edited: list[Event] = []
    cost = Decimal(0)
    for before in budget.positions.values():
        after = _priced(before, rounding)
        if after.total_price != before.total_price:
            edited.append(_edited(command.project_id, before, difference(before, after)))
            cost += _cost([after]) - _cost([before])
    if not edited and rounding == budget.rounding:
        return []
    rounded = structs.replace(budget, rounding=rounding)
    return [*edited, _versioned(command, rounded, "recalculation", cost=cost, modified=len(edited))]


def _restore(command: RestoreVersion, budget: Budget, past: Budget) -> list[Event]:
    _known_version(budget, command.version)
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
            events.append(_edited(command.project_id, before, changes))
            modified += 1
    if not events:
        return []
    closing = _versioned(
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


def _current(budget: Budget, position_id: UUID, expected_revision: int | None) -> Position:
    position = budget.positions.get(position_id)
    if position is None:
        raise UnknownPosition
    if expected_revision is not None and expected_revision != position.revision:
        raise RevisionConflict(current_revision=position.revision, current=position)
    return position


def _known_version(budget: Budget, version: int) -> None:
    if not 1 <= version <= budget.version:
        raise UnknownVersion(f"The budget has the versions 1 to {budget.version}.")


def _check_amounts(edit: Edit) -> None:
    limits = (("quantity", edit.quantity, 4), ("unit_price", edit.unit_price, 4), ("vat_rate", edit.vat_rate, 2))
    for field, amount, decimals in limits:
        if not isinstance(amount, Decimal):
            continue
        if not amount.is_finite() or abs(amount) >= LARGEST:
            raise BadAmount(f"{field} must be a finite number below {LARGEST:f}.", field=field)
        if amount != round(amount, decimals):
            raise BadAmount(f"{field} has more than {decimals} decimals.", field=field)


def _apply(position: Position, edit: Edit) -> Position:
    given = {field: value for field, value in structs.asdict(edit).items() if value is not UNSET and field != "rank"}
    return structs.replace(position, **given)


def _priced(position: Position, decimals: int) -> Position:
    return structs.replace(position, total_price=line_total(position.quantity, position.unit_price, decimals))


def _cost(positions: Iterable[Position]) -> Decimal:
    totals = (position.total_price for position in positions if position.total_price is not None)
    return reduce(EXACT.add, totals, Decimal(0))


def _edited(project_id: UUID, before: Position, changes: Changes) -> PositionEdited:
    return PositionEdited(
        project_id=project_id, position_id=before.position_id, revision=before.revision + 1, changes=changes
    )


def _versioned(
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
    counts = ChangeCounts(added=added, removed=removed, modified=modified)
    return _version(command.project_id, budget, trigger, cost=cost, counts=counts, details=details)


def _version(
    project_id: UUID,
    budget: Budget,
    trigger: Trigger,
    *,
    cost: Decimal,
    counts: ChangeCounts,
    details: dict[str, Any] | None = None,
) -> Versioned:
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


def evolve(budget: Budget, event: BudgetEvent) -> Budget:
    """Apply what happened, in place. Never fails."""
    match event:
        case Imported():
            _take_in(budget, event)
        case PositionAdded(position=position, rank=rank):
            _put(budget, position, rank)
            budget.removed.pop(position.position_id, None)
        case PositionEdited(position_id=position_id, revision=revision, changes=changes):
            position = budget.positions[position_id]
            budget.positions[position_id] = structs.replace(_apply(position, changes), revision=revision)
            if changes.rank is not UNSET:
                budget.ranks[position_id] = changes.rank
        case PositionMoved(position_id=position_id, revision=revision, rank=rank, section=section):
            position = structs.replace(budget.positions[position_id], revision=revision)
            position = position if section is None else structs.replace(position, section=section)
            _put(budget, position, rank)
        case PositionRemoved(position_id=position_id):
            budget.removed[position_id] = budget.positions.pop(position_id).revision
            del budget.ranks[position_id]
        case Versioned():
            budget.version = event.version
            budget.total_cost = event.total_cost
            budget.currency = event.currency
            budget.rounding = event.rounding
        case VersionNamed(version=version, name=name):
            budget.names[version] = name
    return budget


def _take_in(budget: Budget, event: Imported) -> None:
    for index, position in enumerate(event.positions):
        _put(budget, position, event.first_rank + index * RANK_STEP)
    if event.part == 1:
        declared = ImportedDocument(sections=event.sections, declared_total=event.declared_total)
        budget.documents[event.document_id] = declared


def _put(budget: Budget, position: Position, rank: int) -> None:
    budget.positions[position.position_id] = position
    budget.ranks[position.position_id] = rank
    budget.last_rank = max(budget.last_rank, rank)


BUDGET = Aggregate(
    name="budget",
    key="project_id",
    feed="project",
    feed_key="project_id",
    commands=(
        ImportPositions,
        AddPosition,
        EditPosition,
        RemovePosition,
        MovePosition,
        BulkEdit,
        Recalculate,
        RestoreVersion,
        NameVersion,
    ),
    events=(Imported, PositionAdded, PositionEdited, PositionRemoved, PositionMoved, Versioned, VersionNamed),
    state=Budget,
    decide=decide,
    evolve=evolve,
)
