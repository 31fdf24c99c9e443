"""Findings: what the rules object to, with their evidence, beside the lines that they speak of."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.audit import FindingsRecorded, UnknownAudit
from domain.experts.finding import ExpertRole, Finding, Issue, Suggestion, Verdict
from projections import audits, positions
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

NAME = "findings"


class FindingRow(Row, frozen=True, kw_only=True):
    """A finding of an audit, numbered as it was recorded: `part` and place in it. See `domain.experts`."""

    table: ClassVar = "findings"
    key: ClassVar = ("audit_id", "part", "place")
    indexes: ClassVar = ("audit_id, position_id",)

    audit_id: UUID
    part: int
    place: int
    project_id: UUID
    rule: str
    expert_role: ExpertRole
    recommendation: Verdict
    reasoning: str
    position_id: UUID | None
    section: tuple[str, ...]
    confidence: int
    evidence: dict[str, str]
    issues: tuple[Issue, ...]
    suggestions: tuple[Suggestion, ...]


FIELDS = tuple(name for name in Finding.__struct_fields__ if name in FindingRow.__struct_fields__)


def _keys(seen: Seen) -> Touched:  # noqa: ARG001 - findings are written once and never read by the fold
    return ()


def _fold(rows: Rows, seen: Seen) -> None:
    event: FindingsRecorded = seen.event
    ids = {"audit_id": event.audit_id, "part": event.part, "project_id": event.project_id}
    for place, finding in enumerate(event.findings):
        said = {name: getattr(finding, name) for name in FIELDS}
        rows.put(FindingRow(**ids, place=place, **said))


PROJECTION = Projection(name=NAME, version=1, rows=(FindingRow,), events=(FindingsRecorded,), keys=_keys, fold=_fold)


class ListFindings(Listing, frozen=True, kw_only=True, tag="findings.list"):
    """What an audit found, in the order of the bill; without `audit_id`, the latest completed one."""

    project_id: UUID
    audit_id: UUID | None = None
    verdict: Verdict | None = None
    rule: str | None = None
    expert_role: ExpertRole | None = None
    position_id: UUID | None = None


class FindingItem(Struct, frozen=True, kw_only=True):
    """A finding beside the line that it speaks of, as that was in the audited version.

    Without a position it is about the section at path `section`, or about the whole bill when that is empty too.
    """

    audit_id: UUID
    part: int
    place: int
    rule: str
    expert_role: ExpertRole
    recommendation: Verdict
    reasoning: str
    position_id: UUID | None
    section: tuple[str, ...]
    confidence: int
    evidence: dict[str, str]
    issues: tuple[Issue, ...]
    suggestions: tuple[Suggestion, ...]
    number: str | None
    code: str | None
    description: str | None
    source_sheet: str | None
    source_line: int | None
    total_price: Decimal | None


class _Audit(Struct, frozen=True):
    audit_id: UUID
    version: int


FINDINGS = f"""
SELECT f.*, p.number, p.code, p.description, p.source_sheet, p.source_line, p.total_price
FROM read.findings f LEFT JOIN {positions.LINES} p ON p.position_id = f.position_id
    AND {positions.in_version("p", "version")}
WHERE f.project_id = %(project_id)s AND f.audit_id = %(audit_id)s
"""  # noqa: S608 - our own text
AUDIT = """
SELECT audit_id, version FROM read.audits WHERE project_id = %(project_id)s
    AND CASE WHEN %(audit_id)s::uuid IS NULL THEN status = 'completed' ELSE audit_id = %(audit_id)s END
ORDER BY started_position DESC LIMIT 1
"""


async def list_findings(reading: Reading, query: ListFindings) -> Page[FindingItem]:
    """Answer the query; an audit that is not there is refused, having none yet is an empty page."""
    chosen = await reading.select(_Audit, AUDIT, {"audit_id": query.audit_id}, project_id=query.project_id)
    if not chosen:
        if query.audit_id is not None:
            raise UnknownAudit
        return Page(items=())
    return await reading.page(
        query,
        FindingItem,
        FINDINGS,
        Order(fields=("part", "place"), table="f", pinned=("audit_id",)),
        ("verdict", "f.recommendation = %(verdict)s", query.verdict),
        ("rule", "f.rule = %(rule)s", query.rule),
        ("expert_role", "f.expert_role = %(expert_role)s", query.expert_role),
        ("position_id", "f.position_id = %(position_id)s", query.position_id),
        project_id=query.project_id,
        **structs.asdict(chosen[0]),
    )


QUESTIONS = (
    Question(
        query=ListFindings,
        result=Page[FindingItem],
        sources=(MEMBERS, NAME, audits.NAME, positions.NAME),
        answer=list_findings,
        cached=True,
    ),
)
