"""Signing in on a socket by a one-time ticket, and going on by another."""

from typing import Any

from httpx import AsyncClient
from redis.asyncio import Redis

from tests.transport.socket_world import Server, Somebody, ann, bob, dial, open_socket, server, write
from tests.transport.test_socket_rights import log_in
from transport.tickets import TICKET_SECONDS

__all__ = ["ann", "bob", "server", "write"]
PATH = "/api/commands/socket.ticket"


async def ticket(server: Server, headers: dict[str, str], **options: Any) -> str:
    async with AsyncClient(base_url=server.origin, headers=headers) as rest:
        answer = await rest.post(PATH, **options)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["ticket"]


async def test_a_ticket_opens_one_socket_once(server: Server, ann: Somebody) -> None:
    given = await ticket(server, ann.headers, json={})
    async with await dial(server) as client:
        await client.say(op="auth", ticket=given)
        assert await client.hear() == {"op": "signed_in"}
        assert (await client.hear())["account_id"] == str(ann.account_id)
    second = await dial(server)
    await second.say(op="auth", id=1, ticket=given)
    error = await second.hear()
    assert (error["id"], error["problem"]["code"], error["problem"]["status"]) == (1, "bad_ticket", 401)
    assert (await second.farewell())[1] == 4001


async def test_a_ticket_renews_an_open_socket_of_its_own_account(server: Server, ann: Somebody, bob: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        await client.say(op="auth", id=1, ticket=await ticket(server, ann.headers))
        assert await client.hear() == {"op": "signed_in", "id": 1}
        await client.say(op="auth", id=2, ticket=await ticket(server, bob.headers))
        assert (await client.hear())["problem"]["code"] == "forbidden"
        await client.say(op="auth", id=3, ticket="never-was-one")
        assert (await client.hear())["problem"]["code"] == "bad_ticket"
        await client.say(op="auth", id=4, ticket="one", token="another")  # noqa: S106 - a test's
        assert (await client.hear())["problem"]["code"] == "invalid_body"
        await client.say(op="ping", t=1)
        assert (await client.hear())["op"] == "pong"


async def test_a_socket_by_ticket_ends_with_the_session_that_the_ticket_came_from(
    server: Server, ann: Somebody
) -> None:
    cookie, csrf = await log_in(server, ann)
    headers = cookie | {"Origin": server.origin, "X-CSRF-Token": csrf}
    client = await dial(server)  # no page of ours, no cookie
    await client.say(op="auth", ticket=await ticket(server, headers))
    await client.until("welcome")
    async with AsyncClient(base_url=server.origin, headers=headers) as rest:
        assert (await rest.delete("/api/session")).status_code == 204
    assert (await client.farewell())[1] == 4001


async def test_tickets_are_for_people_and_pages_that_may_ask_for_them(server: Server, ann: Somebody) -> None:
    cookie, _ = await log_in(server, ann)
    async with AsyncClient(base_url=server.origin) as rest:
        refused = [
            await rest.post(PATH),
            await rest.post(PATH, headers=cookie | {"Origin": server.origin}),
            await rest.post(PATH, headers=cookie | {"Origin": "https://evil.example"}),
            await rest.post(PATH, headers=ann.headers, json={"account_id": "x"}),
            await rest.get(PATH, headers=ann.headers),
        ]
    codes = [answer.json()["code"] for answer in refused]
    assert codes == ["not_signed_in", "csrf_refused", "origin_refused", "invalid_body", "method_not_allowed"]


async def test_valkey_keeps_a_ticket_for_half_a_minute_and_nothing_that_opens_a_door(
    server: Server, ann: Somebody
) -> None:
    given = await ticket(server, ann.headers)
    async with Redis.from_url(server.redis_url) as valkey:  # pyright: ignore[reportUnknownMemberType] - untyped options
        names = [name async for name in valkey.scan_iter("ticket:*")]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - the client is half typed
        kept = [(name, await valkey.get(name), await valkey.ttl(name)) for name in names]  # pyright: ignore[reportUnknownVariableType] - as above
    assert kept
    for name, sealed, seconds in kept:
        assert 0 < seconds <= TICKET_SECONDS
        assert given.encode() not in name + sealed
        assert ann.token.encode() not in sealed
