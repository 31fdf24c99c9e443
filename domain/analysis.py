"""Analyses: what contracts and property papers say, worked out once for each kind and content.

Accounts hold claims on an analysis. Whether they share one, or each has its own, is decided by its id alone.
"""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Refused
from domain.document import ContentHash

AnalysisKind = Literal["contract", "property"]
SharingPolicy = Literal["shared", "per_account"]
"""Whether accounts that bring the same bytes share one analysis."""
AnalysisStatus = Literal["unknown", "running", "completed", "failed", "stopped", "evicted"]

_ANALYSES = UUID("b1a4c7d2-5e0f-4f6b-9d38-60c1a2f7e853")


def analysis_id_of(policy: SharingPolicy, kind: AnalysisKind, content_hash: str, account_id: UUID) -> UUID:
    """Name an analysis after what is shared: by all who bring the bytes, or by nobody."""
    owner = "" if policy == "shared" else f":{account_id}"
    return uuid5(_ANALYSES, f"{policy}:{kind}:{content_hash}{owner}")


class RequestAnalysis(Command, frozen=True, kw_only=True, tag="analysis.request"):
    """Have a document analysed that you may read. The receipt's feed is that of the analysis.

    Leave `analysis_id` and `content_hash` out: the service sets them, whatever they say.
    """

    account_id: UUID
    kind: AnalysisKind
    project_id: UUID
    document_id: UUID
    analysis_id: UUID | None = None
    content_hash: str = ""


class RequestUploaded(Command, frozen=True, kw_only=True, tag="analysis.request_uploaded"):
    """Have a file analysed whose bytes the account has just sent. The service sets `analysis_id`."""

    account_id: UUID
    kind: AnalysisKind
    content_hash: ContentHash
    analysis_id: UUID | None = None


class DetachAnalysis(Command, frozen=True, kw_only=True, tag="analysis.detach"):
    """Give up your own claim. Work that nobody waits for any more is stopped; that of others goes on."""

    account_id: UUID
    analysis_id: UUID


class RetryAnalysis(Command, frozen=True, kw_only=True, tag="analysis.retry"):
    """Try an analysis again that failed, was stopped or cleaned up; one that runs or is done you are attached to.

    Takes somebody who brought its bytes before.
    """

    account_id: UUID
    analysis_id: UUID


class CompleteAnalysis(Command, frozen=True, kw_only=True, tag="analysis.complete"):
    """Say what its job found: the stored result, how many facts of each field, and which fields there are none of."""

    analysis_id: UUID
    job_id: UUID
    result_hash: ContentHash
    found: dict[str, int]
    missing: tuple[str, ...] = ()
    language: str = ""
    pages: int = 0


class FailAnalysis(Command, frozen=True, kw_only=True, tag="analysis.fail"):
    """Say why its job came to nothing, in words that people can act on."""

    analysis_id: UUID
    job_id: UUID
    error_code: str
    error: str


class EvictAnalysis(Command, frozen=True, kw_only=True, tag="analysis.evict"):
    """Take a result out of the cache, unless it runs, or was used more than the `uses` times that the caller saw."""

    analysis_id: UUID
    uses: Annotated[int, Meta(ge=0)]


class Requested(Event, frozen=True, kw_only=True, tag="analysis.requested"):
    """Nobody had it yet: a job works it out."""

    analysis_id: UUID
    kind: AnalysisKind
    account_id: UUID
    content_hash: str
    job_id: UUID


class Attached(Event, frozen=True, kw_only=True, tag="analysis.attached"):
    """An account has a claim on it. `hit`: it was there already, or under way."""

    analysis_id: UUID
    kind: AnalysisKind
    account_id: UUID
    hit: bool = False


class Detached(Event, frozen=True, kw_only=True, tag="analysis.detached"):
    """An account gave up its claim. `stops` is the job that nobody waits for any more."""

    analysis_id: UUID
    kind: AnalysisKind
    account_id: UUID
    stops: UUID | None = None


class Retried(Event, frozen=True, kw_only=True, tag="analysis.retried"):
    """Another job works it out."""

    analysis_id: UUID
    kind: AnalysisKind
    account_id: UUID
    content_hash: str
    job_id: UUID


class AnalysisCompleted(Event, frozen=True, kw_only=True, tag="analysis.completed"):
    """The result is stored."""

    analysis_id: UUID
    kind: AnalysisKind
    job_id: UUID
    result_hash: str
    found: dict[str, int]
    missing: tuple[str, ...] = ()
    language: str = ""
    pages: int = 0


class AnalysisFailed(Event, frozen=True, kw_only=True, tag="analysis.failed"):
    """There is no result."""

    analysis_id: UUID
    kind: AnalysisKind
    job_id: UUID
    error_code: str
    error: str


class Evicted(Event, frozen=True, kw_only=True, tag="analysis.evicted"):
    """The cache was cleaned up: the next request works it out anew. All who had a claim were detached before."""

    analysis_id: UUID
    kind: AnalysisKind


class Analysis(Struct, frozen=True, kw_only=True):
    """The state of one analysis. `brought`: accounts that had its bytes; `uses`: claims since the last clean-up."""

    status: AnalysisStatus = "unknown"
    kind: AnalysisKind | None = None
    content_hash: str = ""
    attached: frozenset[UUID] = frozenset()
    brought: frozenset[UUID] = frozenset()
    uses: int = 0
    runs: int = 0
    job_id: UUID | None = None
    result_hash: str = ""


