"""One open socket: keeps the heartbeat, counts what waits, says goodbye before it closes. Idle, it needs no task."""

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Protocol
from uuid import UUID

from domain.core import Refused
from runtime.ids import new_id
from runtime.telemetry import get_logger
from transport.gateway.socket_buffer import Outbox
from transport.gateway.socket_closing import GONE, HEARTBEAT_MISSED, TOO_SLOW, Closing
from transport.gateway.socket_formats import Text
from transport.gateway.socket_messages import Bye, told
from transport.gateway.socket_metrics import HEARTBEAT_FAILURES

ANSWER_SECONDS = 6.0
"""How long a socket that closes waits for answers that are in flight: a query may take five."""
FLUSH_SECONDS = 3.0
"""And how long it may then take to send what waits."""

_log = get_logger(__name__)


class Speaker(Protocol):
    """Whoever speaks over a connection."""

    def take(self, lines: Iterable[bytes]) -> None:
        """Hear a frame's messages. Raises what reading them raises: `MalformedJson`."""
        ...

    def garbled(self, error: Refused) -> None:
        """Hear that a frame, or the rest of one, could not be read."""
        ...

    def count(self) -> None:
        """Count a frame that holds no message, or only a part of one."""
        ...

    def too_big(self) -> None:
        """Hear that a message was larger than may be, and that no more can be read."""
        ...

    def leave(self) -> None:
        """Begin nothing more, because the connection closes."""
        ...

    async def finish(self) -> None:
        """Answer what is in flight, if there is time for that before the goodbye."""
        ...


class Line(Protocol):
    """What carries a connection."""

    def outbox(self, overflow: Callable[[], None]) -> Outbox:
        """Make the place for what waits to be sent."""
        ...

    def end(self, bye: Text | None, code: int, reason: str) -> None:
        """Send `bye` and a close frame behind whatever the transport holds, and close when the client has."""
        ...


class Connection:
    """An open socket and whoever speaks over it."""

    __slots__ = (
        "_closing",
        "_ended",
        "_interval",
        "_line",
        "_parting",
        "_pinged_at",
        "_speaker",
        "_timeout",
        "heard_at",
        "id",
        "outbox",
    )

    def __init__(self, line: Line, *, interval: float, timeout: float) -> None:
        """Ping every `interval` seconds; what does not answer within `timeout` seconds is dead."""
        self.id: UUID = new_id()
        self.outbox = line.outbox(self._overflow)
        self.heard_at = monotonic()
        self._pinged_at = self.heard_at - interval * random.random()  # noqa: S311 - spreads the pings
        self._line: Line | None = line
        self._interval = interval
        self._timeout = timeout
        self._closing: Closing | None = None
        self._speaker: Speaker | None = None
        self._ended: Callable[[Closing], None] | None = None
        self._parting: asyncio.Task[None] | None = None

    def begin(self, speaker: Speaker, ended: Callable[[Closing], None]) -> None:
        """Hand every frame to `speaker`; `ended` hears, once, why it is over."""
        self._speaker = speaker
        self._ended = ended

    @property
    def open(self) -> bool:
        """Whether nobody has asked it to close."""
        return self._closing is None

    @property
    def speaker(self) -> Speaker | None:
        """Whoever hears what comes; nobody, once it closes."""
        return self._speaker if self._closing is None else None

    def close(self, closing: Closing) -> None:
        """Close, soon. The first reason counts."""
        if self._closing is None:
            self._closing = closing
            self._parting = asyncio.create_task(self._part(closing), name=f"socket {self.id} parts")

    def lost(self) -> None:
        """Hear that nothing can be sent or heard any more."""
        self.outbox.clear()
        if self._closing is None:
            self._closing = GONE
        if self._parting is not None:
            self._parting.cancel()
        self._end(self._closing)

    def beat(self, now: float, ping: Text) -> None:
        """Send `ping` if it is time, or close if the last one was not answered by anything."""
        if self.heard_at < self._pinged_at:
            if now - self._pinged_at > self._timeout:
                HEARTBEAT_FAILURES.inc()
                self.close(HEARTBEAT_MISSED)
        elif now - self._pinged_at >= self._interval:
            self._pinged_at = now
            self.outbox.put_first(ping)

    def _overflow(self) -> None:
        self.close(TOO_SLOW)

    async def _part(self, closing: Closing) -> None:
        """Answer what is in flight and send what waits, if there is time, and say goodbye."""
        try:
            if self._speaker is not None:
                self._speaker.leave()
                if closing.flush:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await self._speaker.finish()
            bye: Text | None = bye_of(closing)
            if closing.flush:
                self.outbox.put(bye)
                self.outbox.finish()
                with suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_SECONDS):
                        await self.outbox.flushed()
                        bye = None
            self.outbox.clear()
            if self._line is not None:
                self._line.end(bye, closing.code, closing.reason)
        except Exception:  # noqa: BLE001 - whatever it is must not leave a deaf socket behind
            _log.exception("socket failed while parting", connection=str(self.id))
        finally:
            self._end(closing)

    def _end(self, closing: Closing) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(closing)
        self._speaker = self._line = self._parting = None


def bye_of(closing: Closing) -> Text:
    """Write the goodbye that comes before a close."""
    return told(
        Bye(
            code=closing.code,
            reason=closing.reason,
            reconnect=closing.reconnect,
            retry_after_ms=closing.retry_after_ms,
        )
    )
