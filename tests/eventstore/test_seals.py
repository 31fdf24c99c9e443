"""Seals: each way of tampering with the stored log is found."""

import pytest
from appending import append, write
from psycopg import AsyncConnection

from eventstore import EventStore
from eventstore.seals import Seal, seal, verify
from runtime.database import Pool


async def _seal_all(pool: Pool, upto: int | None = None) -> list[Seal]:
    seals: list[Seal] = []
    async with pool.connection() as connection:
        while one := await seal(connection, upto):
            seals.append(one)
    return seals


async def _verify(pool: Pool, kept: list[Seal] | None = None) -> tuple[str, ...]:
    async with pool.connection() as connection:
        report = await verify(connection, kept or [])
    assert report.holds == (not report.faults)
    return report.faults


async def _tamper(database_url: str, *statements: str) -> None:
    """Change what nothing may change, as somebody with all rights could."""
    async with await AsyncConnection.connect(database_url) as connection:
        await connection.execute("SET session_replication_role = replica")  # no triggers
        for statement in statements:
            await connection.execute(statement.encode())


@pytest.fixture
async def filled(store: EventStore) -> EventStore:
    for number in range(4):
        await store.append(append(write("budget:1", 3 * number, events=3), feed=f"project:{number % 2}"))
    return store


async def test_an_untouched_log_holds(filled: EventStore, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _verify(pool) == ()
    monkeypatch.setattr("eventstore.seals.MOST_EVENTS", 5)
    seals = await _seal_all(pool, 7)
    assert [(one.from_position, one.to_position) for one in seals] == [(1, 5), (6, 7)]
    seals += await _seal_all(pool)
    assert [(one.from_position, one.to_position) for one in seals] == [(1, 5), (6, 7), (8, 12)]
    assert [one.previous for one in seals] == [None, *(one.sha256 for one in seals[:-1])]
    assert await _seal_all(pool) == []
    await filled.append(append(write("budget:2")))
    async with pool.connection() as connection:
        report = await verify(connection, seals)
    assert report.lines() == ["13 events, 12 of them under 3 seals: no fault"]


async def test_an_empty_log_holds_and_cannot_be_sealed(pool: Pool) -> None:
    assert await _seal_all(pool) == []
    assert await _verify(pool) == ()


async def test_positions_that_do_not_exist_cannot_be_sealed(filled: EventStore, pool: Pool) -> None:
    assert await filled.head() == 12
    with pytest.raises(ValueError, match="1 to 13"):
        await _seal_all(pool, 13)


@pytest.mark.parametrize(
    "change",
    [
        "data = data || ' '",
        "type = type || 'x'",
        "actor = 'account:2'",
        "feed = feed || 'x'",
        "stream = stream || 'x'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "command_id = gen_random_uuid()",
        "correlation_id = gen_random_uuid()",
        "causation_id = gen_random_uuid()",
    ],
)
async def test_any_changed_column_is_found(filled: EventStore, pool: Pool, database_url: str, change: str) -> None:
    await _seal_all(pool)
    await _tamper(database_url, f"UPDATE events SET {change} WHERE position = 12")  # noqa: S608 - the change under test
    assert "events 1 to 12 are not what was sealed" in await _verify(pool)
    assert await filled.head() == 12


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM events WHERE position = 6", "position 7 does not follow 5, or was recorded before it"),
        ("DELETE FROM events WHERE position = 1", "position 2 does not follow 0, or was recorded before it"),
        ("UPDATE events SET sequence = 9 WHERE position = 10", "project:1: sequence 5 does not follow 3 in the log"),
        ("UPDATE events SET version = 99 WHERE position = 12", "budget:1: version 99 does not follow 11 in the log"),
        (
            "UPDATE events SET recorded_at = '2020-01-01' WHERE position = 4",
            "position 4 does not follow 3, or was recorded before it",
        ),
        (
            "UPDATE events SET version = CASE version WHEN 2 THEN 3 ELSE 2 END WHERE version IN (2, 3)",
            "budget:1: version 3 does not follow 2 in the log",
        ),
    ],
)
async def test_gaps_and_disorder_are_found_without_seals(
    filled: EventStore, pool: Pool, database_url: str, statement: str, fault: str
) -> None:
    assert await filled.head() == 12
    constraints = ("events_pkey", "events_stream_version", "events_feed_sequence")
    await _tamper(
        database_url,
        f"ALTER TABLE events DROP CONSTRAINT {constraints[0]}",
        *(f"DROP INDEX {name}" for name in constraints[1:]),
        statement,
    )
    assert fault in await _verify(pool)


async def test_seals_made_anew_over_a_changed_log_do_not_match_those_kept_elsewhere(
    filled: EventStore, pool: Pool, database_url: str
) -> None:
    kept = await _seal_all(pool)
    await _tamper(database_url, "UPDATE events SET data = '{}' WHERE position = 3", "DELETE FROM seals")
    await _seal_all(pool)
    assert await _verify(pool) == ()
    assert await _verify(pool, kept) == ("the seal at 12 that was kept elsewhere is not here",)
    assert await filled.head() == 12


async def test_a_broken_chain_of_seals_is_found(filled: EventStore, pool: Pool, database_url: str) -> None:
    await _seal_all(pool, 5)
    await _seal_all(pool)
    await _tamper(database_url, "DELETE FROM seals WHERE to_position = 5")
    assert await _verify(pool) == ("the seal at 12 does not follow the one at 0",)
    assert await filled.head() == 12


async def test_events_missing_at_the_end_of_a_sealed_log_are_found(
    filled: EventStore, pool: Pool, database_url: str
) -> None:
    await _seal_all(pool)
    await _tamper(database_url, "DELETE FROM events WHERE position = 12")
    assert await _verify(pool) == ("events 1 to 12 are not what was sealed",)
    assert await filled.head() == 11
