"""Embedded servers: real PostgreSQL and Valkey on this machine, on Unix sockets, for as long as somebody needs them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from runtime.guard import Report, log
from runtime.servers import EmbeddedError


class Embedded:
    """A running pair of servers. Its addresses never change; its process ids do, when a server was restarted."""

    def __init__(self, data_dir: Path, *, temporary: bool) -> None:
        """Prepare to run the servers whose files are in `data_dir`."""
        self.data_dir = data_dir
        self.temporary = temporary
        self.state = Report()
        self._guard: asyncio.subprocess.Process | None = None

    @property
    def database_url(self) -> str:
        """Where PostgreSQL listens."""
        return self.state.database_url

    @property
    def redis_url(self) -> str:
        """Where Valkey listens."""
        return self.state.redis_url

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of `guard`, `postgres` and `valkey`."""
        return self.state.pids

    async def start(self) -> None:
        """Start the guard and wait until both servers answer. Raises `EmbeddedError`."""
        options = ("--temporary",) if self.temporary else ()
        self._guard = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "runtime.guard", str(self.data_dir), *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is for us, not for the servers
        )
        await self._next_report()

    async def keep(self) -> None:
        """Follow the guard's reports; start another guard when it was killed. Runs until cancelled."""
        while True:
            try:
                while True:
                    await self._next_report()
            except EmbeddedError as error:
                log(f"the guard of the embedded servers is gone: {error}; starting another")
            try:
                await self.start()
            except EmbeddedError as error:
                log(str(error))
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """Let go of the guard's lifeline: it stops both servers and ends."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            await self._guard.wait()

    async def _next_report(self) -> None:
        guard = self._guard
        line = await guard.stdout.readline() if guard is not None and guard.stdout is not None else b""
        if guard is None or not line:
            code = await guard.wait() if guard is not None else None
            raise EmbeddedError(f"it ended with code {code}")
        report = msgspec.json.decode(line, type=Report)
        if report.error:
            raise EmbeddedError(report.error)
        self.state = report


@contextlib.asynccontextmanager
async def embedded(data_dir: Path, *, temporary: bool = False) -> AsyncGenerator[Embedded]:
    """Run PostgreSQL and Valkey with their files in `data_dir`; they end with the block, or with this process.

    A `temporary` folder is removed in the end. Each server that dies is started again on the same address.
    Raises `EmbeddedError` when they cannot run, for instance because another process uses the folder.
    """
    servers = Embedded(data_dir, temporary=temporary)
    try:
        await servers.start()
        keeper = asyncio.create_task(servers.keep())
        try:
            yield servers
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])
    finally:
        await servers.stop()
