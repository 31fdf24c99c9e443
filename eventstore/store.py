"""The event store: what the rest of the program does with the log."""

from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from eventstore.appender import PATIENCE, Appender
from eventstore.reading import (
    FEED,
    FEED_LINES,
    LAST_POSITION,
    LATEST,
    STREAM,
    STREAM_UPTO,
    read_events,
    read_log,
)
from eventstore.records import Append, Appended, Lines, Recorded, Snapshot
from eventstore.seals import feed_digest
from eventstore.snapshots import latest_snapshot, save_snapshot

HEAD = b"SELECT position FROM log_head"
EPOCH = b"SELECT epoch FROM log_head"
FEED_HEADS = (
    b"SELECT f.feed, e.sequence, e.position FROM unnest(%s::text[]) f (feed), LATERAL"
    b" (SELECT sequence, position FROM events WHERE feed = f.feed ORDER BY sequence DESC LIMIT 1) e"
)
STREAM_VERSIONS = (
    b"SELECT s.stream, e.version FROM unnest(%s::text[]) s (stream), LATERAL"
    b" (SELECT version FROM events WHERE stream = s.stream ORDER BY version DESC LIMIT 1) e"
)
RECEIPT = (
    b"SELECT last.feed, last.position, last.sequence, last.recorded_at, last.command_hash, 1 + coalesce("
    b" (SELECT position FROM events WHERE position < last.position AND command_id IS DISTINCT FROM last.command_id"
    b"  ORDER BY position DESC LIMIT 1), 0)"
    b" FROM events last WHERE last.command_id = %s AND last.command_hash IS NOT NULL"
)


