"""A socket server of its own process, the bus beside it as another process would have it, and clients."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from commands.write_side import WriteSide, write_side
from domain.account import IssueToken, Register
from domain.budget import AddPosition, Edit
from domain.project import AcceptInvitation, CreateProject, InviteMember
from projections.tables import ensure_tables
from runtime.broker import open_broker
from runtime.database import open_pool
from runtime.embedded import Embedded
from runtime.ids import new_id
from transport.gateway.socket_formats import JSON, MSGPACK

MASTER_KEY = bytes(range(32))
PASSWORD = "correct horse"  # noqa: S105 - a test's
REPOSITORY = Path(__file__).parents[2]
SERVE = Path(__file__).with_name("socket_serving.py")
SUBPROTOCOL = JSON.name
"""What clients offer."""
SOON = 20.0
"""Seconds within which what must happen happens, even on a busy machine."""


@dataclass
class Server:
    """A server process, and where its truth lies."""

    port: int
    database_url: str
    redis_url: str
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def held(self) -> dict[str, Any]:
        """What the process holds: sockets, feeds with their followers, tasks, commands under way."""
        return httpx.get(f"{self.origin}/held", timeout=10).json()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(SERVE)], env=self.environ, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=log
            )
        deadline = time.monotonic() + 90
        while True:
            try:
                assert self.held
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=30)


@contextmanager
def running_server(servers: Embedded, template: str, folder: Path, **environ: str) -> Generator[Server]:
    """Run a server on a fresh copy of the migrated database."""
    name = f"test_{uuid4().hex}"
    database_url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log".encode())
        asyncio.run(make_tables(database_url))
        server = new_server(database_url, servers.redis_url, folder, **environ)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def process(server: Server, role: str) -> Iterator[None]:
    """Run a worker or projector beside a server."""
    with server.log.open("ab") as log:
        command = [sys.executable, "-m", "workers", role]
        running = subprocess.Popen(command, env=server.environ, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=log)
        yield
        running.terminate()
        running.communicate(timeout=30)


def new_server(database_url: str, redis_url: str, folder: Path, **environ: str) -> Server:
    """Prepare a server process on these servers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    own = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder),
        "MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "PORT": str(port),
        "PLUMBLINE_LIFELINE": "1",
        "PYTHONPATH": str(REPOSITORY),
    }
    return Server(port, database_url, redis_url, {**os.environ, **own, **environ}, folder / f"log-{port}.jsonl")


async def make_tables(database_url: str) -> None:
    async with open_pool(database_url, size=1) as pool, pool.connection() as connection:
        await ensure_tables(connection)


@dataclass
class Somebody:
    """An account with a bearer token, acting on the bus of the test's own process."""

    write: WriteSide
    account_id: UUID
    token: str

    @property
    def actor(self) -> str:
        return f"account:{self.account_id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def project(self) -> UUID:
        project_id = new_id()
        await self.write.bus.execute(CreateProject(project_id=project_id, name="House"), actor=self.actor)
        return project_id

    async def add(self, project_id: UUID, description: str = "Concrete", count: int = 1) -> int:
        """Add positions; answer the feed's last sequence."""
        receipt = None
        for _ in range(count):
            fields = Edit(description=description, unit="m3")
            command = AddPosition(project_id=project_id, position_id=new_id(), fields=fields)
            receipt = await self.write.bus.execute(command, actor=self.actor)
        assert receipt is not None
        return receipt.sequence

    async def invite(self, project_id: UUID, other: "Somebody") -> None:
        invitation = InviteMember(project_id=project_id, account_id=other.account_id, role="viewer")
        await self.write.bus.execute(invitation, actor=self.actor)
        await self.write.bus.execute(AcceptInvitation(project_id=project_id), actor=other.actor)


@asynccontextmanager
async def writing(server: Server) -> AsyncGenerator[WriteSide]:
    """Open the bus beside the server's, as another process would."""
    async with (
        open_pool(server.database_url, size=4) as pool,
        open_broker(server.redis_url) as broker,
        write_side(pool, broker, MASTER_KEY) as write,
    ):
        yield write


