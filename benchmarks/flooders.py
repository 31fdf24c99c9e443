"""A process of clients that mean no good: they send too much, or nonsense, or never read, and come back at once.

Run as a program with a file of `Flood`. It says `ready` when every socket is signed in, floods until its standard input
closes, and then tells what it did. It is polite to the machine alone: it gives way to every other process, and keeps to
a rate, so that what others feel is what the server does.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain, cycle, repeat
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import msgspec
import psutil
import uvloop
from msgspec import Struct

from benchmarks.crowd import HOST, PATHS

Kind = Literal["messages", "too_big", "not_utf8", "wrong_types", "subscriptions", "never_reading", "no_pongs"]
TICK = 0.01
"""Seconds between two bursts of a socket."""
PAUSE = 0.05
"""Seconds that a socket that was closed waits before it comes back: a hundredth of what it was told to."""
GIVING_WAY = 10


class Flood(Struct):
    """So many sockets, each of which sends so many frames a second, at a gateway's port."""

    kind: Kind
    port: int
    tokens: list[str]
    feeds: list[str]
    sockets: int
    per_second: int


class Done(Struct):
    """What came of it: frames sent, connections opened, close codes heard, and this process's processor time."""

    sent: int = 0
    opened: int = 0
    codes: dict[str, int] = {}
    cpu: float = 0.0


def frames_of(flood: Flood, number: int) -> Iterator[bytes]:
    """Give the frames that socket `number` sends, without end."""
    feed = flood.feeds[number % len(flood.feeds)]
    match flood.kind:
        case "messages":
            return repeat(framed(b'{"op":"ping","t":1}'))
        case "too_big":
            return repeat(framed(b'{"op":"ping","t":' + b"1" * (64 * 1024 + 1 - 18) + b"}"))
        case "not_utf8":
            return repeat(framed(b'{"op":"ping","t":"\xff\xfe"}'))
        case "wrong_types":
            return cycle((framed(b'{"op":"subscribe","id":[],"feed":5}'), framed(b'{"op":7}'), framed(b"[[1],{}]")))
        case "subscriptions":
            return chain.from_iterable(
                repeat(
                    (
                        framed(f'{{"op":"subscribe","id":1,"feed":"{feed}"}}'.encode()),
                        framed(f'{{"op":"unsubscribe","id":2,"feed":"{feed}"}}'.encode()),
                    )
                )
            )
        case "never_reading":
            replay = framed(f'{{"op":"subscribe","id":1,"feed":"{feed}","after":0}}'.encode())
            return chain((replay,), repeat(framed(b'{"op":"ping","t":1}')))
        case "no_pongs":
            return chain((framed(f'{{"op":"subscribe","id":1,"feed":"{feed}"}}'.encode()),), repeat(b""))


def framed(payload: bytes, first: int = 0x81) -> bytes:
    """Write a client's frame, with a mask of zeroes."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


class Flooder(asyncio.Protocol):
    """One socket that floods, over as many connections as it takes."""

    def __init__(self, flood: Flood, number: int, done: Done) -> None:
        """Be socket `number`."""
        self._flood = flood
        self._token = flood.tokens[number % len(flood.tokens)]
        self._number = number
        self._done = done
        self._codes: Counter[str] = Counter()
        self._rest = b""
        self._transport: Any = None
        self._signed_in = asyncio.Event()
        self._gone = asyncio.Event()

    async def keep_on(self, start: asyncio.Event, ready: asyncio.Semaphore) -> None:
        """Connect; once `start` is set, flood, and come back whenever it was closed."""
        loop = asyncio.get_running_loop()
        while True:
            self._rest = b""
            self._gone.clear()
            self._signed_in.clear()
            await loop.create_connection(lambda: self, HOST, self._flood.port)
            self._done.opened += 1
            await self._signed_in.wait()
            ready.release()
            if not start.is_set():
                await start.wait()
                await asyncio.sleep(self._number / self._flood.sockets)  # they know nothing of each other
            await self._send()
            await asyncio.sleep(PAUSE)

    async def _send(self) -> None:
        frames = frames_of(self._flood, self._number)
        began, sent = monotonic(), 0
        if self._flood.kind == "never_reading":
            self._transport.pause_reading()
        while not self._gone.is_set():
            due = int((monotonic() - began) * self._flood.per_second) + 1 - sent
            if due > 0 and self._transport.get_write_buffer_size() == 0:
                self._transport.write(b"".join(next(frames) for _ in range(due)))
                sent += due
                self._done.sent += due
            await asyncio.sleep(TICK)
            if self._transport.is_closing():
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = transport
        self._transport.write(
            f"GET {PATHS['plumbline']} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear that it is over."""
        del exc
        self._gone.set()
        self._signed_in.set()

    def data_received(self, data: bytes) -> None:
        """Look for the welcome, for pings to answer, and for the close code; forget everything else."""
        data = self._rest + data
        if not self._signed_in.is_set():
            if b'"op":"welcome"' not in data:
                self._rest = data
                return
            self._signed_in.set()
        if b'"op":"ping"' in data and self._flood.kind != "no_pongs":
            self._transport.write(framed(b'{"op":"pong"}'))
        found = data.rfind(b'{"op":"bye"')
        if found >= 0 and (end := data.find(b"}", found)) >= 0:
            code = str(msgspec.json.decode(data[found : end + 1])["code"])
            self._done.codes[code] = self._done.codes.get(code, 0) + 1
            self._transport.abort()
        self._rest = data[-512:] if found < 0 else b""


async def _flood(flood: Flood) -> Done:
    done = Done()
    start, ready = asyncio.Event(), asyncio.Semaphore(0)
    flooders = [Flooder(flood, number, done) for number in range(flood.sockets)]
    tasks = [asyncio.create_task(flooder.keep_on(start, ready)) for flooder in flooders]
    for _ in flooders:
        await ready.acquire()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    cpu = _cpu()
    start.set()
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    done.cpu = _cpu() - cpu
    return done


def _cpu() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    os.nice(GIVING_WAY)
    _told = uvloop.run(_flood(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Flood)))
    sys.stdout.buffer.write(msgspec.json.encode(_told) + b"\n")
