"""A circuit breaker: who has not answered several times in a row is left alone for a while, then tried once."""

from plumbline_client.errors import CircuitOpen
from plumbline_client.timing import Clock, Timing


class Breaker:
    """Counts failures in a row."""

    def __init__(self, timing: Timing, clock: Clock) -> None:
        """Begin closed: everything passes."""
        self._timing = timing
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    @property
    def open(self) -> bool:
        """Whether nothing passes just now."""
        return self._failures >= self._timing.breaker_failures and self._clock.now() < self._open_until

    def check(self) -> None:
        """Let a request pass, or raise `CircuitOpen`. After the pause one passes; the others wait for how it fares."""
        if self.open:
            raise CircuitOpen
        if self._failures >= self._timing.breaker_failures:
            self._open_until = self._clock.now() + self._timing.breaker_pause

    def answered(self) -> None:
        """Note that an answer came."""
        self._failures = 0

    def failed(self) -> None:
        """Note that none came."""
        self._failures += 1
        if self._failures >= self._timing.breaker_failures:
            self._open_until = self._clock.now() + self._timing.breaker_pause
