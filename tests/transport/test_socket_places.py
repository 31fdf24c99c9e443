"""How many sockets an account and an address may have open, counted over all processes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from commands.write_side import WriteSide
from runtime.broker import open_client
from runtime.embedded import Embedded
from runtime.ids import new_id
from tests.transport.socket_world import (
    Client,
    Server,
    Somebody,
    ann,
    dial,
    new_server,
    open_socket,
    running_server,
    somebody,
    writing,
)
from transport.gateway.socket_places import LEASE_SECONDS, Places, TooManyFromAddress, TooManySockets

__all__ = ["ann"]
MOST = 6
BEHIND = {"TRUSTED_PROXIES": "127.0.0.0/8", "SOCKETS_PER_ADDRESS": str(MOST), "SOCKETS_PER_ACCOUNT": str(MOST - 2)}


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server behind a proxy."""
    with running_server(servers, migrated_template, tmp_path_factory.mktemp("server"), **BEHIND) as running:
        yield running


@pytest.fixture
async def write(server: Server) -> AsyncIterator[WriteSide]:
    async with writing(server) as opened:
        yield opened


def places(valkey: Redis) -> Places:
    return Places(valkey, per_account=2, per_address=3)


async def test_processes_count_together_and_places_can_be_given_back(valkey: Redis) -> None:
    account, ids = new_id(), [new_id() for _ in range(4)]
    async with places(valkey) as one, places(valkey) as two:
        await one.for_account(account, ids[0])
        await two.for_account(account, ids[1])
        for each in (one, two):
            with pytest.raises(TooManySockets):
                await each.for_account(account, ids[2])
        one.give_back(ids[0], account, "")
        one.give_back(ids[2], account, "")  # never had one
        await one.for_account(account, ids[2])  # what was given back is free at once
        two.give_back(ids[1], account, "")
        await taken(one, account, ids[3])


async def test_a_crowd_at_several_processes_gets_as_many_places_as_there_are(valkey: Redis) -> None:
    address = f"test-{new_id()}"
    async with places(valkey) as one, places(valkey) as two:
        outcomes = await asyncio.gather(
            *(each.for_address(address, new_id()) for _ in range(20) for each in (one, two)), return_exceptions=True
        )
    assert outcomes.count(None) == 3
    assert all(isinstance(each, TooManyFromAddress) for each in outcomes if each is not None)


async def test_places_of_a_process_that_died_run_out(valkey: Any) -> None:
    account = new_id()
    key = f"sockets:account:{account}"
    seconds, _ = await valkey.time()
    await valkey.zadd(key, {"dead-1": seconds - 1, "dead-2": seconds - 100})
    async with places(valkey) as here:
        await here.for_account(account, new_id())
        assert await valkey.zcard(key) == 1
        assert 0 < await valkey.ttl(key) <= LEASE_SECONDS


async def test_leases_are_renewed_even_when_valkey_forgot_them(valkey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.gateway.socket_places.RENEW_SECONDS", 0.02)
    account, connection = new_id(), new_id()
    key = f"sockets:account:{account}"
    async with places(valkey) as here:
        await here.for_account(account, connection)
        await valkey.delete(key)
        async with asyncio.timeout(20):
            while await valkey.zscore(key, str(connection)) is None:
                await asyncio.sleep(0.01)
        here.give_back(connection, account, "")
    assert await valkey.exists(key) == 0


async def test_while_valkey_is_away_each_process_counts_for_itself() -> None:
    account = new_id()
    async with open_client("redis://127.0.0.1:1/0") as nowhere, places(nowhere) as here:
        await here.for_account(account, new_id())
        await here.for_account(account, new_id())
        with pytest.raises(TooManySockets):
            await here.for_account(account, new_id())


async def test_an_account_is_counted_at_both_processes(server: Server, ann: Somebody, tmp_path: Any) -> None:
    second = new_server(server.database_url, server.redis_url, tmp_path, **BEHIND)
    await asyncio.to_thread(second.start)
    try:
        async with AsyncExitStack() as stack:
            dialled = await asyncio.gather(
                *(
                    dial(each, ann.headers | from_(f"192.0.2.{number}"))
                    for number in range(5)
                    for each in (server, second)
                )
            )
            for client in dialled:
                await stack.enter_async_context(client)
            heard = [await client.hear() for client in dialled]
            assert [message["op"] for message in heard].count("welcome") == MOST - 2
            assert {m["problem"]["code"] for m in heard if m["op"] == "error"} == {"too_many_sockets"}
    finally:
        await asyncio.to_thread(second.stop)


async def test_an_address_is_whom_the_proxy_names_last(server: Server, write: WriteSide) -> None:
    async with AsyncExitStack() as stack:

        async def connect(forwarded: str) -> Client:
            who = await somebody(write)
            return await stack.enter_async_context(await dial(server, who.headers | from_(forwarded)))

        for number in range(MOST):
            client = await connect(f"10.0.0.{number}, 198.51.100.1")  # the first is what the client itself says
            assert (await client.hear())["op"] == "welcome"
        refused = await connect("198.51.100.1")
        assert (await refused.hear())["problem"]["code"] == "too_many_sockets_from_address"
        bye, code = await refused.farewell()
        assert (code, bye["reconnect"]) == (4009, True)
        assert bye["retry_after_ms"] > 0
        other = await connect("198.51.100.2")
        assert (await other.hear())["op"] == "welcome"
        await client.connection.close()
        again = await connect("198.51.100.1")
        assert (await again.hear())["op"] == "welcome"


async def test_a_socket_that_nobody_signed_in_on_has_a_place_too(server: Server, ann: Somebody) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MOST):
            await stack.enter_async_context(await dial(server, from_("198.51.100.7")))
        refused = await dial(server, ann.headers | from_("198.51.100.7"))
        assert (await refused.farewell())[1] == 4009
    async with await open_socket(server, ann):
        pass


def from_(forwarded: str) -> dict[str, str]:
    return {"X-Forwarded-For": forwarded}


async def taken(here: Places, account: UUID, connection: UUID) -> None:
    """Take a place as soon as another process has given one back."""
    async with asyncio.timeout(20):
        while True:
            try:
                await here.for_account(account, connection)
            except TooManySockets:
                await asyncio.sleep(0.01)
            else:
                return
