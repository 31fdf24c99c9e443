"""Run as a program: the API on a port, with generous limits, that also tells at `/held` what its sockets hold."""

import asyncio
from typing import Any

import msgspec

from runtime import lifeline, telemetry
from runtime.settings import load
from transport.app import create_app
from transport.gateway.socket import SocketDoor
from transport.limits import Limit, Limits
from transport.server import Server, listening

MUCH = Limit("tests", 1_000_000, 60, lease=1_000)


async def serve() -> None:
    lifeline.watch_stdin()
    settings = load()
    telemetry.configure("api", level=settings.log_level)
    limits = Limits(log_in=MUCH, password=MUCH, registration=MUCH, anonymous=MUCH, account=MUCH)
    api: Any = create_app(settings, limits=limits)
    async with api.lifespan():
        door: SocketDoor = api.state.socket_door
        stop = asyncio.create_task(lifeline.stop_requested())

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/held":
                await api(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": msgspec.json.encode(held(door))})

        with listening("127.0.0.1", settings.port) as listener:
            server = Server(app, door)
            serving = asyncio.create_task(server.serve([listener]))
            await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
            await door.sockets.drain()
            server.should_exit = True
            await serving


def held(door: SocketDoor) -> dict[str, Any]:
    return {
        "sockets": len(door.sockets),
        "accounts": len(door.sockets.accounts),
        "background": door.sockets.background,
        "feeds": door.hub.feeds,
        "tasks": sorted(task.get_name() for task in asyncio.all_tasks()),
    }


if __name__ == "__main__":
    asyncio.run(serve())
