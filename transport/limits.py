"""Rate limits: the generic cell rate algorithm in one Lua script, so that all processes share one count.

What is strict asks Valkey each time. What is generous leases a handful of requests at once and spends them in
memory: a busy account costs a round trip per handful, not per request.
"""

import asyncio
from collections import OrderedDict
from math import ceil
from time import monotonic

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.core import Refused
from runtime.telemetry import get_logger

MOST_LEASES = 20_000
MOST_ASKING = 8
"""Round trips at a time: the client refuses more than it has connections, and a crowd may come at once."""

# Keeps, per key, the theoretical arrival time: when the allowance would be full again. Grants as many of the asked
# requests as fit, at the server's own clock, and answers how many, and in how many microseconds one more fits.
GCRA = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local step, window, asked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local granted = math.min(asked, math.floor((window - (full - now)) / step))
if granted > 0 then
    full = full + granted * step
    redis.call('SET', KEYS[1], string.format('%d', full), 'PX', math.ceil((full - now) / 1000))
end
return {granted, math.max(0, math.ceil(full - now + step - window))}
"""

log = get_logger(__name__)


class Limit(Struct, frozen=True):
    """At most `count` requests of one key at once, refilled evenly over `seconds`. `lease` are spent in memory."""

    name: str
    count: int
    seconds: int
    lease: int = 1


class Limits(Struct, frozen=True, kw_only=True):
    """What the doors allow."""

    log_in: Limit = Limit("log_in", 20, 60)
    """Log-ins from one address."""
    password: Limit = Limit("password", 10, 300)
    """Passwords tried for one account, wherever from."""
    registration: Limit = Limit("registration", 60, 3600)
    """Accounts opened from one address."""
    anonymous: Limit = Limit("anonymous", 1_200, 60, lease=20)
    """Requests from one address by nobody in particular, and those with credentials that do not hold."""
    account: Limit = Limit("account", 12_000, 60, lease=100)
    """Requests of one account."""


class TooManyRequests(Refused):
    """Too many requests: wait as long as Retry-After says."""

    code = "too_many_requests"
    kind = "limit"


class _Lease(Struct):
    lock: asyncio.Lock
    left: int = 0
    until: float = 0.0
    refused_until: float = 0.0


class Limiter:
    """Counts requests."""

    def __init__(self, valkey: Redis) -> None:
        """Count in `valkey`."""
        self._script = valkey.register_script(GCRA)
        self._asking = asyncio.Semaphore(MOST_ASKING)
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    async def take(self, limit: Limit, key: str) -> None:
        """Count a request of `key`. Raises `TooManyRequests`."""
        if limit.lease == 1:
            await self._ask(limit, key, 1)
            return
        lease = self._lease(f"{limit.name}:{key}")
        if not _spent(lease):
            async with lease.lock:  # a crowd that finds the lease empty renews it once
                if not _spent(lease):
                    await self._renew(lease, limit, key)
                    lease.left -= 1

    async def _renew(self, lease: _Lease, limit: Limit, key: str) -> None:
        if (wait := lease.refused_until - monotonic()) > 0:
            raise _too_many(limit, wait)  # only time helps: no need to ask again
        try:
            lease.left = await self._ask(limit, key, limit.lease)
        except TooManyRequests as refusal:
            lease.refused_until = monotonic() + refusal.extra["retry_after"]
            raise
        except RedisError as error:
            log.warning("limits.valkey_away", error=str(error))
            lease.left = limit.lease  # a generous limit may stretch while nobody counts; a strict one may not
        lease.until = monotonic() + limit.seconds

    async def _ask(self, limit: Limit, key: str, asked: int) -> int:
        step = limit.seconds * 1_000_000 // limit.count
        async with self._asking:
            granted, wait = await self._script(
                keys=[f"limit:{limit.name}:{key}"], args=[step, limit.seconds * 1_000_000, asked]
            )
        if granted < 1:
            raise _too_many(limit, wait / 1_000_000)
        return granted

    def _lease(self, name: str) -> _Lease:
        lease = self._leases.get(name)
        if lease is None:
            lease = self._leases[name] = _Lease(asyncio.Lock())
            if len(self._leases) > MOST_LEASES:
                self._leases.popitem(last=False)
        return lease


def _too_many(limit: Limit, wait: float) -> TooManyRequests:
    return TooManyRequests(limit=limit.count, retry_after=max(1, ceil(wait)))


def _spent(lease: _Lease) -> bool:
    """Spend one request of a lease, if it has one."""
    if lease.left < 1 or lease.until < monotonic():
        return False
    lease.left -= 1
    return True
