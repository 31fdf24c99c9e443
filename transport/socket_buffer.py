"""What waits to be sent on one socket: bounded in bytes, so that a slow reader costs nobody but itself."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from transport.hub_stretch import Text
from transport.socket_metrics import SENT

MOST_BYTES = 1024 * 1024
"""Bytes that may wait, counting the frame that is being sent. Over it, the socket is too slow."""
ROOM_BYTES = 128 * 1024
"""A backlog is added to only while less than this waits: it goes as fast as the reader reads."""
FRAME_BYTES = 64 * 1024
"""Messages that wait together are joined into frames of about this size."""


class Outbox:
    """Messages in order, and one sender that takes them out."""

    def __init__(self, overflow: Callable[[], None]) -> None:
        """Call `overflow`, once, when more waits than may; what is put in from then on is dropped."""
        self.bytes = 0
        self._overflow = overflow
        self._waiting: deque[Text] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._room: list[asyncio.Future[None]] = []
        self._closed = False

    def put(self, text: Text) -> None:
        """Add a message."""
        if self._closed:
            return
        self.bytes += text.size
        self._waiting.append(text)
        if self.bytes > MOST_BYTES and len(self._waiting) > 1:  # a single message may be of any size
            self.clear()
            self._overflow()
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def put_first(self, text: Text) -> None:
        """Add a message before all that wait."""
        if not self._closed:
            self.bytes += text.size
            self._waiting.appendleft(text)
            if self._wake is not None and not self._wake.done():
                self._wake.set_result(None)

    def put_if_room(self, text: Text) -> None:
        """Add a message that may be dropped, unless the reader is behind."""
        if self.bytes < ROOM_BYTES:
            self.put(text)

    async def room(self) -> None:
        """Wait until a backlog may be added to."""
        while self.bytes >= ROOM_BYTES and not self._closed:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(waiter)
            await waiter

    def clear(self) -> None:
        """Drop everything, and take nothing more."""
        self._closed = True
        self._waiting.clear()
        self._give_room()

    def finish(self) -> None:
        """Take nothing more; `run` ends when what waits is sent."""
        self._closed = True
        self._give_room()
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def run(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what waits and what comes, until `finish`. `send` returns when the network has taken the frame."""
        while True:
            while self._waiting:
                frame = self._frame()
                await send(frame.text)
                self.bytes -= frame.size
                SENT.inc(frame.messages)
                if self.bytes < ROOM_BYTES:
                    self._give_room()
            if self._closed:
                return
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
            self._wake = None

    def _frame(self) -> Text:
        """Take messages that fit into one frame, the first in any case."""
        first = self._waiting.popleft()
        if not self._waiting or first.size + self._waiting[0].size > FRAME_BYTES:
            return first  # the usual case: the very string that other sockets send too
        taken, size = [first], first.size
        while self._waiting and size + self._waiting[0].size <= FRAME_BYTES:
            taken.append(self._waiting.popleft())
            size += taken[-1].size
        return Text("\n".join(each.text for each in taken), size, sum(each.messages for each in taken))

    def _give_room(self) -> None:
        waiters, self._room = self._room, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
