"""The broker over a cluster: every shard has its connection, and mends it by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.broker import GAP, Broker, BrokerUnavailable, Gap, Message, open_broker, open_client
from runtime.cache import AnswerCache
from runtime.cluster import ClusterAway, is_cluster, layout, seeds, slot_of
from runtime.ids import new_id
from runtime.progress import ProgressBoard, Step, own_job
from tests.conftest import REPOSITORY
from tests.runtime.valkey_cluster import PRIMARIES, Cluster, Node, cluster, running_cluster
from transport.gateway.socket_places import Places, TooManySockets
from transport.limits import Limit, Limiter, TooManyRequests
from transport.tickets import BadTicket, issue, redeem

__all__ = ["cluster"]

SOON = 30.0


@pytest.fixture
async def broker(cluster: Cluster) -> AsyncIterator[Broker]:
    async with open_broker(cluster.url) as opened:
        yield opened


@pytest.fixture
async def other(cluster: Cluster) -> AsyncIterator[Broker]:
    async with open_broker(cluster.url) as opened:
        yield opened


REPEATED: Counter[bytes] = Counter()
"""How often a message that got through may arrive once more: it was published again before that was known."""


def channels(cluster: Cluster) -> list[str]:
    """Give a channel on each server."""
    found: dict[Node, str] = {}
    while len(found) < PRIMARIES:
        name = f"feed:project:{new_id()}"
        found[cluster.primary_of(name)] = name
    return [found[node] for node in cluster.primaries]


async def hear(broker: Broker, count: int) -> list[Message | Gap]:
    heard: list[Message | Gap] = []
    async with asyncio.timeout(SOON):
        async for item in broker.messages():
            heard.append(item)
            if len(heard) == count:
                break
    return heard


async def pass_through(sender: Broker, receiver: Broker, channel: str) -> list[Message | Gap]:
    """Publish on a channel until a message gets through; give what came before it."""
    token = new_id().bytes
    before: list[Message | Gap] = []
    async with asyncio.timeout(SOON):
        arriving = asyncio.create_task(anext_message(receiver, token, before))
        while not arriving.done():
            REPEATED[token] += sender.publish(channel, token)
            await asyncio.sleep(0.05)
    REPEATED[token] -= 1
    return before


async def anext_message(broker: Broker, token: bytes, before: list[Message | Gap]) -> None:
    async for item in broker.messages():
        if isinstance(item, Message) and item.data == token:
            return
        if isinstance(item, Message) and REPEATED[item.data] > 0:
            REPEATED[item.data] -= 1
        else:
            before.append(item)


def test_a_clusters_url_names_some_of_its_servers() -> None:
    assert is_cluster("redis+cluster://a:1")
    assert not is_cluster("redis://a:1")
    assert seeds("redis+cluster://a:1,b:2") == ["redis://a:1", "redis://b:2"]
    assert seeds("rediss+cluster://me:secret@a:1,b:2") == ["rediss://me:secret@a:1", "rediss://me:secret@b:2"]


async def test_the_layout_is_told_by_whoever_answers(cluster: Cluster) -> None:
    found = await layout(f"redis+cluster://127.0.0.1:1,{cluster.primaries[1].address}")
    assert found.whole
    assert found.servers == {f"redis://{node.address}" for node in cluster.primaries}
    for channel in channels(cluster):
        assert found.server_of[slot_of(channel)] == f"redis://{cluster.primary_of(channel).address}"
    with pytest.raises(ClusterAway):
        await layout("redis+cluster://127.0.0.1:1")


async def test_messages_of_each_channel_arrive_in_order(cluster: Cluster, broker: Broker, other: Broker) -> None:
    names = channels(cluster)
    await broker.subscribe(*names)
    for number in range(500):
        for name in names:
            assert other.publish(name, b"%d" % number)
    heard = await hear(broker, 1500)
    for name in names:
        assert [item.data for item in heard if isinstance(item, Message) and item.channel == name] == [
            b"%d" % number for number in range(500)
        ]
    assert 0 < await broker.round_trip(10) < 10


async def test_a_channel_that_is_left_is_silent(cluster: Cluster, broker: Broker, other: Broker) -> None:
    name, _, _ = channels(cluster)
    left, kept, later = (f"{each}:{{{name}}}" for each in ("left", "kept", "later"))  # of one slot
    await broker.subscribe(left, kept)
    broker.unsubscribe(left)
    await broker.subscribe(later)  # answered after the unsubscription
    other.publish(left, b"nobody hears this")
    assert await pass_through(other, broker, kept) == []
    broker.unsubscribe(kept)
    await asyncio.gather(broker.subscribe(left), broker.subscribe(left, kept))
    assert await pass_through(other, broker, left) == []


async def test_the_loss_of_a_server_holds_up_its_own_channels_only(
    cluster: Cluster, broker: Broker, other: Broker
) -> None:
    names = channels(cluster)
    await broker.subscribe(*names)
    cluster.primaries[1].kill()
    try:
        async with asyncio.timeout(SOON):
            while other.publish(names[1], b"lost") or broker.connected:
                await asyncio.sleep(0.02)
        for name in (names[0], names[2]):
            assert GAP not in await pass_through(other, broker, name)
        with pytest.raises(BrokerUnavailable):
            await broker.round_trip(0.3)
        waiting = asyncio.create_task(broker.subscribe(f"{names[1]}:{{{names[1]}}}"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    finally:
        cluster.primaries[1].start()
    async with asyncio.timeout(SOON):
        await waiting
    assert GAP in await pass_through(other, broker, names[1])
    await asyncio.to_thread(cluster.until_well)
    async with asyncio.timeout(SOON):
        await broker.until_connected()
    assert await broker.round_trip(10) > 0


async def test_a_replica_takes_over(tmp_path: Path) -> None:
    with running_cluster(tmp_path / "cluster", replica=True) as own:
        async with open_broker(own.url) as broker, open_broker(own.url) as other, open_client(own.url) as client:
            names = channels(own)
            await broker.subscribe(*names)
            await client.set(names[0], b"kept")
            await asyncio.to_thread(own.primaries[0].ask, "WAIT", 1, 5000)
            own.primaries[0].kill()
            assert GAP in await pass_through(other, broker, names[0])
            assert await client.get(names[0]) == b"kept"
            for name in names[1:]:
                assert await pass_through(other, broker, name) == []
            async with asyncio.timeout(SOON):
                await broker.until_connected()
            assert await broker.round_trip(10) > 0


async def test_a_channel_is_followed_when_its_slot_moves(cluster: Cluster, broker: Broker, other: Broker) -> None:
    name, _, _ = channels(cluster)
    await broker.subscribe(name)
    assert await pass_through(other, broker, name) == []
    source, target, third = cluster.primaries
    await asyncio.to_thread(move, slot_of(name), source, target, third)
    try:
        assert GAP in await pass_through(other, broker, name)
        async with open_client(cluster.url) as client:
            await client.set(name, 1)
            assert await client.get(name) == b"1"
            await client.delete(name)
    finally:
        await asyncio.to_thread(move, slot_of(name), target, source, third)
    assert GAP in await pass_through(other, broker, name)


def move(slot: int, source: Node, target: Node, third: Node) -> None:
    """Give an empty slot to another server, as resharding does."""
    name = target.ask("CLUSTER", "MYID").decode()
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID").decode())
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", name)
    for node in (target, source, third):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", name)


async def test_everything_else_that_valkey_keeps_works_too(cluster: Cluster) -> None:
    async with open_client(cluster.url) as valkey:
        assert await valkey.ping()
        limiter, few = Limiter(valkey), Limit("few", 2, 60)
        for key in range(20):  # they lie on all servers
            await limiter.take(few, f"{key}")
            await limiter.take(few, f"{key}")
            with pytest.raises(TooManyRequests):
                await limiter.take(few, f"{key}")
            board, job = ProgressBoard(valkey), own_job(new_id())
            told = await board.tell(job, Step(event_id=1, scope="1", phase="reading", items_done=1, items_total=2))
            assert told is not None
            assert await board.read(job) == told
            ticket = await issue(valkey, {"authorization": f"Bearer {key}"})
            assert await redeem(valkey, ticket.ticket) == {"authorization": f"Bearer {key}"}
            with pytest.raises(BadTicket):
                await redeem(valkey, ticket.ticket)


async def test_every_key_is_documented_and_ends(cluster: Cluster) -> None:
    async with open_client(cluster.url) as valkey, Places(valkey, per_account=1, per_address=1) as places:
        await places.for_address("127.0.0.1", new_id())
        await Limiter(valkey).take(Limit("few", 2, 60), "somebody")
        await ProgressBoard(valkey).tell(own_job(new_id()), Step(event_id=1, scope="1", phase="reading"))
        await issue(valkey, {"authorization": "Bearer x"})
        cache, subject = AnswerCache(valkey), f"project:{new_id()}"
        await cache.keep(subject, ("era", 1), "q", b"answer")
        assert await cache.find(subject, ("era", 1), "q") == b"answer"
        document = (REPOSITORY / "docs/valkey-keys.md").read_text(encoding="utf-8")
        found = [(node, key.decode()) for node in cluster.primaries for key in node.ask("KEYS", "*")]
        kinds = {key.split(":")[0] for _, key in found}
        assert kinds == {"sockets", "limit", "progress", "ticket", "answers"}
        for node, key in found:
            assert node.ask("TTL", key) > 0
            assert f"`{key.split(':')[0]}:" in document


async def test_places_of_sockets_are_counted_over_a_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.gateway.socket_places.RENEW_SECONDS", 0.05)
    async with (
        open_client(cluster.url) as valkey,
        Places(valkey, per_account=1, per_address=5) as here,
        Places(valkey, per_account=1, per_address=5) as there,
    ):
        taken = [(new_id(), new_id()) for _ in range(10)]
        for account_id, connection_id in taken:
            await here.for_account(account_id, connection_id)
            with pytest.raises(TooManySockets):
                await there.for_account(account_id, new_id())
        for account_id, _ in taken:  # as if the leases ran out: they are renewed
            await valkey.delete(f"sockets:account:{account_id}")
        for account_id, _ in taken:
            async with asyncio.timeout(SOON):
                while not await valkey.exists(f"sockets:account:{account_id}"):
                    await asyncio.sleep(0.02)
        for account_id, connection_id in taken:
            here.give_back(connection_id, account_id, "127.0.0.1")
        for account_id, _ in taken:
            async with asyncio.timeout(SOON):
                while await valkey.exists(f"sockets:account:{account_id}"):
                    await asyncio.sleep(0.02)


async def test_a_cluster_that_is_not_there_is_said_so() -> None:
    with pytest.raises(BrokerUnavailable, match="does not answer"):
        async with open_broker("redis+cluster://127.0.0.1:1", wait=0.5):
            pass
