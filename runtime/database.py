"""PostgreSQL: pools set up the one way that all our processes use."""

import asyncio
import contextlib
import select
import time
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor, pq
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from runtime.settings import without_passwords
from runtime.telemetry import get_logger

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

STATEMENT_TIMEOUT = 30.0
IDLE_IN_TRANSACTION_TIMEOUT = 10.0
"""A client that stalls inside a transaction may hold a lock that others wait for; the server then ends it."""

_log = get_logger(__name__)


class DatabaseUnavailable(Exception):  # noqa: N818 - it names a state, as the HTTP answer does
    """PostgreSQL does not answer."""


class BinaryCursor(AsyncCursor[TupleRow]):
    """A cursor that receives values in binary, which is cheaper for ids, times and numbers.

    Types that psycopg cannot read in binary (such as `pg_lsn`) come as bytes: cast those to text in the query.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make a cursor, as psycopg does."""
        super().__init__(*args, **kwargs)
        self.format = pq.Format.BINARY


@contextlib.asynccontextmanager
async def open_pool(
    conninfo: str,
    *,
    name: str = "plumbline",
    size: int = 10,
    wait: float = 30,
    statement_timeout: float = STATEMENT_TIMEOUT,
) -> AsyncGenerator[Pool]:
    """Open a pool of 1 to `size` connections for the length of the block.

    Connections autocommit: a read is one round trip, and a write opens `connection.transaction()`. Statements are
    prepared on their second use. A connection whose server went away is replaced before anybody gets it.
    `wait` and `statement_timeout` are seconds; 0 means that statements may take as long as they like.
    Raises `DatabaseUnavailable` when the server does not answer within `wait`.
    """

    async def configure(connection: AsyncConnection[TupleRow]) -> None:
        await connection.execute(
            "SELECT set_config('statement_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false), set_config('timezone', 'UTC', false)",
            (f"{statement_timeout}s", f"{IDLE_IN_TRANSACTION_TIMEOUT}s"),
        )

    await wait_for(conninfo, wait)
    pool = AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[TupleRow],
        kwargs={
            "autocommit": True,
            "prepare_threshold": 1,
            "cursor_factory": BinaryCursor,
            "application_name": name,
        },
        min_size=1,
        max_size=size,
        name=name,
        open=False,
        configure=configure,
        check=check,
        reconnect_timeout=float("inf"),
    )
    async with pool:
        yield pool


async def wait_for(conninfo: str, wait: float) -> None:
    """Return once PostgreSQL accepts a connection; raise `DatabaseUnavailable` after `wait` seconds without one."""
    deadline = time.monotonic() + wait
    pause = 0.05
    while True:
        try:
            connection = await AsyncConnection.connect(conninfo, connect_timeout=5)
        except psycopg.OperationalError as error:
            where = without_passwords(conninfo)
            if time.monotonic() + pause > deadline:
                raise DatabaseUnavailable(f"PostgreSQL at {where} does not answer: {error}") from error
            _log.warning("waiting for PostgreSQL", database=where, reason=str(error))
        else:
            await connection.close()
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, 1)


async def check(connection: AsyncConnection[Any]) -> None:
    """Raise `psycopg.OperationalError` if the server closed this idle connection. Costs microseconds, no round trip.

    An idle connection has nothing to read unless its server said goodbye or died (or sent a notice: then we ask).
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        await connection.execute("")
