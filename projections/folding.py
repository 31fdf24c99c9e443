"""One batch: fetch events, load the rows that they touch, fold, write, and move the checkpoint in one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from eventstore import Recorded, read_log
from projections.checkpoints import MOVE
from projections.projection import Projection, Rows, Seen
from projections.rows import SCHEMA, Key, Row, encode, table_of
from projections.seeing import seen_from

MOST_EVENTS = 1_000
MOST_BYTES = 4 * 2**20
"""Of events in a batch: an import of 100,000 positions is a few events, and must neither hold up whoever wants the
projector to stop nor fill its memory."""
MOST_ROWS_PER_STATEMENT = 5_000


class Poisoned(Exception):  # noqa: N818 - says what is wrong
    """A projection cannot get over an event: it cannot be decoded, folded, or what it makes cannot be written."""

    def __init__(self, position: int, cause: Exception) -> None:
        """Name the event's position, and the cause by its first line: the rest may quote what is nobody's business."""
        self.position = position
        reason = str(cause).partition("\n")[0]
        super().__init__(f"event {position}: {type(cause).__name__}: {reason}")


class Overtaken(Exception):  # noqa: N818 - says what is wrong
    """Somebody else moved this projection's checkpoint: nothing was written, look where it is now."""


async def advance(
    connection: AsyncConnection[Any], projection: Projection, after: int, upto: int, limit: int = MOST_EVENTS
) -> int:
    """Fold up to `limit` events behind position `after` into the tables; answer the position they are true at.

    That is `upto` when there are no more events of the projection's types before it. Raises `Poisoned` when the
    very next event is the trouble (what comes before one is stored first), and `Overtaken`.
    """
    events = await read_log(
        connection, after=after, upto=upto, types=projection.types, limit=limit, most_bytes=MOST_BYTES
    )
    cut_off = len(events) == limit or sum(len(event.data) for event in events) >= MOST_BYTES
    reached = events[-1].position if cut_off else upto
    try:
        rows = Rows(projection.rows)
        seen = decoded(events)
        await load(connection, rows, projection, seen)
        fold(projection, rows, seen)
        await _store(connection, projection, rows, after, reached)
    except Poisoned as poison:
        if poison.position == events[0].position:
            raise
        return await advance(connection, projection, after, poison.position - 1, limit)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(events) == 1:
            raise Poisoned(events[0].position, error) from error
        return await advance(connection, projection, after, upto, len(events) // 2)
    return reached


def decoded(events: Iterable[Recorded]) -> list[Seen]:
    """Decode events; raises `Poisoned` at the first that cannot be."""
    seen: list[Seen] = []
    for recorded in events:
        try:
            seen.append(seen_from(recorded))
        except Exception as error:
            raise Poisoned(recorded.position, error) from error
    return seen


def fold(projection: Projection, rows: Rows, events: Iterable[Seen]) -> None:
    """Fold events into rows; raises `Poisoned` at the first that cannot be."""
    apply = projection.fold
    for seen in events:
        try:
            apply(rows, seen)
        except Exception as error:
            raise Poisoned(seen.position, error) from error


async def load(
    connection: AsyncConnection[Any],
    rows: Rows,
    projection: Projection,
    events: Sequence[Seen],
    schema: str = SCHEMA,
) -> None:
    """Read the rows that these events touch and that are not known yet: one statement per table."""
    touched = (key for seen in events for key in projection.keys(seen))
    lacking = rows.unknown(touched)
    async with connection.pipeline():
        asked = [(row_type, keys, await _ask(connection, row_type, keys, schema)) for row_type, keys in lacking.items()]
    for row_type, keys, cursor in asked:
        ((text,),) = await cursor.fetchall()
        rows.loaded(row_type, keys, table_of(row_type).decode(text))


async def _ask(
    connection: AsyncConnection[Any], row_type: type[Row], keys: Iterable[Key], schema: str
) -> psycopg.AsyncCursor[Any]:
    table = table_of(row_type)
    return await connection.execute(table.load(schema).encode(), (table.encode_keys(keys),))


async def _store(
    connection: AsyncConnection[Any], projection: Projection, rows: Rows, before: int, position: int
) -> None:
    async with connection.transaction():
        moved = await connection.execute(MOVE, (position, projection.name, before))
        if moved.rowcount != 1:
            raise Overtaken(projection.name)
        await write(connection, rows)


async def write(connection: AsyncConnection[Any], rows: Rows, schema: str = SCHEMA) -> None:
    """Write what changed: upserts and deletes, each set in one statement."""
    async with connection.pipeline():
        for row_type, put, deleted in rows.changes():
            table = table_of(row_type)
            for start in range(0, len(put), MOST_ROWS_PER_STATEMENT):
                chunk = encode(put[start : start + MOST_ROWS_PER_STATEMENT])
                await connection.execute(table.upsert(schema).encode(), (chunk,))
            if deleted:
                await connection.execute(table.delete(schema).encode(), (table.encode_keys(deleted),))
