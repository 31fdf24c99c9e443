"""Keeps a feed's events in order: the next ones pass, old ones are dropped, early ones wait for what is missing."""

from collections.abc import Iterator

from plumbline_client.messages import EventFrame

MOST_EARLY = 1_000
"""Events kept behind a hole. What is dropped beyond them comes again with a new subscription."""


class Order:
    """One subscription's events. With a filter the numbers of what is wanted have holes: then only repeats show."""

    def __init__(self, last: int, *, filtered: bool) -> None:
        """Expect what follows sequence `last`."""
        self.last = last
        self.doubted = False
        """Whether somebody waits for what is missing."""
        self._promised = last
        self._filtered = filtered
        self._early: dict[int, EventFrame] = {}

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be missing."""
        return self.last >= self._promised

    def accept(self, event: EventFrame) -> Iterator[EventFrame]:
        """Take an event; give those that are next now."""
        if event.sequence <= self.last:
            return
        self._promised = max(self._promised, event.sequence)
        if not self._filtered and event.sequence > self.last + 1:
            if len(self._early) < MOST_EARLY:
                self._early[event.sequence] = event
            return
        following: EventFrame | None = event
        while following is not None:
            self.last = following.sequence
            yield following
            following = self._early.pop(self.last + 1, None) if self._early else None

    def promise(self, sequence: int) -> None:
        """Hear that everything that is wanted up to `sequence` was sent."""
        self._promised = max(self._promised, sequence)
        if self._filtered:
            self.last = self._promised
