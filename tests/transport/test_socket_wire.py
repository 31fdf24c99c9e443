"""RFC 6455 by hand: handshakes that are none, frames in parts, frames that break the rules, and floods of them."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.write_side import WriteSide
from tests.transport.socket_world import (
    SOON,
    Server,
    Somebody,
    ann,
    open_socket,
    server,
    somebody,
    subprotocol,
    write,
)
from transport.gateway.socket_formats import MESSAGE_BYTES

__all__ = ["ann", "server", "subprotocol", "write"]

FIN, CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x80, 0, 1, 2, 8, 9, 10
MEGABYTES = 1024 * 1024


def masked(first: int, payload: bytes = b"") -> bytes:
    """Write a frame as clients do; its mask changes nothing."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = bytes((first, 0xFE)) + struct.pack("!H", size)
    else:
        head = bytes((first, 0xFF)) + struct.pack("!Q", size)
    return head + bytes(4) + payload


class Raw:
    """A socket without a library."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self) -> tuple[int, bytes]:
        """Read a frame: its opcode and payload."""
        async with asyncio.timeout(SOON):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            assert first & 0xF0 == FIN
            return first & 0x0F, await self.reader.readexactly(size)

    async def until(self, opcode: int) -> bytes:
        """Skip frames up to one of this kind."""
        while True:
            kind, payload = await self.frame()
            if kind == opcode:
                return payload

    async def close_code(self) -> int:
        """Read to the end, as a client that obeys does; give the code."""
        payload = await self.until(CLOSE)
        self.writer.write(masked(FIN | CLOSE, payload))
        async with asyncio.timeout(SOON):
            assert await self.reader.read() == b""
        return int.from_bytes(payload[:2], "big")

    async def told(self) -> dict[str, Any]:
        """Read a message."""
        return msgspec.json.decode(await self.until(TEXT))


def handshake(**headers: str) -> bytes:
    given = {
        "host": "x",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "plumbline.v1",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return "".join(f"{name}: {value}\r\n" for name, value in given.items() if value).encode() + b"\r\n"


@asynccontextmanager
async def raw(server: Server, who: Somebody | None = None, *, early: bytes = b"") -> AsyncGenerator[Raw]:
    """Open a socket, with bytes right behind the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4096)
    headers = {} if who is None else {"authorization": f"Bearer {who.token}"}
    writer.write(b"GET /api/ws HTTP/1.1\r\n" + handshake(**headers) + early)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nsec-websocket-extensions" not in head.lower()
    client = Raw(reader, writer)
    if who is not None:
        assert (await client.told())["op"] == "welcome"
    yield client
    writer.close()


