"""One projection following the log: owned by one process at a time, each batch exactly once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection

from projections.checkpoints import POISON, RESUME, Checkpoint, checkpoints
from projections.folding import MOST_EVENTS, Overtaken, Poisoned, advance
from projections.ownership import UNDISTURBED, let_go, locks, try_own
from projections.projection import Projection
from projections.rebuild import fold_anew, log_head
from projections.tables import ensure_tables
from runtime.telemetry import get_logger

IDLE = 0.25
"""Seconds between looks at the log while nobody says that it grew."""
STANDBY = 0.5
"""Seconds between tries of a process that would take over."""
AFTER_ERROR = 1.0
"""Seconds before another try after the database went away, or something nobody expected."""

POLL = f"SELECT position, {UNDISTURBED} FROM log_head".encode()  # noqa: S608 - our own text

log = get_logger(__name__)


class Follower:
    """Keeps one projection up with the log.

    `position` is what its tables are true at, `head` the log's end as last seen; `poisoned`: an event stopped it.
    `owned`: nobody else keeps it now. A batch has at most `most_events`.
    """

    def __init__(self, conninfo: str, projection: Projection, announce: Callable[[str, int], None]) -> None:
        """Follow with an own connection; `announce` is told each position reached, and may lose it."""
        self.projection = projection
        self.position = 0
        self.head = 0
        self.poisoned = False
        self.owned = False
        self.most_events = MOST_EVENTS
        self._conninfo = conninfo
        self._announce = announce
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._retry_poisoned = True

    def wake(self) -> None:
        """Look at the log now: it has probably grown."""
        self._wake.set()

    def stop(self) -> None:
        """End after the batch under way."""
        self._stopped.set()
        self._wake.set()

    async def run(self) -> None:
        """Own the projection whenever nobody else does, and follow, until told to stop."""
        while not self._stopped.is_set():
            self.owned = False
            try:
                async with await self._connect() as connection:
                    await self._take_turns(connection)
            except Overtaken:
                log.warning("somebody else moved the checkpoint", projection=self.projection.name)
            except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
                log.warning("lost the database", projection=self.projection.name, reason=str(error))
                await _at_most(self._stopped, AFTER_ERROR)
            except Exception:
                log.exception("a projection failed", projection=self.projection.name)
                await _at_most(self._stopped, AFTER_ERROR)

    async def _connect(self) -> AsyncConnection[Any]:
        """Connect. Commits need not be on disk at once: what a crash of PostgreSQL loses is folded again."""
        return await AsyncConnection.connect(
            self._conninfo,
            autocommit=True,
            prepare_threshold=1,
            application_name=f"projection {self.projection.name}",
            options="-c synchronous_commit=off -c statement_timeout=30s -c idle_in_transaction_session_timeout=10s",
        )

    async def _take_turns(self, connection: AsyncConnection[Any]) -> None:
        name = self.projection.name
        while not self._stopped.is_set():
            if not await try_own(connection, name):
                await _at_most(self._stopped, STANDBY)
                continue
            log.info("owning a projection", projection=name)
            await self._begin(connection)
            self.owned = True
            await self._follow(connection)
            self.owned = False
            await let_go(connection, name)

    async def _begin(self, connection: AsyncConnection[Any]) -> None:
        """Find out where the tables are; fold them anew when they were made by another version of the program."""
        projection = self.projection
        await ensure_tables(connection, (projection,))
        checkpoint = (await checkpoints(connection, [projection.name]))[projection.name]
        self.position, self.poisoned = checkpoint.position, checkpoint.status == "poisoned"
        if self.poisoned and self._retry_poisoned:
            await connection.execute(RESUME, (projection.name,))
            self.poisoned = False
        self._retry_poisoned = False
        if not self.poisoned and await self._must_begin_anew(connection, checkpoint):
            log.info("folding a projection anew", projection=projection.name)
            try:
                self.position = await fold_anew(connection, projection)
            except Poisoned as poison:
                await self._stop_at(connection, poison)

    async def _must_begin_anew(self, connection: AsyncConnection[Any], checkpoint: Checkpoint) -> bool:
        """Whether the tables are another program's, or of a log that was restored to an earlier point since."""
        return checkpoint.fingerprint != self.projection.fingerprint or checkpoint.position > await log_head(connection)

    async def _follow(self, connection: AsyncConnection[Any]) -> None:
        """Advance until told to stop, or until somebody wants to rebuild."""
        keys = locks(self.projection.name)
        while not self._stopped.is_set():
            self._wake.clear()
            cursor = await connection.execute(POLL, keys)
            ((self.head, undisturbed),) = await cursor.fetchall()
            if not undisturbed:
                return
            if self.poisoned or self.head <= self.position:
                await _at_most(self._stopped if self.poisoned else self._wake, IDLE)
                continue
            try:
                self.position = await advance(connection, self.projection, self.position, self.head, self.most_events)
            except Poisoned as poison:
                await self._stop_at(connection, poison)
            else:
                self._announce(self.projection.name, self.position)

    async def _stop_at(self, connection: AsyncConnection[Any], poison: Poisoned) -> None:
        self.poisoned = True
        name = self.projection.name
        await connection.execute(POISON, (str(poison), poison.position, name))
        log.error("an event stopped a projection", projection=name, position=poison.position, exc_info=poison)


async def _at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer than this."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
