"""Differences: how any two versions of a budget differ, position by position and field by field."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from domain.budget import Changes, UnknownVersion
from projections import positions, versions
from projections.asking import MEMBERS, Listing, Order, Question, Reading
from projections.positions import LINES, Line, in_version

Kind = Literal["added", "removed", "changed"]
Version = Annotated[int, Meta(ge=1)]
COMPARED = tuple(name for name in Changes.__struct_fields__ if name != "rank")
"""The fields that make a difference. A rank only says where a position stands."""


class Change(Struct, frozen=True, kw_only=True):
    """A field's value before and after."""

    before: Any
    after: Any


def changes_between(before: Line, after: Line) -> dict[str, Change]:
    """Say which fields differ, and how."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in COMPARED)
    return {name: Change(before=old, after=new) for name, old, new in pairs if old != new}


class DiffVersions(Listing, frozen=True, kw_only=True, tag="versions.diff"):
    """How version `b` of a budget differs from version `a`, which may be the later one."""

    project_id: UUID
    a: Version
    b: Version


class Difference(Struct, frozen=True, kw_only=True):
    """A position that differs. `cost_effect` is what it adds to the total, in the budget's currency.

    `changes` are those of a changed position, by field; `moved`: it stands elsewhere.
    """

    position_id: UUID
    rank: int
    number: str
    code: str
    description: str
    change: Kind
    moved: bool
    changes: dict[str, Change]
    cost_effect: Decimal


class VersionsDifference(Struct, frozen=True, kw_only=True):
    """How two versions differ: their totals, how many positions differ, and a page of these in the bill's order."""

    a: int
    b: int
    total_cost_a: Decimal | None
    total_cost_b: Decimal | None
    delta_cost: Decimal | None
    currency: str
    added: int
    removed: int
    changed: int
    items: list[Difference]
    next_cursor: str | None


class _Pair(Struct, frozen=True, kw_only=True):
    position_id: UUID
    rank: int
    before: Line | None
    after: Line | None
    added: int
    removed: int
    changed: int


class _Total(Struct, frozen=True, kw_only=True):
    version: int
    position: int
    total_cost: Decimal | None
    currency: str


def _row(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in ("rank", *COMPARED))


PAIRS = f"""
SELECT p.* FROM (
    WITH touched AS (
        SELECT position_id FROM read.positions
        WHERE project_id = %(project_id)s AND since > %(low)s AND since <= %(high)s
        UNION SELECT position_id FROM read.past_positions
        WHERE project_id = %(project_id)s AND until > %(low)s AND since <= %(high)s
    ), a AS (
        SELECT s.* FROM touched JOIN {LINES} s USING (position_id) WHERE {in_version("s", "a")}
    ), b AS (
        SELECT s.* FROM touched JOIN {LINES} s USING (position_id) WHERE {in_version("s", "b")}
    )
    SELECT position_id, coalesce(b.rank, a.rank) AS rank, a AS before, b AS after,
        count(*) FILTER (WHERE a.rank IS NULL) OVER () AS added,
        count(*) FILTER (WHERE b.rank IS NULL) OVER () AS removed,
        count(*) FILTER (WHERE a.rank IS NOT NULL AND b.rank IS NOT NULL) OVER () AS changed
    FROM a FULL JOIN b USING (position_id) WHERE ({_row("a")}) IS DISTINCT FROM ({_row("b")})
) p WHERE true
"""  # noqa: S608 - our own text
TOTALS = (
    "SELECT version, position, total_cost, currency FROM read.versions"
    " WHERE project_id = %(project_id)s AND version IN (%(a)s, %(b)s)"
)


async def _diff_versions(reading: Reading, query: DiffVersions) -> VersionsDifference:
    span = {"a": query.a, "b": query.b, "low": min(query.a, query.b), "high": max(query.a, query.b)}
    found = await reading.select(_Total, TOTALS, span, project_id=query.project_id)
    totals = {total.version: total for total in found}
    if not {query.a, query.b} <= totals.keys():
        raise UnknownVersion
    await reading.reach(max(total.position for total in found))
    order = Order(fields=("rank", "position_id"), table="p")
    pairs = await reading.page(query, _Pair, PAIRS, order, project_id=query.project_id, **span)
    before, after = totals[query.a].total_cost, totals[query.b].total_cost
    return VersionsDifference(
        a=query.a,
        b=query.b,
        total_cost_a=before,
        total_cost_b=after,
        delta_cost=None if before is None or after is None else after - before,
        currency=totals[query.b].currency,
        added=pairs.items[0].added if pairs.items else 0,
        removed=pairs.items[0].removed if pairs.items else 0,
        changed=pairs.items[0].changed if pairs.items else 0,
        items=[_difference(pair) for pair in pairs.items],
        next_cursor=pairs.next_cursor,
    )


def _difference(pair: _Pair) -> Difference:
    match pair.before, pair.after:
        case None, Line() as line:
            return _told(pair, line, "added")
        case Line() as line, None:
            return _told(pair, line, "removed")
        case Line() as before, Line() as after:
            moved = (before.rank, before.section) != (after.rank, after.section)
            return _told(pair, after, "changed", moved=moved, changes=changes_between(before, after))
        case _:
            raise AssertionError(f"position {pair.position_id} differs between two versions that both lack it")


def _told(
    pair: _Pair, line: Line, change: Kind, *, moved: bool = False, changes: dict[str, Change] | None = None
) -> Difference:
    return Difference(
        position_id=pair.position_id,
        rank=pair.rank,
        number=line.number,
        code=line.code,
        description=line.description,
        change=change,
        moved=moved,
        changes=changes or {},
        cost_effect=_cost(pair.after) - _cost(pair.before),
    )


def _cost(line: Line | None) -> Decimal:
    return (line.total_price if line else None) or Decimal(0)


QUESTIONS = (
    Question(
        query=DiffVersions,
        result=VersionsDifference,
        sources=(MEMBERS, positions.NAME, versions.NAME),
        answer=_diff_versions,
    ),
)
