"""Presence among processes, and the pace of what passes by."""

import asyncio
from time import monotonic
from typing import Any
from uuid import UUID

import msgspec

from commands.frames import Batch
from runtime.ids import new_id
from transport.gateway.hub_feed import Feed
from transport.gateway.hub_pace import Paced, Passing
from transport.gateway.hub_presence import LEASE_SECONDS, Presences
from transport.gateway.hub_stretch import Stretch
from transport.gateway.socket_messages import Present

FEED = "project:one"


class Process:
    """One of several that hold the feed. What it publishes reaches all of them, unless it is cut off."""

    def __init__(self, others: "list[Process]") -> None:
        self.id = new_id()
        self.presences = Presences(FEED, self.id, self._publish, self._show)
        self.shown: list[dict[str, Any]] = []
        self.cut_off = False
        self._all = others
        others.append(self)

    @property
    def here(self) -> dict[str, Any]:
        """The states of all who are here, by connection."""
        frame = self.presences.everybody()
        return {} if frame is None else {each["connection_id"]: each["state"] for each in shown(frame)["here"]}

    def _publish(self, message: bytes) -> None:
        if not self.cut_off:
            for process in self._all:
                if not process.cut_off:
                    process.presences.hear(Batch.decode(message))

    def _show(self, frame: bytes) -> None:
        self.shown.append(shown(frame))


def shown(frame: bytes) -> dict[str, Any]:
    message = msgspec.json.decode(frame)
    assert (message["op"], message["feed"]) == ("presence", FEED)
    return message


def present(state: dict[str, Any], connection_id: UUID | None = None) -> Present:
    return Present(connection_id=connection_id or new_id(), account_id=new_id(), state=state)


async def test_whoever_comes_changes_and_leaves_is_seen_by_every_process() -> None:
    processes: list[Process] = []
    one, two = Process(processes), Process(processes)
    somebody = present({"at": 1})
    name = str(somebody.connection_id)
    one.presences.come(somebody)
    assert one.here == two.here == {name: {"at": 1}}
    one.presences.come(present({"at": 2}, somebody.connection_id))
    one.presences.stop()
    assert two.here == {name: {"at": 2}}
    one.presences.leave(somebody.connection_id)
    one.presences.stop()
    two.presences.stop()
    assert one.here == two.here == {}
    for process in processes:
        assert process.shown[-1] == {
            "op": "presence",
            "feed": FEED,
            "complete": False,
            "here": [],
            "left": [name],
        }


async def test_a_process_that_starts_late_asks_and_one_that_was_cut_off_learns_the_truth_again() -> None:
    processes: list[Process] = []
    one = Process(processes)
    stays, goes = present({}), present({})
    one.presences.come(stays)
    late = Process(processes)
    late.presences.everybody()  # somebody wants to know
    assert set(late.here) == {str(stays.connection_id)}
    late.cut_off = True
    one.presences.come(goes)
    one.presences.leave(stays.connection_id)
    one.presences.stop()
    late.cut_off = False
    late.presences.ask_again()
    assert set(late.here) == set(one.here) == {str(goes.connection_id)}


async def test_whoever_is_told_by_a_process_that_died_is_forgotten() -> None:
    processes: list[Process] = []
    dies, lives = Process(processes), Process(processes)
    somebody = present({})
    dies.presences.come(somebody)
    dies.cut_off = True
    lives.presences.beat(monotonic() + LEASE_SECONDS - 1)
    assert lives.here
    lives.presences.beat(monotonic() + LEASE_SECONDS + 1)
    lives.presences.stop()
    assert not lives.here
    assert lives.shown[-1]["left"] == [str(somebody.connection_id)]


async def test_a_process_that_lives_keeps_its_own_and_shows_everything_again() -> None:
    processes: list[Process] = []
    one, two = Process(processes), Process(processes)
    one.presences.come(present({}))
    one.shown.clear()
    two.shown.clear()
    for later in range(0, 200, 10):
        one.presences.beat(monotonic() + later)
        two.presences.beat(monotonic())
    assert len(one.here) == len(two.here) == 1
    for process in processes:
        assert [each["complete"] for each in process.shown] == [True]  # once, because nothing changed since


async def test_a_crowd_is_shown_a_few_times_a_second() -> None:
    processes: list[Process] = []
    one, two = Process(processes), Process(processes)
    for number in range(100):
        one.presences.come(present({"number": number}))
    assert len(one.shown) == 1
    one.presences.stop()
    two.presences.stop()
    for process in processes:
        assert len(process.shown) == 2
        assert len(process.here) == 100


async def test_paced_work_is_done_at_once_and_then_together() -> None:
    done: list[int] = []
    paced = Paced(lambda: done.append(len(done)), 0.02)
    for _ in range(5):
        paced.ask()
    assert len(done) == 1
    async with asyncio.timeout(10):
        while len(done) < 2:
            await asyncio.sleep(0.005)
    paced.hurry()
    await asyncio.sleep(0.06)
    assert len(done) == 2
    paced.ask()
    paced.ask()
    paced.hurry()
    assert len(done) == 4
    paced.stop()
    assert len(done) == 4


async def test_of_each_job_the_newest_progress_passes() -> None:
    feed = Feed(FEED)
    heard: list[bytes] = []

    class Follower:
        position = 0

        async def ready(self) -> None: ...

        def deliver(self, stretch: Stretch) -> bool:
            raise AssertionError(stretch)

        def pass_by(self, frames: Stretch) -> None:
            heard.extend(frames.frames)

        def restart(self, head: int) -> None:
            raise AssertionError(head)

    feed.begin(0)
    assert feed.attach(Follower())
    passing = Passing(feed)
    for done in range(50):
        for job in ("a", "b"):
            passing.add(b'{"op":"progress","job_id":"%b","done":%d}' % (job.encode(), done))
    assert heard == [b'{"op":"progress","job_id":"a","done":0}']
    passing.pace.hurry()
    assert heard[1:] == [
        b'{"op":"progress","job_id":"b","done":49}',
        b'{"op":"progress","job_id":"a","done":49}',
    ]
    passing.pace.stop()
