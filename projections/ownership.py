"""Who keeps a projection: one session at a time, and how a rebuild gets its turn.

The owner holds a session's advisory lock, so it ends with its connection, however that ends. Whoever wants to rebuild
holds a second lock meanwhile: the owner sees that between two batches and lets go, and others do not begin.
"""

import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection

OWNER = 75_862
WANTED = 75_863

TRY = (
    b"SELECT CASE WHEN pg_try_advisory_xact_lock_shared(%(wanted)s, %(key)s)"
    b" THEN pg_try_advisory_lock(%(owner)s, %(key)s) ELSE false END"
)
LET_GO = b"SELECT pg_advisory_unlock(%(owner)s, %(key)s)"
UNDISTURBED = "pg_try_advisory_xact_lock_shared(%(wanted)s, %(key)s)"
"""SQL: whether nobody wants to rebuild."""


def locks(projection: str) -> dict[str, int]:
    """Give the lock keys of a projection, as the statements here name them."""
    unsigned = zlib.crc32(projection.encode())
    return {"owner": OWNER, "wanted": WANTED, "key": unsigned - 2**32 if unsigned >= 2**31 else unsigned}


async def try_own(connection: AsyncConnection[Any], projection: str) -> bool:
    """Become the owner, unless somebody else is, or wants to rebuild."""
    cursor = await connection.execute(TRY, locks(projection))
    ((owned,),) = await cursor.fetchall()
    return owned


async def let_go(connection: AsyncConnection[Any], projection: str) -> None:
    """Stop being the owner."""
    await connection.execute(LET_GO, locks(projection))


@asynccontextmanager
async def claimed(connection: AsyncConnection[Any], projection: str) -> AsyncGenerator[None]:
    """Own a projection for the length of the block, as soon as its present owner has let go."""
    keys = locks(projection)
    await connection.execute("SELECT pg_advisory_lock(%(wanted)s, %(key)s)", keys)
    try:
        await connection.execute("SELECT pg_advisory_lock(%(owner)s, %(key)s)", keys)
        try:
            yield
        finally:
            await let_go(connection, projection)
    finally:
        await connection.execute("SELECT pg_advisory_unlock(%(wanted)s, %(key)s)", keys)
