"""Given events, when a command comes, then events or a refusal."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from domain.core import Aggregate, Claim, Command, Event, Refused
from tests.domain.history import ALICE, NOW, actor, context, decided, fold


class Answer:
    """What a command came to."""

    def __init__(self, events: list[Event], refusal: Refused | None) -> None:
        self.events = events
        self.refusal = refusal

    def then(self, *events: Event) -> None:
        """Exactly these events happened; none, where none are named."""
        if self.refusal is not None:
            raise self.refusal
        assert self.events == list(events)

    def refused(self, refusal: type[Refused], **extra: Any) -> Refused:
        """It was refused, and told the caller this."""
        assert type(self.refusal) is refusal, f"answered {self.refusal or self.events}"
        assert self.refusal.extra == extra
        return self.refusal


class Given:
    """An aggregate to which something happened."""

    def __init__(self, aggregate: Aggregate, *events: Event) -> None:
        self.aggregate = aggregate
        self.state = fold(aggregate, events)

    def when(
        self,
        command: Command,
        *,
        acting: str = actor(ALICE),
        now: datetime = NOW,
        given: Any = None,
        claims: Mapping[str, Claim] | None = None,
    ) -> Answer:
        """Decide on a command, with what the bus looked up for it."""
        try:
            events = decided(self.aggregate, self.state, command, context(acting, now, given, claims))
        except Refused as refusal:
            return Answer([], refusal)
        fold(self.aggregate, events, self.state)
        return Answer(events, None)


@pytest.fixture
def given() -> Callable[..., Given]:
    """Start a sentence: `given(AGGREGATE, *events).when(command).then(*events)`."""
    return Given
