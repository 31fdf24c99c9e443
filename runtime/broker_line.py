"""One connection of the broker to one server: subscribes, publishes and listens, and mends itself."""

import asyncio
import random
import time
from collections import Counter, deque
from typing import Any, Protocol

from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import RedisError

from runtime.ids import new_id
from runtime.settings import without_passwords
from runtime.telemetry import get_logger

CONNECT_LIMIT = 5.0
SILENCE = 5.0
"""Seconds without a message after which the connection is tried, and after twice which it is given up."""
OUTGOING_LIMIT = 8 * 1024 * 1024
"""Bytes that may wait to be sent; beyond them messages are dropped."""
MOST_AT_ONCE = 500
"""Messages sent in one round trip."""

_log = get_logger(__name__)


class Ears(Protocol):
    """Who listens to a line."""

    def hear(self, channel: str, data: bytes) -> None:
        """Take a message."""
        ...

    def confirmed(self, channel: str) -> None:
        """Learn that every message published on a channel from now on will arrive."""
        ...

    def gap(self) -> None:
        """Learn that messages may be missing, and that from now on none are."""
        ...

    def stale(self) -> None:
        """Learn that the server may not have these channels any more."""
        ...


class _Change(Struct, frozen=True):
    """Channels to begin or to stop listening to."""

    wanted: bool
    channels: tuple[str, ...]


