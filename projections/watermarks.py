"""Waiting until read models have reached a position: one shared look at the checkpoints, however many wait."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Self

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.core import Refused
from runtime.broker import Broker, Message
from runtime.telemetry import get_logger

PATIENCE = 5.0
"""Seconds that a query waits."""
SHORTEST, LONGEST = 0.02, 0.1
"""Seconds between looks at the checkpoints while somebody waits: growing from the one to the other."""

LOG = "log"
"""Channel on which writers tell that the log grew."""
WATERMARKS = "watermark:"
"""Prefix of the channels on which projections tell the positions that they reached."""

POSITIONS = b"SELECT projection, position FROM read.checkpoints"

log = get_logger(__name__)


class StaleRead(Refused):
    """The read models have not caught up with that position yet: ask again in a moment."""

    code = "stale_read"
    kind = "conflict"


class Watermarks:
    """How far each projection is, as last heard. As an async context manager it also listens to the broker."""

    def __init__(self, pool: AsyncConnectionPool[Any], projections: Iterable[str], broker: Broker | None) -> None:
        """Look through `pool`; what `broker` says of `projections` only saves waiting, and all of it is for us."""
        self._pool = pool
        self._broker = broker
        self._channels = [f"{WATERMARKS}{name}" for name in projections]
        self._positions: dict[str, int] = {}
        self._waiting = 0
        self._news = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._broker is not None:
            self._listening = asyncio.create_task(self._listen(self._broker), name="watermarks")
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._listening, self._looking):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def wait(self, projections: Iterable[str], position: int) -> None:
        """Return when all these projections have reached `position`; raise `StaleRead` if they do not in time."""
        names = tuple(projections)
        if self._reached(names) >= position:
            return
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="checkpoints")
        try:
            async with asyncio.timeout(PATIENCE):
                while self._reached(names) < position:
                    await self._news.wait()
        except TimeoutError:
            raise StaleRead(position=self._reached(names)) from None
        finally:
            self._waiting -= 1

    def _reached(self, names: tuple[str, ...]) -> int:
        return min((self._positions.get(name, 0) for name in names), default=0)

    def _take(self, positions: Iterable[tuple[str, int]]) -> None:
        """Take in what was heard or seen, and let everybody who waits look at it."""
        self._positions.update(positions)
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _look(self) -> None:
        """Read the checkpoints again and again, as long as somebody waits."""
        pause = SHORTEST
        while self._waiting:
            try:
                async with self._pool.connection() as connection:
                    self._take(await (await connection.execute(POSITIONS)).fetchall())
            except (psycopg.OperationalError, PoolTimeout) as error:
                log.warning("lost the database", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST)

    async def _listen(self, broker: Broker) -> None:
        await broker.subscribe(*self._channels)
        async for item in broker.messages():
            if isinstance(item, Message):
                self._take([(item.channel.removeprefix(WATERMARKS), int(item.data))])
