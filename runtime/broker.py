"""The broker: Valkey (or Redis), for hints that may get lost and for state that may be forgotten.

`Broker` publishes and listens, and mends itself. `open_client` is the client library as it is, for everything else.
Both work with a single server and with a cluster, where the broker talks to every primary (sharded pub/sub).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from enum import Enum
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import FullJitterBackoff

from runtime.broker_line import CONNECT_LIMIT, Line
from runtime.cluster import ClusterAway, Layout, is_cluster, layout, seeds, slot_of
from runtime.ids import new_id
from runtime.settings import without_passwords
from runtime.telemetry import get_logger

INCOMING_LIMIT = 32 * 1024 * 1024
"""Bytes that may wait for their listener; beyond them messages are dropped, and the listener told so."""
LOOK_SECONDS = 10.0
"""Between two looks at the layout of a cluster that is well."""
HURRY_SECONDS = 0.25
"""Between two looks while something is amiss."""

_log = get_logger(__name__)


class BrokerUnavailable(Exception):  # noqa: N818 - it names a state, as the HTTP answer does
    """Valkey does not answer."""


class Message(Struct, frozen=True):
    """Something published on a channel."""

    channel: str
    data: bytes


class Gap(Enum):
    """Between the messages before and after it some may be missing: the connection was lost, or we fell behind."""

    GAP = "gap"


GAP: Literal[Gap.GAP] = Gap.GAP


class Broker:
    """Publishes and listens. It never forgets a subscription.

    What is published goes out in the order of the calls, all that is waiting in one round trip. After a lost
    connection, and after falling behind, listeners get `GAP` once everything is subscribed again: whoever then reads
    the truth from the log has missed nothing. In a cluster each primary has a connection of its own: the loss of one
    holds up its channels only, and a channel whose slot moves is followed to its new server.
    """

    def __init__(self, url: str) -> None:
        """Prepare to talk to the server at `url`: `redis://`, `rediss://` or `unix://`, or to a cluster."""
        self.url = url
        self._own = f"probe:{new_id()}"
        self._wanted: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._cluster = is_cluster(url)
        self._layout = Layout({})
        self._lines: dict[str, Line] = {} if self._cluster else {url: Line(url, self._own, self)}
        self._at: dict[str, Line] = {}
        """Where each channel is listened to, or is to be."""
        self._stale = asyncio.Event()
        self._whole = asyncio.Event()
        self._arrived: deque[Message | Gap] = deque()
        self._arrived_bytes = 0
        self._something = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether every connection stands and everything is subscribed."""
        known = self._layout.whole if self._cluster else True
        return known and all(line.connected for line in self._lines.values())

    async def until_connected(self) -> None:
        """Wait until `connected`."""
        while not self.connected:
            self._whole.clear()
            await self._whole.wait()

    def publish(self, channel: str, data: bytes) -> bool:
        """Send a message without waiting. False: it was dropped, because its server is away or does not keep up."""
        line = self._line_of(channel)
        return line is not None and line.publish(channel, data)

    async def subscribe(self, *channels: str) -> None:
        """Listen to more channels; returns when every message published from now on will arrive.

        With the server away this waits until it is back, or until the channel is unsubscribed again.
        """
        new: dict[Line, list[str]] = {}
        for channel in channels:
            if channel not in self._wanted:
                self._wanted.add(channel)
                line = self._line_of(channel)
                if line is not None:
                    self._at[channel] = line
                    new.setdefault(line, []).append(channel)
        for line, added in new.items():
            line.want(*added)
        for channel in channels:
            line = self._at.get(channel)
            if line is None or not line.listens(channel):
                await asyncio.shield(self._waiting.setdefault(channel, asyncio.get_running_loop().create_future()))

    def unsubscribe(self, *channels: str) -> None:
        """Stop listening to channels; a few more messages of theirs may still arrive."""
        self._wanted.difference_update(channels)
        leaving: dict[Line, list[str]] = {}
        for channel in channels:
            if line := self._at.pop(channel, None):
                leaving.setdefault(line, []).append(channel)
            self._let_go(channel)
        for line, dropped in leaving.items():
            line.drop(*dropped)

    async def messages(self) -> AsyncIterator[Message | Gap]:
        """Give what arrives on all channels, and `GAP` where something may be missing. For one listener."""
        while True:
            while self._arrived:
                item = self._arrived.popleft()
                if isinstance(item, Message):
                    self._arrived_bytes -= len(item.data)
                yield item
            self._something.clear()
            await self._something.wait()

    async def round_trip(self, wait: float) -> float:
        """Send ourselves a message by every connection, and tell how many seconds the slowest took.

        Raises `BrokerUnavailable` after `wait`, or at once where a part of the cluster has no server.
        """
        if self._cluster and not self._layout.whole:
            raise BrokerUnavailable("a part of the cluster has no server")
        try:
            async with asyncio.timeout(wait):
                return max(await asyncio.gather(*(line.round_trip() for line in self._lines.values())))
        except TimeoutError:
            raise BrokerUnavailable(f"no message came back within {wait} s") from None

    async def keep(self) -> None:
        """Keep the connections, and make them again whenever they are lost. Runs until cancelled."""
        if not self._cluster:
            await self._lines[self.url].keep()
        async with asyncio.TaskGroup() as tasks:
            keeping: dict[Line, asyncio.Task[None]] = {}
            while True:
                await self._look()
                for line in [line for line in keeping if line not in self._lines.values()]:
                    keeping.pop(line).cancel()
                for line in self._lines.values():
                    if line not in keeping:
                        keeping[line] = tasks.create_task(line.keep(), name=f"broker {line.server}")
                await self._until_next_look()

    def hear(self, channel: str, data: bytes) -> None:
        """Take a message from a line."""
        self._arrive(Message(channel, data))

    def confirmed(self, channel: str) -> None:
        """Learn from a line that it listens to a channel."""
        self._let_go(channel)
        if self.connected:
            self._whole.set()

    def gap(self) -> None:
        """Learn from a line that messages may be missing."""
        self._arrive(GAP)

    def stale(self) -> None:
        """Learn from a line that channels may have moved."""
        self._stale.set()

    def _line_of(self, channel: str) -> Line | None:
        if not self._cluster:
            return self._lines[self.url]
        server = self._layout.server_of.get(slot_of(channel))
        return None if server is None else self._lines[server]

    def _let_go(self, channel: str) -> None:
        if waiting := self._waiting.pop(channel, None):
            waiting.set_result(None)

    async def _until_next_look(self) -> None:
        amiss = not self.connected
        if amiss:  # nothing is learned by asking more often
            await asyncio.sleep(HURRY_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HURRY_SECONDS if amiss else LOOK_SECONDS):
                await self._stale.wait()
        self._stale.clear()

    async def _look(self) -> None:
        """Learn which server has which slot now, and follow the channels that moved."""
        try:
            found = await layout(self.url, self._lines)
        except ClusterAway:
            _log.warning("lost the broker", broker=without_passwords(self.url), reason="no server knows the cluster")
            return
        if found == self._layout and all(self._is_on(line, found) for line in self._lines.values()):
            self._follow()
            return
        self._layout = found
        before = self._lines
        self._lines = {}
        for server in found.servers:
            line = before.get(server)
            if line is None or not self._is_on(line, found):
                line = Line(server, self._probe_of(server), self, sharded=True)
            self._lines[server] = line
        self._follow()

    def _follow(self) -> None:
        """Listen to every channel where it is now. One that was listened to elsewhere may have missed something."""
        moved: dict[tuple[Line, bool], list[str]] = {}
        for channel in self._wanted:
            line, old = self._line_of(channel), self._at.get(channel)
            if line is None or line is old:
                continue
            missed = old is not None and old.missed(channel)
            if old is not None and old in self._lines.values():
                old.drop(channel)
            self._at[channel] = line
            moved.setdefault((line, missed), []).append(channel)
        for (line, missed), channels in moved.items():
            line.want(*channels, suspect=missed)

    def _is_on(self, line: Line, found: Layout) -> bool:
        """Whether a line's own channel still lies on its server."""
        return found.server_of.get(slot_of(line.probe)) == line.server

    def _probe_of(self, server: str) -> str:
        """Find a channel of our own that lies on a server."""
        number = 0
        while self._layout.server_of.get(slot_of(f"{self._own}:{number}")) != server:
            number += 1
        return f"{self._own}:{number}"

    def _arrive(self, item: Message | Gap) -> None:
        if isinstance(item, Message):
            self._arrived_bytes += len(item.data)
            if self._arrived_bytes > INCOMING_LIMIT:
                self._arrived.clear()
                self._arrived_bytes = 0
                item = GAP
        self._arrived.append(item)
        self._something.set()


