"""A socket's place on a feed: joins, replays as fast as the socket drains, goes live, ends when a right is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from domain.core import Refused
from transport.gateway.hub import Hub
from transport.gateway.hub_feed import Feed
from transport.gateway.hub_stretch import EVERYTHING, Filter, Stretch
from transport.gateway.socket_formats import Text
from transport.gateway.socket_messages import Advanced, CaughtUp, Present, Reset, Subscribe, Subscribed, told
from transport.gateway.socket_metrics import ACK_LAG, RECOVERIES
from transport.gateway.socket_window import Window

PRESENCE = b'{"op":"presence"'
ADVANCE_SECONDS = 1.0
"""How often a client hears how far the feed is while nothing comes that it wants."""


class NotSent(Refused):
    """This sequence was not sent yet, so it cannot be acknowledged."""

    code = "not_sent"
    kind = "invalid"


class Outgoing(Protocol):
    """Where a subscription puts what it tells."""

    def put(self, text: Text) -> None:
        """Add messages."""
        ...

    def put_if_room(self, text: Text) -> None:
        """Add messages that may be dropped, unless the reader is behind."""
        ...

    async def room(self) -> None:
        """Wait until a backlog may be added to, or the end is near."""
        ...


class Terms(Struct, frozen=True, kw_only=True):
    """What a subscription needs of its socket.

    `check` raises a `Refused` when the socket's account may not follow the feed. `ended` hears when the subscription is
    over: with the error that ended it, and whether it had begun.
    """

    hub: Hub
    outbox: Outgoing
    connection_id: UUID
    account_id: UUID
    replay_limit: int
    check: Callable[[str], Awaitable[None]]
    ended: Callable[["Subscription", Exception | None], None]


class Subscription:
    """Follows one feed for one socket."""

    def __init__(self, asked: Subscribe, terms: Terms) -> None:
        """Follow what was `asked` for, after `start`."""
        self.asked = asked
        self.position = 0
        self.begun = False
        """Whether `subscribed` was told."""
        self._terms = terms
        self._wanted = _filter(asked)
        self._window = None if asked.window is None else Window(asked.window)
        self._told = 0
        """Up to where the client knows that it has everything."""
        self._state: dict[str, Any] | None = None
        """What the socket's owner shows of themselves."""
        self._telling: asyncio.TimerHandle | None = None
        self._account = str(terms.account_id)
        self._doubtful = True
        """Whether the right to follow has to be looked at (again) before more is sent."""
        self._live = False
        self._feed: Feed | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._run(self._begin)

    def end(self) -> None:
        """Let go of the feed. Nothing is sent from here on."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        if self._telling is not None:
            self._telling.cancel()
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.detach(self)
            self._terms.hub.leave(feed, self._terms.connection_id)
            self._terms.hub.release(feed)

    def doubt(self) -> None:
        """Look at the right to follow once more, before anything else is sent."""
        self._doubtful = True
        if self._feed is not None:
            self._feed.detach(self)
        self._catch_up_anew()

    async def ready(self) -> None:
        """Wait until the socket takes more, and the client too; look at the right to follow if that is in doubt."""
        while True:
            await self._terms.outbox.room()
            if self._window is not None:
                await self._window.opened()
            if not self._doubtful:
                return
            self._doubtful = False  # before asking: what happens meanwhile raises it again
            await self._terms.check(self.asked.feed)

    def deliver(self, stretch: Stretch) -> bool:
        """Send events on; stop behind one that says that the account may have lost its place, or at a full window."""
        fitting = self._fitting(stretch)
        if fitting is None:
            self._catch_up_anew()
            return False
        shaken = fitting.shaken.get(self._account)
        if shaken is not None:
            fitting = fitting.upto(shaken)
            self._doubtful = True
        whole = fitting.last == stretch.last and shaken is None
        self._pass_on(fitting)
        if self._doubtful or not whole:
            self._catch_up_anew()
        return whole

    def acknowledge(self, sequence: int) -> None:
        """Hear that the client is done with the events up to `sequence`. Raises `NotSent`."""
        if not self.begun or sequence > self.position:
            raise NotSent
        ACK_LAG.observe(self.position - sequence)
        if self._window is not None:
            self._window.acknowledge(sequence)

    def show(self, state: dict[str, Any] | None) -> None:
        """Show to everybody on the feed what the socket's owner does, or that they are not here."""
        self._state = state
        if self.begun:
            self._show()

    def pass_by(self, frames: Stretch) -> None:
        """Send on what has no number, if the socket keeps up: presence, and the progress of what is asked about."""
        text = frames.text(EVERYTHING if frames.lines.startswith(PRESENCE) else self._wanted)
        if text is not None:
            self._terms.outbox.put_if_room(text)

    def restart(self, head: int) -> None:
        """Tell that positions in the feed mean nothing any more."""
        self._reset("epoch", head)

    def _show(self) -> None:
        terms, feed = self._terms, self._feed
        if feed is None:
            return
        if self._state is None:
            terms.hub.leave(feed, terms.connection_id)
        else:
            present = Present(connection_id=terms.connection_id, account_id=terms.account_id, state=self._state)
            terms.hub.come(feed, present)

    def _fitting(self, stretch: Stretch) -> Stretch | None:
        """Give the part for which the window has room; `None` where that is nothing."""
        if self._window is None:
            return stretch
        wanted = stretch.chosen(self._wanted)
        room = self._window.room
        if len(wanted) <= room:
            return stretch
        last = wanted[room] - 1
        return stretch.upto(last) if last >= stretch.first else None

    def _pass_on(self, stretch: Stretch) -> None:
        self.position = stretch.last
        text = stretch.text(self._wanted)
        if text is not None:
            self._terms.outbox.put(text)
        if self._window is None and self._wanted == EVERYTHING:
            return
        sent = stretch.chosen(self._wanted)
        if self._window is not None:
            self._window.send(sent)
        if sent:
            self._told = sent[-1]
        if self._told < self.position and self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(ADVANCE_SECONDS, self._tell_position)

    def _tell_position(self) -> None:
        self._telling = None
        if self._told < self.position:
            self._told = self.position
            self._terms.outbox.put(told(Advanced(feed=self.asked.feed, sequence=self.position)))

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        self._task = asyncio.create_task(self._tried(work), name=f"subscription {self.asked.feed}")

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the socket answers it, or logs it
            self._terms.ended(self, error)

    async def _begin(self) -> None:
        asked, hub = self.asked, self._terms.hub
        feed = self._feed = await hub.hold(asked.feed)
        head = feed.last or 0
        if asked.after is not None and asked.after > head:
            head = await hub.head(feed)
        self.position = self._told = head if asked.after is None else asked.after
        await self.ready()
        if reason := self._irrecoverable(head):
            self._reset(reason, head)
            return
        self._terms.outbox.put(
            told(
                Subscribed(id=asked.id, feed=asked.feed, epoch=hub.epoch, head=head, recovered=asked.after is not None)
            )
        )
        self.begun = True
        self._show()
        if asked.after is not None:
            RECOVERIES.labels("true").inc()
        await self._follow()
        self._told = self.position
        self._terms.outbox.put(told(CaughtUp(feed=asked.feed, sequence=self.position)))
        everybody = hub.everybody(feed)
        if everybody is not None:
            self.pass_by(Stretch(0, everybody))

    def _catch_up_anew(self) -> None:
        if self._live:  # else it is at it
            self._live = False
            self._run(self._follow)

    async def _follow(self) -> None:
        if self._feed is not None:
            await self._terms.hub.follow(self._feed, self)
            self._live = True

    def _irrecoverable(self, head: int) -> Literal["epoch", "ahead", "too_far"] | None:
        if self.asked.epoch not in {None, self._terms.hub.epoch}:
            return "epoch"
        if self.position > head:
            return "ahead"
        return "too_far" if head - self.position > self._terms.replay_limit else None

    def _reset(self, reason: Literal["epoch", "ahead", "too_far"], head: int) -> None:
        RECOVERIES.labels("false").inc()
        asked = self.asked
        message = Reset(
            feed=asked.feed,
            epoch=self._terms.hub.epoch,
            head=head,
            reason=reason,
            id=None if self.begun else asked.id,
        )
        self._terms.outbox.put(told(message))
        self._terms.ended(self, None)


def _filter(asked: Subscribe) -> Filter:
    match asked.about:
        case None:
            ids = ()
        case UUID() as single:
            ids = (single,)
        case several:
            ids = several
    return Filter(asked.types, tuple(str(each).encode() for each in ids))
