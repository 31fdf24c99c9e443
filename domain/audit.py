"""Audits: what the experts say of one version of a budget, and what people make of that."""

from collections.abc import Iterable
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Name, Refused
from domain.experts.finding import Finding, Verdict

AuditStatus = Literal["unknown", "running", "completed", "cancelled"]
ResolvedBy = Literal["rule", "model", "person"]

MOST_POSITIONS_PER_EVENT = 200


class StartAudit(Command, frozen=True, kw_only=True, tag="audit.start"):
    """Have the experts look at a version of the budget; without `version`, at the current one."""

    project_id: UUID
    audit_id: UUID
    version: Annotated[int, Meta(ge=1)] | None = None


class RecordFindings(Command, frozen=True, kw_only=True, tag="audit.record_findings"):
    """Say what the experts found on some positions.

    `part` counts up from 1, so that a repeated attempt adds nothing twice. `outcomes` has one letter per rule
    of the audit (see `domain.experts`), `verdicts` the merged verdict of each position.
    """

    project_id: UUID
    audit_id: UUID
    part: Annotated[int, Meta(ge=1)]
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Verdict]
    findings: tuple[Finding, ...]


class RaiseConflict(Command, frozen=True, kw_only=True, tag="audit.raise_conflict"):
    """Two expert roles contradict each other on a position."""

    project_id: UUID
    audit_id: UUID
    conflict_id: UUID
    position_id: UUID
    rules: tuple[str, str]
    description: Name


class ResolveConflict(Command, frozen=True, kw_only=True, tag="audit.resolve_conflict"):
    """Decide between two contradicting findings, and say why."""

    project_id: UUID
    audit_id: UUID
    conflict_id: UUID
    verdict: Verdict
    by: ResolvedBy
    resolution: Name


class OverrideVerdict(Command, frozen=True, kw_only=True, tag="audit.override_verdict"):
    """Put an auditor's own verdict above the experts', with the reason."""

    project_id: UUID
    audit_id: UUID
    position_id: UUID
    verdict: Verdict
    reason: Name


class CompleteAudit(Command, frozen=True, kw_only=True, tag="audit.complete"):
    """All positions were looked at. `rules` counts the verdicts of each rule."""

    project_id: UUID
    audit_id: UUID
    rules: dict[str, dict[Verdict, int]]


class CancelAudit(Command, frozen=True, kw_only=True, tag="audit.cancel"):
    """Stop an audit that is running."""

    project_id: UUID
    audit_id: UUID


class AuditStarted(Event, frozen=True, kw_only=True, tag="audit.started"):
    """An audit of a version began, with these rules in this order."""

    project_id: UUID
    audit_id: UUID
    version: int
    rules: tuple[str, ...]


class FindingsRecorded(Event, frozen=True, kw_only=True, tag="audit.findings_recorded"):
    """What the experts found on up to 200 positions."""

    project_id: UUID
    audit_id: UUID
    part: int
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Verdict]
    findings: tuple[Finding, ...]


class ConflictRaised(Event, frozen=True, kw_only=True, tag="audit.conflict_raised"):
    """Two expert roles contradict each other."""

    project_id: UUID
    audit_id: UUID
    conflict_id: UUID
    position_id: UUID
    rules: tuple[str, str]
    description: str


class ConflictResolved(Event, frozen=True, kw_only=True, tag="audit.conflict_resolved"):
    """It was decided between them."""

    project_id: UUID
    audit_id: UUID
    conflict_id: UUID
    position_id: UUID
    verdict: Verdict
    by: ResolvedBy
    resolution: str


class VerdictOverridden(Event, frozen=True, kw_only=True, tag="audit.verdict_overridden"):
    """An auditor put another verdict in the experts' place."""

    project_id: UUID
    audit_id: UUID
    position_id: UUID
    verdict: Verdict
    reason: str


class AuditCompleted(Event, frozen=True, kw_only=True, tag="audit.completed"):
    """All positions have a verdict. `verdicts` counts them, `rules` counts those of each rule."""

    project_id: UUID
    audit_id: UUID
    version: int
    verdicts: dict[Verdict, int]
    rules: dict[str, dict[Verdict, int]]


class AuditCancelled(Event, frozen=True, kw_only=True, tag="audit.cancelled"):
    """It was stopped before its end."""

    project_id: UUID
    audit_id: UUID


class Audit(Struct, frozen=True, kw_only=True):
    """The state of one audit. `verdicts` is updated in place: copying it for each part would cost the square."""

    status: AuditStatus = "unknown"
    project_id: UUID | None = None
    version: int = 0
    parts: int = 0
    verdicts: dict[UUID, Verdict] = {}
    open_conflicts: dict[UUID, UUID] = {}


class Scope(Struct, frozen=True, kw_only=True):
    """What the bus looked up for `audit.start`: the budget's version now, and the rules there are."""

    version: int
    rules: tuple[str, ...]


class UnknownAudit(Refused):
    """There is no such audit in this project."""

    code = "audit.unknown"
    kind = "unknown"


class AuditIdTaken(Refused):
    """Another audit has this id."""

    code = "audit.id_taken"


class NothingToAudit(Refused):
    """The budget has no such version: import or add positions first."""

    code = "audit.nothing_to_audit"


class AuditNotRunning(Refused):
    """The audit is over."""

    code = "audit.not_running"


