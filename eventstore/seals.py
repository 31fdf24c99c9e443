"""Seals: a chain of digests over the stored log, which proves that nothing in it was changed since."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

MOST_EVENTS = 10_000
"""Events under one seal: verifying never asks the server to hold more than their digests."""
MOST_FAULTS = 20
"""Faults reported of each kind."""

EVENT_DIGEST = (
    "sha256(record_send(ROW(position, feed, sequence, stream, version, type, data, actor,"
    " command_id, command_hash, correlation_id, causation_id, recorded_at)))"
)
"""Every column in PostgreSQL's binary format, each with its type and length in front."""
RANGE_DIGEST = (
    f"SELECT sha256(coalesce(%s::bytea, '') || string_agg({EVENT_DIGEST}, '' ORDER BY position)), count(*)"  # noqa: S608 - constants
    " FROM events WHERE position BETWEEN %s AND %s"
).encode()
FEED_DIGEST = (
    f"SELECT sha256(string_agg({EVENT_DIGEST}, '' ORDER BY sequence)), count(*)"  # noqa: S608 - constants
    " FROM events WHERE feed = %s AND sequence <= %s"
).encode()
HEAD = b"SELECT position FROM log_head"
SEALS = b"SELECT from_position, to_position, sha256, previous FROM seals ORDER BY to_position"
LAST = b"SELECT from_position, to_position, sha256, previous FROM seals ORDER BY to_position DESC LIMIT 1"
KEEP = b"INSERT INTO seals (from_position, to_position, sha256, previous) VALUES (%s, %s, %s, %s)"
LOCK = b"SELECT pg_advisory_xact_lock(7106408)"
"""One sealer at a time; the key is arbitrary, next to that of the appends."""

SNAPSHOT = b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
NO_TIMEOUT = b"SET LOCAL statement_timeout = 0"
COUNTS = b"SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM events"
GAPS = {
    "position {1} does not follow {0}, or was recorded before it": (
        b"SELECT previous, position FROM (SELECT position, recorded_at, lag(position, 1, 0::bigint) OVER w AS previous,"
        b" lag(recorded_at) OVER w AS before FROM events WINDOW w AS (ORDER BY position)) e"
        b" WHERE position <> previous + 1 OR recorded_at < before ORDER BY position LIMIT %s"
    ),
    "{0}: sequence {2} does not follow {1} in the log": (
        b"SELECT feed, previous, sequence FROM (SELECT feed, sequence, position, lag(sequence, 1, 0::bigint) OVER w"
        b" AS previous, lag(position) OVER w AS before"
        b" FROM events WINDOW w AS (PARTITION BY feed ORDER BY sequence)) e"
        b" WHERE sequence <> previous + 1 OR position <= before ORDER BY feed, sequence LIMIT %s"
    ),
    "{0}: version {2} does not follow {1} in the log": (
        b"SELECT stream, previous, version FROM (SELECT stream, version, position, lag(version, 1, 0::bigint) OVER w"
        b" AS previous, lag(position) OVER w AS before"
        b" FROM events WINDOW w AS (PARTITION BY stream ORDER BY version)) e"
        b" WHERE version <> previous + 1 OR position <= before ORDER BY stream, version LIMIT %s"
    ),
}
"""What the promises forbid, as queries that find it; each streams through one sort or index."""


class Seal(Struct, frozen=True, kw_only=True):
    """The digest of the events `from_position..to_position`, chained to the `previous` seal's."""

    from_position: int
    to_position: int
    sha256: bytes
    previous: bytes | None


