"""HTTP/1.1 as this server speaks it: uvicorn's protocol, with limits on a request's head and an end to unwanted bodies.

What cannot be read as HTTP is answered with a problem object too.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from domain.core import Refused
from transport.corked import Corked
from transport.errors import PROBLEM_TYPE, BadRequest, HeadTimeout, HeadTooLarge, problem_of
from transport.metrics import REFUSALS
from transport.rest.decoding import encoded
from transport.visit import DRAIN_SECONDS, new_request_id

HEAD_SECONDS = 10.0
"""In which a request's head must have arrived, from the connection or from its own first byte on."""
HEAD_BYTES = 64 * 1024
STALL_SECONDS = 30.0
"""In which a client must read what the transport holds (64 KiB): one that reads nothing would be kept for ever."""


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    """Bytes of a head of which only a part has come."""
    _in_head = False
    _large = False
    """Whether what just came may hold a head over the limit in one piece."""
    _refused = False
    _too_large = False
    _method = b""
    _offered_other = False
    """Whether the request offers to go on in another protocol than HTTP or WebSocket, such as HTTP/2."""
    _stalled: asyncio.TimerHandle | None = None
    _deadline: asyncio.TimerHandle | None = None
    """The end of patience with a head, or with a body that nobody wants."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn's
        """Begin, and wait for a head."""
        self._corked = Corked(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._corked))
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._forget_deadline()
        self._unset_keepalive_if_required()
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        if self._refused or not self.parser:
            return
        self._unset_keepalive_if_required()
        went_on = self._in_head
        self._large = len(data) > HEAD_BYTES
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(HeadTooLarge() if self._too_large else BadRequest("This is not HTTP/1.1."))
        if self._in_head and not self._refused:
            self._head_bytes += len(data) if went_on else 0
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HeadTooLarge())
            elif self._deadline is None:
                self._deadline = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def pause_writing(self) -> None:
        """Hear that the transport holds enough; give up a client that then reads nothing for a while."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Hear that the transport takes more."""
        if self._stalled is not None:
            self._stalled.cancel()
        super().resume_writing()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer. Raises `ValueError`, for the parser to stop, for a head too large and for a tunnel."""
        self._in_head = False
        self._forget_deadline()
        if self._large and sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > HEAD_BYTES:
            self._too_large = True
            raise ValueError
        self._offered_other = self.parser.should_upgrade() and not self._should_upgrade()
        if not self._offered_other:
            super().on_headers_complete()
        elif (method := self.parser.get_method()) == b"CONNECT":
            raise ValueError  # this is no proxy
        else:
            self._method = method

    def on_message_complete(self) -> None:
        """End a request's body."""
        self._forget_deadline()
        if not self._offered_other:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """End an answer; the rest of a body that nobody wanted may come for a while."""
        super().on_response_complete()
        if self.cycle.more_body and not self.transport.is_closing():
            self._deadline = self.loop.call_later(DRAIN_SECONDS, self.transport.close)

    def _upgrade(self, rest: bytes) -> None:
        """Hand the connection to the socket that was asked for, or pass over an offer of anything else."""
        protocol: Any = self
        if self._offered_other:
            self._offered_other = False
            rest = self._head_without_offer() + rest
            self.parser = httptools.HttpRequestParser(self)  # the old one would take a body for another protocol
        else:
            self._forget_deadline()
            self.transport = self._corked.uncorked()
            self.handle_websocket_upgrade()
            protocol = self.transport.get_protocol()
            self.parser = cast("httptools.HttpRequestParser", None)  # as uvicorn does at the end
        if rest:
            protocol.data_received(rest)

    def _head_without_offer(self) -> bytes:
        headers = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([self._method + b" " + self.url + b" HTTP/1.1", *headers, b"", b""])

    def _head_is_late(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse(HeadTimeout())
        else:
            self.transport.close()

    def _refuse(self, refusal: Refused) -> None:
        """Answer what cannot be read as a request, and close when the client has had time to read the answer."""
        self._refused = True
        self._forget_deadline()
        REFUSALS.labels(refusal.code).inc()
        if not self.cycle or self.cycle.response_complete:
            self.transport.write(problem_answer(refusal))
            self.transport.write_eof()
        self._deadline = self.loop.call_later(DRAIN_SECONDS, self.transport.close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def problem_answer(refusal: Refused) -> bytes:
    """Write a refusal as the last answer on a connection."""
    problem = problem_of(refusal, new_request_id())
    body = encoded(problem)
    headers = {
        "content-type": PROBLEM_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
        "x-request-id": problem["request_id"],
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[HTTPStatus(problem["status"])] + head.encode() + b"\r\n" + body
