"""One HTTP request on its way through the doors: what every door asks of it, read from the scope once."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from itertools import count
from time import perf_counter
from typing import Any, cast

from transport.errors import BodyTimeout, MalformedHeader, TooLarge, UnsupportedMediaType

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Any, Receive, Send], Awaitable[None]]

VISIT = "plumbline.visit"
JSON_LIMIT = 1024 * 1024
"""Bytes of a JSON body. A bulk edit of 5,000 positions fits."""
BODY_SECONDS = 30.0
"""In which a JSON body must have arrived, and each next part of a file."""
SMALL = 16 * 1024
"""Bytes of a body that is awaited without a clock: while it stalls it holds no more than an idle connection does."""
DRAINED = 64 * 1024 * 1024
DRAIN_SECONDS = 5.0
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_PROCESS = secrets.token_hex(8)
_NUMBERS = count(1)


class ClientGone(Exception):  # noqa: N818 - says what happened
    """The client went away before its request was complete; nobody waits for an answer."""


class Visit:
    """A request. `status` and `account` are filled in as they become known; `unread` is whether body is left."""

    __slots__ = ("account", "client", "headers", "method", "path", "request_id", "started", "status", "unread")

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        """Read an ASGI scope. The client's address is the socket's peer, whatever headers say."""
        self.started = perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.client: str = scope["client"][0] if scope.get("client") else ""
        given = self.headers.get("x-request-id")
        self.request_id = given if given and _REQUEST_ID.fullmatch(given) else new_request_id()
        self.status = 0
        self.account = ""
        self.unread = self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers

    @property
    def safe(self) -> bool:
        """Whether the method promises to change nothing."""
        return self.method in SAFE

    def length(self, limit: int) -> int | None:
        """Give the body's declared length; `None` where it is not declared. Raises `TooLarge`, `MalformedHeader`."""
        declared = self.headers.get("content-length")
        if declared is None:
            return None
        if not declared.isascii() or not declared.isdigit():
            raise MalformedHeader("Content-Length is not a number.")
        if int(declared) > limit:
            raise TooLarge(f"The body may have at most {limit} bytes.", limit_bytes=limit)
        return int(declared)


def new_request_id() -> str:
    """Make an id that no other request has."""
    return f"{_PROCESS}-{next(_NUMBERS):x}"


def visit_of(scope: Any) -> Visit:
    """Give the visit that the gate put into an ASGI scope."""
    return cast("Visit", scope[VISIT])


async def json_body(visit: Visit, receive: Receive) -> bytes:
    """Read a JSON body. Raises `TooLarge`, `UnsupportedMediaType`, `BodyTimeout`, `ClientGone`."""
    length = visit.length(JSON_LIMIT)
    media_type = visit.headers.get("content-type", "application/json")
    if not media_type.startswith("application/json"):
        raise UnsupportedMediaType("Send the body as application/json.")
    if length is not None and length <= SMALL:
        return await _all(visit, receive)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _all(visit, receive)
    except TimeoutError:
        raise BodyTimeout from None


async def _all(visit: Visit, receive: Receive) -> bytes:
    body = b""
    while visit.unread:
        body += await chunk(visit, receive)
        if len(body) > JSON_LIMIT:
            raise TooLarge(f"The body may have at most {JSON_LIMIT} bytes.", limit_bytes=JSON_LIMIT)
    return body


async def chunk(visit: Visit, receive: Receive) -> bytes:
    """Read the next part of a body that is `unread`. Raises `ClientGone`."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    visit.unread = message.get("more_body", False)
    return message.get("body", b"")


async def drain(visit: Visit, receive: Receive) -> None:
    """Take in the rest of a body that nobody wants, for a while: a client that still sends would not see the answer."""
    left = DRAINED
    with suppress(TimeoutError, ClientGone):
        async with asyncio.timeout(DRAIN_SECONDS):
            while visit.unread and left > 0:
                left -= len(await chunk(visit, receive))
