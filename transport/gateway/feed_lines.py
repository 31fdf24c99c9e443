"""A feed over plain HTTP: what a subscription tells, as lines that wait for whoever reads the answer."""

import asyncio
from collections import deque
from collections.abc import Callable

from transport.gateway.socket_formats import Text

MOST_BYTES = 1024 * 1024
"""That may wait, as on a socket; over it the reader is too slow."""
ROOM_BYTES = 128 * 1024
"""Above it a backlog waits, and what has no number is dropped."""


class Lines:
    """The outgoing side of one answer."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.over = False
        """Whether nothing more will come."""
        self.ended: Callable[[], None] | None = None
        """Hears, once, that nothing more will come."""
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return self._size

    def put(self, text: Text) -> None:
        """Add messages."""
        if self.over:
            return
        for line in text.lines.split(b"\n"):
            self._waiting.append(line)
            self._size += len(line)
        if self._size > MOST_BYTES and len(self._waiting) > 1:  # a single message may be of any size
            self.finish()
        self._changed.set()

    def put_if_room(self, text: Text) -> None:
        """Add messages that may be dropped, unless the reader is behind."""
        if self._size <= ROOM_BYTES:
            self.put(text)

    async def room(self) -> None:
        """Wait until a backlog may be added to, or the end is near."""
        while self._size > ROOM_BYTES and not self.over:
            self._changed.clear()
            await self._changed.wait()

    def finish(self) -> None:
        """Take nothing more; what waits can still be taken."""
        self.over = True
        self._changed.set()
        ended, self.ended = self.ended, None
        if ended is not None:
            ended()

    def take(self) -> list[bytes]:
        """Take what waits."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._size = 0
        self._changed.set()
        return taken

    async def something(self) -> None:
        """Wait until something waits, or nothing more will come."""
        while not self._waiting and not self.over:
            self._changed.clear()
            await self._changed.wait()