class AuditRunning(Refused):
    """The audit is still running: wait for its end."""

    code = "audit.running"


class PartMissing(Refused):
    """Findings must come in the order of their parts."""

    code = "audit.part_missing"


class PositionNotAudited(Refused):
    """This audit did not look at that position."""

    code = "audit.position_not_audited"
    kind = "unknown"


class UnknownConflict(Refused):
    """There is no such open conflict."""

    code = "audit.unknown_conflict"
    kind = "unknown"


AuditCommand = (
    StartAudit | RecordFindings | RaiseConflict | ResolveConflict | OverrideVerdict | CompleteAudit | CancelAudit
)
AuditEvent = (
    AuditStarted
    | FindingsRecorded
    | ConflictRaised
    | ConflictResolved
    | VerdictOverridden
    | AuditCompleted
    | AuditCancelled
)


def decide(command: AuditCommand, audit: Audit, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, StartAudit):
        return _start(command, audit, context.given)
    if audit.project_id != command.project_id:  # a right in one project is none in another
        raise UnknownAudit
    ids = {"project_id": command.project_id, "audit_id": command.audit_id}
    match command:
        case OverrideVerdict(position_id=position_id, verdict=verdict, reason=reason):
            if audit.status == "running":
                raise AuditRunning
            _audited(audit, position_id)
            return [VerdictOverridden(**ids, position_id=position_id, verdict=verdict, reason=reason)]
        case ResolveConflict(conflict_id=conflict_id, verdict=verdict, by=by, resolution=resolution):
            if conflict_id not in audit.open_conflicts:
                raise UnknownConflict
            position_id = audit.open_conflicts[conflict_id]
            return [
                ConflictResolved(
                    **ids,
                    conflict_id=conflict_id,
                    position_id=position_id,
                    verdict=verdict,
                    by=by,
                    resolution=resolution,
                )
            ]
        case RecordFindings() | RaiseConflict() | CompleteAudit() | CancelAudit():
            if audit.status != "running":
                raise AuditNotRunning
            return _running(command, audit)


def _start(command: StartAudit, audit: Audit, scope: Scope) -> list[Event]:
    if audit.status != "unknown":
        raise AuditIdTaken
    version = command.version or scope.version
    if not 1 <= version <= scope.version:
        raise NothingToAudit
    return [AuditStarted(project_id=command.project_id, audit_id=command.audit_id, version=version, rules=scope.rules)]


def _running(command: RecordFindings | RaiseConflict | CompleteAudit | CancelAudit, audit: Audit) -> list[Event]:
    ids = {"project_id": command.project_id, "audit_id": command.audit_id}
    match command:
        case RecordFindings(part=part):
            if part > audit.parts + 1:
                raise PartMissing
            return [FindingsRecorded(**structs.asdict(command))] if part == audit.parts + 1 else []
        case RaiseConflict(conflict_id=conflict_id, position_id=position_id):
            _audited(audit, position_id)
            return [] if conflict_id in audit.open_conflicts else [ConflictRaised(**structs.asdict(command))]
        case CompleteAudit(rules=rules):
            return [
                AuditCompleted(**ids, version=audit.version, verdicts=counted(audit.verdicts.values()), rules=rules)
            ]
        case CancelAudit():
            return [AuditCancelled(**ids)]


def _audited(audit: Audit, position_id: UUID) -> None:
    if position_id not in audit.verdicts:
        raise PositionNotAudited


def counted(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    """Count verdicts; each of the four has its number, if only 0."""
    counts: dict[Verdict, int] = {"GREEN": 0, "AMBER": 0, "RED": 0, "NOT_CHECKED": 0}
    for verdict in verdicts:
        counts[verdict] += 1
    return counts


def evolve(audit: Audit, event: AuditEvent) -> Audit:
    """Apply what happened. Never fails."""
    match event:
        case AuditStarted(project_id=project_id, version=version):
            return Audit(status="running", project_id=project_id, version=version)
        case FindingsRecorded(part=part, verdicts=verdicts):
            audit.verdicts.update(verdicts)
            return structs.replace(audit, parts=part)
        case ConflictRaised(conflict_id=conflict_id, position_id=position_id):
            return structs.replace(audit, open_conflicts=audit.open_conflicts | {conflict_id: position_id})
        case ConflictResolved(conflict_id=conflict_id, position_id=position_id, verdict=verdict):
            still_open = {key: value for key, value in audit.open_conflicts.items() if key != conflict_id}
            audit.verdicts[position_id] = verdict
            return structs.replace(audit, open_conflicts=still_open)
        case VerdictOverridden(position_id=position_id, verdict=verdict):
            audit.verdicts[position_id] = verdict
            return audit
        case AuditCompleted():
            return structs.replace(audit, status="completed")
        case AuditCancelled():
            return structs.replace(audit, status="cancelled")


AUDIT = Aggregate(
    name="audit",
    key="audit_id",
    feed="project",
    feed_key="project_id",
    commands=(
        StartAudit,
        RecordFindings,
        RaiseConflict,
        ResolveConflict,
        OverrideVerdict,
        CompleteAudit,
        CancelAudit,
    ),
    events=(
        AuditStarted,
        FindingsRecorded,
        ConflictRaised,
        ConflictResolved,
        VerdictOverridden,
        AuditCompleted,
        AuditCancelled,
    ),
    state=Audit,
    decide=decide,
    evolve=evolve,
)
