"""The flow window of a subscription: how many events travel before the client has acknowledged some."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic

from transport.gateway.socket_metrics import ACK_DELAY


class Window:
    """Counts events that were sent and are not acknowledged."""

    def __init__(self, size: int) -> None:
        """Let `size` events travel."""
        self._size = size
        self._travelling: deque[tuple[int, float]] = deque()
        """Sequences in their order, each with when it was sent."""
        self._opening: asyncio.Future[None] | None = None

    @property
    def room(self) -> int:
        """How many more events may be sent."""
        return self._size - len(self._travelling)

    async def opened(self) -> None:
        """Wait until there is room. For one waiter."""
        while self.room <= 0:
            self._opening = asyncio.get_running_loop().create_future()
            await self._opening

    def send(self, sequences: Sequence[int]) -> None:
        """Count events that are sent; there must be room for them."""
        now = monotonic()
        self._travelling.extend((sequence, now) for sequence in sequences)

    def acknowledge(self, sequence: int) -> None:
        """Hear that the client is done with the events up to `sequence`."""
        now = monotonic()
        while self._travelling and self._travelling[0][0] <= sequence:
            ACK_DELAY.observe(now - self._travelling.popleft()[1])
        if self.room > 0 and self._opening is not None and not self._opening.done():
            self._opening.set_result(None)
