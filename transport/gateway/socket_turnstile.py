"""Lets sockets in a few at a time: a crowd that comes at once must not keep those who are here waiting."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

TURN_SECONDS = 0.002
"""How long it goes on letting in, some ten handshakes, before it rests as long."""


class Turnstile:
    """A queue of handshakes. What waits in it is done in order, between everything else."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Be empty; measure by `clock`."""
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()

    def pass_through(self, work: Callable[[], None]) -> None:
        """Do `work`, which must not fail, as soon as it is its turn."""
        self._waiting.append(work)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        until = self._clock() + TURN_SECONDS
        while True:
            self._waiting[0]()
            self._waiting.popleft()
            if not self._waiting:
                return
            if self._clock() >= until:
                break
        asyncio.get_running_loop().call_later(TURN_SECONDS, self._turn)
