"""The SQL function by itself: a batch that breaks its rules fails loudly and stores nothing."""

from uuid import uuid4

import psycopg
import pytest
from appending import append, write

from eventstore import Append
from eventstore.arrays import register
from eventstore.batch import APPEND_EVENTS, answers, arguments, encode
from runtime.database import Pool


async def _call(pool: Pool, *appends: Append) -> list[object]:
    batch = [encode(one) for one in appends]
    async with pool.connection() as connection:
        register(connection)
        cursor = await connection.execute(APPEND_EVENTS, arguments(batch))
        said = answers(batch, await cursor.fetchall())
    return [said.get(place) for place in range(len(batch))]


async def _head(pool: Pool) -> int:
    async with pool.connection() as connection:
        ((position,),) = await (await connection.execute("SELECT position FROM log_head")).fetchall()
        return position


async def test_two_writers_of_one_stream_in_a_batch_are_an_error(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _call(pool, append(write("budget:1")), append(write("budget:1")))
    assert await _head(pool) == 0


async def test_one_command_twice_in_a_batch_is_an_error(pool: Pool) -> None:
    command_id = uuid4()
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _call(
            pool, append(write("budget:1"), command_id=command_id), append(write("budget:2"), command_id=command_id)
        )
    assert await _head(pool) == 0


async def test_a_pin_on_what_the_batch_writes_is_an_error(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="has pinned"):
        await _call(pool, append(write("budget:1")), append(write("budget:2"), pins=(("budget:1", 0),)))
    assert await _head(pool) == 0


async def test_several_appends_may_pin_the_same_stream(pool: Pool) -> None:
    pins = (("project:1", 0),)
    assert len(await _call(pool, append(write("budget:1"), pins=pins), append(write("budget:2"), pins=pins))) == 2
    assert await _head(pool) == 2


@pytest.mark.parametrize("changed", [0, 1, 2, 8, 13, 14, 15])
async def test_arrays_that_do_not_fit_together_are_an_error(pool: Pool, changed: int) -> None:
    batch = [encode(append(write("budget:1", events=2))), encode(append(write("budget:2")))]
    shorter = list(arguments(batch))
    shorter[changed] = arguments(batch[:1])[changed] if changed else type(shorter[0])(arguments([])[0])
    async with pool.connection() as connection:
        register(connection)
        with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.NotNullViolation)):
            await connection.execute(APPEND_EVENTS, shorter)
    assert await _head(pool) == 0


async def test_a_batch_with_a_refused_append_stores_nothing_and_names_only_that_one(pool: Pool) -> None:
    good, stale = append(write("budget:1")), append(write("budget:2", 5), pins=(("budget:3", 1),))
    first, second = await _call(pool, good, stale)
    assert first is None
    assert str(second) == "budget:2 is at version 0, not 5"
    assert await _head(pool) == 0


async def test_probes_use_the_indexes_although_they_were_planned_for_empty_tables(pool: Pool) -> None:
    """A plan made while the table was empty must not scan it once it is full."""
    async with pool.connection() as connection:
        register(connection)
        await connection.execute("ANALYZE events")
        for number in range(300):
            batch = [encode(append(write(f"budget:{number}"), command_id=uuid4()))]
            await connection.execute(APPEND_EVENTS, arguments(batch))
        await connection.execute("SELECT pg_stat_force_next_flush()")
        cursor = await connection.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'events'")
        assert await cursor.fetchall() == [(0,)]
