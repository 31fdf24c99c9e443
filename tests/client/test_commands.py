"""Commands and queries, on a real server, and through interruptions that a peer makes on purpose."""

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from plumbline_client import Client, Closed, Conflict, OutboxFull, Refusal, Timing, Unreachable, Withdrawn, new_id
from tests.client.meeting import QUICK, Seen, meeting, until, upto
from tests.client.peer import Call, event, peer, receipt, refusal
from tests.transport.socket_world import Server, Somebody, ann, bob, server, write

__all__ = ["ann", "bob", "server", "write"]
OFFLINE = "http://127.0.0.1:9"


async def added(client: Client, project_id: UUID, description: str = "Concrete") -> UUID:
    """Add a position; give its id."""
    position_id, fields = new_id(), {"description": description, "unit": "m3", "quantity": Decimal("1.5")}
    await client.command("position.add", project_id=project_id, position_id=position_id, fields=fields)
    return position_id


async def test_a_command_is_answered_by_its_receipt_once(server: Server, ann: Somebody) -> None:
    async with meeting(server, ann) as client:
        command_id = new_id()
        first = await client.command("project.create", command_id, name="House")
        assert first.result == {"project_id": str(command_id)}
        assert not first.replayed
        again = await client.command("project.create", command_id, name="House")
        assert again.replayed
        assert again.sequence == first.sequence
        with pytest.raises(Refusal) as mismatch:
            await client.command("project.create", command_id, name="Barn")
        assert mismatch.value.code == "idempotency_mismatch"


