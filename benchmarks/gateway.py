"""What the gateway's benchmarks share: an API process, its peers, projects with members, crowds of sockets, senders."""

import asyncio
import base64
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self
from uuid import UUID

import msgspec
import psutil
from psycopg import AsyncConnection
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.crowd import HOST, PATHS, Order, Seat, Told
from commands.frames import event_frame
from commands.publisher import Publisher
from commands.write_side import WriteSide, write_side
from domain.account import IssueToken, Register
from domain.budget import Changes, PositionEdited
from domain.project import AcceptInvitation, CreateProject, InviteMember
from domain.registry import EVENTS
from eventstore import Append, Appended, EventStore, Write
from eventstore.types import EventTypes
from projections.tables import ensure_tables
from runtime.broker import Broker, open_broker
from runtime.database import open_pool
from runtime.embedded import embedded
from runtime.ids import new_id
from runtime.migrations import migrate
from runtime.settings import load
from transport.limits import Limit, Limits
from transport.server import serve

PEOPLE = 20
KEY = bytes(range(32))
MUCH = Limit("benchmark", 10_000_000, 60, lease=100)
LIMITS = Limits(log_in=MUCH, password=MUCH, registration=MUCH, anonymous=MUCH, account=MUCH)
STATISTICS = 10.5
"""Seconds until a database session that does nothing has told what it did."""
TYPES = EventTypes(EVENTS)
NODE = Path(__file__).parent / "socketio"
Peer = Literal["bare", "Litestar channels", "python-socketio", "Socket.IO on Node"]
ROLES = {"bare": "bare", "Litestar channels": "channels", "python-socketio": "socketio"}
"""What `benchmarks.peers` calls them."""


@dataclass
class Place:
    """A project that everybody is a member of, where events of one position are appended."""

    project_id: UUID
    sequence: int = 0
    version: int = 0

    @property
    def feed(self) -> str:
        """Name the project's feed."""
        return f"project:{self.project_id}"


@dataclass
class Gateway:
    """A running API process, and everything needed to write into its log from here."""

    port: int
    process: psutil.Process
    folder: Path
    environ: dict[str, str]
    database_url: str
    store: EventStore
    broker: Broker
    tokens: list[str]
    places: list[Place]

    def seats(self, count: int, *, after: int | None = None) -> list[Seat]:
        """Give seats for `count` sockets, spread over people and places."""
        places, tokens = self.places, self.tokens
        return [
            Seat(self.port, "plumbline", places[number % len(places)].feed, tokens[number % len(tokens)], after)
            for number in range(count)
        ]

    async def append(self, place: Place, count: int, *, publish: bool = True) -> Appended:
        """Store events in one transaction, and publish each by itself, as other API processes do."""
        events = tuple(TYPES.encode(_edited(place, place.version + number)) for number in range(count))
        write = Write(f"budget:{place.project_id}", place.version, events)
        append = Append(feed=place.feed, writes=(write,), actor=f"account:{place.project_id}")
        appended = await self.store.append(append)
        if publish:
            publisher = Publisher(self.broker)
            for event in await self.store.feed(place.feed, after=appended.sequence - count, limit=count):
                publisher([event])
        place.version += count
        place.sequence = appended.sequence
        return appended

    async def event(self, place: Place) -> bytes:
        """Give the frame of a place's last event, for peers to send as many bytes, with 0 as its sequence."""
        (event,) = await self.store.feed(place.feed, after=place.sequence - 1, limit=1)
        return event_frame(event).replace(b'"sequence":%d,' % event.sequence, b'"sequence":0,')

    async def reads(self) -> int:
        """Count the searches of the log's table so far, of whatever kind."""
        await asyncio.sleep(STATISTICS)
        async with await AsyncConnection.connect(self.database_url, autocommit=True) as connection:
            query = "SELECT pg_stat_force_next_flush(), idx_scan FROM pg_stat_user_tables WHERE relname = 'events'"
            ((_, reads),) = await (await connection.execute(query)).fetchall()
        return reads


