"""The log's seven promises: each test fails when its own is broken. `test_log_under_fire` adds processes and kills."""

import asyncio
from datetime import UTC
from uuid import uuid4

import psycopg
import pytest
from appending import BODY, OTHER_BODY, append, appenders_waiting, event, write

from eventstore import Appended, CommandMismatch, EventStore, LogUnavailable, VersionConflict, Write
from eventstore.personal import Vault
from runtime.database import Pool


async def test_1_positions_sequences_and_versions_have_no_gaps(store: EventStore, pool: Pool) -> None:
    async def contend(caller: int, other: EventStore) -> None:
        for number in range(20):
            stream = f"budget:{(caller + number) % 5}"
            expected = (await other.versions([stream]))[stream]
            try:
                await other.append(append(write(stream, expected, events=1 + number % 3), feed=f"project:{caller % 2}"))
            except VersionConflict:
                conflicts.append(stream)

    conflicts: list[str] = []
    async with EventStore(pool) as second:
        await asyncio.gather(*(contend(caller, (store, second)[caller % 2]) for caller in range(8)))
    log = await store.log(limit=10_000)
    assert conflicts
    assert [one.position for one in log] == list(range(1, len(log) + 1))
    for feed in ("project:0", "project:1"):
        sequences = [one.sequence for one in log if one.feed == feed]
        assert sequences == list(range(1, len(sequences) + 1))
    for stream in {one.stream for one in log}:
        versions = [one.version for one in log if one.stream == stream]
        assert versions == list(range(1, len(versions) + 1))
    assert [one.recorded_at for one in log] == sorted(one.recorded_at for one in log)


async def test_2_no_position_is_given_while_a_lower_one_may_still_appear(
    store: EventStore, pool: Pool, database_url: str
) -> None:
    await store.append(append(write("budget:1")))
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(database_url) as slow:
        await slow.execute(
            "SELECT append_events(ARRAY['f'], ARRAY[1], ARRAY['a'], ARRAY[NULL::uuid], ARRAY[NULL::bytea],"
            " ARRAY[NULL::uuid], ARRAY[NULL::uuid], ARRAY[1], ARRAY['s'], ARRAY[0::bigint], ARRAY[]::integer[],"
            " ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[1], ARRAY['t'], ARRAY['{}'::bytea])"
        )
        late = asyncio.create_task(store.append(append(write("budget:2"))))
        async with pool.connection() as watching:
            await appenders_waiting(watching, 1)
        assert not late.done()
        assert await store.head() == 1
        await slow.commit()
        assert (await late).position == 3
    assert [one.stream for one in await store.log()] == ["budget:1", "s", "budget:2"]


async def test_3_a_wrong_expected_version_stores_nothing_of_the_append(store: EventStore) -> None:
    await store.append(append(write("budget:1", events=2)))
    for wrong, actual in ((0, 2), (1, 2), (3, 2)):
        with pytest.raises(VersionConflict) as conflict:
            await store.append(append(write("budget:2"), write("budget:1", wrong)))
        assert (conflict.value.stream, conflict.value.expected, conflict.value.actual) == ("budget:1", wrong, actual)
    with pytest.raises(VersionConflict) as conflict:
        await store.append(append(write("budget:2"), pins=(("budget:1", 1),)))
    assert (conflict.value.stream, conflict.value.expected, conflict.value.actual) == ("budget:1", 1, 2)
    assert await store.head() == 2
    assert (await store.append(append(write("budget:2"), pins=(("budget:1", 2), ("budget:9", 0))))).position == 3


async def test_4_an_append_to_several_streams_is_stored_whole(store: EventStore) -> None:
    appended = await store.append(append(write("budget:1", events=2), write("audit:1", events=3), feed="project:7"))
    assert (appended.first_position, appended.position, appended.sequence) == (1, 5, 5)
    assert [(one.sequence, one.stream, one.version) for one in await store.feed("project:7")] == [
        (1, "budget:1", 1),
        (2, "budget:1", 2),
        (3, "audit:1", 1),
        (4, "audit:1", 2),
        (5, "audit:1", 3),
    ]


