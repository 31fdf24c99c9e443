"""The appender: batches, callers that leave, connections that break, appends that the server refuses."""

import asyncio
from uuid import uuid4

import psycopg
import pytest
from appending import append, appenders_waiting, appends_held_up, event, write

from eventstore import Append, AppendUnknown, EventStore, LogUnavailable, VersionConflict, Write
from eventstore.appender import Appender
from runtime.database import Pool, open_pool


async def _queued(store: EventStore, *appends: Append) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(store.append(one)) for one in appends]
    await asyncio.sleep(0)
    return tasks


async def test_what_queues_up_behind_a_batch_shares_the_next_transaction(
    store: EventStore, pool: Pool, database_url: str
) -> None:
    async with appends_held_up(database_url) as connection:
        tasks = await _queued(store, append(write("budget:0")))
        await appenders_waiting(connection, 1)
        tasks += await _queued(store, *(append(write(f"budget:{number}")) for number in range(1, 100)))
    await asyncio.gather(*tasks)
    async with pool.connection() as watching:
        cursor = await watching.execute("SELECT count(*) FROM events GROUP BY xmin::text ORDER BY 1")
        assert await cursor.fetchall() == [(1,), (99,)]


async def test_a_refused_append_does_not_hold_up_the_others_of_its_batch(store: EventStore, database_url: str) -> None:
    used = uuid4()
    await store.append(append(write("budget:9"), command_id=used))
    async with appends_held_up(database_url) as connection:
        tasks = await _queued(store, append(write("budget:0")))
        await appenders_waiting(connection, 1)
        tasks += await _queued(
            store,
            append(write("budget:1")),
            append(write("budget:9", 7)),
            append(write("budget:2")),
            append(write("budget:3"), command_id=used),
            append(write("budget:4")),
        )
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[2], VersionConflict)
    assert [getattr(one, "position", None) for one in answers] == [2, 3, None, 4, 1, 5]


async def test_appends_to_one_stream_queued_together_are_stored_in_their_order(store: EventStore) -> None:
    answers = await asyncio.gather(*(store.append(append(write("budget:1", number))) for number in range(20)))
    assert [one.position for one in answers] == list(range(1, 21))


async def test_a_pin_holds_at_the_position_of_its_append(store: EventStore) -> None:
    """A stream pinned by one append and written by another of the same moment: the log shows the pin was true."""
    pinned = append(write("budget:1"), pins=(("project:1", 0),))
    first, second = await asyncio.gather(
        store.append(append(write("project:1"))), store.append(pinned), return_exceptions=True
    )
    assert not isinstance(first, BaseException)
    assert isinstance(second, VersionConflict)
    before, after = await asyncio.gather(
        store.append(append(write("budget:1"), pins=(("project:1", 1),))),
        store.append(append(write("project:1", 1))),
    )
    assert before.position < after.position


async def test_a_caller_that_leaves_does_not_break_the_batch(store: EventStore, database_url: str) -> None:
    async with appends_held_up(database_url) as connection:
        sent = await _queued(store, append(write("budget:1")), append(write("budget:2")))
        await appenders_waiting(connection, 1)
        queued = await _queued(store, append(write("budget:3")), append(write("budget:4")))
        for task in (sent[0], queued[0]):
            task.cancel()
    assert [(await one).position for one in (sent[1], queued[1])] == [2, 3]
    assert [one.stream for one in await store.log()] == ["budget:1", "budget:2", "budget:4"]


async def test_a_command_whose_answer_was_lost_learns_its_fate(
    store: EventStore, pool: Pool, database_url: str
) -> None:
    command = append(write("budget:1"), command_id=uuid4())
    async with EventStore(pool) as twin:
        async with appends_held_up(database_url) as connection:
            (lost,) = await _queued(store, command)
            (pid,) = await appenders_waiting(connection, 1)
            await connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
            (same,) = await _queued(twin, command)  # as if the lost connection's commit had just gone through
            await appenders_waiting(connection, 2)
        assert {(await same).repeated, (await lost).repeated} == {False, True}
    assert await store.head() == 1


