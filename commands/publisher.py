"""Publishing after the commit: a hint that saves readers their waiting. What gets lost they read from the log."""

import asyncio
from collections.abc import Sequence

from commands.frames import LOG_CHANNEL, batch_of, channel_of
from eventstore import Recorded
from runtime.broker import Broker


class Publisher:
    """Tells the feed's readers what was stored, and everybody who follows the log that there is more."""

    def __init__(self, broker: Broker) -> None:
        """Publish through `broker`, which drops messages while it is away."""
        self._broker = broker
        self._position = 0
        self._telling = False

    def __call__(self, recorded: Sequence[Recorded]) -> None:
        """Publish the events of one append."""
        batch = batch_of(recorded)
        self._broker.publish(channel_of(recorded[0].feed), batch.encode())
        self._position = max(self._position, batch.position)
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        """Wake the log's followers, once for all that was stored in this turn of the loop."""
        self._telling = False
        self._broker.publish(LOG_CHANNEL, b"%d" % self._position)
