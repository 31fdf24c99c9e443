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
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import msgspec

from runtime import lifeline
from runtime.nursery import Nursery, Program
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

    def __init__(self, name: str, program: Program, environ: Mapping[str, str], nursery: Nursery) -> None:
        """Prepare to run `program`; nothing starts yet."""
        self.name = name
        self.pid: int | None = None
        """Its process id, None while it is down."""
        self._program = program
        self._environ = {**environ, lifeline.VARIABLE: "1"}
        self._nursery = nursery

    async def keep(self, write: Callable[[bytes], None]) -> None:
        """Run the program until cancelled, again whenever it ends; its lines go to `write`. Raises `ProgramFailed`."""
        failures, proven = 0, False
        while True:
            started = time.monotonic()
            await self._live(write)
            if time.monotonic() - started > SHORT_LIFE:
                failures, proven = 0, True
            failures += 1
            if failures == MOST_FAILURES and not proven:
                raise ProgramFailed(f"{self.name} ended {failures} times right after its start")
            _log.warning("starting a program again", program=self.name)
            await asyncio.sleep(min(0.1 * 2**failures, 10))

    async def _live(self, write: Callable[[bytes], None]) -> None:
        """Run the program once, to its end; when cancelled, end it."""
        async with _life(write) as (life, files):
            try:
                self.pid = await self._nursery.fork(self._program, self._environ, files)
            finally:
                for file in files:
                    os.close(file)
            try:
                await life.exited.wait()
            finally:
                await self._end(self.pid, life)
                self.pid = None

    async def _end(self, group: int, life: "_Life") -> None:
        """Ask the program to end, then end it and whatever it started."""
        try:
            if not life.exited.is_set():
                os.kill(group, signal.SIGTERM)
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


class _Life:
    """One run of a program: when it ended, and when nobody who inherited its output will write any more."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()


@contextlib.asynccontextmanager
async def _life(write: Callable[[bytes], None]) -> AsyncGenerator[tuple[_Life, tuple[int, int, int]]]:
    """Make the pipes of one run: our ends are watched, the program's ends are given with it."""
    life = _Life()
    loop = asyncio.get_running_loop()
    lifeline_end, our_lifeline = os.pipe()
    our_output, output_end = os.pipe()
    our_held, held_end = os.pipe()
    output, _ = await loop.connect_read_pipe(lambda: _Lines(write, life.silent), os.fdopen(our_output, "rb", 0))
    held, _ = await loop.connect_read_pipe(lambda: _Lines(write, life.exited), os.fdopen(our_held, "rb", 0))
    try:
        yield life, (lifeline_end, output_end, held_end)
    finally:
        os.close(our_lifeline)
        output.close()
        held.close()


class _Lines(asyncio.Protocol):
    """Passes on what comes through a pipe, line by line, and says when the pipe has ended."""

    def __init__(self, write: Callable[[bytes], None], ended: asyncio.Event) -> None:
        self._write = write
        self._ended = ended
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._write(line)
        if len(self._rest) > LONGEST_LINE:
            self._write(self._rest)
            self._rest = b""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as it may be
        if self._rest:
            self._write(self._rest)
        self._ended.set()


@contextlib.asynccontextmanager
async def supervise(
    nursery: Nursery, programs: Mapping[str, Program], environ: Mapping[str, str], *, human: bool | None = None
) -> AsyncGenerator[dict[str, Child]]:
    """Run each program, by its name, for the length of the block; then stop them one after another, as listed.

    Their log lines go to our standard error, shortened for people at a terminal (or when `human` says so).
    Raises `ProgramFailed`, and ends the block, when a program cannot even start.
    """
    children = {name: Child(name, program, environ, nursery) for name, program in programs.items()}
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
