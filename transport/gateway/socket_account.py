"""Hears of what happens to the account behind a socket: a new password, a suspension, a revoked token."""

import asyncio
from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from runtime.telemetry import get_logger
from transport.gateway.hub import Hub
from transport.gateway.hub_feed import Feed
from transport.gateway.hub_stretch import Stretch

PAUSE_SECONDS = 5.0

_log = get_logger(__name__)


class AccountWatch:
    """Follows an account's own feed, whether or not the client asked for it. Once it is live it needs no task."""

    def __init__(self, hub: Hub, account: str, changed: Callable[[], None]) -> None:
        """Call `changed` when the `account` (`account:<id>`) may have lost a right; not before `start`."""
        self.position = 0
        self._hub = hub
        self._account = account
        self._id = account.partition(":")[2]
        self._changed = changed
        self._feed: Feed | None = None
        self._joining: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._joining = asyncio.create_task(self._join(), name=f"watch {self._account}")

    def end(self) -> None:
        """Watch no longer."""
        if self._joining is not None:
            self._joining.cancel()
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.detach(self)
            self._hub.release(feed)

    async def ready(self) -> None:
        """Wait for nothing."""

    def deliver(self, stretch: Stretch) -> bool:
        """Look for what shakes the account."""
        self.position = stretch.last
        if self._id in stretch.shaken:
            self._changed()
        return True

    def pass_by(self, frames: Stretch) -> None:
        """Take no notice."""

    def restart(self, head: int) -> None:
        """Doubt everything, and follow anew from `head`."""
        self.position = head
        self._changed()
        if self._joining is None:
            self.start()

    async def _join(self) -> None:
        while True:
            try:
                if self._feed is None:
                    self._feed = await self._hub.hold(self._account)
                    self.position = self._feed.last or 0
                await self._hub.follow(self._feed, self)
            except (psycopg.OperationalError, PoolTimeout, OSError) as error:
                _log.warning("an account cannot be watched", account=self._account, reason=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self._joining = None
                return
