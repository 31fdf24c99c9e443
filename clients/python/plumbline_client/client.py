"""The client, as applications see it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from plumbline_client.answers import Answer, Passing
from plumbline_client.connecting import State
from plumbline_client.core import Core, Hooks
from plumbline_client.credentials import SignIn, Wallet
from plumbline_client.errors import AlreadyFollowing, Closed, Conflict, Unreachable
from plumbline_client.feed import Feed, Snapshot, Wanted
from plumbline_client.http import Http
from plumbline_client.http_link import Way
from plumbline_client.ids import new_id
from plumbline_client.messages import BePresent, Receipt, Welcome
from plumbline_client.outbox import Pending
from plumbline_client.timing import Clock, Timing
from plumbline_client.wire import JSON, Format

MOST_QUEUED = 1_000
"""Commands that wait for the server."""
WINDOW = 10_000
"""Events of a feed that wait for their consumer."""

_log = logging.getLogger("plumbline_client")


def _log_report(what: str, details: dict[str, Any]) -> None:
    _log.warning("%s: %s", what, details)


def _nothing(_: Any) -> None:
    """Hear of something, and leave it at that."""


class Client:
    """A connection to the server at `url`, such as `http://127.0.0.1:8000`. Use as an async context manager.

    Who we are: a bearer `token`, or `sign_in`, which gets credentials, and gets them anew before they expire and when
    they are refused. Hooks, which must neither wait nor fail: `on_state` hears of each state, `on_conflict` of each
    command that was refused because things have changed, `on_report` of oddities (by default the log does).
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        sign_in: SignIn | None = None,
        formats: Sequence[Format] = (JSON,),
        most_queued: int = MOST_QUEUED,
        timing: Timing | None = None,
        clock: Clock | None = None,
        on_state: Callable[[State], None] = _nothing,
        on_conflict: Callable[[Conflict], None] = _nothing,
        on_report: Callable[[str, dict[str, Any]], None] = _log_report,
    ) -> None:
        """Prepare; nothing happens before `start`."""
        self.url = url.rstrip("/")
        wallet = Wallet(token, sign_in)
        hooks = Hooks(on_state, on_conflict, on_report)
        self._core = Core(
            self.url,
            wallet,
            formats=formats,
            most_queued=most_queued,
            timing=timing or Timing(),
            clock=clock or Clock(),
            hooks=hooks,
        )

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def state(self) -> State:
        """Where the client is."""
        return self._core.connector.state

    @property
    def way(self) -> Way | None:
        """How feeds travel just now; `None` without a connection."""
        return self._core.way

    @property
    def welcome(self) -> Welcome | None:
        """What the server said when it last let us in: who we are to it, its heartbeat, its limits."""
        return self._core.welcome

    @property
    def http(self) -> Http:
        """Requests over HTTP, for whatever has no way over the socket."""
        return self._core.http

    @property
    def stale(self) -> bool:
        """Whether something may have happened on our feeds that has not arrived."""
        return self.state is not State.CONNECTED or any(feed.stale for feed in self._core.feeds.values())

    @property
    def last_synced_at(self) -> datetime | None:
        """When everything on our feeds was last known to have arrived; `None`: never."""
        times = [feed.last_synced_at for feed in self._core.feeds.values()] or [self._core.heard_at]
        known = [time for time in times if time is not None]
        return min(known) if len(known) == len(times) else None

    @property
    def pending(self) -> list[Pending]:
        """Commands without an answer, oldest first."""
        return self._core.outbox.pending

    def start(self) -> None:
        """Connect, in the background. Raises `Closed`."""
        self._check_open()
        if self.state is State.IDLE:
            self._core.start()

    async def close(self) -> None:
        """End everything, for good. Feeds and commands that wait end with `Closed`."""
        if self.state is not State.CLOSED:
            await self._core.close(Closed())

    def use_token(self, token: str) -> None:
        """Be whoever this token stands for, from the next request and the next connection on."""
        self._core.wallet.put(token)

    def retry(self) -> None:
        """Try to connect again, after `failed`."""
        self._core.connector.retry()

    async def connected(self) -> None:
        """Wait for a connection. Raises `GaveUp` where none is tried for, `Closed`."""
        await self._core.connector.connected()

    def feed(
        self,
        name: str,
        *,
        after: int | None = None,
        epoch: UUID | None = None,
        types: Sequence[str] = (),
        about: Sequence[UUID] = (),
        window: int = WINDOW,
        snapshot: Snapshot | None = None,
        passing: Callable[[Passing], None] | None = None,
    ) -> Feed:
        """Follow a feed: every event behind sequence `after`, then live; without `after`, live only.

        `epoch` is the life of the log that `after` belongs to, as a `Feed` told it. `types` (names, or prefixes such as
        `position.*`) and `about` (ids of documents, positions, jobs, audits) choose. At most `window` events wait for
        the consumer. Where a feed cannot be resumed, `snapshot` reads the application's state anew and answers the
        sequence that it is true at; without it the iteration raises `FeedReset`. `passing` hears of progress and
        presence. Raises `AlreadyFollowing`, `Closed`.
        """
        self._check_open()
        if name in self._core.feeds:
            raise AlreadyFollowing
        wanted = Wanted(
            name=name, types=tuple(types), about=tuple(about), window=window, snapshot=snapshot, passing=passing
        )
        feed = Feed(self._core, wanted, after=after, epoch=epoch, hole=self._core.timing.hole)
        self._core.follow(feed)
        return feed

    def submit(self, name: str, /, command_id: UUID | None = None, **fields: Any) -> Pending:
        """Queue a command such as `position.edit`; await the answer for the receipt. Raises `OutboxFull`, `Closed`.

        It is carried out once, however often the connection breaks. Commands from before a reconnection go one by one,
        in order, when the feeds have caught up.
        """
        self._check_open()
        return self._core.outbox.add(command_id or new_id(), {"type": name, **fields})

    async def command(self, name: str, /, command_id: UUID | None = None, **fields: Any) -> Receipt:
        """Carry out a command. Raises `Conflict`, `Refusal`, `OutboxFull`, `Closed`."""
        return await self.submit(name, command_id, **fields)

    def withdraw(self, pending: Pending) -> bool:
        """Take back a command that cannot have reached the server; answer whether that was so."""
        return self._core.outbox.withdraw(pending)

    async def query(self, name: str, /, **fields: Any) -> Answer:
        """Ask a query such as `positions.list`. Raises `Refusal`, `GaveUp`, `Unreachable`, `Closed`."""
        query = {"type": name, **{key: value for key, value in fields.items() if value is not None}}
        try:
            async with asyncio.timeout(self._core.timing.answer):
                return await self._core.ask(query)
        except TimeoutError:
            raise Unreachable(f"{name} was not answered in time") from None

    def be_present(self, feed: str, state: dict[str, Any] | None) -> None:
        """Show everybody on a feed that we follow what we do; `None`: nothing any more. Ends with the connection."""
        if self._core.link is not None:
            self._core.link.say(BePresent(feed=feed, state=state))

    def _check_open(self) -> None:
        if self.state is State.CLOSED:
            raise Closed