class EventStore:
    """Appends to the log and reads it. Use as an async context manager: leaving it stores what has queued up."""

    def __init__(self, pool: AsyncConnectionPool[Any], *, patience: float = PATIENCE) -> None:
        """Read through `pool`, best one that autocommits; appends go over one more connection to the same database.

        `patience` is how many seconds an append waits for a database that does not answer.
        """
        self._pool = pool
        self._patience = patience
        self._appender: Appender | None = None

    async def __aenter__(self) -> Self:
        if not isinstance(self._pool.conninfo, str):
            raise TypeError("the appender needs a pool whose connection string does not change")
        self._appender = await Appender(self._pool.conninfo, patience=self._patience).__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._appender is not None:
            await self._appender.__aexit__(*exception)

    async def append(self, append: Append) -> Appended:
        """Store an append, durably, and answer its receipt; or that of its first time, if its command was stored.

        Raises `VersionConflict`, `CommandMismatch` or `LogUnavailable`, having stored nothing; `AppendUnknown` when the
        connection was lost before the answer and asking again was impossible (no command id) or in vain.
        Cancelling the caller does not call the append back.
        """
        _check(append)
        if self._appender is None:
            raise RuntimeError("the event store is not entered")
        return await self._appender.append(append)

    async def stream(self, stream: str, *, after: int = 0, upto_position: int | None = None) -> list[Recorded]:
        """Read a stream behind version `after`; with `upto_position`, as the log was then."""
        async with self._pool.connection() as connection:
            if upto_position is None:
                return await read_events(connection, STREAM, (stream, after))
            return await read_events(connection, STREAM_UPTO, (stream, after, upto_position))

    async def feed(self, feed: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """Read a feed behind sequence `after`, at most `limit` events."""
        async with self._pool.connection() as connection:
            return await read_events(connection, FEED, (feed, after, limit))

    async def feed_lines(self, feed: str, line: str, *, after: int = 0, limit: int = 1000) -> Lines | None:
        """Read a feed as `feed` does, but as lines that PostgreSQL writes; `None` where there are no events.

        `line` is an SQL expression over the log's columns, whose bytes hold no newline. An event costs this process a
        tenth of what it costs as a struct.
        """
        ((first, count, lines),) = await self._rows(FEED_LINES.format(line=line).encode(), feed, after, limit)
        return Lines(first, count, lines) if count else None

    async def latest(self, feed: str, kind: str) -> Recorded | None:
        """Give the last event of a type in a feed, by a look from its end backwards; `None` if there is none."""
        async with self._pool.connection() as connection:
            found = await read_events(connection, LATEST, (feed, kind))
        return found[0] if found else None

    async def streams(self, actor: str, kinds: Sequence[str]) -> list[str]:
        """Name the streams in which an actor's commands came to events of these types.

        Reads the whole log, unless there is an index of the actors of such events.
        """
        literals = sql.SQL(", ").join(map(sql.Literal, kinds))  # an index for some types serves no parameters
        query = sql.SQL("SELECT DISTINCT stream FROM events WHERE actor = %s AND type IN ({})").format(literals)
        return [stream for (stream,) in await self._rows(query, actor)]

    async def log(
        self,
        *,
        after: int = 0,
        upto: int | None = None,
        types: Sequence[str] | None = None,
        limit: int = 1000,
    ) -> list[Recorded]:
        """Read the log; see `read_log`."""
        async with self._pool.connection() as connection:
            return await read_log(connection, after=after, upto=upto, types=types, limit=limit)

    async def head(self) -> int:
        """Give the last position of the log, 0 when it is empty."""
        ((position,),) = await self._rows(HEAD)
        return position

    async def epoch(self) -> UUID:
        """Give the id of this life of the log: another one after it was restored to an earlier point."""
        ((epoch,),) = await self._rows(EPOCH)
        return epoch

    async def heads(self, feeds: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Give the last sequence and position of each feed, (0, 0) where there are no events."""
        heads: dict[str, tuple[int, int]] = dict.fromkeys(feeds, (0, 0))
        heads.update(
            (feed, (sequence, position)) for feed, sequence, position in await self._rows(FEED_HEADS, list(feeds))
        )
        return heads

    async def versions(self, streams: Sequence[str]) -> dict[str, int]:
        """Give the current version of each stream, 0 where there are no events."""
        return dict.fromkeys(streams, 0) | dict(await self._rows(STREAM_VERSIONS, list(streams)))

    async def receipt(self, command_id: UUID) -> tuple[Appended, bytes] | None:
        """Give the receipt and the body's hash of a stored command; `None` if there is none with this id."""
        rows = await self._rows(RECEIPT, command_id)
        if not rows:
            return None
        feed, position, sequence, recorded_at, command_hash, first_position = rows[0]
        appended = Appended(
            feed=feed,
            first_position=first_position,
            position=position,
            sequence=sequence,
            recorded_at=recorded_at,
            repeated=True,
        )
        return appended, command_hash

    async def feed_digest(self, feed: str, sequence: int) -> bytes | None:
        """Digest a feed's events up to `sequence`; see `eventstore.seals`."""
        async with self._pool.connection() as connection:
            return await feed_digest(connection, feed, sequence)

    async def snapshot(self, stream: str, *, upto_position: int = LAST_POSITION) -> Snapshot | None:
        """Give the newest snapshot of a stream that is true at or before `upto_position`."""
        async with self._pool.connection() as connection:
            return await latest_snapshot(connection, stream, upto_position)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, in place of one of the same version."""
        async with self._pool.connection() as connection:
            await save_snapshot(connection, snapshot)

    async def _rows(self, query: bytes | sql.Composed, *params: object) -> list[Any]:
        async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query, params, prepare=True)
            return await cursor.fetchall()


def _check(append: Append) -> None:
    """Refuse with `ValueError` what the caller should not have built."""
    if not append.writes or not all(write.events for write in append.writes):
        raise ValueError("an append without events is not stored")
    if (append.command_id is None) != (append.command_hash is None):
        raise ValueError("a command id and the hash of its body come together")
    streams = [write.stream for write in append.writes]
    streams += [stream for stream, _ in append.pins]
    if len(set(streams)) != len(streams):
        raise ValueError("an append names each stream once")
