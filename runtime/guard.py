"""The guard: a small process that keeps one pair of embedded servers running, and ends them when its parent is gone.

`python -m runtime.guard <data_dir> [--temporary]` writes one JSON report per line to standard output: where the servers
are, each time one has (re)started, or why they cannot run.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path

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
    home,
    initdb,
    leftovers,
    postgres,
    valkey,
)

POLL = 0.01
STOP_LIMIT = 30.0
FIRST_TRIES = 6


class Report(Struct, kw_only=True):
    """One line from the guard to its parent."""

    database_url: str = ""
    redis_url: str = ""
    pids: dict[str, int] = {}
    error: str = ""


class Guard:
    """Keeps PostgreSQL and Valkey of one data folder running until told to stop."""

    def __init__(self, place: Home, *, temporary: bool) -> None:
        """Prepare to guard the servers of `place`; a temporary folder is removed in the end."""
        self.place = place
        self.temporary = temporary
        self.servers = (postgres(place), valkey(place))
        self.pids: dict[str, int] = {}

    async def run(self) -> None:
        """Run both servers until SIGINT or SIGTERM. Raises `EmbeddedError` when one never gets ready."""
        stop_leftovers(self.place, self.servers)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.tend(server)) for server in self.servers]
                await lifeline.stop_requested()
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            if self.temporary:
                shutil.rmtree(self.place.data_dir)
                shutil.rmtree(self.place.sockets, ignore_errors=True)

    async def tend(self, server: Server) -> None:
        """Run one server, again and again when it dies, until cancelled."""
        if server.name == "postgres":
            await create_database(self.place, durable=not self.temporary)
        failures = 0
        was_ready = False
        while True:
            process = await self.start(server)
            try:
                if await becomes_ready(server, process):
                    failures, was_ready = 0, True
                    self.report(server, process.pid)
                code = await process.wait()
            finally:
                await self.end(server, process)
            failures += 1
            if not was_ready and failures == FIRST_TRIES:
                raise EmbeddedError(f"{server.name} does not start:\n{_tail(server.log)}")
            log(f"{server.name} ended with code {code}; starting it again")
            await asyncio.sleep(min(0.05 * 2**failures, 5))

    async def start(self, server: Server) -> asyncio.subprocess.Process:
        """Start the program with its output in its log file."""
        with server.log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *server.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.place.data_dir,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            )

    async def end(self, server: Server, process: asyncio.subprocess.Process) -> None:
        """Stop the program if it still runs: as it wishes to be stopped, then by force."""
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGQUIT if self.temporary and server.name == "postgres" else server.stop)
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
        except TimeoutError:
            log(f"{server.name} does not stop; killing it")
            process.kill()
            await process.wait()

    def report(self, server: Server, pid: int) -> None:
        """Tell the parent where the servers are, once both are."""
        self.pids[server.name] = pid
        if len(self.pids) == len(self.servers):
            say(
                Report(
                    database_url=self.place.database_url,
                    redis_url=self.place.redis_url,
                    pids={"guard": os.getpid()} | self.pids,
                )
            )


async def becomes_ready(server: Server, process: asyncio.subprocess.Process) -> bool:
    """Wait until the server answers (however long its recovery takes) or ends."""
    while process.returncode is None:
        if server.ready(process.pid):
            return True
        await asyncio.sleep(POLL)
    return False


async def create_database(place: Home, *, durable: bool) -> None:
    """Make PostgreSQL's folder if there is none. It appears under its name only when it is whole."""
    target = place.data_dir / "postgres"
    if target.exists():
        version = (target / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != POSTGRES_MAJOR:
            raise EmbeddedError(
                f"{target} was written by PostgreSQL {version}, but this is {POSTGRES_MAJOR}: "
                "dump it with its own version, and load it into a new folder"
            )
        return
    draft = place.data_dir / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    process = await asyncio.create_subprocess_exec(
        *initdb(place, draft, durable=durable),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=place.data_dir,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise EmbeddedError(f"initdb failed with code {process.returncode}:\n{output.decode(errors='replace')}")
    draft.rename(target)


def stop_leftovers(place: Home, servers: tuple[Server, ...]) -> None:
    """Stop servers that a killed guard left behind, cleanly if they let us, and clear their sockets."""
    found = list(leftovers(place, servers))
    for process in found:
        log(f"stopping {process.pid}, left behind by a guard that was killed")
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(found, timeout=STOP_LIMIT)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive)
    forget_recycled_pid(place)
    for entry in place.sockets.iterdir():
        entry.unlink()


def hold(data_dir: Path) -> int:
    """Lock the folder for as long as this process lives; raises `EmbeddedError` when another process has it."""
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedError(
            f"{data_dir} is in use by another Plumbline: stop that one, or set DATA_DIR to another folder"
        ) from None
    return folder


def say(report: Report) -> None:
    """Write one line to the parent, who may be gone."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()


def log(event: str) -> None:
    """Write one line to standard error in the shape of all our logs."""
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.buffer.write(msgspec.json.encode({"event": event, "level": "warning", "process": "guard"}) + b"\n")
        sys.stderr.buffer.flush()


def _tail(path: Path) -> str:
    return b"\n".join(path.read_bytes().splitlines()[-8:]).decode(errors="replace")


def main() -> int:
    """Guard the folder named on the command line. Exit code 1: the servers cannot run."""
    lifeline.watch_stdin({lifeline.VARIABLE: "1"}, grace=2 * STOP_LIMIT)
    try:
        place = home(Path(sys.argv[1]))
        hold(place.data_dir)
        asyncio.run(Guard(place, temporary="--temporary" in sys.argv[2:]).run())
    except (EmbeddedError, OSError) as error:
        say(Report(error=str(error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
