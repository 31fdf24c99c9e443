"""What waits to be sent on one socket, over real transports."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from transport.gateway.socket_buffer import MOST_BYTES, ROOM_BYTES, Outbox
from transport.gateway.socket_formats import JSON, Text


class Wire(asyncio.Protocol):
    """An outbox, and the other end, which reads when it is asked to."""

    def __init__(self) -> None:
        self.overflows = 0
        self.reader, writer = socket.socketpair()
        for end in (self.reader, writer):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.writer = writer
        self.outbox: Outbox

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.outbox = Outbox(transport, JSON, self.overflow)
        self.transport = transport

    def pause_writing(self) -> None:
        self.outbox.pause()

    def resume_writing(self) -> None:
        self.outbox.resume()

    def overflow(self) -> None:
        self.overflows += 1

    async def read(self, size: int) -> bytes:
        loop, heard = asyncio.get_running_loop(), b""
        async with asyncio.timeout(10):
            while len(heard) < size:
                heard += await loop.sock_recv(self.reader, 65536)
        return heard

    async def payloads(self, *texts: Text) -> None:
        """Check that exactly these come."""
        frames = b"".join(text.frame(JSON) for text in texts)
        assert await self.read(len(frames)) == frames


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    await asyncio.get_running_loop().create_connection(lambda: wire, sock=wire.writer)
    yield wire
    wire.transport.abort()
    wire.reader.close()


def text(body: str) -> Text:
    return Text(body.encode())


BIG = text("x" * (ROOM_BYTES + 10_000))


async def test_a_reader_that_keeps_up_gets_everything_at_once(wire: Wire) -> None:
    wire.outbox.put(text("a"))
    wire.outbox.put_first(text("ping"))
    wire.outbox.put_if_room(text("progress"))
    await wire.payloads(text("a"), text("ping"), text("progress"))
    assert wire.outbox.size == 0
    await wire.outbox.room()
    await wire.outbox.flushed()


async def test_what_waits_is_counted_with_what_the_transport_holds_and_keeps_its_order(wire: Wire) -> None:
    for each in (BIG, text("a"), text("b")):
        wire.outbox.put(each)
    wire.outbox.put_first(text("ping"))
    wire.outbox.put_if_room(text("progress"))
    assert ROOM_BYTES < wire.outbox.size < ROOM_BYTES + 20_000
    flushed = asyncio.create_task(wire.outbox.flushed())
    await asyncio.sleep(0)
    assert not flushed.done()
    await wire.payloads(BIG, text("ping"), text("a"), text("b"))
    await flushed
    wire.outbox.put_if_room(text("more progress"))
    await wire.payloads(text("more progress"))
    assert wire.outbox.size == 0


async def test_a_single_message_may_be_of_any_size_but_not_a_second(wire: Wire) -> None:
    huge = text("x" * (MOST_BYTES + 100_000))
    wire.outbox.put(huge)
    wire.outbox.put(text("a"))
    assert wire.overflows == 0
    wire.outbox.put(text("b"))
    assert wire.overflows == 1
    wire.outbox.put(text("c"))
    assert wire.overflows == 1
    await wire.payloads(huge)  # what the transport has cannot be taken back
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            assert await wire.read(1) == b""


async def test_control_frames_count_too(wire: Wire) -> None:
    wire.outbox.put(BIG)
    pongs = 0
    while not wire.overflows:
        wire.outbox.put_control(b"x" * 1000)
        pongs += 1
    assert pongs < 1000
    wire.outbox.put_control(b"x")
    assert wire.overflows == 1


async def test_a_backlog_waits_for_room(wire: Wire) -> None:
    wire.outbox.put(BIG)
    room = asyncio.create_task(wire.outbox.room())
    await asyncio.sleep(0)
    assert not room.done()
    await wire.payloads(BIG)
    await asyncio.wait_for(room, 5)


async def test_nobody_waits_for_room_on_a_socket_that_closes(wire: Wire) -> None:
    wire.outbox.put(BIG)
    wire.outbox.put(text("a"))
    waiting = [asyncio.create_task(wait()) for wait in (wire.outbox.room, wire.outbox.flushed)]
    await asyncio.sleep(0)
    wire.outbox.clear()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
    wire.outbox.put(text("b"))
    await wire.payloads(BIG)
