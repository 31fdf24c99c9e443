"""Audits that follow edits: which projects were audited, and when their next audit is due.

Edits come in bursts. The audit waits until nothing was edited for a moment, but not for ever, and not beside another.
"""

from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import class_row

QUIET_SECONDS = 2.0
"""How long nothing must have been edited before the project is audited again."""

MOST_SECONDS = 30.0
"""How long edits that keep coming may put it off."""

_FOLLOW = "INSERT INTO reaudits (project_id) VALUES (%s) ON CONFLICT (project_id) DO NOTHING"

_PUT_OFF = """
UPDATE reaudits SET version = %(version)s, since = coalesce(since, now()),
    due_at = least(now() + make_interval(secs => %(quiet)s), coalesce(since, now()) + make_interval(secs => %(most)s))
WHERE project_id = %(project_id)s"""

_DUE = """
SELECT project_id, version FROM reaudits r
WHERE due_at <= now()
  AND NOT EXISTS (SELECT 1 FROM job_leases l WHERE l.project_id = r.project_id AND l.kind = 'audit')
ORDER BY due_at LIMIT 100"""

_DONE = "UPDATE reaudits SET due_at = NULL, since = NULL WHERE project_id = %s AND version <= %s"


class Due(Struct, frozen=True, kw_only=True):
    """A project whose budget changed since its last audit, and the version that it has."""

    project_id: UUID
    version: int


async def follow(connection: AsyncConnection[Any], project_id: UUID) -> None:
    """Audit the project again after edits, from now on."""
    await connection.execute(_FOLLOW, (project_id,))


async def put_off(connection: AsyncConnection[Any], project_id: UUID, version: int) -> None:
    """Let an audit of this version wait for more edits. Does nothing if the project was never audited."""
    await connection.execute(
        _PUT_OFF, {"project_id": project_id, "version": version, "quiet": QUIET_SECONDS, "most": MOST_SECONDS}
    )


async def due(connection: AsyncConnection[Any]) -> list[Due]:
    """Give the projects that are to be audited now."""
    async with connection.cursor(row_factory=class_row(Due)) as cursor:
        await cursor.execute(_DUE)
        return await cursor.fetchall()


async def done(connection: AsyncConnection[Any], project_id: UUID, version: int) -> None:
    """Note that an audit of this version was started: nothing is due, unless the budget changed again."""
    await connection.execute(_DONE, (project_id, version))