class Line:
    """A connection to one server. It never forgets a subscription.

    With `sharded`, channels are those of the shard that the server is the primary of.
    """

    def __init__(self, server: str, probe: str, ears: Ears, *, sharded: bool = False) -> None:
        """Prepare to talk to `server`. `probe` is a channel of our own on it."""
        self.server = server
        self.probe = probe
        self._ears = ears
        self._sharded = sharded
        self._client = _impatient_client(server)
        self._wanted = {probe}
        self._changes: asyncio.Queue[_Change] = asyncio.Queue()
        self._unconfirmed: Counter[str] = Counter()
        """How many answers to SUBSCRIBE are still to come."""
        self._leaving: Counter[str] = Counter()
        """How many answers to UNSUBSCRIBE are still to come."""
        self._confirmed: set[str] = set()
        self._suspect: set[str] = set()
        """Channels that were listened to before, and are not yet again: messages may be missing."""
        self._whole = asyncio.Event()
        self._probes: dict[bytes, asyncio.Future[None]] = {}
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._outgoing_bytes = 0
        self._to_send = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether the connection stands and everything is subscribed."""
        return self._whole.is_set()

    def listens(self, channel: str) -> bool:
        """Whether every message published on a channel arrives."""
        return channel in self._confirmed

    def missed(self, channel: str) -> bool:
        """Whether a channel was listened to, now or before the connection was lost."""
        return channel in self._confirmed or channel in self._suspect

    def want(self, *channels: str, suspect: bool = False) -> None:
        """Listen to channels; `suspect`: messages of theirs may be missing already."""
        self._wanted.update(channels)
        if suspect:
            self._suspect.update(channels)
        if channels:
            self._changes.put_nowait(_Change(wanted=True, channels=channels))

    def drop(self, *channels: str) -> None:
        """Stop listening to channels; a few more messages of theirs may still arrive."""
        self._wanted.difference_update(channels)
        self._confirmed.difference_update(channels)
        self._settle(channels)
        if channels:
            self._changes.put_nowait(_Change(wanted=False, channels=channels))

    def publish(self, channel: str, data: bytes) -> bool:
        """Send a message without waiting. False: it was dropped."""
        if not self.connected or self._outgoing_bytes > OUTGOING_LIMIT:
            return False
        self._outgoing.append((channel, data))
        self._outgoing_bytes += len(data)
        self._to_send.set()
        return True

    async def round_trip(self) -> float:
        """Send ourselves a message and tell how many seconds it took. Waits as long as the caller does."""
        token = new_id().bytes
        self._probes[token] = arrived = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        self.publish(self.probe, token)
        try:
            await arrived
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
                    _log.warning("lost the broker", broker=without_passwords(self.server), reason=reason)
                pause = 0.05 if self.connected else min(pause * 2, 1)
                self._lose()
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads load, guards nothing

    def _lose(self) -> None:
        self._suspect |= self._confirmed
        self._confirmed.clear()
        self._whole.clear()
        self._outgoing.clear()
        self._outgoing_bytes = 0
        self._ears.stale()

    async def _converse(self) -> None:
        """Subscribe to everything, and send and take messages until the connection ends."""
        self._unconfirmed.clear()
        self._leaving.clear()
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
                    pipeline.execute_command("SPUBLISH" if self._sharded else "PUBLISH", channel, data)
                self._check(await pipeline.execute(raise_on_error=False))

    def _check(self, answers: list[Any]) -> None:
        """Look at what came of publishing. A channel that moved away is a reason to ask who has it now."""
        for answer in answers:
            if isinstance(answer, Lost) or (isinstance(answer, RedisError) and not self._sharded):
                raise answer
            if isinstance(answer, RedisError):
                _log.info("a message found no server", server=without_passwords(self.server), reason=str(answer))
                self._ears.stale()
                return

    async def _keep_changing(self, pubsub: PubSub) -> None:
        while True:
            await self._change(pubsub)

    async def _change(self, pubsub: Any) -> None:
        change = await self._changes.get()
        if change.wanted:
            self._unconfirmed.update(change.channels)
            await self._each(pubsub.ssubscribe if self._sharded else pubsub.subscribe, change.channels)
        else:
            self._leaving.update(change.channels)
            await self._each(pubsub.sunsubscribe if self._sharded else pubsub.unsubscribe, change.channels)

    async def _each(self, command: Any, channels: tuple[str, ...]) -> None:
        """Give a command for channels: one for all, but one for each where they may lie in different slots."""
        if not self._sharded:
            await command(*channels)
            return
        for channel in channels:
            await command(channel)

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
                self.publish(self.probe, b"")

    def _take(self, value: list[Any]) -> None:
        match value:
            case [b"message" | b"smessage", channel, data]:
                name = channel.decode()
                if name != self.probe:
                    self._ears.hear(name, data)
                elif (probe := self._probes.get(data)) and not probe.done():
                    probe.set_result(None)
            case [b"subscribe" | b"ssubscribe", channel, _]:
                self._confirm(channel.decode())
            case [b"unsubscribe" | b"sunsubscribe", channel, _]:
                self._left(channel.decode())
            case _:
                pass  # news of a kind that we did not ask for

    def _confirm(self, channel: str) -> None:
        self._unconfirmed[channel] -= 1
        if self._unconfirmed[channel] or channel not in self._wanted:
            return
        del self._unconfirmed[channel]
        self._confirmed.add(channel)
        if not self.connected and self._confirmed >= self._wanted:
            self._whole.set()
        self._ears.confirmed(channel)
        self._settle((channel,))

    def _left(self, channel: str) -> None:
        """Hear that a channel was left; if we did not say so, it has moved to another server."""
        if self._leaving[channel]:
            self._leaving[channel] -= 1
        elif channel in self._wanted:
            self._confirmed.discard(channel)
            self._suspect.add(channel)
            self._ears.stale()

    def _settle(self, channels: tuple[str, ...]) -> None:
        """Count channels as whole again; after the last of them, say that there was a gap."""
        if self._suspect:
            self._suspect.difference_update(channels)
            if not self._suspect:
                self._ears.gap()


def _impatient_client(url: str) -> Redis:
    """Give a client that never mends a connection behind our back: we must know what may be missing.

    It has no socket timeout, under which the library can swallow a cancellation on Python 3.11; `SILENCE` stands in.
    """
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped options
        url,
        max_connections=2,
        socket_connect_timeout=CONNECT_LIMIT,
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )
