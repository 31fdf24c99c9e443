"""One attempt at a job: claim, begin, keep the lease, do the work, record how it ended."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from uuid import UUID, uuid5

import structlog
from msgspec import Struct
from prometheus_client import Counter, Histogram
from psycopg_pool import AsyncConnectionPool
from redis.exceptions import RedisError

from commands.bus import Bus, Receipt
from commands.reporting import show
from domain.core import SYSTEM, Command, Refused
from domain.job import CancelJob, CompleteJob, EnterPhase, FailJob, StartJob
from eventstore import EventStore
from runtime.blobs import Blobs
from runtime.broker import Broker
from runtime.progress import ProgressBoard, Step, own_job
from runtime.telemetry import REGISTRY
from workers.bases import Bases
from workers.leases import RENEW_SECONDS, Claim, LeaseLost, Leases
from workers.parsing import ParserPool

PROGRESS_SECONDS = 0.1
"""The least time between two progress frames of a job."""
STEPS_OF_AN_ATTEMPT = 2**40
"""More than any attempt has, so that steps of a later attempt have higher numbers."""

ATTEMPTS = Counter(
    "job_attempts_total",
    "Attempts at jobs, by how they ended; what failed is tried again, what was given up is not",
    ["kind", "outcome"],
    registry=REGISTRY,
)
DURATION = Histogram(
    "job_attempt_duration_seconds",
    "Seconds that attempts at jobs took",
    ["kind"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000),
    registry=REGISTRY,
)

log = structlog.get_logger()


class GaveUp(Exception):  # noqa: N818 - says what happened
    """The work cannot be done, for a reason that its owner can act on. Trying again would not help."""

    def __init__(self, code: str, detail: str) -> None:
        """Give the permanent code and the words for the owner."""
        self.code = code
        self.detail = detail
        super().__init__(detail)


class Stopped(Exception):  # noqa: N818 - says what happened
    """Somebody wants the job to stop."""


class Tools(Struct, frozen=True, kw_only=True):
    """What all jobs of a process share."""

    bus: Bus
    store: EventStore
    blobs: Blobs
    parser: ParserPool
    broker: Broker
    board: ProgressBoard
    bases: Bases
    pool: AsyncConnectionPool[Any]


class Attempt:
    """What a job's work may use: its claim, the bus, the stored files, and ways to say how far it is."""

    def __init__(self, claim: Claim, tools: Tools) -> None:
        """Work under `claim`."""
        self.claim = claim
        self.bus = tools.bus
        self.store = tools.store
        self.blobs = tools.blobs
        self.parser = tools.parser
        self.bases = tools.bases
        self.pool = tools.pool
        self._broker = tools.broker
        self._board = tools.board
        self._phase = ""
        self._steps = 0
        self._shown_at = 0.0
        self.cancel_requested = claim.cancel_requested

    async def execute(self, command: Command, purpose: str) -> Receipt:
        """Send a command of this job. `purpose` names it within the job: a later attempt repeats it without effect."""
        return await self.bus.execute(
            command,
            actor=SYSTEM,
            command_id=uuid5(self.claim.job_id, purpose),
            correlation_id=self.claim.job_id,
            causation_id=self.claim.job_id,
        )

    async def enter(self, phase: str) -> None:
        """Say which phase begins; raises `Stopped` if somebody wants the job to stop."""
        self._stop_if_asked()
        self._phase = phase
        claim = self.claim
        command = EnterPhase(**claim.ids, attempt=claim.attempt, phase=phase)
        await self.execute(command, f"{claim.attempt}:phase:{phase}")
        await self._show(None, None)

    async def progress(self, done: int, total: int) -> None:
        """Say how far the phase is. Seen live and forgotten; at most ten times a second."""
        self._stop_if_asked()
        now = monotonic()
        if done < total and now - self._shown_at < PROGRESS_SECONDS:
            return
        self._shown_at = now
        await self._show(done, total)

    async def _show(self, done: int | None, total: int | None) -> None:
        claim = self.claim
        self._steps += 1
        step = Step(
            event_id=claim.attempt * STEPS_OF_AN_ATTEMPT + self._steps,
            scope=str(claim.attempt),
            phase=self._phase,
            items_done=done,
            items_total=total,
        )
        try:
            told = await self._board.tell(own_job(claim.job_id), step)
        except RedisError:
            log.warning("job.progress_not_shown", job_id=str(claim.job_id), exc_info=True)
            return
        if told is not None and done is not None:
            ids = {"job_id": claim.job_id, "kind": claim.kind}
            show(self._broker, claim.feed, "job.progress", ids, told.step)

    def _stop_if_asked(self) -> None:
        if self.cancel_requested:
            raise Stopped


