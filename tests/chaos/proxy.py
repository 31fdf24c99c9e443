"""A TCP proxy in this process that does to connections what networks do: delays them, cuts them, and worse."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

CHUNK = 64 * 1024
TRICKLE = 512
"""Bytes that pass at a time where the network is slow."""


class Proxy:
    """Stands before one port. What it does to connections holds for those that are open and those that come."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        """Seconds that each piece is late, either way."""
        self.slow = False
        """Whether what the server sends only trickles, so that its buffers fill."""
        self.closed = False
        """Whether newcomers are turned away."""
        self.no_sockets = False
        """Whether this is one of those proxies that know nothing of WebSockets."""
        self.cuts = 0
        """Connections that were ended here."""
        self._target = target
        self._open: set[Pipe] = set()
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection."""
        for pipe in list(self._open):
            self.cuts += 1
            pipe.cut()

    def cut_in_frame(self, after: int) -> None:
        """Reset each connection when so many more bytes have come from the server: most likely amid a frame."""
        for pipe in self._open:
            pipe.left = after

    def half_open(self) -> None:
        """Let nothing more through on the open connections, and tell nobody."""
        for pipe in self._open:
            pipe.passing.clear()
            pipe.dead = True

    def heal(self) -> None:
        """Be a good network. What is half-open stays so: nothing but a new connection helps against that."""
        self.delay, self.slow, self.closed, self.no_sockets = 0.0, False, False, False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving[serving] = writer
        serving.add_done_callback(self._finish)  # also for one that is cancelled before it begins

    def _finish(self, serving: asyncio.Task[None]) -> None:
        self._serving.pop(serving).transport.abort()

    async def end(self) -> None:
        """Let go of every connection."""
        while serving := list(self._serving):  # some may come while others go
            for each in serving:
                each.cancel()
            await asyncio.wait(serving)
        await asyncio.sleep(0)  # in which the transports close

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self.closed:
                head = await reader.readuntil(b"\r\n\r\n")
                if self.no_sockets and b"upgrade: websocket" in head.lower():
                    writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    writer.close()
                    await writer.wait_closed()
                else:
                    await self._pass_on(reader, writer, head)
        except (OSError, asyncio.IncompleteReadError):
            pass

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        pipe = Pipe(self)
        self._open.add(pipe)
        try:
            await pipe.run(reader, writer, self._target, head)
        finally:
            self._open.discard(pipe)


class Pipe:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self.passing = asyncio.Event()
        self.passing.set()
        self.dead = False
        self.left: int | None = None
        """Bytes that the server may still send before the connection is cut."""
        self._proxy = proxy
        self._end = asyncio.Event()

    def cut(self) -> None:
        self._end.set()

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int, head: bytes) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        back.write(head)
        ways = [
            asyncio.create_task(self._pass(reader, back, down=False)),
            asyncio.create_task(self._pass(there, writer, down=True)),
            asyncio.create_task(self._end.wait()),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            back.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(TRICKLE if down and self._proxy.slow else CHUNK):
                await self.passing.wait()
                if delay := self._proxy.delay or (0.002 if down and self._proxy.slow else 0):
                    await asyncio.sleep(delay)
                if down and self.left is not None:
                    data, self.left = data[: self.left], max(self.left - len(data), 0)
                writer.write(data)
                await writer.drain()
                if down and self.left == 0:
                    await asyncio.sleep(0)
                    self._proxy.cuts += 1
                    return
        if self.dead:
            await self._end.wait()  # the other side must not hear of an end, either


@asynccontextmanager
async def proxy(target: int) -> AsyncGenerator[Proxy]:
    """Run a proxy before a port."""
    running = Proxy(target)
    server = await asyncio.start_server(running.accept, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await running.end()
        await server.wait_closed()
