"""The WebSocket door: `/api/ws`. Opens the hub and what all sockets share, and lets each of them in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from transport.errors import BadRequest
from transport.gateway.hub import Hub
from transport.gateway.socket_closing import DRAINING, NO_SUBPROTOCOL, Closing
from transport.gateway.socket_connection import Connection
from transport.gateway.socket_conversation import Conversation
from transport.gateway.socket_metrics import DISCONNECTS
from transport.gateway.socket_turnstile import Turnstile
from transport.gateway.socket_wire import Wire
from transport.gateway.sockets import Sockets
from transport.rest.doors import Doors
from transport.visit import Receive, Send


class SocketDoor:
    """Where sockets come in, and what all of them share."""

    def __init__(self, doors: Doors, hub: Hub, sockets: Sockets) -> None:
        """Let sockets follow the feeds of `hub`."""
        self.hub = hub
        self.sockets = sockets
        self.turnstile = Turnstile()
        self._doors = doors

    async def __call__(self, _scope: Any, _receive: Receive, _send: Send) -> None:
        """Answer a plain HTTP request. Raises `BadRequest`: sockets come in by `enter`, without ASGI."""
        raise BadRequest("This address speaks WebSocket only.")

    def enter(self, wire: Wire, headers: dict[str, str], client: str, *, understood: bool) -> Connection:
        """Open a connection. What is refused is accepted first and then closed: browsers hide a handshake's failure."""
        settings = self._doors.settings
        connection = Connection(wire, interval=settings.heartbeat_interval, timeout=settings.heartbeat_timeout)
        conversation = Conversation(self._doors, self.hub, self.sockets, connection, client)
        self.sockets.add(conversation)
        connection.begin(conversation, partial(self._leave, conversation))
        if not understood:
            connection.close(NO_SUBPROTOCOL)
            wire.release()
        elif self.sockets.draining:
            connection.close(DRAINING)
            wire.release()
        else:
            conversation.begin(headers).add_done_callback(lambda _: wire.release())
        return connection

    def _leave(self, conversation: Conversation, closing: Closing) -> None:
        DISCONNECTS.labels(str(closing.code)).inc()
        conversation.end()
        self.sockets.remove(conversation)


@asynccontextmanager
async def open_socket_door(doors: Doors) -> AsyncGenerator[SocketDoor]:
    """Open the WebSocket door. Everything that arrives at the broker is for its hub.

    Call `door.sockets.drain()` before the server stops.
    """
    settings = doors.settings
    async with (
        Hub(doors.write.store, doors.broker, doors.epoch) as hub,
        Sockets(
            heartbeat_interval=settings.heartbeat_interval, heartbeat_timeout=settings.heartbeat_timeout
        ) as sockets,
    ):
        doors.write.publisher.here = hub.hear
        doors.sessions.watch(sockets.end_session)
        yield SocketDoor(doors, hub, sockets)
