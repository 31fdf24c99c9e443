"""Rights on open sockets: who may come in, and what happens when a right ends while the socket is open."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient

from domain.account import ChangePassword, Erase, GrantRole, IssueToken, RevokeToken, Suspend
from domain.core import SYSTEM
from domain.project import ChangeMemberRole, RemoveMember
from runtime.ids import new_id
from tests.transport.socket_world import (
    PASSWORD,
    Server,
    Somebody,
    ann,
    bob,
    dial,
    open_socket,
    server,
    write,
)

__all__ = ["ann", "bob", "server", "write"]


async def log_in(server: Server, who: Somebody) -> tuple[dict[str, str], str]:
    """Log in over REST; give the header with the cookie, and the CSRF token."""
    proof = {"email": f"{who.account_id}@localhost", "password": PASSWORD}
    async with AsyncClient(base_url=server.origin) as rest:
        answer = await rest.post("/api/session", json=proof, headers={"origin": server.origin})
    assert answer.status_code == 201, answer.text
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}, answer.json()["csrf"]


async def test_a_cookie_opens_a_socket_to_our_own_page_only(server: Server, ann: Somebody) -> None:
    headers, _ = await log_in(server, ann)
    async with await dial(server, headers, origin=server.origin) as client:
        assert (await client.hear())["account_id"] == str(ann.account_id)
    for origin in ("https://evil.example", "null", None):
        client = await dial(server, headers, origin=origin)
        assert (await client.hear())["problem"]["code"] == "origin_refused"
        bye, code = await client.farewell()
        assert (code, bye["reconnect"]) == (4003, False)


async def test_a_token_opens_a_socket_from_anywhere(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann, origin="https://elsewhere.example"):
        pass


async def test_logging_out_anywhere_closes_the_sockets_of_that_session(server: Server, ann: Somebody) -> None:
    headers, csrf = await log_in(server, ann)
    others, _ = await log_in(server, ann)
    closing = [await dial(server, headers, origin=server.origin) for _ in range(2)]
    async with await open_socket(server, ann) as by_token, await dial(server, others, origin=server.origin) as other:
        for client in (*closing, other):
            assert (await client.hear())["op"] == "welcome"
        async with AsyncClient(base_url=server.origin, headers=headers) as rest:
            answer = await rest.delete("/api/session", headers={"origin": server.origin, "x-csrf-token": csrf})
        assert answer.status_code == 204, answer.text
        for client in closing:
            bye, code = await client.farewell()
            assert (code, bye["code"]) == (4001, 4001)
        for client in (by_token, other):
            await client.say(op="ping", t=1)
            assert (await client.hear())["op"] == "pong"
    refused = await dial(server, headers, origin=server.origin)
    assert (await refused.farewell())[1] == 4001


async def test_a_removed_member_hears_of_it_and_of_nothing_after(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    await ann.invite(project_id, bob)
    feed = f"project:{project_id}"
    async with await open_socket(server, bob) as client, await open_socket(server, ann) as owner:
        for each in (client, owner):
            await each.subscribe(feed, after=0)
            await each.until("caught_up")
        removal = RemoveMember(project_id=project_id, account_id=bob.account_id)
        removed = await ann.write.bus.execute(removal, actor=ann.actor)
        last = await ann.add(project_id, count=20)
        assert (await client.hear())["sequence"] == removed.sequence
        assert await client.hear() == {"op": "unsubscribed", "feed": feed, "code": "forbidden"}
        assert await owner.events(last) == list(range(removed.sequence, last + 1))
        await client.say(op="ping", t=1)
        assert (await client.hear())["op"] == "pong"
        assert (await client.subscribe(feed))["problem"]["code"] == "project.unknown"
        assert server.held["feeds"][feed] == 1


async def test_a_removal_in_the_past_does_not_keep_a_member_out(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    for _ in range(3):
        await ann.invite(project_id, bob)
        removal = RemoveMember(project_id=project_id, account_id=bob.account_id)
        await ann.write.bus.execute(removal, actor=ann.actor)
    await ann.invite(project_id, bob)
    last = await ann.add(project_id)
    async with await open_socket(server, bob) as client:
        await client.subscribe(f"project:{project_id}", after=0)
        assert await client.events(last) == list(range(1, last + 1))


async def test_another_role_changes_nothing_for_followers(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    await ann.invite(project_id, bob)
    async with await open_socket(server, bob) as client:
        await client.subscribe(f"project:{project_id}")
        await client.until("caught_up")
        change = ChangeMemberRole(project_id=project_id, account_id=bob.account_id, role="auditor")
        await ann.write.bus.execute(change, actor=ann.actor)
        assert (await client.hear())["type"] == "project.member_role_changed"
        await ann.add(project_id)
        assert (await client.hear())["op"] == "event"


@pytest.mark.parametrize("how", ["revoke", "suspend", "erase"])
async def test_a_lost_way_in_closes_the_socket(server: Server, ann: Somebody, how: str) -> None:
    client = await open_socket(server, ann)
    await watched(server, ann)
    token_id = UUID(hex=ann.token.split("_")[2])
    match how:
        case "revoke":
            revocation = RevokeToken(account_id=ann.account_id, token_id=token_id)
            await ann.write.bus.execute(revocation, actor=ann.actor)
        case "erase":
            await ann.write.bus.execute(Erase(account_id=ann.account_id, password=PASSWORD), actor=ann.actor)
        case _:
            suspension = Suspend(account_id=ann.account_id, reason="Unpaid")
            await ann.write.bus.execute(suspension, actor=SYSTEM)
    assert (await client.until("error"))["problem"]["code"] == "not_signed_in"
    assert (await client.farewell())[1] == 4001


async def test_a_new_password_closes_sockets_of_older_sessions(server: Server, ann: Somebody) -> None:
    headers, _ = await log_in(server, ann)
    client = await dial(server, headers, origin=server.origin)
    assert (await client.hear())["op"] == "welcome"
    async with await open_socket(server, ann) as by_token:
        await watched(server, ann)
        change = ChangePassword(account_id=ann.account_id, old_password=PASSWORD, new_password="another horse")  # noqa: S106 - a test's
        await ann.write.bus.execute(change, actor=ann.actor)
        assert (await client.farewell())[1] == 4001
        await by_token.say(op="ping", t=1)
        assert (await by_token.hear())["op"] == "pong"


async def test_an_administrator_follows_every_project_as_long_as_he_is_one(
    server: Server, ann: Somebody, bob: Somebody
) -> None:
    project_id = await ann.project()
    await bob.write.bus.execute(GrantRole(account_id=bob.account_id, plan="user", admin=True), actor=SYSTEM)
    async with await open_socket(server, bob) as client:
        await watched(server, bob)
        await client.subscribe(f"project:{project_id}", after=0)
        await client.until("caught_up")
        await bob.write.bus.execute(GrantRole(account_id=bob.account_id, plan="user", admin=False), actor=SYSTEM)
        assert (await client.hear())["code"] == "forbidden"


async def test_a_socket_ends_with_its_token_unless_it_goes_on_under_another(server: Server, ann: Somebody) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=4)
    issue = IssueToken(account_id=ann.account_id, token_id=new_id(), name="short", expires_at=expires_at)
    token = (await ann.write.bus.execute(issue, actor=ann.actor)).result["token"]
    headers = {"Authorization": f"Bearer {token}"}
    ends = await dial(server, headers)
    async with await dial(server, headers) as stays:
        for client in (ends, stays):
            welcome = await client.hear()
            assert datetime.fromisoformat(welcome["expires_at"]) == expires_at
        await stays.say(op="auth", id=1, token=ann.token)
        assert await stays.hear() == {"op": "signed_in", "id": 1}
        assert (await ends.farewell())[1] == 4001
        assert datetime.now(UTC) > expires_at
        await stays.say(op="ping", t=1)
        assert (await stays.hear())["op"] == "pong"


async def watched(server: Server, who: Somebody) -> None:
    """Wait until the server follows the account of an open socket."""
    async with asyncio.timeout(20):
        while not server.held["feeds"].get(who.actor):
            await asyncio.sleep(0.02)
