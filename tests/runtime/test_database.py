import asyncio
import os
import signal
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from runtime.database import DatabaseUnavailable, Pool, open_pool
from runtime.embedded import embedded


async def test_values_arrive_in_binary_with_their_types(pool: Pool) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT 1, gen_random_uuid(), now(), 1.50::numeric, '{\"a\": 1}'::jsonb")
        assert cursor.pgresult is not None
        assert {cursor.pgresult.fformat(column) for column in range(5)} == {1}
        row = await cursor.fetchone()
    assert row is not None
    assert [type(value) for value in row] == [int, UUID, datetime, Decimal, dict]
    assert row[2].tzinfo == UTC or row[2].utcoffset() == UTC.utcoffset(None)


async def test_a_statement_alone_is_committed_and_a_transaction_as_a_whole(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("CREATE TABLE kept (value int)")
        with pytest.raises(psycopg.errors.DivisionByZero):  # noqa: PT012 - the transaction is what is left
            async with connection.transaction():
                await connection.execute("INSERT INTO kept VALUES (1)")
                await connection.execute("SELECT 1 / 0")
        await connection.execute("INSERT INTO kept VALUES (2)")
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT value FROM kept")
        assert await cursor.fetchall() == [(2,)]


async def test_a_statement_that_takes_too_long_is_ended(database_url: str) -> None:
    async with open_pool(database_url, statement_timeout=0.1) as pool, pool.connection() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await connection.execute("SELECT pg_sleep(10)")


async def test_a_connection_that_the_server_closed_is_replaced_before_anybody_gets_it(database_url: str) -> None:
    async with open_pool(database_url, size=3) as pool:
        async with pool.connection() as one, pool.connection() as two, pool.connection() as three:
            old = {connection.info.backend_pid for connection in (one, two, three)}
        with psycopg.connect(database_url, autocommit=True) as outside:
            for pid in old:
                outside.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        for _ in range(3):
            async with pool.connection() as connection:
                cursor = await connection.execute("SELECT pg_backend_pid()")
                assert (await cursor.fetchone() or (0,))[0] not in old


async def test_a_pool_serves_again_after_the_server_was_killed(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data", temporary=True) as servers, open_pool(servers.database_url) as pool:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        old = servers.pids["postgres"]
        os.kill(old, signal.SIGKILL)
        async with asyncio.timeout(20):
            while servers.pids["postgres"] == old:
                await asyncio.sleep(0.01)
        async with pool.connection(timeout=10) as connection:
            await connection.execute("SELECT 1")


async def test_an_idle_transaction_does_not_hold_its_locks_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.database.IDLE_IN_TRANSACTION_TIMEOUT", 0.2)
    async with open_pool(database_url, size=2) as pool, pool.connection() as other:
        await other.execute("CREATE TABLE held (value int)")
        with pytest.raises(psycopg.Error):  # noqa: PT012 - the server may say so at either statement
            async with pool.connection() as stalled, stalled.transaction():
                await stalled.execute("LOCK TABLE held")
                async with asyncio.timeout(10):
                    await other.execute("SELECT value FROM held")
                await stalled.execute("SELECT 1")


async def test_a_server_that_is_still_starting_is_waited_for(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data") as servers:
        url = servers.database_url

    async def start_late() -> None:
        await asyncio.sleep(0.3)
        async with embedded(tmp_path / "data"):
            await used.wait()

    used = asyncio.Event()
    starting = asyncio.create_task(start_late())
    async with open_pool(url, wait=20) as pool, pool.connection() as connection:
        await connection.execute("SELECT 1")
    used.set()
    await starting


async def test_a_server_that_is_not_there_is_said_so_without_its_password() -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="does not answer") as refused:
        async with open_pool("postgresql://u:hush@127.0.0.1:1/x", wait=0.3):
            pass
    assert time.monotonic() - started < 5
    assert "hush" not in str(refused.value)
