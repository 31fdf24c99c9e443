"""Servers that do one thing the gateway does: pass what they are told on to all sockets of a feed.

`bare` is a plain ASGI application on uvicorn with uvicorn's own WebSockets: the loop that anybody would write first.
`socketio` is python-socketio on uvicorn. Socket.IO's own server, in Node, is `socketio/server.js`.
All these take `tell` from a socket: a feed, an event, and how many times to send it.
`channels` is a Litestar application whose sockets follow channels of its Redis pub/sub backend.
None stores anything.
"""

import logging
import os
import sys
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import msgspec
import socketio
import uvloop
from litestar import Litestar
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.redis import RedisChannelsPubSubBackend
from redis.asyncio import Redis

from transport.server import Server, listening

HOST = "127.0.0.1"
CHANNELS = 20
KEPT = 100_000
"""Events that python-socketio's application keeps of each feed for whoever comes back: it has no recovery itself."""

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def bare() -> Any:
    """Make the application of the send loop."""
    followers: defaultdict[str, dict[Any, None]] = defaultdict(dict)

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        feed = ""
        while (message := await receive())["type"] == "websocket.receive":
            said = msgspec.json.decode(message["text"])
            if said["op"] == "subscribe":
                feed = said["feed"]
                followers[feed][send] = None
                await send({"type": "websocket.send", "text": '{"op":"joined"}'})
            else:
                for sequence in range(said["first"], said["first"] + said["count"]):
                    text = said["event"].replace('"sequence":0,', f'"sequence":{sequence},', 1)
                    for each in list(followers[said["feed"]]):
                        await each({"type": "websocket.send", "text": text})
        followers[feed].pop(send, None)

    return application


def python_socketio() -> Any:
    """Make the application of python-socketio."""
    server = socketio.AsyncServer(async_mode="asgi", json=_Json)
    kept: defaultdict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=KEPT))

    @server.event
    async def join(sid: str, feed: str, after: int) -> None:
        await server.enter_room(sid, feed)
        if after >= 0:
            for event in list(kept[feed]):
                if event["sequence"] > after:
                    await server.emit("event", event, to=sid)

    @server.event
    async def tell(_sid: str, feed: str, first: int, count: int, event: dict[str, Any]) -> None:
        for sequence in range(first, first + count):
            told = event | {"sequence": sequence}
            kept[feed].append(told)
            await server.emit("event", told, room=feed)

    return socketio.ASGIApp(server)


def channels() -> Any:
    """Make the application of Litestar's channels."""
    backend = RedisChannelsPubSubBackend(redis=Redis.from_url(os.environ["REDIS_URL"]))
    names = [f"feed{number}" for number in range(CHANNELS)]
    plugin = ChannelsPlugin(backend, channels=names, create_ws_route_handlers=True)
    return Litestar([], plugins=[plugin], openapi_config=None)


class _Json:
    """The fastest encoder there is, for the peer too."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return msgspec.json.encode(value).decode()

    loads = staticmethod(msgspec.json.decode)


async def _serve(app: Any) -> None:
    lifespan = app.lifespan() if isinstance(app, Litestar) else nullcontext()
    async with lifespan:
        with listening(HOST, int(os.environ["PEER_PORT"])) as listener:
            await Server(app).serve([listener])


async def _main(role: str) -> None:
    await _serve({"bare": bare, "channels": channels, "socketio": python_socketio}[role]())


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    uvloop.run(_main(sys.argv[1]))
