"""Audits: what the experts say of one version of a budget, and what people make of that."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.comparison import Compared
from domain.core import Aggregate, Command, Context, Event, Name, Refused
from domain.experts.finding import Finding, Verdict
from domain.experts.settings import DEFAULTS, AuditSettings

AuditStatus = Literal["unknown", "running", "completed", "cancelled"]
ResolvedBy = Literal["rule", "model", "person"]

MOST_POSITIONS_PER_EVENT = 200


class Override(Struct, frozen=True, kw_only=True):
    """A person's verdict on a position as it was at `revision`, and why. It outlives audits, but no edit."""

    position_id: UUID
    verdict: Verdict
    reason: str
    revision: int
    by: str
    at: datetime


class StartAudit(Command, frozen=True, kw_only=True, tag="audit.start"):
    """Have the experts look at a version of the budget; without `version`, at the current one."""

    project_id: UUID
    audit_id: UUID
    version: Annotated[int, Meta(ge=1)] | None = None


class RecordFindings(Command, frozen=True, kw_only=True, tag="audit.record_findings"):
    """Say what the experts found on some positions.

    `part` counts up from 1, so that a repeated attempt adds nothing twice. `outcomes` has one letter per rule
    of the audit (see `domain.experts`), `verdicts` the merged verdict of each position. `revisions` are those of the
    positions that were edited since they came, and are 1 for the others.
    """

    project_id: UUID
    audit_id: UUID
    part: Annotated[int, Meta(ge=1)]
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Verdict]
    findings: tuple[Finding, ...]
    revisions: dict[UUID, int] = {}


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


class CarryOverrides(Command, frozen=True, kw_only=True, tag="audit.carry_overrides"):
    """Let people's verdicts of an earlier audit count in this one: those on positions that did not change since."""

    project_id: UUID
    audit_id: UUID
    overrides: tuple[Override, ...]


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
    """An audit of a version began, with these rules in this order, and with these parameters of theirs.

    `previous` is the project's latest completed audit, whose overrides go on to count. `compared` are the documents
    that prices are held against.
    """

    project_id: UUID
    audit_id: UUID
    version: int
    rules: tuple[str, ...]
    settings: AuditSettings | None = None
    previous: UUID | None = None
    compared: tuple[Compared, ...] = ()


class FindingsRecorded(Event, frozen=True, kw_only=True, tag="audit.findings_recorded"):
    """What the experts found on up to 200 positions."""

    project_id: UUID
    audit_id: UUID
    part: int
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Verdict]
    findings: tuple[Finding, ...]
    revisions: dict[UUID, int] = {}


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
    override: Override | None = None
    """What a person decided counts in later audits, too."""


class VerdictOverridden(Event, frozen=True, kw_only=True, tag="audit.verdict_overridden"):
    """An auditor put another verdict in the experts' place: `override` says it for later audits."""

    project_id: UUID
    audit_id: UUID
    position_id: UUID
    verdict: Verdict
    reason: str
    override: Override | None = None


class OverridesCarried(Event, frozen=True, kw_only=True, tag="audit.overrides_carried"):
    """People's verdicts of an earlier audit count in this one."""

    project_id: UUID
    audit_id: UUID
    overrides: tuple[Override, ...]


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
    """The state of one audit. Maps of positions are updated in place: copies for each part would cost the square.

    `revisions` holds those other than 1, `conflicts` all that were raised, `overrides` people's verdicts by position.
    """

    status: AuditStatus = "unknown"
    project_id: UUID | None = None
    version: int = 0
    settings: AuditSettings | None = None
    previous: UUID | None = None
    compared: tuple[Compared, ...] = ()
    parts: int = 0
    verdicts: dict[UUID, Verdict] = {}
    revisions: dict[UUID, int] = {}
    overrides: dict[UUID, Override] = {}
    open_conflicts: dict[UUID, UUID] = {}
    conflicts: frozenset[UUID] = frozenset()


class Scope(Struct, frozen=True, kw_only=True):
    """What the bus looked up for `audit.start`.

    The budget's version, the rules that there are, the project's parameters for them, its latest completed audit, and
    the documents that its prices are compared with.
    """

    version: int
    rules: tuple[str, ...]
    settings: AuditSettings = DEFAULTS
    previous: UUID | None = None
    compared: tuple[Compared, ...] = ()


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
    StartAudit
    | RecordFindings
    | RaiseConflict
    | ResolveConflict
    | OverrideVerdict
    | CarryOverrides
    | CompleteAudit
    | CancelAudit
)
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
            override = _override(audit, position_id, verdict, reason, context)
            return [
                VerdictOverridden(**ids, position_id=position_id, verdict=verdict, reason=reason, override=override)
            ]
        case ResolveConflict(conflict_id=conflict_id, verdict=verdict, by=by, resolution=resolution):
            if conflict_id not in audit.open_conflicts:
                raise UnknownConflict
            position_id = audit.open_conflicts[conflict_id]
            decided = None if by == "rule" else _override(audit, position_id, verdict, resolution, context)
            return [
                ConflictResolved(
                    **ids,
                    conflict_id=conflict_id,
                    position_id=position_id,
                    verdict=verdict,
                    by=by,
                    resolution=resolution,
                    override=decided,
                )
            ]
        case RecordFindings() | RaiseConflict() | CarryOverrides() | CompleteAudit() | CancelAudit():
            if audit.status != "running":
                raise AuditNotRunning
            return _running(command, audit)


