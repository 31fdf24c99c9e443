"""Jobs: work that takes a while, tried under a fencing number, retried with growing pauses, cancelled politely."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Name, Refused

JobKind = Literal["parse", "import", "audit", "prices", "export", "analysis", "clean_up"]
JobOwner = Literal["project", "analysis", "account"]
"""Whose feed a job's events are on: that of the project, or of the shared analysis or the account, whose id is
`project_id` then."""
ExportFormat = Literal["xlsx", "csv", "json", "unixml", "gaeb", "gaeb_x82", "pdf"]
"""What a budget can be written as: `gaeb` is a bid (X84: prices by ordinal number, without texts), `gaeb_x82` a cost
estimate with all texts (both valid against the schemas of GAEB DA XML 3.3, issue 2021-05), `pdf` the audit report."""

EXPORT_TYPES: dict[ExportFormat, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "json": "application/json",
    "unixml": "application/xml",
    "gaeb": "application/xml",
    "gaeb_x82": "application/xml",
    "pdf": "application/pdf",
}
"""The media types of what is written."""

Queue = Literal["critical", "high", "default", "low"]
JobStatus = Literal["unknown", "queued", "running", "waiting", "completed", "failed", "cancelled"]

MOST_ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
WORKER_LOST = "Every worker that tried this job died of it. Look at the workers' logs before asking again."


def pause_before(attempt: int, jitter: float) -> timedelta:
    """How long to wait before `attempt` (2, 3, …): doubling from 2 s to 10 min, spread by `jitter` in 0..1."""
    full = min(FIRST_PAUSE * 2 ** (attempt - 2), LONGEST_PAUSE)
    return full / 2 + full / 2 * jitter


class QueueJob(Command, frozen=True, kw_only=True, tag="job.queue"):
    """Ask for work on a subject: a document or an audit. `requested_by`: the actor on whose wish, if on anybody's."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    kind: JobKind
    subject: UUID
    queue: Queue = "default"
    requested_by: str = ""


class RequestExport(Command, frozen=True, kw_only=True, tag="export.request"):
    """Ask for a file of a version of the budget, of the present one without `version`. The job's result names it."""

    project_id: UUID
    job_id: UUID
    format: ExportFormat
    version: Annotated[int, Meta(ge=1)] | None = None


class StartJob(Command, frozen=True, kw_only=True, tag="job.start"):
    """A worker holds the lease for this attempt and begins. Numbers may be left out: a worker died before it began."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: Annotated[int, Meta(ge=1)]


class EnterPhase(Command, frozen=True, kw_only=True, tag="job.enter_phase"):
    """The attempt goes on to its next phase."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    phase: Name


class CompleteJob(Command, frozen=True, kw_only=True, tag="job.complete"):
    """The attempt did its work."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    result: dict[str, Any] = {}


class FailJob(Command, frozen=True, kw_only=True, tag="job.fail"):
    """The attempt did not do its work. What may succeed later is retried, up to five attempts.

    `jitter` (0..1) spreads the retries of many jobs that fail together.
    """

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    error_code: str
    error: str
    retry: bool = False
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.0


class RequestCancel(Command, frozen=True, kw_only=True, tag="job.request_cancel"):
    """Ask the job to stop at its next step; one that has not begun stops at once."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"


class CancelJob(Command, frozen=True, kw_only=True, tag="job.cancel"):
    """The attempt noticed the wish to stop, and stopped."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int


class Export(Struct, frozen=True, kw_only=True):
    """What is to be written: a version of the budget, in a format, dated `asked_at`."""

    format: ExportFormat
    version: int
    asked_at: datetime


class Queued(Event, frozen=True, kw_only=True, tag="job.queued"):
    """Work was asked for."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    kind: JobKind
    subject: UUID
    queue: Queue = "default"
    requested_by: str = ""
    export: Export | None = None


class Started(Event, frozen=True, kw_only=True, tag="job.started"):
    """An attempt began."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int


class PhaseEntered(Event, frozen=True, kw_only=True, tag="job.phase_entered"):
    """The attempt is in another phase."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    phase: str


class Completed(Event, frozen=True, kw_only=True, tag="job.completed"):
    """The work is done."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    result: dict[str, Any] = {}


class Failed(Event, frozen=True, kw_only=True, tag="job.failed"):
    """The work is given up."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    error_code: str
    error: str


class RetryScheduled(Event, frozen=True, kw_only=True, tag="job.retry_scheduled"):
    """An attempt failed; the next is due later."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"
    attempt: int
    error_code: str
    error: str
    due_at: datetime


class CancelRequested(Event, frozen=True, kw_only=True, tag="job.cancel_requested"):
    """Somebody wants it to stop."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"


class Cancelled(Event, frozen=True, kw_only=True, tag="job.cancelled"):
    """It stopped because somebody wanted it to."""

    project_id: UUID
    job_id: UUID
    owner: JobOwner = "project"


class Job(Struct, frozen=True, kw_only=True):
    """The state of one job. `attempt` counts the attempts begun, and fences off the earlier ones."""

    status: JobStatus = "unknown"
    project_id: UUID | None = None
    owner: JobOwner = "project"
    kind: JobKind | None = None
    subject: UUID | None = None
    requested_by: str = ""
    export: Export | None = None
    attempt: int = 0
    phase: str = ""
    cancel_requested: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in {"completed", "failed", "cancelled"}