Work = Callable[[Attempt], Awaitable[dict[str, Any]]]
"""Does a job and answers its result. May raise `GaveUp`; any other error is tried again later."""


class Worker(Struct, frozen=True, kw_only=True):
    """Runs attempts. `kinds` names the work that there is."""

    tools: Tools
    leases: Leases
    kinds: dict[str, Work]

    async def run(self, job_id: UUID, attempt_number: int) -> None:
        """Make one attempt, if it is due and nobody else makes it."""
        claim = await self.leases.claim(job_id, attempt_number)
        if claim is None:
            return
        attempt = Attempt(claim, self.tools)
        work = asyncio.create_task(self._attempt(attempt))
        keeping = asyncio.create_task(self._keep(attempt, work))
        try:
            await work
        except asyncio.CancelledError:
            await self.leases.release(claim)
            raise
        finally:
            keeping.cancel()

    async def _attempt(self, attempt: Attempt) -> None:
        claim = attempt.claim
        ids = claim.ids
        began = monotonic()
        with structlog.contextvars.bound_contextvars(job_id=str(claim.job_id), kind=claim.kind, attempt=claim.attempt):
            try:
                await attempt.execute(StartJob(**ids, attempt=claim.attempt), f"{claim.attempt}:start")
                result = await self.kinds[claim.kind](attempt)
                ending: CompleteJob | CancelJob | FailJob = CompleteJob(**ids, attempt=claim.attempt, result=result)
            except Stopped:
                ending = CancelJob(**ids, attempt=claim.attempt)
            except GaveUp as reason:
                ending = _failed(claim, reason.code, reason.detail, retry=False)
            except Refused as refusal:
                if refusal.code in {"job.fenced", "job.over", "job.unknown"}:
                    log.info("job.not_mine", code=refusal.code)
                    return
                log.warning("job.refused", code=refusal.code, detail=refusal.detail)
                ending = _failed(claim, refusal.code, refusal.detail, retry=refusal.kind == "unavailable")
            except Exception:
                log.exception("job.broke")
                ending = _failed(claim, "internal", "An unexpected error; the log has its stack.", retry=True)
            await self._end(attempt, ending)
            ATTEMPTS.labels(claim.kind, _outcome(ending)).inc()
            DURATION.labels(claim.kind).observe(monotonic() - began)

    async def _end(self, attempt: Attempt, ending: Command) -> None:
        try:
            await attempt.execute(ending, f"{attempt.claim.attempt}:end")
        except Refused as refusal:
            log.warning("job.end_refused", code=refusal.code, detail=refusal.detail)

    async def _keep(self, attempt: Attempt, work: asyncio.Task[None]) -> None:
        """Renew the lease while the work goes on; end the work when the lease is lost."""
        while True:
            await asyncio.sleep(RENEW_SECONDS / 2)
            try:
                attempt.cancel_requested = await self.leases.renew(attempt.claim)
            except LeaseLost:
                log.warning("job.lease_lost", job_id=str(attempt.claim.job_id))
                work.cancel()
                return
            except OSError as error:
                log.warning("job.lease_not_renewed", error=str(error))


def _outcome(ending: CompleteJob | CancelJob | FailJob) -> str:
    match ending:
        case CompleteJob():
            return "completed"
        case CancelJob():
            return "cancelled"
        case FailJob(retry=retry):
            return "failed" if retry else "given_up"


def _failed(claim: Claim, code: str, detail: str, *, retry: bool) -> FailJob:
    return FailJob(
        **claim.ids,
        attempt=claim.attempt,
        error_code=code,
        error=detail,
        retry=retry,
        jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
    )
