"""What a subscription lets through and how much of it at a time: filters, the position, acknowledgements, windows."""

import asyncio
from typing import Any

import msgspec
import pytest

from domain.budget import AddPosition, BulkEdit, BulkItem, Edit
from runtime.ids import new_id
from tests.transport.socket_world import Client, Server, Somebody, ann, bob, open_socket, server, write

__all__ = ["ann", "bob", "server", "write"]


async def test_a_subscription_about_something_gets_what_names_it_alone_or_among_others(
    server: Server, ann: Somebody
) -> None:
    project_id = await ann.project()
    mine, other = new_id(), new_id()
    for position_id in (mine, other):
        command = AddPosition(
            project_id=project_id, position_id=position_id, fields=Edit(description="Wall", unit="m3")
        )
        await ann.write.bus.execute(command, actor=ann.actor)
    both = (BulkItem(position_id=each, changes=Edit(description="Gate")) for each in (mine, other))
    receipt = await ann.write.bus.execute(BulkEdit(project_id=project_id, edits=tuple(both)), actor=ann.actor)
    async with await open_socket(server, ann) as client:
        await client.subscribe(f"project:{project_id}", after=0, about=str(mine))
        named = await events(client, receipt.sequence)
        assert named
        assert all(str(mine) in msgspec.json.encode(each["data"]).decode() for each in named)
        await client.say(op="unsubscribe", id=1, feed=f"project:{project_id}")
        await client.until("unsubscribed")
        await client.subscribe(
            f"project:{project_id}", after=0, about=[str(mine), str(other)], types=["position.added"]
        )
        assert [each["data"]["position"]["position_id"] for each in await events(client, receipt.sequence)] == [
            str(mine),
            str(other),
        ]


async def test_what_is_filtered_out_still_moves_the_position(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0, types=["thread.*"])
        assert (await client.until("caught_up"))["sequence"] == 1
        last = await ann.add(project_id, count=20)
        advanced: list[int] = []
        while not advanced or advanced[-1] < last:
            message = await client.hear()
            assert message["op"] == "advanced", message
            assert message["feed"] == feed
            advanced.append(message["sequence"])
        assert len(advanced) < 20  # told together
        assert advanced == sorted(set(advanced))


async def test_a_window_lets_so_many_events_travel_and_no_more(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    last = await ann.add(project_id, count=3)  # two events each
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0, window=3)
        assert await client.events(3) == [1, 2, 3]
        await nothing_more(client)
        await client.say(op="ack", feed=feed, sequence=2)
        assert await client.events(5) == [4, 5]
        await nothing_more(client)
        await client.say(op="ack", feed=feed, sequence=5)
        assert await client.events(last) == list(range(6, last + 1))
        await client.say(op="ack", feed=feed, sequence=last)
        await client.until("caught_up")
        now = await ann.add(project_id, count=2)  # live, it is the same
        assert await client.events(last + 3) == [last + 1, last + 2, last + 3]
        await nothing_more(client)
        await client.say(op="ack", feed=feed, sequence=last + 3)
        assert await client.events(now) == [last + 4]


async def test_only_wanted_events_count_in_a_window(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    await ann.add(project_id, count=40)
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0, window=1, types=["project.created", "thread.*"])
        assert await client.events(1) == [1]
        await client.say(op="ack", feed=feed, sequence=1)
        await client.until("caught_up")


@pytest.mark.parametrize("window", [None, 5])
async def test_what_was_not_sent_cannot_be_acknowledged(server: Server, ann: Somebody, window: int | None) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client:
        await client.say(op="ack", id=1, feed=feed, sequence=1)
        assert (await client.hear())["problem"]["code"] == "not_subscribed"
        await client.subscribe(feed, after=0, **({} if window is None else {"window": window}))
        await client.until("caught_up")
        await client.say(op="ack", id=2, feed=feed, sequence=2)
        error = await client.hear()
        assert (error["id"], error["problem"]["code"]) == (2, "not_sent")
        await client.say(op="ack", feed=feed, sequence=1)
        await client.say(op="ack", feed=feed, sequence=0)  # late, and of no consequence
        await nothing_more(client)


async def events(client: Client, upto: int) -> list[dict[str, Any]]:
    """Hear events until the client is told that it has everything up to a sequence."""
    heard: list[dict[str, Any]] = []
    while True:
        message = await client.hear()
        if message["op"] == "event":
            heard.append(message)
        elif message["op"] == "caught_up":
            assert message["sequence"] == upto
            return heard


async def nothing_more(client: Client) -> None:
    """Ask for an answer twice, with a turn of the server between: whatever was on its way came before the second."""
    for number in (1, 2):
        await client.say(op="ping", t=number)
        assert await client.hear() == {"op": "pong", "t": number}
        await asyncio.sleep(0.05)
