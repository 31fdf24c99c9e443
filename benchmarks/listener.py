"""A process full of sockets for the socket benchmark: notes how late each event is.

Run as a program with a port and a file of listeners. It prints `ready` when all of them would hear what is new, and its
figures when a line arrives on standard input.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

HOST = "127.0.0.1"
WARM_UP = 2.0
"""Seconds after `ready` whose events do not count."""


class Listener(Struct):
    """A socket to open: its path, its bearer token, and the feed to subscribe to, if it has to say one."""

    path: str
    token: str = ""
    feed: str = ""


class Figures(Struct):
    """Latencies in milliseconds, and how many events arrived on all sockets together."""

    p50: float
    p95: float
    p99: float
    most: float
    events: int


class Heard(asyncio.Protocol):
    """A WebSocket client that does nothing but note how late each event is."""

    def __init__(self, listener: Listener, late: list[float], ready: Callable[[], None]) -> None:
        """Open `listener`'s socket; call `ready` when what is new would be heard."""
        self._listener = listener
        self._late = late
        self._ready = ready
        self._received = b""
        self._open = False
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = transport
        listener = self._listener
        authorization = f"Authorization: Bearer {listener.token}\r\n" if listener.token else ""
        self._transport.write(
            f"GET {listener.path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{authorization}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take in frames, or parts of them."""
        now = time.time()
        self._received += data
        if not self._open:
            head, self._open, self._received = _split(self._received)
            if not self._open:
                return
            assert b" 101 " in head, head
            if self._listener.feed:
                self._say(f'{{"op":"subscribe","id":1,"feed":"{self._listener.feed}"}}')
            else:
                self._ready()
        while (end := _end(self._received)) is not None:
            start, end = end
            for line in self._received[start:end].split(b"\n"):
                self._hear(line, now)
            self._received = self._received[end:]

    def _hear(self, line: bytes, now: float) -> None:
        if line.startswith(b'{"op":"event"'):
            self._late.append(now - _time(line.partition(b'"at":"')[2][:32]))
        elif line.startswith(b'{"op":"ping"'):
            self._say('{"op":"pong"}')
        elif line.startswith(b'{"op":"caught_up"'):
            self._ready()

    def _say(self, text: str) -> None:
        self._transport.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode())  # a mask of zeroes


def _split(received: bytes) -> tuple[bytes, bool, bytes]:
    head, found, rest = received.partition(b"\r\n\r\n")
    return (head, True, rest) if found else (b"", False, received)


def _end(received: bytes) -> tuple[int, int] | None:
    """Find where the payload of the first frame begins and ends; `None` while it is not complete."""
    if len(received) < 2:
        return None
    length, start = received[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        if len(received) < start:
            return None
        length = int.from_bytes(received[2:start], "big")
    return (start, start + length) if len(received) >= start + length else None


_times: dict[bytes, float] = {}


def _time(at: bytes) -> float:
    """Read a time; the same event comes on many sockets."""
    if at not in _times:
        if len(_times) > 1000:
            _times.clear()
        _times[at] = datetime.fromisoformat(at.decode()).timestamp()
    return _times[at]


async def _listen(port: int, listeners: list[Listener]) -> Figures:
    loop = asyncio.get_running_loop()
    late: list[float] = []
    ready = asyncio.Semaphore(0)
    for listener in listeners:
        await loop.create_connection(lambda listener=listener: Heard(listener, late, ready.release), HOST, port)
    for _ in listeners:
        await ready.acquire()
    print("ready", flush=True)
    await asyncio.sleep(WARM_UP)
    late.clear()
    await asyncio.to_thread(sys.stdin.readline)
    late.sort()
    p50, p95, p99 = (late[int(len(late) * part)] * 1000 for part in (0.5, 0.95, 0.99))
    return Figures(p50, p95, p99, late[-1] * 1000, len(late))


if __name__ == "__main__":
    _port, _path = sys.argv[1:]
    _listeners = msgspec.json.decode(Path(_path).read_bytes(), type=list[Listener])
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_listen(int(_port), _listeners))))
