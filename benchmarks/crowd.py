"""A process full of sockets for the gateway's benchmarks: bare protocols that read just enough to count.

Run as a program with a file of `Seat`s. It says `ready` when every socket would hear what is new, then answers one
`Order` a line on standard input. A client library would be slower than the servers that are measured.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import psutil
import uvloop
from msgspec import Struct

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds that an order may take."""
AT_ONCE = 100
"""Handshakes under way: more would measure the queue of the listening socket."""
PATHS = {"plumbline": "/api/ws", "bare": "/", "socketio": "/socket.io/?EIO=4&transport=websocket"}
EVENT = b'"op":"event"'
SEQUENCE = b'"sequence":'


class Seat(Struct):
    """A socket to open: where, what is spoken there, and the feed to follow."""

    port: int
    dialect: Literal["plumbline", "bare", "socketio", "channels"]
    feed: str
    token: str = ""
    after: int | None = None


class Order(Struct, omit_defaults=True):
    """What to do: see `Crowd`."""

    do: Literal["wait", "forget", "late", "cut", "back"]
    number: int = 0


class Told(Struct):
    """What came of it: events heard, from the first to the last in seconds, and this process's processor time."""

    events: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    errors: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    most: float = 0.0


class Crowd:
    """All sockets, and what they heard together."""

    def __init__(self, seats: list[Seat]) -> None:
        """Prepare a socket for each of `seats`."""
        self.events = 0
        self.errors = 0
        self.first = self.last = 0.0
        self.late: list[float] = []
        self.target = 0
        self.reached = 0
        self._sockets = [Socket(self, seat) for seat in seats]
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._cpu = 0.0

    async def open(self) -> None:
        """Open all sockets, and wait until each is live. A server that refuses is asked again."""
        await asyncio.gather(*map(self._open, self._sockets))

    async def carry_out(self, order: Order) -> Told:
        """Do as told."""
        match order.do:
            case "forget":
                self._forget()
            case "wait":  # until so many events were heard
                await _until(lambda: self.events >= order.number)
            case "late":
                pass
            case "cut":  # everybody's connection at once
                for socket in self._sockets:
                    socket.cut()
            case "back":  # everybody at once, until each has heard of this sequence
                self._forget()
                self.first, self.target = time.perf_counter(), order.number
                await self.open()
                await _until(lambda: self.reached == len(self._sockets))
        return self._told()

    def hear(self, count: int, now: float) -> None:
        """Count events."""
        self.events += count
        self.last = now
        if not self.first:
            self.first = now

    def _forget(self) -> None:
        self.events = self.errors = self.reached = 0
        self.first = self.last = 0.0
        self._cpu = _cpu()
        self.late.clear()

    def _told(self) -> Told:
        told = Told(self.events, self.last - self.first, _cpu() - self._cpu, self.errors)
        if self.late:
            late = sorted(self.late)
            told.p50, told.p95, told.p99 = (late[int(len(late) * part)] * 1000 for part in (0.5, 0.95, 0.99))
            told.most = late[-1] * 1000
        return told

    async def _open(self, socket: "Socket") -> None:
        async with self._slots:
            while not await socket.open():
                self.errors += 1
                await asyncio.sleep(0.1)


