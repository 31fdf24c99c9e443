"""The WebSocket door: `/api/ws`. Opens the hub and what all sockets share, and accepts each of them."""

from collections.abc import AsyncGenerator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from transport.doors import Doors
from transport.errors import BadRequest
from transport.hub import Hub
from transport.socket_closing import DRAINING, NO_SUBPROTOCOL
from transport.socket_connection import Connection
from transport.socket_conversation import Conversation
from transport.socket_messages import PROTOCOL
from transport.socket_metrics import DISCONNECTS
from transport.sockets import Sockets
from transport.visit import Receive, Send

PATH = "/api/ws"


class SocketDoor:
    """An ASGI application for WebSockets."""

    def __init__(self, doors: Doors, hub: Hub, sockets: Sockets) -> None:
        """Let sockets follow the feeds of `hub`."""
        self.hub = hub
        self.sockets = sockets
        self._doors = doors

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket. What is refused is accepted first and then closed: browsers hide a handshake's failure.

        Raises `BadRequest` for a request that does not ask for a WebSocket.
        """
        if scope["type"] != "websocket":
            raise BadRequest("This address speaks WebSocket only.")
        await receive()
        offered: list[str] = list(scope.get("subprotocols") or ())
        await send({"type": "websocket.accept", "subprotocol": _chosen(offered)})
        settings = self._doors.settings
        connection = Connection(receive, send, interval=settings.heartbeat_interval, timeout=settings.heartbeat_timeout)
        client: str = scope["client"][0] if scope.get("client") else ""
        conversation = Conversation(self._doors, self.hub, self.sockets, connection, client)
        self.sockets.add(conversation)
        try:
            if offered and PROTOCOL not in offered:
                connection.close(NO_SUBPROTOCOL)
            elif self.sockets.draining:
                connection.close(DRAINING)
            else:
                await conversation.begin(_headers(scope))
            closing = await connection.run(conversation)
            DISCONNECTS.labels(str(closing.code)).inc()
        finally:
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
        doors.sessions.watch(sockets.end_session)
        yield SocketDoor(doors, hub, sockets)


def _chosen(offered: list[str]) -> str | None:
    """Answer a subprotocol that was offered, even one not spoken here: else a browser hides the code that follows."""
    return PROTOCOL if PROTOCOL in offered else next(iter(offered), None)


def _headers(scope: MutableMapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