class Report(Struct, frozen=True, kw_only=True):
    """What `verify` found: how much it looked at, and everything that breaks a promise."""

    events: int
    sealed: int
    seals: int
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the log is what it promised to be."""
        return not self.faults

    def lines(self) -> list[str]:
        """Say it for people."""
        counted = f"{self.events} events, {self.sealed} of them under {self.seals} seals"
        return [*self.faults, f"{counted}: {'no fault' if self.holds else f'{len(self.faults)} faults'}"]


async def seal(connection: AsyncConnection[Any], upto: int | None = None) -> Seal | None:
    """Seal the next events, `MOST_EVENTS` at most, up to position `upto` (default: the head); `None` if there are none.

    Call it until it answers `None`. Safe beside other sealers.
    """
    async with connection.transaction():
        await connection.execute(LOCK)
        last = await (await connection.cursor(row_factory=kwargs_row(Seal)).execute(LAST)).fetchone()
        first = last.to_position + 1 if last else 1
        goal = min(await _number(connection, HEAD) if upto is None else upto, first + MOST_EVENTS - 1)
        if goal < first:
            return None
        previous = last.sha256 if last else None
        digest = await _digest(connection, previous, first, goal)
        if digest is None:
            raise ValueError(f"there are no positions {first} to {goal} to seal")
        sealed = Seal(from_position=first, to_position=goal, sha256=digest, previous=previous)
        await connection.execute(KEEP, (first, goal, digest, previous))
        return sealed


async def verify(connection: AsyncConnection[Any], kept: Sequence[Seal] = ()) -> Report:
    """Prove that no sealed byte has changed, and that positions, sequences and versions have no gaps or repetitions.

    `kept` are seals exported earlier and stored out of the database's reach: without them, somebody who can
    change events can compute new seals too. Reads one snapshot of the whole log; takes no lock that writers feel.
    """
    async with connection.transaction():
        await connection.execute(SNAPSHOT)
        await connection.execute(NO_TIMEOUT)
        cursor = connection.cursor(row_factory=kwargs_row(Seal))
        seals = await (await cursor.execute(SEALS)).fetchall()
        counts = await (await connection.execute(COUNTS)).fetchone()
        faults = [
            f"the seal at {one.to_position} that was kept elsewhere is not here" for one in kept if one not in seals
        ]
        faults += await _broken_seals(connection, seals)
        for fault, query in GAPS.items():
            rows = await (await connection.execute(query, (MOST_FAULTS,))).fetchall()
            faults += [fault.format(*row) for row in rows]
    return Report(
        events=counts[0] if counts else 0,
        sealed=seals[-1].to_position if seals else 0,
        seals=len(seals),
        faults=tuple(faults),
    )


async def feed_digest(connection: AsyncConnection[Any], feed: str, sequence: int) -> bytes | None:
    """Digest a feed's events 1 to `sequence`: SHA-256 over the SHA-256 of each (`EVENT_DIGEST`), in their order.

    `None` if the feed does not have them all. Who kept the digest can prove later that none of them changed since.
    """
    row = await (await connection.execute(FEED_DIGEST, (feed, sequence))).fetchone()
    return bytes(row[0]) if row and sequence and row[1] == sequence else None


async def _broken_seals(connection: AsyncConnection[Any], seals: Sequence[Seal]) -> list[str]:
    faults: list[str] = []
    end, previous = 0, None
    for one in seals:
        if one.from_position != end + 1 or one.previous != previous:
            faults.append(f"the seal at {one.to_position} does not follow the one at {end}")
        if await _digest(connection, one.previous, one.from_position, one.to_position) != one.sha256:
            faults.append(f"events {one.from_position} to {one.to_position} are not what was sealed")
        end, previous = one.to_position, one.sha256
    return faults[:MOST_FAULTS]


async def _digest(connection: AsyncConnection[Any], previous: bytes | None, first: int, last: int) -> bytes | None:
    """Digest a range of events; `None` if one is missing."""
    cursor = await connection.execute(RANGE_DIGEST, (previous, first, last))
    row = await cursor.fetchone()
    return bytes(row[0]) if row and row[1] == last - first + 1 else None


async def _number(connection: AsyncConnection[Any], query: bytes) -> int:
    row = await (await connection.execute(query)).fetchone()
    return row[0] if row else 0
