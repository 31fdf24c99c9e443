"""From the commit to the socket: 200 open sockets while 100 commands a second come in, beside Litestar's channels.

One API process; one process with all the sockets, which answers pings and notes when each event arrives; and this one,
which sends the commands over ten more sockets at a steady pace. Latency is counted from the log's own time of the
event, taken when its transaction begins: it includes the commit, with fsync on. All read the same clock.

The peer is a Litestar application on the same server whose sockets follow channels of its Redis pub/sub backend, and
whose messages, of the same size, are published to Valkey from here. It stores nothing, and counts from the publishing.
"""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import uvloop
from litestar import Litestar
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.redis import RedisChannelsPubSubBackend
from msgspec import Struct
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.listener import WARM_UP, Figures, Listener
from commands.write_side import WriteSide, write_side
from domain.account import IssueToken, Register
from domain.budget import AddPosition, Edit
from domain.project import AcceptInvitation, CreateProject, InviteMember
from projections.tables import ensure_tables
from runtime.broker import open_broker
from runtime.database import open_pool
from runtime.embedded import embedded
from runtime.ids import new_id
from runtime.migrations import migrate
from runtime.settings import load
from transport.limits import Limit, Limits
from transport.server import Server, listening, serve

HOST = "127.0.0.1"
SOCKETS = 200
PEOPLE = 20
FEEDS = 20
COMMANDS_PER_SECOND = 100
SECONDS = 10.0
KEY = bytes(range(32))
MUCH = Limit("benchmark", 10_000_000, 60, lease=100)
LIMITS = Limits(log_in=MUCH, password=MUCH, registration=MUCH, anonymous=MUCH, account=MUCH)


class Place(Struct):
    """A project that everybody is a member of, and a position in it to edit."""

    project_id: UUID
    position_id: UUID


def run() -> dict[str, float]:
    """Measure and print a table; answers `socket.p99_ms_200` and others."""
    with tempfile.TemporaryDirectory() as folder:
        figures = uvloop.run(_measure(Path(folder)))
    print(f"{SOCKETS} sockets, {COMMANDS_PER_SECOND} commands a second for {SECONDS:.0f} s; milliseconds\n")
    print(f"{'':32}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}{'events/s':>10}")
    for name, each in figures.items():
        rate = each.events / SECONDS
        print(f"{name:32}{each.p50:8.1f}{each.p95:8.1f}{each.p99:8.1f}{each.most:8.1f}{rate:10,.0f}")
    spread, one, peer, peer_one = figures.values()
    ratio, ratio_one = peer.p99 / spread.p99, peer_one.p99 / one.p99
    print(f"\np99 of Litestar's channels over ours: {ratio:.1f} spread, {ratio_one:.1f} on one")
    return {
        "socket.p50_ms_200": spread.p50,
        "socket.p99_ms_200": spread.p99,
        "socket.p99_ms_200_one_feed": one.p99,
        "socket.ratio_litestar_channels": ratio,
        "socket.ratio_litestar_channels_one_feed": ratio_one,
    }


async def _measure(folder: Path) -> dict[str, Figures]:
    async with embedded(folder / "servers", temporary=True) as servers:
        await migrate(servers.database_url)
        tokens, places = await _prepared(servers.database_url, servers.redis_url)
        environ = os.environ | {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DATA_DIR": str(folder),
            "MASTER_KEY": base64.b64encode(KEY).decode(),
            "PORT": str(_free_port()),
            "PEER_PORT": str(_free_port()),
            "PLUMBLINE_LIFELINE": "1",
        }
        async with _process("serve", environ, environ["PORT"]), _process("peer", environ, environ["PEER_PORT"]):
            figures: dict[str, Figures] = {}
            for name, feeds in ((f"plumbline, {FEEDS} feeds", FEEDS), ("plumbline, one feed", 1)):
                figures[name] = await _ours(folder, environ["PORT"], tokens, places[:feeds])
            for name, channels in ((f"Litestar channels, {FEEDS}", FEEDS), ("Litestar channels, one", 1)):
                figures[name] = await _peers(folder, environ["PEER_PORT"], servers.redis_url, channels)
    return figures


async def _ours(folder: Path, port: str, tokens: list[str], places: list[Place]) -> Figures:
    listeners = [
        Listener("/api/ws", tokens[number % PEOPLE], f"project:{places[number % len(places)].project_id}")
        for number in range(SOCKETS)
    ]
    async with _senders(port, tokens[:10]) as senders:

        async def send(number: int) -> None:
            place = places[number % len(places)]
            changes = {"quantity": str(number + 1)}
            command = {"type": "position.edit", "position_id": place.position_id, "project_id": place.project_id}
            message = {"op": "command", "id": number, "command": command | {"changes": changes}}
            await senders[number % len(senders)].send(msgspec.json.encode(message), text=True)

        return await _listened(folder, port, listeners, send)


