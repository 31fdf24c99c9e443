"""How many sockets one account and one address may have open, at all processes together.

Valkey keeps who holds a place, each on a lease that its process renews: the places of a process that died are free
again when their leases run out. While Valkey is away each process counts for itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Self
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.core import Refused
from runtime.telemetry import get_logger

LEASE_SECONDS = 60
RENEW_SECONDS = 20.0
ANSWER_SECONDS = 2.0
"""How long Valkey may take to say whether there is a place."""
MOST_AT_ONCE = 500
"""Keys in one round trip."""
MOST_ASKING = 8
"""Round trips at a time: the client refuses more than it has connections, and a crowd may come at once."""

# Frees what ran out and what is given back, then takes a place if there is one.
# ARGV: the most places, the lease in seconds, the new holder, then those that give theirs back.
TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for place = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[place]) end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
# Renews what is held, whatever the most: these sockets are open. ARGV: the lease in seconds, then the holders.
RENEW = """
local now = tonumber(redis.call('TIME')[1])
for place = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[place]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""

_log = get_logger(__name__)


class TooManySockets(Refused):
    """This account has as many open sockets as it may have: close one first."""

    code = "too_many_sockets"
    kind = "limit"


class TooManyFromAddress(Refused):
    """There are as many open sockets from this address as there may be: close one first."""

    code = "too_many_sockets_from_address"
    kind = "limit"


class Places:
    """Knows the places that this process holds. Use as an async context manager."""

    def __init__(self, valkey: Redis, *, per_account: int, per_address: int) -> None:
        """Count in `valkey`, up to these numbers."""
        self._valkey: Any = valkey  # its calls are only half typed
        self._take_script: Any = valkey.register_script(TAKE)
        self._per_account = per_account
        self._per_address = per_address
        self._held: dict[str, set[str]] = {}
        self._returned: defaultdict[str, set[str]] = defaultdict(set)
        self._asking = asyncio.Semaphore(MOST_ASKING)
        self._something_returned = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._keep_renewing(), name="places.renew"),
            asyncio.create_task(self._keep_returning(), name="places.return"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._return()

    async def for_account(self, account_id: UUID, connection_id: UUID) -> None:
        """Take a place for one more socket of an account. Raises `TooManySockets`."""
        if not await self._take(_of_account(account_id), str(connection_id), self._per_account):
            raise TooManySockets(limit=self._per_account)

    async def for_address(self, address: str, connection_id: UUID) -> None:
        """Take a place for one more socket from an address. Raises `TooManyFromAddress`."""
        if not await self._take(_of_address(address), str(connection_id), self._per_address):
            raise TooManyFromAddress(limit=self._per_address)

    def give_back(self, connection_id: UUID, account_id: UUID | None, address: str) -> None:
        """Give back whatever places a socket has."""
        self._give_back(_of_address(address), str(connection_id))
        if account_id is not None:
            self._give_back(_of_account(account_id), str(connection_id))

    async def _take(self, key: str, holder: str, most: int) -> bool:
        held = self._held.setdefault(key, set())
        if len(held) >= most:
            return False
        held.add(holder)  # before asking: a crowd must not pass while the answer is on its way
        returned = self._returned.pop(key, set())
        try:
            async with self._asking, asyncio.timeout(ANSWER_SECONDS):
                taken = await self._take_script(keys=[key], args=[most, LEASE_SECONDS, holder, *returned])
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("sockets are counted by this process alone", reason=repr(error))
            return True
        except BaseException:
            self._give_back(key, holder)
            raise
        if not taken:
            self._let_go(key, holder)
        return bool(taken)

    def _give_back(self, key: str, holder: str) -> None:
        if self._let_go(key, holder):
            self._returned[key].add(holder)
            self._something_returned.set()

    def _let_go(self, key: str, holder: str) -> bool:
        held = self._held.get(key, set())
        if holder not in held:
            return False
        held.discard(holder)
        if not held:
            del self._held[key]
        return True

    async def _keep_returning(self) -> None:
        while True:
            await self._something_returned.wait()
            self._something_returned.clear()
            await self._return()

    async def _return(self) -> None:
        returned, self._returned = self._returned, defaultdict(set)
        for keys in _parts(list(returned)):
            pipeline = self._valkey.pipeline(transaction=False)
            for key in keys:
                pipeline.zrem(key, *returned[key])
            await self._run(pipeline)

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            for keys in _parts(list(self._held)):
                pipeline = self._valkey.pipeline(transaction=False)
                for key in keys:
                    if holders := self._held.get(key):  # a cluster's pipeline cannot load scripts: it takes the text
                        pipeline.eval(RENEW, 1, key, LEASE_SECONDS, *holders)
                await self._run(pipeline)

    async def _run(self, pipeline: Any) -> None:
        try:
            async with self._asking:
                await pipeline.execute()
        except (RedisError, OSError) as error:
            _log.warning("the places of sockets are left to their leases", reason=repr(error))


def _of_account(account_id: UUID) -> str:
    return f"sockets:account:{account_id}"


def _of_address(address: str) -> str:
    return f"sockets:address:{address}"


def _parts(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), MOST_AT_ONCE):
        yield keys[start : start + MOST_AT_ONCE]
