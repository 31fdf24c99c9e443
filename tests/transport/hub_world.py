"""A feed and its log, where the test decides what happens when: thus every interleaving can be tried."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from commands.frames import FRAME, batch_of, event_frame
from eventstore import Lines, Recorded
from transport.gateway.hub_feed import Feed
from transport.gateway.hub_reading import Reading
from transport.gateway.hub_stretch import Stretch, stretch_of

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

    async def feed_lines(self, feed: str, line: str, *, after: int, limit: int) -> Lines | None:
        assert (feed, line) == (NAME, FRAME)
        self.reads += 1
        found = range(after + 1, min(self.head, after + limit) + 1)  # a snapshot from when the read began
        await self._turn()
        lines = [event_frame(recorded(sequence)) for sequence in found]
        return Lines(found[0], len(lines), b"\n".join(lines)) if lines else None

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
                self.published.append(stretch_of(batch_of([recorded(each) for each in events])))
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
