"""How long everything takes, and where time and chance come from."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic

from msgspec import Struct


def _wall() -> datetime:
    return datetime.now(UTC)


class Timing(Struct, frozen=True, kw_only=True):
    """Patience, in seconds unless a name says otherwise."""

    first_pause: float = 0.5
    """The longest pause before the first new try; it doubles from try to try."""
    longest_pause: float = 20.0
    most_tries: int = 10
    """Tries in a row without a stable connection, before the client gives up."""
    stable: float = 10.0
    """How long a connection must last for its predecessors' failures to be forgotten."""
    longest_jitter: float = 60.0
    """The most that a server may spread clients over, whatever it announces."""
    connect: float = 10.0
    """For the handshake, and again for the server's welcome."""
    answer: float = 30.0
    """For a query's answer, connections and all."""
    catch_up: float = 10.0
    """How long commands from before a reconnection wait for the feeds to catch up."""
    hole: float = 1.0
    """How long an event waits for one that belongs before it; then the feed is subscribed anew."""
    renew_before: float = 30.0
    """How long before their end credentials are renewed."""
    renew_least: float = 1.0
    """Between two renewals, at least."""
    breaker_failures: int = 5
    """HTTP requests in a row without an answer, after which none is sent for `breaker_pause`."""
    breaker_pause: float = 10.0
    silence: float = 60.0
    """How long a stream over HTTP may bring nothing, not even a comment."""
    poll: int = 20
    """For which the server holds back a page on which there would be nothing, in whole seconds."""
    fallback: float = 300.0
    """How long feeds travel over HTTP before the socket is tried again."""


class Clock(Struct, frozen=True, kw_only=True):
    """Time and chance. Tests give their own."""

    now: Callable[[], float] = monotonic
    """Seconds that only grow."""
    wall: Callable[[], datetime] = _wall
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """From 0 up to, but not including, 1."""
