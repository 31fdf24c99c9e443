from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import pytest

from commands.write_side import WriteSide, write_side
from domain.account import Register
from domain.project import CreateProject
from runtime.broker import open_broker
from runtime.database import open_pool
from runtime.ids import new_id

MASTER_KEY = bytes(range(32))
PASSWORD = "correct horse"  # noqa: S105 - a test's

Open = Callable[[], AbstractAsyncContextManager[WriteSide]]


@pytest.fixture
def open_write_side(database_url: str, redis_url: str) -> Open:
    """Opens the bus as a process would: each call is another process as far as memory goes."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[WriteSide]:
        async with (
            open_pool(database_url) as pool,
            open_broker(redis_url) as broker,
            write_side(pool, broker, MASTER_KEY) as write,
        ):
            yield write

    return opened


@pytest.fixture
async def write(open_write_side: Open) -> AsyncIterator[WriteSide]:
    async with open_write_side() as opened:
        yield opened


async def register(write: WriteSide, email: str = "") -> str:
    """Register an account; give its actor."""
    account_id = new_id()
    email = email or f"{account_id}@localhost"
    await write.bus.execute(Register(account_id=account_id, email=email, password=PASSWORD, name="Somebody"), actor="")
    return f"account:{account_id}"


async def create_project(write: WriteSide, actor: str) -> UUID:
    project_id = new_id()
    await write.bus.execute(CreateProject(project_id=project_id, name="House"), actor=actor)
    return project_id
