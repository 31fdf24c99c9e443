"""The wire of a socket: RFC 6455 on a transport, with nothing in between. Plugged into the HTTP server as its `ws`.

The handshake and the reading of frames are those of the websockets library; compression is never agreed on. Frames to
be sent come ready made, shared by all sockets that are told the same.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol

from uvicorn.server import ServerState
from websockets.exceptions import PayloadTooBig
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from runtime.telemetry import get_logger
from transport.errors import BadRequest, MalformedJson, NoSuchPath
from transport.gateway.socket_buffer import Outbox
from transport.gateway.socket_closing import DRAINING, INTERNAL, NOT_UTF8, VIOLATION
from transport.gateway.socket_connection import Connection
from transport.gateway.socket_formats import FORMATS, JSON, MESSAGE_BYTES, TEXT, Format, Text, framed
from transport.gateway.socket_turnstile import Turnstile
from transport.http_protocol import problem_answer

PATH = "/api/ws"
FAREWELL_SECONDS = 10.0
"""How long a closed socket may take to read its last frames and to close too."""
SLICE = 2 * 1024
"""Bytes that are parsed before anybody looks whether the socket is still open: some 300 of the smallest frames."""
MOST_IGNORED = 100
"""Frames that a socket may still send once it closes. Whoever has more to say is not waited for with an ear open."""

_log = get_logger(__name__)
_quiet = logging.getLogger("plumbline.wire")
_quiet.setLevel(logging.WARNING)


class Door(Protocol):
    """Where sockets come in."""

    def enter(self, wire: "Wire", headers: dict[str, str], client: str, *, understood: bool) -> Connection:
        """Open a connection over `wire` for who sent these headers; `understood`: there is a common subprotocol.

        The wire reads nothing until its `release`.
        """
        ...

    @property
    def turnstile(self) -> Turnstile:
        """Where handshakes wait for their turn."""
        ...


class Wire(asyncio.Protocol):
    """One socket on its transport."""

    __slots__ = (
        "_connection",
        "_connections",
        "_deaf",
        "_door",
        "_early",
        "_ending",
        "_ignored",
        "_opcode",
        "_outbox",
        "_parts",
        "_protocol",
        "_transport",
        "format",
    )

    def __init__(self, door: Door, *, server_state: ServerState, **_: Any) -> None:
        """Lead to `door`; `server_state` is the HTTP server's, which waits for all connections at its end."""
        self._door = door
        self._connections: set[Any] = server_state.connections
        self._protocol = ServerProtocol(max_size=MESSAGE_BYTES, select_subprotocol=_chosen, logger=_quiet)
        self._transport: asyncio.Transport | None = None
        self._connection: Connection | None = None
        self._outbox: Outbox | None = None
        self._early: bytes | None = None
        """What came before the connection was ready to hear; `None` while it is."""
        self._ending: asyncio.TimerHandle | None = None
        self._ignored = 0
        self._deaf = False
        """Whether what comes is dropped unread, because it was too much or could not be parsed."""
        self._opcode = Opcode.TEXT
        self._parts = bytearray()
        self.format: Format = JSON

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn's
        """Begin, on a connection that spoke HTTP before."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        del exc
        self._connections.discard(self)
        if self._ending is not None:
            self._ending.cancel()
        connection, self._connection = self._connection, None
        self._transport = self._outbox = None
        if connection is not None:
            connection.lost()

    def data_received(self, data: bytes) -> None:
        """Take in bytes: the handshake first, then frames."""
        if self._deaf:
            return
        if self._early is not None:
            self._early += data
            return
        if self._outbox is None:
            self._hold()
            self._door.turnstile.pass_through(partial(self._tried, self._greet, data))
        else:
            self._tried(self._hear, data)

    def eof_received(self) -> None:
        """Hear that the client says nothing more."""
        if self._transport is not None:
            self._hang_up(self._transport)

    def pause_writing(self) -> None:
        """Hear that the transport holds enough."""
        if self._outbox is not None:
            self._outbox.pause()

    def resume_writing(self) -> None:
        """Hear that the transport takes more."""
        if self._outbox is not None:
            self._outbox.resume()

    def shutdown(self) -> None:
        """Hear that the server ends."""
        if self._connection is not None:
            self._connection.close(DRAINING)

    def outbox(self, overflow: Callable[[], None]) -> Outbox:
        """Make the place for what waits to be sent."""
        assert self._transport is not None  # noqa: S101 - a connection is made on a transport
        self._outbox = Outbox(self._transport, self.format, overflow)
        return self._outbox

    def release(self) -> None:
        """Go on reading, with what came meanwhile."""
        early, self._early = self._early, None
        if self._transport is not None and not self._transport.is_closing():
            if early:
                self.data_received(early)
            self._transport.resume_reading()

    def end(self, bye: Text | None, code: int, reason: str) -> None:
        """Send `bye` and a close frame behind whatever the transport holds, and close when the client has."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if bye is not None:
            transport.write(bye.frame(self.format))
        transport.write(framed(Opcode.CLOSE, Close(code, reason).serialize()))
        if self._deaf:
            transport.write_eof()  # the client's answer will not be read
        self._cut_later(transport)

    def _tried(self, take: Callable[[bytes], None], data: bytes) -> None:
        try:
            take(data)
        except Exception:  # noqa: BLE001 - whatever it is must not leave a deaf socket open
            _log.exception("socket failed while reading")
            if self._connection is not None:
                self._connection.close(INTERNAL)
            elif self._transport is not None:
                self._transport.abort()

    def _hold(self) -> None:
        """Read nothing until `release`."""
        self._early = b""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _greet(self, data: bytes) -> None:
        protocol, transport = self._protocol, self._transport
        if transport is None or transport.is_closing():
            return  # gone before it was its turn
        protocol.receive_data(data)
        request = next((event for event in protocol.events_received() if isinstance(event, Request)), None)
        if request is None or request.path.partition("?")[0] != PATH:
            self._turn_away(problem_answer(NoSuchPath() if request else BadRequest("This is no handshake.")))
            return
        response = protocol.accept(request)
        if response.status_code != 101:  # noqa: PLR2004 - switching protocols
            self._turn_away(problem_answer(BadRequest((response.body or b"").decode().strip())))
            return
        protocol.send_response(response)
        transport.writelines(protocol.data_to_send())
        self.format = FORMATS.get(protocol.subprotocol or "", JSON)
        understood = protocol.subprotocol is None or protocol.subprotocol in FORMATS
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        peer: tuple[str, int] | None = transport.get_extra_info("peername")
        self._connection = self._door.enter(self, headers, peer[0] if peer else "", understood=understood)

    def _turn_away(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)
            self._transport.close()

    def _hear(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.heard_at = monotonic()
        protocol = self._protocol
        for start in range(0, len(data), SLICE):
            protocol.receive_data(data[start : start + SLICE])
            for event in protocol.events_received():
                if isinstance(event, Frame):
                    self._take(event)
            if protocol.parser_exc is None:
                self._answer(protocol.data_to_send())
            else:
                self._be_deaf()
                self._give_up(protocol.parser_exc)
            if self._deaf:
                return

    def _take(self, frame: Frame) -> None:
        connection = self._connection
        speaker = None if connection is None else connection.speaker
        if speaker is None:
            self._ignored += 1
            if self._ignored > MOST_IGNORED:
                self._be_deaf()
            return
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY if frame.fin:
                self._opcode = frame.opcode
                self._say(bytes(frame.data))
            case Opcode.TEXT | Opcode.BINARY:
                self._opcode = frame.opcode
                self._parts[:] = frame.data
                speaker.count()
            case Opcode.CONT:
                self._parts += frame.data
                if frame.fin:
                    message, self._parts = bytes(self._parts), bytearray()
                    self._say(message)
                else:
                    speaker.count()
            case _:
                speaker.count()

    def _say(self, message: bytes) -> None:
        connection = self._connection
        if connection is None or connection.speaker is None:
            return
        if self._opcode == TEXT and not _is_utf8(message):
            connection.close(NOT_UTF8)
            return
        if self._opcode != self.format.opcode:
            kind = "text" if self.format.opcode == TEXT else "binary"
            connection.speaker.garbled(MalformedJson(f"Messages of {self.format.name} travel in {kind} frames."))
            return
        try:
            connection.speaker.take(self.format.read(message))
        except MalformedJson as error:
            connection.speaker.garbled(error)

    def _answer(self, frames: Sequence[bytes]) -> None:
        """Send what the protocol itself has to say: pongs, and the answer to a close frame."""
        transport, outbox = self._transport, self._outbox
        for frame in frames:
            if transport is None or outbox is None or transport.is_closing():
                return
            if not frame:
                self._hang_up(transport)
            elif self._ending is None:
                outbox.put_control(frame)

    def _hang_up(self, transport: asyncio.Transport) -> None:
        """Close, because the client has: whether or not it reads what it was still to be sent."""
        transport.close()
        self._cut_later(transport)
        if self._connection is not None:
            self._connection.lost()

    def _be_deaf(self) -> None:
        """Read nothing more. A client that was sent a close frame sees the connection end, whatever it answers."""
        if self._deaf:
            return
        self._deaf = True
        if self._ending is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def _cut_later(self, transport: asyncio.Transport) -> None:
        if self._ending is None:
            self._ending = asyncio.get_running_loop().call_later(FAREWELL_SECONDS, transport.abort)

    def _give_up(self, error: Exception) -> None:
        connection = self._connection
        if connection is None or connection.speaker is None:
            return
        if isinstance(error, PayloadTooBig):
            connection.speaker.too_big()
        else:
            connection.close(VIOLATION)


def _chosen(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Answer a subprotocol that was offered, even one not spoken here: else a browser hides the code that follows."""
    return next((name for name in offered if name in FORMATS), next(iter(offered), None))


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
