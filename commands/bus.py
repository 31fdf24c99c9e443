"""The command bus: authorise, load, decide, append, answer with a receipt. REST, sockets and workers all use it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct, structs

from commands.lookups import Lookups
from commands.refusals import Busy, IdempotencyMismatch, LogBusy, OutcomeUnknown
from commands.rights import authorise
from commands.sealing import sealed
from commands.states import Entry, States
from domain.core import SYSTEM, Aggregate, Claim, ClaimReleased, ClaimTaken, Command, Context, Event, Refused
from domain.operation import ReportStep
from domain.registry import AGGREGATE_OF, PERSONAL_FIELDS
from eventstore import (
    Append,
    Appended,
    AppendUnknown,
    CommandMismatch,
    EventStore,
    LogUnavailable,
    NewEvent,
    Recorded,
    VersionConflict,
    Write,
)
from eventstore.personal import Vault
from eventstore.types import EventTypes
from runtime.ids import new_id

MOST_AGE = 1.0
PATIENCE = 2.0
"""Seconds for which a command goes on losing races for its stream to other processes before it is refused."""


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a command came to: its last event is number `sequence` of `feed`, at `position` of the log.

    `replayed`: the command had been carried out before; this is its first receipt. `unchanged`: things were already as
    the command wants them, so nothing was stored; the numbers say where its feed and stream stand. `result` holds
    what only the caller may learn, such as a new token's secret.
    """

    command_id: UUID
    feed: str
    sequence: int
    position: int
    replayed: bool = False
    unchanged: bool = False
    result: dict[str, Any] = {}


class Order(Struct, frozen=True, kw_only=True):
    """A command on its way: who sends it under which id, in which conversation, because of which command."""

    command: Command
    aggregate: Aggregate
    stream: str
    feed: str
    actor: str
    command_id: UUID
    command_hash: bytes
    correlation_id: UUID
    causation_id: UUID


class Publish(Protocol):
    """Tells others what was just stored. A hint: it may be lost, so it never waits and never fails."""

    def __call__(self, recorded: Sequence[Recorded]) -> None: ...  # noqa: D102 - said above


class After(Protocol):
    """Hears of every command that was accepted just now, and whether it came to an event. Never fails."""

    async def __call__(self, command: Command, *, happened: bool) -> None: ...  # noqa: D102 - said above


