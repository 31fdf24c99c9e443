"""Answers kept in Valkey beside the truth (cache-aside): per subject a hash, true at one state of the subject.

An answer kept at a newer state drops all the older ones, and one asked for at another state is not found: nothing has
to be told that something changed, so no lost message can leave a wrong answer behind.
"""

import asyncio
from time import monotonic
from typing import Any

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from runtime.telemetry import REGISTRY, get_logger

TTL_SECONDS = 600
"""How long a subject's answers are kept after the last of them came."""
MOST_ANSWERS = 64
"""Of a subject; when there are more, all are dropped."""
MOST_BYTES = 512 * 1024
"""An answer larger than this is not kept."""
PATIENCE = 0.25
"""Seconds that Valkey may take. Making an answer anew takes a few milliseconds."""
REST = 5.0
"""Seconds for which Valkey is left alone when it did not answer."""
MOST_AT_ONCE = 8
"""Round trips at a time: the client refuses more than it has connections."""

LOOKUPS = Counter(
    "answer_cache_lookups_total",
    "Answers looked for in Valkey, by outcome: a hit, a miss, or Valkey was away",
    ["outcome"],
    registry=REGISTRY,
)

# The era is the life of the log; the state rises within it. An older state than the one there is told too late.
KEEP = """
local there = redis.call('HMGET', KEYS[1], 'era', 'state')
if there[1] ~= ARGV[1] or there[2] ~= ARGV[2] then
    if there[1] == ARGV[1] and tonumber(there[2]) > tonumber(ARGV[2]) then return 0 end
    redis.call('DEL', KEYS[1])
elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) + 2 then
    redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'era', ARGV[1], 'state', ARGV[2], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""

_log = get_logger(__name__)


class AnswerCache:
    """Keeps encoded answers. It never raises for Valkey's sake: without it every answer is a miss."""

    def __init__(self, valkey: Redis) -> None:
        """Keep answers in `valkey`."""
        self._valkey: Any = valkey  # its calls are only half typed
        self._keep = valkey.register_script(KEEP)
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._rests_until = 0.0

    async def find(self, subject: str, state: tuple[str, int], question: str) -> bytes | None:
        """Give what was answered to `question` at exactly this state of the subject: an era, and a number in it."""
        era, number = state
        found = await self._ask(self._valkey.hmget, f"answers:{subject}", ("era", "state", question))
        if found is None:
            LOOKUPS.labels("away").inc()
            return None
        hit = found[:2] == [era.encode(), b"%d" % number] and found[2] is not None
        LOOKUPS.labels("hit" if hit else "miss").inc()
        return found[2] if hit else None

    async def keep(self, subject: str, state: tuple[str, int], question: str, answer: bytes) -> None:
        """Keep an answer, unless it is too large, or the subject is known at a newer state."""
        if len(answer) <= MOST_BYTES:
            given = [*state, question, answer, TTL_SECONDS, MOST_ANSWERS]
            await self._ask(self._keep, keys=[f"answers:{subject}"], args=given)

    async def _ask(self, call: Any, *arguments: Any, **named: Any) -> Any:
        """Make a call; `None` where Valkey is away or slow, and for a while after that."""
        if monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE), self._slots:
                return await call(*arguments, **named)
        except (RedisError, OSError, TimeoutError) as error:
            self._rests_until = monotonic() + REST
            _log.warning("answers.not_kept", reason=str(error) or type(error).__name__)
            return None
