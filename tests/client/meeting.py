"""Clients of a real server for tests: quick to come back, and with everything they report kept."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from plumbline_client import Client, Event, Feed, State, Timing
from tests.transport.socket_world import SOON, Server, Somebody

QUICK = Timing(first_pause=0.02, longest_pause=0.2, stable=0.2, connect=5, longest_jitter=0.05, hole=0.1)


class Seen:
    """What a client told its application."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.reports: list[tuple[str, dict[str, Any]]] = []

    def report(self, what: str, details: dict[str, Any]) -> None:
        self.reports.append((what, details))

    @property
    def reported(self) -> list[str]:
        return [what for what, _ in self.reports]


@asynccontextmanager
async def meeting(
    server: Server, who: Somebody | None, seen: Seen | None = None, *, url: str = "", **options: Any
) -> AsyncGenerator[Client]:
    """Open a client of somebody's."""
    seen = seen or Seen()
    given = {"token": "" if who is None else who.token, "timing": QUICK} | options
    client = Client(url or server.origin, on_state=seen.states.append, on_report=seen.report, **given)
    async with client:
        yield client


async def take(feed: Feed, count: int) -> list[Event]:
    """Take so many events."""
    async with asyncio.timeout(SOON):
        return [await anext(feed) for _ in range(count)]


async def upto(feed: Feed, last: int) -> list[int]:
    """Take events up to a sequence; give the sequences."""
    taken: list[int] = []
    async with asyncio.timeout(SOON):
        async for event in feed:
            taken.append(event.sequence)
            if event.sequence >= last:
                return taken
    raise AssertionError("a feed does not end")


async def until(condition: Any) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.005)
