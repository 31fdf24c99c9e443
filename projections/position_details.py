"""One position in full: its line, what the audit says of it rule by rule, and all it went through."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.budget import Trigger, UnknownPosition
from domain.experts.finding import ExpertRole, Verdict
from domain.experts.orchestrator import verdict_of
from domain.experts.rules import RULES
from projections import audits, findings, positions, versions
from projections.asking import MEMBERS, Query, Question, Reading
from projections.audits import AuditRow, VerdictRow
from projections.differences import Change, changes_between
from projections.findings import FindingItem, ListFindings, list_findings
from projections.moments import Moment
from projections.position_questions import POSITIONS, PositionItem
from projections.positions import FOREVER, LINES, Line

MOST_STATES = 200
_RULES = {rule.id: rule for rule in RULES}


class GetPosition(Query, frozen=True, kw_only=True, tag="positions.get"):
    """A position as it stands, or in `version`, or as it was `at` a moment; with its history."""

    project_id: UUID
    position_id: UUID
    version: Annotated[int, Meta(ge=1)] | None = None
    at: Moment | None = None


class RuleSaid(Struct, frozen=True, kw_only=True):
    """What a rule said of the position. `reason` tells why it was not checked; null if this program does not know."""

    rule: str
    title: str | None
    expert_role: ExpertRole | None
    verdict: Verdict
    reason: str | None


class Judgement(Struct, frozen=True, kw_only=True):
    """What an audit says of the position: the experts' merged verdict, and a person's above it if there is one."""

    audit_id: UUID
    audited_version: int
    verdict: Verdict
    found: Verdict
    rules: tuple[RuleSaid, ...]
    overridden_by: str | None
    override_reason: str | None
    overridden_at: datetime | None


class State(Struct, frozen=True, kw_only=True):
    """A state of the position: from version `since` on, before version `until`; null while it lasts.

    `changes` is what made it of the state before; empty for the first one.
    """

    since: int
    until: int | None
    revision: int
    trigger: Trigger | None
    changed_by: str
    changed_at: datetime
    changed_position: int
    total_price: Decimal | None
    changes: dict[str, Change]


class PositionDetails(Struct, frozen=True, kw_only=True):
    """A position, its judgement and findings, and its newest states (at most 200), newest first."""

    position: PositionItem
    judgement: Judgement | None
    findings: tuple[FindingItem, ...]
    history: tuple[State, ...]


class _Past(Line, frozen=True, kw_only=True):
    until: int
    trigger: Trigger | None


class _Judged(Struct, frozen=True, kw_only=True):
    audit: AuditRow
    verdict: VerdictRow


STATES = f"""
SELECT s.*, v.trigger FROM {LINES} s
LEFT JOIN read.versions v ON v.project_id = s.project_id AND v.version = s.since
WHERE s.project_id = %(project_id)s AND s.position_id = %(position_id)s AND s.since <= %(version)s
ORDER BY s.since DESC LIMIT {MOST_STATES + 1}
"""  # noqa: S608 - our own text
JUDGED = """
SELECT to_json(a) AS audit, to_json(v) AS verdict FROM read.audits a JOIN read.verdicts v USING (audit_id)
WHERE a.project_id = %(project_id)s AND v.audit_id = %(audit_id)s AND v.position_id = %(position_id)s
"""


async def _get_position(reading: Reading, query: GetPosition) -> PositionDetails:
    version = await versions.version_at(reading, query.project_id, version=query.version, at=query.at)
    params = {"version": version, "position_id": query.position_id}
    found = await reading.select(
        PositionItem, f"{POSITIONS} AND p.position_id = %(position_id)s", params, project_id=query.project_id
    )
    if not found:
        raise UnknownPosition
    (position,) = found
    states = await reading.select(_Past, STATES, params, project_id=query.project_id)
    return PositionDetails(
        position=position,
        judgement=await _judgement(reading, position),
        findings=await _findings(reading, position),
        history=_history(states),
    )


async def _judgement(reading: Reading, position: PositionItem) -> Judgement | None:
    params = {"audit_id": position.audit_id, "position_id": position.position_id}
    found = await reading.select(_Judged, JUDGED, params, project_id=position.project_id)
    if not found:
        return None
    audit, verdict = found[0].audit, found[0].verdict
    return Judgement(
        audit_id=audit.audit_id,
        audited_version=audit.version,
        verdict=verdict.verdict,
        found=verdict.found,
        rules=tuple(_said(rule, outcome) for rule, outcome in zip(audit.rules, verdict.outcomes, strict=False)),
        overridden_by=verdict.overridden_by,
        override_reason=verdict.override_reason,
        overridden_at=verdict.overridden_at,
    )


def _said(rule: str, outcome: str) -> RuleSaid:
    """Expand one character of an audit's outcomes."""
    known = _RULES.get(rule)
    reasons = known.not_checked if known else ()
    silent = outcome.isdecimal() and int(outcome) < len(reasons)
    return RuleSaid(
        rule=rule,
        title=known and known.title,
        expert_role=known and known.expert_role,
        verdict=verdict_of(outcome),
        reason=reasons[int(outcome)] if silent else None,
    )


async def _findings(reading: Reading, position: PositionItem) -> tuple[FindingItem, ...]:
    if position.audit_id is None:
        return ()
    about = ListFindings(
        project_id=position.project_id, audit_id=position.audit_id, position_id=position.position_id, limit=500
    )
    return tuple((await list_findings(reading, about)).items)


def _history(states: list[_Past]) -> tuple[State, ...]:
    """Say of each state what changed; `states` come newest first, with one more than is shown."""
    earlier = [*states[1:], None]
    return tuple(
        State(
            since=state.since,
            until=None if state.until == FOREVER else state.until,
            revision=state.revision,
            trigger=state.trigger,
            changed_by=state.changed_by,
            changed_at=state.changed_at,
            changed_position=state.changed_position,
            total_price=state.total_price,
            changes=changes_between(before, state) if before else {},
        )
        for state, before in zip(states, earlier, strict=True)
    )[:MOST_STATES]


QUESTIONS = (
    Question(
        query=GetPosition,
        result=PositionDetails,
        sources=(MEMBERS, positions.NAME, versions.NAME, audits.NAME, findings.NAME),
        answer=_get_position,
    ),
)
