"""Settings: one frozen struct, read from the environment in one place, with its secrets hidden when shown."""

import base64
import os
import re
import secrets
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
from msgspec import Meta, Struct, field, structs
from msgspec.structs import FieldInfo, fields

KEY_BYTES = 32

Port = Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]
Count = Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number from 1 to 1000000")]
Bytes = Annotated[int, Meta(ge=1, description="a number of bytes, 1 or more")]
Seconds = Annotated[float, Meta(gt=0, le=3600, description="seconds, more than 0 and at most 3600")]
Hours = Annotated[int, Meta(ge=1, le=24 * 365, description="hours, from 1 to 8760")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], Meta(description="one of debug, info, warning, error")
]
Sharing = Annotated[Literal["shared", "per_account"], Meta(description="one of shared, per_account")]
PostgresUrl = Annotated[str, Meta(pattern="^postgres(ql)?://", description="a URL like postgresql://user@host/name")]
RedisUrl = Annotated[
    str,
    Meta(
        pattern="^(rediss?(\\+cluster)?|unix)://",
        description="a URL like redis://host:6379/0, unix:///path.sock or redis+cluster://host:6379,other:6379",
    ),
]
SingleRedisUrl = Annotated[
    str,
    Meta(
        pattern="^(rediss?|unix)://",
        description="a URL of a single server, like redis://host:6379/0 or unix:///path.sock",
    ),
]
BlobUrl = Annotated[str, Meta(pattern="^(file:///|s3://)", description="a URL like file:///folder or s3://bucket/path")]
Origin = Annotated[str, Meta(pattern="^https?://[^/,\\s]+$")]
Origins = Annotated[
    tuple[Origin, ...], Meta(min_length=1, description="origins like https://example.org, separated by commas")
]
Network = IPv4Network | IPv6Network
Networks = Annotated[tuple[Network, ...], Meta(description="networks like 10.0.0.0/8 or ::1, separated by commas")]
Key = Annotated[
    bytes,
    Meta(min_length=KEY_BYTES, max_length=KEY_BYTES, description=f"{KEY_BYTES} bytes in base64"),
]

SECRET = frozenset({"MASTER_KEY"})
"""Variables that are never shown at all. Passwords inside URLs are hidden wherever they stand."""

HIDDEN = "***"

_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@:\s]*):[^@/\s]*@")


class SettingsError(ValueError):
    """The environment holds a value that is not allowed, or misses one that is needed."""


