"""One WebSocket to the server: opened and signed in, its frames read and written, its silence noticed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from plumbline_client.answers import Unknown
from plumbline_client.closing import LOST, Ending
from plumbline_client.connecting import Ended
from plumbline_client.credentials import Credentials
from plumbline_client.messages import Authenticate, Bye, ClientPong, Said, ServerPing, Told, Welcome
from plumbline_client.timing import Clock, Timing
from plumbline_client.wire import Format

PATH = "/api/ws"
CLOSE_SECONDS = 2.0
"""How long a connection that we close may take to say goodbye."""
LARGEST_FRAME = 32 * 1024
"""Bytes of messages that are put into one frame; a single message may be larger."""


class SocketLink:
    """A connection that the server has welcomed."""

    def __init__(self, connection: ClientConnection, wire: Format, clock: Clock) -> None:
        """Speak over `connection`."""
        self.format = wire
        self.heard = clock.now()
        """When the last frame came, by the clock."""
        self._connection = connection
        self._clock = clock
        self._outgoing: list[bytes] = []
        self._something = asyncio.Event()
        self._bye: Bye | None = None
        self._silent = False
        self._welcomed = False

    def say(self, message: Said) -> None:
        """Send a message, soon."""
        self.send(self.format.encode(message))

    def send(self, encoded: bytes) -> None:
        """Send what `format` has encoded, soon."""
        self._outgoing.append(encoded)
        self._something.set()

    async def welcome(self, credentials: Credentials, seconds: float) -> tuple[Welcome, Sequence[Told | Unknown]]:
        """Sign in; give the server's welcome, and what came with it. Raises `Ended`."""
        if credentials.ticket is not None:
            self.say(Authenticate(id=0, ticket=credentials.ticket))
            await self._flush()
        try:
            async with asyncio.timeout(seconds):
                async for messages in self.frames():
                    for index, message in enumerate(messages):
                        if isinstance(message, Welcome):
                            self._welcomed = True
                            return message, messages[index + 1 :]
        except TimeoutError:
            raise Ended(Ending(reason="the server did not welcome us in time"), blocked=True) from None
        raise Ended(self.ending)

    async def frames(self) -> AsyncGenerator[list[Told | Unknown]]:
        """Give what each frame tells, until the connection ends; then see `ending`. Pings are answered here."""
        with suppress(ConnectionClosed):
            async for frame in self._connection:
                self.heard = self._clock.now()
                messages: list[Told | Unknown] = []
                for message in self.format.decode(frame):
                    match message:
                        case ServerPing(t=t):
                            self.say(ClientPong(t=t))
                        case Bye():
                            self._bye = message
                        case _:
                            messages.append(message)
                yield messages

    async def write(self) -> None:
        """Send what is said, until the connection ends."""
        with suppress(ConnectionClosed):
            while True:
                await self._something.wait()
                self._something.clear()
                await self._flush()

    async def watch(self, patience: float) -> None:
        """End the connection when nothing has come for so many seconds."""
        while (left := self.heard + patience - self._clock.now()) > 0:
            await self._clock.sleep(left)
        self._silent = True
        self._connection.transport.abort()

    @property
    def ending(self) -> Ending:
        """How the connection ended."""
        bye, code = self._bye, self._connection.close_code or LOST
        if self._silent:
            return Ending(reason="the server fell silent", welcomed=self._welcomed)
        if bye is None:
            return Ending(code=code, reason=self._connection.close_reason or "connection lost", welcomed=self._welcomed)
        return Ending(
            code=bye.code,
            reason=bye.reason,
            reconnect=bye.reconnect,
            retry_after=bye.retry_after_ms / 1000,
            welcomed=self._welcomed,
        )

    async def _flush(self) -> None:
        while self._outgoing:
            size = count = 0
            for message in self._outgoing:
                size += len(message) + 1
                if count and size > LARGEST_FRAME:
                    break
                count += 1
            frame, self._outgoing = self._outgoing[:count], self._outgoing[count:]
            await self._connection.send(self.format.join(frame))


@asynccontextmanager
async def open_socket(
    url: str, credentials: Credentials, formats: Sequence[Format], timing: Timing, clock: Clock
) -> AsyncGenerator[SocketLink]:
    """Open a socket to the server at `url`, and close it at the end. Raises `Ended`."""
    options: dict[str, Any] = {
        "additional_headers": credentials.headers,
        "subprotocols": [Subprotocol(each.subprotocol) for each in formats],
        "compression": None,
        "ping_interval": None,
        "max_size": None,
        "open_timeout": timing.connect,
        "close_timeout": CLOSE_SECONDS,
    }
    try:
        connection = await connect(url.replace("http", "ws", 1) + PATH, **options)
    except InvalidMessage as error:
        raise Ended(Ending(reason="the connection broke in the handshake")) from error
    except InvalidHandshake as error:
        raise Ended(Ending(reason=f"no WebSocket: {error}"), blocked=True) from error
    except TimeoutError as error:
        raise Ended(Ending(reason="no answer to the handshake"), blocked=True) from error
    except OSError as error:
        raise Ended(Ending(reason=str(error) or repr(error))) from error
    chosen = next((each for each in formats if each.subprotocol == connection.subprotocol), formats[0])
    try:
        yield SocketLink(connection, chosen, clock)
    finally:
        await connection.close()
