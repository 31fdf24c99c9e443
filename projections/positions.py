"""Positions: the lines of every budget as they stand, and as they stood in every earlier version.

No row is copied per version: a row says since which version it holds, a past row also until which.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from msgspec import UNSET, structs

from domain.bill import CodeSystem, ItemKind, ItemRole, Rounding, TakeoffLine
from domain.budget import (
    RANK_STEP,
    Changes,
    Imported,
    PositionAdded,
    PositionEdited,
    PositionMoved,
    PositionRemoved,
    Versioned,
)
from domain.position import Position, PositionSource
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row, amount

NAME = "positions"
AMOUNTS = (
    "quantity",
    "unit_price",
    "material_price",
    "assembly_price",
    "total_price",
    "declared_total",
    "vat_rate",
)

BudgetEvent = Imported | PositionAdded | PositionEdited | PositionRemoved | PositionMoved | Versioned


class Line(Row, frozen=True, kw_only=True):
    """One state of a position, which holds from version `since` on. See `domain.position.Position`.

    `changed_*` say who made it so, when, and at which position of the log.
    """

    project_id: UUID
    position_id: UUID
    rank: int
    revision: int
    number: str
    code: str
    code_system: CodeSystem
    description: str
    category: str
    kind: ItemKind
    role: ItemRole
    section: tuple[str, ...]
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None
    material_price: Decimal | None
    assembly_price: Decimal | None
    total_price: Decimal | None
    declared_total: Decimal | None
    vat_rate: Decimal | None
    notes: tuple[str, ...]
    takeoff: tuple[TakeoffLine, ...]
    source: PositionSource
    source_document_id: UUID | None
    source_sheet: str
    source_line: int
    rounding: Rounding | None
    enrichment: dict[str, Any]
    metadata: dict[str, Any]
    since: int
    changed_by: str
    changed_at: datetime
    changed_position: int


FOREVER = 2**63 - 1
LINE = ", ".join(Line.__struct_fields__)
"""The columns of a line, for statements."""
LINES = f"""(
SELECT {LINE}, {FOREVER} AS until FROM read.positions UNION ALL SELECT {LINE}, until FROM read.past_positions
)"""  # noqa: S608 - our own text
"""All lines, present and past. Conditions belong outside: only then does the planner see through the union."""


def in_version(alias: str, parameter: str) -> str:
    """Write the condition for a project's lines as they stand in the version that `parameter` holds."""
    holds = f"{alias}.since <= %({parameter})s AND {alias}.until > %({parameter})s"
    return f"{alias}.project_id = %(project_id)s AND {holds}"


class PositionRow(Line, frozen=True, kw_only=True):
    """A position of the current version."""

    table: ClassVar = "positions"
    key: ClassVar = ("project_id", "position_id")
    indexes: ClassVar = ("project_id, rank, position_id",)


class PastRow(Line, frozen=True, kw_only=True):
    """A state that a position no longer has: `until` is the first version in which it did not hold any more."""

    table: ClassVar = "past_positions"
    key: ClassVar = ("project_id", "position_id", "since")
    indexes: ClassVar = ("project_id, until",)

    until: int


class BudgetRow(Row, frozen=True, kw_only=True):
    """Which version of a project's budget is complete."""

    table: ClassVar = "budgets"
    key: ClassVar = ("project_id",)

    project_id: UUID
    version: int


def _keys(seen: Seen) -> Touched:
    event: BudgetEvent = seen.event
    match event:
        case PositionEdited() | PositionRemoved() | PositionMoved():
            yield BudgetRow, (event.project_id,)
            yield PositionRow, (event.project_id, event.position_id)
        case Imported() | PositionAdded():
            yield BudgetRow, (event.project_id,)
        case Versioned():
            pass


def _fold(rows: Rows, seen: Seen) -> None:
    event: BudgetEvent = seen.event
    match event:
        case Imported(project_id=project_id, first_rank=first_rank):
            for index, position in enumerate(event.positions):
                _begin(rows, project_id, position, first_rank + index * RANK_STEP, seen)
        case PositionAdded(project_id=project_id, position=position, rank=rank):
            _begin(rows, project_id, position, rank, seen)
        case PositionEdited(revision=revision, changes=changes):
            _change(rows, event, {"revision": revision, **_values(changes)}, seen)
        case PositionMoved(revision=revision, rank=rank, section=section):
            values = {"revision": revision, "rank": rank}
            _change(rows, event, values if section is None else {**values, "section": section}, seen)
        case PositionRemoved(project_id=project_id, position_id=position_id):
            if row := rows.get(PositionRow, project_id, position_id):
                _close(rows, row)
                rows.delete(PositionRow, project_id, position_id)
        case Versioned(project_id=project_id, version=version):
            rows.put(BudgetRow(project_id=project_id, version=version))


def _next_version(rows: Rows, project_id: UUID) -> int:
    """Give the version that is being made: the events of a change come before the `budget.versioned` that closes it."""
    budget = rows.get(BudgetRow, project_id)
    return 1 + (budget.version if budget else 0)


def _begin(rows: Rows, project_id: UUID, position: Position, rank: int, seen: Seen) -> None:
    fields = structs.asdict(position)
    for name in AMOUNTS:
        fields[name] = amount(fields[name])
    rows.put(
        PositionRow(
            **fields,
            project_id=project_id,
            rank=rank,
            since=_next_version(rows, project_id),
            changed_by=seen.actor,
            changed_at=seen.at,
            changed_position=seen.position,
        )
    )


def _change(rows: Rows, event: PositionEdited | PositionMoved, values: dict[str, Any], seen: Seen) -> None:
    row = rows.get(PositionRow, event.project_id, event.position_id)
    if row is None:
        return
    _close(rows, row)
    rows.put(
        structs.replace(
            row,
            **values,
            since=_next_version(rows, event.project_id),
            changed_by=seen.actor,
            changed_at=seen.at,
            changed_position=seen.position,
        )
    )


def _close(rows: Rows, row: PositionRow) -> None:
    """Keep a state that ends. One that began in the very version being made was never seen by anybody."""
    until = _next_version(rows, row.project_id)
    if row.since < until:
        rows.put(PastRow(**structs.asdict(row), until=until))


def _values(changes: Changes) -> dict[str, Any]:
    """Give the fields that an event sets."""
    given = {name: value for name in FIELDS if (value := getattr(changes, name)) is not UNSET}
    return {name: amount(value) if name in AMOUNTS else value for name, value in given.items()}


FIELDS = Changes.__struct_fields__

PROJECTION = Projection(
    name=NAME,
    version=2,
    rows=(PositionRow, PastRow, BudgetRow),
    events=(Imported, PositionAdded, PositionEdited, PositionRemoved, PositionMoved, Versioned),
    keys=_keys,
    fold=_fold,
)