class Bus:
    """Carries out commands."""

    def __init__(
        self,
        store: EventStore,
        types: EventTypes[Event],
        vault: Vault,
        lookups: Lookups,
        publish: Publish,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Decide on what `store` holds; `lookups` finds what decisions need besides, `publish` tells the world."""
        self._store = store
        self._types = types
        self._vault = vault
        self._lookups = lookups
        self._publish = publish
        self._now = now
        self.after: After | None = None
        self.states = States(store, types, vault)

    async def execute(
        self,
        command: Command,
        *,
        actor: str,
        command_id: UUID | None = None,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
    ) -> Receipt:
        """Carry a command out once, and answer its receipt; the same id again answers the first receipt.

        A race lost to another process is decided again on the newer state, for two seconds. Raises a `Refused`, having
        stored nothing, except `OutcomeUnknown`, which says that this is not known.
        """
        command_id = command_id or new_id()
        aggregate = AGGREGATE_OF[type(command)]
        order = Order(
            command=command,
            aggregate=aggregate,
            stream=aggregate.stream_of(command),
            feed=aggregate.feed_of(command),
            actor=actor,
            command_id=command_id,
            command_hash=self._lookups.command_hash(actor, command),
            correlation_id=correlation_id or command_id,
            causation_id=causation_id or command_id,
        )
        try:
            receipt = await self._decided(await self._addressed(order))
        except Refused:
            replayed = await self._first_receipt(order)
            if replayed is None:
                raise
            return replayed
        except CommandMismatch as error:
            raise IdempotencyMismatch from error
        except LogUnavailable as error:
            raise LogBusy from error
        except AppendUnknown as error:
            raise OutcomeUnknown from error
        if self.after is not None and not receipt.replayed:
            await self.after(command, happened=not receipt.unchanged)
        return receipt

    async def _addressed(self, order: Order) -> Order:
        """Find the stream and the feed of a command that leaves them to us."""
        command = await self._lookups.addressed(order.command, self.states)
        if command is order.command:
            return order
        aggregate = order.aggregate
        return structs.replace(
            order, command=command, stream=aggregate.stream_of(command), feed=aggregate.feed_of(command)
        )

    async def _decided(self, order: Order) -> Receipt:
        """Try until the race is won. Whoever lost one tries again at once, and not behind the others of its process."""
        async with self.states.lock(order.stream):
            fresh, patient_until = False, monotonic() + PATIENCE
            while True:
                try:
                    return await self._attempt(order, fresh=fresh)
                except VersionConflict as error:
                    if monotonic() > patient_until:
                        raise Busy from error
                except Refused:
                    if fresh:
                        raise
                fresh = True  # what was lost or refused may rest on an old state

    async def _attempt(self, order: Order, *, fresh: bool) -> Receipt:
        command, aggregate, stream = order.command, order.aggregate, order.stream
        entry = await self.states.get(stream, fresh=fresh, most_age=_most_age(command))
        pins = await self._authorised(order, entry, fresh=fresh)
        found = await self._lookups.find(command, self.states, fresh=fresh)
        pins |= {name: version for name, version in found.pins.items() if name != stream}
        claims = {name: await self._claim(name, fresh=fresh) for name in found.claims}
        context = Context(actor=order.actor, now=self._now(), given=found.given, claims=claims)
        expected = {stream: entry.version} | {f"claim:{name}": claim.version for name, claim in claims.items()}
        events = aggregate.decide(command, entry.state, context)
        if not events:
            if fresh or isinstance(command, ReportStep):
                return await self._nothing_new(order, entry)
            return await self._attempt(order, fresh=True)  # that there is nothing to do may rest on an old state
        by_stream = _by_stream(events, stream)
        writes = [
            Write(name, expected[name], tuple([await self._stored(event) for event in written]))
            for name, written in by_stream.items()
        ]
        append = _append(order, writes, pins)
        appended = await self._store.append(append)
        if appended.repeated:  # stored once before: by an earlier try, or on a connection that broke before its answer
            await self.states.get(stream, fresh=True)
        else:
            for write, written in zip(writes, by_stream.values(), strict=True):
                sizes = [len(event.data) for event in write.events]
                self.states.advance(write.stream, write.expected, written, sizes, appended.position)
            self._publish(_recorded(append, appended))
            self.states.keep_snapshot(stream, entry)
        return _receipt(order, appended, found.result)

    async def _stored(self, event: Event) -> NewEvent:
        return self._types.encode(await sealed(event, self._vault) if type(event) in PERSONAL_FIELDS else event)

    async def _authorised(self, order: Order, entry: Entry, *, fresh: bool) -> dict[str, int]:
        """Check the actor's rights; answer the streams that this rests on, with their versions, as pins."""
        if order.actor == SYSTEM:
            return {}
        seen: dict[str, Entry] = {order.stream: entry}
        feed = order.feed
        on_project = feed.startswith("project:")
        for other in (order.actor, feed) if on_project else (order.actor,):
            if other and other not in seen:
                seen[other] = await self.states.get(other, fresh=fresh, most_age=_most_age(order.command))
        account = seen[order.actor].state if order.actor else None
        authorise(order.command, order.actor, account, seen[feed].state if on_project else None)
        return {name: other.version for name, other in seen.items() if name != order.stream}

    async def _claim(self, name: str, *, fresh: bool) -> Claim:
        held = await self.states.get(f"claim:{name}", fresh=fresh)
        return Claim(holder=held.state.holder, version=held.version)

    async def _nothing_new(self, order: Order, entry: Entry) -> Receipt:
        """Answer a command that changes nothing: by its first receipt if it did something once, else where we are."""
        replayed = await self._first_receipt(order)
        if replayed is not None:
            return replayed
        sequence, _ = (await self._store.heads([order.feed]))[order.feed]
        return Receipt(
            command_id=order.command_id, feed=order.feed, sequence=sequence, position=entry.position, unchanged=True
        )

    async def _first_receipt(self, order: Order) -> Receipt | None:
        try:
            first = await self._store.receipt(order.command_id)
        except LogUnavailable as error:
            raise LogBusy from error
        if first is None:
            return None
        appended, command_hash = first
        if command_hash != order.command_hash:
            raise IdempotencyMismatch
        found = await self._lookups.repeated(order.command)
        return _receipt(order, appended, found)


def _most_age(command: Command) -> float:
    """Give the age, in seconds, up to which a command may be decided on what this process remembers.

    What is stored names the versions that it rests on, so their age is harmless; but a report may be shown and not
    stored, again and again, and asking the log for each would cost more than all the rest.
    """
    return MOST_AGE if isinstance(command, ReportStep) else inf


def _by_stream(events: Sequence[Event], main: str) -> dict[str, list[Event]]:
    """Sort events by the stream that they belong to; the one that was decided on comes first."""
    by_stream: dict[str, list[Event]] = {main: []}
    for event in events:
        stream = f"claim:{event.claim}" if isinstance(event, ClaimTaken | ClaimReleased) else main
        by_stream.setdefault(stream, []).append(event)
    return by_stream


def _append(order: Order, writes: Sequence[Write], pins: dict[str, int]) -> Append:
    return Append(
        feed=order.feed,
        writes=tuple(writes),
        pins=tuple(pins.items()),
        actor=order.actor or "anyone",
        command_id=order.command_id,
        command_hash=order.command_hash,
        correlation_id=order.correlation_id,
        causation_id=order.causation_id,
    )


def _recorded(append: Append, appended: Appended) -> list[Recorded]:
    """Give the events as the log now holds them, without reading them back."""
    numbered = [
        (write.stream, write.expected + index, event)
        for write in append.writes
        for index, event in enumerate(write.events, start=1)
    ]
    first_sequence = appended.sequence - len(numbered) + 1
    return [
        Recorded(
            position=appended.first_position + index,
            feed=append.feed,
            sequence=first_sequence + index,
            stream=stream,
            version=version,
            type=event.type,
            data=event.data,
            actor=append.actor,
            command_id=append.command_id,
            correlation_id=append.correlation_id,
            causation_id=append.causation_id,
            recorded_at=appended.recorded_at,
        )
        for index, (stream, version, event) in enumerate(numbered)
    ]


def _receipt(order: Order, appended: Appended, result: dict[str, Any]) -> Receipt:
    return Receipt(
        command_id=order.command_id,
        feed=appended.feed,
        sequence=appended.sequence,
        position=appended.position,
        replayed=appended.repeated,
        result=result,
    )