@pytest.mark.parametrize(
    ("start", "headers", "status"),
    [
        (b"GET /api/nowhere HTTP/1.1", {}, 404),
        (b"GET /api/ws HTTP/1.1", {"sec_websocket_key": ""}, 400),
        (b"GET /api/ws HTTP/1.1", {"sec_websocket_key": "short"}, 400),
        (b"GET /api/ws HTTP/1.1", {"sec_websocket_version": "8"}, 400),
        (b"POST /api/ws HTTP/1.1", {}, 400),
        (b"GET /api/ws HTTP/1.1", {"x": "y" * 20_000}, 400),
    ],
)
async def test_a_handshake_that_is_none_gets_a_problem(
    server: Server, start: bytes, headers: dict[str, str], status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(start + b"\r\n" + handshake(**headers))
    head, _, body = (await asyncio.wait_for(reader.read(), SOON)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert msgspec.json.decode(body)["status"] == status
    writer.close()


async def test_frames_in_parts_with_others_between_are_put_together(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(
            masked(TEXT, b'{"op":"pi') + masked(FIN | PING, b"are you there") + masked(CONT, b'ng","t"')
        )
        assert await client.frame() == (PONG, b"are you there")
        for byte in masked(FIN | CONT, b":7}"):
            client.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert await client.told() == {"op": "pong", "t": 7}


async def test_what_comes_right_behind_the_handshake_is_heard_after_it(server: Server, ann: Somebody) -> None:
    sign_in = msgspec.json.encode({"op": "auth", "id": 1, "token": ann.token})
    async with raw(server, early=masked(FIN | TEXT, sign_in) + masked(FIN | TEXT, b'{"op":"ping","t":1}')) as client:
        assert await client.told() == {"op": "signed_in", "id": 1}
        assert (await client.told())["op"] == "welcome"
        assert await client.told() == {"op": "pong", "t": 1}


async def test_a_client_that_closes_is_answered_and_let_go(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(masked(FIN | CLOSE, struct.pack("!H", 1000)))
        assert await client.frame() == (CLOSE, struct.pack("!H", 1000))
        assert await asyncio.wait_for(client.reader.read(), SOON) == b""


@pytest.mark.parametrize("goodbye", [masked(FIN | CLOSE, struct.pack("!H", 1000)), b""])
async def test_a_client_that_leaves_without_reading_the_rest_is_forgotten_at_once(
    server: Server, ann: Somebody, goodbye: bytes
) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, "x" * 50_000, count=100)
    feed = f"project:{project_id}"
    async with raw(server, ann) as client:
        client.writer.transport.pause_reading()
        client.writer.write(
            masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"%s","after":0}' % feed.encode())
            + masked(FIN | TEXT, b'{"op":"subscribe","id":2,"feed":"%s","after":0}' % feed.encode())
        )
        async with asyncio.timeout(SOON):
            while feed not in server.held["feeds"]:
                await asyncio.sleep(0.05)
        assert last > 100
        client.writer.write(goodbye)
        client.writer.write_eof()
        async with asyncio.timeout(8):  # before anybody loses patience with the connection
            while server.held["sockets"]:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (bytes((FIN | TEXT, 2)) + b"{}", 1002),  # not masked
        (masked(FIN | 3), 1002),  # an opcode that means nothing
        (masked(FIN | 0x40 | TEXT, b"{}"), 1002),  # compressed, which was not agreed on
        (masked(FIN | CONT, b"{}"), 1002),  # the rest of nothing
        (masked(FIN | PING, b"x" * 126), 1002),
        (masked(FIN | TEXT, b'{"op":"\xff"}'), 1007),
        (masked(TEXT, b'"\xc3') + masked(FIN | CONT, b'"'), 1007),
        (masked(FIN | TEXT, b"x" * (MESSAGE_BYTES + 1)), 1009),
        (masked(TEXT, b"x" * MESSAGE_BYTES) + masked(FIN | CONT, b"x"), 1009),
        (masked(FIN | TEXT)[:1] + b"\xff" + struct.pack("!Q", 2**62), 1009),  # refused before it comes
    ],
)
async def test_frames_against_the_rules_end_the_socket_with_a_word(
    server: Server, ann: Somebody, frames: bytes, code: int
) -> None:
    async with raw(server, ann) as client:
        client.writer.write(frames)
        if code == 1009:
            assert (await client.told())["problem"]["code"] == "too_large"
        bye = await client.told()
        assert (bye["op"], bye["code"], bye["reconnect"]) == ("bye", code, False)
        assert await client.close_code() == code


