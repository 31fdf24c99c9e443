"""Leases: who may work on a job now. A claim takes a fencing number; a lease that is not renewed can be taken over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from domain.job import JobOwner

LEASE_SECONDS = 30
RENEW_SECONDS = 10
FIRST_NUDGE_SECONDS = 5
"""How long a message may stay unanswered before the next is sent; the pause doubles, to 32 times this."""

_CLAIM = """
UPDATE job_leases
SET attempt = attempt + 1, worker = %(worker)s, lease_until = now() + make_interval(secs => %(seconds)s)
WHERE job_id = %(job_id)s AND attempt = %(attempt)s - 1 AND due_at <= now()
  AND (lease_until IS NULL OR lease_until < now())
RETURNING job_id, project_id, kind, subject, attempt, cancel_requested"""

_RENEW = """
UPDATE job_leases SET lease_until = now() + make_interval(secs => %(seconds)s)
WHERE job_id = %(job_id)s AND attempt = %(attempt)s AND worker = %(worker)s
RETURNING cancel_requested"""

_RELEASE = """
UPDATE job_leases SET worker = NULL, lease_until = NULL, nudges = 0, nudge_at = now()
WHERE job_id = %(job_id)s AND attempt = %(attempt)s AND worker = %(worker)s"""

_ADD = """
INSERT INTO job_leases (job_id, project_id, kind, subject, queue, due_at, nudge_at)
VALUES (%s, %s, %s, %s, %s, now(), now()) ON CONFLICT (job_id) DO NOTHING"""

_RETRY = """
UPDATE job_leases SET due_at = %s, worker = NULL, lease_until = NULL, nudges = 0, nudge_at = %s
WHERE job_id = %s AND attempt = %s"""

_CANCEL = "UPDATE job_leases SET cancel_requested = true WHERE job_id = %s"

_END = "DELETE FROM job_leases WHERE job_id = %s"

_DUE = """
UPDATE job_leases
SET nudges = nudges + 1, nudge_at = now() + make_interval(secs => %(pause)s * (2 ^ least(nudges, 5)))
WHERE job_id IN (
    SELECT job_id FROM job_leases
    WHERE nudge_at <= now() AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING job_id, queue, attempt + 1 AS attempt"""


OWNERS: dict[str, JobOwner] = {"analysis": "analysis", "clean_up": "account"}
"""Whose jobs are not a project's, by kind."""


class Claim(Struct, frozen=True, kw_only=True):
    """The right to work on a job for now, under the fencing number `attempt`."""

    job_id: UUID
    project_id: UUID
    kind: str
    subject: UUID
    attempt: int
    cancel_requested: bool

    @property
    def owner(self) -> JobOwner:
        """Whether it is a project's job, or that of a shared analysis or an account, whose id `project_id` is then."""
        return OWNERS.get(self.kind, "project")

    @property
    def feed(self) -> str:
        """Where the job's events and its progress are told."""
        return f"{self.owner}:{self.project_id}"

    @property
    def ids(self) -> dict[str, Any]:
        """The fields that every command of the job has."""
        return {"project_id": self.project_id, "job_id": self.job_id, "owner": self.owner}


class Nudge(Struct, frozen=True, kw_only=True):
    """The message that an attempt is due. Losing or repeating it is harmless."""

    job_id: UUID
    queue: str
    attempt: int


class LeaseLost(Exception):  # noqa: N818 - says what happened
    """Another worker has taken the job over, or it is over."""


class Leases:
    """The leases that one worker process takes."""

    def __init__(self, pool: AsyncConnectionPool[Any], worker: str) -> None:
        """Claim under the name `worker`, which no other process has."""
        self._pool = pool
        self._worker = worker

    async def claim(self, job_id: UUID, attempt: int) -> Claim | None:
        """Take the lease for an attempt; `None` if it is not due, taken, past, or the job is over."""
        values = {"job_id": job_id, "attempt": attempt, "worker": self._worker, "seconds": LEASE_SECONDS}
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Claim)) as cursor:
            await cursor.execute(_CLAIM, values)
            return await cursor.fetchone()

    async def renew(self, claim: Claim) -> bool:
        """Keep the lease for another 30 s; answer whether the job should stop. Raises `LeaseLost`."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_RENEW, self._values(claim) | {"seconds": LEASE_SECONDS})
            row = await cursor.fetchone()
        if row is None:
            raise LeaseLost
        return row[0]

    async def release(self, claim: Claim) -> None:
        """Give the lease back before its time, for others to go on at once."""
        async with self._pool.connection() as connection:
            await connection.execute(_RELEASE, self._values(claim))

    def _values(self, claim: Claim) -> dict[str, object]:
        return {"job_id": claim.job_id, "attempt": claim.attempt, "worker": self._worker}


async def add(
    connection: AsyncConnection[Any], *, job_id: UUID, project_id: UUID, kind: str, subject: UUID, queue: str
) -> None:
    """Make a queued job claimable."""
    await connection.execute(_ADD, (job_id, project_id, kind, subject, queue))


async def retry(connection: AsyncConnection[Any], *, job_id: UUID, attempt: int, due_at: datetime) -> None:
    """Make the attempt behind `attempt` claimable at `due_at`."""
    await connection.execute(_RETRY, (due_at, due_at, job_id, attempt))


async def request_cancel(connection: AsyncConnection[Any], job_id: UUID) -> None:
    """Let the job's worker know, at its next step, that it should stop."""
    await connection.execute(_CANCEL, (job_id,))


async def end(connection: AsyncConnection[Any], job_id: UUID) -> None:
    """Forget a job that is over."""
    await connection.execute(_END, (job_id,))


async def due(connection: AsyncConnection[Any]) -> Sequence[Nudge]:
    """Collect what a message should be sent for: jobs that are due, and those whose worker fell silent."""
    async with connection.cursor(row_factory=class_row(Nudge)) as cursor:
        await cursor.execute(_DUE, {"pause": FIRST_NUDGE_SECONDS})
        return await cursor.fetchall()
