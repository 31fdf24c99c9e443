"""A whole API for tests: one server process and one projector, on a database of their own, reached over HTTP."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from projections.tables import ensure_tables
from runtime.database import open_pool
from runtime.embedded import Embedded

MASTER_KEY = bytes(range(32))
PASSWORD = "correct horse"  # noqa: S105 - a test's
REPOSITORY = Path(__file__).parents[2]
SERVE = """
import os
from runtime.settings import load
from transport.limits import Limit, Limits
from transport.server import serve

much = Limit("tests", 1_000_000, 60, lease=1_000)
few = Limit("registration", int(os.environ.get("TESTS_REGISTRATIONS", "1000000")), 3600)
serve(load(), limits=Limits(log_in=much, password=much, registration=few, anonymous=much, account=much))
"""


@dataclass
class Api:
    """Where a server listens, and the environment that it runs in."""

    url: str
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.Client:
        """Somebody with these headers."""
        client = httpx.Client(base_url=self.url, headers=headers, timeout=20)
        self.clients.append(client)
        return client

    def account(self) -> "Account":
        """Register somebody new."""
        email = f"{uuid4().hex}@localhost"
        given = {"email": email, "password": PASSWORD, "name": "Somebody"}
        answer = self.client().post("/api/commands/account.register", json=given)
        assert answer.status_code == 201, answer.text
        return Account(self, email, answer.json()["result"]["account_id"])


@dataclass
class Account:
    """Somebody registered."""

    api: Api
    email: str
    account_id: str

    def browser(self) -> httpx.Client:
        """Log in: a client with cookie, CSRF token and origin, as our page in a browser."""
        client = self.api.client(origin=self.api.url)
        answer = client.post("/api/session", json={"email": self.email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        secret = answer.headers["set-cookie"].partition(";")[0]
        client.headers.update({"cookie": secret, "x-csrf-token": answer.json()["csrf"]})
        client.cookies.clear()
        return client

    def program(self) -> httpx.Client:
        """Issue a bearer token: a client that sends it."""
        given = {"account_id": self.account_id, "name": "tests"}
        answer = self.browser().post("/api/commands/account.issue_token", json=given)
        assert answer.status_code == 201, answer.text
        return self.api.client(authorization=f"Bearer {answer.json()['result']['token']}")


@contextmanager
def running_api(servers: Embedded, template: str, folder: Path, **environ: str) -> Iterator[Api]:
    """Run a server and a projector on a fresh copy of the migrated database."""
    name = f"test_{uuid4().hex}"
    database_url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        asyncio.run(_tables(database_url))
        environment = api_environment(database_url, servers.redis_url, folder) | environ
        with _process(["-m", "workers", "projector"], environment, folder), _serving(environment, folder) as api:
            yield api
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def api_process(api: Api) -> Iterator[Api]:
    """Run a second server process beside another."""
    environ = api.environ | {"PORT": str(free_port())}
    with _serving(environ, api.log.parent) as second:
        yield second


@contextmanager
def worker_process(api: Api) -> Iterator[None]:
    """Run a worker beside a server: what is uploaded is read, and what is to be exported is written."""
    with _process(["-m", "workers", "worker"], api.environ, api.log.parent):
        yield


@contextmanager
def _serving(environ: dict[str, str], folder: Path) -> Iterator[Api]:
    with _process(["-c", SERVE], environ, folder) as process:
        api = Api(f"http://127.0.0.1:{environ['PORT']}", environ, folder / "log.jsonl", process)
        try:
            wait_for(api)
            yield api
        finally:
            for client in api.clients:
                client.close()


@contextmanager
def _process(arguments: list[str], environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log.jsonl").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environ, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=15)
            assert process.stdin is not None
            process.stdin.close()


def api_environment(database_url: str, redis_url: str, folder: Path) -> dict[str, str]:
    """The environment of a process with these servers, on a free port."""
    own = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder),
        "MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "PORT": str(free_port()),
        "PLUMBLINE_LIFELINE": "1",
    }
    return {**os.environ, **own}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


async def _tables(database_url: str) -> None:
    async with open_pool(database_url, size=1) as pool, pool.connection() as connection:
        await ensure_tables(connection)


def wait_for(api: Api) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{api.url}/api/session", timeout=5)
        except httpx.TransportError:
            assert api.process.poll() is None, api.log.read_text()
            assert time.monotonic() < deadline, api.log.read_text()
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="module")
def api(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server that the tests of one module share: each registers its own accounts."""
    with running_api(servers, migrated_template, tmp_path_factory.mktemp("api")) as running:
        yield running


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this problem, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return body
