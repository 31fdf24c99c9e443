"""Analyses: the cache tables of contracts and property papers, who is attached to what, and how well they serve."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct, structs
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from domain.analysis import (
    AnalysisCompleted,
    AnalysisEvent,
    AnalysisFailed,
    AnalysisKind,
    Attached,
    Detached,
    Evicted,
    Requested,
    Retried,
    UnknownAnalysis,
)
from domain.core import Refused
from projections.asking import Listing, Order, Page, Query, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

NAME = "analyses"
Status = Literal["running", "completed", "failed", "stopped"]


class AnalysisRow(Row, frozen=True, kw_only=True):
    """An analysis in the cache. `hits` found it there or under way, `misses` began work; `accesses` are all claims."""

    key: ClassVar = ("analysis_id",)
    indexes: ClassVar = ("USING gin (attached)", "last_accessed")

    analysis_id: UUID
    content_hash: str
    status: Status = "running"
    attached: tuple[UUID, ...] = ()
    result_hash: str | None = None
    found: dict[str, int] = {}
    missing: tuple[str, ...] = ()
    language: str = ""
    pages: int = 0
    error_code: str | None = None
    error: str | None = None
    hits: int = 0
    misses: int = 0
    accesses: int = 0
    created_at: datetime
    last_accessed: datetime
    last_updated: datetime


class ContractRow(AnalysisRow, frozen=True, kw_only=True):
    """A contract."""

    table: ClassVar = "contract_analyses"


class PropertyRow(AnalysisRow, frozen=True, kw_only=True):
    """A paper about a property."""

    table: ClassVar = "property_data"


class CacheRow(Row, frozen=True, kw_only=True):
    """How one kind's cache has served so far, with all that is no longer in it."""

    table: ClassVar = "analysis_caches"
    key: ClassVar = ("kind",)

    kind: AnalysisKind
    hits: int = 0
    misses: int = 0
    accesses: int = 0
    evicted: int = 0
    last_updated: datetime


ROW: Mapping[AnalysisKind, type[AnalysisRow]] = {"contract": ContractRow, "property": PropertyRow}


def _keys(seen: Seen) -> Touched:
    event: AnalysisEvent = seen.event
    yield ROW[event.kind], (event.analysis_id,)
    yield CacheRow, (event.kind,)


def _fold(rows: Rows, seen: Seen) -> None:
    event: AnalysisEvent = seen.event
    row_type = ROW[event.kind]
    row = rows.get(row_type, event.analysis_id)
    _count(rows, seen, event)
    if isinstance(event, Evicted):
        rows.delete(row_type, event.analysis_id)
        return
    if row is None:
        if not isinstance(event, Requested | Retried):
            return
        content_hash = event.content_hash
        at = seen.at
        row = row_type(
            analysis_id=event.analysis_id, content_hash=content_hash, created_at=at, last_accessed=at, last_updated=at
        )
    rows.put(structs.replace(row, last_updated=seen.at, **_changes(row, event, seen)))


def _changes(row: AnalysisRow, event: AnalysisEvent, seen: Seen) -> dict[str, Any]:
    match event:
        case Requested() | Retried():
            return {"status": "running", "misses": row.misses + 1, "error_code": None, "error": None}
        case Attached(account_id=account_id, hit=hit):
            others = (each for each in row.attached if each != account_id)
            return {
                "attached": (*others, account_id),
                "hits": row.hits + hit,
                "accesses": row.accesses + 1,
                "last_accessed": seen.at,
            }
        case Detached(account_id=account_id, stops=stops):
            left = tuple(each for each in row.attached if each != account_id)
            return {"attached": left, "status": "stopped" if stops else row.status}
        case AnalysisCompleted():
            return {
                "status": "completed",
                "result_hash": event.result_hash,
                "found": event.found,
                "missing": event.missing,
                "language": event.language,
                "pages": event.pages,
            }
        case AnalysisFailed(error_code=error_code, error=error):
            return {"status": "failed", "error_code": error_code, "error": error}
        case Evicted():
            return {}


def _count(rows: Rows, seen: Seen, event: AnalysisEvent) -> None:
    cache = rows.get(CacheRow, event.kind) or CacheRow(kind=event.kind, last_updated=seen.at)
    claimed = isinstance(event, Attached)
    rows.put(
        structs.replace(
            cache,
            hits=cache.hits + (isinstance(event, Attached) and event.hit),
            misses=cache.misses + isinstance(event, Requested | Retried),
            accesses=cache.accesses + claimed,
            evicted=cache.evicted + isinstance(event, Evicted),
            last_updated=seen.at,
        )
    )


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(ContractRow, PropertyRow, CacheRow),
    events=(Requested, Attached, Detached, Retried, AnalysisCompleted, AnalysisFailed, Evicted),
    keys=_keys,
    fold=_fold,
)


class AdministratorsOnly(Refused):
    """Only administrators of the installation may see or clean up its caches."""

    code = "cache.administrators_only"
    kind = "forbidden"


class ListAnalyses(Listing, frozen=True, kw_only=True, tag="analyses.list"):
    """The analyses that the asking account is attached to; by kind or status."""

    kind: AnalysisKind | None = None
    status: Status | None = None


class GetAnalysis(Query, frozen=True, kw_only=True, tag="analyses.get"):
    """One analysis that the asking account is attached to; an administrator sees any."""

    analysis_id: UUID


