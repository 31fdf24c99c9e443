"""Feeds without sockets: server-sent events and pages, the same frames in the same order."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from domain.account import RevokeToken
from domain.project import RemoveMember
from runtime.embedded import Embedded
from runtime.ids import new_id
from tests.transport.socket_world import (
    SOON,
    Server,
    Somebody,
    ann,
    bob,
    new_server,
    open_socket,
    running_server,
    write,
)

__all__ = ["ann", "bob", "write"]

INTERVAL = 1.0
PLACES = 5


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a fast heartbeat and few places."""
    limits = {"HEARTBEAT_INTERVAL": str(INTERVAL), "SOCKETS_PER_ACCOUNT": str(PLACES), "REPLAY_LIMIT": "50"}
    with running_server(servers, migrated_template, tmp_path_factory.mktemp("server"), **limits) as running:
        yield running


class Listening:
    """A stream, and the events of it one by one: their ids and messages."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id = ""
        self.retry: int | None = None
        self.silences = 0

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                match name:
                    case "id":
                        self.last_id = value
                    case "retry":
                        self.retry = int(value)
                    case "data":
                        return msgspec.json.decode(value)
                    case _:
                        self.silences += line == ":"
        raise EOFError

    async def until(self, op: str) -> dict[str, Any]:
        while (message := await self.hear())["op"] != op:
            pass
        return message

    async def events(self, upto: int) -> list[int]:
        """Hear events up to a sequence, each under its own id."""
        sequences: list[int] = []
        while not sequences or sequences[-1] < upto:
            message = await self.hear()
            if message["op"] == "event":
                sequences.append(message["sequence"])
                assert self.last_id == str(message["sequence"])
        return sequences


@asynccontextmanager
async def listening(server: Server, who: Somebody, feed: str, **request: Any) -> AsyncGenerator[Listening]:
    headers = who.headers | request.pop("headers", {})
    async with (
        httpx.AsyncClient(base_url=server.origin, timeout=SOON) as client,
        client.stream("GET", f"/api/feeds/{feed}/stream", headers=headers, params=request) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        yield Listening(response)


async def poll(server: Server, who: Somebody, feed: str, **params: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=server.origin, timeout=SOON + 30) as client:
        answer = await client.get(f"/api/feeds/{feed}/events", headers=who.headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(server: Server, headers: dict[str, str], path: str, **params: Any) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=server.origin, timeout=SOON) as client:
        answer = await client.get(path, headers=headers, params=params)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def let_go(server: Server, feed: str) -> None:
    async with asyncio.timeout(SOON):
        while feed in (await asyncio.to_thread(lambda: server.held))["feeds"]:
            await asyncio.sleep(0.05)


async def test_a_stream_replays_and_goes_live_with_the_frames_of_a_socket(server: Server, ann: Somebody) -> None:
    project = await ann.project()
    feed = f"project:{project}"
    head = await ann.add(project, count=2)
    async with listening(server, ann, feed, after=1) as stream, await open_socket(server, ann) as client:
        subscribed = await stream.hear()
        assert (subscribed["op"], subscribed["head"], subscribed["recovered"]) == ("subscribed", head, True)
        assert await stream.events(head) == list(range(2, head + 1))
        assert (await stream.until("caught_up"))["sequence"] == head
        await client.subscribe(feed)
        await client.until("caught_up")
        await ann.add(project)
        assert await stream.hear() == await client.until("event")
    await let_go(server, feed)


async def test_whoever_comes_back_goes_on_where_they_were(server: Server, ann: Somebody) -> None:
    project = await ann.project()
    feed = f"project:{project}"
    head = await ann.add(project, count=3)
    heard: list[int] = []
    last_id = "0"
    for _ in range(3):
        async with listening(server, ann, feed, after=99_999, headers={"last-event-id": last_id}) as stream:
            heard += await stream.events(len(heard) + 2)
            last_id = stream.last_id
    assert heard == list(range(1, 7))
    assert head == 7


async def test_filters_narrow_a_stream_until_the_right_to_it_is_lost(
    server: Server, ann: Somebody, bob: Somebody
) -> None:
    project = await ann.project()
    await ann.invite(project, bob)
    async with listening(server, bob, f"project:{project}", types="budget.*", after=0) as stream:
        assert await stream.hear()
        caught_up = await stream.hear()
        assert (caught_up["op"], stream.last_id) == ("caught_up", "3")
        head = await ann.add(project)
        event = await stream.hear()
        assert (event["type"], event["sequence"]) == ("budget.versioned", head)
        removal = RemoveMember(project_id=project, account_id=bob.account_id)
        await ann.write.bus.execute(removal, actor=ann.actor)
        assert (await stream.until("unsubscribed"))["code"] == "forbidden"
        with pytest.raises(EOFError):
            await stream.hear()


async def test_a_quiet_stream_lives_and_ends_when_its_credentials_do(server: Server, ann: Somebody) -> None:
    project = await ann.project()
    async with listening(server, ann, f"project:{project}") as stream:
        await stream.until("caught_up")
        token_id = UUID(bytes=new_id().bytes)
        account = (await ann.write.bus.states.get(ann.actor)).state
        (token_id,) = account.tokens
        await ann.write.bus.execute(RevokeToken(account_id=ann.account_id, token_id=token_id), actor=ann.actor)
        bye = await stream.until("bye")
        assert (bye["code"], bye["reconnect"]) == (4001, False)
        assert stream.silences >= 1
        assert stream.retry is not None


async def test_a_stream_is_sent_away_when_the_server_ends(server: Server, ann: Somebody, tmp_path: Path) -> None:
    other = new_server(server.database_url, server.redis_url, tmp_path)
    await asyncio.to_thread(other.start)
    assert other.process is not None
    async with listening(other, ann, ann.actor) as stream:
        await stream.until("caught_up")
        began = monotonic()
        other.process.terminate()
        bye = await stream.until("bye")
        assert (bye["code"], bye["reconnect"]) == (4012, True)
        with pytest.raises(EOFError):
            await stream.hear()
        await asyncio.to_thread(other.stop)
        assert monotonic() - began < 10


async def test_streams_count_among_an_accounts_sockets(server: Server, ann: Somebody) -> None:
    feed = ann.actor
    path = f"/api/feeds/{feed}/stream"
    async with asyncio.TaskGroup() as group, asyncio.timeout(SOON):
        streams = [listening(server, ann, feed) for _ in range(PLACES)]
        opened = [await group.create_task(stream.__aenter__()) for stream in streams]
        for stream in opened:
            await stream.until("caught_up")
        assert await refused(server, ann.headers, path) == (429, "too_many_sockets")
        for stream in streams:
            await stream.__aexit__(None, None, None)
    await let_go(server, feed)
    async with listening(server, ann, feed) as stream:
        await stream.until("caught_up")


async def test_a_reader_that_does_not_read_is_cut_off(server: Server, ann: Somebody) -> None:
    project = await ann.project()
    feed = f"project:{project}"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
    request = f"GET /api/feeds/{feed}/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n\r\n"
    writer.write(request.encode())
    async with asyncio.timeout(SOON):
        while not server.held["feeds"].get(feed):
            await asyncio.sleep(0.05)
        while server.held["feeds"].get(feed):
            await asyncio.gather(*(ann.add(project, "x" * 10_000) for _ in range(50)))
    del reader
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.parametrize("door", ["stream", "events"])
async def test_what_is_refused_is_refused_before_anything_is_told(
    server: Server, ann: Somebody, bob: Somebody, door: str
) -> None:
    project = await ann.project()
    path = f"/api/feeds/project:{project}/{door}"
    assert await refused(server, {}, path) == (401, "not_signed_in")
    assert await refused(server, bob.headers, path) == (404, "project.unknown")
    assert await refused(server, ann.headers, f"/api/feeds/nonsense/{door}") == (404, "feed.unknown")
    assert await refused(server, ann.headers, path, after=-1) == (422, "invalid_parameter")
    assert await refused(server, ann.headers, path, about="nobody") == (422, "invalid_parameter")
    assert await refused(server, ann.headers, path, types="x" * 101) == (422, "invalid_parameter")
    if door == "stream":
        headers = ann.headers | {"last-event-id": "the last one"}
        assert await refused(server, headers, path) == (400, "malformed_header")
        async with httpx.AsyncClient(base_url=server.origin) as client:
            assert (await client.post(path, headers=ann.headers)).status_code == 405


async def test_pages_follow_each_other_without_gap_or_repeat(server: Server, ann: Somebody) -> None:
    project = await ann.project()
    feed = f"project:{project}"
    head = await ann.add(project, count=4)
    heard: list[int] = []
    after = 0
    while after < head:
        page = await poll(server, ann, feed, after=after, limit=4)
        assert len(page["events"]) <= 4
        heard += [event["sequence"] for event in page["events"]]
        after = page["sequence"]
        assert page["head"] == head
    assert heard == list(range(1, head + 1))
    await let_go(server, feed)


async def test_a_poll_waits_for_something_new_and_not_longer_than_told(server: Server, ann: Somebody) -> None:
    project = await ann.project()
    feed = f"project:{project}"
    began = monotonic()
    page = await poll(server, ann, feed, after=1, wait=1)
    assert (page["events"], page["sequence"], page["head"]) == ([], 1, 1)
    assert monotonic() - began >= 1
    waiting = asyncio.create_task(poll(server, ann, feed, after=1, wait=20))
    async with asyncio.timeout(SOON):
        while not server.held["feeds"].get(feed):
            await asyncio.sleep(0.02)
    await ann.add(project)
    page = await waiting
    assert page["events"][0]["sequence"] == 2
    began = monotonic()
    assert (await poll(server, ann, feed, wait=0))["sequence"] == 3
    assert monotonic() - began < SOON


async def test_a_poll_that_wants_little_still_gets_on(server: Server, ann: Somebody, bob: Somebody) -> None:
    project = await ann.project()
    head = await ann.add(project, count=2)
    feed = f"project:{project}"
    joining = "project.member_invited,project.member_joined"
    page = await poll(server, ann, feed, after=0, types=joining, wait=0)
    assert (page["events"], page["sequence"]) == ([], head)
    await ann.invite(project, bob)
    page = await poll(server, ann, feed, after=page["sequence"], types=joining)
    assert [event["type"] for event in page["events"]] == ["project.member_invited", "project.member_joined"]


@pytest.mark.parametrize("params", [{"after": 999}, {"after": 0, "epoch": str(new_id())}])
async def test_what_cannot_be_replayed_is_reset(server: Server, ann: Somebody, params: dict[str, Any]) -> None:
    project = await ann.project()
    feed = f"project:{project}"
    page = await poll(server, ann, feed, **params)
    reason = "ahead" if "epoch" not in params else "epoch"
    assert (page["events"], page["reset"]["reason"], page["reset"]["head"], page["head"]) == ([], reason, 1, 1)
    async with listening(server, ann, feed, **params) as stream:
        assert (await stream.hear())["reason"] == reason
        with pytest.raises(EOFError):
            await stream.hear()
