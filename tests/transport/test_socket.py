import asyncio
from uuid import uuid4

import httpx
import pytest

from commands.write_side import WriteSide
from domain.project import RenameProject
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
    subprotocol,
    write,
)

__all__ = ["ann", "bob", "server", "subprotocol", "write"]

pytestmark = pytest.mark.usefixtures("subprotocol")


async def test_whoever_has_a_token_is_welcome(server: Server, ann: Somebody, subprotocol: str) -> None:
    async with await open_socket(server, ann) as client:
        welcome = client.welcome
        assert welcome["account_id"] == str(ann.account_id)
        assert welcome["heartbeat_interval"] == 25
        assert welcome["heartbeat_timeout"] == 10
        assert welcome["limits"]["message_bytes"] == 65536
        assert client.connection.subprotocol == subprotocol


async def test_a_client_that_offers_no_subprotocol_is_welcome_too(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann, subprotocols=None) as client:
        assert client.connection.subprotocol is None


async def test_a_client_of_another_protocol_is_told_so(server: Server, ann: Somebody) -> None:
    client = await dial(server, ann.headers, subprotocols=["chat.v7"])
    bye, code = await client.farewell()
    assert code == 4400
    assert bye["reason"] == "no common subprotocol"
    assert not bye["reconnect"]


async def test_a_wrong_token_is_accepted_and_closed_with_the_right_code(server: Server) -> None:
    client = await dial(server, {"Authorization": "Bearer plb_nonsense"})
    error = await client.hear()
    assert error["op"] == "error"
    assert error["problem"]["code"] == "not_signed_in"
    assert error["problem"]["status"] == 401
    bye, code = await client.farewell()
    assert (code, bye["code"], bye["reconnect"]) == (4001, 4001, False)


