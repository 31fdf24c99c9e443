"""The reactor: turns events into jobs and follow-up commands. The log is its outbox, so nothing is written twice.

It reads the log in order from its own checkpoint. Every command that it sends carries an id derived from the
event, so reading an event again after a crash changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid5

import structlog
from psycopg import AsyncConnection, OperationalError

from commands.bus import Bus
from commands.write_side import TYPES
from domain.audit import AuditStarted, StartAudit
from domain.budget import Versioned
from domain.core import SYSTEM, Command, Event, Refused
from domain.document import Parsed, ParseRequested, Uploaded
from domain.job import Cancelled, CancelRequested, Completed, Failed, Queued, QueueJob, RetryScheduled
from domain.registry import name_of
from eventstore import Recorded, read_log
from workers import leases
from workers.leases import Nudge

NAME = "reactor"
BATCH = 500
LOCK = 7_586_255_104_201
"""Advisory lock key: one reactor works, the others stand by."""
IDLE_SECONDS = 1.0
"""How long the reactor waits for a wake-up before it looks at log and leases anyway."""
STUCK_SECONDS = 5.0

_DERIVED = UUID("0c5c9f1e-8a43-4d0f-9a55-51d4a7d1f2ab")
_FOLLOWED: tuple[type[Event], ...] = (
    Uploaded,
    ParseRequested,
    Parsed,
    Versioned,
    AuditStarted,
    Queued,
    RetryScheduled,
    CancelRequested,
    Completed,
    Failed,
    Cancelled,
)
_TYPES = [name_of(event) for event in _FOLLOWED]

log = structlog.get_logger()


def derived_id(recorded: Recorded, purpose: str) -> UUID:
    """Give the id that whatever follows from an event has, however often the event is read."""
    return uuid5(_DERIVED, f"{recorded.stream}:{recorded.version}:{purpose}")


def follow_up(recorded: Recorded, event: Event) -> Command | None:
    """Say which command follows from an event, if any."""

    def job(kind: Any, project_id: UUID, subject: UUID) -> Command:
        job_id = derived_id(recorded, kind)
        return QueueJob(project_id=project_id, job_id=job_id, kind=kind, subject=subject, queue="default")

    match event:
        case (
            Uploaded(project_id=project_id, document_id=document_id)
            | ParseRequested(project_id=project_id, document_id=document_id)
        ):
            return job("parse", project_id, document_id)
        case Parsed(project_id=project_id, document_id=document_id, items=items):
            return job("import", project_id, document_id) if items else None
        case Versioned(project_id=project_id, version=version, trigger="initial" | "document_added"):
            return StartAudit(project_id=project_id, audit_id=derived_id(recorded, "audit"), version=version)
        case AuditStarted(project_id=project_id, audit_id=audit_id):
            return job("audit", project_id, audit_id)
        case _:
            return None


async def apply_to_leases(connection: AsyncConnection[Any], event: Event) -> None:
    """Keep the table of leases in step with what happened to a job."""
    match event:
        case Queued(job_id=job_id, project_id=project_id, kind=kind, subject=subject, queue=queue):
            await leases.add(connection, job_id=job_id, project_id=project_id, kind=kind, subject=subject, queue=queue)
        case RetryScheduled(job_id=job_id, attempt=attempt, due_at=due_at):
            await leases.retry(connection, job_id=job_id, attempt=attempt, due_at=due_at)
        case CancelRequested(job_id=job_id):
            await leases.request_cancel(connection, job_id)
        case Completed(job_id=job_id) | Failed(job_id=job_id) | Cancelled(job_id=job_id):
            await leases.end(connection, job_id)
        case _:
            pass


class Reactor:
    """Follows the log and nudges workers. Many may run; one holds the lock and works."""

    def __init__(self, conninfo: str, bus: Bus, send: Callable[[Iterable[Nudge]], None]) -> None:
        """Send follow-up commands through `bus` and messages through `send`, which may block for a moment."""
        self._conninfo = conninfo
        self._bus = bus
        self._send = send
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that there may be something new."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; after a lost database connection, start over from the checkpoint."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._conninfo, autocommit=True, application_name=NAME
                ) as connection:
                    await self._lead(connection)
            except OperationalError as error:
                log.warning("reactor.database_away", error=str(error).strip())
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("reactor.stuck", next_try_seconds=STUCK_SECONDS)
                await asyncio.sleep(STUCK_SECONDS)

    async def _lead(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        log.info("reactor.leads")
        while True:
            self._wake.clear()
            while await self.react(connection):
                pass
            await self.nudge(connection)
            try:
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
            except TimeoutError:
                continue

    async def react(self, connection: AsyncConnection[Any]) -> int:
        """Work through one batch of events; answer how many there were."""
        position = await _checkpoint(connection)
        head = await _head(connection)
        if head <= position:
            return 0
        events = await read_log(connection, after=position, upto=head, types=_TYPES, limit=BATCH)
        decoded = [(recorded, TYPES.decode(recorded.type, recorded.data)) for recorded in events]
        for recorded, event in decoded:
            command = follow_up(recorded, event)
            if command is not None:
                await self._follow_up(recorded, command)
        async with connection.transaction():
            for _, event in decoded:
                await apply_to_leases(connection, event)
            reached = events[-1].position if len(events) == BATCH else head
            await connection.execute(_MOVE, (NAME, reached))
        return len(events)

    async def nudge(self, connection: AsyncConnection[Any]) -> None:
        """Send a message for each attempt that is due."""
        nudges = await leases.due(connection)
        if nudges:
            await asyncio.to_thread(self._send, nudges)

    async def _follow_up(self, recorded: Recorded, command: Command) -> None:
        try:
            await self._bus.execute(
                command,
                actor=SYSTEM,
                command_id=derived_id(recorded, "follow-up"),
                correlation_id=recorded.correlation_id,
                causation_id=recorded.command_id,
            )
        except Refused as refusal:
            if refusal.kind == "unavailable":
                raise OperationalError(refusal.detail) from refusal
            log.warning("reactor.refused", position=recorded.position, code=refusal.code, detail=refusal.detail)


_MOVE = (
    "INSERT INTO followers (name, position) VALUES (%s, %s)"
    " ON CONFLICT (name) DO UPDATE SET position = excluded.position"
)


async def _checkpoint(connection: AsyncConnection[Any]) -> int:
    cursor = await connection.execute("SELECT position FROM followers WHERE name = %s", (NAME,))
    row = await cursor.fetchone()
    return row[0] if row else 0


async def _head(connection: AsyncConnection[Any]) -> int:
    cursor = await connection.execute("SELECT position FROM log_head")
    row = await cursor.fetchone()
    return row[0] if row else 0
