"""The reactor: turns events into jobs and follow-up commands. The log is its outbox, so nothing is written twice.

It reads the log in order from its own checkpoint. Every command that it sends carries an id derived from the
event, so reading an event again after a crash changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from commands.bus import Bus
from domain import analysis, comparison, document
from domain.account import Erased
from domain.analysis import FailAnalysis
from domain.audit import AuditStarted, StartAudit
from domain.budget import Budget, Trigger, Versioned
from domain.cache import CleanUpRequested
from domain.catalogue import PricesRequested
from domain.core import Command, Event
from domain.document import Parsed, ParseRequested, Uploaded
from domain.job import (
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    JobKind,
    Queued,
    QueueJob,
    RequestCancel,
    RetryScheduled,
)
from eventstore import Recorded
from eventstore.personal import Vault
from workers import leases, reaudits
from workers.comparing import CHANGING, calls_for_audit, is_imported
from workers.following import Follower, Seen
from workers.following_up import derived_id, follow_up, reaudit_id, requester, send_command
from workers.leases import Nudge

LOCK = 7_586_255_104_201
"""Advisory lock key: one reactor works, the others stand by."""

AUDITED_AT_ONCE: frozenset[Trigger] = frozenset({"initial", "document_added"})
"""Versions that whole documents make. Those of edits wait for more edits, see `workers.reaudits`."""

FOLLOWED: tuple[type[Event], ...] = (
    Uploaded,
    ParseRequested,
    Parsed,
    document.Removed,
    document.Replaced,
    comparison.ComparisonAdded,
    comparison.ComparisonRemoved,
    Versioned,
    AuditStarted,
    PricesRequested,
    analysis.Requested,
    analysis.Retried,
    analysis.Detached,
    CleanUpRequested,
    Queued,
    RetryScheduled,
    CancelRequested,
    Completed,
    Failed,
    Cancelled,
    Erased,
)

ASKING = (Uploaded, ParseRequested, Parsed, AuditStarted, PricesRequested)
"""Events that a job follows from."""


def consequence(recorded: Recorded, event: Event, requested_by: str = "") -> Command | None:
    """Say which command follows from an event, if any. Jobs are done on the wish of `requested_by`."""

    def job(kind: JobKind, project_id: UUID, subject: UUID) -> Command:
        job_id = derived_id(recorded, kind)
        return QueueJob(
            project_id=project_id,
            job_id=job_id,
            kind=kind,
            subject=subject,
            queue="default",
            requested_by=requested_by,
        )

    match event:
        case (
            Uploaded(project_id=project_id, document_id=document_id)
            | ParseRequested(project_id=project_id, document_id=document_id)
        ):
            return job("parse", project_id, document_id)
        case Parsed(project_id=project_id, document_id=document_id, items=items):
            return job("import", project_id, document_id) if items else None
        case Versioned(project_id=project_id, version=version, trigger=trigger) if trigger in AUDITED_AT_ONCE:
            return StartAudit(project_id=project_id, audit_id=derived_id(recorded, "audit"), version=version)
        case AuditStarted(project_id=project_id, audit_id=audit_id):
            return job("audit", project_id, audit_id)
        case PricesRequested(catalogue_id=catalogue_id, wanted=wanted):
            return job("prices", wanted.project_id, catalogue_id)
        case (
            analysis.Requested(analysis_id=analysis_id, job_id=job_id)
            | analysis.Retried(analysis_id=analysis_id, job_id=job_id)
        ):
            return QueueJob(
                project_id=analysis_id, job_id=job_id, owner="analysis", kind="analysis", subject=analysis_id
            )
        case CleanUpRequested(account_id=account_id, clean_up_id=clean_up_id):
            job_id = derived_id(recorded, "clean_up")
            return QueueJob(project_id=account_id, job_id=job_id, owner="account", kind="clean_up", subject=clean_up_id)
        case analysis.Detached(analysis_id=analysis_id, stops=UUID() as job_id):
            return RequestCancel(project_id=analysis_id, job_id=job_id, owner="analysis")
        case Failed(owner="analysis", project_id=analysis_id, job_id=job_id, error_code=error_code, error=error):
            return FailAnalysis(analysis_id=analysis_id, job_id=job_id, error_code=error_code, error=error)
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


async def apply_to_reaudits(connection: AsyncConnection[Any], event: Event) -> None:
    """Keep in mind which projects are audited, and that an edit of one makes another audit due."""
    match event:
        case AuditStarted(project_id=project_id, version=version):
            await reaudits.follow(connection, project_id)
            await reaudits.done(connection, project_id, version)
        case Versioned(project_id=project_id, version=version, trigger=trigger) if trigger not in AUDITED_AT_ONCE:
            await reaudits.put_off(connection, project_id, version)
        case _:
            pass


async def audit_again(connection: AsyncConnection[Any], bus: Bus) -> None:
    """Start the audits that edits have made due. An id for each version: repeating it changes nothing."""
    for each in await reaudits.due(connection):
        audit_id = reaudit_id(each.project_id, each.version)
        command = StartAudit(project_id=each.project_id, audit_id=audit_id, version=each.version)
        await send_command(bus, command, audit_id)
        await reaudits.done(connection, each.project_id, each.version)


async def compare_again(bus: Bus, recorded: Recorded, project_id: UUID) -> None:
    """Audit a budget again, since an event changed what it is compared with. One without lines has to wait."""
    budget: Budget = (await bus.states.get(f"budget:{project_id}", fresh=True)).state
    if budget.version:
        audit_id = derived_id(recorded, "compared")
        await follow_up(bus, recorded, StartAudit(project_id=project_id, audit_id=audit_id), "compared")


def reactor(bus: Bus, vault: Vault, send: Callable[[Iterable[Nudge]], None]) -> Follower:
    """Make the follower that sends commands through `bus`, and nudges through `send`, which may block for a moment.

    In `vault` it destroys the keys of who was erased.
    """

    async def react(seen: Seen) -> None:
        for recorded, event in seen:
            wish = await requester(bus.states, recorded) if isinstance(event, ASKING) else ""
            command = consequence(recorded, event, wish)
            if isinstance(event, Parsed) and not await is_imported(bus.states, event):
                command = None
            if command is not None:
                await follow_up(bus, recorded, command)
            if isinstance(event, CHANGING) and await calls_for_audit(bus.states, event):
                await compare_again(bus, recorded, event.project_id)
            if isinstance(event, Erased):
                await vault.destroy(f"account:{event.account_id}")

    async def keep(connection: AsyncConnection[Any], seen: Seen) -> None:
        for _, event in seen:
            await apply_to_leases(connection, event)
            await apply_to_reaudits(connection, event)

    async def nudge(connection: AsyncConnection[Any]) -> None:
        """Start audits and send messages for attempts: those that are due."""
        await audit_again(connection, bus)
        nudges = await leases.due(connection)
        if nudges:
            await asyncio.to_thread(send, nudges)

    return Follower(name="reactor", lock=LOCK, events=FOLLOWED, react=react, keep=keep, idle=nudge)
