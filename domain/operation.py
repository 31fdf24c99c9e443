"""Operations: work of an outside engine (CAD and others), known by what the engine reports of it.

Entering a phase, milestones and the end are events. How far a phase is, is shown live and forgotten.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, assert_never
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Name, Refused, Text

Count = Annotated[int, Meta(ge=0, lt=2**53)]
Outcome = Literal["completed", "failed", "cancelled"]
OperationStatus = Literal["unknown", "open", "completed", "failed", "cancelled"]


class Stage(StrEnum):
    """What a phase means to somebody who does not know the engine."""

    START = "start"
    PROGRESS = "progress"
    END = "end"


class Assembly4Phase(StrEnum):
    """Phases of putting an assembly together."""

    SOLVER_START = "solver_start"
    SOLVER_PROGRESS = "solver_progress"
    SOLVER_END = "solver_end"
    LCS_PLACEMENT_START = "lcs_placement_start"
    LCS_PLACEMENT_PROGRESS = "lcs_placement_progress"
    LCS_PLACEMENT_END = "lcs_placement_end"


class MaterialPhase(StrEnum):
    """Phases of giving parts their materials."""

    MATERIAL_RESOLVE_LIBRARY = "material_resolve_library"
    MATERIAL_APPLY_START = "material_apply_start"
    MATERIAL_APPLY_PROGRESS = "material_apply_progress"
    MATERIAL_APPLY_END = "material_apply_end"
    MATERIAL_OVERRIDE_PROPERTIES = "material_override_properties"


class TopologyPhase(StrEnum):
    """Phases of naming a model's faces and edges, and of checking what is exported."""

    TOPO_HASH_START = "topo_hash_start"
    TOPO_HASH_PROGRESS = "topo_hash_progress"
    TOPO_HASH_END = "topo_hash_end"
    EXPORT_VALIDATION = "export_validation"


Phase = Assembly4Phase | MaterialPhase | TopologyPhase
PHASES: dict[str, Phase] = {
    phase.value: phase for kind in (Assembly4Phase, MaterialPhase, TopologyPhase) for phase in kind
}


def stage_of(phase: Phase) -> Stage:
    """Say which stage a phase is. A phase without one fails type checking here, and a test."""
    match phase:
        case (
            Assembly4Phase.SOLVER_START
            | Assembly4Phase.LCS_PLACEMENT_START
            | MaterialPhase.MATERIAL_RESOLVE_LIBRARY
            | MaterialPhase.MATERIAL_APPLY_START
            | TopologyPhase.TOPO_HASH_START
        ):
            return Stage.START
        case (
            Assembly4Phase.SOLVER_PROGRESS
            | Assembly4Phase.LCS_PLACEMENT_PROGRESS
            | MaterialPhase.MATERIAL_APPLY_PROGRESS
            | MaterialPhase.MATERIAL_OVERRIDE_PROPERTIES
            | TopologyPhase.TOPO_HASH_PROGRESS
        ):
            return Stage.PROGRESS
        case (
            Assembly4Phase.SOLVER_END
            | Assembly4Phase.LCS_PLACEMENT_END
            | MaterialPhase.MATERIAL_APPLY_END
            | TopologyPhase.TOPO_HASH_END
            | TopologyPhase.EXPORT_VALIDATION
        ):
            return Stage.END
        case _:
            assert_never(phase)


def stage_named(name: str) -> Stage:
    """Say which stage a phase is by its name on the wire; one that this program does not know is `progress`."""
    phase = PHASES.get(name)
    return Stage.PROGRESS if phase is None else stage_of(phase)


class OpenOperation(Command, frozen=True, kw_only=True, tag="operation.open"):
    """An engine begins something. `job_id` is the engine's own run, of which this may be one operation of several."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    name: Name


class ReportStep(Command, frozen=True, kw_only=True, tag="operation.report_step"):
    """Say how far the operation is.

    `event_id` rises from message to message of the engine's job: whatever comes late or twice is ignored. `phase` is
    one of the phases above; one that this program does not know is kept, and counts as `progress`. A phase that is a
    start or an end is a milestone unless `milestone` says otherwise. `eta_ms`: how many milliseconds are still to go.
    """

    project_id: UUID
    operation_id: UUID
    event_id: Annotated[int, Meta(ge=1, lt=2**53)]
    phase: Name
    step_index: Count | None = None
    step_total: Count | None = None
    items_done: Count | None = None
    items_total: Count | None = None
    eta_ms: Count | None = None
    milestone: bool | None = None


class CloseOperation(Command, frozen=True, kw_only=True, tag="operation.close"):
    """The engine is done with it, one way or another; `error` says in words what went wrong."""

    project_id: UUID
    operation_id: UUID
    outcome: Outcome = "completed"
    error: Text = ""


class OperationOpened(Event, frozen=True, kw_only=True, tag="operation.opened"):
    """An engine began something."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    name: str


