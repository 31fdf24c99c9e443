"""Commands over HTTP into the durable log, beside an empty POST handler of a plain Litestar app on the same server.

One API process, one process that sends: so many connections, each waiting for its answer before it sends again, each
with the bearer token of an account of its own. The two servers take turns, so that a disturbance of the machine meets
both. PostgreSQL has fsync on; every command is an append of its own stream, two events for an edit, one for a renaming.
"""

import asyncio
import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psutil
import uvloop
from litestar import Litestar, post

from benchmarks.crowd import HOST
from benchmarks.gateway import free_port, server
from commands.write_side import WriteSide, write_side
from domain.account import IssueToken, Register
from domain.budget import AddPosition, Edit
from domain.project import CreateProject
from runtime.broker import open_broker
from runtime.database import open_pool
from runtime.embedded import embedded
from runtime.ids import new_id
from runtime.migrations import migrate
from runtime.settings import load
from transport.limits import Limit, Limits
from transport.server import Server, listening, serve

USERS = 100
ROUNDS = 5
SECONDS = 2.0
WARM_UP = 0.5
KEY = bytes(range(32))
MUCH = Limit("benchmark", 10_000_000, 60, lease=100)
LIMITS = Limits(log_in=MUCH, password=MUCH, registration=MUCH, anonymous=MUCH, account=MUCH)


class User(msgspec.Struct):
    """Somebody with a token and a position of a project to edit."""

    token: str
    project_id: str
    position_id: str


class Figures(msgspec.Struct):
    """What one round came to: answers per second, and milliseconds that 95 of 100 took at most.

    `answers` are all, with those of the warm-up; `cpu` is the server's processor time for each, in microseconds.
    """

    per_second: float
    p95: float
    answers: int
    cpu: float = 0.0