class UnknownJob(Refused):
    """There is no such job in this project."""

    code = "job.unknown"
    kind = "unknown"


class JobOver(Refused):
    """The job is over already."""

    code = "job.over"


class Fenced(Refused):
    """A later attempt of this job has begun: this one no longer counts."""

    code = "job.fenced"


class NothingToExport(Refused):
    """The budget has no such version: import or add positions first."""

    code = "export.nothing_to_export"


class JobIdTaken(Refused):
    """Another job has this id."""

    code = "job.id_taken"


JobCommand = QueueJob | RequestExport | StartJob | EnterPhase | CompleteJob | FailJob | RequestCancel | CancelJob
JobEvent = Queued | Started | PhaseEntered | Completed | Failed | RetryScheduled | CancelRequested | Cancelled


def decide(command: JobCommand, job: Job, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, QueueJob | RequestExport):
        if job.status != "unknown":
            raise JobIdTaken
        return [_export(command, context) if isinstance(command, RequestExport) else Queued(**structs.asdict(command))]
    if (job.project_id, job.owner) != (command.project_id, command.owner):  # a right in one is none in another
        raise UnknownJob
    if job.over:
        raise JobOver
    ids: dict[str, Any] = {"project_id": command.project_id, "job_id": command.job_id, "owner": command.owner}
    match command:
        case StartJob(attempt=attempt):
            if attempt <= job.attempt:
                raise Fenced
            if attempt > MOST_ATTEMPTS:
                return [Failed(**ids, attempt=job.attempt, error_code="job.worker_lost", error=WORKER_LOST)]
            return [Started(**ids, attempt=attempt)]
        case RequestCancel():
            return _request_cancel(job, ids)
        case EnterPhase(attempt=attempt, phase=phase):
            _fence(job, attempt)
            return [] if phase == job.phase else [PhaseEntered(**ids, attempt=attempt, phase=phase)]
        case CompleteJob(attempt=attempt, result=result):
            _fence(job, attempt)
            return [Completed(**ids, attempt=attempt, result=result)]
        case CancelJob(attempt=attempt):
            _fence(job, attempt)
            return [Cancelled(**ids)]
        case FailJob():
            _fence(job, command.attempt)
            return [_failure(command, job, context.now)]


def _export(command: RequestExport, context: Context) -> Queued:
    """Settle what is written: `context.given` is the budget's present version."""
    newest: int = context.given
    version = command.version or newest
    if not 1 <= version <= newest:
        raise NothingToExport
    return Queued(
        project_id=command.project_id,
        job_id=command.job_id,
        kind="export",
        subject=command.project_id,
        requested_by=context.actor,
        export=Export(format=command.format, version=version, asked_at=context.now),
    )


def _fence(job: Job, attempt: int) -> None:
    if job.status != "running" or attempt != job.attempt:
        raise Fenced


def _request_cancel(job: Job, ids: dict[str, Any]) -> list[Event]:
    if job.cancel_requested:
        return []
    wish = CancelRequested(**ids)
    return [wish] if job.status == "running" else [wish, Cancelled(**ids)]


def _failure(command: FailJob, job: Job, now: datetime) -> Event:
    failed = Failed(
        project_id=command.project_id,
        job_id=command.job_id,
        owner=command.owner,
        attempt=command.attempt,
        error_code=command.error_code,
        error=command.error,
    )
    if job.cancel_requested:
        return Cancelled(project_id=command.project_id, job_id=command.job_id, owner=command.owner)
    if not command.retry or command.attempt >= MOST_ATTEMPTS:
        return failed
    due_at = now + pause_before(command.attempt + 1, command.jitter)
    return RetryScheduled(**structs.asdict(failed), due_at=due_at)


def evolve(job: Job, event: JobEvent) -> Job:
    """Apply what happened. Never fails."""
    match event:
        case Queued():
            return Job(
                status="queued",
                project_id=event.project_id,
                owner=event.owner,
                kind=event.kind,
                subject=event.subject,
                requested_by=event.requested_by,
                export=event.export,
            )
        case Started(attempt=attempt):
            return structs.replace(job, status="running", attempt=attempt, phase="")
        case PhaseEntered(phase=phase):
            return structs.replace(job, phase=phase)
        case Completed():
            return structs.replace(job, status="completed")
        case Failed():
            return structs.replace(job, status="failed")
        case RetryScheduled():
            return structs.replace(job, status="waiting")
        case CancelRequested():
            return structs.replace(job, cancel_requested=True)
        case Cancelled():
            return structs.replace(job, status="cancelled")


JOB = Aggregate(
    name="job",
    key="job_id",
    feed="project",
    feed_key="project_id",
    feed_kind="owner",
    commands=(QueueJob, RequestExport, StartJob, EnterPhase, CompleteJob, FailJob, RequestCancel, CancelJob),
    events=(Queued, Started, PhaseEntered, Completed, Failed, RetryScheduled, CancelRequested, Cancelled),
    state=Job,
    decide=decide,
    evolve=evolve,
)
