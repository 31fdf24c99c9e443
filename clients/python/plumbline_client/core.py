"""What a client holds: its feeds, its outbox, and the one connection that serves them while it lasts."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any

from plumbline_client.answers import Answer, Unknown
from plumbline_client.asking import Asking, LinkLost
from plumbline_client.backoff import Backoff
from plumbline_client.closing import Ending
from plumbline_client.connecting import Connector, Ended, State
from plumbline_client.credentials import Wallet
from plumbline_client.dispatch import Dispatch
from plumbline_client.errors import ClientError, Conflict, Refusal, Unreachable
from plumbline_client.feed import Feed, Link
from plumbline_client.http import Http
from plumbline_client.http_link import HttpLink, Way
from plumbline_client.messages import Authenticate, Told, Welcome
from plumbline_client.outbox import Outbox, Pending
from plumbline_client.socket_link import SocketLink, open_socket
from plumbline_client.timing import Clock, Timing
from plumbline_client.wire import Format

MOST_BLOCKED = 2
"""Sockets in a row that did not get through, before HTTP is tried."""


class Hooks:
    """What an application wants to hear of. Hooks must neither wait nor fail."""

    def __init__(
        self,
        on_state: Callable[[State], None],
        on_conflict: Callable[[Conflict], None],
        on_report: Callable[[str, dict[str, Any]], None],
    ) -> None:
        """Keep them."""
        self.on_state = on_state
        self.on_conflict = on_conflict
        self.on_report = on_report


class Core:
    """The moving parts of a client. To a feed it is its `Host`."""

    def __init__(
        self,
        url: str,
        wallet: Wallet,
        *,
        formats: Sequence[Format],
        most_queued: int,
        timing: Timing,
        clock: Clock,
        hooks: Hooks,
    ) -> None:
        """Prepare for the server at `url`; nothing happens before `start`."""
        self.timing = timing
        self.http = Http(url, wallet, timing, clock)
        self.connector = Connector(self._connect, wallet, timing, clock, changed=self._changed, report=self.report)
        self.outbox = Outbox(most_queued, self._send, hooks.on_conflict)
        self.feeds: dict[str, Feed] = {}
        self.heard_at: datetime | None = None
        self.welcome: Welcome | None = None
        self.link: Link | None = None
        self.way: Way | None = None
        self.asking: Asking | None = None
        """What speaks over the socket; `None` without one."""
        self._blocked = 0
        """Sockets in a row that somebody on the way did not let through."""
        self._url = url
        self.wallet = wallet
        self._formats = formats
        self._clock = clock
        self._hooks = hooks
        self._backoff = Backoff(timing, clock)
        """For what is refused on a connection that goes on."""
        self._calm = asyncio.Event()
        """Set when feeds may all have settled."""
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Connect, and stay connected."""
        self._run(self.connector.run(), "plumbline client")

    async def close(self, error: ClientError) -> None:
        """End everything; whatever waits ends with `error`."""
        self.connector.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for feed in list(self.feeds.values()):
            feed.fail(error)
        self.outbox.abandon(error)
        await self.http.aclose()

    def follow(self, feed: Feed) -> None:
        """Add a feed."""
        self.feeds[feed.wanted.name] = feed
        if self.connector.error is not None:
            feed.fail(self.connector.error)
        elif self.link is not None:
            feed.join(self.link)

    async def ask(self, query: dict[str, Any]) -> Answer:
        """Answer a query, over however many connections. Raises `Refusal`, `GaveUp`, `Closed`."""
        while True:
            await self.connector.connected()
            if self.asking is None:
                return await self.http.query(query)
            try:
                return await self.asking.query(query)
            except LinkLost:
                continue
            except Refusal as refusal:
                if not refusal.transient:
                    raise
                pause = self._backoff.jittered() if refusal.retry_after is None else refusal.retry_after
                await self._clock.sleep(pause)

    def next_id(self) -> int:
        """Give a message its number."""
        self._count += 1
        return self._count

    def later(self, seconds: float | None, work: Callable[[], None]) -> None:
        """Do something after so many seconds, by default after a random pause."""
        self._run(self._do_later(self._backoff.jittered() if seconds is None else seconds, work), "later")

    def report(self, what: str, /, **details: Any) -> None:
        """Tell the application of something odd."""
        self._hooks.on_report(what, details)

    def settled(self) -> None:
        """Hear that a feed has caught up, ended, or waits for its consumer."""
        self._calm.set()

    def release(self, feed: Feed) -> None:
        """Know a feed no longer."""
        if self.feeds.get(feed.wanted.name) is feed:
            del self.feeds[feed.wanted.name]
        self.settled()

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _do_later(self, seconds: float, work: Callable[[], None]) -> None:
        await self._clock.sleep(seconds)
        work()

    def _changed(self, state: State) -> None:
        error = self.connector.error
        for feed in list(self.feeds.values()):
            if error is not None:
                feed.fail(error)
            else:
                feed.hope()
        self._hooks.on_state(state)

    async def _connect(self) -> None:
        """Serve a connection to its end: a socket, or HTTP where that works and sockets do not. Raises `Ended`."""
        try:
            await self._connect_by_socket()
        except Ended as ended:
            self._blocked = self._blocked + 1 if ended.blocked else 0
            if self._blocked < MOST_BLOCKED:
                raise
        await self._connect_over_http()

    async def _connect_by_socket(self) -> None:
        credentials = await self.wallet.get()
        async with open_socket(self._url, credentials, self._formats, self.timing, self._clock) as link:
            welcome, rest = await link.welcome(credentials, self.timing.connect)
            self.welcome = welcome
            self.asking = asking = Asking(link, self.outbox, welcome.limits, self.next_id, self._reopen_later)
            dispatch = Dispatch(self.feeds, asking, self.report)
            work = [
                self._run(link.write(), "plumbline writes"),
                self._run(link.watch(welcome.heartbeat_interval + welcome.heartbeat_timeout), "plumbline watches"),
                self._run(self._renew(link, credentials.expires_at or welcome.expires_at), "plumbline renews"),
                self._run(self._open_outbox(link), "plumbline outbox"),
            ]
            try:
                self._come_up(link, Way.SOCKET, jitter=welcome.reconnect_jitter_max_ms / 1000)
                dispatch.hear(rest)
                async for messages in link.frames():
                    self.heard_at = self._clock.wall()
                    dispatch.hear(messages)
            finally:
                asking.end()
                await self._go_down(work)
        raise Ended(link.ending)

    async def _connect_over_http(self) -> None:
        """Follow feeds over HTTP for a while; then sockets have another chance. Raises `Ended`."""
        dispatch = Dispatch(self.feeds, None, self.report)

        def hear(messages: Iterable[Told | Unknown]) -> None:
            self.heard_at = self._clock.wall()
            dispatch.hear(messages)

        try:
            await self.http.query({"type": "projects.list", "limit": 1})
        except Refusal as refusal:  # which is an answer
            if refusal.status == HTTPStatus.UNAUTHORIZED:
                raise Ended(Ending(code=4001, reason=str(refusal))) from refusal
        except ClientError as error:
            raise Ended(Ending(reason=str(error))) from error
        link = HttpLink(self.http, self.timing, hear, self._take_way)
        work = [self._run(self._open_outbox(link), "plumbline outbox")]
        try:
            self._come_up(link, link.way, jitter=0)
            await asyncio.wait({link.failed}, timeout=self.timing.fallback)
        finally:
            await link.aclose()
            await self._go_down(work)
        why = link.failed.result() if link.failed.done() else "sockets have another chance"
        raise Ended(Ending(reason=why, welcomed=True))

    def _come_up(self, link: Link, way: Way, *, jitter: float) -> None:
        self.link = link
        self.heard_at = self._clock.wall()
        self._take_way(way)
        for feed in list(self.feeds.values()):
            feed.join(link)
        self.connector.came_up(jitter)

    async def _go_down(self, work: Sequence[asyncio.Task[None]]) -> None:
        self.link = self.asking = self.way = None
        self.outbox.close()
        for feed in list(self.feeds.values()):
            feed.leave()
        self.connector.went_down()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    def _take_way(self, way: Way) -> None:
        self.way = way
        if way is not Way.SOCKET:
            self.report("sockets do not get through", way=way.value)

    async def _open_outbox(self, link: Link) -> None:
        """Let commands go when the feeds have caught up, or do not get any further by themselves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.timing.catch_up):
                while len(self.outbox) and not all(feed.settled for feed in self.feeds.values()):
                    self._calm.clear()
                    await self._calm.wait()
        self._reopen(link)

    def _reopen_later(self, seconds: float | None) -> None:
        link = self.link
        if link is not None:
            self.later(seconds, lambda: self._reopen(link))

    def _reopen(self, link: Link) -> None:
        if self.link is link:
            self.outbox.open(1 if self.asking is None else self.asking.width)

    def _send(self, pending: Pending) -> None:
        """Send a command: over the socket, unless there is none or it is too large for that."""
        if self.asking is None or not self.asking.command(pending):
            self._run(self._send_over_http(pending), "plumbline command")

    async def _send_over_http(self, pending: Pending) -> None:
        try:
            receipt = await self.http.command(pending.command, pending.command_id)
        except Unreachable:
            self._postpone(pending, None)
        except Refusal as refusal:
            if refusal.transient:
                self._postpone(pending, refusal)
            else:
                self.outbox.fail(pending, refusal)
        else:
            self.outbox.succeed(pending, receipt)

    def _postpone(self, pending: Pending, refusal: Refusal | None) -> None:
        """Try a command again in a while; one that has been tried too often fails."""
        if self.outbox.postpone(pending):
            self._reopen_later(None if refusal is None else refusal.retry_after)
        else:
            self.outbox.fail(pending, refusal or Unreachable())

    async def _renew(self, link: SocketLink, ends: datetime | None) -> None:
        """Sign in again before the credentials end, on the connection that they opened."""
        while ends is not None and self.wallet.renewable:
            left = (ends - self._clock.wall()).total_seconds() - self.timing.renew_before
            await self._clock.sleep(max(left, self.timing.renew_least))
            try:
                fresh = await self.wallet.fresh()
            except Exception as error:  # noqa: BLE001 - it is the application's, and may raise anything
                self.report("no fresh credentials", why=repr(error))
                continue
            link.say(Authenticate(id=self.next_id(), token=fresh.token, ticket=fresh.ticket))
            ends = fresh.expires_at
