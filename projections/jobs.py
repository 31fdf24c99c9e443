"""Jobs: work that takes a while, how each stands, and what it came to."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct, structs

from domain.job import (
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    JobKind,
    PhaseEntered,
    Queue,
    Queued,
    RetryScheduled,
    Started,
    UnknownJob,
)
from projections.asking import MEMBERS, Listing, Order, Page, Query, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row
from runtime.progress import Progress, Step, own_job

NAME = "jobs"

Status = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]
JobEvent = Queued | Started | PhaseEntered | Completed | Failed | RetryScheduled | CancelRequested | Cancelled


class JobRow(Row, frozen=True, kw_only=True):
    """A job. `attempt` counts the attempts begun; `error` is that of the last one which failed.

    A `waiting` job is tried again at `due_at`. How far a running phase is, Valkey knows for a while.
    """

    table: ClassVar = "jobs"
    key: ClassVar = ("job_id",)
    indexes: ClassVar = ("project_id, queued_position",)

    job_id: UUID
    project_id: UUID
    kind: JobKind
    subject: UUID
    queue: Queue
    status: Status = "queued"
    attempt: int = 0
    phase: str = ""
    phases: int = 0
    cancel_requested: bool = False
    error_code: str | None = None
    error: str | None = None
    result: dict[str, Any] | None = None
    queued_by: str
    requested_by: str | None
    queued_at: datetime
    queued_position: int
    started_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None


def _keys(seen: Seen) -> Touched:
    if seen.event.owner == "project":
        yield JobRow, (seen.event.job_id,)


def _fold(rows: Rows, seen: Seen) -> None:
    event: JobEvent = seen.event
    if event.owner != "project":  # those of shared analyses are shown as part of these
        return
    if isinstance(event, Queued):
        rows.put(
            JobRow(
                job_id=event.job_id,
                project_id=event.project_id,
                kind=event.kind,
                subject=event.subject,
                queue=event.queue,
                queued_by=seen.actor,
                requested_by=event.requested_by or None,
                queued_at=seen.at,
                queued_position=seen.position,
            )
        )
    elif row := rows.get(JobRow, event.job_id):
        rows.put(structs.replace(row, **_changes(row, event, seen)))


def _changes(row: JobRow, event: JobEvent, seen: Seen) -> dict[str, Any]:
    match event:
        case Queued():
            return {}
        case Started(attempt=attempt):
            started = {"status": "running", "attempt": attempt, "started_at": row.started_at or seen.at}
            return started | {"phase": "", "phases": 0, "due_at": None}
        case PhaseEntered(phase=phase):
            return {"phase": phase, "phases": row.phases + 1}
        case Completed(result=result):
            return {"status": "completed", "result": result, "error_code": None, "error": None, "ended_at": seen.at}
        case Failed(error_code=error_code, error=error):
            return {"status": "failed", "error_code": error_code, "error": error, "ended_at": seen.at}
        case RetryScheduled(error_code=error_code, error=error, due_at=due_at):
            return {"status": "waiting", "error_code": error_code, "error": error, "due_at": due_at}
        case CancelRequested():
            return {"cancel_requested": True}
        case Cancelled():
            return {"status": "cancelled", "ended_at": seen.at}


PROJECTION = Projection(
    name=NAME,
    version=2,
    rows=(JobRow,),
    events=(Queued, Started, PhaseEntered, Completed, Failed, RetryScheduled, CancelRequested, Cancelled),
    keys=_keys,
    fold=_fold,
)


class ListJobs(Listing, frozen=True, kw_only=True, tag="jobs.list"):
    """A project's jobs, newest first; by status, kind, or the document or audit that they are about."""

    project_id: UUID
    status: Status | None = None
    kind: JobKind | None = None
    subject: UUID | None = None


class GetJob(Query, frozen=True, kw_only=True, tag="jobs.get"):
    """One job, of a project or of any that the viewer may read, and how far it is."""

    project_id: UUID | None = None
    job_id: UUID


class JobItem(Struct, frozen=True, kw_only=True):
    """A job, see `JobRow`. `progress` is 0..100, by phases."""

    job_id: UUID
    kind: JobKind
    subject: UUID
    queue: Queue
    status: Status
    progress: int
    attempt: int
    phase: str
    cancel_requested: bool
    error_code: str | None
    error: str | None
    result: dict[str, Any] | None
    queued_by: str
    requested_by: str | None
    queued_at: datetime
    queued_position: int
    started_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None


class JobDetails(JobItem, frozen=True, kw_only=True):
    """A job. `live`: the last step that was told, with the time still to go, while it runs; `progress` knows it too."""

    project_id: UUID
    phases: int
    live: Progress | None = None


COLUMNS = "SELECT j.*, CASE WHEN j.status = 'completed' THEN 100 ELSE 100 - 100 / (1 + j.phases) END AS progress"
JOBS = f"{COLUMNS} FROM read.jobs j WHERE j.project_id = %(project_id)s"
READABLE = (
    f"{COLUMNS} FROM read.jobs j WHERE EXISTS (SELECT FROM read.members m WHERE m.project_id = j.project_id"
    " AND (%(admin)s OR (m.account_id = %(viewer)s AND m.joined)))"
)


async def _list_jobs(reading: Reading, query: ListJobs) -> Page[JobItem]:
    return await reading.page(
        query,
        JobItem,
        JOBS,
        Order(fields=("queued_position",), table="j", descending=True),
        ("status", "j.status = %(status)s", query.status),
        ("kind", "j.kind = %(kind)s", query.kind),
        ("subject", "j.subject = %(subject)s", query.subject),
        project_id=query.project_id,
    )


async def _get_job(reading: Reading, query: GetJob) -> JobDetails:
    jobs = READABLE if query.project_id is None else JOBS
    found = await reading.select(
        JobDetails, f"{jobs} AND j.job_id = %(job_id)s", {"job_id": query.job_id}, project_id=query.project_id
    )
    if not found:
        raise UnknownJob
    (job,) = found
    if job.status != "running":
        return job
    live = await reading.progress(own_job(job.job_id))
    if live is None or live.step.scope != str(job.attempt):
        return job
    return structs.replace(job, live=live, progress=_finer(job, live.step))


def _finer(job: JobDetails, step: Step) -> int:
    """Add what is done of the present phase, which is worth as much as entering the next one."""
    if step.phase != job.phase or not step.items_total:
        return job.progress
    following = 100 - 100 // (2 + job.phases)
    done = min(1.0, (step.items_done or 0) / step.items_total)
    return job.progress + int((following - job.progress) * done)


QUESTIONS = (
    Question(query=ListJobs, result=Page[JobItem], sources=(MEMBERS, NAME), answer=_list_jobs),
    Question(query=GetJob, result=JobDetails, sources=(MEMBERS, NAME), answer=_get_job),
)
