"""Following the log: events of some types in order, from a checkpoint of one's own, by one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import structlog
from msgspec import Struct
from prometheus_client import Gauge
from psycopg import AsyncConnection, OperationalError

from commands.write_side import TYPES
from domain.core import Event
from domain.registry import name_of
from eventstore import Recorded, read_log
from runtime.telemetry import REGISTRY

BATCH = 500
IDLE_SECONDS = 1.0
"""How long a follower waits for a wake-up before it looks at the log anyway."""
STUCK_SECONDS = 5.0

LAG = Gauge(
    "follower_lag_events",
    "Events of the log that a follower has not looked at yet, told by the process that leads",
    ["follower"],
    registry=REGISTRY,
)

Seen = Sequence[tuple[Recorded, Event]]

log = structlog.get_logger()


async def _nothing(*_: object) -> None:
    pass


class Follower(Struct, frozen=True, kw_only=True):
    """Who follows: under which name and advisory lock, which events, and what it does with them.

    `react` may see a batch again after a crash: what it does must be harmless twice. What `keep` writes is stored
    together with the checkpoint. `idle` is called when there is nothing more to read, about once a second. `from_now`:
    the very first start begins at the head of the log, because what happened before is no news to anybody.
    """

    name: str
    lock: int
    events: Sequence[type[Event]]
    react: Callable[[Seen], Awaitable[None]]
    keep: Callable[[AsyncConnection[Any], Seen], Awaitable[None]] = _nothing
    idle: Callable[[AsyncConnection[Any]], Awaitable[None]] = _nothing
    from_now: bool = False


class Following:
    """Hands a follower the log. Many processes may run one of the same name; one holds the lock and works."""

    def __init__(self, conninfo: str, follower: Follower) -> None:
        """Read through a connection of our own to the database at `conninfo`."""
        self._conninfo = conninfo
        self._follower = follower
        self._types = [name_of(event) for event in follower.events]
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that there may be something new."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; after a lost database connection, start over from the checkpoint."""
        name = self._follower.name
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._conninfo, autocommit=True, application_name=name
                ) as connection:
                    await self._lead(connection)
            except OperationalError as error:
                log.warning("follower.database_away", follower=name, error=str(error).strip())
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("follower.stuck", follower=name, next_try_seconds=STUCK_SECONDS)
                await asyncio.sleep(STUCK_SECONDS)

    async def _lead(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute("SELECT pg_advisory_lock(%s)", (self._follower.lock,))
        log.info("follower.leads", follower=self._follower.name)
        if self._follower.from_now:
            await connection.execute(_BEGIN_AT_HEAD, (self._follower.name,))
        try:
            await self._keep_up(connection)
        finally:
            LAG.remove(self._follower.name)

    async def _keep_up(self, connection: AsyncConnection[Any]) -> NoReturn:
        LAG.labels(self._follower.name)
        while True:
            self._wake.clear()
            while await self._batch(connection):
                pass
            await self._follower.idle(connection)
            try:
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
            except TimeoutError:
                continue

    async def _batch(self, connection: AsyncConnection[Any]) -> int:
        """Work through one batch of events; answer how many there were."""
        follower = self._follower
        position, head = await _place(connection, follower.name)
        LAG.labels(follower.name).set(max(0, head - position))
        if head <= position:
            return 0
        events = await read_log(connection, after=position, upto=head, types=self._types, limit=BATCH)
        seen = [(recorded, TYPES.decode(recorded.type, recorded.data)) for recorded in events]
        await follower.react(seen)
        async with connection.transaction():
            await follower.keep(connection, seen)
            reached = events[-1].position if len(events) == BATCH else head
            await connection.execute(_MOVE, (follower.name, reached))
        LAG.labels(follower.name).set(head - reached)
        return len(events)


_MOVE = (
    "INSERT INTO followers (name, position) VALUES (%s, %s)"
    " ON CONFLICT (name) DO UPDATE SET position = excluded.position"
)
_BEGIN_AT_HEAD = (
    "INSERT INTO followers (name, position) SELECT %s, coalesce(max(position), 0) FROM log_head"
    " ON CONFLICT (name) DO NOTHING"
)
_PLACE = (
    "SELECT coalesce((SELECT position FROM followers WHERE name = %s), 0), coalesce(max(position), 0) FROM log_head"
)


async def _place(connection: AsyncConnection[Any], name: str) -> tuple[int, int]:
    """Give a follower's checkpoint and the head of the log."""
    ((position, head),) = await (await connection.execute(_PLACE, (name,))).fetchall()
    return position, head
