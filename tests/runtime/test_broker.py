import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis

import runtime.broker
import runtime.broker_line
from runtime.broker import GAP, Broker, BrokerUnavailable, Gap, Message, open_broker, open_client
from runtime.embedded import embedded


@pytest.fixture
async def broker(redis_url: str) -> AsyncIterator[Broker]:
    async with open_broker(redis_url) as opened:
        yield opened


@pytest.fixture
async def other(redis_url: str) -> AsyncIterator[Broker]:
    async with open_broker(redis_url) as opened:
        yield opened


async def hear(broker: Broker, count: int) -> list[Message | Gap]:
    heard: list[Message | Gap] = []
    async with asyncio.timeout(10):
        async for item in broker.messages():
            heard.append(item)
            if len(heard) == count:
                break
    return heard


async def test_messages_arrive_whole_and_in_order(broker: Broker, other: Broker) -> None:
    await broker.subscribe("a", "b")
    sent = [("a", b""), ("b", bytes(range(256))), ("a", b"\r\n$5\r\n"), ("b", os.urandom(300_000)), ("a", b"end")]
    for channel, data in sent:
        assert other.publish(channel, data)
    assert await hear(broker, 5) == [Message(channel, data) for channel, data in sent]


async def test_a_crowd_of_messages_arrives_in_order(broker: Broker, other: Broker) -> None:
    await broker.subscribe("a")
    for number in range(5000):
        assert other.publish("a", b"%d" % number)
    heard = await hear(broker, 5000)
    assert heard == [Message("a", b"%d" % number) for number in range(5000)]


async def test_everything_published_after_subscribing_arrives(broker: Broker, other: Broker) -> None:
    for number in range(50):
        await broker.subscribe(f"channel {number}")
        other.publish(f"channel {number}", b"x")
    assert await hear(broker, 50) == [Message(f"channel {number}", b"x") for number in range(50)]


async def test_a_channel_that_is_left_is_silent_and_may_be_joined_again(broker: Broker, other: Broker) -> None:
    await broker.subscribe("a", "b")
    broker.unsubscribe("a")
    await broker.subscribe("c")  # answered after the unsubscription
    other.publish("a", b"nobody hears this")
    other.publish("b", b"1")
    assert await hear(broker, 1) == [Message("b", b"1")]
    broker.unsubscribe("b")
    await asyncio.gather(broker.subscribe("a"), broker.subscribe("b"), broker.subscribe("a"))
    other.publish("a", b"2")
    other.publish("b", b"3")
    assert await hear(broker, 2) == [Message("a", b"2"), Message("b", b"3")]


async def test_who_waits_for_a_channel_is_let_go_when_it_is_left(broker: Broker) -> None:
    waiting = asyncio.create_task(broker.subscribe("a"))
    await asyncio.sleep(0)
    broker.unsubscribe("a")
    async with asyncio.timeout(5):
        await waiting


async def test_a_round_trip_is_measured(broker: Broker) -> None:
    assert 0 < await broker.round_trip(5) < 5


async def test_no_subscription_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data", temporary=True) as servers, open_broker(servers.redis_url) as broker:
        await broker.subscribe("a", "b")
        os.kill(servers.pids["valkey"], signal.SIGKILL)
        assert await hear(broker, 1) == [GAP]
        assert broker.connected
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.publish("a", b"1") == 1
            assert client.publish("b", b"2") == 1
        assert await hear(broker, 2) == [Message("a", b"1"), Message("b", b"2")]


async def test_a_cut_connection_is_mended_and_marked(broker: Broker, redis_url: str) -> None:
    await broker.subscribe("a")
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert await hear(broker, 1) == [GAP]
        client.publish("a", b"heard")
    assert await hear(broker, 1) == [Message("a", b"heard")]


async def test_a_server_that_hangs_is_noticed(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.broker_line, "SILENCE", 0.2)
    async with open_broker(redis_url) as broker, open_client(redis_url) as client:
        await client.execute_command("CLIENT", "PAUSE", 1000, "ALL")
        assert await hear(broker, 1) == [GAP]


async def test_while_the_server_is_away_publishing_says_so(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data", temporary=True) as servers, open_broker(servers.redis_url) as broker:
        os.kill(servers.pids["guard"], signal.SIGSTOP)
        os.kill(servers.pids["valkey"], signal.SIGKILL)
        async with asyncio.timeout(5):
            while broker.publish("a", b"x"):
                await asyncio.sleep(0.01)
        with pytest.raises(BrokerUnavailable):
            await broker.round_trip(0.1)
        late = asyncio.create_task(broker.subscribe("late"))
        await asyncio.sleep(0.05)
        assert not late.done()
        os.kill(servers.pids["guard"], signal.SIGCONT)
        async with asyncio.timeout(10):
            await late


async def test_a_listener_that_falls_behind_is_told_and_memory_stays_bounded(
    broker: Broker, other: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.broker, "INCOMING_LIMIT", 10_000)
    await broker.subscribe("a")
    for _ in range(100):
        other.publish("a", bytes(500))
    other.publish("a", b"last")
    heard: list[Message | Gap] = []
    async with asyncio.timeout(10):
        while Message("a", b"last") not in broker._arrived:
            await asyncio.sleep(0.01)
        async for item in broker.messages():
            heard.append(item)
            if item == Message("a", b"last"):
                break
    assert heard[0] is GAP
    assert len(heard) < 30


async def test_a_sender_that_is_not_taken_from_drops(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.broker_line, "OUTGOING_LIMIT", 1000)
    assert [broker.publish("a", bytes(600)) for _ in range(3)] == [True, True, False]


async def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match="does not answer"):
        async with open_broker(f"unix://{tmp_path}/nothing.sock", wait=0.3):
            pass


async def test_connections_do_not_say_which_version_made_them_as_looking_it_up_takes_long(redis_url: str) -> None:
    async with open_broker(redis_url) as broker, open_client(redis_url) as client:
        await broker.round_trip(5)
        listed = await client.client_list()
    assert len(listed) >= 3
    assert {each["lib-ver"] for each in listed} == {""}


async def test_the_client_survives_a_cut_connection(redis_url: str) -> None:
    async with open_client(redis_url) as client:
        await client.set("a", 1)
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert await client.get("a") == b"1"
