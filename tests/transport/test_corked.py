"""What is written in one turn of the loop leaves together."""

import asyncio

from transport.corked import LARGE, Corked


class Peer(asyncio.Protocol):
    """Notes what arrives, and each piece that was written to its transport."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.received = b""
        self.over = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set_result(exc)


class Counted:
    """A transport that counts what is written to it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.writes: list[int] = []

    def write(self, data: bytes) -> None:
        self.writes.append(len(data))
        self.transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self.transport, name)


async def connected() -> tuple[Counted, Corked, Peer, asyncio.Server]:
    loop = asyncio.get_running_loop()
    peer = Peer()
    server = await loop.create_server(lambda: peer, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    counted = Counted(transport)
    return counted, Corked(counted, loop), peer, server  # pyright: ignore[reportArgumentType]


async def test_a_head_and_its_body_are_one_write() -> None:
    counted, corked, peer, server = await connected()
    corked.write(b"head")
    corked.write(b"body")
    assert counted.writes == []
    await asyncio.sleep(0)
    corked.write(b"next")
    corked.close()
    await peer.over
    assert counted.writes == [8, 4]
    assert peer.received == b"headbodynext"
    server.close()


async def test_much_is_written_at_once() -> None:
    counted, corked, peer, server = await connected()
    corked.write(b"head")
    corked.write(bytes(LARGE))
    assert counted.writes == [4 + LARGE]
    corked.write(b"end")
    corked.write_eof()
    await peer.over
    assert counted.writes == [4 + LARGE, 3]
    assert len(peer.received) == 4 + LARGE + 3
    corked.close()
    server.close()


async def test_another_protocol_gets_the_transport_itself_and_nothing_is_overtaken() -> None:
    counted, corked, peer, server = await connected()
    corked.write(b"switching")
    transport = corked.uncorked()
    transport.write(b"protocols")
    transport.close()
    await peer.over
    assert peer.received == b"switchingprotocols"
    assert corked.is_closing()
    assert counted.writes == [9, 9]
    server.close()
