"""The broker: Valkey (or Redis), for hints that may get lost and for state that may be forgotten.

`Broker` publishes and listens, and mends itself. `open_client` is the client library as it is, for everything else.
"""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from enum import Enum
from typing import Any, Literal

from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import FullJitterBackoff, NoBackoff
from redis.exceptions import RedisError

from runtime.ids import new_id
from runtime.settings import without_passwords
from runtime.telemetry import get_logger

CONNECT_LIMIT = 5.0
SILENCE = 5.0
"""Seconds without a message after which the connection is tried, and after twice which it is given up."""
OUTGOING_LIMIT = 8 * 1024 * 1024
INCOMING_LIMIT = 32 * 1024 * 1024
"""Bytes that may wait in each direction; beyond them messages are dropped, and listeners told so."""
MOST_AT_ONCE = 500
"""Messages sent in one round trip."""

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


class _Change(Struct, frozen=True):
    """Channels to begin or to stop listening to."""

    wanted: bool
    channels: tuple[str, ...]


class Broker:
    """Publishes and listens. It never forgets a subscription.

    What is published goes out in the order of the calls, all that is waiting in one round trip. After a lost
    connection, and after falling behind, listeners get `GAP` once everything is subscribed again: whoever then reads
    the truth from the log has missed nothing.
    """

    def __init__(self, url: str) -> None:
        """Prepare to talk to the server at `url`: `redis://`, `rediss://` or `unix://`."""
        self.url = url
        self._client = _impatient_client(url)
        self._own = f"probe:{new_id()}"
        self._wanted = {self._own}
        self._changes: asyncio.Queue[_Change] = asyncio.Queue()
        self._unconfirmed: dict[str, int] = {}  # how many answers to SUBSCRIBE are still to come, by channel
        self._confirmed: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._lost = False
        self._whole = asyncio.Event()
        self._probes: dict[bytes, asyncio.Future[None]] = {}
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._outgoing_bytes = 0
        self._to_send = asyncio.Event()
        self._arrived: deque[Message | Gap] = deque()
        self._arrived_bytes = 0
        self._something = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether the connection stands and everything is subscribed."""
        return self._whole.is_set()

    async def until_connected(self) -> None:
        """Wait until `connected`."""
        await self._whole.wait()

    def publish(self, channel: str, data: bytes) -> bool:
        """Send a message without waiting. False: it was dropped, because the server is away or does not keep up."""
        if not self.connected or self._outgoing_bytes > OUTGOING_LIMIT:
            return False
        self._outgoing.append((channel, data))
        self._outgoing_bytes += len(data)
        self._to_send.set()
        return True

    async def subscribe(self, *channels: str) -> None:
        """Listen to more channels; returns when every message published from now on will arrive.

        With the server away this waits until it is back, or until the channel is unsubscribed again.
        """
        new = tuple(channel for channel in channels if channel not in self._wanted)
        if new:
            self._wanted.update(new)
            self._changes.put_nowait(_Change(wanted=True, channels=new))
        for channel in channels:
            if channel not in self._confirmed:
                await asyncio.shield(self._waiting.setdefault(channel, asyncio.get_running_loop().create_future()))

    def unsubscribe(self, *channels: str) -> None:
        """Stop listening to channels; a few more messages of theirs may still arrive."""
        self._wanted.difference_update(channels)
        self._confirmed.difference_update(channels)
        for channel in channels:
            if waiting := self._waiting.pop(channel, None):
                waiting.set_result(None)
        if channels:
            self._changes.put_nowait(_Change(wanted=False, channels=channels))

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
        """Send ourselves a message and tell how many seconds it took. Raises `BrokerUnavailable` after `wait`."""
        token = new_id().bytes
        self._probes[token] = arrived = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        self.publish(self._own, token)
        try:
            async with asyncio.timeout(wait):
                await arrived
        except TimeoutError:
            raise BrokerUnavailable(f"no message came back within {wait} s") from None
        finally:
            del self._probes[token]
        return time.perf_counter() - start

    async def keep(self) -> None:
        """Keep the connection, and make it again whenever it is lost. Runs until cancelled."""
        pause = 0.05
        async with self._client:
            while True:
                try:
                    await self._converse()
                except* (RedisError, OSError, TimeoutError) as errors:
                    reason = repr(errors.exceptions[0])
                    _log.warning("lost the broker", broker=without_passwords(self.url), reason=reason)
                pause = 0.05 if self.connected else min(pause * 2, 1)
                self._lost = self._lost or self.connected
                self._whole.clear()
                self._forget_outgoing()
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads load, guards nothing

    async def _converse(self) -> None:
        """Subscribe to everything, and send and take messages until the connection ends."""
        self._confirmed.clear()
        self._unconfirmed.clear()
        self._changes = asyncio.Queue()
        self._changes.put_nowait(_Change(wanted=True, channels=tuple(self._wanted)))
        async with self._client.pubsub() as pubsub:  # pyright: ignore[reportUnknownMemberType] - untyped options
            await self._change(pubsub)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(pubsub))
                tasks.create_task(self._keep_changing(pubsub))
                tasks.create_task(self._send())

    async def _send(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            while self._outgoing:
                pipeline: Any = self._client.pipeline(transaction=False)
                for _ in range(min(len(self._outgoing), MOST_AT_ONCE)):
                    channel, data = self._outgoing.popleft()
                    self._outgoing_bytes -= len(data)
                    pipeline.publish(channel, data)
                await pipeline.execute()

    async def _keep_changing(self, pubsub: PubSub) -> None:
        while True:
            await self._change(pubsub)

    async def _change(self, pubsub: Any) -> None:
        change = await self._changes.get()
        if not change.wanted:
            await pubsub.unsubscribe(*change.channels)
            return
        for channel in change.channels:
            self._unconfirmed[channel] = self._unconfirmed.get(channel, 0) + 1
        await pubsub.subscribe(*change.channels)

    async def _listen(self, pubsub: Any) -> None:
        silent = False
        while True:
            value = await pubsub.parse_response(block=False, timeout=SILENCE)
            if value is not None:
                silent = False
                self._take(value)
            elif silent:
                raise TimeoutError("the broker fell silent")
            else:
                silent = True
                self.publish(self._own, b"")

    def _take(self, value: list[Any]) -> None:
        match value:
            case [b"message", channel, data]:
                name = channel.decode()
                if name != self._own:
                    self._arrive(Message(name, data))
                elif (probe := self._probes.get(data)) and not probe.done():
                    probe.set_result(None)
            case [b"subscribe", channel, _]:
                self._confirm(channel.decode())
            case _:
                pass  # the answer to UNSUBSCRIBE

    def _arrive(self, item: Message | Gap) -> None:
        if isinstance(item, Message):
            self._arrived_bytes += len(item.data)
            if self._arrived_bytes > INCOMING_LIMIT:
                self._arrived.clear()
                self._arrived_bytes = 0
                item = GAP
        self._arrived.append(item)
        self._something.set()

    def _confirm(self, channel: str) -> None:
        self._unconfirmed[channel] -= 1
        if self._unconfirmed[channel] or channel not in self._wanted:
            return
        self._confirmed.add(channel)
        if waiting := self._waiting.pop(channel, None):
            waiting.set_result(None)
        if not self.connected and self._confirmed >= self._wanted:
            self._whole.set()
            if self._lost:
                self._arrive(GAP)

    def _forget_outgoing(self) -> None:
        self._outgoing.clear()
        self._outgoing_bytes = 0


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

    Use it as `async with`, so that its connections are closed.
    """
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped options
        url,
        max_connections=size,
        socket_timeout=5,
        socket_connect_timeout=CONNECT_LIMIT,
        health_check_interval=15,
        retry=Retry(FullJitterBackoff(cap=0.5, base=0.02), 5),
    )


def _impatient_client(url: str) -> Redis:
    """Give a client that never mends a connection behind our back: we must know what may be missing.

    It has no socket timeout, under which the library can swallow a cancellation on Python 3.11; `SILENCE` stands in.
    """
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - as above
        url, max_connections=2, socket_connect_timeout=CONNECT_LIMIT, socket_timeout=None, retry=Retry(NoBackoff(), 0)
    )
