import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from commands.write_side import WriteSide
from runtime.embedded import Embedded
from tests.transport.socket_world import (
    SOON,
    Server,
    Somebody,
    ann,
    dial,
    open_socket,
    running_server,
    somebody,
    writing,
)
from transport.gateway.socket_commands import MOST_IN_FLIGHT
from transport.gateway.socket_feeds import MOST_FEEDS
from transport.gateway.socket_rate import BURST, MOST_DEBT, RATE, Bucket

__all__ = ["ann"]
PER_ACCOUNT = 12


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an impatient heart."""
    folder = tmp_path_factory.mktemp("server")
    beat = {"HEARTBEAT_INTERVAL": "0.5", "HEARTBEAT_TIMEOUT": "1", "SOCKETS_PER_ACCOUNT": str(PER_ACCOUNT)}
    with running_server(servers, migrated_template, folder, **beat) as running:
        yield running


@pytest.fixture
async def write(server: Server) -> AsyncIterator[WriteSide]:
    async with writing(server) as opened:
        yield opened


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "malformed_json"),
        ("nonsense", "malformed_json"),
        ('{"op":"command","id":1,"command":' + "[" * 5000, "malformed_json"),
        ('{"op":"subscribe"', "malformed_json"),
        ("[]", "invalid_body"),
        ("{}", "invalid_body"),
        ('{"op":"dance"}', "invalid_body"),
        ('{"op":"subscribe","id":1}', "invalid_body"),
        ('{"op":"subscribe","id":1,"feed":"a","after":-1}', "invalid_body"),
        ('{"op":"subscribe","id":1,"feed":"a","after":1.5}', "invalid_body"),
        ('{"op":"subscribe","id":1,"feed":"a","colour":"red"}', "invalid_body"),
        ('{"op":"unsubscribe","id":1,"feed":"\\u0000"}', "invalid_body"),
        (b'{"op":"ping"}', "malformed_json"),
    ],
)
async def test_nonsense_is_answered_and_the_socket_lives(
    server: Server, ann: Somebody, frame: str | bytes, code: str
) -> None:
    async with await open_socket(server, ann) as client:
        await client.connection.send(frame)
        error = await client.hear()
        assert (error["op"], error["problem"]["code"]) == ("error", code)
        await client.say(op="ping", t=1)
        assert await client.hear() == {"op": "pong", "t": 1}


async def test_an_error_names_the_message_it_is_about(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        await client.connection.send('{"op":"dance","id":17}\n{"op":"ping","t":3}\n{"id":"x"}')
        first, pong, second = [await client.hear() for _ in range(3)]
        assert first["id"] == 17
        assert pong == {"op": "pong", "t": 3}
        assert second["id"] == "x"


async def test_three_unreadable_messages_in_a_row_end_the_socket(server: Server, ann: Somebody) -> None:
    client = await open_socket(server, ann)
    await client.connection.send("no\nno")
    await client.say(op="ping")  # whoever makes sense in between starts anew
    await client.connection.send("no\nno\nno")
    bye, code = await client.farewell()
    assert (code, bye["code"], bye["reconnect"]) == (4400, 4400, False)


async def test_a_message_that_is_too_big_is_refused_and_closes(server: Server, ann: Somebody) -> None:
    client = await open_socket(server, ann)
    padding = "x" * 65_000
    await client.connection.send(f'{{"op":"dance","id":"{padding}"}}')
    assert (await client.hear())["problem"]["code"] == "invalid_body"
    await client.connection.send("\u017e" * 40_000)  # 80,000 bytes
    error = await client.hear()
    assert error["problem"]["code"] == "too_large"
    assert error["problem"]["limit_bytes"] == 65536
    assert (await client.farewell())[1] == 1009


async def test_too_many_messages_are_refused_and_then_close(server: Server, ann: Somebody) -> None:
    client = await open_socket(server, ann)
    for _ in range(BURST + MOST_DEBT + 50):
        await client.say(op="ping", t=1)
    refused = await client.until("error")
    assert refused["problem"]["code"] == "too_many_messages"
    assert refused["problem"]["retry_after"] >= 1
    bye, code = await client.farewell()
    assert (code, bye["reconnect"]) == (4029, True)
    assert bye["retry_after_ms"] > 0


def test_a_bucket_refills_steadily_and_remembers_debt() -> None:
    now = 0.0
    bucket = Bucket(lambda: now)
    assert [bucket.take() for _ in range(BURST)] == ["pass"] * BURST
    assert [bucket.take() for _ in range(MOST_DEBT)] == ["refuse"] * MOST_DEBT
    assert bucket.take() == "close"
    now += (MOST_DEBT + 1) / RATE
    assert bucket.take() == "refuse"
    assert bucket.retry_after == pytest.approx(2 / RATE)
    now += bucket.retry_after
    assert bucket.take() == "pass"
    now += 1_000
    assert [bucket.take() for _ in range(BURST + 1)] == ["pass"] * BURST + ["refuse"]


async def test_a_socket_follows_so_many_feeds_and_no_more(server: Server, ann: Somebody) -> None:
    feeds = [f"project:{await ann.project()}" for _ in range(MOST_FEEDS + 1)]
    async with await open_socket(server, ann) as client:
        for feed in feeds[:-1]:
            await client.say(op="subscribe", id=feed, feed=feed)
            await client.until("caught_up")
        error = await client.subscribe(feeds[-1])
        assert error["problem"]["code"] == "too_many_feeds"
        await client.say(op="unsubscribe", id=1, feed=feeds[0])
        await client.until("unsubscribed")
        assert (await client.subscribe(feeds[-1]))["op"] == "subscribed"


async def test_an_account_has_so_many_sockets_and_no_more(server: Server, write: WriteSide, ann: Somebody) -> None:
    crowd = [await open_socket(server, ann) for _ in range(PER_ACCOUNT)]
    refused = await dial(server, ann.headers)
    error = await refused.hear()
    assert error["problem"]["code"] == "too_many_sockets"
    bye, code = await refused.farewell()
    assert code == 4009
    assert bye["reconnect"]
    assert bye["retry_after_ms"] > 0
    async with await open_socket(server, await somebody(write)):
        pass  # others are not concerned
    await crowd.pop().connection.close()
    async with await open_socket(server, ann):
        pass
    for client in crowd:
        await client.connection.close()


async def test_too_much_at_once_is_refused(server: Server, ann: Somebody) -> None:
    slow = '{"type":"projects.list","after":1000000000}'  # waits for a position that nobody has seen yet
    lines = [f'{{"op":"query","id":{number},"query":{slow}}}' for number in range(MOST_IN_FLIGHT + 7)]
    async with await open_socket(server, ann) as client:
        await client.connection.send("\n".join(lines[: BURST - 10]))
        await asyncio.sleep(1)
        await client.connection.send("\n".join(lines[BURST - 10 :]))
        refused = [await client.hear() for _ in range(7)]
        assert [each["id"] for each in refused] == list(range(MOST_IN_FLIGHT, MOST_IN_FLIGHT + 7))
        assert {each["problem"]["code"] for each in refused} == {"too_many_in_flight"}
        assert "socket query" in server.held["tasks"]
    async with asyncio.timeout(SOON):
        while "socket query" in server.held["tasks"]:  # nobody waits for the answers any more
            await asyncio.sleep(0.05)


async def test_whoever_does_not_answer_pings_is_closed(server: Server, ann: Somebody) -> None:
    client = await open_socket(server, ann)
    heard: list[str] = []
    with suppress(ConnectionClosed):
        while True:
            heard.append(str(await asyncio.wait_for(client.connection.recv(), SOON)))
    assert client.connection.close_code == 4010
    assert '"op":"ping"' in heard[0]
    assert '"code":4010' in heard[-1]
    assert '"reconnect":true' in heard[-1]


async def test_whoever_answers_pings_stays(server: Server, ann: Somebody) -> None:
    async with await open_socket(server, ann) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.hear(), 4)
        await client.say(op="ping", t=1)
        assert await client.hear() == {"op": "pong", "t": 1}


async def test_a_client_that_vanishes_without_a_word_is_noticed(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    client = await open_socket(server, ann)
    await client.subscribe(f"project:{project_id}")
    transport = client.connection.transport
    transport.pause_reading()  # type: ignore[attr-defined]
    feed = f"project:{project_id}"
    assert feed in server.held["feeds"]
    async with asyncio.timeout(20):
        while feed in server.held["feeds"]:
            await asyncio.sleep(0.1)
    transport.get_extra_info("socket").setsockopt(1, 13, struct.pack("ii", 1, 0))  # cut, do not say goodbye
    transport.abort()
