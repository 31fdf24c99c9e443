"""The hub's promise: whatever is lost, doubled, late or out of order, every follower gets each event once, in order.

The log here is a list in memory whose reads are answered when the test says so: thus every interleaving can be tried.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import Recorded
from transport import hub_reading
from transport.hub_feed import MOST_AHEAD, Feed
from transport.hub_reading import PAGE, Reading
from transport.hub_stretch import Filter, Stretch, recorded_stretch

NAME = "project:one"


def recorded(sequence: int, kind: str = "position.edited", data: bytes = b"{}") -> Recorded:
    return Recorded(
        position=sequence * 2,
        feed=NAME,
        sequence=sequence,
        stream="budget:one",
        version=sequence,
        type=kind,
        data=data,
        actor="system",
        command_id=None,
        correlation_id=None,
        causation_id=None,
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


class ListLog:
    """A log whose reads wait until the test lets them go on."""

    def __init__(self) -> None:
        self.head = 0
        self.reads = 0
        self.waiting: list[asyncio.Future[None]] = []
        self.open = False

    async def feed(self, feed: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        assert feed == NAME
        self.reads += 1
        found = range(after + 1, min(self.head, after + limit) + 1)  # a snapshot from when the read began
        await self._turn()
        return [recorded(sequence) for sequence in found]

    async def heads(self, feeds: Sequence[str]) -> dict[str, tuple[int, int]]:
        found = self.head
        await self._turn()
        return dict.fromkeys(feeds, (found, found * 2))

    async def _turn(self) -> None:
        if not self.open:
            turn = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            await turn


class Recorder:
    """A follower that remembers what it got; it may be slow, and may stop at some sequences to think again."""

    def __init__(self, reading: Reading, feed: Feed, after: int, stops: frozenset[int] = frozenset()) -> None:
        self.position = after
        self.got: list[int] = []
        self.stops = stops
        self.slow: asyncio.Future[None] | None = None
        self.live = False
        self._reading = reading
        self._feed = feed
        self.task = asyncio.create_task(self._follow())

    async def ready(self) -> None:
        if self.slow is not None:
            await self.slow

    def deliver(self, stretch: Stretch) -> bool:
        assert stretch.first == self.position + 1
        stop = next((each for each in range(stretch.first, stretch.last + 1) if each in self.stops), None)
        if stop is not None:
            stretch = stretch.upto(stop)
        self.position = stretch.last
        self.got += range(stretch.first, stretch.last + 1)
        if stop is not None and self.live:
            self.live = False
            self.task = asyncio.create_task(self._follow())
        return stop is None

    def pass_by(self, frames: Stretch) -> None:
        raise AssertionError(frames)

    def restart(self, head: int) -> None:
        raise AssertionError(head)

    async def _follow(self) -> None:
        await self._reading.follow(self._feed, self)
        self.live = True


class World:
    """A feed, its log, and what was published but has not arrived."""

    def __init__(self) -> None:
        self.log = ListLog()
        self.reading = Reading(self.log)
        self.feed = Feed(NAME)
        self.published: list[Stretch] = []
        self.recorders: list[tuple[int, Recorder]] = []
        self.filling: asyncio.Task[None] | None = None
        self.comparing: asyncio.Task[None] | None = None

    def fill(self) -> None:
        if self.feed.behind and (self.filling is None or self.filling.done()):
            self.filling = asyncio.create_task(self.reading.fill(self.feed))

    async def compare(self) -> None:
        head = await self.reading.head(NAME)
        self.feed.wanted = max(self.feed.wanted, head)
        self.fill()

    def do(self, step: tuple[str, int, int]) -> None:
        what, first, second = step
        match what:
            case "append":
                events = range(self.log.head + 1, self.log.head + 1 + first)
                self.log.head += first
                self.published.append(recorded_stretch([recorded(each) for each in events]))
            case "begin" if self.feed.last is None:
                self.feed.begin(max(0, self.log.head - first))
                self.feed.wanted = max(self.feed.wanted, self.log.head)
                self.fill()
            case "arrive" if self.published:  # in any order, and perhaps again later
                stretch = self.published[first % len(self.published)]
                if second:
                    self.published.remove(stretch)
                self.feed.accept(stretch)
                self.fill()
            case "lose" if self.published:
                self.published.pop(first % len(self.published))
            case "join" if self.feed.last is not None:
                after = max(0, self.log.head - first * 10)
                stops = frozenset({after + 3, after + 4, self.log.head + second})
                self.recorders.append((after, Recorder(self.reading, self.feed, after, stops)))
            case "read" if self.log.waiting:
                self.log.waiting.pop(first % len(self.log.waiting)).set_result(None)
            case "compare" if self.feed.last is not None and (self.comparing is None or self.comparing.done()):
                self.comparing = asyncio.create_task(self.compare())
            case "slow" if self.recorders:
                recorder = self.recorders[first % len(self.recorders)][1]
                if recorder.slow is None:
                    recorder.slow = asyncio.get_running_loop().create_future()
            case "drain" if self.recorders:
                self.drain(self.recorders[first % len(self.recorders)][1])
            case _:
                pass  # nothing to do it to

    @staticmethod
    def drain(recorder: Recorder) -> None:
        if recorder.slow is not None:
            slow, recorder.slow = recorder.slow, None
            slow.set_result(None)

    async def settle(self) -> None:
        """Let everything come to its end: reads answer, nobody is slow, and the log is compared once more."""
        self.do(("begin", 0, 0))
        self.log.open = True
        while self.log.waiting:
            self.log.waiting.pop().set_result(None)
        for _, recorder in self.recorders:
            self.drain(recorder)
        if self.comparing is not None:
            await self.comparing
        await self.compare()
        if self.filling is not None:
            await self.filling
        for _, recorder in self.recorders:
            while not recorder.live:
                await recorder.task


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
        patch.setattr("transport.hub_feed.TAIL_BYTES", tail)
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


async def test_an_announcement_that_the_log_does_not_know_ends_the_search() -> None:
    world = World()
    world.log.open = True
    world.feed.begin(0)
    world.feed.wanted = 7
    await world.reading.fill(world.feed)
    assert not world.feed.behind


def test_a_stretch_is_cut_into_parts_that_fit() -> None:
    whole = stretch(1, 50)
    parts = whole.parts(1000)
    assert [part.first for part in parts[1:]] == [part.last + 1 for part in parts[:-1]]
    assert (parts[0].first, parts[-1].last) == (1, 50)
    assert all(part.size <= 1000 for part in parts)
    assert [each.first for each in whole.parts(1)] == list(range(1, 51))


def test_a_filter_lets_the_wanted_types_through() -> None:
    kinds = ["position.edited", "position.added", "positionally.odd", "job.started"]
    events = [recorded(sequence, kind) for sequence, kind in enumerate(kinds, 1)]
    whole = recorded_stretch(events)
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
    assert recorded_stretch(events).shaken == {"them": 2}


def stretch(first: int, last: int) -> Stretch:
    return recorded_stretch([recorded(sequence) for sequence in range(first, last + 1)])


def sequences(whole: Stretch, wanted: Filter) -> list[int]:
    text = whole.text(wanted)
    assert text is not None
    assert text.size == len(text.text.encode())
    return [int(line.partition('"sequence":')[2].partition(",")[0]) for line in text.text.split("\n")]
