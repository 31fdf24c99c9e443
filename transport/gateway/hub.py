"""The hub: feeds of this process, each with one broker subscription, however many follow it.

What comes in one turn of the loop is told together: the more happens, the less each event costs. What this process
stored itself is told at once, and heard a second time from the broker, which changes nothing.
The broker is a hint that may fail silently. The log is the truth: about once a second all feeds are compared with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic, time
from typing import Self
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg_pool import PoolTimeout

from commands.frames import Batch, channel_of
from eventstore import EventStore
from runtime.broker import Broker, Gap, Message
from runtime.ids import new_id
from runtime.telemetry import get_logger
from transport.gateway.hub_feed import Feed, Follower
from transport.gateway.hub_pace import Passing
from transport.gateway.hub_presence import NEWS, TELL_SECONDS, Presences
from transport.gateway.hub_reading import PART_BYTES, Reading
from transport.gateway.hub_stretch import Stretch, joined, stretch_of
from transport.gateway.socket_messages import Present
from transport.gateway.socket_metrics import BROADCAST, DELIVERY

COMPARE_SECONDS = 1.0
"""Between two comparisons of all feeds with the log: how late an event may be that the broker lost."""
SUBSCRIBE_SECONDS = 1.0
"""How long a feed waits for a broker that is away before it goes on without."""
CHANNEL = channel_of("")

_log = get_logger(__name__)


class _Held(Struct):
    """A feed that somebody needs."""

    feed: Feed
    passing: Passing
    presences: Presences
    start: asyncio.Task[None]
    arrived: list[Stretch]
    """What came in this turn of the loop."""
    holders: int = 0
    filling: asyncio.Task[None] | None = None


class Hub:
    """Follows feeds. Use as an async context manager."""

    def __init__(self, store: EventStore, broker: Broker, epoch: UUID) -> None:
        """Follow what `store` holds in its life `epoch`. Everything that arrives at `broker` is for the hub."""
        self.epoch = epoch
        self.reading = Reading(store)
        self._store = store
        self._broker = broker
        self._process = new_id()
        self._held: dict[str, _Held] = {}
        self._now = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._listen(), name="hub.listen"),
            asyncio.create_task(self._keep_comparing(), name="hub.compare"),
            asyncio.create_task(self._keep_telling(), name="hub.presence"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    @property
    def feeds(self) -> dict[str, int]:
        """Which feeds are held, and how many follow each live."""
        return {name: held.feed.followers for name, held in self._held.items()}

    async def hold(self, name: str) -> Feed:
        """Give a feed that is kept up from now on; each hold needs its `release`. Raises what the log raises."""
        held = self._held.get(name)
        if held is None:
            held = self._held[name] = self._begin(name)
        held.holders += 1
        try:
            await asyncio.shield(held.start)
        except BaseException:
            self._let_go(held)
            raise
        return held.feed

    def release(self, feed: Feed) -> None:
        """Need a feed no longer; the last one to say so ends its broker subscription."""
        self._let_go(self._held[feed.name])

    async def follow(self, feed: Feed, follower: Follower) -> None:
        """Bring a follower from its position to the present, and leave it there, live; see `Reading.follow`."""
        await self.reading.follow(feed, follower)

    def hear(self, name: str, batch: Batch) -> None:
        """Take events that this process has just stored, before the broker has them."""
        held = self._held.get(name)
        if held is not None:
            self._take(held, stretch_of(batch))

    async def head(self, feed: Feed) -> int:
        """Ask the log where a feed ends. The feed goes there, if it has not seen that yet."""
        head = await self.reading.head(feed.name)
        self._expect(feed, head)
        return head

    def come(self, feed: Feed, present: Present) -> None:
        """Show to everybody on a feed that is held that somebody is here, or does something else now."""
        self._held[feed.name].presences.come(present)

    def leave(self, feed: Feed, connection_id: UUID) -> None:
        """Show to everybody on a feed that is held that a connection left it, if it was here."""
        self._held[feed.name].presences.leave(connection_id)

    def everybody(self, feed: Feed) -> bytes | None:
        """Give the frame that shows who is present on a feed that is held; `None` where nobody is."""
        return self._held[feed.name].presences.everybody()

    def _begin(self, name: str) -> _Held:
        feed = Feed(name)

        def show(frame: bytes) -> None:
            feed.pass_by(Stretch(0, frame))

        publish = partial(self._broker.publish, channel_of(name))
        presences = Presences(name, self._process, publish, show)
        start = asyncio.create_task(self._start(feed), name=f"start {name}")
        return _Held(feed, Passing(feed), presences, start, [])

    def _let_go(self, held: _Held) -> None:
        held.holders -= 1
        if held.holders:
            return
        name = held.feed.name
        del self._held[name]
        held.passing.pace.stop()
        held.presences.stop()
        self._broker.unsubscribe(channel_of(name))
        held.start.cancel()
        if held.filling is not None:
            held.filling.cancel()

    async def _start(self, feed: Feed) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await self._broker.subscribe(channel_of(feed.name))
        feed.begin(await self.reading.head(feed.name))
        self._fill(feed)

    async def _listen(self) -> None:
        async for item in self._broker.messages():
            match item:
                case Gap():
                    self._now.set()
                    for held in self._held.values():
                        held.presences.ask_again()
                case Message(channel=channel, data=data):
                    held = self._held.get(channel.removeprefix(CHANNEL))
                    if held is not None:
                        self._receive(held, data)

    def _receive(self, held: _Held, message: bytes) -> None:
        try:
            batch = Batch.decode(message)
            if batch.first == 0:
                held.passing.add(batch.frames)
            elif batch.first == NEWS:
                held.presences.hear(batch)
            elif held.feed.last is None or batch.last > held.feed.last:  # else it was heard here
                self._take(held, stretch_of(batch))
        except Exception:  # noqa: BLE001 - one message must not end the listening
            _log.exception("message left to the comparison with the log", feed=held.feed.name)

    def _take(self, held: _Held, stretch: Stretch) -> None:
        held.arrived.append(stretch)
        if len(held.arrived) == 1:
            asyncio.get_running_loop().call_soon(self._tell, held)

    def _tell(self, held: _Held) -> None:
        """Tell what came in this turn."""
        feed = held.feed
        arrived, held.arrived = held.arrived, []
        try:
            held.passing.pace.hurry()  # the end of a job must not be followed by its progress
            for stretch in joined(arrived, PART_BYTES):
                with BROADCAST.time():
                    feed.accept(stretch)
                DELIVERY.observe(time() - stretch.recorded_at.timestamp())
        except Exception:  # noqa: BLE001 - what one message holds must not keep others from being told
            _log.exception("events left to the comparison with the log", feed=feed.name)
        self._fill(feed)

    def _expect(self, feed: Feed, head: int) -> None:
        feed.wanted = max(feed.wanted, head)
        self._fill(feed)

    def _fill(self, feed: Feed) -> None:
        """Fill a feed's hole from the log, if it has one and nobody is at it."""
        held = self._held.get(feed.name)
        if held is not None and feed.behind and (held.filling is None or held.filling.done()):
            work = partial(self.reading.fill, feed)
            held.filling = asyncio.create_task(_tried(work, feed.name), name=f"fill {feed.name}")

    async def _keep_comparing(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMPARE_SECONDS):
                    await self._now.wait()
            self._now.clear()
            if self._held:
                await _tried(self._compare, "all feeds")

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            for held in list(self._held.values()):
                held.presences.beat(monotonic())

    async def _compare(self) -> None:
        """Compare every feed with the log, and go after what is missing."""
        known = {name: held.feed.last for name, held in self._held.items() if held.feed.last is not None}
        epoch = await self._store.epoch()
        heads = await self.reading.heads(list(known))
        restored = epoch != self.epoch
        if restored:
            _log.error("the log was restored to an earlier point", epoch=str(epoch))
            self.epoch = epoch
            self.reading.forget()
        for name, head in heads.items():
            held = self._held.get(name)
            if held is None:
                continue
            if restored or head < known[name]:
                held.feed.restart(head)
            else:
                self._expect(held.feed, head)


async def _tried(work: Callable[[], Awaitable[None]], what: str) -> None:
    """Do what the next comparison will try again if it fails now."""
    try:
        await work()
    except (psycopg.OperationalError, PoolTimeout, OSError) as error:
        _log.warning("the log cannot be read", what=what, reason=str(error))
    except Exception:  # noqa: BLE001 - the comparisons must go on
        _log.exception("reading the log failed", what=what)
