"""Publishing after the commit: a hint that saves the readers' waiting. What gets lost is read from the log."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from commands.frames import LOG_CHANNEL, Batch, batch_of, channel_of
from eventstore import Recorded

MOST_WAITING = 10_000
"""Messages kept while the broker is away; older ones are dropped, their readers find the gap and fill it."""

log = structlog.get_logger()


class Publisher:
    """Sends what was stored to the broker, in order, all that is waiting in one round trip."""

    def __init__(self, broker: Redis) -> None:
        """Publish through `broker`."""
        self._broker = broker
        self._waiting: deque[tuple[str, Batch]] = deque(maxlen=MOST_WAITING)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, recorded: Sequence[Recorded]) -> None:
        """Queue the events of one append."""
        self._waiting.append((recorded[0].feed, batch_of(recorded)))
        self._wake.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="publisher")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(RedisError):
            await self._flush()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._flush()
            except RedisError as error:
                log.warning("publisher.broker_away", error=str(error), waiting=len(self._waiting))
                await asyncio.sleep(0.2)

    async def _flush(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            pipeline = self._broker.pipeline(transaction=False)
            for feed, message in batch:
                pipeline.publish(channel_of(feed), message.encode())
            pipeline.publish(LOG_CHANNEL, batch[-1][1].position)
            await pipeline.execute()
