"""Short ways to say what is appended, for the tests of this folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from eventstore import Append, NewEvent, Write

BODY = sha256(b"body").digest()
OTHER_BODY = sha256(b"other body").digest()


def event(number: int = 1, kind: str = "thing.happened") -> NewEvent:
    return NewEvent(kind, b'{"number":%d}' % number)


def write(stream: str, expected: int = 0, events: int = 1) -> Write:
    return Write(stream, expected, tuple(event(expected + number) for number in range(1, events + 1)))


def append(
    *writes: Write,
    feed: str = "project:1",
    pins: tuple[tuple[str, int], ...] = (),
    command_id: UUID | None = None,
    command_hash: bytes = BODY,
) -> Append:
    return Append(
        feed=feed,
        writes=writes,
        pins=pins,
        actor="account:1",
        command_id=command_id,
        command_hash=command_hash if command_id else None,
    )


@asynccontextmanager
async def appends_held_up(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """Hold the lock that orders all appends, for ten seconds at most; answer the connection that does."""
    async with (
        asyncio.timeout(10),
        await AsyncConnection.connect(database_url, autocommit=True) as connection,
        connection.transaction(),
    ):
        await connection.execute("SELECT pg_advisory_xact_lock(7106407)")
        yield connection


async def appenders_waiting(connection: AsyncConnection[Any], number: int) -> list[int]:
    """Wait until `number` appenders stand before the lock; answer their process ids."""
    while True:
        cursor = await connection.execute(
            "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
        )
        pids = [pid for (pid,) in await cursor.fetchall()]
        if len(pids) >= number:
            return pids
        await asyncio.sleep(0.01)