def run() -> dict[str, float]:
    """Measure, print the table, and answer `http.commands_per_s`, `http.ratio_empty_handler` and so on."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    async with embedded(folder / "servers", temporary=True) as servers:
        await migrate(servers.database_url)
        users = await _users(servers.database_url, servers.redis_url)
        environ = os.environ | {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DATA_DIR": str(folder),
            "MASTER_KEY": base64.b64encode(KEY).decode(),
            "PORT": str(free_port()),
            "EMPTY_PORT": str(free_port()),
            "PLUMBLINE_LIFELINE": "1",
        }
        async with (
            _process("serve", environ, environ["PORT"]) as api,
            _process("empty", environ, environ["EMPTY_PORT"]) as peer,
        ):
            (folder / "users.json").write_bytes(msgspec.json.encode(users))
            rounds = [await asyncio.to_thread(_round, folder, environ, api, peer) for _ in range(ROUNDS)]
    return _told(rounds)


def _round(folder: Path, environ: dict[str, str], api: psutil.Process, peer: psutil.Process) -> dict[str, Figures]:
    return {
        "empty": _load(folder, "empty", environ["EMPTY_PORT"], peer),
        "edit": _load(folder, "edit", environ["PORT"], api),
        "rename": _load(folder, "rename", environ["PORT"], api),
    }


def _load(folder: Path, kind: str, port: str, server: psutil.Process) -> Figures:
    command = [sys.executable, "-m", "benchmarks.http", "load", kind, port, str(folder / "users.json")]
    before = server.cpu_times()
    figures = msgspec.json.decode(subprocess.check_output(command), type=Figures)
    after = server.cpu_times()
    figures.cpu = (after.user + after.system - before.user - before.system) / figures.answers * 1e6
    return figures


def _told(rounds: list[dict[str, Figures]]) -> dict[str, float]:
    rates = {kind: median(each[kind].per_second for each in rounds) for kind in rounds[0]}
    p95 = {kind: median(each[kind].p95 for each in rounds) for kind in rounds[0]}
    cpu = {kind: median(each[kind].cpu for each in rounds) for kind in rounds[0]}
    ratio = median(each["edit"].per_second / each["empty"].per_second for each in rounds)
    print(f"{USERS} users at once, medians of {ROUNDS} rounds\n")
    print(f"{'':24}{'per second':>12}{'p95 ms':>10}{'CPU us':>10}{'of the empty one':>20}")
    for kind, what in (("empty", "empty POST handler"), ("edit", "position.edit"), ("rename", "project.rename")):
        part = median(each[kind].per_second / each["empty"].per_second for each in rounds)
        print(f"{what:24}{rates[kind]:12,.0f}{p95[kind]:10.1f}{cpu[kind]:10.0f}{part:20.2f}")
    return {
        "http.commands_per_s": rates["edit"],
        "http.renames_per_s": rates["rename"],
        "http.empty_handler_per_s": rates["empty"],
        "http.ratio_empty_handler": ratio,
        "http.p95_ms_100_users": p95["edit"],
        "http.cpu_us_command": cpu["edit"],
        "http.cpu_us_empty_handler": cpu["empty"],
    }


async def _users(database_url: str, redis_url: str) -> list[User]:
    async with (
        open_pool(database_url) as pool,
        open_broker(redis_url) as broker,
        write_side(pool, broker, KEY) as write,
    ):
        return await asyncio.gather(*(_user(write) for _ in range(USERS)))


async def _user(write: WriteSide) -> User:
    account_id, project_id, position_id = new_id(), new_id(), new_id()
    registration = Register(account_id=account_id, email=f"{account_id}@localhost", password="benchmark", name="B")  # noqa: S106 - nobody's
    await write.bus.execute(registration, actor="")
    actor = f"account:{account_id}"
    token = await write.bus.execute(IssueToken(account_id=account_id, token_id=new_id(), name="B"), actor=actor)
    await write.bus.execute(CreateProject(project_id=project_id, name="House"), actor=actor)
    fields = Edit(description="Wall", quantity=None, unit="m3")
    await write.bus.execute(AddPosition(project_id=project_id, position_id=position_id, fields=fields), actor=actor)
    return User(token.result["token"], str(project_id), str(position_id))


def _process(role: str, environ: dict[str, str], port: str) -> AbstractAsyncContextManager[psutil.Process]:
    """Run one of the servers. Its log has a line for each request, as in service; nobody reads it here."""
    command = (sys.executable, "-m", "benchmarks.http", role)
    return server(command, int(port), environ, stderr=subprocess.DEVNULL)


async def _serve_empty() -> None:
    @post("/empty")
    async def empty() -> None:
        return None

    with listening(HOST, int(os.environ["EMPTY_PORT"])) as listener:
        await Server(Litestar([empty], openapi_config=None)).serve([listener])


class Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next."""

    def __init__(self, request: Callable[[int], bytes], took: list[float]) -> None:
        """Send what `request` makes of rising numbers; note in `took` how many seconds each answer took."""
        self._request = request
        self._took = took
        self._number = 0
        self._received = b""
        self._sent_at = 0.0
        self._transport: Any = None
        self.going = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take in an answer, or a part of one."""
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found or len(rest) < _length(head):
            return
        if head[9:12] != b"201":
            raise SystemExit(self._received.decode())
        self._took.append(time.perf_counter() - self._sent_at)
        self._received = b""
        if self.going:
            self._send()

    def _send(self) -> None:
        self._number += 1
        self._sent_at = time.perf_counter()
        self._transport.write(self._request(self._number))


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _edit(user: User) -> Callable[[int], bytes]:
    start = f'{{"project_id":"{user.project_id}","position_id":"{user.position_id}","changes":{{"quantity":"'
    return _requests("position.edit", user, start, '"}}')


def _rename(user: User) -> Callable[[int], bytes]:
    return _requests("project.rename", user, f'{{"project_id":"{user.project_id}","name":"House ', '"}')


def _requests(command: str, user: User, start: str, end: str) -> Callable[[int], bytes]:
    head = (
        f"POST /api/commands/{command} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {user.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    )
    first = (
        time.time_ns() // 1000
    )  # other numbers than in the round before: a command that changes nothing is no append

    def request(number: int) -> bytes:
        body = f"{start}{(first + number) % 1_000_000_000}{end}"
        return f"{head}{len(body)}\r\n\r\n{body}".encode()

    return request


def _empty(_user: User) -> Callable[[int], bytes]:
    request = f"POST /empty HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    return lambda _: request


async def _send_load(kind: str, port: int, users: list[User]) -> Figures:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    requests = {"empty": _empty, "edit": _edit, "rename": _rename}[kind]
    connections = [
        (await loop.create_connection(lambda user=user: Connection(requests(user), took), HOST, port))[1]
        for user in users
    ]
    await asyncio.sleep(WARM_UP)
    warm = len(took)
    began = time.perf_counter()
    await asyncio.sleep(SECONDS)
    seconds = time.perf_counter() - began
    answered = sorted(took[warm:])
    for connection in connections:
        connection.going = False
    await asyncio.sleep(0.3)  # the answers under way
    return Figures(len(answered) / seconds, answered[int(len(answered) * 0.95)] * 1000, len(took))


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["serve"]:
            serve(load(), limits=LIMITS)
        case ["empty"]:
            uvloop.run(_serve_empty())
        case ["load", kind, port, path]:
            users = msgspec.json.decode(Path(path).read_bytes(), type=list[User])
            sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_send_load(kind, int(port), users))))
        case _:
            print(run())


if __name__ == "__main__":
    _main(sys.argv[1:])
