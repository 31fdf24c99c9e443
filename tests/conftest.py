"""What tests share: the real servers, started once, and a fresh database and broker for each test that asks."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import redis
from redis.asyncio import Redis

from runtime.broker import open_client
from runtime.database import Pool, open_pool
from runtime.embedded import Embedded, embedded
from runtime.migrations import migrate

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """PostgreSQL and Valkey for the whole session. Tests that kill servers start their own."""
    with asyncio.Runner() as runner:
        running = embedded(tmp_path_factory.mktemp("servers"), temporary=True)
        yield runner.run(running.__aenter__())
        runner.run(running.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def migrated_template(servers: Embedded) -> str:
    """Name of a migrated database to copy; migrated once per session."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    asyncio.run(migrate(_named(servers.database_url, "migrated")))
    return "migrated"


@pytest.fixture
def database_url(servers: Embedded, migrated_template: str) -> Iterator[str]:
    """A migrated, otherwise empty database of the test's own."""
    yield from _database(servers, f"TEMPLATE {migrated_template}")


@pytest.fixture
def empty_database_url(servers: Embedded) -> Iterator[str]:
    """A database of the test's own in which no migration has run."""
    yield from _database(servers, "TEMPLATE template0")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on the test's own database."""
    async with open_pool(database_url) as opened:
        yield opened


@pytest.fixture
def redis_url(servers: Embedded) -> str:
    """A Valkey with nothing in it."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[Redis]:
    """The library's client of that Valkey."""
    async with open_client(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def bills() -> Path:
    """Folder of the real bills, named by PLUMBLINE_BILLS."""
    folder = Path(os.environ.get("PLUMBLINE_BILLS", REPOSITORY / "../shared/data/bills"))
    if not folder.is_dir():
        pytest.skip(f"no bills in {folder}: set PLUMBLINE_BILLS to a folder that holds some")
    return folder.resolve()


def _database(servers: Embedded, source: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {source} STRATEGY wal_log")
        yield _named(servers.database_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _named(database_url: str, name: str) -> str:
    return urlsplit(database_url)._replace(path=f"/{name}").geturl()
