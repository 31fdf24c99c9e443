"""Between the commit and the broker: messages that are lost, repeated, or come in another order."""

from collections.abc import Sequence
from typing import Literal

from commands.publisher import Publisher
from eventstore import Recorded
from runtime.broker import Broker

Fate = Literal["pass", "drop", "repeat", "hold"]


class Muddle:
    """Publishes what one feed's events go through: `fates` in turn, and what is held when something else passes."""

    def __init__(self, broker: Broker) -> None:
        self._publish = Publisher(broker)
        self._fates: dict[str, list[Fate]] = {}
        self._held: dict[str, list[Sequence[Recorded]]] = {}

    def plan(self, feed: str, fates: Sequence[Fate]) -> None:
        """Say what becomes of the next messages of a feed."""
        self._fates[feed] = list(fates)

    def __call__(self, recorded: Sequence[Recorded]) -> None:
        feed = recorded[0].feed
        fates = self._fates.get(feed)
        match fates.pop(0) if fates else "pass":
            case "pass":
                self._publish(recorded)
                self.release(feed)
            case "drop":
                pass
            case "repeat":
                self._publish(recorded)
                self._publish(recorded)
            case "hold":
                self._held.setdefault(feed, []).insert(0, recorded)

    def release(self, feed: str) -> None:
        """Let go of what is held, the last one first."""
        for recorded in self._held.pop(feed, []):
            self._publish(recorded)
