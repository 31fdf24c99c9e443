"""The supervisor: runs processes of ours side by side, starts those again that die, and leaves none behind.

Each child holds a lifeline (`runtime.lifeline`) to us and has a process group of its own, so a Ctrl-C in the terminal
reaches only us, and we end the children in order.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from runtime import lifeline
from runtime.telemetry import get_logger, human_line

DRAIN_LIMIT = 10.0
"""Seconds that a child gets to finish what it is doing."""
SHORT_LIFE = 10.0
"""Seconds below which a life counts as a failed start."""
MOST_FAILURES = 5
"""Failed starts in a row after which a program that has never lived longer is given up."""
LONGEST_LINE = 1024 * 1024
LAST_WORDS = 1.0
"""Seconds that the lines of a program may still take after its end."""

_log = get_logger(__name__)


class ProgramFailed(Exception):  # noqa: N818 - says what is wrong
    """A program ends as soon as it is started, every time."""


class Child:
    """One program that is kept running."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Prepare to run `command`; nothing starts yet."""
        self.name = name
        self.pid: int | None = None
        """Its process id, None while it is down."""
        self._command = command
        self._environ = {**environ, lifeline.VARIABLE: "1"}

    async def keep(self, write: Callable[[bytes], None]) -> None:
        """Run the program until cancelled, again whenever it ends; its lines go to `write`. Raises `ProgramFailed`."""
        failures, proven = 0, False
        while True:
            started = time.monotonic()
            code = await self._live(write)
            if time.monotonic() - started > SHORT_LIFE:
                failures, proven = 0, True
            failures += 1
            if failures == MOST_FAILURES and not proven:
                raise ProgramFailed(f"{self.name} ended {failures} times right after its start, last with code {code}")
            _log.warning("starting a program again", program=self.name, code=code)
            await asyncio.sleep(min(0.1 * 2**failures, 10))

    async def _live(self, write: Callable[[bytes], None]) -> int | None:
        """Run the program once and give its exit code; when cancelled, end it."""
        transport, life = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Life(write),
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environ,
            start_new_session=True,
        )
        self.pid = transport.get_pid()
        try:
            try:
                await life.exited.wait()
            finally:
                await self._end(transport, life)
        finally:
            self.pid = None
            transport.close()
        return transport.get_returncode()

    async def _end(self, transport: asyncio.SubprocessTransport, life: "_Life") -> None:
        """Ask the program to end, then end it and whatever it started."""
        group = transport.get_pid()
        try:
            if not life.exited.is_set():
                transport.terminate()
            async with asyncio.timeout(DRAIN_LIMIT):
                await life.exited.wait()
        except TimeoutError:
            _log.warning("killing a program that does not stop", program=self.name)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        await life.exited.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await life.silent.wait()


class _Life(asyncio.SubprocessProtocol):
    """One run of a program: its lines, and when it ended.

    The library's `Process.wait` would not do: it also waits for everybody who inherited the program's pipes.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()
        self._write = write
        self._rest = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - there is but one pipe
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._write(line)
        if len(self._rest) > LONGEST_LINE:
            self._write(self._rest)
            self._rest = b""

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - as it may be
        if fd == 1:
            if self._rest:
                self._write(self._rest)
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()


@contextlib.asynccontextmanager
async def supervise(
    commands: Mapping[str, Sequence[str]], environ: Mapping[str, str], *, human: bool | None = None
) -> AsyncGenerator[dict[str, Child]]:
    """Run each command, by its name, for the length of the block; then stop them one after another, as listed.

    Their log lines go to our standard error, shortened for people at a terminal (or when `human` says so).
    Raises `ProgramFailed`, and ends the block, when a program cannot even start.
    """
    children = {name: Child(name, command, environ) for name, command in commands.items()}
    write = _writer(human=sys.stderr.isatty() if human is None else human)
    try:
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(child.keep(write)) for child in children.values()]
            try:
                yield children
            finally:
                for task in keeping:
                    if not task.cancelling():  # or it is stopping already, because another one failed
                        task.cancel()
                    await asyncio.wait([task])
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # what ended the block, as it is


def _writer(*, human: bool) -> Callable[[bytes], None]:
    output = sys.stderr.buffer

    def write(line: bytes) -> None:
        if human and line.startswith(b"{"):
            with contextlib.suppress(msgspec.DecodeError):
                line = human_line(msgspec.json.decode(line, type=dict[str, Any])).encode(errors="backslashreplace")
        with contextlib.suppress(BrokenPipeError):
            output.write(line + b"\n")
            output.flush()

    return write
