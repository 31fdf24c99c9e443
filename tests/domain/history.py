"""Decisions as the bus makes them, and histories as the log keeps them: what tests of every aggregate share."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant

from domain.core import Aggregate, Claim, Command, Context, Event, Refused

NOW = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)
ALICE, BOB, CAROL = (UUID(int=0xACC0 + number) for number in range(3))

LAW = settings(max_examples=200, deadline=None)
MACHINE = settings(max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def actor(account_id: UUID) -> str:
    """Name an account as the one who acts."""
    return f"account:{account_id}"


def context(
    acting: str = actor(ALICE), now: datetime = NOW, looked_up: Any = None, claims: Mapping[str, Claim] | None = None
) -> Context:
    return Context(actor=acting, now=now, given=looked_up, claims=claims or {})


def recorded(event: Event) -> Event:
    """Give the event back as the log does: stored as JSON without its tag, decoded by its type."""
    data = msgspec.to_builtins(event)
    del data["type"]
    return msgspec.json.decode(msgspec.json.encode(data), type=type(event))


def fold(aggregate: Aggregate, events: Iterable[Event], state: Any = None) -> Any:
    """Fold the aggregate's own events, through JSON; a claim's events belong to another stream."""
    folded = aggregate.state() if state is None else state
    for event in events:
        if type(event) in aggregate.events:
            folded = aggregate.evolve(folded, recorded(event))
    return folded


def decided(aggregate: Aggregate, state: Any, command: Command, known: Context) -> list[Event]:
    """Decide on a command that came over the wire, and check that the state was only read and the events can be kept.

    Raises `Refused`, and nothing else.
    """
    arrived = msgspec.json.decode(msgspec.json.encode(command), type=type(command))
    before = msgspec.json.encode(state)
    try:
        events = aggregate.decide(arrived, state, known)
    finally:
        assert msgspec.json.encode(state) == before, "decide changed the state"
    for event in events:
        assert recorded(event) == event
    return events


class History(RuleBasedStateMachine):
    """One aggregate's life: whatever is commanded, its history folds to the state that it was decided on."""

    aggregate: ClassVar[Aggregate]

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.state: Any = self.aggregate.state()
        self.refusal: Refused | None = None

    def command(self, command: Command, known: Context | None = None) -> list[Event]:
        """Carry a command out; a refusal is kept in `refusal`, and nothing happened."""
        self.refusal = None
        try:
            events = decided(self.aggregate, self.state, command, known or context())
        except Refused as refusal:
            self.refusal = refusal
            return []
        self.state = fold(self.aggregate, events, self.state)
        self.events += events
        return events

    @invariant()
    def refolds(self) -> None:
        assert fold(self.aggregate, self.events) == self.state

    def teardown(self) -> None:
        state = self.aggregate.state
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=state) == self.state