class OperationPhaseEntered(Event, frozen=True, kw_only=True, tag="operation.phase_entered"):
    """The operation is in another phase."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    event_id: int
    phase: str
    stage: Stage
    step_index: int | None = None
    step_total: int | None = None


class MilestoneReached(Event, frozen=True, kw_only=True, tag="operation.milestone_reached"):
    """Something worth telling happened within a phase, or with it."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    event_id: int
    phase: str
    stage: Stage
    step_index: int | None = None
    step_total: int | None = None
    items_done: int | None = None
    items_total: int | None = None


class OperationClosed(Event, frozen=True, kw_only=True, tag="operation.closed"):
    """The operation is over."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    outcome: Outcome
    error: str = ""


class Operation(Struct, frozen=True, kw_only=True):
    """The state of one operation. `event_id` is that of the last message which was worth an event."""

    status: OperationStatus = "unknown"
    project_id: UUID | None = None
    job_id: UUID | None = None
    event_id: int = 0
    phase: str = ""


class UnknownOperation(Refused):
    """There is no such operation in this project."""

    code = "operation.unknown"
    kind = "unknown"


class OperationIdTaken(Refused):
    """Another operation has this id."""

    code = "operation.id_taken"


class OperationOver(Refused):
    """The operation is over already."""

    code = "operation.over"


OperationCommand = OpenOperation | ReportStep | CloseOperation
OperationEvent = OperationOpened | OperationPhaseEntered | MilestoneReached | OperationClosed


def decide(command: OperationCommand, operation: Operation, context: Context) -> list[Event]:  # noqa: ARG001 - one shape
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, OpenOperation):
        if operation.status != "unknown":
            raise OperationIdTaken
        return [OperationOpened(**structs.asdict(command))]
    if operation.project_id != command.project_id:  # a right in one project is none in another
        raise UnknownOperation
    if operation.status != "open":
        raise OperationOver
    match command:
        case ReportStep():
            return _report(command, operation)
        case CloseOperation():
            return [OperationClosed(**structs.asdict(command), job_id=_job_of(operation))]


def _report(command: ReportStep, operation: Operation) -> list[Event]:
    if command.event_id <= operation.event_id:
        return []
    told: dict[str, Any] = {
        "project_id": command.project_id,
        "operation_id": command.operation_id,
        "job_id": _job_of(operation),
        "event_id": command.event_id,
        "phase": command.phase,
        "stage": stage_named(command.phase),
        "step_index": command.step_index,
        "step_total": command.step_total,
    }
    events: list[Event] = []
    entered = command.phase != operation.phase
    if entered:
        events.append(OperationPhaseEntered(**told))
    milestone = entered and told["stage"] != Stage.PROGRESS if command.milestone is None else command.milestone
    if milestone:
        events.append(MilestoneReached(**told, items_done=command.items_done, items_total=command.items_total))
    return events


def _job_of(operation: Operation) -> UUID:
    if operation.job_id is None:
        raise UnknownOperation
    return operation.job_id


def evolve(operation: Operation, event: OperationEvent) -> Operation:
    """Apply what happened. Never fails."""
    match event:
        case OperationOpened(project_id=project_id, job_id=job_id):
            return Operation(status="open", project_id=project_id, job_id=job_id)
        case OperationPhaseEntered(event_id=event_id, phase=phase) | MilestoneReached(event_id=event_id, phase=phase):
            return structs.replace(operation, event_id=event_id, phase=phase)
        case OperationClosed(outcome=outcome):
            return structs.replace(operation, status=outcome)


OPERATION = Aggregate(
    name="operation",
    key="operation_id",
    feed="project",
    feed_key="project_id",
    commands=(OpenOperation, ReportStep, CloseOperation),
    events=(OperationOpened, OperationPhaseEntered, MilestoneReached, OperationClosed),
    state=Operation,
    decide=decide,
    evolve=evolve,
)
