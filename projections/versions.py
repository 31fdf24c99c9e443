"""Versions of budgets: what made each, and what it comes to."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.budget import ChangeCounts, Trigger, UnknownVersion, Versioned, VersionNamed
from projections.asking import CHECKPOINT, MEMBERS, Listing, Order, Page, Question, Reading
from projections.moments import Moment, position_at
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row, amount

NAME = "versions"


class Naming(Struct, frozen=True, kw_only=True):
    """A name that a version was given, and where in the log."""

    name: str
    position: int


class VersionRow(Row, frozen=True, kw_only=True):
    """A version of a project's budget: its totals after the change that made it. The last of `names` counts."""

    table: ClassVar = "versions"
    key: ClassVar = ("project_id", "version")
    indexes: ClassVar = ("project_id, position",)

    project_id: UUID
    version: int
    position: int
    at: datetime
    actor: str
    command_id: UUID | None
    trigger: Trigger
    trigger_details: dict[str, Any]
    total_positions: int
    total_cost: Decimal | None
    delta_cost: Decimal | None
    currency: str
    rounding: int
    summary: str
    changes: ChangeCounts
    names: tuple[Naming, ...] = ()


def _keys(seen: Seen) -> Touched:
    if isinstance(seen.event, VersionNamed):
        yield VersionRow, (seen.event.project_id, seen.event.version)


def _fold(rows: Rows, seen: Seen) -> None:
    event: Versioned | VersionNamed = seen.event
    if isinstance(event, VersionNamed):
        if row := rows.get(VersionRow, event.project_id, event.version):
            rows.put(structs.replace(row, names=(*row.names, Naming(name=event.name, position=seen.position))))
        return
    rows.put(
        VersionRow(
            project_id=event.project_id,
            version=event.version,
            position=seen.position,
            at=seen.at,
            actor=seen.actor,
            command_id=seen.command_id,
            trigger=event.trigger,
            trigger_details=event.trigger_details,
            total_positions=event.total_positions,
            total_cost=amount(event.total_cost),
            delta_cost=amount(event.delta_cost),
            currency=event.currency,
            rounding=event.rounding,
            summary=event.summary,
            changes=event.changes,
        )
    )


PROJECTION = Projection(
    name=NAME, version=1, rows=(VersionRow,), events=(Versioned, VersionNamed), keys=_keys, fold=_fold
)


class ListVersions(Listing, frozen=True, kw_only=True, tag="versions.list"):
    """The versions of a project's budget, newest first; with `at`, those that there were then."""

    project_id: UUID
    at: Moment | None = None


class VersionItem(Struct, frozen=True, kw_only=True):
    """A version: who made it when, by what (`trigger`), and what the budget came to, in `currency`."""

    version: int
    name: str | None
    position: int
    at: datetime
    actor: str
    command_id: UUID | None
    trigger: Trigger
    trigger_details: dict[str, Any]
    total_positions: int
    total_cost: Decimal | None
    delta_cost: Decimal | None
    currency: str
    rounding: int
    summary: str
    changes: ChangeCounts


class _Head(Struct, frozen=True):
    version: int
    position: int


NEWEST = f"""
SELECT version, position FROM read.versions WHERE project_id = %(project_id)s
    AND version = coalesce(%(version)s, version) AND position <= coalesce(%(upto)s, position)
    AND (%(version)s::bigint IS NOT NULL OR position <= {CHECKPOINT})
ORDER BY version DESC LIMIT 1
"""  # noqa: S608 - our own text
VERSIONS = (
    "SELECT v.*, (SELECT n ->> 'name' FROM jsonb_array_elements(v.names) WITH ORDINALITY t (n, i)"
    " WHERE (n -> 'position')::bigint <= coalesce(%(upto)s, 9223372036854775807) ORDER BY i DESC LIMIT 1) AS name"
    " FROM read.versions v WHERE v.project_id = %(project_id)s"
)


async def version_at(reading: Reading, project_id: UUID, *, version: int | None, at: str | None) -> int:
    """Say which version a query means: the one it names, the one there was `at` a moment, or the newest.

    All tables that the query reads know it: the newest is the newest that all have reached, a named one is waited for.
    0 before the first one. Checks the viewer's right to the project. Raises `UnknownVersion`.
    """
    upto = await _upto(reading, project_id, at)
    found = await reading.select(_Head, NEWEST, {"version": version, "upto": upto}, project_id=project_id)
    if not found:
        if version is not None:
            raise UnknownVersion
        return 0
    if found[0].position > reading.position:
        await reading.reach(found[0].position)
    return found[0].version


async def _upto(reading: Reading, project_id: UUID, at: str | None) -> int | None:
    if at is None:
        return None
    position = await position_at(reading, project_id, at)
    await reading.reach(position)
    return position


async def _list_versions(reading: Reading, query: ListVersions) -> Page[VersionItem]:
    upto = await _upto(reading, query.project_id, query.at)
    return await reading.page(
        query,
        VersionItem,
        VERSIONS,
        Order(fields=("version",), table="v", descending=True),
        ("upto", "v.position <= %(upto)s", upto),
        project_id=query.project_id,
    )


QUESTIONS = (Question(query=ListVersions, result=Page[VersionItem], sources=(MEMBERS, NAME), answer=_list_versions),)
