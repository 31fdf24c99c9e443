"""Hears of what happens to the account behind a socket: a new password, a suspension, a revoked token."""

import asyncio
from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from runtime.telemetry import get_logger
from transport.hub import Hub
from transport.hub_stretch import Stretch

PAUSE_SECONDS = 5.0

_log = get_logger(__name__)


class AccountWatch:
    """Follows an account's own feed, whether or not the client asked for it."""

    def __init__(self, hub: Hub, account: str, changed: Callable[[], None]) -> None:
        """Call `changed` when the `account` (`account:<id>`) may have lost a right."""
        self.position = 0
        self._hub = hub
        self._account = account
        self._id = account.partition(":")[2]
        self._changed = changed
        self._restored: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._watch()
            except (psycopg.OperationalError, PoolTimeout, OSError) as error:
                _log.warning("an account cannot be watched", account=self._account, reason=str(error))
                await asyncio.sleep(PAUSE_SECONDS)

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
        if self._restored is not None and not self._restored.done():
            self._restored.set_result(None)

    async def _watch(self) -> None:
        feed = await self._hub.hold(self._account)
        try:
            self.position = feed.last or 0
            self._restored = asyncio.get_running_loop().create_future()
            await self._hub.follow(feed, self)
            await self._restored
        finally:
            feed.detach(self)
            self._hub.release(feed)
