"""`plumbline up`: everything on this machine, as the processes that a real deployment has too."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from rich.console import Console

from projections.tables import ensure_tables
from runtime import telemetry
from runtime.database import open_pool
from runtime.lifeline import stop_requested
from runtime.migrations import migrate
from runtime.nursery import Nursery, Program
from runtime.settings import Settings, child_environment, load
from runtime.supervisor import supervise
from transport.servers import servers

START_SECONDS = 60.0
"""How long the API may take to answer before the start counts as failed."""

PROGRAMS = {
    "api": Program("transport", ("api",)),
    "projector": Program("workers", ("projector",)),
    "worker": Program("workers", ("worker",)),
}
PRELOADED = (
    "transport.terminal.cli",
    "transport.server",
    "litestar.plugins.pydantic",
    "workers.process",
    "workers.projecting",
)
"""What the programs import: the nursery does it once for all."""


class NotReady(Exception):  # noqa: N818 - says what is wrong
    """The processes started, but the API does not answer: their log lines above say why."""


@asynccontextmanager
async def stack(settings: Settings, *, temporary: bool = False) -> AsyncGenerator[str]:
    """Run servers (unless URLs name some), API, projector and worker for the length of the block; give the URL."""
    async with Nursery(PRELOADED) as nursery, servers(settings, temporary=temporary) as running:
        await migrate(running.postgres)
        async with open_pool(running.postgres, name="up", size=1) as pool, pool.connection() as connection:
            await ensure_tables(connection)
        async with supervise(nursery, PROGRAMS, child_environment(running)):
            url = f"http://{settings.host}:{settings.port}"
            await _answering(url)
            yield url


def private_settings(folder: Path) -> Settings:
    """Give settings for a stack of its own in `folder`, on a free port, whatever servers the environment names."""
    environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    quiet = {"LOG_LEVEL": environ.get("LOG_LEVEL", "error")}
    return load(environ | quiet | {"DATA_DIR": str(folder), "PORT": str(_free_port())})


async def run(settings: Settings, *, demo: bool, out: Console) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.create_task(stop_requested())
    telemetry.configure("up", level=settings.log_level)
    async with stack(settings) as url:
        if demo:
            from transport.terminal.demo import show_demo  # noqa: PLC0415 - only the demo needs the client

            showing = asyncio.create_task(show_demo(url, settings.data_dir, out))
            await asyncio.wait((stop, showing), return_when=asyncio.FIRST_COMPLETED)
            if not showing.done():
                showing.cancel()
                await asyncio.wait((showing,))
            elif not showing.cancelled():
                showing.result()
        if not stop.done():
            out.print(f"Plumbline runs at {url} - Ctrl-C stops it", highlight=False)
        await stop


async def _answering(url: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
        while True:
            try:
                if (await client.get(f"{url}/health/live")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
