"""Differences: how any two versions of a budget differ, position by position and field by field."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from domain.budget import Changes, UnknownVersion
from domain.position import EXACT
from projections import positions, versions
from projections.asking import MEMBERS, Listing, Order, Question, Reading
from projections.positions import LINES, Line, in_version
from projections.sections import SectionDifferences, SectionSum, differences_of

Kind = Literal["added", "removed", "changed", "moved"]
Version = Annotated[int, Meta(ge=1)]
COMPARED = tuple(name for name in Changes.__struct_fields__ if name != "rank")
"""The fields that make a difference. A rank only says where a position stands."""


class Change(Struct, frozen=True, kw_only=True):
    """A field's value before and after."""

    before: Any
    after: Any


def changes_between(before: Struct, after: Struct, fields: Iterable[str] = COMPARED) -> dict[str, Change]:
    """Say which of the fields, which both have, differ, and how."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in fields)
    return {name: Change(before=old, after=new) for name, old, new in pairs if old != new}


class DiffVersions(Listing, frozen=True, kw_only=True, tag="versions.diff"):
    """How version `b` of a budget differs from version `a`, which may be the later one."""

    project_id: UUID
    a: Version
    b: Version


class Difference(Struct, frozen=True, kw_only=True):
    """A position that differs. `cost_effect` is what it adds to the total, in the budget's currency.

    `change` is the weightiest of what happened to it: one that is only `moved` stands elsewhere, or in another section,
    and is otherwise as it was. `moved` says so of any; one that made room for another was not moved. `changes` are by
    field.
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
    """How two versions differ: totals, sums by section, counts, and a page of positions in the bill's order.

    A position that was changed and moved counts in both.
    """

    a: int
    b: int
    total_cost_a: Decimal | None
    total_cost_b: Decimal | None
    delta_cost: Decimal | None
    currency: str
    added: int
    removed: int
    changed: int
    moved: int
    sections: SectionDifferences
    items: list[Difference]
    next_cursor: str | None


class _Pair(Struct, frozen=True, kw_only=True):
    position_id: UUID
    rank: int
    before: Line | None
    after: Line | None
    change: Kind
    has_moved: bool
    added: int
    removed: int
    changed: int
    moved: int


class _Total(Struct, frozen=True, kw_only=True):
    version: int
    position: int
    total_cost: Decimal | None
    currency: str


def _row(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in COMPARED if name != "section")


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
    ), pairs AS (
        SELECT position_id, coalesce(b.rank, a.rank) AS rank, a AS before, b AS after,
            coalesce(a.section <> b.section OR (a.rank <> b.rank AND a.revision <> b.revision), false) AS has_moved,
            CASE WHEN a.rank IS NULL THEN 'added' WHEN b.rank IS NULL THEN 'removed'
                WHEN ({_row("a")}) IS DISTINCT FROM ({_row("b")}) THEN 'changed' ELSE 'moved' END AS change
        FROM a FULL JOIN b USING (position_id)
    )
    SELECT pairs.*,
        count(*) FILTER (WHERE change = 'added') OVER () AS added,
        count(*) FILTER (WHERE change = 'removed') OVER () AS removed,
        count(*) FILTER (WHERE change = 'changed') OVER () AS changed,
        count(*) FILTER (WHERE has_moved) OVER () AS moved
    FROM pairs WHERE change <> 'moved' OR has_moved
) p WHERE true
"""  # noqa: S608 - our own text
SECTIONS = f"""
SELECT s.section, coalesce(sum(s.total_price) FILTER (WHERE {in_version("s", "a")}), 0) AS before,
    coalesce(sum(s.total_price) FILTER (WHERE {in_version("s", "b")}), 0) AS after
FROM {LINES} s WHERE ({in_version("s", "a")}) OR ({in_version("s", "b")})
GROUP BY s.section ORDER BY coalesce(min(s.rank) FILTER (WHERE {in_version("s", "b")}), min(s.rank))
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
    sums = await reading.select(SectionSum, SECTIONS, span, project_id=query.project_id)
    before, after = totals[query.a].total_cost, totals[query.b].total_cost
    counted = pairs.items[0] if pairs.items else None
    return VersionsDifference(
        a=query.a,
        b=query.b,
        total_cost_a=before,
        total_cost_b=after,
        delta_cost=None if before is None or after is None else EXACT.subtract(after, before),
        currency=totals[query.b].currency,
        added=counted.added if counted else 0,
        removed=counted.removed if counted else 0,
        changed=counted.changed if counted else 0,
        moved=counted.moved if counted else 0,
        sections=differences_of(sums),
        items=[_difference(pair) for pair in pairs.items],
        next_cursor=pairs.next_cursor,
    )


def _difference(pair: _Pair) -> Difference:
    line = pair.after or pair.before
    if line is None:
        raise AssertionError(f"position {pair.position_id} differs between two versions that both lack it")
    return Difference(
        position_id=pair.position_id,
        rank=pair.rank,
        number=line.number,
        code=line.code,
        description=line.description,
        change=pair.change,
        moved=pair.has_moved,
        changes=changes_between(pair.before, pair.after) if pair.before and pair.after else {},
        cost_effect=EXACT.subtract(_cost(pair.after), _cost(pair.before)),
    )


def _cost(line: Line | None) -> Decimal:
    return (line.total_price if line else None) or Decimal(0)


QUESTIONS = (
    Question(
        query=DiffVersions,
        result=VersionsDifference,
        sources=(MEMBERS, positions.NAME, versions.NAME),
        answer=_diff_versions,
        cached=True,
    ),
)
