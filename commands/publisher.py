"""Publishing after the commit: a hint that saves readers their waiting. What gets lost they read from the log."""

from collections.abc import Sequence

from commands.frames import LOG_CHANNEL, batch_of, channel_of
from eventstore import Recorded
from runtime.broker import Broker


class Publisher:
    """Tells the feed's readers what was stored, and everybody who follows the log that there is more."""

    def __init__(self, broker: Broker) -> None:
        """Publish through `broker`, which drops messages while it is away."""
        self._broker = broker

    def __call__(self, recorded: Sequence[Recorded]) -> None:
        """Publish the events of one append."""
        batch = batch_of(recorded)
        self._broker.publish(channel_of(recorded[0].feed), batch.encode())
        self._broker.publish(LOG_CHANNEL, b"%d" % batch.position)
