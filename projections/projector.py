"""The projector: keeps read models up with the log, each by a follower of its own."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from prometheus_client import Gauge

from projections.follower import Follower
from projections.models import ALL
from projections.projection import Projection
from projections.watermarks import LOG, WATERMARKS
from runtime.broker import Broker
from runtime.telemetry import REGISTRY

POSITION = Gauge(
    "projection_position", "Log position that a projection's tables are true at", ["projection"], registry=REGISTRY
)
LAG = Gauge(
    "projection_lag_events",
    "Events of the log that a projection has not looked at yet",
    ["projection"],
    registry=REGISTRY,
)
POISONED = Gauge("projection_poisoned", "1 where an event stopped a projection", ["projection"], registry=REGISTRY)

PAUSE = 0.5
"""Seconds before another try when the broker is away."""


class Projector:
    """Several processes may run one each: they share the projections, and take over from each other."""

    def __init__(self, conninfo: str, broker: Broker | None, projections: Sequence[Projection] = ALL) -> None:
        """Keep `projections` in the database at `conninfo`; without a broker by polling alone."""
        self._broker = broker
        self._reached: dict[str, int] = {}
        self._news = asyncio.Event()
        self.followers = tuple(Follower(conninfo, projection, self._announce) for projection in projections)
        for follower in self.followers:
            _measure(follower)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the projections until `stop` is set; then finish the batches under way."""
        async with asyncio.TaskGroup() as tasks:
            following = [tasks.create_task(follower.run()) for follower in self.followers]
            helping = [tasks.create_task(helper) for helper in self._helpers()]
            await stop.wait()
            for follower in self.followers:
                follower.stop()
            await asyncio.gather(*following)
            for task in helping:
                task.cancel()

    def _announce(self, projection: str, position: int) -> None:
        self._reached[projection] = position
        self._news.set()

    def _helpers(self) -> list[Coroutine[Any, Any, None]]:
        return [self._listen(self._broker), self._tell(self._broker)] if self._broker is not None else []

    async def _listen(self, broker: Broker) -> None:
        """Wake everybody when the log grew."""
        await broker.subscribe(LOG)
        async for _ in broker.messages():
            for follower in self.followers:
                follower.wake()

    async def _tell(self, broker: Broker) -> None:
        """Announce positions; while the broker is away the newest of each projection waits."""
        while True:
            await self._news.wait()
            self._news.clear()
            reached, self._reached = self._reached, {}
            untold = {
                projection: position
                for projection, position in reached.items()
                if not broker.publish(f"{WATERMARKS}{projection}", b"%d" % position)
            }
            if untold:
                self._reached = untold | self._reached
                self._news.set()
                await asyncio.sleep(PAUSE)


def _measure(follower: Follower) -> None:
    name = follower.projection.name
    POSITION.labels(name).set_function(lambda: follower.position)
    LAG.labels(name).set_function(lambda: max(0, follower.head - follower.position))
    POISONED.labels(name).set_function(lambda: float(follower.poisoned))
