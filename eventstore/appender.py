"""The appender: one task per process that stores whatever queued up while the previous batch was committing."""

import asyncio
from collections import deque
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventstore import arrays
from eventstore.batch import APPEND_EVENTS, Answer, answers, arguments, encode
from eventstore.records import Append, Appended, AppendUnknown, LogUnavailable

MOST_APPENDS = 512
MOST_BYTES = 4 * 2**20
"""A batch is closed at either: it bounds what one commit, one lost connection or one bad append can hold up."""

PATIENCE = 10.0
"""Seconds that an append waits for a lost database before its caller is told."""

RECONNECT_EVERY = 0.1
"""Seconds between attempts to reach a lost database."""

CONNECTION = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "appender",
}
"""Defaults that notice a silent server within `PATIENCE`; the connection string may say otherwise."""

SESSION = b"""
    SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET timezone = 'UTC';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""
UNSAFE = b"SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting <> 'on'"


class _Pending:
    """An append whose caller waits.

    `doubtful` once it was sent and no answer came; `alone` once a batch with it was refused as a whole.
    """

    __slots__ = ("alone", "append", "doubtful", "encoded", "future", "give_up_at", "size")

    def __init__(self, append: Append, patience: float) -> None:
        loop = asyncio.get_running_loop()
        self.append = append
        self.encoded = encode(append)
        self.size = len(self.encoded.event_data)
        self.future: asyncio.Future[Appended] = loop.create_future()
        self.give_up_at = loop.time() + patience
        self.doubtful = False
        self.alone = False

    def answer(self, answer: Answer | Exception) -> None:
        """Tell the caller, unless it has gone."""
        if self.future.done():
            return
        if isinstance(answer, Appended):
            self.future.set_result(answer)
        else:
            self.future.set_exception(answer)


class Appender:
    """Collects the appends of this process into batches, each one transaction, on a connection of its own."""

    def __init__(self, conninfo: str, *, patience: float = PATIENCE) -> None:
        """Connect to `conninfo` at the first append."""
        self._patience = patience
        self._conninfo = make_conninfo("", **{**CONNECTION, **conninfo_to_dict(conninfo)})
        self._queue: deque[_Pending] = deque()
        self._batch: list[_Pending] = []
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

    async def append(self, append: Append) -> Appended:
        """Store `append`; see `EventStore.append`."""
        if self._task is None or self._task.done() or self._stopping:
            raise LogUnavailable("the appender is not running")
        pending = _Pending(append, self._patience)
        self._queue.append(pending)
        self._wake.set()
        return await pending.future

    async def _run(self) -> None:
        try:
            while not (self._stopping and not self._queue):
                if self._queue:
                    self._batch = self._take()
                    await self._store()
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            for pending in self._batch:
                pending.answer(AppendUnknown("the appender was stopped"))
            for pending in self._queue:
                pending.answer(LogUnavailable("the appender was stopped"))
            await self._disconnect()

    def _take(self) -> list[_Pending]:
        """Take the next batch off the queue: up to the first append that must not share a transaction with it.

        In a batch no two appends write the same stream, or write what another one pins, or are the same command.
        """
        batch: list[_Pending] = []
        size = 0
        written: set[str] = set()
        pinned: set[str] = set()
        commands: set[UUID] = set()
        while self._queue and len(batch) < MOST_APPENDS and size < MOST_BYTES:
            pending = self._queue[0]
            append = pending.append
            if batch and (pending.alone or batch[0].alone):
                break
            writes = [write.stream for write in append.writes]
            pins = [stream for stream, _ in append.pins]
            if not (written.isdisjoint(writes) and pinned.isdisjoint(writes) and written.isdisjoint(pins)):
                break
            if append.command_id is not None:
                if append.command_id in commands:
                    break
                commands.add(append.command_id)
            self._queue.popleft()
            if pending.future.done():
                continue
            batch.append(pending)
            size += pending.size
            written.update(writes)
            pinned.update(pins)
        return batch

    async def _store(self) -> None:
        """Send the batch until every append of it is answered or queued again."""
        while self._batch:
            try:
                connection = self._connection or await self._connect()
                said = await self._send(connection)
            except (psycopg.Error, OSError) as error:
                await self._failed(error)
            else:
                for place, answer in said.items():
                    self._batch[place].answer(answer)
                self._batch = [pending for place, pending in enumerate(self._batch) if place not in said]

    async def _send(self, connection: AsyncConnection[Any]) -> dict[int, Answer]:
        encoded = [pending.encoded for pending in self._batch]
        cursor = connection.cursor(binary=True)
        await cursor.execute(APPEND_EVENTS, arguments(encoded), prepare=True)
        said = answers(encoded, await cursor.fetchall())
        if not said:
            raise AssertionError("append_events answered nothing")
        return said

    async def _failed(self, error: psycopg.Error | OSError) -> None:
        """Nothing came back for the batch: find out what that means, and go on."""
        batch, self._batch = self._batch, []
        connection = self._connection
        if connection is None:  # never sent
            self._retry(batch, error)
            await asyncio.sleep(RECONNECT_EVERY)
        elif _in_doubt(error):
            for pending in batch:
                pending.doubtful = True
            await self._disconnect()
            self._retry(batch, error)
        elif isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction):
            await self._disconnect()  # the disk is full, or the server is a standby now
            for pending in batch:
                pending.answer(LogUnavailable(f"the log cannot be written: {error}"))
        elif len(batch) == 1:
            batch[0].answer(error)
        else:  # one of them is at fault
            for pending in batch:
                pending.alone = True
            self._queue.extendleft(reversed(batch))

    def _retry(self, batch: list[_Pending], error: psycopg.Error | OSError) -> None:
        """Queue again what may be sent again while its caller has patience; tell the others what is known."""
        now = asyncio.get_running_loop().time()
        for pending in reversed(batch):
            repeatable = pending.append.command_id is not None or not pending.doubtful
            if repeatable and now < pending.give_up_at:
                self._queue.appendleft(pending)
            elif pending.doubtful:
                pending.answer(AppendUnknown(f"the connection was lost: {error}"))
            else:
                pending.answer(LogUnavailable(f"the log cannot be reached: {error}"))

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        try:
            await connection.execute(SESSION)
            await _refuse_unsafe(connection)
        except BaseException:
            await connection.close()
            raise
        arrays.register(connection)
        self._connection = connection
        return connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def _in_doubt(error: psycopg.Error | OSError) -> bool:
    """Whether a batch that was sent may have been stored although this error came instead of an answer.

    Not if the server said ERROR, which rolls back; but FATAL, or a cancelled statement (class 57), can follow a commit.
    """
    if not isinstance(error, psycopg.Error) or error.diag.severity_nonlocalized != "ERROR":
        return True
    return (error.sqlstate or "57").startswith("57")


async def _refuse_unsafe(connection: AsyncConnection[Any]) -> None:
    """Raise `psycopg.OperationalError` where an acknowledged commit could be lost with the power."""
    cursor = await connection.execute(UNSAFE)
    if unsafe := await cursor.fetchall():
        names = ", ".join(name for (name,) in unsafe)
        raise psycopg.OperationalError(f"the server does not keep what it acknowledges: {names} is off")
