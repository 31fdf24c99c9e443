"""What waits to be sent on one socket: bounded in bytes, so that a slow reader costs nobody but itself."""

import asyncio
from collections import deque
from collections.abc import Callable

from transport.gateway.socket_formats import Format, Text
from transport.gateway.socket_metrics import SENT

MOST_BYTES = 1024 * 1024
"""Bytes that may wait, counting those that the transport holds. Over it, the socket is too slow."""
ROOM_BYTES = 128 * 1024
"""Above it the transport pauses: a backlog waits, and what has no number is dropped."""
RESUME_BYTES = ROOM_BYTES // 4


class Outbox:
    """Frames in order. While the reader keeps up they go straight to the transport; nothing is held, nobody wakes."""

    __slots__ = ("_closed", "_format", "_held", "_overflow", "_paused", "_transport", "_waiters", "_waiting")

    def __init__(self, transport: asyncio.Transport, form: Format, overflow: Callable[[], None]) -> None:
        """Call `overflow`, once, when more waits than may; what is put in from then on is dropped."""
        self._transport = transport
        self._format = form
        self._overflow = overflow
        self._held = 0
        self._waiting: deque[bytes] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._paused = False
        self._closed = False
        transport.set_write_buffer_limits(high=ROOM_BYTES, low=RESUME_BYTES)

    @property
    def size(self) -> int:
        """How many bytes wait to be sent."""
        return self._held + self._transport.get_write_buffer_size()

    def put(self, text: Text) -> None:
        """Add messages."""
        if self._closed:
            return
        SENT.value += text.messages
        if self._paused:
            self._hold(text.frame(self._format), first=False)
        else:
            self._transport.write(text.frame(self._format))

    def put_first(self, text: Text) -> None:
        """Add messages before all that wait here."""
        if self._paused and not self._closed:
            SENT.value += text.messages
            self._hold(text.frame(self._format), first=True)
        else:
            self.put(text)

    def put_if_room(self, text: Text) -> None:
        """Add messages that may be dropped, unless the reader is behind."""
        if not self._paused:
            self.put(text)

    def put_control(self, frame: bytes) -> None:
        """Add a control frame. It may overtake what waits, but counts like everything else."""
        if self.size > MOST_BYTES:
            self._give_up()
        else:
            self._transport.write(frame)

    def pause(self) -> None:
        """Hear that the transport holds enough."""
        self._paused = True

    def resume(self) -> None:
        """Hear that the transport takes more."""
        self._paused = False
        while self._waiting and not self._paused:
            frame = self._waiting.popleft()
            self._held -= len(frame)
            self._transport.write(frame)
        if not self._waiting:
            self._waiting = None
        if not self._paused:
            self._wake()

    async def room(self) -> None:
        """Wait until a backlog may be added to, or the end is near."""
        while self._paused and not self._closed:
            await self._changed()

    async def flushed(self) -> None:
        """Wait until the transport has taken all that waited."""
        while self._waiting:
            await self._changed()

    def finish(self) -> None:
        """Take nothing more; what waits goes out."""
        self._closed = True
        self._wake()

    def clear(self) -> None:
        """Drop what waits, and take nothing more."""
        self._waiting = None
        self._held = 0
        self.finish()

    def _hold(self, frame: bytes, *, first: bool) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._held += len(frame)
        if first:
            self._waiting.appendleft(frame)
        else:
            self._waiting.append(frame)
        if len(self._waiting) > 1 and self.size > MOST_BYTES:  # a single message may be of any size
            self._give_up()

    def _give_up(self) -> None:
        if not self._closed:
            self.clear()
            self._overflow()

    async def _changed(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
