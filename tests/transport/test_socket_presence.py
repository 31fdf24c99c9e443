"""Who is here, told over sockets of two processes."""

from collections.abc import Iterator
from typing import Any

import pytest

from commands.frames import channel_of, unnumbered
from domain.project import RemoveMember
from runtime.broker import open_broker
from runtime.ids import new_id
from tests.transport.socket_world import (
    Client,
    Server,
    Somebody,
    ann,
    bob,
    new_server,
    open_socket,
    server,
    write,
)
from transport.gateway.socket_messages import STATE_BYTES

__all__ = ["ann", "bob", "server", "write"]


@pytest.fixture(scope="module")
def second(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another process of the same installation."""
    other = new_server(server.database_url, server.redis_url, tmp_path_factory.mktemp("second"))
    try:
        other.start()
        yield other
    finally:
        other.stop()


async def join(server: Server, who: Somebody, feed: str, **members: Any) -> Client:
    client = await open_socket(server, who)
    await client.subscribe(feed, **members)
    await client.until("caught_up")
    return client


async def presence(client: Client, wanted: dict[str, Any]) -> None:
    """Hear presence until those are here that are wanted: their states by connection."""
    here: dict[str, Any] = {}
    while here != wanted:
        message = await client.until("presence")
        if message["complete"]:
            here = {}
        for each in message["here"]:
            here[each["connection_id"]] = each["state"]
        for name in message["left"]:
            here.pop(name, None)


async def test_everybody_sees_who_is_here_on_whichever_process(
    server: Server, second: Server, ann: Somebody, bob: Somebody
) -> None:
    project_id = await ann.project()
    await ann.invite(project_id, bob)
    feed = f"project:{project_id}"
    async with await join(server, ann, feed) as one, await join(second, bob, feed) as two:
        at = {"position_id": str(new_id())}
        await one.say(op="presence", feed=feed, state=at)
        first: str = one.welcome["connection_id"]
        await presence(one, {first: at})
        await presence(two, {first: at})
        await two.say(op="presence", feed=feed, state={})
        other: str = two.welcome["connection_id"]
        await presence(one, {first: at, other: {}})
        async with await join(second, ann, feed) as late:
            await presence(late, {first: at, other: {}})
        await one.say(op="presence", feed=feed, state={"typing": True})
        await presence(two, {first: {"typing": True}, other: {}})
        await two.say(op="presence", feed=feed, state=None)  # still follows, but is not to be seen
        await presence(one, {first: {"typing": True}})
        await two.say(op="presence", feed=feed, state={"back": 1})
        await presence(one, {first: {"typing": True}, other: {"back": 1}})
        await two.connection.close()
        await presence(one, {first: {"typing": True}})


async def test_whoever_loses_their_place_is_not_here_any_more(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    await ann.invite(project_id, bob)
    feed = f"project:{project_id}"
    async with await join(server, ann, feed) as owner, await join(server, bob, feed) as member:
        await member.say(op="presence", feed=feed, state={})
        await presence(owner, {member.welcome["connection_id"]: {}})
        removal = RemoveMember(project_id=project_id, account_id=bob.account_id)
        await ann.write.bus.execute(removal, actor=ann.actor)
        await presence(owner, {})
        assert (await member.until("unsubscribed"))["code"] == "forbidden"
        await member.say(op="presence", id=1, feed=feed, state={})
        assert (await member.until("error"))["problem"]["code"] == "not_subscribed"


async def test_presence_waits_for_the_right_to_follow_and_has_its_limits(
    server: Server, ann: Somebody, bob: Somebody
) -> None:
    feed = f"project:{await ann.project()}"
    async with await join(server, ann, feed) as owner, await open_socket(server, bob) as stranger:
        await stranger.say(op="subscribe", id=1, feed=feed)
        await stranger.say(op="presence", id=2, feed=feed, state={"sneaky": True})
        assert (await stranger.hear())["problem"]["code"] == "project.unknown"
        await owner.say(op="presence", id=3, feed=feed, state={"text": "x" * STATE_BYTES})
        assert (await owner.hear())["problem"]["code"] == "state_too_large"
        await owner.say(op="presence", feed=feed, state={"x": 1})
        await presence(owner, {owner.welcome["connection_id"]: {"x": 1}})


async def test_progress_of_other_jobs_than_the_one_asked_about_does_not_come(server: Server, ann: Somebody) -> None:
    feed = f"project:{await ann.project()}"
    mine, other = str(new_id()), str(new_id())
    async with await join(server, ann, feed, about=mine) as client, open_broker(server.redis_url) as broker:
        for done in range(3):
            for job in (other, mine):
                frame = b'{"op":"progress","feed":"%b","job_id":"%b","done":%d}' % (feed.encode(), job.encode(), done)
                broker.publish(channel_of(feed), unnumbered(frame).encode())
        heard: list[int] = []
        while not heard or heard[-1] < 2:
            message = await client.hear()
            assert (message["op"], message["job_id"]) == ("progress", mine)
            heard.append(message["done"])
