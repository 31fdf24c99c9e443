"""Reading feeds from the log: pages for whoever joins, missing events for feeds with a hole, and all their heads."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from commands.frames import FRAME, public
from eventstore import Lines
from runtime.telemetry import get_logger
from transport.gateway.hub_feed import Feed, Follower
from transport.gateway.hub_stretch import Stretch
from transport.gateway.socket_metrics import GAP_FILLS

PAGE = 200
"""Events that are read at a time."""
AHEAD = 3
"""Pages that are read while the one before them is handed on."""
PART_BYTES = 64 * 1024
"""Backlogs are handed on in parts of this size, each when its taker is ready for it."""
MOST_CACHED_BYTES = 16 * 1024 * 1024
MOST_READERS = 4
"""Reads at a time: a crowd that comes back at once must not keep commands from the database."""
GRACE_SECONDS = 0.005
"""How long a hole may fill itself: what two processes publish at the same moment arrives in either order."""

_log = get_logger(__name__)


class Log(Protocol):
    """What is needed of the event store."""

    async def feed_lines(self, feed: str, line: str, *, after: int, limit: int) -> Lines | None:
        """Read the events of a feed behind `after`, at most `limit`, as the SQL expression `line` writes each."""
        ...

    async def heads(self, feeds: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Read the last sequence and position of each feed, (0, 0) where there are no events."""
        ...


class Reading:
    """Reads feeds. What was read never changes, so pages are kept for the next who needs them.

    The last page of a feed grows: it serves until somebody wants what is not in it yet.
    """

    def __init__(self, source: Log) -> None:
        """Read from `source`."""
        self._source = source
        self._slots = asyncio.Semaphore(MOST_READERS)
        self._pages: OrderedDict[tuple[str, int], list[Stretch]] = OrderedDict()
        self._bytes = 0
        self._under_way: dict[tuple[str, int], asyncio.Task[list[Stretch]]] = {}

    async def follow(self, feed: Feed, follower: Follower) -> None:
        """Bring a follower from its position to the present, as fast as it takes it, and leave it there, live.

        Raises the `Refused` of `Follower.ready`, and what the log raises.
        """
        while True:
            await follower.ready()
            if feed.attach(follower):
                return
            before = follower.position
            self._read_ahead(feed, before)
            for part in await self.page(feed.name, before):
                if part.last > follower.position:
                    await follower.ready()
                    if not follower.deliver(part.after(follower.position)):
                        break
            if follower.position == before:
                await asyncio.sleep(GRACE_SECONDS)

    async def page(self, name: str, after: int) -> list[Stretch]:
        """Give events of a feed around and behind `after`, in parts; nothing when there are none behind it."""
        key = (name, after // PAGE * PAGE)
        kept = self._pages.get(key)
        if kept is not None and kept[-1].last > after:
            self._pages.move_to_end(key)
            return kept
        return await asyncio.shield(self._begin(key))

    async def fill(self, feed: Feed) -> None:
        """Read what a feed is missing, until it is not `behind`."""
        await asyncio.sleep(GRACE_SECONDS)
        while feed.behind and feed.last is not None:
            async with self._slots:
                if not feed.behind:
                    return  # it filled itself while others read
                missing = await self._read(feed.name, feed.last)
            if missing is None:
                _log.error("a feed ends before what was announced", feed=feed.name, last=feed.last, wanted=feed.wanted)
                feed.wanted = feed.last
                return
            _log.info("filled a gap from the log", feed=feed.name, first=missing.first, last=missing.last)
            GAP_FILLS.inc()
            feed.accept(missing)

    async def head(self, name: str) -> int:
        """Give the last sequence of a feed, 0 where there are no events."""
        return (await self.heads([name]))[name]

    async def heads(self, names: Sequence[str]) -> dict[str, int]:
        """Give the last sequence of each feed."""
        return {name: sequence for name, (sequence, _) in (await self._source.heads(names)).items()}

    def forget(self) -> None:
        """Drop every page: the log was restored, and is not the one that they were read from."""
        self._pages.clear()
        self._bytes = 0

    def _read_ahead(self, feed: Feed, after: int) -> None:
        """Begin to read the pages that whoever is at `after` will need next, as far as they are full."""
        start = after // PAGE * PAGE
        for following in range(start + PAGE, start + AHEAD * PAGE + 1, PAGE):
            key = (feed.name, following)
            if feed.last is None or following + PAGE > feed.last:
                return
            if key not in self._pages:
                self._begin(key)

    def _begin(self, key: tuple[str, int]) -> asyncio.Task[list[Stretch]]:
        """Read a page, once for all who want it now."""
        reading = self._under_way.get(key)
        if reading is None:
            reading = self._under_way[key] = asyncio.create_task(self._read_page(key), name=f"page of {key[0]}")
            reading.add_done_callback(lambda _: self._under_way.pop(key))
            reading.add_done_callback(_noticed)
        return reading

    async def _read_page(self, key: tuple[str, int]) -> list[Stretch]:
        name, start = key
        async with self._slots:
            page = await self._read(name, start)
        if page is None:
            return []
        parts = page.parts(PART_BYTES)
        self._keep(key, parts)
        return parts

    async def _read(self, name: str, after: int) -> Stretch | None:
        found = await self._source.feed_lines(name, FRAME, after=after, limit=PAGE)
        return None if found is None else Stretch(found.first, public(found.lines), found.count)

    def _keep(self, key: tuple[str, int], parts: list[Stretch]) -> None:
        self._bytes -= _weight(self._pages.pop(key, ()))
        self._pages[key] = parts
        self._bytes += _weight(parts)
        while self._bytes > MOST_CACHED_BYTES:
            _, dropped = self._pages.popitem(last=False)
            self._bytes -= _weight(dropped)


def _weight(parts: Sequence[Stretch]) -> int:
    return sum(part.size for part in parts)


def _noticed(reading: asyncio.Task[list[Stretch]]) -> None:
    """See the error of a page that was read ahead: whoever needs the page reads it again."""
    if not reading.cancelled():
        reading.exception()
