import asyncio
import base64
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import psutil
import pytest

from runtime.ids import new_id
from transport.terminal.remote import Remote, make_account

START_SECONDS = 90


class Stack:
    """A `plumbline up` of the test's own."""

    def __init__(self, data_dir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = data_dir
        named = {"DATABASE_URL", "REDIS_URL"}
        self.environ = {name: value for name, value in os.environ.items() if name not in named} | {
            "PORT": str(self.port),
            "DATA_DIR": str(data_dir),
            "LOG_LEVEL": "warning",
            "MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        }

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "transport", "up", env=self.environ, stdout=asyncio.subprocess.DEVNULL
        )
        self._root = psutil.Process(self._process.pid)
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while not await self._alive(client):
                assert self._process.returncode is None, "plumbline up ended"
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Ask it to stop as Ctrl-C does, and see that nothing stays behind."""
        family = self._root.children(recursive=True)
        self._process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(self._process.wait(), 60) == 0
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, 5)
        assert not alive

    def find(self, *words: str) -> psutil.Process:
        """The process of this stack whose command line holds these words, the oldest if there are several."""
        found = [each for each in self._root.children(recursive=True) if _says(each, words)]
        assert found, f"no process says {words}"
        return min(found, key=lambda each: each.create_time())

    async def remote(self) -> Remote:
        """A client with an account of its own."""
        remote = Remote(self.url)
        await make_account(remote, email=f"{new_id()}@localhost", password=secrets.token_urlsafe(12), name="End to end")
        return remote

    async def _alive(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/health/live")).is_success
        except httpx.TransportError:
            return False


def _says(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return all(word in command for word in words)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack]:
    running = Stack(tmp_path / "data")
    await running.start()
    yield running
    await running.stop()
