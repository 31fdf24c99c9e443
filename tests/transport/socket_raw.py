"""Sockets without a library: frames written and read by hand."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.transport.socket_world import SOON, Server, Somebody

FIN, CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x80, 0, 1, 2, 8, 9, 10


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
