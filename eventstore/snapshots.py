"""Snapshots: a stream's folded state, kept so that loading it need not fold everything again."""

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

from eventstore.records import Snapshot

LATEST = (
    b"SELECT stream, version, position, fingerprint, state FROM snapshots"
    b" WHERE stream = %s AND position <= %s ORDER BY version DESC LIMIT 1"
)
SAVE = (
    b"INSERT INTO snapshots (stream, version, position, fingerprint, state) VALUES (%s, %s, %s, %s, %s)"
    b" ON CONFLICT (stream, version) DO UPDATE SET fingerprint = excluded.fingerprint, state = excluded.state"
)

EVENT_COST = 512
"""Bytes of snapshot that cost as much to decode as one event costs to fetch and fold, besides its own bytes."""
WRITE_COST = 128 * 1024
"""What the snapshot's own transaction costs, in the same measure: it has a commit to wait for, as a command has."""


def worth_snapshot(tail_bytes: int, tail_events: int, snapshot_bytes: int) -> bool:
    """Whether folding the tail behind the last snapshot costs more than writing a new one and reading that.

    So a big state is written rarely, and all snapshots of a stream together stay in proportion to its events, whatever
    their sizes.
    """
    return tail_bytes + EVENT_COST * tail_events > snapshot_bytes + WRITE_COST


async def latest_snapshot(connection: AsyncConnection[Any], stream: str, upto_position: int) -> Snapshot | None:
    """Give the newest snapshot of `stream` that is true at or before `upto_position`."""
    async with connection.cursor(binary=True, row_factory=kwargs_row(Snapshot)) as cursor:
        await cursor.execute(LATEST, (stream, upto_position), prepare=True)
        return await cursor.fetchone()


async def save_snapshot(connection: AsyncConnection[Any], snapshot: Snapshot) -> None:
    """Keep `snapshot`, in place of one of the same version."""
    await connection.execute(
        SAVE,
        (snapshot.stream, snapshot.version, snapshot.position, snapshot.fingerprint, snapshot.state),
    )