async def test_4_an_append_that_the_database_refuses_half_way_is_not_stored_at_all(store: EventStore) -> None:
    nameless = Write("audit:1", 0, (event(), event(kind="")))
    with pytest.raises(psycopg.errors.CheckViolation):
        await store.append(append(write("budget:1"), nameless))
    assert await store.head() == 0


async def test_5_a_command_is_applied_once(store: EventStore) -> None:
    command_id = uuid4()
    await store.append(append(write("budget:0")))
    command = append(write("budget:1", events=3), command_id=command_id)
    first, *others = await asyncio.gather(*(store.append(command) for _ in range(5)))
    assert not first.repeated
    expected = Appended(
        feed="project:1", first_position=2, position=4, sequence=4, recorded_at=first.recorded_at, repeated=True
    )
    assert others == [expected] * 4
    assert await store.receipt(command_id) == (expected, BODY)
    await store.append(append(write("budget:2"), command_id=uuid4()))
    assert await store.append(append(write("budget:3"), command_id=command_id)) == expected
    with pytest.raises(CommandMismatch) as mismatch:
        await store.append(append(write("budget:3"), command_id=command_id, command_hash=OTHER_BODY))
    assert mismatch.value.command_id == command_id
    assert await store.head() == 5
    assert await store.receipt(uuid4()) is None


async def test_5_a_command_that_was_refused_may_be_tried_again(store: EventStore) -> None:
    command_id = uuid4()
    with pytest.raises(VersionConflict):
        await store.append(append(write("budget:1", 1), command_id=command_id))
    assert not (await store.append(append(write("budget:1"), command_id=command_id))).repeated


async def test_6_commits_wait_for_the_disk_even_where_the_database_says_otherwise(
    store: EventStore, pool: Pool, database_url: str
) -> None:
    name = database_url.rpartition("/")[2].partition("?")[0]
    async with pool.connection() as connection:
        await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        await connection.execute("CREATE TABLE seen (setting text)")
        await connection.execute(
            "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
        )
        await connection.execute("CREATE TRIGGER see AFTER INSERT ON events EXECUTE FUNCTION see()")
        await store.append(append(write("budget:1")))
        cursor = await connection.execute("SELECT setting FROM seen")
        assert await cursor.fetchall() == [("on",)]


async def test_6_a_server_that_forgets_on_power_loss_is_refused(
    store: EventStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT current_setting('fsync'), current_setting('full_page_writes')")
        assert await cursor.fetchone() == ("on", "on")
    # fsync can only be switched off for a whole server; jit, which is off, stands in for it
    monkeypatch.setattr(
        "eventstore.appender.UNSAFE", b"SELECT name FROM pg_settings WHERE name = 'jit' AND setting <> 'on'"
    )
    with pytest.raises(LogUnavailable, match="jit is off"):
        await store.append(append(write("budget:1")))


@pytest.mark.parametrize(
    "change", ["UPDATE events SET data = ''", "DELETE FROM events", "DELETE FROM events WHERE false", "TRUNCATE events"]
)
async def test_7_nothing_updates_or_deletes_an_event(store: EventStore, pool: Pool, change: str) -> None:
    await store.append(append(write("budget:1")))
    async with pool.connection() as connection:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed or deleted"):
            await connection.execute(change.encode())
    assert len(await store.log()) == 1


async def test_7_destroying_a_key_erases_a_person_and_leaves_the_event(store: EventStore, pool: Pool) -> None:
    vault = Vault(pool, bytes(32))
    token = await vault.seal("account:1", "Jana")
    named = Write("account:1", 0, (event(), type(event())("account.named", token.encode())))
    await store.append(append(named))
    before = await store.log()
    await vault.destroy("account:1")
    assert await store.log() == before
    assert await vault.open(before[1].data.decode()) is None


async def test_times_are_utc_for_writers_and_readers(store: EventStore) -> None:
    appended = await store.append(append(write("budget:1")))
    (recorded,) = await store.log()
    assert recorded.recorded_at == appended.recorded_at
    assert recorded.recorded_at.utcoffset() == appended.recorded_at.astimezone(UTC).utcoffset()
