"""Keeps the accounts that come by as fresh as `Identities` wants them, with one query for all of them together.

Without it each account that is busy would be looked up on its own, once a second and process.
"""

import asyncio
from time import monotonic
from typing import Self

import psycopg
from psycopg_pool import PoolTimeout

from commands.identities import MOST_AGE
from commands.states import States
from eventstore import EventStore
from runtime.telemetry import get_logger

PERIOD = MOST_AGE / 2
"""Seconds between two looks: what was looked at then is still fresh enough at the next."""
FORGOTTEN = 30.0
"""Seconds after which an account that did not come by again is left alone."""
MOST_ACCOUNTS = 20_000

log = get_logger(__name__)


class Freshness:
    """Use as an async context manager. When the log cannot be read nothing is refreshed, and `Identities` finds out."""

    def __init__(self, store: EventStore, states: States) -> None:
        """Refresh what `states` keeps from `store`."""
        self._store = store
        self._states = states
        self._seen: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="freshness")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def saw(self, actor: str) -> None:
        """Look after an account's stream for the next while."""
        if actor in self._seen or len(self._seen) < MOST_ACCOUNTS:
            self._seen[actor] = monotonic()

    async def refresh(self) -> None:
        """Ask the log once which of these accounts have changed, and read those."""
        forgotten = monotonic() - FORGOTTEN
        self._seen = {actor: seen_at for actor, seen_at in self._seen.items() if seen_at > forgotten}
        if not self._seen:
            return
        asked_at = monotonic()
        for stream, version in (await self._store.versions(list(self._seen))).items():
            entry = await self._states.get(stream)
            if entry.version < version:
                await self._states.get(stream, fresh=True)
            else:
                entry.checked_at = max(entry.checked_at, asked_at)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.refresh()
            except (psycopg.OperationalError, PoolTimeout) as error:
                log.warning("freshness.log_away", error=str(error))