async def test_a_conflict_has_both_versions(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    conflicts: list[Conflict] = []
    async with meeting(server, ann, on_conflict=conflicts.append) as client:
        position_id = await added(client, project_id)
        edit = {"project_id": project_id, "position_id": position_id, "expected_revision": 1}
        await client.command("position.edit", **edit, changes={"description": "Theirs"})
        with pytest.raises(Conflict) as conflict:
            await client.command("position.edit", **edit, changes={"description": "Mine"})
    assert conflicts == [conflict.value]
    assert conflict.value.mine["changes"] == {"description": "Mine"}
    assert conflict.value.theirs is not None
    assert conflict.value.theirs["description"] == "Theirs"
    assert conflict.value.current_revision == 2


async def test_a_command_too_large_for_the_socket_goes_over_http(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    async with meeting(server, ann) as client:
        edits = [{"position_id": new_id(), "changes": {"description": "x" * 9000}} for _ in range(8)]
        with pytest.raises(Refusal) as refused:
            await client.command("budget.bulk_edit", project_id=project_id, edits=edits)
        assert refused.value.status in {404, 409, 422}
        await added(client, project_id, "x" * 9000)


async def test_queries_are_answered_over_the_socket_and_over_http(server: Server, ann: Somebody) -> None:
    async with meeting(server, ann) as client:
        await client.connected()
        with pytest.raises(Refusal) as unknown:
            await client.query("projects.get", project_id=new_id())
        assert unknown.value.status == 404
        answer = await client.query("projects.list", limit=5, cursor=None)
        assert answer.body == {"items": [], "next_cursor": None}
        over_http = await client.http.query({"type": "projects.list", "limit": 5})
        assert over_http.body == answer.body
        assert [item async for item in client.http.pages("/api/projects")] == []


async def test_commands_wait_in_order_until_there_is_a_server(server: Server, ann: Somebody) -> None:
    """The server's port is only known when it runs, so a peer passes as the server that is down: nobody listens."""
    project_id = await ann.project()
    client = Client(server.origin, ann.token, timing=QUICK)
    pending = [client.submit("project.rename", project_id=project_id, name=f"{number}") for number in range(20)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pending[0]
    withdrawn = client.submit("project.rename", project_id=project_id, name="never")
    assert client.pending == [*pending, withdrawn]
    assert client.withdraw(withdrawn)
    assert not client.withdraw(withdrawn)
    async with client, client.feed(f"project:{project_id}", after=0) as feed:
        receipts = [await each for each in pending]
        assert [each.sequence for each in receipts] == list(range(2, 22))
        assert await upto(feed, 21) == list(range(1, 22))
        assert not client.withdraw(pending[0])
    with pytest.raises(Withdrawn):
        await withdrawn


async def test_the_outbox_is_bounded_and_ends_with_the_client() -> None:
    client = Client(OFFLINE, most_queued=2)
    waiting = [client.submit("a.b"), client.submit("a.b")]
    with pytest.raises(OutboxFull):
        client.submit("a.b")
    assert client.submit("a.b", waiting[0].command_id) is waiting[0]
    await client.close()
    for pending in waiting:
        with pytest.raises(Closed):
            await pending
    with pytest.raises(Closed):
        client.submit("a.b")


async def test_what_was_under_way_is_sent_again_in_order_when_the_feeds_have_caught_up() -> None:
    heard: list[tuple[int, str]] = []

    async def script(call: Call) -> None:
        await call.welcome()
        asked = await call.subscribed()
        if call.number == 1:
            await call.say({"op": "caught_up", "feed": "f", "sequence": 0})
            heard.extend([(1, (await call.hear("command"))["command_id"]) for _ in range(3)])
            call.connection.transport.abort()
            return
        assert asked["after"] == 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call.hear("command")
        await call.say(event(1), {"op": "caught_up", "feed": "f", "sequence": 1})
        for _ in range(3):
            command = await call.hear("command")
            assert not any(message["op"] == "command" for message in call.heard)  # one at a time
            heard.append((2, command["command_id"]))
            await call.say(receipt(command))
        await call.stay()

    async with peer(script) as met, Client(met.url, "t", timing=QUICK, on_report=Seen().report) as client:
        client.feed("f", after=0)
        await client.connected()
        pending = [client.submit("a.b", number=number) for number in range(3)]
        for each in pending:
            assert (await each).command_id == each.command_id
    ids = [str(each.command_id) for each in pending]
    assert heard == [*((1, each) for each in ids), *((2, each) for each in ids)]


async def test_a_consumer_that_waits_for_its_command_before_it_has_caught_up_gets_its_receipt() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        await call.subscribed()
        await call.say(event(1), event(2))
        await call.say(receipt(await call.hear("command")))
        await call.stay()

    slow = Timing(first_pause=0.01, catch_up=60)
    async with peer(script) as met, Client(met.url, "t", timing=slow) as client:
        async for _ in client.feed("f", after=0, window=2):
            async with asyncio.timeout(5):
                assert (await client.command("a.b")).sequence == 1
            break


async def test_commands_refused_for_the_moment_are_tried_again() -> None:
    tries: list[str] = []

    async def script(call: Call) -> None:
        await call.welcome()
        while True:
            command = await call.hear("command")
            tries.append(command["command"]["type"])
            if command["command"]["type"] == "never.accepted":
                await call.say(refusal(command, 503, "unavailable", retry_after=0.001))
            elif tries.count("later.accepted") == 1:
                await call.say(refusal(command, 429, "too_many_messages", retry_after=0.01))
            else:
                await call.say(receipt(command, len(tries)))

    async with peer(script) as met, Client(met.url, "t", timing=QUICK) as client:
        later, after = client.submit("later.accepted"), client.submit("other.accepted")
        assert (await later).sequence < (await after).sequence
        with pytest.raises(Refusal) as unavailable:
            await client.command("never.accepted")
        assert unavailable.value.code == "unavailable"
        assert tries.count("never.accepted") == 10


async def test_queries_survive_a_connection_and_have_an_end() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        query = await call.hear("query")
        if call.number == 1:
            await call.say(refusal(query, 503, "unavailable", retry_after=0.01))
            await call.hear("query")
            call.connection.transport.abort()
        elif call.number == 2:
            told = {"op": "result", "id": query["id"], "position": 9, "sequence": 3, "result": {"n": 1}}
            await call.say({"op": "result", "id": 999, "position": 0, "result": {}}, told)
            await call.stay()
        await call.stay()

    timing = Timing(first_pause=0.01, longest_jitter=0.01, answer=0.5)
    async with peer(script) as met, Client(met.url, "t", timing=timing, on_report=Seen().report) as client:
        answer = await client.query("a.list")
        assert (answer.body, answer.position, answer.sequence) == ({"n": 1}, 9, 3)
        with pytest.raises(Unreachable):
            await client.query("a.list")


async def test_somebody_present_is_seen(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    name = f"project:{project_id}"
    passed: list[object] = []
    async with meeting(server, ann) as client, client.feed(name, after=0, passing=passed.append) as feed:
        client.be_present(name, None)
        await until(lambda: feed.live)
        client.be_present(name, {"position": "A.1"})
        await until(lambda: passed)
        assert "A.1" in repr(passed)
