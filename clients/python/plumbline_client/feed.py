"""A feed as its consumer sees it: events once each and in order, over however many connections.

The position moves when the consumer takes an event, never before. A new connection resumes from there, so that an
application which applies an event and remembers its sequence misses nothing and sees nothing twice, whatever ends.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, Self
from uuid import UUID

from msgspec import Struct

from plumbline_client.answers import Passing
from plumbline_client.errors import ClientError, FeedEnded, FeedReset, GaveUp, Refusal
from plumbline_client.event import Event, typed
from plumbline_client.messages import (
    Acknowledge,
    Advanced,
    CaughtUp,
    EventFrame,
    Reset,
    Said,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from plumbline_client.order import Order
from plumbline_client.wire import JSON, Format

INTERNAL = 500
TRANSIENT_CODES = frozenset({"internal", "unavailable"})
"""Of ends after which the feed may be had again in a moment."""

Snapshot = Callable[[Reset], Awaitable[int]]
"""Reads anew what the application keeps of a feed; answers the sequence that it is true at."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is wanted of a feed, and how; see `Client.feed`."""

    name: str
    types: tuple[str, ...] = ()
    about: tuple[UUID, ...] = ()
    window: int = 10_000
    snapshot: Snapshot | None = None
    passing: Callable[[Passing], None] | None = None

    @property
    def filtered(self) -> bool:
        """Whether some events are not wanted."""
        return bool(self.types or self.about)


class Link(Protocol):
    """A connection on which the server sends feeds."""

    format: Format

    def say(self, message: Said) -> None:
        """Send a message, soon. Never waits, never fails."""
        ...

    def send(self, encoded: bytes) -> None:
        """Send what `format` has encoded, soon."""
        ...


class Host(Protocol):
    """What a feed needs of its client."""

    @property
    def heard_at(self) -> datetime | None:
        """When the server was last heard of."""
        ...

    def next_id(self) -> int:
        """Give a message its number."""
        ...

    def later(self, seconds: float | None, work: Callable[[], None]) -> None:
        """Do something after so many seconds, by default after a random pause; not if the client is closed before."""
        ...

    def report(self, what: str, /, **details: Any) -> None:
        """Tell the application of something odd that it need not act on."""
        ...

    def settled(self) -> None:
        """Hear that a feed has caught up, ended, or waits for its consumer."""
        ...

    def release(self, feed: "Feed") -> None:
        """Know a feed no longer."""
        ...


