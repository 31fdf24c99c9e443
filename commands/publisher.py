"""Publishing after the commit: a hint that saves readers their waiting. What gets lost they read from the log.

Readers in this very process hear it at once, without the way to the broker and back.
"""

import asyncio
from collections.abc import Callable, Sequence

from commands.frames import LOG_CHANNEL, Batch, batch_of, channel_of
from eventstore import Recorded
from runtime.broker import Broker


class Publisher:
    """Tells the feed's readers what was stored, and everybody who follows the log that there is more."""

    def __init__(self, broker: Broker) -> None:
        """Publish through `broker`, which drops messages while it is away."""
        self.here: Callable[[str, Batch], None] | None = None
        """Hears the events of each append and their feed's name; it must neither wait nor fail."""
        self._broker = broker
        self._position = 0
        self._telling = False

    def __call__(self, recorded: Sequence[Recorded]) -> None:
        """Publish the events of one append."""
        feed, batch = recorded[0].feed, batch_of(recorded)
        if self.here is not None:
            self.here(feed, batch)
        self._broker.publish(channel_of(feed), batch.encode())
        self._position = max(self._position, batch.position)
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        """Wake the log's followers, once for all that was stored in this turn of the loop."""
        self._telling = False
        self._broker.publish(LOG_CHANNEL, b"%d" % self._position)
