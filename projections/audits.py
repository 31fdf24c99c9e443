"""Audits: how far each is, what the experts and people say of every position, and the counts of that."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct, structs

from domain.audit import (
    AuditCancelled,
    AuditCompleted,
    AuditStarted,
    ConflictRaised,
    ConflictResolved,
    FindingsRecorded,
    Override,
    OverridesCarried,
    ResolvedBy,
    VerdictOverridden,
    counted,
)
from domain.experts.finding import Verdict
from domain.experts.settings import AuditSettings
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

NAME = "audits"

Status = Literal["running", "completed", "cancelled"]
Counts = dict[Verdict, int]
AuditEvent = (
    AuditStarted
    | FindingsRecorded
    | ConflictRaised
    | ConflictResolved
    | VerdictOverridden
    | OverridesCarried
    | AuditCompleted
    | AuditCancelled
)


class Conflict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two rules that contradict each other on a position, and what came of it."""

    conflict_id: UUID
    position_id: UUID
    rules: tuple[str, str]
    description: str
    verdict: Verdict | None = None
    by: ResolvedBy | None = None
    resolution: str | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None


class AuditRow(Row, frozen=True, kw_only=True):
    """An audit of one version. `rules` are the ids in the order of a verdict's `outcomes`, `settings` their parameters.

    `looked` counts the positions looked at, `verdicts` their verdicts as they stand now, `rule_counts` what each rule
    said of what it judges (once the audit is completed), `overrides` the verdicts that people changed.
    """

    table: ClassVar = "audits"
    key: ClassVar = ("audit_id",)
    indexes: ClassVar = ("project_id, started_position",)

    audit_id: UUID
    project_id: UUID
    status: Status
    version: int
    rules: tuple[str, ...]
    settings: AuditSettings | None = None
    previous: UUID | None = None
    looked: int = 0
    verdicts: Counts
    rule_counts: dict[str, Counts] = {}
    overrides: int = 0
    conflicts: tuple[Conflict, ...] = ()
    started_by: str
    started_at: datetime
    started_position: int
    ended_at: datetime | None = None


class VerdictRow(Row, frozen=True, kw_only=True):
    """What an audit says of a position. `outcomes` has a character per rule, see `domain.experts.orchestrator.Audit`.

    `found` is the experts' merged verdict; `verdict` the one that counts: a person may have put another above it.
    """

    table: ClassVar = "verdicts"
    key: ClassVar = ("audit_id", "position_id")

    audit_id: UUID
    position_id: UUID
    outcomes: str
    found: Verdict
    verdict: Verdict
    overridden_by: str | None = None
    override_reason: str | None = None
    overridden_at: datetime | None = None


def _keys(seen: Seen) -> Touched:
    event: AuditEvent = seen.event
    if not isinstance(event, AuditStarted):
        yield AuditRow, (event.audit_id,)
    if isinstance(event, VerdictOverridden | ConflictResolved):
        yield VerdictRow, (event.audit_id, event.position_id)
    if isinstance(event, OverridesCarried):
        for carried in event.overrides:
            yield VerdictRow, (event.audit_id, carried.position_id)


def _fold(rows: Rows, seen: Seen) -> None:
    event: AuditEvent = seen.event
    if isinstance(event, AuditStarted):
        rows.put(_started(event, seen))
        return
    row = rows.get(AuditRow, event.audit_id)
    if row is None:
        return
    match event:
        case FindingsRecorded():
            _record(rows, row, event)
        case ConflictRaised():
            conflict = Conflict(
                conflict_id=event.conflict_id,
                position_id=event.position_id,
                rules=event.rules,
                description=event.description,
            )
            rows.put(structs.replace(row, conflicts=(*row.conflicts, conflict)))
        case ConflictResolved(position_id=position_id, verdict=verdict):
            conflicts = tuple(_resolved(conflict, event, seen) for conflict in row.conflicts)
            _judge(rows, structs.replace(row, conflicts=conflicts), position_id, verdict, {})
        case VerdictOverridden(position_id=position_id, verdict=verdict, reason=reason):
            override = {"overridden_by": seen.actor, "override_reason": reason, "overridden_at": seen.at}
            _judge(rows, structs.replace(row, overrides=row.overrides + 1), position_id, verdict, override)
        case OverridesCarried(overrides=overrides):
            _carry(rows, row, overrides)
        case AuditCompleted(rules=rule_counts):
            rows.put(structs.replace(row, status="completed", rule_counts=rule_counts, ended_at=seen.at))
        case AuditCancelled():
            rows.put(structs.replace(row, status="cancelled", ended_at=seen.at))


def _started(event: AuditStarted, seen: Seen) -> AuditRow:
    return AuditRow(
        audit_id=event.audit_id,
        project_id=event.project_id,
        status="running",
        version=event.version,
        rules=event.rules,
        settings=event.settings,
        previous=event.previous,
        verdicts=counted(()),
        started_by=seen.actor,
        started_at=seen.at,
        started_position=seen.position,
    )


def _record(rows: Rows, row: AuditRow, event: FindingsRecorded) -> None:
    for position_id, verdict in event.verdicts.items():
        outcomes = event.outcomes.get(position_id, "")
        rows.put(
            VerdictRow(
                audit_id=row.audit_id, position_id=position_id, outcomes=outcomes, found=verdict, verdict=verdict
            )
        )
    added = counted(event.verdicts.values())
    verdicts: Counts = {verdict: row.verdicts.get(verdict, 0) + number for verdict, number in added.items()}
    rows.put(structs.replace(row, looked=row.looked + len(event.verdicts), verdicts=verdicts))


def _resolved(conflict: Conflict, event: ConflictResolved, seen: Seen) -> Conflict:
    if conflict.conflict_id != event.conflict_id:
        return conflict
    return structs.replace(
        conflict,
        verdict=event.verdict,
        by=event.by,
        resolution=event.resolution,
        resolved_by=seen.actor,
        resolved_at=seen.at,
    )


def _carry(rows: Rows, row: AuditRow, overrides: Iterable[Override]) -> None:
    for carried in overrides:
        override = {"overridden_by": carried.by, "override_reason": carried.reason, "overridden_at": carried.at}
        row = structs.replace(row, overrides=row.overrides + 1)
        row = _judge(rows, row, carried.position_id, carried.verdict, override)


def _judge(rows: Rows, row: AuditRow, position_id: UUID, verdict: Verdict, override: dict[str, Any]) -> AuditRow:
    """Put another verdict in the place of a position's, and count it there; give the audit's row as it is then."""
    judged = rows.get(VerdictRow, row.audit_id, position_id)
    if judged is not None:
        rows.put(structs.replace(judged, verdict=verdict, **override))
        verdicts = row.verdicts | {judged.verdict: row.verdicts[judged.verdict] - 1}
        row = structs.replace(row, verdicts=verdicts | {verdict: verdicts[verdict] + 1})
    rows.put(row)
    return row


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(AuditRow, VerdictRow),
    events=(
        AuditStarted,
        FindingsRecorded,
        ConflictRaised,
        ConflictResolved,
        VerdictOverridden,
        OverridesCarried,
        AuditCompleted,
        AuditCancelled,
    ),
    keys=_keys,
    fold=_fold,
)