class AnalysisItem(Struct, frozen=True, kw_only=True):
    """An analysis. `found` counts the facts of each field, `missing` names the fields that there are none of."""

    analysis_id: UUID
    kind: AnalysisKind
    content_hash: str
    status: Status
    found: dict[str, int]
    missing: tuple[str, ...]
    language: str
    pages: int
    error_code: str | None
    error: str | None
    created_at: datetime
    last_updated: datetime


class GetCacheStats(Query, frozen=True, kw_only=True, tag="cache.stats"):
    """How the caches of analyses serve. For administrators."""


class _Counts(Struct, frozen=True, kw_only=True):
    total: int
    completed: int
    hits: int
    misses: int
    accesses: int
    evicted: int


class CacheStats(_Counts, frozen=True, kw_only=True):
    """One cache: what is in it now, and how it served since the log began. `hit_rate` is in percent of all requests."""

    hit_rate: float
    last_updated: datetime | None


class Efficiency(Struct, frozen=True, kw_only=True):
    """Both caches together. `hit_rate` is in percent; `saved` counts the analyses that nobody had to work out again."""

    total: int
    hits: int
    misses: int
    hit_rate: float
    saved: int


class AllCacheStats(Struct, frozen=True, kw_only=True):
    """Both caches, and what follows from them."""

    contracts: CacheStats
    properties: CacheStats
    efficiency: Efficiency
    last_updated: datetime | None


class Stale(Struct, frozen=True, kw_only=True):
    """A cached analysis that nobody asked for lately, with how often it was asked for before."""

    analysis_id: UUID
    kind: AnalysisKind
    uses: int


BOTH = (
    "(SELECT *, 'contract' AS kind FROM read.contract_analyses"
    " UNION ALL SELECT *, 'property' AS kind FROM read.property_data) a"
)
MINE = f"SELECT a.* FROM {BOTH} WHERE a.attached @> to_jsonb(ARRAY[%(viewer)s::text])"  # noqa: S608 - our own text
ONE = (
    f"SELECT a.* FROM {BOTH} WHERE a.analysis_id = %(analysis_id)s"  # noqa: S608 - our own text
    " AND (%(admin)s OR a.attached @> to_jsonb(ARRAY[%(viewer)s::text]))"
)
STALE = (
    f"SELECT a.analysis_id, a.kind, a.accesses AS uses FROM {BOTH}"  # noqa: S608 - our own text
    " WHERE a.status <> 'running' AND a.last_accessed <= %(since)s ORDER BY a.last_accessed, a.analysis_id"
)
STATS = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, (SELECT count(*) FROM read.{row.table}) AS total,"  # noqa: S608 - our own text
    f" (SELECT count(*) FROM read.{row.table} WHERE status = 'completed') AS completed,"
    " coalesce(sum(hits), 0) AS hits, coalesce(sum(misses), 0) AS misses, coalesce(sum(accesses), 0) AS accesses,"
    " coalesce(sum(evicted), 0) AS evicted, max(last_updated) AS last_updated"
    f" FROM read.analysis_caches WHERE kind = '{kind}'"
    for kind, row in ROW.items()
)


class _Counted(_Counts, frozen=True, kw_only=True):
    kind: AnalysisKind
    last_updated: datetime | None


async def _list_analyses(reading: Reading, query: ListAnalyses) -> Page[AnalysisItem]:
    return await reading.page(
        query,
        AnalysisItem,
        MINE,
        Order(fields=("created_at", "analysis_id"), table="a", descending=True),
        ("kind", "a.kind = %(kind)s", query.kind),
        ("status", "a.status = %(status)s", query.status),
    )


async def _get_analysis(reading: Reading, query: GetAnalysis) -> AnalysisItem:
    found = await reading.select(AnalysisItem, ONE, {"analysis_id": query.analysis_id})
    if not found:
        raise UnknownAnalysis
    return found[0]


async def _stats(reading: Reading, query: GetCacheStats) -> AllCacheStats:  # noqa: ARG001 - it asks for everything
    _administrators_only(reading)
    counted = {each.kind: each for each in await reading.select(_Counted, STATS, {})}
    contracts, properties = _shown(counted["contract"]), _shown(counted["property"])
    hits, misses = contracts.hits + properties.hits, contracts.misses + properties.misses
    return AllCacheStats(
        contracts=contracts,
        properties=properties,
        efficiency=Efficiency(
            total=contracts.total + properties.total,
            hits=hits,
            misses=misses,
            hit_rate=_percent(hits, misses),
            saved=hits,
        ),
        last_updated=max((at for at in (contracts.last_updated, properties.last_updated) if at), default=None),
    )


async def unused_since(pool: AsyncConnectionPool[Any], moment: datetime) -> list[Stale]:
    """Give what stands in the caches and nobody asked for since, the oldest first. Not a query of people."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Stale)) as cursor:
        await cursor.execute(STALE.encode(), {"since": moment})
        return await cursor.fetchall()


def _administrators_only(reading: Reading) -> None:
    if reading.account_id and not reading.viewer.admin:
        raise AdministratorsOnly


def _shown(counted: _Counted) -> CacheStats:
    fields = structs.asdict(counted)
    del fields["kind"]
    return CacheStats(**fields, hit_rate=_percent(counted.hits, counted.misses))


def _percent(hits: int, misses: int) -> float:
    return round(100 * hits / (hits + misses), 1) if hits + misses else 0.0


QUESTIONS = (
    Question(query=ListAnalyses, result=Page[AnalysisItem], sources=(NAME,), answer=_list_analyses),
    Question(query=GetAnalysis, result=AnalysisItem, sources=(NAME,), answer=_get_analysis),
    Question(query=GetCacheStats, result=AllCacheStats, sources=(NAME,), answer=_stats),
)