class UnknownAnalysis(Refused):
    """There is no such analysis, or it is not yours."""

    code = "analysis.unknown"
    kind = "unknown"


class AnalysisNotRunning(Refused):
    """Nobody waits for what this job finds."""

    code = "analysis.not_running"


class AnalysisNotReady(Refused):
    """The analysis has no result yet: follow its feed."""

    code = "analysis.not_ready"


AnalysisCommand = (
    RequestAnalysis | RequestUploaded | DetachAnalysis | RetryAnalysis | CompleteAnalysis | FailAnalysis | EvictAnalysis
)
AnalysisEvent = Requested | Attached | Detached | Retried | AnalysisCompleted | AnalysisFailed | Evicted


def decide(command: AnalysisCommand, analysis: Analysis, context: Context) -> list[Event]:  # noqa: ARG001 - one shape
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, RequestAnalysis | RequestUploaded):
        return _request(command, analysis)
    if analysis.kind is None:
        raise UnknownAnalysis
    ids: dict[str, Any] = {"analysis_id": command.analysis_id, "kind": analysis.kind}
    match command:
        case DetachAnalysis(account_id=account_id):
            if account_id not in analysis.attached:
                raise UnknownAnalysis
            last = analysis.status == "running" and len(analysis.attached) == 1
            return [Detached(**ids, account_id=account_id, stops=analysis.job_id if last else None)]
        case RetryAnalysis(account_id=account_id, analysis_id=analysis_id):
            if account_id not in analysis.brought:
                raise UnknownAnalysis
            if analysis.status in {"running", "completed"}:
                return _attach(ids, account_id, analysis)
            again = Retried(
                **ids,
                account_id=account_id,
                content_hash=analysis.content_hash,
                job_id=_next_job(analysis_id, analysis),
            )
            return [again, *_attach(ids, account_id, analysis)]
        case CompleteAnalysis(job_id=job_id):
            _current(analysis, job_id)
            return [AnalysisCompleted(**structs.asdict(command), kind=analysis.kind)]
        case FailAnalysis(job_id=job_id):
            _current(analysis, job_id)
            return [AnalysisFailed(**structs.asdict(command), kind=analysis.kind)]
        case EvictAnalysis(uses=uses):
            kept = analysis.status in {"running", "evicted"} or analysis.uses > uses
            gone = [Detached(**ids, account_id=each) for each in sorted(analysis.attached)]
            return [] if kept else [*gone, Evicted(**ids)]


def _request(command: RequestAnalysis | RequestUploaded, analysis: Analysis) -> list[Event]:
    if command.analysis_id is None:
        raise UnknownAnalysis
    account_id = command.account_id
    ids: dict[str, Any] = {"analysis_id": command.analysis_id, "kind": command.kind}
    if analysis.status == "completed":
        return [Attached(**ids, account_id=account_id, hit=True)]
    if analysis.status == "running":
        return _attach(ids, account_id, analysis)
    asked = Requested(
        **ids,
        account_id=account_id,
        content_hash=command.content_hash,
        job_id=_next_job(command.analysis_id, analysis),
    )
    return [asked, *_attach(ids, account_id, analysis)]


def _attach(ids: dict[str, Any], account_id: UUID, analysis: Analysis) -> list[Event]:
    if account_id in analysis.attached:
        return []
    return [Attached(**ids, account_id=account_id, hit=analysis.status in {"running", "completed"})]


def _next_job(analysis_id: UUID, analysis: Analysis) -> UUID:
    return uuid5(analysis_id, f"run:{analysis.runs + 1}")


def _current(analysis: Analysis, job_id: UUID) -> None:
    if analysis.status != "running" or analysis.job_id != job_id:
        raise AnalysisNotRunning


def evolve(analysis: Analysis, event: AnalysisEvent) -> Analysis:
    """Apply what happened. Never fails."""
    match event:
        case Requested(kind=kind, content_hash=content_hash, job_id=job_id):
            return structs.replace(
                analysis, status="running", kind=kind, content_hash=content_hash, runs=analysis.runs + 1, job_id=job_id
            )
        case Retried(job_id=job_id):
            return structs.replace(analysis, status="running", runs=analysis.runs + 1, job_id=job_id)
        case Attached(account_id=account_id):
            return structs.replace(
                analysis,
                attached=analysis.attached | {account_id},
                brought=analysis.brought | {account_id},
                uses=analysis.uses + 1,
            )
        case Detached(account_id=account_id, stops=stops):
            left = analysis.attached - {account_id}
            return structs.replace(analysis, attached=left, status="stopped" if stops else analysis.status)
        case AnalysisCompleted(result_hash=result_hash):
            return structs.replace(analysis, status="completed", result_hash=result_hash)
        case AnalysisFailed():
            return structs.replace(analysis, status="failed")
        case Evicted():
            return structs.replace(analysis, status="evicted", result_hash="", uses=0)


ANALYSIS = Aggregate(
    name="analysis",
    key="analysis_id",
    feed="analysis",
    feed_key="analysis_id",
    commands=(
        RequestAnalysis,
        RequestUploaded,
        DetachAnalysis,
        RetryAnalysis,
        CompleteAnalysis,
        FailAnalysis,
        EvictAnalysis,
    ),
    events=(Requested, Attached, Detached, Retried, AnalysisCompleted, AnalysisFailed, Evicted),
    state=Analysis,
    decide=decide,
    evolve=evolve,
)
