"""The appender: stores, in one transaction, whatever queued up in this process while earlier ones were committing."""

import asyncio
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventstore import arrays
from eventstore.batch import APPEND_EVENTS, Answer, answers, arguments
from eventstore.queue import Pending, Queue
from eventstore.records import Append, Appended, AppendUnknown, LogUnavailable

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


class Appender:
    """Collects the appends of this process into batches, each one transaction, on a connection of its own."""

    def __init__(self, conninfo: str, *, patience: float = PATIENCE) -> None:
        """Connect to `conninfo` when there is something to append."""
        self._conninfo = make_conninfo("", **{**CONNECTION, **conninfo_to_dict(conninfo)})
        self._patience = patience
        self._queue = Queue()
        self._sent: list[Pending] = []
        self._connection: AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="appender")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Store what has queued up, then disconnect."""
        self._queue.close()
        if self._task is not None:
            await self._task

    async def append(self, append: Append) -> Appended:
        """Store `append`; see `EventStore.append`."""
        if self._task is None or self._queue.closed:
            raise LogUnavailable("the appender is not running")
        pending = Pending(append, self._patience)
        self._queue.put(pending)
        return await pending.future

    async def _run(self) -> None:
        """Store batches until the queue is closed and empty; leave nobody waiting, whatever happens."""
        try:
            while batch := await self._queue.take():
                await self._store(batch)
                del batch  # it may hold a whole import, and nobody knows when the next one comes
        finally:
            self._queue.close()
            for pending in self._sent:
                pending.answer(AppendUnknown("the appender was stopped"))
            for pending in self._queue.drain():
                pending.answer(LogUnavailable("the appender was stopped"))
            await self._disconnect()

    async def _store(self, batch: list[Pending]) -> None:
        """Send the batch until each append of it is answered or queued again."""
        self._sent = batch
        while self._sent:
            try:
                connection = self._connection or await self._connect()
                said = await self._send(connection)
            except (psycopg.Error, OSError) as error:
                await self._failed(error)
            else:
                for place, answer in said.items():
                    self._sent[place].answer(answer)
                self._sent = [pending for place, pending in enumerate(self._sent) if place not in said]

    async def _send(self, connection: AsyncConnection[Any]) -> dict[int, Answer]:
        encoded = [pending.encoded for pending in self._sent]
        cursor = connection.cursor(binary=True)
        await cursor.execute(APPEND_EVENTS, arguments(encoded), prepare=True)
        said = answers(encoded, await cursor.fetchall())
        if not said:
            raise AssertionError("append_events answered nothing")
        return said

    async def _failed(self, error: psycopg.Error | OSError) -> None:
        """Find out what it means that nothing came back for the batch, and go on."""
        sent, self._sent = self._sent, []
        if self._connection is None:
            self._retry(sent, error)
            await asyncio.sleep(RECONNECT_EVERY)
        elif _in_doubt(error):
            for pending in sent:
                pending.doubtful = True
            await self._disconnect()
            self._retry(sent, error)
        elif isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction):
            await self._disconnect()  # the disk is full, or the server is a standby now
            for pending in sent:
                pending.answer(LogUnavailable(f"the log cannot be written: {error}"))
        elif len(sent) == 1:
            sent[0].answer(error)
        else:  # one of them is at fault
            for pending in sent:
                pending.alone = True
            self._queue.put_back(sent)

    def _retry(self, sent: list[Pending], error: psycopg.Error | OSError) -> None:
        """Queue again what may be sent again while its caller has patience; tell the others what is known."""
        now = asyncio.get_running_loop().time()
        again: list[Pending] = []
        for pending in sent:
            repeatable = pending.append.command_id is not None or not pending.doubtful
            if repeatable and now < pending.give_up_at:
                again.append(pending)
            elif pending.doubtful:
                pending.answer(AppendUnknown(f"the connection was lost: {error}"))
            else:
                pending.answer(LogUnavailable(f"the log cannot be reached: {error}"))
        self._queue.put_back(again)

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
