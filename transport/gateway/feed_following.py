"""Following a feed over plain HTTP: the subscription of a socket, told in the lines of one answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from time import monotonic
from uuid import UUID

from msgspec import Struct

from domain.core import Refused
from runtime.ids import new_id
from transport.gateway.feed_lines import Lines
from transport.gateway.hub import Hub
from transport.gateway.socket_closing import NOT_AUTHENTICATED, Closing
from transport.gateway.socket_connection import bye_of
from transport.gateway.socket_feeds import code_of
from transport.gateway.socket_formats import Text
from transport.gateway.socket_messages import Subscribe, Unsubscribed, told
from transport.gateway.socket_subscription import Subscription, Terms


class Follower(Struct, frozen=True, kw_only=True):
    """Who follows. `may_follow` and `is_still_known` raise a `Refused` when the feed, or the credentials, are lost."""

    account_id: UUID
    session_id: str
    may_follow: Callable[[str], Awaitable[None]]
    is_still_known: Callable[[], Awaitable[None]]


class Following:
    """One feed for one answer. Looked after among the open sockets, so that it ends when they do."""

    def __init__(self, hub: Hub, asked: Subscribe, follower: Follower, replay_limit: int) -> None:
        """Follow what was `asked` for, after `start`."""
        self.id = new_id()
        self.account_id: UUID | None = None
        """Set once it is counted among the account's sockets."""
        self.session_id = follower.session_id
        self.lines = Lines()
        self.follower = follower
        self._subscription = Subscription(
            asked,
            Terms(
                hub=hub,
                outbox=self.lines,
                connection_id=self.id,
                account_id=follower.account_id,
                replay_limit=replay_limit,
                check=follower.may_follow,
                ended=self._ended,
            ),
        )

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self.lines.size

    @property
    def position(self) -> int:
        """Up to where everything that was wanted was told."""
        return self._subscription.position

    def start(self) -> None:
        """Begin."""
        self._subscription.start()

    def end(self) -> None:
        """Let go of the feed."""
        self.lines.finish()
        self._subscription.end()

    def beat(self, now: float, ping: Text) -> None:
        """Do nothing: `told` keeps its own time, and nobody answers over HTTP."""

    def close(self, closing: Closing) -> None:
        """Say goodbye, and tell nothing more."""
        self.lines.put(bye_of(closing))
        self.lines.finish()

    async def told(self, interval: float) -> AsyncIterator[list[bytes]]:
        """Give lines as they come, and none at least every `interval` seconds, when the credentials are looked at."""
        looked_at = monotonic()
        while not self.lines.over or self.lines.size:
            yield await self.next(interval)
            if monotonic() - looked_at >= interval:
                looked_at = monotonic()
                await self._look_again()

    async def next(self, seconds: float) -> list[bytes]:
        """Wait for lines; give none when there are no more, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.lines.something()
        return self.lines.take()

    async def _look_again(self) -> None:
        try:
            await self.follower.is_still_known()
        except Refused as refusal:
            if refusal.kind == "unauthenticated":
                self.close(NOT_AUTHENTICATED)

    def _ended(self, subscription: Subscription, error: Exception | None) -> None:
        if error is not None:
            feed = subscription.asked.feed
            self.lines.put(told(Unsubscribed(feed=feed, code=code_of(error, feed))))
        self.end()
