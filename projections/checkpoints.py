"""Where each projection has got to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

Status = Literal["running", "poisoned"]

GET = (
    b"SELECT projection, fingerprint, position, status, error, poisoned_position, updated_at"
    b" FROM read.checkpoints WHERE projection = ANY(%s)"
)
MOVE = b"UPDATE read.checkpoints SET position = %s, updated_at = now() WHERE projection = %s AND position = %s"
SET = (
    b"INSERT INTO read.checkpoints (projection, fingerprint, position) VALUES (%s, %s, %s)"
    b" ON CONFLICT (projection) DO UPDATE SET fingerprint = excluded.fingerprint, position = excluded.position,"
    b" status = 'running', error = NULL, poisoned_position = NULL, updated_at = now()"
)
POISON = (
    b"UPDATE read.checkpoints SET status = 'poisoned', error = %s, poisoned_position = %s, updated_at = now()"
    b" WHERE projection = %s"
)
RESUME = b"UPDATE read.checkpoints SET status = 'running', error = NULL, poisoned_position = NULL WHERE projection = %s"


class Checkpoint(Struct, frozen=True, kw_only=True):
    """How far a projection has got, with which fingerprint; where it is poisoned, by what and at which position."""

    projection: str
    fingerprint: str
    position: int
    status: Status
    error: str | None
    poisoned_position: int | None
    updated_at: datetime


async def checkpoints(connection: AsyncConnection[Any], names: Iterable[str]) -> dict[str, Checkpoint]:
    """Read the checkpoints of these projections."""
    async with connection.cursor(row_factory=kwargs_row(Checkpoint)) as cursor:
        await cursor.execute(GET, (list(names),))
        return {checkpoint.projection: checkpoint for checkpoint in await cursor.fetchall()}