class Crowd:
    """A process full of sockets; see `benchmarks.crowd`. Use as an async context manager."""

    def __init__(self, folder: Path, seats: list[Seat]) -> None:
        """Sit on `seats`."""
        self._path = folder / f"{new_id()}.json"
        self._path.write_bytes(msgspec.json.encode(seats))
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        command = (sys.executable, "-m", "benchmarks.crowd", str(self._path))
        self._process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert await self._answer() == b"ready\n"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self._process.communicate(b"")  # closes its standard input, at which it ends

    async def ask(self, do: Literal["wait", "forget", "late", "cut", "back"], number: int = 0) -> Told:
        """Give an order, and wait until it is carried out."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(Order(do, number)) + b"\n")
        return msgspec.json.decode(await self._answer(), type=Told)

    async def _answer(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return await self._process.stdout.readline()


class Teller:
    """Tells a peer what to send, over a socket of its own."""

    def __init__(self, connection: ClientConnection, peer: Peer, event: bytes) -> None:
        """Speak as `peer` does; let it send `event`."""
        self._connection = connection
        self._peer = peer
        self._event = event
        self._next: dict[str, int] = {}
        self._done = asyncio.Event()

    async def tell(self, feed: str, count: int = 1) -> None:
        """Let the peer send so many events, numbered on, with the present time."""
        first = self._next.get(feed, 1)
        self._next[feed] = first + count
        text = self._event.decode()
        start = text.index('"at":"') + 6
        text = text[:start] + datetime.now(UTC).isoformat(timespec="microseconds") + text[start + 32 :]
        if self._peer == "bare":
            await self._connection.send(
                msgspec.json.encode({"op": "tell", "feed": feed, "first": first, "count": count, "event": text}),
                text=True,
            )
        else:
            self._done.clear()
            await self._connection.send(f'427["tell","{feed}",{first},{count},{text}]')

    async def done(self) -> None:
        """Wait until what was told last is on its way."""
        await self._done.wait()

    async def keep_reading(self) -> None:
        """Answer pings, hear what is done, and forget everything else."""
        async for frame in self._connection:
            if frame == "2":
                await self._connection.send("3")
            elif str(frame).startswith("437"):
                self._done.set()


@asynccontextmanager
async def gateway(folder: Path, *, places: int, **settings: str) -> AsyncGenerator[Gateway]:
    """Run servers and an API process with so many projects, all people members of each."""
    raise_open_files()
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(embedded(folder / "servers", temporary=True))
        await migrate(servers.database_url)
        pool = await stack.enter_async_context(open_pool(servers.database_url))
        broker = await stack.enter_async_context(open_broker(servers.redis_url))
        write = await stack.enter_async_context(write_side(pool, broker, KEY))
        async with pool.connection() as connection:
            await ensure_tables(connection)
        people = await asyncio.gather(*(_person(write) for _ in range(PEOPLE)))
        made = await asyncio.gather(*(_place(write, people) for _ in range(places)))
        port = free_port()
        environ = os.environ | {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DATA_DIR": str(folder),
            "MASTER_KEY": base64.b64encode(KEY).decode(),
            "PORT": str(port),
            "LOG_LEVEL": "warning",
            "SOCKETS_PER_ACCOUNT": "100000",
            "SOCKETS_PER_ADDRESS": "100000",
            "PLUMBLINE_LIFELINE": "1",
            **settings,
        }
        command = (sys.executable, "-m", "benchmarks.gateway")
        process = await stack.enter_async_context(server(command, port, environ))
        store = await stack.enter_async_context(EventStore(pool))
        tokens = [token for _, token in people]
        yield Gateway(port, process, folder, environ, servers.database_url, store, broker, tokens, made)


@asynccontextmanager
async def peer_server(peer: Peer, **environ: str) -> AsyncGenerator[int]:
    """Run a peer, and give its port."""
    port = free_port()
    role = ROLES.get(peer)
    command = ("node", str(NODE / "server.js")) if role is None else (sys.executable, "-m", "benchmarks.peers", role)
    async with server(command, port, os.environ | environ | {"PEER_PORT": str(port)}):
        yield port


@asynccontextmanager
async def tell_through(peer: Peer, port: int, event: bytes) -> AsyncGenerator[Teller]:
    """Open a socket to tell a peer through; what comes back is forgotten."""
    path = PATHS["bare" if peer == "bare" else "socketio"]
    async with connect(f"ws://{HOST}:{port}{path}", max_queue=None) as connection:
        if peer != "bare":
            await connection.recv()
            await connection.send("40")
            await connection.recv()
        teller = Teller(connection, peer, event)
        reader = asyncio.create_task(teller.keep_reading())
        yield teller
        reader.cancel()


def peers() -> list[Peer]:
    """Name the peers that can run here besides the bare loop; installs Socket.IO's server where Node is."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        print("(there is no Node here: without Socket.IO's own server)")
        return ["python-socketio"]
    if not (NODE / "node_modules").exists():
        subprocess.run((npm, "ci", "--silent"), cwd=NODE, check=True)
    return ["python-socketio", "Socket.IO on Node"]


def seats_at(peer: Peer, port: int, count: int, feeds: int) -> list[Seat]:
    """Give seats at a peer, spread over its feeds."""
    dialect = {"bare": "bare", "Litestar channels": "channels"}.get(peer, "socketio")
    return [Seat(port, dialect, f"feed{number % feeds}") for number in range(count)]


def raise_open_files() -> None:
    """Let this process and its children open as many sockets as they may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@asynccontextmanager
async def server(
    command: tuple[str, ...], port: int, environ: dict[str, str], *, stderr: int | None = None
) -> AsyncGenerator[psutil.Process]:
    """Run a server until the end of the block, once its port is open. `stderr` is as for a subprocess."""
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdin=subprocess.PIPE, stderr=stderr)
    try:
        while not _listens(port):
            assert process.returncode is None, "the server ended"
            await asyncio.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


async def _person(write: WriteSide) -> tuple[UUID, str]:
    account_id = new_id()
    registration = Register(account_id=account_id, email=f"{account_id}@localhost", password="benchmark", name="B")  # noqa: S106 - nobody's
    await write.bus.execute(registration, actor="")
    issue = IssueToken(account_id=account_id, token_id=new_id(), name="B")
    receipt = await write.bus.execute(issue, actor=f"account:{account_id}")
    return account_id, receipt.result["token"]


async def _place(write: WriteSide, people: list[tuple[UUID, str]]) -> Place:
    place = Place(new_id())
    owner = f"account:{people[0][0]}"
    receipt: Any = await write.bus.execute(CreateProject(project_id=place.project_id, name="House"), actor=owner)
    for account_id, _ in people[1:]:
        invitation = InviteMember(project_id=place.project_id, account_id=account_id, role="editor")
        await write.bus.execute(invitation, actor=owner)
        accept = AcceptInvitation(project_id=place.project_id)
        receipt = await write.bus.execute(accept, actor=f"account:{account_id}")
    place.sequence = receipt.sequence
    return place


def _edited(place: Place, revision: int) -> PositionEdited:
    changes = Changes(quantity=Decimal(revision), total_price=Decimal(revision) * 5230)
    return PositionEdited(project_id=place.project_id, position_id=place.project_id, revision=revision, changes=changes)


if __name__ == "__main__":
    serve(load(), limits=LIMITS)