def _override(audit: Audit, position_id: UUID, verdict: Verdict, reason: str, context: Context) -> Override:
    return Override(
        position_id=position_id,
        verdict=verdict,
        reason=reason,
        revision=audit.revisions.get(position_id, 1),
        by=context.actor,
        at=context.now,
    )


def _start(command: StartAudit, audit: Audit, scope: Scope) -> list[Event]:
    if audit.status != "unknown":
        raise AuditIdTaken
    version = command.version or scope.version
    if not 1 <= version <= scope.version:
        raise NothingToAudit
    return [
        AuditStarted(
            project_id=command.project_id,
            audit_id=command.audit_id,
            version=version,
            rules=scope.rules,
            settings=scope.settings,
            previous=scope.previous,
            compared=scope.compared,
        )
    ]


def _running(
    command: RecordFindings | RaiseConflict | CarryOverrides | CompleteAudit | CancelAudit, audit: Audit
) -> list[Event]:
    ids = {"project_id": command.project_id, "audit_id": command.audit_id}
    match command:
        case RecordFindings(part=part):
            if part > audit.parts + 1:
                raise PartMissing
            return [FindingsRecorded(**structs.asdict(command))] if part == audit.parts + 1 else []
        case RaiseConflict(conflict_id=conflict_id, position_id=position_id):
            _audited(audit, position_id)
            return [] if conflict_id in audit.conflicts else [ConflictRaised(**structs.asdict(command))]
        case CarryOverrides(overrides=overrides):
            fresh = tuple(each for each in overrides if _still_counts(each, audit))
            return [OverridesCarried(**ids, overrides=fresh)] if fresh else []
        case CompleteAudit(rules=rules):
            return [
                AuditCompleted(**ids, version=audit.version, verdicts=counted(audit.verdicts.values()), rules=rules)
            ]
        case CancelAudit():
            return [AuditCancelled(**ids)]


def _still_counts(override: Override, audit: Audit) -> bool:
    """Whether the position is as it was when the person judged it, and the verdict does not count yet."""
    position_id = override.position_id
    there = position_id in audit.verdicts and audit.revisions.get(position_id, 1) == override.revision
    return there and audit.overrides.get(position_id) != override


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
        case AuditStarted():
            return Audit(
                status="running",
                project_id=event.project_id,
                version=event.version,
                settings=event.settings,
                previous=event.previous,
                compared=event.compared,
            )
        case FindingsRecorded(part=part, verdicts=verdicts, revisions=revisions):
            audit.verdicts.update(verdicts)
            audit.revisions.update(revisions)
            return structs.replace(audit, parts=part)
        case ConflictRaised(conflict_id=conflict_id, position_id=position_id):
            opened = audit.open_conflicts | {conflict_id: position_id}
            return structs.replace(audit, open_conflicts=opened, conflicts=audit.conflicts | {conflict_id})
        case ConflictResolved(conflict_id=conflict_id, position_id=position_id, verdict=verdict, override=override):
            still_open = {key: value for key, value in audit.open_conflicts.items() if key != conflict_id}
            _judge(audit, position_id, verdict, override)
            return structs.replace(audit, open_conflicts=still_open)
        case VerdictOverridden(position_id=position_id, verdict=verdict, override=override):
            _judge(audit, position_id, verdict, override)
            return audit
        case OverridesCarried(overrides=overrides):
            for override in overrides:
                _judge(audit, override.position_id, override.verdict, override)
            return audit
        case AuditCompleted():
            return structs.replace(audit, status="completed")
        case AuditCancelled():
            return structs.replace(audit, status="cancelled")


def _judge(audit: Audit, position_id: UUID, verdict: Verdict, override: Override | None) -> None:
    audit.verdicts[position_id] = verdict
    if override is not None:
        audit.overrides[position_id] = override


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
        CarryOverrides,
        CompleteAudit,
        CancelAudit,
    ),
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
    state=Audit,
    decide=decide,
    evolve=evolve,
)
