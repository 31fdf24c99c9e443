"""Questions about audits: as they stand, or as they stood at a moment."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from domain.audit import UnknownAudit
from domain.experts.finding import ExpertRole
from domain.experts.rules import RULES
from domain.experts.settings import AuditSettings
from projections import versions
from projections.asking import MEMBERS, Listing, Order, Page, Query, Question, Reading, page_of
from projections.audits import NAME, PROJECTION, AuditRow, Conflict, Counts, Status
from projections.moments import Moment, as_of, position_at

SOURCES = (MEMBERS, NAME, versions.NAME)
_RULES = {rule.id: rule for rule in RULES}


class ListAudits(Listing, frozen=True, kw_only=True, tag="audits.list"):
    """A project's audits, newest first; with `at`, those there were then, as they stood."""

    project_id: UUID
    status: Status | None = None
    at: Moment | None = None


class GetAudit(Query, frozen=True, kw_only=True, tag="audits.get"):
    """One audit; with `at`, as it stood then."""

    project_id: UUID
    audit_id: UUID
    at: Moment | None = None


class AuditItem(Struct, frozen=True, kw_only=True):
    """An audit of `version`. `verdicts` counts positions as they are judged now, `overrides` what people changed.

    `previous` is the audit before, whose overrides went on to count. While it runs, `looked` says how many
    positions were looked at.
    """

    audit_id: UUID
    status: Status
    version: int
    looked: int
    previous: UUID | None
    verdicts: Counts
    overrides: int
    conflicts: tuple[Conflict, ...]
    started_by: str
    started_at: datetime
    started_position: int
    ended_at: datetime | None


class RuleTold(Struct, frozen=True, kw_only=True):
    """A rule of an audit and how often it said what; title and role are null if this program no longer knows it."""

    rule: str
    title: str | None
    expert_role: ExpertRole | None
    counts: Counts


class AuditDetails(AuditItem, frozen=True, kw_only=True):
    """An audit with its rules, in the order of a verdict's `outcomes`, and the parameters that they had.

    `settings` is null for audits from before there were parameters.
    """

    settings: AuditSettings | None
    rules: tuple[RuleTold, ...]


AUDITS = "SELECT a.* FROM read.audits a WHERE a.project_id = %(project_id)s"
ORDER = Order(fields=("started_position",), table="a", descending=True)


async def _list_audits(reading: Reading, query: ListAudits) -> Page[AuditItem]:
    if query.at is not None:
        return await _list_past(reading, query, query.at)
    return await reading.page(
        query,
        AuditItem,
        AUDITS,
        ORDER,
        ("status", "a.status = %(status)s", query.status),
        project_id=query.project_id,
    )


async def _list_past(reading: Reading, query: ListAudits, at: str) -> Page[AuditItem]:
    rows = await _rows_at(reading, query.project_id, at)
    rows.sort(key=lambda row: -row.started_position)
    chosen = [_item(row) for row in rows if query.status in {None, row.status}]
    return page_of(chosen, AuditItem, query, ORDER)


async def _get_audit(reading: Reading, query: GetAudit) -> AuditDetails:
    if query.at is None:
        found = await reading.select(
            AuditRow,
            f"{AUDITS} AND a.audit_id = %(audit_id)s",
            {"audit_id": query.audit_id},
            project_id=query.project_id,
        )
    else:
        past = await _rows_at(reading, query.project_id, query.at)
        found = [row for row in past if row.audit_id == query.audit_id]
    if not found:
        raise UnknownAudit
    (row,) = found
    rules = tuple(_told(rule, row.rule_counts.get(rule, {})) for rule in row.rules)
    return AuditDetails(**structs.asdict(_item(row)), settings=row.settings, rules=rules)


async def _rows_at(reading: Reading, project_id: UUID, at: str) -> list[AuditRow]:
    position = await position_at(reading, project_id, at)
    rows = await as_of(reading, PROJECTION, f"project:{project_id}", position)
    return rows.all(AuditRow)


def _item(row: AuditRow) -> AuditItem:
    return AuditItem(**{name: getattr(row, name) for name in AuditItem.__struct_fields__})


def _told(rule: str, counts: Counts) -> RuleTold:
    known = _RULES.get(rule)
    return RuleTold(rule=rule, title=known and known.title, expert_role=known and known.expert_role, counts=counts)


QUESTIONS = (
    Question(query=ListAudits, result=Page[AuditItem], sources=SOURCES, answer=_list_audits),
    Question(query=GetAudit, result=AuditDetails, sources=SOURCES, answer=_get_audit),
)
