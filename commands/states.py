"""Aggregates' present states, kept in memory: a snapshot plus the tail of the stream, folded once and then kept up.

A cached state is only a baseline. Whoever decides on it names its version in the append, and the log refuses
what was decided on an old one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import inf
from time import monotonic
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

import msgspec
import psycopg
from msgspec import Struct
from psycopg_pool import PoolTimeout

from commands.sealing import opened
from domain.core import Aggregate, ClaimReleased, ClaimTaken, Event
from domain.project import Created, MemberJoined
from domain.registry import AGGREGATES, name_of
from eventstore import EventStore, Recorded, Snapshot, worth_snapshot
from eventstore.personal import Vault
from eventstore.types import EventTypes
from runtime.telemetry import get_logger

E = TypeVar("E", bound=Event)

LARGEST_CACHE = 256 * 1024 * 1024
"""Bytes of stored events whose folded states are kept; states weigh about as much as their events."""
STATE_OVERHEAD = 1_000

_log = get_logger(__name__)


class Entry(Struct):
    """A stream as this process last saw it, at `checked_at` of the monotonic clock.

    `weight` is the bytes of events folded into `state`.
    """

    state: Any
    version: int = 0
    position: int = 0
    weight: int = STATE_OVERHEAD
    unsaved_bytes: int = 0
    unsaved_events: int = 0
    snapshot_bytes: int = 0
    checked_at: float = 0.0
    reading: asyncio.Task[None] | None = None
    next_reading: asyncio.Task[None] | None = None


class States:
    """Loads, keeps and advances states. One lock per stream serialises its commands inside this process."""

    def __init__(self, store: EventStore, types: EventTypes[Event], vault: Vault, largest: int = LARGEST_CACHE) -> None:
        """Fold what `store` holds; keep at most `largest` bytes."""
        self._store = store
        self._types = types
        self._vault = vault
        self._largest = largest
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._weight = 0
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._saving: dict[str, asyncio.Task[None]] = {}

    def lock(self, stream: str) -> asyncio.Lock:
        """Give the stream's lock; it lives as long as somebody holds it."""
        return self._locks.setdefault(stream, asyncio.Lock())

    async def get(self, stream: str, *, fresh: bool = False, most_age: float = inf) -> Entry:
        """Give a stream's state; with `fresh`, or when older than `most_age` seconds, after asking the log for more."""
        entry = self._entries.get(stream)
        if entry is None:
            entry = await self._load(stream)
            if stream in self._entries:  # another task was faster: theirs may be newer already
                return self._entries[stream]
            self._keep(stream, entry)
        elif fresh or monotonic() - entry.checked_at > most_age:
            await self._catch_up_together(stream, entry)
        self._entries.move_to_end(stream)
        return entry

    async def past(self, stream: str, *, until: Callable[[Any], bool]) -> Any:
        """Fold a stream from its start until its state satisfies `until`, or to its end if it never does."""
        entry = _empty(stream)
        for recorded in await self._store.stream(stream):
            self._fold(stream, entry, recorded, await self.opened(recorded))
            if until(entry.state):
                break
        return entry.state

    async def latest(self, feed: str, kind: type[E]) -> E | None:
        """Give the last event of a type in a feed, `None` if there is none."""
        recorded = await self._store.latest(feed, name_of(kind))
        return None if recorded is None else cast("E", await self.opened(recorded))

    async def joined(self, actor: str) -> list[str]:
        """Name the streams of the projects that an account created or joined, including those it has left."""
        return await self._store.streams(actor, [name_of(kind) for kind in (Created, MemberJoined)])

    def advance(self, stream: str, base: int, events: Sequence[Event], sizes: Sequence[int], position: int) -> None:
        """Fold events that were just stored behind version `base`, with the bytes that each has in the log."""
        entry = self._entries.get(stream)
        if entry is None:
            return
        known = entry.version - base  # another task may have read them from the log already
        if not 0 <= known < len(events):
            return
        evolve = _evolve_of(stream)
        for event in events[known:]:
            entry.state = evolve(entry.state, event)
        entry.version, entry.position = base + len(events), position
        self._weigh(stream, entry, sum(sizes[known:]), len(events) - known)

    def forget(self, stream: str) -> None:
        """Drop a state; the next `get` loads it anew."""
        entry = self._entries.pop(stream, None)
        if entry is not None:
            self._weight -= entry.weight

    async def opened(self, recorded: Recorded) -> Event:
        """Decode a stored event, with the personal text in it opened."""
        event = self._types.decode(recorded.type, recorded.data)
        return await opened(event, self._vault)

    def keep_snapshot(self, stream: str, entry: Entry) -> None:
        """Write a snapshot where reading it will be cheaper than folding the tail again. Nobody waits for it."""
        if not worth_snapshot(entry.unsaved_bytes, entry.unsaved_events, entry.snapshot_bytes):
            return
        aggregate = _AGGREGATES.get(_kind(stream))
        if aggregate is None or aggregate.name in _NEVER_SNAPSHOT or stream in self._saving:
            return
        state = msgspec.msgpack.encode(entry.state)
        entry.unsaved_bytes = entry.unsaved_events = 0
        entry.snapshot_bytes = len(state)
        snapshot = Snapshot(
            stream=stream,
            version=entry.version,
            position=entry.position,
            fingerprint=_FINGERPRINTS[aggregate.name],
            state=state,
        )
        self._saving[stream] = asyncio.create_task(self._save(snapshot), name=f"snapshot of {stream}")

    async def settle(self) -> None:
        """Wait until every snapshot under way is written."""
        await asyncio.gather(*self._saving.values())

    async def _save(self, snapshot: Snapshot) -> None:
        try:
            await self._store.save_snapshot(snapshot)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("snapshot.not_saved", stream=snapshot.stream, error=str(error))
        finally:
            del self._saving[snapshot.stream]

    async def _load(self, stream: str) -> Entry:
        entry = await self._from_snapshot(stream) or _empty(stream)
        await self._catch_up(stream, entry)
        return entry

    async def _from_snapshot(self, stream: str) -> Entry | None:
        aggregate = _AGGREGATES.get(_kind(stream))
        if aggregate is None or aggregate.name in _NEVER_SNAPSHOT:
            return None
        snapshot = await self._store.snapshot(stream)
        if snapshot is None or snapshot.fingerprint != _FINGERPRINTS[aggregate.name]:
            return None
        size = len(snapshot.state)
        return Entry(
            state=msgspec.msgpack.decode(snapshot.state, type=aggregate.state),
            version=snapshot.version,
            position=snapshot.position,
            weight=STATE_OVERHEAD + size,
            snapshot_bytes=size,
        )

    async def _catch_up_together(self, stream: str, entry: Entry) -> None:
        """Share a read with all who ask while another is under way: theirs has to begin after they asked."""
        if entry.next_reading is None:
            entry.next_reading = asyncio.create_task(self._catch_up_next(stream, entry), name=f"reading {stream}")
            entry.next_reading.add_done_callback(_noticed)
        await asyncio.shield(entry.next_reading)

    async def _catch_up_next(self, stream: str, entry: Entry) -> None:
        if entry.reading is not None:
            await asyncio.wait([entry.reading])
        entry.reading, entry.next_reading = entry.next_reading, None
        try:
            await self._catch_up(stream, entry)
        finally:
            entry.reading = None

    async def _catch_up(self, stream: str, entry: Entry) -> None:
        entry.checked_at = monotonic()
        for recorded in await self._store.stream(stream, after=entry.version):
            event = await self.opened(recorded)
            if recorded.version == entry.version + 1:  # else another task folded it while this one waited
                self._fold(stream, entry, recorded, event)

    def _fold(self, stream: str, entry: Entry, recorded: Recorded, event: Event) -> None:
        entry.state = _evolve_of(stream)(entry.state, event)
        entry.version, entry.position = recorded.version, recorded.position
        self._weigh(stream, entry, len(recorded.data), 1)

    def _weigh(self, stream: str, entry: Entry, size: int, events: int) -> None:
        entry.weight += size
        entry.unsaved_bytes += size
        entry.unsaved_events += events
        if self._entries.get(stream) is entry:
            self._weight += size
            self._evict(stream)

    def _keep(self, stream: str, entry: Entry) -> None:
        self._entries[stream] = entry
        self._weight += entry.weight
        self._evict(stream)

    def _evict(self, but: str) -> None:
        while self._weight > self._largest and len(self._entries) > 1:
            oldest = next(iter(self._entries))
            if oldest == but:
                self._entries.move_to_end(oldest)
                continue
            self.forget(oldest)