async def _peers(folder: Path, port: str, redis_url: str, channels: int) -> Figures:
    listeners = [Listener(f"/feed{number % channels}") for number in range(SOCKETS)]
    async with Redis.from_url(redis_url) as valkey:

        async def send(number: int) -> None:
            for kind in ("position.edited", "budget.versioned"):
                at = datetime.now(UTC).isoformat(timespec="microseconds")
                message = {
                    "op": "event",
                    "feed": "f" * 44,
                    "sequence": number,
                    "type": kind,
                    "at": at,
                    "data": "d" * 300,
                }
                await valkey.publish(f"feed{number % channels}", msgspec.json.encode(message))

        return await _listened(folder, port, listeners, send)


async def _listened(
    folder: Path, port: str, listeners: list[Listener], send: Callable[[int], Awaitable[None]]
) -> Figures:
    """Let another process open the sockets, send at a steady pace, and give what it heard."""
    path = folder / "listeners.json"
    path.write_bytes(msgspec.json.encode(listeners))
    command = (sys.executable, "-m", "benchmarks.listener", port, str(path))
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert (await process.stdout.readline()).strip() == b"ready"
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(round((WARM_UP + SECONDS) * COMMANDS_PER_SECOND)):
        await asyncio.sleep(began + number / COMMANDS_PER_SECOND - loop.time())
        await send(number)
    await asyncio.sleep(1)
    heard, _ = await process.communicate(b"stop\n")
    return msgspec.json.decode(heard, type=Figures)


@asynccontextmanager
async def _senders(port: str, tokens: list[str]) -> AsyncGenerator[list[ClientConnection]]:
    """Open sockets to send commands over; what they hear is read and forgotten, unless it is a refusal."""
    senders = [
        await connect(f"ws://{HOST}:{port}/api/ws", additional_headers={"Authorization": f"Bearer {token}"})
        for token in tokens
    ]
    readers = [asyncio.create_task(_read(sender)) for sender in senders]
    try:
        yield senders
    finally:
        for sender in senders:
            await sender.close()
        await asyncio.gather(*readers)


async def _read(sender: ClientConnection) -> None:
    async for frame in sender:
        assert '"op":"error"' not in str(frame), frame


async def _prepared(database_url: str, redis_url: str) -> tuple[list[str], list[Place]]:
    async with (
        open_pool(database_url) as pool,
        open_broker(redis_url) as broker,
        write_side(pool, broker, KEY) as write,
    ):
        async with pool.connection() as connection:
            await ensure_tables(connection)
        people = [await _person(write) for _ in range(PEOPLE)]
        owner = people[0][0]
        return [token for _, token in people], [await _place(write, owner, people) for _ in range(FEEDS)]


async def _person(write: WriteSide) -> tuple[UUID, str]:
    account_id = new_id()
    registration = Register(account_id=account_id, email=f"{account_id}@localhost", password="benchmark", name="B")  # noqa: S106 - nobody's
    await write.bus.execute(registration, actor="")
    issue = IssueToken(account_id=account_id, token_id=new_id(), name="B")
    receipt = await write.bus.execute(issue, actor=f"account:{account_id}")
    return account_id, receipt.result["token"]


async def _place(write: WriteSide, owner: UUID, people: list[tuple[UUID, str]]) -> Place:
    place = Place(new_id(), new_id())
    actor = f"account:{owner}"
    await write.bus.execute(CreateProject(project_id=place.project_id, name="House"), actor=actor)
    for account_id, _ in people[1:]:
        invitation = InviteMember(project_id=place.project_id, account_id=account_id, role="editor")
        await write.bus.execute(invitation, actor=actor)
        await write.bus.execute(AcceptInvitation(project_id=place.project_id), actor=f"account:{account_id}")
    added = AddPosition(
        project_id=place.project_id, position_id=place.position_id, fields=Edit(description="Wall", unit="m3")
    )
    await write.bus.execute(added, actor=actor)
    return place


@asynccontextmanager
async def _process(role: str, environ: dict[str, str], port: str) -> AsyncGenerator[None]:
    command = (sys.executable, "-m", "benchmarks.socket", role)
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdin=subprocess.PIPE)
    try:
        while not _listens(port):
            assert process.returncode is None, "the server ended"
            await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        await process.wait()


def _listens(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, int(port))) == 0


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


async def _serve_peer() -> None:
    backend = RedisChannelsPubSubBackend(redis=Redis.from_url(os.environ["REDIS_URL"]))
    names = [f"feed{number}" for number in range(FEEDS)]
    channels = ChannelsPlugin(backend, channels=names, create_ws_route_handlers=True)
    app = Litestar([], plugins=[channels], openapi_config=None)
    async with app.lifespan():
        with listening(HOST, int(os.environ["PEER_PORT"])) as listener:
            await Server(app).serve([listener])


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["serve"]:
            serve(load(), limits=LIMITS)
        case ["peer"]:
            uvloop.run(_serve_peer())
        case _:
            print(run())


if __name__ == "__main__":
    _main(sys.argv[1:])
