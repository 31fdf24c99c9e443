"""The hub's promise: whatever is lost, doubled, late or out of order, every follower gets each event once, in order."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.frames import batch_of
from eventstore import Lines
from tests.transport.hub_world import NAME, Recorder, World, recorded
from transport.gateway import hub_reading
from transport.gateway.hub_feed import MOST_AHEAD, Feed
from transport.gateway.hub_reading import MOST_READERS, PAGE
from transport.gateway.hub_stretch import Filter, Stretch, joined, stretch_of
from transport.gateway.socket_formats import JSON, MSGPACK, TEXT, framed

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "append",
                "append",
                "begin",
                "arrive",
                "arrive",
                "lose",
                "join",
                "read",
                "read",
                "compare",
                "slow",
                "drain",
            ]
        ),
        st.integers(1, 9),
        st.integers(0, 1),
    ),
    max_size=60,
)


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_reading, "GRACE_SECONDS", 0)


@settings(max_examples=400, deadline=None)
@given(before=st.integers(0, 2 * PAGE + 5), tail=st.sampled_from([0, 500, 65536]), steps=STEPS)
def test_every_follower_gets_every_event_once_and_in_order(
    before: int, tail: int, steps: list[tuple[str, int, int]]
) -> None:
    async def play() -> None:
        world = World()
        world.log.head = before
        for step in steps:
            world.do(step)
            for _ in range(3):
                await asyncio.sleep(0)
        await asyncio.wait_for(world.settle(), 5)
        for after, recorder in world.recorders:
            assert recorder.got == list(range(after + 1, world.log.head + 1))
        assert world.feed.last == world.log.head
        assert world.feed.followers == len(world.recorders)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transport.gateway.hub_feed.TAIL_BYTES", tail)
        asyncio.run(play())


def test_events_that_arrive_before_the_feed_knows_where_it_stands_are_not_lost() -> None:
    feed = Feed(NAME)
    feed.accept(stretch(5, 6))
    feed.accept(stretch(7, 7))
    feed.begin(5)
    assert feed.last == 7
    assert not feed.behind


def test_events_behind_a_hole_wait_and_pass_when_it_is_filled() -> None:
    feed = Feed(NAME)
    feed.begin(0)
    feed.accept(stretch(3, 3))
    feed.accept(stretch(2, 2))
    assert feed.last == 0
    assert feed.behind
    feed.accept(stretch(1, 1))
    assert feed.last == 3
    assert not feed.behind


def test_what_waits_behind_a_hole_is_bounded() -> None:
    feed = Feed(NAME)
    feed.begin(0)
    for sequence in range(2, 2 + 2 * MOST_AHEAD):
        feed.accept(stretch(sequence, sequence))
    feed.accept(stretch(1, 1))
    assert feed.last == 1 + MOST_AHEAD
    assert feed.behind


async def test_a_crowd_that_joins_at_once_reads_the_log_once() -> None:
    world = World()
    world.log.head = 5 * PAGE
    world.log.open = True
    world.feed.begin(world.log.head)
    crowd = [Recorder(world.reading, world.feed, 0) for _ in range(50)]
    await asyncio.gather(*(recorder.task for recorder in crowd))
    assert all(recorder.got == list(range(1, world.log.head + 1)) for recorder in crowd)
    assert world.log.reads == 5


async def test_whoever_comes_later_is_served_from_the_last_page_until_it_has_grown() -> None:
    world = World()
    world.log.head = PAGE + 5
    world.log.open = True
    world.feed.begin(world.log.head)
    for _ in range(3):
        await Recorder(world.reading, world.feed, PAGE).task
    assert world.log.reads == 1
    world.log.head += 5
    world.feed = Feed(NAME)
    world.feed.begin(world.log.head)
    late = Recorder(world.reading, world.feed, PAGE)
    await late.task
    assert late.got == list(range(PAGE + 1, PAGE + 11))
    assert world.log.reads == 2


async def test_a_page_that_could_not_be_read_ahead_is_read_again_when_somebody_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.log.head = 2 * PAGE
    world.log.open = True
    world.feed.begin(world.log.head)
    read = world.log.feed_lines

    async def failing(feed: str, line: str, *, after: int, limit: int) -> Lines | None:
        if after and world.log.reads < 2:
            world.log.reads += 1
            raise OSError
        return await read(feed, line, after=after, limit=limit)

    monkeypatch.setattr(world.log, "feed_lines", failing)
    recorder = Recorder(world.reading, world.feed, PAGE - 1)
    await recorder.task
    assert recorder.got == list(range(PAGE, 2 * PAGE + 1))
    assert world.log.reads == 3


async def test_an_announcement_that_the_log_does_not_know_ends_the_search() -> None:
    world = World()
    world.log.open = True
    world.feed.begin(0)
    world.feed.wanted = 7
    await world.reading.fill(world.feed)
    assert not world.feed.behind


async def test_a_hole_that_fills_itself_while_others_read_is_not_read() -> None:
    world = World()
    world.log.head = 2 + MOST_READERS * PAGE
    world.feed.begin(0)
    reads = [asyncio.create_task(world.reading.page(NAME, number * PAGE)) for number in range(MOST_READERS)]
    world.feed.accept(stretch(2, 2))
    filling = asyncio.create_task(world.reading.fill(world.feed))
    async with asyncio.timeout(5):
        while len(world.log.waiting) < MOST_READERS:
            await asyncio.sleep(0)
    await asyncio.sleep(0.01)  # past the grace: it waits for the others
    world.feed.accept(stretch(1, 1))
    world.log.open = True
    for turn in world.log.waiting:
        turn.set_result(None)
    await asyncio.gather(filling, *reads)
    assert world.log.reads == MOST_READERS
    assert world.feed.last == 2


def test_a_stretch_is_cut_into_parts_that_fit() -> None:
    whole = stretch(1, 50)
    parts = whole.parts(1000)
    assert [part.first for part in parts[1:]] == [part.last + 1 for part in parts[:-1]]
    assert (parts[0].first, parts[-1].last) == (1, 50)
    assert all(part.size <= 1000 for part in parts)
    assert [each.first for each in whole.parts(1)] == list(range(1, 51))


def test_stretches_that_follow_each_other_are_joined_as_far_as_they_fit() -> None:
    several = [stretch(1, 2), stretch(3, 3), stretch(5, 6), stretch(7, 7), stretch(7, 7), stretch(8, 40)]
    most = several[2].size + several[3].size
    together = list(joined(several, most))
    assert [(each.first, each.last) for each in together] == [(1, 3), (5, 7), (7, 7), (8, 40)]
    assert together[0].lines == stretch(1, 3).lines
    assert together[1].frames == stretch(5, 7).frames


def test_a_filter_lets_the_wanted_types_through() -> None:
    kinds = ["position.edited", "position.added", "positionally.odd", "job.started"]
    events = [recorded(sequence, kind) for sequence, kind in enumerate(kinds, 1)]
    whole = stretch_of(batch_of(events))
    assert sequences(whole, Filter(("position.*",))) == [1, 2]
    assert sequences(whole, Filter(("job.started", "position.added"))) == [2, 4]
    assert sequences(whole, Filter()) == [1, 2, 3, 4]
    assert whole.text(Filter(("thread.*",))) is None


def test_what_shakes_an_account_is_found_at_its_first_sequence() -> None:
    gone = b'{"project_id":"01890000-0000-7000-8000-000000000000","account_id":"them"}'
    events = [
        recorded(1, "position.edited", b'{"description":"\\"type\\":\\"project.member_removed\\""}'),
        recorded(2, "project.member_removed", gone),
        recorded(3, "project.member_joined", gone),
        recorded(4, "project.member_removed", gone),
    ]
    assert stretch_of(batch_of(events)).shaken == {"them": 2}


def stretch(first: int, last: int) -> Stretch:
    return stretch_of(batch_of([recorded(sequence) for sequence in range(first, last + 1)]))


def sequences(whole: Stretch, wanted: Filter) -> list[int]:
    text = whole.text(wanted)
    assert text is not None
    events = [msgspec.json.decode(line) for line in MSGPACK.read(MSGPACK.write(text.lines))]
    assert text.frame(JSON) == framed(TEXT, text.lines)
    assert len(events) == text.messages
    return [event["sequence"] for event in events]
