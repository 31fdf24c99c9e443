"""What the broker says about the log and the read models: hints only, all of which may be lost."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from runtime.telemetry import get_logger

LOG = "log"
"""Channel on which writers tell that the log grew."""
WATERMARKS = "watermark:"
"""Prefix of the channels on which projections tell the positions that they reached."""
PAUSE = 0.5
"""Seconds before another try when the broker is away."""

log = get_logger(__name__)


async def heard(broker: Redis, *patterns: str) -> AsyncGenerator[tuple[str, bytes]]:
    """Give the messages on channels like `patterns`, as channel and data, for ever; what is missed is missed."""
    while True:
        try:
            subscription: Any
            async with broker.pubsub(ignore_subscribe_messages=True) as subscription:  # pyright: ignore[reportUnknownMemberType] - redis types it so
                await subscription.psubscribe(*patterns)
                async for message in subscription.listen():
                    yield message["channel"].decode(), message["data"]
        except RedisError as error:
            log.warning("lost the broker", reason=str(error))
        await asyncio.sleep(PAUSE)