@contextlib.asynccontextmanager
async def open_broker(url: str, *, wait: float = 30) -> AsyncGenerator[Broker]:
    """Run a `Broker` for the length of the block. Raises `BrokerUnavailable` when Valkey is away for `wait` seconds."""
    broker = Broker(url)
    keeper = asyncio.create_task(broker.keep(), name="broker")
    try:
        try:
            async with asyncio.timeout(wait):
                await broker.until_connected()
        except TimeoutError:
            raise BrokerUnavailable(f"Valkey at {without_passwords(url)} does not answer") from None
        yield broker
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper


def open_client(url: str, *, size: int = 20) -> Redis:
    """Give the library's client: at most `size` connections, checked when idle for 15 s, tried again when lost.

    Use it as `async with`, so that its connections are closed. For a cluster it is the library's other client, which
    has the same calls, and as many connections to each server; every call must keep to one key.
    """
    limits: dict[str, Any] = {
        "max_connections": size,
        "socket_timeout": 5,
        "socket_connect_timeout": CONNECT_LIMIT,
        "health_check_interval": 15,
        "retry": Retry(FullJitterBackoff(cap=0.5, base=0.02), 5),
        "driver_info": None,  # else each connection looks up the library's version among the installed packages
    }
    if not is_cluster(url):
        return Redis.from_url(url, **limits)  # pyright: ignore[reportUnknownMemberType] - untyped options
    first, *others = seeds(url)
    nodes = [ClusterNode(parts.hostname or "", parts.port or 6379) for parts in map(urlsplit, others)]
    cluster = RedisCluster.from_url(first, startup_nodes=nodes, require_full_coverage=False, **limits)
    return cast("Redis", cluster)