async def test_whoever_never_closes_is_cut_off(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(masked(FIN | TEXT, b"no") * 3)
        payload = await client.until(CLOSE)
        assert int.from_bytes(payload[:2], "big") == 4400
        async with asyncio.timeout(SOON):
            assert await client.reader.read() == b""


async def test_the_other_kind_of_frame_is_an_error(server: Server, ann: Somebody, subprotocol: str) -> None:
    async with await open_socket(server, ann) as client:
        await client.connection.send('{"op":"ping"}' if client.packed else b"\x81\xa2op\xa4ping")
        error = await client.hear()
        assert error["problem"]["code"] == "malformed_json"
        assert subprotocol in error["problem"]["detail"]
        await client.say(op="ping", t=1.5)
        assert await client.hear() == {"op": "pong", "t": 1.5}


async def test_nonsense_in_messagepack_is_answered_and_then_closes(server: Server, ann: Somebody) -> None:
    client = await open_socket(server, ann, subprotocols=["plumbline.v1.msgpack"])
    await client.connection.send(b"\x81\xa2op\xa4ping" + b"\x80" + b"\xc1")
    assert await client.hear() == {"op": "pong"}
    codes = [(await client.until("error"))["problem"]["code"] for _ in range(2)]
    assert codes == ["invalid_body", "malformed_json"]
    await client.connection.send(b"\xc1")
    bye, code = await client.farewell()
    assert (code, bye["code"]) == (4400, 4400)


async def test_the_first_offer_that_is_spoken_is_chosen(server: Server, ann: Somebody) -> None:
    for offers in (["chat.v7", "plumbline.v1.msgpack", "plumbline.v1"], ["plumbline.v1", "plumbline.v1.msgpack"]):
        async with await open_socket(server, ann, subprotocols=offers) as client:
            assert client.connection.subprotocol == next(each for each in offers if each.startswith("plumbline"))


def memory(server: Server) -> int:
    """Bytes of memory that the server's process holds."""
    assert server.process is not None
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096


FLOODS = {
    "pings": masked(FIN | PING, b"x" * 100) * 200,
    "messages": masked(FIN | TEXT, b'{"op":"ping","t":1}') * 100,
    "empty messages": masked(FIN | TEXT) * 200,
    "lines": masked(FIN | TEXT, b"\n" * 60_000),
    "parts": masked(TEXT, b"x") + masked(CONT) * 10_000,
    "subscriptions": masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"project:x"}') * 50,
}


@pytest.mark.parametrize("flood", list(FLOODS))
async def test_a_flood_ends_its_socket_and_costs_nobody_memory(server: Server, ann: Somebody, flood: str) -> None:
    async with await open_socket(server, ann) as other, raw(server, ann) as client:
        before = memory(server)
        sent = 0
        while not client.writer.transport.is_closing() and sent < 64 * MEGABYTES:
            client.writer.write(FLOODS[flood])
            sent += len(FLOODS[flood])
            try:  # never reads: what is answered piles up, until the server has enough
                async with asyncio.timeout(0.5):
                    await client.writer.drain()
            except (TimeoutError, ConnectionError):
                break
            await asyncio.sleep(0)
        assert memory(server) - before < 32 * MEGABYTES
        client.writer.transport.abort()
        await other.say(op="ping", t=1)
        assert await other.hear() == {"op": "pong", "t": 1}


async def test_clients_that_never_read_are_let_go_and_forgotten(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    subscribe = masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"%s"}' % feed.encode())
    async with raw(server, ann) as deaf:
        deaf.writer.transport.pause_reading()
        deaf.writer.write(subscribe)
        async with asyncio.timeout(SOON):
            while server.held["feeds"].get(feed) != 1:
                await asyncio.sleep(0.05)
        before = memory(server)
        added = 0
        while server.held["feeds"].get(feed):
            await ann.add(project_id, "x" * 50_000, count=20)
            added += 20
            assert added < 1_000, "it was never let go"
        assert memory(server) - before < 32 * MEGABYTES


async def test_two_hundred_raw_sockets_that_vanish_leave_nothing(server: Server, write: WriteSide) -> None:
    people = [await somebody(write) for _ in range(2)]
    for cycle in range(200):
        async with raw(server, people[cycle % 2] if cycle % 3 else None) as client:
            client.writer.write(FLOODS["subscriptions"][: 10 * cycle])
            if cycle % 2:
                client.writer.transport.abort()
    async with asyncio.timeout(SOON):
        while server.held["sockets"] or server.held["feeds"] or server.held["accounts"]:
            await asyncio.sleep(0.05)
    assert not [name for name in server.held["tasks"] if name.startswith("socket ")]