async def somebody(write: WriteSide) -> Somebody:
    """Register an account, and issue it a token."""
    account_id = new_id()
    email = f"{account_id}@localhost"
    await write.bus.execute(Register(account_id=account_id, email=email, password=PASSWORD, name="Somebody"), actor="")
    issue = IssueToken(account_id=account_id, token_id=new_id(), name="tests")
    receipt = await write.bus.execute(issue, actor=f"account:{account_id}")
    return Somebody(write, account_id, receipt.result["token"])


@dataclass
class Client:
    """A socket client that hears one message at a time."""

    connection: ClientConnection
    welcome: dict[str, Any] = field(default_factory=dict[str, Any])
    waiting: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    answers: dict[Any, dict[str, Any]] = field(default_factory=dict[Any, dict[str, Any]])
    """Results and errors heard, by the id of what they answer."""

    async def say(self, **message: Any) -> None:
        await self.say_together(message)

    async def say_together(self, *messages: dict[str, Any]) -> None:
        """Say several things in one frame."""
        lines = b"\n".join([msgspec.json.encode(message) for message in messages])
        await self.connection.send(MSGPACK.write(lines) if self.packed else JSON.write(lines).decode())

    @property
    def packed(self) -> bool:
        """Whether messages travel as MessagePack."""
        return self.connection.subprotocol == "plumbline.v1.msgpack"

    async def hear(self, within: float = SOON) -> dict[str, Any]:
        """Give the next message, answering pings."""
        while True:
            if not self.waiting:
                async with asyncio.timeout(within):
                    frame = await self.connection.recv()
                assert isinstance(frame, bytes) == self.packed
                lines = MSGPACK.read(frame) if isinstance(frame, bytes) else frame.split("\n")
                self.waiting = [msgspec.json.decode(line) for line in lines]
            message = self.waiting.pop(0)
            if message["op"] in {"result", "error"}:
                self.answers[message.get("id")] = message
            if message["op"] != "ping":
                return message
            await self.say(op="pong", t=message["t"])

    async def until(self, op: str, **members: Any) -> dict[str, Any]:
        """Skip messages up to one of this kind."""
        while True:
            message = await self.hear()
            if message["op"] == op and all(message.get(name) == value for name, value in members.items()):
                return message

    async def subscribe(self, feed: str, **members: Any) -> dict[str, Any]:
        """Subscribe, and give the answer."""
        await self.say(op="subscribe", id=feed, feed=feed, **members)
        return await self.hear()

    async def events(self, upto: int) -> list[int]:
        """Hear events up to a sequence; give the sequences."""
        sequences: list[int] = []
        while not sequences or sequences[-1] < upto:
            message = await self.hear()
            if message["op"] == "event":
                sequences.append(message["sequence"])
        return sequences

    async def farewell(self) -> tuple[dict[str, Any], int]:
        """Hear everything to the end; give the `bye` and the close code."""
        bye: dict[str, Any] = {}
        with suppress(ConnectionClosed):
            while True:
                message = await self.hear()
                bye = message if message["op"] == "bye" else bye
        assert self.connection.close_code is not None
        return bye, self.connection.close_code

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


async def dial(server: Server, headers: dict[str, str] | None = None, **options: Any) -> Client:
    """Open a socket; it may be refused yet."""
    options = {"subprotocols": [SUBPROTOCOL], "ping_interval": None, "max_size": None} | options
    uri = f"ws://127.0.0.1:{server.port}/api/ws"
    return Client(await connect(uri, additional_headers=headers or {}, compression=None, **options))


async def open_socket(server: Server, who: Somebody, **options: Any) -> Client:
    """Open a socket and be welcome."""
    client = await dial(server, who.headers, **options)
    client.welcome = await client.hear()
    assert client.welcome["op"] == "welcome", client.welcome
    return client


@pytest.fixture(params=[JSON.name, MSGPACK.name])
def subprotocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have clients speak each format in turn."""
    monkeypatch.setattr("tests.transport.socket_world.SUBPROTOCOL", request.param)
    return request.param


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests of one module share: each has its own accounts."""
    with running_server(servers, migrated_template, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
async def write(server: Server) -> AsyncIterator[WriteSide]:
    async with writing(server) as opened:
        yield opened


@pytest.fixture
async def ann(write: WriteSide) -> Somebody:
    return await somebody(write)


@pytest.fixture
async def bob(write: WriteSide) -> Somebody:
    return await somebody(write)
