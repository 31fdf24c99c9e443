"""From the first byte to the last: what a socket leaves behind, and how all of them are sent away."""

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from commands.write_side import WriteSide
from runtime.broker import open_client
from runtime.embedded import Embedded
from tests.transport.socket_world import (
    SOON,
    Client,
    Server,
    Somebody,
    ann,
    dial,
    open_socket,
    running_server,
    server,
    somebody,
    write,
    writing,
)

__all__ = ["ann", "server", "write"]

CYCLES = 200


async def test_two_hundred_sockets_leave_nothing_behind(server: Server, write: WriteSide, ann: Somebody) -> None:
    people = [ann, *[await somebody(write) for _ in range(3)]]
    project_ids = [await each.project() for each in people]
    before = await quiet(server)
    for cycle in range(CYCLES):
        who, project_id = people[cycle % 4], project_ids[cycle % 4]
        await visit(await open_socket(server, who), f"project:{project_id}", cycle)
    assert await quiet(server) == before
    assert before["sockets"] == before["accounts"] == before["background"] == 0
    assert before["feeds"] == {}
    async with open_client(server.redis_url) as valkey:
        for who in people:
            assert await valkey.exists(f"sockets:account:{who.account_id}") == 0


async def visit(client: Client, feed: str, cycle: int) -> None:
    """Come and go, each time in another way."""
    match cycle % 6:
        case 0:  # politely
            await client.subscribe(feed, after=0)
            await client.until("caught_up")
            await client.say(op="unsubscribe", id=1, feed=feed)
            await client.until("unsubscribed")
            await client.connection.close()
        case 1:  # in the middle of a subscription
            await client.subscribe(feed, after=0)
            await client.connection.close()
        case 2:  # without a word, before the answer
            await client.say(op="subscribe", id=1, feed=feed, after=0)
            client.connection.transport.abort()
        case 3:  # with a query and a command on their way
            await client.say(op="query", id=1, query={"type": "projects.list", "after": 10**9})
            await client.say(op="command", id=2, command={"type": "project.create", "name": "House"})
            client.connection.transport.abort()
        case 4:  # present, with a full window
            await client.subscribe(feed, after=0, window=1, types=["project.*"])
            await client.say(op="presence", feed=feed, state={"cycle": cycle})
            await client.until("event")
            client.connection.transport.abort()
        case _:  # thrown out
            await client.connection.send("no\nno\nno")
            await client.farewell()


async def quiet(server: Server) -> dict[str, Any]:
    """Wait until nobody is served; give what the process holds then."""
    async with asyncio.timeout(SOON):
        while True:
            held = await asyncio.to_thread(lambda: server.held)
            if not held["sockets"] and not held["background"] and not any("start" in name for name in held["tasks"]):
                await asyncio.sleep(0.2)
                held = await asyncio.to_thread(lambda: server.held)
                names = [name.rstrip("0123456789-") for name in held["tasks"]]
                return held | {"tasks": [name for name in names if name != "checkpoints"]}  # looked at while asked for
            await asyncio.sleep(0.05)


@pytest.fixture
def own_server(servers: Embedded, migrated_template: str, tmp_path: Any) -> Iterator[Server]:
    """A server that a test may stop."""
    with running_server(servers, migrated_template, tmp_path) as running:
        yield running


async def test_a_server_that_stops_answers_what_is_in_flight_and_says_when_to_come_back(own_server: Server) -> None:
    async with writing(own_server) as write:
        ann = await somebody(write)
        project_id = await ann.project()
        clients = [await open_socket(own_server, ann) for _ in range(10)]
        for client in clients:
            await client.subscribe(f"project:{project_id}")
        await clients[0].say(op="query", id="slow", query={"type": "projects.list", "after": 10**9})
        async with asyncio.timeout(SOON):
            while "socket query" not in own_server.held["tasks"]:
                await asyncio.sleep(0.02)
        assert own_server.process is not None
        own_server.process.send_signal(signal.SIGTERM)

        byes = [await client.farewell() for client in clients[1:]]
        late = await dial(own_server, ann.headers)
        assert (await late.farewell())[1] == 4012
        byes.append(await clients[0].farewell())
        assert clients[0].answers["slow"]["problem"]["code"] == "stale_read"

        assert {code for _, code in byes} == {4012}
        assert all(bye["reconnect"] for bye, _ in byes)
        waits = [bye["retry_after_ms"] for bye, _ in byes]
        assert all(0 <= wait < clients[0].welcome["reconnect_jitter_max_ms"] for wait in waits)
        assert len(set(waits)) > 5
    assert await asyncio.to_thread(own_server.process.wait, 15) == 0
