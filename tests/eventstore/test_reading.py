"""Reading the log: by stream, feed, position and type; heads, versions, snapshots."""

from uuid import UUID, uuid4

import pytest
from appending import append, event, write

from eventstore import EventStore, NewEvent, Recorded, Snapshot, Write, read_log, worth_snapshot
from runtime.database import Pool

ACTOR = "account:7"


@pytest.fixture
async def filled(store: EventStore) -> EventStore:
    """Nine events: three each of two budgets in one project, and of one in another."""
    for number in range(3):
        await store.append(append(write("budget:1", number), feed="project:1"))
        await store.append(append(write("budget:2", number), feed="project:1"))
        await store.append(append(write("budget:3", number), feed="project:2"))
    return store


def _places(events: list[Recorded]) -> list[tuple[int, str, int, str, int]]:
    return [(one.position, one.feed, one.sequence, one.stream, one.version) for one in events]


async def test_everything_appended_comes_back(store: EventStore) -> None:
    command, correlation, causation = uuid4(), uuid4(), uuid4()
    one = append(Write("budget:1", 0, (NewEvent("á.b", b'{"\xc3\xa9":"\\u0000"}'), event())), command_id=command)
    one = type(one)(
        feed="project:ž",
        writes=one.writes,
        actor=ACTOR,
        command_id=command,
        command_hash=one.command_hash,
        correlation_id=correlation,
        causation_id=causation,
    )
    appended = await store.append(one)
    first, second = await store.log()
    assert first == Recorded(
        position=1,
        feed="project:ž",
        sequence=1,
        stream="budget:1",
        version=1,
        type="á.b",
        data=b'{"\xc3\xa9":"\\u0000"}',
        actor=ACTOR,
        command_id=command,
        correlation_id=correlation,
        causation_id=causation,
        recorded_at=appended.recorded_at,
    )
    assert (second.position, second.command_id, second.type) == (2, command, "thing.happened")


async def test_a_stream_is_read_behind_a_version_and_as_of_a_position(filled: EventStore) -> None:
    stream = await filled.stream("budget:2")
    assert _places(stream) == [
        (2, "project:1", 2, "budget:2", 1),
        (5, "project:1", 4, "budget:2", 2),
        (8, "project:1", 6, "budget:2", 3),
    ]
    assert await filled.stream("budget:2", after=1) == stream[1:]
    assert await filled.stream("budget:2", upto_position=7) == stream[:2]
    assert await filled.stream("budget:2", after=1, upto_position=5) == stream[1:2]
    assert await filled.stream("budget:9") == []


async def test_a_feed_is_read_in_pages(filled: EventStore) -> None:
    feed = await filled.feed("project:1")
    assert [one.sequence for one in feed] == [1, 2, 3, 4, 5, 6]
    assert await filled.feed("project:1", limit=2) == feed[:2]
    assert await filled.feed("project:1", after=4, limit=5) == feed[4:]


async def test_the_log_is_read_between_positions_and_by_type(filled: EventStore) -> None:
    await filled.append(append(Write("budget:4", 0, (event(kind="rare"), event()))))
    log = await filled.log()
    assert [one.position for one in log] == list(range(1, 12))
    assert await filled.log(after=3, upto=6) == log[3:6]
    assert await filled.log(limit=4) == log[:4]
    assert await filled.log(types=["rare", "none"]) == [log[9]]
    assert await filled.log(types=["rare"], upto=9) == []
    assert await filled.log(types=["thing.happened"], after=8, limit=1) == [log[8]]


async def test_the_log_can_be_read_inside_a_callers_transaction(filled: EventStore, pool: Pool) -> None:
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        before = await read_log(connection, after=7)
        await filled.append(append(write("budget:5")))
        assert await read_log(connection, after=7) == before
    assert len(await filled.log(after=7)) == len(before) + 1


async def test_heads_and_versions_of_many_come_at_once(filled: EventStore) -> None:
    assert await filled.head() == 9
    assert await filled.heads(["project:1", "project:2", "project:3"]) == {
        "project:1": (6, 8),
        "project:2": (3, 9),
        "project:3": (0, 0),
    }
    assert await filled.versions(["budget:1", "budget:9"]) == {"budget:1": 3, "budget:9": 0}
    assert await filled.heads([]) == {}


async def test_the_log_is_cut_off_where_its_data_reach_so_many_bytes(filled: EventStore, pool: Pool) -> None:
    types = sorted({event.type for event in await filled.log()})
    whole = await filled.log(types=types)
    size = len(whole[0].data) + len(whole[1].data)
    async with pool.connection() as connection:
        for most, count in ((1, 1), (size, 2), (size + 1, 3), (10**9, len(whole))):
            assert await read_log(connection, types=types, most_bytes=most) == whole[:count]
        assert await read_log(connection, types=types, most_bytes=10**9, limit=2) == whole[:2]


async def test_the_epoch_stays(store: EventStore) -> None:
    epoch = await store.epoch()
    await store.append(append(write("budget:1")))
    assert isinstance(epoch, UUID)
    assert await store.epoch() == epoch


async def test_the_newest_snapshot_wins_unless_an_earlier_state_is_asked_for(store: EventStore) -> None:
    old = Snapshot(stream="budget:1", version=3, position=30, fingerprint="a", state=b"old")
    new = Snapshot(stream="budget:1", version=5, position=50, fingerprint="a", state=b"new")
    for one in (new, old):
        await store.save_snapshot(one)
    assert await store.snapshot("budget:1") == new
    assert await store.snapshot("budget:1", upto_position=49) == old
    assert await store.snapshot("budget:1", upto_position=29) is None
    assert await store.snapshot("budget:2") is None


async def test_a_snapshot_of_the_same_version_is_replaced(store: EventStore) -> None:
    for fingerprint in ("a", "b"):
        one = Snapshot(stream="budget:1", version=3, position=30, fingerprint=fingerprint, state=fingerprint.encode())
        await store.save_snapshot(one)
    assert await store.snapshot("budget:1") == one


def test_a_snapshot_is_worth_it_once_the_tail_costs_more_than_writing_and_reading_it() -> None:
    assert not worth_snapshot(tail_bytes=20_000, tail_events=100, snapshot_bytes=0)
    assert worth_snapshot(tail_bytes=60_000, tail_events=300, snapshot_bytes=10_000)
    assert not worth_snapshot(tail_bytes=60_000, tail_events=300, snapshot_bytes=10**6)
    assert worth_snapshot(tail_bytes=400_000, tail_events=2_000, snapshot_bytes=10**6)
    assert worth_snapshot(tail_bytes=500_000, tail_events=3, snapshot_bytes=0)