class Settings(Struct, frozen=True, kw_only=True, rename=str.upper):
    """How this process is set up. Each field's encoded name is its environment variable.

    Any variable may instead be given as `<NAME>_FILE`, the path of a file that holds the value.
    """

    database_url: PostgresUrl | None = None
    """PostgreSQL. None: the embedded servers are used."""
    redis_url: RedisUrl | None = None
    """Valkey or Redis, or a cluster of them. Set together with `database_url`, or not at all."""
    jobs_redis_url: SingleRedisUrl | None = None
    """The server through which workers are nudged, where that is not `redis_url`: it cannot be a cluster."""
    data_dir: Path = Path(".data")
    """What embedded mode keeps: both servers' files, blobs, the generated master key. Absolute after loading."""
    host: str = "127.0.0.1"
    port: Port = 8000
    allowed_origins: Origins = field(name="ORIGINS")
    """Origins whose pages may open sockets and send commands."""
    master_key: Key
    """Wraps every person's data key (AES-256)."""
    blob_url: BlobUrl
    """Where uploads are stored."""
    log_level: LogLevel = "info"
    upload_limit_bytes: Bytes = 50 * 1024 * 1024
    analysis_sharing: Sharing = "per_account"
    """Whether accounts that bring the same bytes share one analysis. Who shares one sees who else does."""
    heartbeat_interval: Seconds = 25
    """Seconds between the server's pings on a socket."""
    heartbeat_timeout: Seconds = 10
    """Seconds that a socket has to answer a ping."""
    trusted_proxies: Networks = ()
    """Networks of the proxies before this process: what they say in X-Forwarded-For is where a request comes from."""
    sockets_per_account: Count = 20
    """Sockets that one account may have open, at all processes together."""
    sockets_per_address: Count = 1_000
    """Sockets that may be open from one address, at all processes together."""
    session_hours: Hours = 24
    replay_limit: Count = 10_000
    """Events that a subscription replays at most; a larger gap is answered with `reset`."""
    projector_metrics_port: Port | None = None
    """Where a projector serves `/metrics`, at `host`. None: nowhere. The API serves them at its own port."""
    worker_metrics_port: Port | None = None
    """Where a worker does."""
    worker_threads: Count = 4
    """Jobs that one worker process runs at a time."""
    pool_size: Count = 10
    """PostgreSQL connections that one process holds at most."""

    @property
    def postgres(self) -> str:
        """Where PostgreSQL is; raises `SettingsError` where no URL names it."""
        return self._named(self.database_url)

    @property
    def valkey(self) -> str:
        """Where Valkey is; raises `SettingsError` where no URL names it."""
        return self._named(self.redis_url)

    @property
    def nudges(self) -> str:
        """Where dramatiq's messages go; raises `SettingsError` where no URL names it."""
        return self.jobs_redis_url or self.valkey

    @staticmethod
    def _named(url: str | None) -> str:
        if url is None:
            raise SettingsError("set DATABASE_URL and REDIS_URL, or let `plumbline up` start servers of its own")
        return url

    @property
    def embedded(self) -> bool:
        """Whether this machine runs its own servers, because no URL names others."""
        return self.database_url is None

    def shown(self) -> dict[str, str]:
        """Give every setting by its variable, as text, with secrets hidden."""
        return {info.encode_name: _shown(info.encode_name, getattr(self, info.name)) for info in fields(Settings)}

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value}" for name, value in self.shown().items())
        return f"Settings({inner})"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from `environ`.

    In embedded mode a missing master key is generated once and kept in `<data_dir>/master.key`, mode 0600.

    Raises `SettingsError` that names every bad variable and what it allows.
    """
    given = _given(environ)
    if ("DATABASE_URL" in given) != ("REDIS_URL" in given):
        raise SettingsError("DATABASE_URL and REDIS_URL belong together: set both, or neither to use embedded servers")
    if "+cluster://" in given.get("REDIS_URL", "") and "JOBS_REDIS_URL" not in given:
        raise SettingsError(
            "REDIS_URL names a cluster, which nudges cannot go through: set JOBS_REDIS_URL to one server"
        )
    data_dir = Path(given.get("DATA_DIR", ".data")).expanduser().absolute()
    given["DATA_DIR"] = str(data_dir)
    given.setdefault("BLOB_URL", (data_dir / "blobs").as_uri())
    port = given.get("PORT", "8000")
    given.setdefault("ORIGINS", f"http://127.0.0.1:{port},http://localhost:{port}")
    if "MASTER_KEY" not in given:
        if "DATABASE_URL" in given:
            raise SettingsError(
                f"MASTER_KEY (or MASTER_KEY_FILE) is needed when DATABASE_URL is set: {KEY_BYTES} random bytes in "
                f"base64, for instance from `openssl rand -base64 {KEY_BYTES}`"
            )
        given["MASTER_KEY"] = _kept_key(data_dir / "master.key")
    return _converted(given)


def with_servers(settings: Settings, *, database_url: str, redis_url: str) -> Settings:
    """Give the same settings with these servers."""
    return structs.replace(settings, database_url=database_url, redis_url=redis_url)


def without_passwords(text: str) -> str:
    """Hide the passwords of all URLs in a text."""
    return _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", text)


def child_environment(settings: Settings) -> dict[str, str]:
    """Give the environment in which another process of ours finds the same settings, secrets by file where they are.

    Raises `SettingsError` where the settings do not name the servers.
    """
    _ = settings.postgres, settings.valkey
    environ = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in VARIABLES}
    for info in fields(Settings):
        value = getattr(settings, info.name)
        if value is not None:
            environ[info.encode_name] = _as_variable(value)
    return environ


def _as_variable(value: object) -> str:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case tuple():
            return ",".join(map(str, cast("tuple[object, ...]", value)))
        case _:
            return str(value)


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for info in fields(Settings):
        name = info.encode_name
        value, path = environ.get(name), environ.get(f"{name}_FILE")
        if value and path:
            raise SettingsError(f"{name} and {name}_FILE are both set: keep one")
        if path:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}_FILE={path} cannot be read: {error}") from error
        if value:
            given[name] = value
    return given


def _converted(given: Mapping[str, str]) -> Settings:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for info in fields(Settings):
        if info.encode_name in given:
            text = given[info.encode_name]
            try:
                values[info.name] = _value(info, text)
            except msgspec.ValidationError:
                problems.append(
                    f"{info.encode_name}={_shown(info.encode_name, text)} is not allowed: give {_allowed(info)}"
                )
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(**values)


def _value(info: FieldInfo, text: str) -> object:
    if info.type is Path:
        return Path(text)
    if info.type is Networks:
        return _networks(text)
    parsed = [part.strip() for part in text.split(",")] if info.type is Origins else text
    return msgspec.convert(parsed, info.type, strict=False)


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise msgspec.ValidationError(str(error)) from error


def _allowed(info: FieldInfo) -> str:
    for kind in (info.type, *get_args(info.type)):
        for meta in getattr(kind, "__metadata__", ()):
            return cast("Meta", meta).description or "another value"
    return "another value"


def _shown(name: str, value: object) -> str:
    if name in SECRET:
        return HIDDEN
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    return "" if value is None else without_passwords(str(value))


def _kept_key(path: Path) -> str:
    """Read the key kept at `path`, or make one there: whoever links it first wins, the file is never half written."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first: its key is the key
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


VARIABLES = frozenset(info.encode_name for info in fields(Settings))
