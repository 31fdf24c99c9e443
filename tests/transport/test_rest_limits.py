import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Away

from runtime.broker import open_client
from runtime.embedded import Embedded
from tests.transport.serving import PASSWORD, problem, running_api
from transport.errors import headers_of
from transport.limits import Limit, Limiter, TooManyRequests

HOUR = 3600


@pytest.fixture
async def limiters(redis_url: str) -> AsyncIterator[list[Limiter]]:
    """Four processes' limiters, as far as memory and connections go."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(open_client(redis_url)) for _ in range(4)]
        yield [Limiter(client) for client in clients]


async def allowed(limiters: list[Limiter], limit: Limit, key: str, tries: int) -> int:
    """Ask many times at once, by several processes' limiters, and count what was let through."""

    async def one(limiter: Limiter) -> bool:
        try:
            await limiter.take(limit, key)
        except TooManyRequests:
            return False
        return True

    return sum(await asyncio.gather(*(one(limiters[n % len(limiters)]) for n in range(tries))))


async def test_a_strict_limit_holds_exactly_over_several_processes(limiters: list[Limiter]) -> None:
    assert await allowed(limiters, Limit("t", 10, HOUR), "somebody", 100) == 10
    assert await allowed(limiters, Limit("t", 10, HOUR), "somebody else", 100) == 10


async def test_a_leased_limit_is_shared_too(limiters: list[Limiter]) -> None:
    assert await allowed(limiters, Limit("t", 100, HOUR, lease=20), "somebody", 1_000) == 100


async def test_a_lease_costs_one_round_trip(valkey: Redis) -> None:
    limiter = Limiter(valkey)
    limit = Limit("t", 1_000, HOUR, lease=100)
    await limiter.take(limit, "somebody")
    before = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
    for _ in range(99):
        await limiter.take(limit, "somebody")
    assert (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"] == before


async def test_a_refused_crowd_costs_no_round_trips(valkey: Redis) -> None:
    limiter = Limiter(valkey)
    limit = Limit("t", 10, HOUR, lease=5)
    assert await allowed([limiter], limit, "somebody", 11) == 10
    before = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert await allowed([limiter], limit, "somebody", 100) == 0
    assert (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"] == before


async def test_the_allowance_comes_back_evenly(valkey: Redis) -> None:
    limiter = Limiter(valkey)
    limit = Limit("t", 10, 1)  # one every 100 ms
    assert await allowed([limiter], limit, "somebody", 20) == 10
    await asyncio.sleep(0.35)
    assert await allowed([limiter], limit, "somebody", 20) in {3, 4}


async def test_a_refusal_says_when_to_come_back(valkey: Redis) -> None:
    limiter = Limiter(valkey)
    limit = Limit("t", 2, 60)
    key = uuid4().hex
    assert await allowed([limiter], limit, key, 2) == 2
    with pytest.raises(TooManyRequests) as refused:
        await limiter.take(limit, key)
    headers = headers_of(refused.value)
    assert 25 <= int(headers["retry-after"]) <= 30
    assert headers["ratelimit-limit"] == "2"
    assert headers["ratelimit-remaining"] == "0"


async def test_a_key_is_forgotten_once_its_allowance_is_full(valkey: Redis) -> None:
    limiter = Limiter(valkey)
    await limiter.take(Limit("t", 10, 1), "somebody")
    assert await valkey.keys("limit:*")
    await asyncio.sleep(0.2)
    assert not await valkey.keys("limit:*")


async def test_without_valkey_generous_limits_give_and_strict_ones_fail(redis_url: str) -> None:
    nowhere = redis_url.replace("valkey", "nobody") + "nobody"
    async with Redis.from_url(nowhere) as away:
        limiter = Limiter(away)
        await limiter.take(Limit("t", 10, HOUR, lease=5), "somebody")
        with pytest.raises(Away):
            await limiter.take(Limit("t", 10, HOUR), "somebody")


def test_whoever_registers_too_often_is_told_to_wait_whatever_address_it_claims(
    servers: Embedded, migrated_template: str, tmp_path: Path
) -> None:
    with running_api(servers, migrated_template, tmp_path, TESTS_REGISTRATIONS="3") as api:
        for _ in range(3):
            api.account()
        given = {"email": "one-more@localhost", "password": PASSWORD, "name": "S"}
        headers = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9", "x-real-ip": "203.0.113.9"}
        answer = api.client().post("/api/commands/account.register", json=given, headers=headers)
        problem(answer, 429, "too_many_requests")
        assert 1100 <= int(answer.headers["retry-after"]) <= 1200
        assert answer.headers["ratelimit-limit"] == "3"
