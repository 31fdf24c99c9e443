"""Reading the log: statements and rows, for the store's pool and for a caller's own connection."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

from eventstore.records import Recorded

EVENT = (
    "SELECT position, feed, sequence, stream, version, type, data, actor,"
    " command_id, correlation_id, causation_id, recorded_at FROM events"
)
STREAM = f"{EVENT} WHERE stream = %s AND version > %s ORDER BY version"
STREAM_UPTO = f"{EVENT} WHERE stream = %s AND version > %s AND position <= %s ORDER BY version"
FEED = f"{EVENT} WHERE feed = %s AND sequence > %s ORDER BY sequence LIMIT %s"
LOG = f"{EVENT} WHERE position > %s AND position <= %s ORDER BY position LIMIT %s"
LOG_TYPES = f"{EVENT} WHERE position > %s AND position <= %s AND type = ANY(%s) ORDER BY position LIMIT %s"
LAST_POSITION = 2**63 - 1


async def read_events(connection: AsyncConnection[Any], query: str, params: Sequence[Any]) -> list[Recorded]:
    """Run one of this module's statements on `connection`, in whatever transaction it is in."""
    async with connection.cursor(binary=True, row_factory=kwargs_row(Recorded)) as cursor:
        await cursor.execute(query.encode(), params, prepare=True)
        return await cursor.fetchall()


async def read_log(
    connection: AsyncConnection[Any],
    *,
    after: int = 0,
    upto: int | None = None,
    types: Sequence[str] | None = None,
    limit: int = 1000,
) -> list[Recorded]:
    """Events of the log behind position `after`, up to and with `upto`, at most `limit`, in order.

    Only those of `types`, if given; fewer than `limit` then means that everything up to `upto` was looked at.
    """
    last = LAST_POSITION if upto is None else upto
    if types is None:
        return await read_events(connection, LOG, (after, last, limit))
    return await read_events(connection, LOG_TYPES, (after, last, list(types), limit))