async def test_the_first_message_may_sign_in(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    async with await dial(server) as client:
        await client.say_together(
            {"op": "auth", "id": 1, "token": ann.token},
            {"op": "auth", "id": 3, "token": ann.token},
            {"op": "subscribe", "id": 2, "feed": f"project:{project_id}", "after": 0},
        )
        assert await client.hear() == {"op": "signed_in", "id": 1}
        assert (await client.hear())["account_id"] == str(ann.account_id)
        assert await client.hear() == {"op": "signed_in", "id": 3}
        assert (await client.hear())["op"] == "subscribed"


async def test_before_signing_in_nothing_else_is_served(server: Server, ann: Somebody) -> None:
    async with await dial(server) as client:
        await client.say(op="subscribe", id=1, feed=f"account:{ann.account_id}")
        error = await client.hear()
        assert (error["id"], error["problem"]["code"]) == (1, "not_signed_in")
        await client.say(op="auth", id=2, token="plb_wrong")  # noqa: S106 - and not even one
        assert (await client.hear())["problem"]["code"] == "not_signed_in"
        assert (await client.farewell())[1] == 4001


async def test_credentials_can_be_renewed_but_not_exchanged(server: Server, ann: Somebody, bob: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        await client.say(op="auth", id=1, token=ann.token)
        assert await client.hear() == {"op": "signed_in", "id": 1}
        await client.say(op="auth", id=2, token=bob.token)
        error = await client.hear()
        assert (error["id"], error["problem"]["code"]) == (2, "forbidden")
        await client.say(op="ping", t=7)
        assert await client.hear() == {"op": "pong", "t": 7}


async def test_a_feed_is_replayed_and_then_live(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=30)
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        subscribed = await client.subscribe(feed, after=1)
        assert subscribed["op"] == "subscribed"
        assert subscribed["head"] == last
        assert subscribed["recovered"]
        assert subscribed["epoch"] == client.welcome["epoch"]
        assert await client.events(last) == list(range(2, last + 1))
        assert await client.hear() == {"op": "caught_up", "feed": feed, "sequence": last}
        now = await ann.add(project_id)
        assert await client.events(now) == list(range(last + 1, now + 1))


async def test_an_event_says_what_happened(server: Server, ann: Somebody) -> None:
    project_id, command_id = await ann.project(), new_id()
    async with await open_socket(server, ann) as client:
        assert not (await client.subscribe(f"project:{project_id}"))["recovered"]
        await client.until("caught_up")
        rename = RenameProject(project_id=project_id, name="Barn \u017elu\u0165ou\u010dk\u00fd")
        receipt = await ann.write.bus.execute(rename, actor=ann.actor, command_id=command_id)
        event = await client.hear()
    at = event.pop("at")
    assert at.endswith("+00:00")
    assert event == {
        "op": "event",
        "feed": f"project:{project_id}",
        "sequence": receipt.sequence,
        "position": receipt.position,
        "type": "project.renamed",
        "actor": ann.actor,
        "command_id": str(command_id),
        "data": {"project_id": str(project_id), "name": "Barn \u017elu\u0165ou\u010dk\u00fd"},
    }


async def test_without_after_only_what_is_new_arrives(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=3)
    async with await open_socket(server, ann) as client:
        subscribed = await client.subscribe(f"project:{project_id}")
        assert (subscribed["head"], subscribed["recovered"]) == (last, False)
        assert (await client.hear())["op"] == "caught_up"
        now = await ann.add(project_id)
        assert (await client.hear())["sequence"] == last + 1
        assert await client.events(now) == list(range(last + 2, now + 1))


async def test_a_long_replay_crosses_pages_without_gap_or_repeat(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, description="x" * 2000, count=150)
    assert last > 300
    async with await open_socket(server, ann) as client:
        await client.subscribe(f"project:{project_id}", after=37)
        assert await client.events(last) == list(range(38, last + 1))


async def test_a_filter_chooses_types_and_the_position_still_advances(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=5)
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0, types=["project.*", "budget.named"])
        assert (await client.hear())["type"] == "project.created"
        assert await client.hear() == {"op": "caught_up", "feed": feed, "sequence": last}
        await ann.add(project_id)
        receipt = await ann.write.bus.execute(RenameProject(project_id=project_id, name="Barn"), actor=ann.actor)
        event = await client.hear()
        assert (event["type"], event["sequence"]) == ("project.renamed", receipt.sequence)


async def test_what_cannot_be_replayed_is_reset(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        reset = await client.subscribe(feed, after=99)
        assert (reset["op"], reset["reason"], reset["head"], reset["id"]) == ("reset", "ahead", 1, feed)
        reset = await client.subscribe(feed, after=0, epoch=str(uuid4()))
        assert (reset["op"], reset["reason"]) == ("reset", "epoch")
        assert reset["epoch"] == client.welcome["epoch"]
        subscribed = await client.subscribe(feed, after=0, epoch=reset["epoch"])
        assert subscribed["op"] == "subscribed"


async def test_unsubscribing_ends_a_feed_and_joining_again_resumes_it(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0)
        await client.until("caught_up")
        await client.say(op="unsubscribe", id=5, feed=feed)
        assert await client.hear() == {"op": "unsubscribed", "feed": feed, "id": 5}
        last = await ann.add(project_id)
        await client.say(op="ping", t=1)
        assert (await client.hear())["op"] == "pong"
        await client.subscribe(feed, after=1)
        assert await client.events(last) == list(range(2, last + 1))


async def test_subscribing_twice_and_leaving_what_was_never_joined_are_refused(server: Server, ann: Somebody) -> None:
    feed = f"account:{ann.account_id}"
    async with await open_socket(server, ann) as client:
        assert (await client.subscribe(feed))["op"] == "subscribed"
        await client.until("caught_up")
        assert (await client.subscribe(feed))["problem"]["code"] == "already_subscribed"
        await client.say(op="unsubscribe", id=1, feed="project:nothing")
        assert (await client.hear())["problem"]["code"] == "not_subscribed"


async def test_feeds_of_others_and_of_nobody_are_refused_alike(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    async with await open_socket(server, bob) as client:
        for feed, code in (
            (f"project:{project_id}", "project.unknown"),
            (f"project:{uuid4()}", "project.unknown"),
            (f"account:{ann.account_id}", "feed.unknown"),
            (f"account:{str(bob.account_id).upper()}", "feed.unknown"),
            ("project:*", "feed.unknown"),
            ("log", "feed.unknown"),
        ):
            error = await client.subscribe(feed)
            assert (error["op"], error["id"], error["problem"]["code"]) == ("error", feed, code)
    assert all(not name.startswith("project") for name in server.held["feeds"])


async def test_a_command_is_answered_by_its_receipt_once(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        command_id = str(new_id())
        command = {"type": "project.create", "name": "House"}
        await client.say(op="command", id="a", command=command, command_id=command_id)
        first = await client.hear()
        assert first["op"] == "result"
        assert first["id"] == "a"
        assert first["result"]["result"]["project_id"] == command_id
        await client.say(op="command", id="b", command=command, command_id=command_id)
        again = await client.hear()
        assert again["result"]["replayed"]
        assert again["result"]["sequence"] == first["result"]["sequence"]
        await client.say(op="command", id="c", command=command | {"name": "Barn"}, command_id=command_id)
        assert (await client.hear())["problem"]["code"] == "idempotency_mismatch"


async def test_commands_of_one_socket_run_side_by_side_and_answer_by_id(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0)
        for number in range(60):
            fields = {"description": f"{number}", "unit": "m"}
            command = {"type": "position.add", "project_id": str(project_id), "fields": fields}
            await client.say(op="command", id=number, command=command)
        answered: set[int] = set()
        sequences: list[int] = []
        while len(answered) < 60 or len(sequences) < 121:
            message = await client.hear()
            match message["op"]:
                case "result":
                    answered.add(message["id"])
                case "event":
                    sequences.append(message["sequence"])
                case other:
                    assert other == "caught_up", message
        assert answered == set(range(60))
        assert sequences == list(range(1, 122))


async def test_refusals_are_the_same_problems_as_over_rest(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        for command, code, status in (
            ({"type": "project.rename", "project_id": str(uuid4()), "name": "A"}, "project.unknown", 404),
            ({"type": "project.rename", "name": "A"}, "invalid_body", 422),
            ({"type": "project.paint"}, "invalid_body", 422),
            ({"type": "audit.complete"}, "invalid_body", 422),
            ([], "invalid_body", 422),
        ):
            await client.say(op="command", id=1, command=command)
            error = await client.hear()
            assert (error["op"], error["id"]) == ("error", 1)
            assert (error["problem"]["code"], error["problem"]["status"]) == (code, status)
            assert error["problem"]["request_id"].startswith(client.welcome["connection_id"])


async def test_what_an_erased_person_may_not_store_is_refused_alike_on_both_doors(
    server: Server, ann: Somebody, write: WriteSide
) -> None:
    erased = str(new_id())
    await write.vault.destroy(f"account:{erased}")
    given = {"account_id": erased, "email": f"{erased}@localhost", "password": PASSWORD, "name": "Somebody"}
    async with httpx.AsyncClient(base_url=server.origin) as rest, await open_socket(server, ann) as client:
        answer = await rest.post("/api/commands/account.register", json=given)
        await client.say(op="command", id=1, command={"type": "account.register", **given})
        error = await client.hear()
    assert answer.status_code == 403
    assert answer.json()["code"] == "person_erased"
    assert error["problem"] | {"request_id": ""} == answer.json() | {"request_id": ""}
    assert await write.store.feed(f"account:{erased}") == []


async def test_queries_are_answered(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        await client.say(op="query", id=1, query={"type": "projects.list"})
        answer = await client.hear()
        assert answer["op"] == "result"
        assert answer["result"] == {"items": [], "next_cursor": None}
        await client.say(op="query", id=2, query={"type": "projects.list", "limit": 0})
        assert (await client.hear())["problem"]["code"] == "invalid_body"


async def test_many_sockets_of_one_feed_share_one_subscription(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    clients = await asyncio.gather(*(open_socket(server, ann) for _ in range(10)))
    for client in clients:
        await client.subscribe(feed, after=0)
        await client.until("caught_up")
    assert server.held["feeds"][feed] == 10
    last = await ann.add(project_id)
    for client in clients:
        assert await client.events(last) == list(range(2, last + 1))
        await client.connection.close()


def test_plain_http_is_told_that_this_is_a_socket(server: Server) -> None:
    answer = httpx.get(f"{server.origin}/api/ws", timeout=10)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
