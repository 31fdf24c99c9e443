"""A server that does as a test says, for what a real one does only when something is wrong with it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

EPOCH = UUID(int=7)


@dataclass
class Call:
    """One connection, as the peer sees it."""

    connection: ServerConnection
    number: int
    """The first one is 1."""
    heard: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def say(self, *messages: dict[str, Any] | str) -> None:
        """Tell messages, in one frame."""
        lines = [each if isinstance(each, str) else msgspec.json.encode(each).decode() for each in messages]
        await self.connection.send("\n".join(lines))

    async def welcome(self, **members: Any) -> None:
        """Let the client in."""
        limits = {"message_bytes": 500, "messages_per_second": 50.0, "burst": 100, "feeds": 100, "in_flight": 128}
        told: dict[str, Any] = {
            "op": "welcome",
            "connection_id": UUID(int=self.number),
            "account_id": UUID(int=1),
            "server_time": "2026-01-01T00:00:00Z",
            "epoch": EPOCH,
            "heartbeat_interval": 25,
            "heartbeat_timeout": 10,
            "reconnect_jitter_max_ms": 10,
            "limits": limits,
        }
        await self.say(told | members)

    async def hear(self, op: str) -> dict[str, Any]:
        """Wait for a message of this kind."""
        while True:
            for message in self.heard:
                if message["op"] == op:
                    self.heard.remove(message)
                    return message
            self.heard += map(msgspec.json.decode, str(await self.connection.recv()).split("\n"))

    async def subscribed(self, head: int = 0, **members: Any) -> dict[str, Any]:
        """Wait for a subscription, and accept it; give it."""
        asked = await self.hear("subscribe")
        told = {"op": "subscribed", "id": asked["id"], "feed": asked["feed"], "epoch": EPOCH, "head": head}
        await self.say(told | {"recovered": "after" in asked} | members)
        return asked

    async def part(self, code: int, **members: Any) -> None:
        """Say goodbye, and close."""
        told = {"op": "bye", "code": code, "reason": "as the test says", "reconnect": True, "retry_after_ms": 0}
        await self.say(told | members)
        await self.connection.close(code)

    async def stay(self) -> None:
        """Hear whatever comes, until the client goes."""
        await self.hear("nothing")


Script = Callable[[Call], Awaitable[None]]


@dataclass
class Peer:
    """Where the peer listens, and who called."""

    url: str = ""
    calls: list[Call] = field(default_factory=list[Call])


@asynccontextmanager
async def peer(script: Script) -> AsyncGenerator[Peer]:
    """Run a peer that plays `script` with every caller, and then closes."""
    met = Peer()

    async def play(connection: ServerConnection) -> None:
        call = Call(connection, len(met.calls) + 1)
        met.calls.append(call)
        with suppress(ConnectionClosed):
            await script(call)

    async with serve(play, "127.0.0.1", 0, subprotocols=[Subprotocol("plumbline.v1")], ping_interval=None) as server:
        met.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield met


def event(sequence: int, feed: str = "f", **data: Any) -> dict[str, Any]:
    """An event of a kind that nobody knows."""
    return {
        "op": "event",
        "feed": feed,
        "sequence": sequence,
        "position": sequence,
        "type": "project.renamed",
        "at": "2026-01-01T00:00:00Z",
        "actor": "system",
        "data": {"project_id": UUID(int=1), "name": "Barn"} | data,
    }


def receipt(command: dict[str, Any], sequence: int = 1) -> dict[str, Any]:
    """What a command came to."""
    told = {"command_id": command["command_id"], "feed": "f", "sequence": sequence, "position": sequence}
    return {"op": "result", "id": command["id"], "position": sequence, "result": told}


def refusal(message: dict[str, Any], status: int, code: str, **extra: Any) -> dict[str, Any]:
    """Why a message was refused."""
    return {"op": "error", "id": message["id"], "problem": {"status": status, "code": code, "detail": code} | extra}
