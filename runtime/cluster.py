"""Valkey Cluster: how its address is written, and which of its servers has which slot.

`redis+cluster://user:password@host:port,host:port` (or `rediss+cluster://`, over TLS) names some servers of a cluster;
the others are found through them.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

MARK = "+cluster"
SLOTS = 16_384
ASKING_SECONDS = 2.0
"""How long one server may take to say what it knows of the cluster."""


class ClusterAway(Exception):  # noqa: N818 - it names a state
    """No server of the cluster says which of them has which slot."""


def is_cluster(url: str) -> bool:
    """Tell whether a URL names a cluster."""
    return urlsplit(url).scheme.endswith(MARK)


def seeds(url: str) -> list[str]:
    """Give the URLs of the servers that a cluster's URL names."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    scheme = parts.scheme.removesuffix(MARK)
    return [parts._replace(scheme=scheme, netloc=f"{login}{at}{host}").geturl() for host in hosts.split(",")]


def slot_of(channel: str) -> int:
    """Give the slot that a channel or key belongs to."""
    return key_slot(channel.encode())


class Layout(Struct, frozen=True):
    """Which primary has which slots: by each slot, the URL of its server. Slots that nobody has are not in it."""

    server_of: Mapping[int, str]

    @property
    def servers(self) -> frozenset[str]:
        """The URLs of all primaries."""
        return frozenset(self.server_of.values())

    @property
    def whole(self) -> bool:
        """Whether every slot has a server."""
        return len(self.server_of) == SLOTS


async def layout(url: str, known: Iterable[str] = ()) -> Layout:
    """Ask the servers of the cluster at `url`, those `known` first, for its layout. Raises `ClusterAway`."""
    for server in dict.fromkeys([*known, *seeds(url)]):
        with contextlib.suppress(RedisError, OSError):
            async with _client(server) as client:
                ranges = await client.execute_command("CLUSTER", "SLOTS")
            return Layout(dict(_servers(server, ranges)))
    raise ClusterAway


def _client(server: str) -> Any:
    limits = {"socket_timeout": ASKING_SECONDS, "socket_connect_timeout": ASKING_SECONDS}
    return Redis.from_url(server, max_connections=1, driver_info=None, **limits)  # pyright: ignore[reportUnknownMemberType, reportArgumentType] - untyped options


def _servers(asked: str, ranges: Any) -> Iterator[tuple[int, str]]:
    """Read the answer to CLUSTER SLOTS. A server that knows no name of its own is the one that was asked."""
    parts = urlsplit(asked)
    login, at, _ = parts.netloc.rpartition("@")
    for first, last, primary, *_ in ranges:
        host, port = (primary[0] or b"").decode(), primary[1]
        name = f"[{host}]" if ":" in host else host or parts.hostname
        server = parts._replace(netloc=f"{login}{at}{name}:{port}").geturl()
        for slot in range(first, last + 1):
            yield slot, server