class Socket(asyncio.Protocol):
    """A WebSocket client that counts events, and notes how late each is and whether one is missing."""

    def __init__(self, crowd: Crowd, seat: Seat) -> None:
        """Take `seat`."""
        self.sequence = -1 if seat.after is None else seat.after
        self._crowd = crowd
        self._seat = seat
        self._rest = b""
        self._talking = False
        self._last = b""
        self._recovery = b""
        """What Socket.IO's server wants to know of whoever comes back."""
        self._transport: Any = None
        self._live: asyncio.Future[bool] | None = None

    async def open(self) -> bool:
        """Connect and follow the feed, from where it was left; answer whether that worked."""
        loop = asyncio.get_running_loop()
        self._rest, self._talking = b"", False
        live = self._live = loop.create_future()
        try:
            await loop.create_connection(lambda: self, HOST, self._seat.port)
        except OSError:
            return False
        return await live

    def cut(self) -> None:
        """Lose the connection."""
        if self._seat.dialect == "socketio" and self._recovery:
            offset = self._last.rpartition(b',"')[2].removesuffix(b'"]')
            self._recovery = b'{"pid":"%b","offset":"%b"}' % (self._recovery, offset)
        self._live = None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = transport
        seat = self._seat
        path = f"/{seat.feed}" if seat.dialect == "channels" else PATHS[seat.dialect]
        authorization = f"Authorization: Bearer {seat.token}\r\n" if seat.token else ""
        self._transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{authorization}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever did not expect it."""
        del exc
        if self._live is not None and not self._live.done():
            self._live.set_result(False)
        elif self._live is not None:
            self._crowd.errors += 1

    def data_received(self, data: bytes) -> None:
        """Take in frames, or parts of them."""
        if self._rest:
            data = self._rest + data
        if not self._talking:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            assert b" 101 " in head, head
            self._talking = True
            if self._seat.dialect == "channels":
                self._be_live()
            elif self._seat.dialect != "socketio":
                self._join()
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                start += 2
            elif length == 127:
                start += 8
            if length > 125:
                length = int.from_bytes(data[at + 2 : start], "big")
            if start > size or start + length > size:
                break
            self._take(data[at] & 0x0F, data[start : start + length])
            at = start + length
        self._rest = data[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode > 2:
            if opcode == 9:
                self._say(payload, 0x8A)
            return
        count = payload.count(EVENT)
        if count:
            self._hear(payload, count)
            return
        if payload == b"2":
            self._say(b"3")
        elif payload.startswith(b'{"op":"ping"'):
            self._say(b'{"op":"pong"}')
        elif payload.startswith((b'{"op":"caught_up"', b'{"op":"joined"', b"430")):
            self._be_live()
        elif payload.startswith(b"0{"):
            self._say(b"40" + (self._recovery if self._recovery.startswith(b"{") else b""))
        elif payload.startswith(b"40{"):
            self._recover(payload)
        assert not payload.startswith((b'{"op":"error"', b'{"op":"reset"', b'{"op":"bye"', b"44")), payload

    def _hear(self, payload: bytes, count: int) -> None:
        crowd, seat = self._crowd, self._seat
        self._last = payload
        crowd.hear(count, time.perf_counter())
        after = payload.rfind(SEQUENCE) + len(SEQUENCE)
        sequence = int(payload[after : payload.index(b",", after)])
        assert self.sequence < 0 or sequence == self.sequence + count, (self.sequence, count, payload)
        self.sequence = sequence
        at = payload.find(b'"at":"') + 6  # of the first: whatever shares its frame is younger, and counts as old
        crowd.late.extend([time.time() - _time(payload[at : at + 32])] * count)
        if sequence == crowd.target and crowd.target:
            crowd.reached += 1
        if seat.dialect == "plumbline" and b'{"op":"caught_up"' in payload:
            self._be_live()

    def _join(self) -> None:
        after = f',"after":{self.sequence}' if self.sequence >= 0 else ""
        if self._seat.dialect == "socketio":
            self._say(f'420["join","{self._seat.feed}",{self.sequence}]'.encode())
        else:
            self._say(f'{{"op":"subscribe","id":1,"feed":"{self._seat.feed}"{after}}}'.encode())

    def _recover(self, payload: bytes) -> None:
        """Hear Socket.IO's welcome: whoever is recognised is in their rooms again."""
        pid = msgspec.json.decode(payload[2:]).get("pid", "").encode()
        recovered = bool(pid) and pid in self._recovery
        self._recovery = pid
        if recovered:
            self._be_live()
        else:
            self._join()

    def _be_live(self) -> None:
        if self._live is not None and not self._live.done():
            self._live.set_result(True)

    def _say(self, text: bytes, first: int = 0x81) -> None:
        size = len(text)
        head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2, "big")
        self._transport.write(head + b"\0\0\0\0" + text)  # a mask of zeroes


_times: dict[bytes, float] = {}


def _time(at: bytes) -> float:
    """Read a time; the same event comes on many sockets."""
    if at not in _times:
        if len(_times) > 1000:
            _times.clear()
        _times[at] = datetime.fromisoformat(at.decode()).timestamp()
    return _times[at]


async def _until(done: Callable[[], bool]) -> None:
    """Wait; whoever asked sees by the figures when it took too long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not done():  # noqa: ASYNC110 - an event would cost something for each frame
                await asyncio.sleep(0.01)


def _cpu() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system


async def _attend(seats: list[Seat], say: Callable[[bytes], Any]) -> None:
    crowd = Crowd(seats)
    await crowd.open()
    say(b"ready\n")
    while line := await asyncio.to_thread(sys.stdin.readline):
        told = await crowd.carry_out(msgspec.json.decode(line, type=Order))
        say(msgspec.json.encode(told) + b"\n")


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_attend(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=list[Seat]), _say))
