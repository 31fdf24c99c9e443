"""Histories as they really come about: commands decided on what happened before, folded, and recorded in one log."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from domain.core import Claim, ClaimTaken, Command, Context, Event, Refused
from domain.registry import AGGREGATE_OF, EVENTS
from domain.registry import AGGREGATES as EVERY_AGGREGATE
from eventstore import Append, EventStore, Recorded, Write
from eventstore.types import EventTypes
from runtime.ids import new_id

TYPES = EventTypes(EVENTS)
AGGREGATES = {aggregate.name: aggregate for aggregate in EVERY_AGGREGATE}
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Aggregates in memory, and the appends that made them what they are."""

    def __init__(self) -> None:
        self.appends: list[Append] = []
        self.states: dict[str, Any] = {}
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.versions: dict[str, int] = defaultdict(int)

    def do(self, command: Command, actor: str = "system", given: Any = None, claims: Sequence[str] = ()) -> list[Event]:
        """Carry a command out, with these claims free; raises what it refuses."""
        events = self.decide(command, actor, given, claims)
        aggregate = AGGREGATE_OF[type(command)]
        self.record(aggregate.stream_of(command), aggregate.feed_of(command), events, actor or "anyone")
        return events

    def decide(
        self, command: Command, actor: str = "system", given: Any = None, claims: Sequence[str] = ()
    ) -> list[Event]:
        """Give what a command comes to, without the events of claims."""
        aggregate = AGGREGATE_OF[type(command)]
        state = self.states.get(aggregate.stream_of(command)) or aggregate.state()
        now = BEGAN + timedelta(seconds=len(self.appends))
        context = Context(actor=actor, now=now, given=given, claims={name: Claim() for name in claims})
        return [event for event in aggregate.decide(command, state, context) if not isinstance(event, ClaimTaken)]

    def record(self, stream: str, feed: str, events: Sequence[Event], actor: str) -> None:
        """Fold events of one stream, and note them as one append."""
        if not events:
            return
        aggregate = AGGREGATES[stream.partition(":")[0]]
        state = self.states.get(stream) or aggregate.state()
        for event in events:
            state = aggregate.evolve(state, event)
        self.states[stream] = state
        self.events[stream] += events
        self.append(stream, feed, events, actor)

    def attempt(self, command: Command, actor: str = "system", given: Any = None) -> bool:
        """Carry a command out, unless it is refused."""
        try:
            return bool(self.do(command, actor, given))
        except Refused:
            return False

    def append(self, stream: str, feed: str, events: Iterable[Event], actor: str = "system") -> None:
        """Note events of one stream as one append."""
        new = tuple(TYPES.encode(event) for event in events)
        write = Write(stream, self.versions[stream], new)
        self.versions[stream] += len(new)
        self.appends.append(
            Append(feed=feed, writes=(write,), actor=actor, command_id=new_id(), command_hash=b"1", correlation_id=None)
        )

    def recorded(self, position: int = 0) -> list[Recorded]:
        """Give the log as it would be read, behind `position` of a longer one."""
        sequences: dict[str, int] = defaultdict(int)
        recorded: list[Recorded] = []
        for number, append in enumerate(self.appends):
            (write,) = append.writes
            for index, event in enumerate(write.events, start=1):
                sequences[append.feed] += 1
                recorded.append(
                    Recorded(
                        position=position + len(recorded) + 1,
                        feed=append.feed,
                        sequence=sequences[append.feed],
                        stream=write.stream,
                        version=write.expected + index,
                        type=event.type,
                        data=event.data,
                        actor=append.actor,
                        command_id=append.command_id,
                        correlation_id=None,
                        causation_id=None,
                        recorded_at=BEGAN + timedelta(seconds=number),
                    )
                )
        return recorded

    async def store(self, pool: AsyncConnectionPool[Any]) -> int:
        """Append what was noted since the last time to the real log; give the last position."""
        position = 0
        async with EventStore(pool) as store:
            for append in self.appends:
                position = (await store.append(append)).position
        self.appends.clear()
        return position


def account(actor: str) -> UUID:
    """Give the account's id behind an actor."""
    return UUID(actor.removeprefix("account:"))
