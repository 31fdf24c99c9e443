"""The guard: a small process that keeps one pair of embedded servers running, and ends them when its parent is gone.

`python -m runtime.guard <data_dir> [--temporary]` writes one report per line, as JSON, to standard output: where the
servers are, each time both answer, and what happened to them.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO

import msgspec
import psutil
from msgspec import Struct

from runtime import lifeline
from runtime.servers import (
    POSTGRES_MAJOR,
    EmbeddedError,
    Home,
    Server,
    forget_recycled_pid,
    initdb,
    leftovers,
    make_home,
    postgres,
    valkey,
)

POLL = 0.01
"""Seconds between two looks whether a server answers."""
STOP_LIMIT = 30.0
"""Seconds that a server may take to stop; PostgreSQL writes everything to disk first."""
FIRST_TRIES = 6
"""Failed starts after which a server that never answered is given up, about 3 s."""
LOG_LIMIT = 10 * 1024 * 1024


class Ready(Struct, tag=True, kw_only=True):
    """Both servers answer."""

    database_url: str
    redis_url: str
    pids: dict[str, int]
    """By name: `guard`, `postgres`, `valkey`."""


class Noted(Struct, tag=True):
    """Something happened that belongs in the parent's log."""

    event: str


class Failed(Struct, tag=True):
    """The servers cannot run; the guard ends."""

    error: str


Report = Ready | Noted | Failed


async def guard(home: Home, *, temporary: bool) -> None:
    """Keep both servers running until SIGINT or SIGTERM, then stop them; remove a temporary home.

    Raises `EmbeddedError` when one does not start.
    """
    stop_leftovers(home)
    pids = {"guard": os.getpid()}
    try:
        async with asyncio.TaskGroup() as group:
            tending = [
                group.create_task(tend_postgres(home, pids, temporary=temporary)),
                group.create_task(tend(valkey(home), home, pids)),
            ]
            await lifeline.stop_requested()
            for task in tending:
                task.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    finally:
        if temporary:
            shutil.rmtree(home.data_dir)
            shutil.rmtree(home.sockets, ignore_errors=True)  # usually inside, and gone by now


async def tend_postgres(home: Home, pids: dict[str, int], *, temporary: bool) -> None:
    """Run PostgreSQL on a database that is made first if there is none."""
    await create_database(home, durable=not temporary)
    await tend(postgres(home, durable=not temporary), home, pids)


async def tend(server: Server, home: Home, pids: dict[str, int]) -> None:
    """Run one server, again whenever it dies, until cancelled. Its process id is kept in `pids`."""
    failures = 0
    while True:
        with open_log(server.log) as output:
            async with running(server.command, home, output, stop=server.stop) as process:
                if await becomes_ready(server, process):
                    failures = 0
                    pids[server.name] = process.pid
                    if {"postgres", "valkey"} <= pids.keys():
                        say(Ready(database_url=home.database_url, redis_url=home.redis_url, pids=pids))
                code = await process.wait()
        failures += 1
        if server.name not in pids and failures == FIRST_TRIES:
            raise EmbeddedError(f"{server.name} does not start:\n{_tail(server.log)}")
        say(Noted(f"{server.name} ended with code {code}; starting it again"))
        await asyncio.sleep(min(0.05 * 2**failures, 5))


async def becomes_ready(server: Server, process: asyncio.subprocess.Process) -> bool:
    """Wait until the server answers (however long its recovery takes) or ends."""
    while process.returncode is None:
        if server.ready(process.pid):
            return True
        await asyncio.sleep(POLL)
    return False


@contextlib.asynccontextmanager
async def running(
    command: tuple[str, ...], home: Home, output: IO[bytes], *, stop: signal.Signals
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a program for the length of the block; it knows none of our environment."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=home.data_dir,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(stop)
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
        except TimeoutError:
            say(Noted(f"process {process.pid} does not stop; killing it"))
            process.kill()
            await process.wait()


async def create_database(home: Home, *, durable: bool) -> None:
    """Make PostgreSQL's folder if there is none. It gets its name only when it is whole."""
    target = home.data_dir / "postgres"
    if target.exists():
        version = (target / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != POSTGRES_MAJOR:
            raise EmbeddedError(
                f"{target} was written by PostgreSQL {version}, but this is {POSTGRES_MAJOR}: "
                "dump it with its own version, and load it into a new folder"
            )
        return
    draft, log = home.data_dir / "postgres.new", home.data_dir / "initdb.log"
    shutil.rmtree(draft, ignore_errors=True)  # what an interrupted attempt left
    with log.open("wb") as output:
        async with running(initdb(home, draft, durable=durable), home, output, stop=signal.SIGKILL) as process:
            code = await process.wait()
    if code:
        raise EmbeddedError(f"initdb ended with code {code}:\n{_tail(log)}")
    draft.rename(target)


def stop_leftovers(home: Home) -> None:
    """Stop servers that a killed guard left behind, cleanly if they let us, and clear their sockets."""
    found = list(leftovers(home))
    for process in found:
        say(Noted(f"stopping process {process.pid}, left behind by a guard that was killed"))
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(found, timeout=STOP_LIMIT)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive)
    forget_recycled_pid(home)
    for entry in home.sockets.iterdir():
        entry.unlink()


def hold(data_dir: Path) -> None:
    """Lock the folder for as long as this process lives; raise `EmbeddedError` when another process has it."""
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedError(
            f"{data_dir} is in use by another Plumbline: stop that one, or set DATA_DIR to another folder"
        ) from None


def open_log(path: Path) -> IO[bytes]:
    """Open a server's log to append to; a large one is put aside first, in place of the one before."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(f"{path}.1")
    return path.open("ab")


def say(report: Report) -> None:
    """Write one report to the parent, who may be gone."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, msgspec.json.encode(report) + b"\n")


def _tail(path: Path) -> str:
    return b"\n".join(path.read_bytes().splitlines()[-8:]).decode(errors="replace")


def main() -> int:
    """Guard the folder named on the command line. Exit code 1: the servers cannot run."""
    lifeline.watch_stdin({lifeline.VARIABLE: "1"}, grace=2 * STOP_LIMIT)
    try:
        home = make_home(Path(sys.argv[1]))
        hold(home.data_dir)
        asyncio.run(guard(home, temporary="--temporary" in sys.argv[2:]))
    except (EmbeddedError, OSError) as error:
        say(Failed(str(error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
