"""The wire of one socket: takes frames in, sends what waits, keeps the heartbeat, says goodbye before it closes."""

import asyncio
import random
from contextlib import suppress
from time import monotonic
from typing import Protocol

from runtime.ids import new_id
from runtime.telemetry import get_logger
from transport.hub_stretch import Text
from transport.socket_buffer import Outbox
from transport.socket_closing import GONE, HEARTBEAT_MISSED, INTERNAL, TOO_SLOW, Closing
from transport.socket_messages import Bye, told
from transport.socket_metrics import HEARTBEAT_FAILURES
from transport.visit import Receive, Send

ANSWER_SECONDS = 6.0
"""How long a socket that closes waits for answers that are in flight: a query may take five."""
FLUSH_SECONDS = 3.0
"""And how long it may then take to send what waits."""
FAREWELL_SECONDS = 10.0
"""And how long for its last two frames, if the other side does not read."""

_log = get_logger(__name__)


class Speaker(Protocol):
    """Whoever speaks over a connection."""

    def take(self, frame: str | bytes) -> None:
        """Hear a frame."""
        ...

    def leave(self) -> None:
        """Begin nothing more, because the connection closes."""
        ...

    async def finish(self) -> None:
        """Answer what is in flight, if there is time for that before the goodbye."""
        ...


class Connection:
    """An accepted ASGI WebSocket."""

    def __init__(self, receive: Receive, send: Send, *, interval: float, timeout: float) -> None:
        """Ping every `interval` seconds; what does not answer within `timeout` seconds is dead."""
        self.id = new_id()
        self.outbox = Outbox(lambda: self.close(TOO_SLOW))
        self._receive = receive
        self._send = send
        self._interval = interval
        self._timeout = timeout
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._heard_at = monotonic()
        self._pinged_at = self._heard_at - interval * random.random()  # noqa: S311 - spreads the pings

    @property
    def open(self) -> bool:
        """Whether nobody has asked it to close."""
        return not self._closing.done()

    def close(self, closing: Closing) -> None:
        """Close, soon. The first reason counts."""
        if self.open:
            self._closing.set_result(closing)

    def beat(self, now: float, ping: Text) -> None:
        """Send `ping` if it is time, or close if the last one was not answered by anything."""
        if self._heard_at < self._pinged_at:
            if now - self._pinged_at > self._timeout:
                HEARTBEAT_FAILURES.inc()
                self.close(HEARTBEAT_MISSED)
        elif now - self._pinged_at >= self._interval:
            self._pinged_at = now
            self.outbox.put_first(ping)

    async def run(self, speaker: Speaker) -> Closing:
        """Hand every frame to `speaker` until the socket closes; answer why it did."""
        reader = asyncio.create_task(self._read(speaker), name=f"socket {self.id} reads")
        writer = asyncio.create_task(self._write(), name=f"socket {self.id} writes")
        try:
            closing = await self._closing
            reader.cancel()
            speaker.leave()
            if closing.flush:
                with suppress(TimeoutError):
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await speaker.finish()
                self.outbox.put(_bye(closing))
                self.outbox.finish()
                await asyncio.wait([writer], timeout=FLUSH_SECONDS)
            said_goodbye = writer.done()
            self.outbox.clear()
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.wait([reader, writer])
        if closing is not GONE:
            await self._part(closing, said_goodbye=said_goodbye)
        return closing

    async def _read(self, speaker: Speaker) -> None:
        try:
            while True:
                message = await self._receive()
                if message["type"] == "websocket.disconnect":
                    self.close(GONE)
                    return
                self._heard_at = monotonic()
                text = message.get("text")
                speaker.take(message["bytes"] if text is None else text)
        except Exception:  # noqa: BLE001 - whatever it is must not leave a deaf socket open
            _log.exception("socket failed while reading", connection=str(self.id))
            self.close(INTERNAL)

    async def _write(self) -> None:
        try:
            await self.outbox.run(self._send_text)
        except Exception as error:  # noqa: BLE001 - servers say in many ways that the client is gone
            _log.debug("socket failed while writing", connection=str(self.id), reason=repr(error))
            self.close(GONE)

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _part(self, closing: Closing, *, said_goodbye: bool) -> None:
        """Say goodbye, if that is still to be said, and close; but do not wait long for who does not read."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                if not said_goodbye:
                    await self._send_text(_bye(closing).text)
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})
        except Exception as error:  # noqa: BLE001 - it is over either way; servers have many words for it
            _log.debug("socket closed without goodbye", connection=str(self.id), reason=repr(error))


def _bye(closing: Closing) -> Text:
    return told(
        Bye(
            code=closing.code,
            reason=closing.reason,
            reconnect=closing.reconnect,
            retry_after_ms=closing.retry_after_ms,
        )
    )
