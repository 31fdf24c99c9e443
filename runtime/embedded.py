"""Embedded servers: real PostgreSQL and Valkey on this machine, on Unix sockets, for as long as somebody needs them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from runtime.guard import Failed, Noted, Ready, Report
from runtime.servers import EmbeddedError
from runtime.telemetry import get_logger

_log = get_logger(__name__)


class Embedded:
    """A running pair of servers. Its addresses never change; its process ids do, when a server was restarted."""

    def __init__(self, data_dir: Path, *, temporary: bool) -> None:
        """Prepare to run the servers whose files are in `data_dir`."""
        self._command = (sys.executable, "-m", "runtime.guard", str(data_dir), *(("--temporary",) if temporary else ()))
        self._guard: asyncio.subprocess.Process | None = None
        self._ready: Ready | None = None

    @property
    def database_url(self) -> str:
        """Where PostgreSQL listens."""
        return self._running.database_url

    @property
    def redis_url(self) -> str:
        """Where Valkey listens."""
        return self._running.redis_url

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of `guard`, `postgres` and `valkey`."""
        return self._running.pids

    @property
    def _running(self) -> Ready:
        if self._ready is None:
            raise EmbeddedError("the embedded servers have not started yet")
        return self._ready

    async def start(self) -> None:
        """Start the guard and wait until both servers answer. Raises `EmbeddedError`."""
        self._guard = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is for us, not for the servers
        )
        await self.follow()

    async def follow(self) -> None:
        """Return at the guard's next report that both servers answer. Raises `EmbeddedError` when it ends instead."""
        guard = self._guard
        if guard is None or guard.stdout is None:
            raise EmbeddedError("the embedded servers have not started yet")
        async for line in guard.stdout:
            report: Report = msgspec.json.decode(line, type=Report)
            match report:
                case Ready() as ready:
                    self._ready = ready
                    return
                case Noted(event):
                    _log.warning(event)
                case Failed(error):
                    raise EmbeddedError(error)
        raise EmbeddedError(f"the guard of the embedded servers ended with code {await guard.wait()}")

    async def keep(self) -> None:
        """Follow the guard, and start another when it was killed. Runs until cancelled."""
        while True:
            try:
                await self.follow()
            except EmbeddedError as error:
                _log.warning("starting the embedded servers again", reason=str(error))
                with contextlib.suppress(EmbeddedError):  # the next round tells, as this guard has ended too
                    await self.start()
                    continue
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """Let go of the guard's lifeline: it stops both servers and ends."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            await self._guard.wait()


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