async def test_an_append_without_command_id_is_unknown_once_its_connection_is_lost(
    store: EventStore, database_url: str
) -> None:
    async with appends_held_up(database_url) as connection:
        sent = await _queued(store, append(write("budget:1")))
        (pid,) = await appenders_waiting(connection, 1)
        queued = await _queued(store, append(write("budget:2")))
        await connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with pytest.raises(AppendUnknown):
            await sent[0]
    assert (await queued[0]).position == 1


async def test_appends_wait_for_a_lost_database_and_then_say_that_nothing_was_stored(
    store: EventStore, database_url: str
) -> None:
    await store.append(append(write("budget:1")))
    name = database_url.rpartition("/")[2].partition("?")[0]
    async with await psycopg.AsyncConnection.connect(database_url.replace(name, "postgres"), autocommit=True) as admin:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        idle = await _queued(store, append(write("budget:2"), command_id=uuid4()))
        with pytest.raises(AppendUnknown):  # sent on the dead connection
            await idle[0]
        with pytest.raises(LogUnavailable):
            await store.append(append(write("budget:3")))
        patient = await _queued(store, append(write("budget:4"), command_id=uuid4()))
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert (await patient[0]).position == 2


async def test_an_append_that_the_server_refuses_fails_alone(store: EventStore, database_url: str) -> None:
    bad = append(Write("budget:2", 0, (event(), event(kind="a\0b"))))
    async with appends_held_up(database_url) as connection:
        tasks = await _queued(store, append(write("budget:0")))
        await appenders_waiting(connection, 1)
        tasks += await _queued(store, append(write("budget:1")), bad, append(write("budget:3")))
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[2], psycopg.DataError)
    assert [one.stream for one in await store.log()] == ["budget:0", "budget:1", "budget:3"]


async def test_leaving_the_store_stores_what_was_queued(pool: Pool) -> None:
    async with EventStore(pool) as leaving:
        tasks = await _queued(leaving, *(append(write(f"budget:{number}")) for number in range(50)))
    assert sorted([(await task).position for task in tasks]) == list(range(1, 51))
    with pytest.raises(LogUnavailable):
        await leaving.append(append(write("budget:x")))


async def test_a_stopped_appender_answers_everybody(database_url: str) -> None:
    async with appends_held_up(database_url) as connection:
        appender = await Appender(database_url).__aenter__()
        sent = asyncio.create_task(appender.append(append(write("budget:1"))))
        await appenders_waiting(connection, 1)
        queued = asyncio.create_task(appender.append(append(write("budget:1", 1))))
        await asyncio.sleep(0)
        assert appender._task is not None
        appender._task.cancel()
        with pytest.raises(AppendUnknown):
            await sent
        with pytest.raises(LogUnavailable):
            await queued
        with pytest.raises(LogUnavailable):
            await appender.append(append(write("budget:3")))


async def test_what_must_not_be_built_is_refused_before_it_is_queued(store: EventStore) -> None:
    with pytest.raises(ValueError, match="without events"):
        await store.append(append())
    with pytest.raises(ValueError, match="without events"):
        await store.append(append(write("budget:1"), Write("budget:2", 0, ())))
    with pytest.raises(ValueError, match="each stream once"):
        await store.append(append(write("budget:1"), write("budget:1", 1)))
    with pytest.raises(ValueError, match="each stream once"):
        await store.append(append(write("budget:1"), pins=(("budget:1", 0),)))
    with pytest.raises(ValueError, match="come together"):
        await store.append(
            append(write("budget:1"), command_id=uuid4(), command_hash=b"")
            and Append(feed="f", writes=(write("budget:1"),), actor="a", command_id=uuid4())
        )
    with pytest.raises(UnicodeEncodeError):
        await store.append(append(write("budget:\ud800")))
    assert await store.head() == 0


async def test_a_store_must_be_entered_and_needs_a_fixed_address(database_url: str) -> None:
    async with open_pool(database_url) as pool:
        with pytest.raises(RuntimeError, match="not entered"):
            await EventStore(pool).append(append(write("budget:1")))
        pool.conninfo = lambda: database_url
        with pytest.raises(TypeError, match="does not change"):
            await EventStore(pool).__aenter__()