class Held(Struct, frozen=True):
    """Who holds a claimed value now."""

    holder: str | None = None


def _hold(held: Held, event: Event) -> Held:
    match event:
        case ClaimTaken(holder=holder):
            return Held(holder)
        case ClaimReleased():
            return Held()
        case _:
            return held


def _kind(stream: str) -> str:
    return stream.partition(":")[0]


def _empty(stream: str) -> Entry:
    kind = _kind(stream)
    return Entry(state=Held() if kind == "claim" else _AGGREGATES[kind].state())


def _evolve_of(stream: str) -> Any:
    kind = _kind(stream)
    return _hold if kind == "claim" else _AGGREGATES[kind].evolve


def _fingerprint(aggregate: Aggregate) -> str:
    schema = msgspec.json.encode(msgspec.json.schema(aggregate.state), order="deterministic")
    return blake2b(schema, digest_size=16).hexdigest()


_AGGREGATES = {aggregate.name: aggregate for aggregate in AGGREGATES}
_NEVER_SNAPSHOT = frozenset({"account"})
"""Their states hold personal text in the clear, which must not outlive the person's key."""
_FINGERPRINTS = {aggregate.name: _fingerprint(aggregate) for aggregate in AGGREGATES}


def _noticed(reading: asyncio.Task[None]) -> None:
    """See a read's error, even if whoever asked for it has gone."""
    if not reading.cancelled():
        reading.exception()
