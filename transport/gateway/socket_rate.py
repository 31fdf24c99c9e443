"""How many messages a socket may send: a token bucket that remembers debt."""

from collections.abc import Callable
from time import monotonic
from typing import Literal

Verdict = Literal["pass", "refuse", "close"]

RATE = 50.0
"""Messages a second, in the long run."""
BURST = 100
MOST_DEBT = 50
"""Refused messages cost too. Whoever goes on regardless gets this far."""


class Bucket:
    """Counts messages."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin full, by `clock`."""
        self._clock = clock
        self._tokens = float(BURST)
        self._at = clock()

    def take(self) -> Verdict:
        """Count a message: it passes, is refused because there are too many, or there is no end to them."""
        now = self._clock()
        self._tokens = min(BURST, self._tokens + (now - self._at) * RATE) - 1
        self._at = now
        if self._tokens >= 0:
            return "pass"
        return "refuse" if self._tokens >= -MOST_DEBT else "close"

    @property
    def retry_after(self) -> float:
        """Seconds until a message passes again."""
        return max(0.0, (1 - self._tokens) / RATE)
