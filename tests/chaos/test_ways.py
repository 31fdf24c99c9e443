"""The way around sockets, against a real server: the network begins to block them, and ends it."""

from plumbline_client import Client, Way
from tests.chaos.proxy import proxy
from tests.chaos.schedules import TIMING
from tests.client.meeting import Seen, until, upto
from tests.transport.socket_world import Server, Somebody, ann, server, write

__all__ = ["ann", "server", "write"]


async def test_a_feed_goes_on_where_sockets_are_blocked_and_comes_back_to_them(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    name = f"project:{project_id}"
    last = await ann.add(project_id, count=5)
    seen = Seen()
    async with proxy(server.port) as network:
        network.no_sockets = True
        async with (
            Client(network.url, ann.token, timing=TIMING, on_report=seen.report) as client,
            client.feed(name, after=0, window=4) as feed,
        ):
            assert await upto(feed, last) == list(range(1, last + 1))
            assert client.way is Way.STREAM
            renamed = await client.command("project.rename", project_id=project_id, name="Barn")
            assert await upto(feed, renamed.sequence) == [last + 1]
            network.no_sockets = False
            await until(lambda: client.way is Way.SOCKET)
            now = await ann.add(project_id)
            assert await upto(feed, now) == list(range(renamed.sequence + 1, now + 1))
    assert "sockets do not get through" in seen.reported


async def test_a_feed_that_cannot_be_had_is_refused_over_http_too(server: Server, ann: Somebody) -> None:
    async with proxy(server.port) as network:
        network.no_sockets = True
        async with Client(network.url, ann.token, timing=TIMING, on_report=Seen().report) as client:
            feed = client.feed("project:01a20e6a-1fd1-7618-b033-bf5d19c27cd6", after=0)
            await until(lambda: feed.settled)
            assert client.way is Way.STREAM
