"""The appender: one task per process that stores whatever queued up while the previous batch was committing."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from eventstore import arrays
from eventstore.batch import APPEND_EVENTS, Answer, answers, parameters
from eventstore.records import Append, Appended, AppendUnknown, LogUnavailable

MOST_APPENDS = 512
MOST_BYTES = 4 * 2**20
PATIENCE = 10.0
"""Seconds that an append waits for a lost database before its caller is told."""


class _Pending:
    """An append whose caller waits."""

    __slots__ = ("append", "doubtful", "future", "give_up_at", "size")

    def __init__(self, append: Append, loop: asyncio.AbstractEventLoop) -> None:
        self.append = append
        self.future: asyncio.Future[Appended] = loop.create_future()
        self.size = sum(len(event.data) for write in append.writes for event in write.events)
        self.give_up_at = loop.time() + PATIENCE
        self.doubtful = False


class Appender:
    """Collects appends of this process into batches, each one transaction, on a connection of its own."""

    def __init__(self, conninfo: str, options: Mapping[str, Any]) -> None:
        """Connect with `conninfo` and psycopg's connection `options`, at the first append."""
        self._conninfo = conninfo
        self._options = options
        self._queue: deque[_Pending] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._connection: AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="appender")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Store what has queued up, then disconnect."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    async def append(self, append: Append) -> Appended:
        """Store `append`; see `EventStore.append`."""
        if self._task is None or self._stopping:
            raise LogUnavailable("the appender is not running")
        pending = _Pending(append, asyncio.get_running_loop())
        self._queue.append(pending)
        self._wake.set()
        return await pending.future

    async def _run(self) -> None:
        while True:
            if batch := self._take():
                await self._store(batch)
            elif self._stopping:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _take(self) -> list[_Pending]:
        """The next appends that may share a transaction: up to one that touches what an earlier one touches."""
        batch: list[_Pending] = []
        size = 0
        written: set[str] = set()
        pinned: set[str] = set()
        commands: set[UUID | None] = set()
        while self._queue and len(batch) < MOST_APPENDS and size < MOST_BYTES:
            pending = self._queue[0]
            append = pending.append
            streams = {write.stream for write in append.writes}
            pins = {stream for stream, _ in append.pins}
            if streams & written or streams & pinned or pins & written or append.command_id in commands:
                break
            self._queue.popleft()
            if pending.future.done():
                continue
            batch.append(pending)
            size += pending.size
            written |= streams
            pinned |= pins
            if append.command_id is not None:
                commands.add(append.command_id)
        return batch

    async def _store(self, batch: list[_Pending]) -> None:
        try:
            connection = await self._connect()
            given = await self._send(connection, batch)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            await self._disconnect()
            self._retry(batch, error)
            await asyncio.sleep(0.05)
        except psycopg.Error as error:
            await self._blame(batch, error)
        else:
            for pending, answer in zip(batch, given, strict=True):
                _resolve(pending, answer)

    async def _send(self, connection: AsyncConnection[Any], batch: list[_Pending]) -> list[Answer]:
        appends = [pending.append for pending in batch]
        arguments = parameters(appends)
        for pending in batch:
            pending.doubtful = True
        cursor = connection.cursor(binary=True)
        await cursor.execute(APPEND_EVENTS, arguments, prepare=True)
        return answers(appends, await cursor.fetchall())

    def _retry(self, batch: list[_Pending], error: Exception) -> None:
        """Send again what is safe to send again, while its caller has patience; the rest is told the truth."""
        now = asyncio.get_running_loop().time()
        for pending in reversed(batch):
            if pending.future.done():
                continue
            repeatable = pending.append.command_id is not None or not pending.doubtful
            if repeatable and now < pending.give_up_at:
                self._queue.appendleft(pending)
            elif pending.doubtful:
                pending.future.set_exception(AppendUnknown(f"the connection was lost: {error}"))
            else:
                pending.future.set_exception(LogUnavailable(f"the log cannot be reached: {error}"))

    async def _blame(self, batch: list[_Pending], error: psycopg.Error) -> None:
        """The server refused a batch, and stored nothing of it: find whose fault it was by asking one by one."""
        if len(batch) == 1:
            if not batch[0].future.done():
                batch[0].future.set_exception(error)
            return
        for pending in batch:
            await self._store([pending])

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await AsyncConnection.connect(self._conninfo, **{**self._options, "autocommit": True})
            arrays.register(self._connection)
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def _resolve(pending: _Pending, answer: Answer) -> None:
    if pending.future.done():
        return
    if isinstance(answer, Appended):
        pending.future.set_result(answer)
    else:
        pending.future.set_exception(answer)