class Feed:
    """An asynchronous iterator over a feed's events, without end. Close it, or use it as an async context manager."""

    def __init__(self, host: Host, wanted: Wanted, *, after: int | None, epoch: UUID | None, hole: float) -> None:
        """Follow what is wanted; subscribe anew when an event is missing for `hole` seconds."""
        self.wanted = wanted
        self.position = after
        """The last sequence that the consumer took, or need not take; `None` until a feed without `after` begins."""
        self.epoch = epoch
        """The life of the log that the position belongs to."""
        self.live = False
        """Whether all that is known to have happened has arrived here."""
        self.joining = 0
        """The id of the subscription that was asked for; 0: none."""
        self._host = host
        self._hole = hole
        self._link: Link | None = None
        self._format: Format = JSON
        self._joined = False
        self._caught_up = False
        """Whether the server said that it has sent everything."""
        self._order = Order(after or 0, filtered=wanted.filtered)
        self._queue: deque[EventFrame | int | Reset] = deque()
        """What the consumer has not taken yet. A number: the position moves there, without an event."""
        self._arrived = asyncio.Event()
        self._unacknowledged = 0
        """Events that arrived, of which the server does not know that they were taken."""
        self._taken = 0
        """Those of them that were taken."""
        self._synced_at: datetime | None = None
        self._end: ClientError | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __anext__(self) -> Event:
        """Give the next event.

        Raises `Refusal`, `FeedEnded`, `FeedReset` when there is none; `GaveUp` while no connection is tried for.
        """
        while True:
            while self._queue:
                match self._queue[0]:
                    case EventFrame() as frame:
                        return self._take(frame)
                    case Reset() as reset:
                        await self._start_over(reset)
                    case sequence:
                        self._queue.popleft()
                        self.position = sequence
            if self._closed:
                raise StopAsyncIteration
            if self._end is not None:
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()

    async def aclose(self) -> None:
        """Follow the feed no longer."""
        if self._closed:
            return
        self._closed = True
        if self._link is not None and self.joining:
            self._link.say(Unsubscribe(id=self._host.next_id(), feed=self.wanted.name))
        self.leave()
        self._queue.clear()
        self._arrived.set()
        self._host.release(self)

    @property
    def last_synced_at(self) -> datetime | None:
        """When all that had happened was last known to have arrived here; `None`: never."""
        return self._host.heard_at if self.live else self._synced_at

    @property
    def stale(self) -> bool:
        """Whether something may have happened that has not arrived."""
        return not self.live

    @property
    def settled(self) -> bool:
        """Whether nothing more arrives by itself: it has caught up, ended, or waits for its consumer."""
        waits = self._reset_waits or self._unacknowledged >= self.wanted.window
        return self.live or waits or self._end is not None

    def join(self, link: Link) -> None:
        """Subscribe on a connection, from where the consumer is. What it has not taken is sent again."""
        if self._closed or self._end is not None:
            return
        self._link = link
        if self._reset_waits:
            return
        self._format = link.format
        self._queue.clear()
        self._order = Order(self.position or 0, filtered=self.wanted.filtered)
        self._unacknowledged = self._taken = 0
        self._joined = self._caught_up = False
        self.joining = self._host.next_id()
        link.say(
            Subscribe(
                id=self.joining,
                feed=self.wanted.name,
                after=self.position,
                epoch=None if self.position is None else self.epoch,
                types=self.wanted.types,
                about=self.wanted.about or None,
                window=self.wanted.window,
            )
        )

    def leave(self) -> None:
        """Hear that the connection is gone. What has arrived can still be taken."""
        self._link = None
        self._joined = False
        self.joining = 0
        self._set_live(False)

    def fail(self, error: ClientError) -> None:
        """Make every wait end with `error`, until `hope`."""
        if self._end is None:
            self._finish(error)

    def hope(self) -> None:
        """Wait again: there may be a connection after all."""
        if isinstance(self._end, GaveUp):
            self._end = None

    def subscribed(self, message: Subscribed) -> None:
        """Hear that the feed's events follow: those behind `head`, where no position was named."""
        if message.id != self.joining:
            return
        self._joined = True
        self.epoch = message.epoch
        if self.position is None:
            self.position = self._order.last = message.head

    def event(self, frame: EventFrame) -> None:
        """Take an event from the wire."""
        if not self._joined:
            return  # of a subscription before this one
        before = len(self._queue)
        self._queue.extend(self._order.accept(frame))
        if new := len(self._queue) - before:
            self._unacknowledged += new
            self._arrived.set()
            if self._unacknowledged >= self.wanted.window:
                self._host.settled()
        self._look_for_holes()

    def caught_up(self, message: CaughtUp) -> None:
        """Hear that everything so far was sent."""
        if self._joined:
            self._caught_up = True
            self._advance(message.sequence)

    def advanced(self, message: Advanced) -> None:
        """Hear how far the feed is, though nothing of it is wanted."""
        if self._joined:
            self._advance(message.sequence)

    def pass_by(self, message: Passing) -> None:
        """Hand on what has no number."""
        if self.wanted.passing is not None and self._joined:
            self.wanted.passing(message)

    def reset(self, message: Reset) -> None:
        """Hear that the feed cannot be resumed. What the consumer then does is start over."""
        if not self.joining or message.id not in {None, self.joining}:
            return
        if message.reason != "too_far":
            self._queue.clear()  # the log has been put back, and knows nothing of these
        self._queue.append(message)
        self._part()

    def unsubscribed(self, message: Unsubscribed) -> None:
        """Hear that the feed ended; with an id, by our own wish."""
        if message.id is not None or not self._joined:
            return
        if message.code in TRANSIENT_CODES:
            self._part()
            self._host.later(None, self._rejoin)
        else:
            self._finish(FeedEnded(self.wanted.name, message.code))

    def refused(self, refusal: Refusal) -> None:
        """Hear that the subscription was refused."""
        if refusal.transient or refusal.status == INTERNAL:
            self._part()
            self._host.later(refusal.retry_after, self._rejoin)
        else:
            self._finish(refusal)

    @property
    def _reset_waits(self) -> bool:
        return bool(self._queue) and isinstance(self._queue[-1], Reset)

    def _take(self, frame: EventFrame) -> Event:
        event = typed(frame, self._format, self._host.report)
        self._queue.popleft()
        self.position = frame.sequence
        self._taken += 1
        if self._joined and self._taken * 2 >= self.wanted.window and self._link is not None:
            self._unacknowledged -= self._taken
            self._taken = 0
            self._link.say(Acknowledge(feed=frame.feed, sequence=frame.sequence))
        return event

    async def _start_over(self, reset: Reset) -> None:
        """Let the application read its snapshot, and go on behind it. If that fails, the next try begins here again."""
        if self.wanted.snapshot is None:
            error = FeedReset(self.wanted.name, reset.reason, reset.head, reset.epoch)
            self._queue.clear()
            self._finish(error)
            raise error
        sequence = await self.wanted.snapshot(reset)
        self._queue.clear()
        self.position, self.epoch = sequence, reset.epoch
        self._rejoin()

    def _advance(self, sequence: int) -> None:
        """Move behind what is not wanted."""
        self._order.promise(sequence)
        if self.wanted.filtered:
            if self._queue and isinstance(self._queue[-1], int):
                self._queue.pop()
            self._queue.append(sequence)
            self._arrived.set()
        self._look_for_holes()

    def _look_for_holes(self) -> None:
        """Know whether everything is here. Subscribe anew if what is missing does not come soon."""
        order = self._order
        if order.whole:
            order.doubted = False
            if self._caught_up and not self.live:
                self._set_live(True)
        elif not order.doubted:
            order.doubted = True
            self._set_live(False)
            self._host.later(self._hole, lambda: self._mend(order))

    def _mend(self, order: Order) -> None:
        if self._order is order and order.doubted and self._link is not None and self._joined:
            self._host.report("a hole in a feed", feed=self.wanted.name, behind=order.last)
            self._link.say(Unsubscribe(id=self._host.next_id(), feed=self.wanted.name))
            self.join(self._link)

    def _rejoin(self) -> None:
        if self._link is not None:
            self.join(self._link)

    def _part(self) -> None:
        """Have no subscription, on a connection that goes on."""
        self._joined = False
        self.joining = 0
        self._set_live(False)
        self._arrived.set()
        self._host.settled()

    def _finish(self, error: ClientError) -> None:
        self._end = error
        self._part()
        if not isinstance(error, GaveUp):
            self._host.release(self)

    def _set_live(self, live: bool) -> None:
        if self.live and not live:
            self._synced_at = self._host.heard_at
        self.live = live
        if live:
            self._host.settled()
