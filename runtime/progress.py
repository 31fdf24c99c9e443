"""How far work is that goes on right now: a Valkey hash per job, updated field by field in one step.

It may be forgotten at any time. What must not be forgotten is an event.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from prometheus_client import Counter
from redis.asyncio import Redis

from runtime.telemetry import REGISTRY

TTL_SECONDS = 24 * 3600
"""How long the last step of a job is remembered."""

MOST_AT_ONCE = 4
"""Round trips at a time: the client refuses more than it has connections, and a crowd may come at once."""

STEPS = Counter(
    "progress_steps_total",
    "Steps told of running work, by whether they were news; the others came late or twice",
    ["news"],
    registry=REGISTRY,
)

# Keeps the newest step of a job: one that is not newer than what is there changes nothing. Within a phase the fields
# that a step leaves out stay as they are, and the items done never become fewer. Where the teller knows no time to go,
# it is estimated from what the phase has taken so far, by the server's own clock. Answers all fields, or nothing.
TELL = """
local function filled(name) return tonumber(redis.call('HGET', KEYS[1], name)) end
local ttl, event_id, scope, phase = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local last = filled('event_id')
if last and tonumber(event_id) <= last then return false end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local before = redis.call('HMGET', KEYS[1], 'scope', 'phase')
local done = nil
if before[1] ~= scope then
    redis.call('DEL', KEYS[1])
elseif before[2] ~= phase then
    redis.call('HDEL', KEYS[1], 'items_done', 'items_total', 'began_ms')
else
    done = filled('items_done')
end
redis.call('HDEL', KEYS[1], 'eta_ms')
local stamp = string.format('%d', now)
redis.call('HSET', KEYS[1], 'event_id', event_id, 'scope', scope, 'phase', phase, 'updated_ms', stamp)
redis.call('HSETNX', KEYS[1], 'began_ms', stamp)
for index = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[index], ARGV[index + 1]) end
local fewer, total = filled('items_done'), filled('items_total')
if done and fewer and fewer < done then
    redis.call('HSET', KEYS[1], 'items_done', string.format('%d', done))
    fewer = done
end
local taken = now - filled('began_ms')
if not filled('eta_ms') and total and fewer and fewer > 0 and taken > 0 then
    redis.call('HSET', KEYS[1], 'eta_ms', string.format('%d', math.max(0, taken * (total - fewer) / fewer)))
end
redis.call('PEXPIRE', KEYS[1], ttl)
return redis.call('HGETALL', KEYS[1])
"""


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a job is. `event_id` rises within the job; `scope` is the part of it (an operation, an attempt).

    `eta_ms`: the milliseconds still to go with this phase.
    """

    event_id: int
    scope: str
    phase: str
    stage: str | None = None
    step_index: int | None = None
    step_total: int | None = None
    items_done: int | None = None
    items_total: int | None = None
    eta_ms: int | None = None


class Progress(Struct, frozen=True, kw_only=True):
    """The newest step of a job, as it was told at `updated_at`."""

    step: Step
    updated_at: datetime


class ProgressBoard:
    """Keeps the newest step of each job, and tells it."""

    def __init__(self, valkey: Redis) -> None:
        """Keep steps in `valkey`. Every call raises `RedisError` while that is away."""
        self._valkey: Any = valkey  # its calls are only half typed
        self._tell = valkey.register_script(TELL)
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)

    async def tell(self, job: str, step: Step) -> Progress | None:
        """Note a step and give what is now known of the job; `None` if the step is no news.

        `job` comes from `own_job` or `engine_job`.
        """
        given = [TTL_SECONDS * 1000, step.event_id, step.scope, step.phase, *_pairs(step)]
        async with self._slots:
            found = await self._tell(keys=[job], args=given)
        STEPS.labels("no" if found is None else "yes").inc()
        return None if found is None else _progress(dict(zip(found[::2], found[1::2], strict=True)))

    async def read(self, job: str) -> Progress | None:
        """Give the newest step of a job, unless that is forgotten."""
        async with self._slots:
            found = await self._valkey.hgetall(job)
        return _progress(found) if found else None


def own_job(job_id: UUID) -> str:
    """Name a job of ours."""
    return f"progress:job:{job_id}"


def engine_job(project_id: UUID, job_id: UUID) -> str:
    """Name an outside engine's job. The engine chose `job_id`, so it names nothing outside of its project."""
    return f"progress:engine:{project_id}:{job_id}"


def _pairs(step: Step) -> Iterator[str | int]:
    for name in ("stage", *_NUMBERS):
        value = getattr(step, name)
        if value is not None:
            yield name
            yield value


_NUMBERS = ("step_index", "step_total", "items_done", "items_total", "eta_ms")


def _progress(fields: dict[bytes, bytes]) -> Progress:
    known = {name.decode(): value.decode() for name, value in fields.items()}
    numbers = {name: int(known[name]) for name in ("event_id", *_NUMBERS) if name in known}
    step = Step(scope=known["scope"], phase=known["phase"], stage=known.get("stage"), **numbers)
    return Progress(step=step, updated_at=datetime.fromtimestamp(int(known["updated_ms"]) / 1000, UTC))
