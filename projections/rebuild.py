"""Rebuilding: fold the whole log again in memory, COPY the rows into new tables, and swap these for the old ones.

One transaction per projection: until it commits, everybody reads the old tables; if it fails, they stay.
"""

import gc
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import AsyncConnection

from eventstore import read_log
from projections.checkpoints import SET
from projections.folding import decoded, fold, load, write
from projections.models import ALL
from projections.ownership import claimed
from projections.projection import Projection, Rows, UnknownProjection
from projections.rows import Row, table_of
from projections.tables import NEXT, create_indexes, create_tables, ensure_tables, swap_tables

MOST_EVENTS = 2_000
MOST_ROWS = 200_000
"""Rows kept in memory, about 1 KB each; when there are more, all of them go to the new tables before the end."""

Progress = Callable[[str, int, int], None]
"""Told a projection's name, the position it has reached, and the position where it will end."""


async def rebuild(
    conninfo: str,
    names: Sequence[str] = (),
    progress: Progress = lambda _name, _position, _head: None,
    *,
    projections: Sequence[Projection] = ALL,
) -> None:
    """Fold the named projections anew, all of them where none is named; a running projector lets go meanwhile.

    Raises `UnknownProjection`, and `Poisoned` for an event that cannot be folded: that projection stays as it was.
    """
    known = {projection.name: projection for projection in projections}
    if strangers := [name for name in names if name not in known]:
        raise UnknownProjection(f"no projection is named {', '.join(strangers)}; there are {', '.join(known)}")
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await ensure_tables(connection, projections)
        for name in names or known:
            async with claimed(connection, name):
                await fold_anew(connection, known[name], progress)


async def fold_anew(
    connection: AsyncConnection[Any],
    projection: Projection,
    progress: Progress = lambda _name, _position, _head: None,
    *,
    most_events: int = MOST_EVENTS,
    most_rows: int = MOST_ROWS,
) -> int:
    """Rebuild a projection that `connection` owns; answer the position it has reached. Raises `Poisoned`."""
    async with connection.transaction():
        with _collector_paused():
            return await _folded(connection, projection, progress, most_events, most_rows)


async def _folded(
    connection: AsyncConnection[Any], projection: Projection, progress: Progress, most_events: int, most_rows: int
) -> int:
    await connection.execute("SET LOCAL statement_timeout = 0")
    await create_tables(connection, projection, NEXT)
    made = _Made(connection, projection, most_events, most_rows)
    position, head = 0, await log_head(connection)
    while position < head:
        position = await made.fold_next(position, head)
        progress(projection.name, position, head)
    await made.write_out()
    await swap_tables(connection, projection)
    await connection.execute(SET, (projection.name, projection.fingerprint, head))
    return head


@contextmanager
def _collector_paused() -> Generator[None]:
    """Spare Python's cycle collector from walking the growing rows again and again: a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


async def log_head(connection: AsyncConnection[Any]) -> int:
    """Give the last position of the log."""
    cursor = await connection.execute("SELECT position FROM log_head")
    ((head,),) = await cursor.fetchall()
    return head


class _Made:
    """The rows made so far: all in memory, or, once they were too many, the rest of them in the new tables."""

    def __init__(
        self, connection: AsyncConnection[Any], projection: Projection, most_events: int, most_rows: int
    ) -> None:
        self._connection = connection
        self._projection = projection
        self._most_events = most_events
        self._most_rows = most_rows
        self._rows = Rows(projection.rows, complete=True)
        self._spilled = False

    async def fold_next(self, after: int, head: int) -> int:
        """Fold some events behind position `after`; answer the position reached."""
        types = self._projection.types
        events = await read_log(self._connection, after=after, upto=head, types=types, limit=self._most_events)
        seen = decoded(events)
        if self._spilled:
            await load(self._connection, self._rows, self._projection, seen, NEXT)
        fold(self._projection, self._rows, seen)
        if self._rows.size() > self._most_rows:
            await self.write_out()
        return head if len(events) < self._most_events else events[-1].position

    async def write_out(self) -> None:
        """Bring what is in memory into the tables: the first time these are empty, later rows may be there already."""
        if self._spilled:
            await write(self._connection, self._rows, NEXT)
        else:
            for row_type, put, _ in self._rows.changes():
                await copy_rows(self._connection, row_type, put)
            await create_indexes(self._connection, self._projection, NEXT)
        self._spilled = True
        self._rows = Rows(self._projection.rows)


async def copy_rows(connection: AsyncConnection[Any], row_type: type[Row], rows: Sequence[Row]) -> None:
    """COPY rows into a new, empty table."""
    table = table_of(row_type)
    async with connection.cursor() as cursor, cursor.copy(table.copy(NEXT).encode()) as copy:
        for row in rows:
            await copy.write_row(table.values(row))
