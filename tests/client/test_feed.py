import asyncio
from uuid import uuid4

import msgspec
import pytest
from msgspec import structs

from commands.frames import ProgressFrame, channel_of, unnumbered
from domain.project import RemoveMember, RenameProject
from plumbline_client import AlreadyFollowing, Closed, FeedEnded, FeedReset, Refusal, Reset, State
from plumbline_client.events import BudgetVersioned, PositionAdded, ProjectCreated
from plumbline_client.messages import Progress
from runtime.broker import open_broker
from runtime.ids import new_id
from tests.client.meeting import Seen, meeting, take, until, upto
from tests.transport.socket_world import Server, Somebody, ann, bob, server, write

__all__ = ["ann", "bob", "server", "write"]


async def test_a_feed_is_replayed_and_then_live(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=20)
    seen = Seen()
    async with meeting(server, ann, seen) as client, client.feed(f"project:{project_id}", after=1) as feed:
        assert await upto(feed, last) == list(range(2, last + 1))
        await until(lambda: feed.live)
        assert feed.position == last
        now = await ann.add(project_id)
        assert await upto(feed, now) == list(range(last + 1, now + 1))
        assert not feed.stale
        assert not client.stale
        assert client.last_synced_at is not None
        assert client.welcome is not None
        assert feed.epoch == client.welcome.epoch
    assert seen.states == [State.CONNECTING, State.CONNECTED, State.CLOSED]
    assert seen.reports == []


async def test_events_are_typed(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    await ann.add(project_id, "Concrete C25/30")
    async with meeting(server, ann) as client, client.feed(f"project:{project_id}", after=0) as feed:
        created, added, versioned = await take(feed, 3)
    assert isinstance(created.data, ProjectCreated)
    assert (created.data.project_id, created.data.name) == (project_id, "House")
    assert isinstance(added.data, PositionAdded)
    assert added.data.position.description == "Concrete C25/30"
    assert isinstance(versioned.data, BudgetVersioned)
    assert (added.actor, added.feed, added.sequence) == (ann.actor, f"project:{project_id}", 2)


async def test_without_after_a_feed_begins_now(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    async with meeting(server, ann) as client, client.feed(f"project:{project_id}") as feed:
        await until(lambda: feed.live)
        assert feed.position == 1
        last = await ann.add(project_id)
        assert await upto(feed, last) == list(range(2, last + 1))


async def test_a_filter_moves_the_position_past_what_is_not_wanted(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=3)
    async with meeting(server, ann) as client:
        feed = client.feed(f"project:{project_id}", after=0, types=["project.*"])
        assert [event.type for event in await take(feed, 1)] == ["project.created"]
        following = asyncio.create_task(take(feed, 1))
        await until(lambda: feed.position == last)
        last = await ann.add(project_id)
        await until(lambda: feed.position == last)
        renamed = await ann.write.bus.execute(RenameProject(project_id=project_id, name="Barn"), actor=ann.actor)
        assert [event.sequence for event in await following] == [renamed.sequence]


async def test_what_waits_for_a_slow_consumer_is_bounded(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=30)
    async with meeting(server, ann) as client, client.feed(f"project:{project_id}", after=0, window=10) as feed:
        await until(lambda: feed.settled)
        assert not feed.live
        assert feed.position == 0
        assert await upto(feed, last) == list(range(1, last + 1))
        await until(lambda: feed.live)


async def test_a_feed_that_is_refused_says_why(server: Server, bob: Somebody) -> None:
    async with meeting(server, bob) as client:
        feed = client.feed(f"project:{uuid4()}", after=0)
        with pytest.raises(Refusal) as refusal:
            await take(feed, 1)
        assert refusal.value.code == "project.unknown"
        again = client.feed(feed.wanted.name, after=0)
        with pytest.raises(Refusal):
            await take(again, 1)


async def test_losing_the_right_ends_the_feed(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    await ann.invite(project_id, bob)
    async with meeting(server, bob) as client, client.feed(f"project:{project_id}", after=0) as feed:
        await take(feed, 3)
        removal = RemoveMember(project_id=project_id, account_id=bob.account_id)
        await ann.write.bus.execute(removal, actor=ann.actor)
        with pytest.raises(FeedEnded, match="forbidden"):
            await take(feed, 2)


async def test_a_feed_is_followed_once_and_can_be_followed_again(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    name = f"project:{project_id}"
    async with meeting(server, ann) as client:
        feed = client.feed(name, after=0)
        with pytest.raises(AlreadyFollowing):
            client.feed(name)
        await take(feed, 1)
        waiting = asyncio.create_task(take(feed, 1))
        await asyncio.sleep(0)
        await feed.aclose()
        with pytest.raises(StopAsyncIteration):
            await waiting
        await feed.aclose()
        async with client.feed(name, after=0) as again:
            assert await upto(again, 1) == [1]


async def test_a_feed_that_cannot_be_resumed_says_so(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    async with meeting(server, ann) as client:
        feed = client.feed(f"project:{project_id}", after=99)
        with pytest.raises(FeedReset) as reset:
            await take(feed, 1)
        assert (reset.value.reason, reset.value.head) == ("ahead", 1)
        async with client.feed(f"project:{project_id}", after=0, epoch=reset.value.epoch) as again:
            assert await upto(again, 1) == [1]


async def test_a_snapshot_lets_a_feed_go_on_in_another_life_of_the_log(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=2)
    resets: list[Reset] = []

    async def snapshot(reset: Reset) -> int:
        resets.append(reset)
        if len(resets) == 1:
            raise OSError("the application's disk")
        return 3

    async with meeting(server, ann) as client:
        feed = client.feed(f"project:{project_id}", after=1, epoch=uuid4(), snapshot=snapshot)
        with pytest.raises(OSError, match="disk"):
            await take(feed, 1)
        assert await upto(feed, last) == list(range(4, last + 1))
    assert [reset.reason for reset in resets] == ["epoch", "epoch"]
    assert feed.epoch == resets[0].epoch


async def test_progress_passes_by(server: Server, ann: Somebody) -> None:
    project_id, job_id = await ann.project(), new_id()
    name = f"project:{project_id}"
    passed: list[object] = []
    async with meeting(server, ann) as client, client.feed(name, after=1, passing=passed.append) as feed:
        await until(lambda: feed.live)
        frame = ProgressFrame(
            feed=name, type="job.progress", job_id=job_id, event_id=1, phase="reading", items_done=1, items_total=2
        )
        async with open_broker(server.redis_url) as broker:
            broker.publish(channel_of(name), unnumbered(msgspec.json.encode(frame)).encode())
            await until(lambda: passed)
    assert passed == [Progress(**structs.asdict(frame))]


async def test_closing_ends_whoever_waits(server: Server, ann: Somebody) -> None:
    async with meeting(server, ann) as client:
        feed = client.feed(f"account:{ann.account_id}")
        waiting = asyncio.create_task(take(feed, 1))
        await until(lambda: feed.live)
    with pytest.raises(Closed):
        await waiting
    assert client.state is State.CLOSED
    with pytest.raises(Closed):
        client.feed("project:x")
    with pytest.raises(Closed):
        client.start()
    await client.close()
