"""Schedules of faults: what Hypothesis draws, and how one is played against a real server with real clients."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from commands import Busy
from commands.bus import Bus
from commands.write_side import TYPES
from domain.project import CreateProject, RenameProject
from plumbline_client import Client, Clock, Event, Pending, State, Timing
from plumbline_client.wire import JSON, MSGPACK, Format
from runtime.broker import open_broker
from runtime.ids import new_id
from tests.chaos.checker import Broken, Seen, check
from tests.chaos.muddle import Fate, Muddle
from tests.chaos.proxy import Proxy, proxy
from tests.transport.socket_world import Server, Somebody, somebody, writing

TIMING = Timing(
    first_pause=0.01,
    longest_pause=0.1,
    most_tries=10_000,
    stable=0.2,
    connect=2,
    longest_jitter=0.02,
    hole=0.2,
    breaker_pause=0.1,
    silence=2,
    poll=1,
    fallback=1,
)
PATIENCE = 60.0
"""Seconds in which everything must have arrived once the faults are over, even on a busy machine."""
HEARTBEAT = {"HEARTBEAT_INTERVAL": "0.4", "HEARTBEAT_TIMEOUT": "0.6", "SOCKETS_PER_ACCOUNT": "1000"}
"""How a server is set up for this: a half-open connection is noticed after a second."""


class Write(Struct, frozen=True):
    """Events come to be, and this is what becomes of their broker messages."""

    fates: tuple[Fate, ...]


class Fault(Struct, frozen=True):
    """Something happens to the network. `amount`: bytes until a cut in mid-frame, milliseconds of a delay."""

    kind: Literal["cut", "cut_in_frame", "half_open", "delay", "slow", "closed", "no_sockets", "heal"]
    amount: int = 0


class Command(Struct, frozen=True):
    """A client sends commands, whatever its connection is like."""

    count: int


class Restart(Struct, frozen=True):
    """A consumer ends, and another one goes on from what it remembered."""

    consumer: int


class Wait(Struct, frozen=True):
    """Time passes, in milliseconds."""

    milliseconds: int


Step = Write | Fault | Command | Restart | Wait


class Schedule(Struct, frozen=True):
    """What happens to one feed and its consumers, each of them named by the window that it reads with."""

    consumers: tuple[tuple[int, bool], ...]
    """Of each: its window, and whether it speaks MessagePack."""
    steps: tuple[Step, ...]


FATES = st.lists(st.sampled_from(["pass", "pass", "drop", "repeat", "hold"]), min_size=1, max_size=5).map(tuple)
STEPS = st.one_of(
    st.builds(Write, FATES),
    st.builds(Write, FATES),
    st.builds(Fault, st.sampled_from(["cut", "slow", "closed", "no_sockets", "heal", "half_open"])),
    st.builds(Fault, st.just("cut_in_frame"), st.integers(1, 1500)),
    st.builds(Fault, st.just("delay"), st.integers(1, 30)),
    st.builds(Command, st.integers(1, 3)),
    st.builds(Restart, st.integers(0, 1)),
    st.builds(Wait, st.integers(0, 30)),
)
SCHEDULES = st.builds(
    Schedule,
    st.lists(st.tuples(st.sampled_from([2, 5, 10_000]), st.booleans()), min_size=1, max_size=2).map(tuple),
    st.lists(STEPS, min_size=3, max_size=12).map(tuple),
)


class World:
    """A server, somebody's account there, and a bus whose broker messages are muddled."""

    def __init__(self, server: Server, who: Somebody, bus: Bus, muddle: Muddle) -> None:
        self.server = server
        self.who = who
        self.bus = bus
        self.muddle = muddle

    async def rename(self, project_id: UUID) -> None:
        """Let an event come to be, however many clients change the same project meanwhile."""
        command = RenameProject(project_id=project_id, name=f"House {new_id()}")
        while True:
            with suppress(Busy):
                await self.bus.execute(command, actor=self.who.actor)
                return

    async def log(self, feed: str) -> list[tuple[Seen, UUID | None]]:
        """Read a feed from the log itself."""
        events = await self.who.write.store.feed(feed, limit=10_000)
        return [(Seen(each.sequence, each.position, each.type, each.data), each.command_id) for each in events]


@asynccontextmanager
async def world(server: Server) -> AsyncGenerator[World]:
    """Open the writing side beside a server."""
    async with writing(server) as write, open_broker(server.redis_url) as broker:
        muddle = Muddle(broker)
        bus = Bus(write.store, TYPES, write.vault, write.lookups, muddle)
        yield World(server, await somebody(write), bus, muddle)


class Consumer:
    """Applies a feed's events by writing them down, and remembers how far it came: over restarts, too."""

    def __init__(self, world: World, feed: str, network: Proxy, *, window: int, form: Format) -> None:
        self.history: list[Seen] = []
        self.client: Client
        self._world = world
        self._feed = feed
        self._network = network
        self._window = window
        self._form = form
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.failed = asyncio.Event()
        """Set when the client has given up, which no fault here is a reason for."""
        self._reports: list[tuple[str, dict[str, Any]]] = []

    def __str__(self) -> str:
        """What may explain why something did not come."""
        feeds = [vars(feed) for feed in self.client._core.feeds.values()]
        why = self.client._core.connector.error
        return f"{self.client.state.value} ({why}), has {self.remembered}, {feeds}, reported {self._reports[-5:]}"

    @property
    def remembered(self) -> int:
        return self.history[-1].sequence if self.history else 0

    def start(self) -> None:
        clock = Clock(random=random.Random(1).random)  # noqa: S311 - not for secrets
        self.client = Client(
            self._network.url,
            self._world.who.token,
            formats=[self._form],
            timing=TIMING,
            clock=clock,
            on_state=lambda state: self.failed.set() if state is State.FAILED else None,
            on_report=lambda *report: self._reports.append(report),
        )
        self.client.start()
        self._task = asyncio.create_task(self._consume(), name=f"consumer of {self._feed}")

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.client.close()

    async def reaches(self, last: int) -> None:
        """Wait until everything has come. Raises what ended the consumer, or `TimeoutError`."""
        assert self._task is not None
        while self.remembered < last:
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait({news, self._task}, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            if self._task.done():
                self._task.result()

    async def _consume(self) -> None:
        async for event in self.client.feed(self._feed, after=self.remembered, window=self._window):
            self.history.append(self._seen(event))
            self._news.set()
            if self._window == 2:  # a slow one
                await asyncio.sleep(0.001)

    def _seen(self, event: Event) -> Seen:
        data = bytes(event.raw)
        if not data.startswith(b"{"):  # over HTTP all is JSON
            data = msgspec.json.encode(msgspec.msgpack.decode(data))
        return Seen(event.sequence, event.position, event.type, data)


class Played(Struct, frozen=True):
    """What a schedule came to."""

    events: int
    cuts: int
    commands: int


async def play(world: World, schedule: Schedule) -> Played:
    """Play a schedule on a feed of its own. Raises `Broken` with what was wrong."""
    project_id = new_id()
    feed = f"project:{project_id}"
    await world.bus.execute(CreateProject(project_id=project_id, name="House"), actor=world.who.actor)
    async with proxy(world.server.port) as network:
        consumers = [
            Consumer(world, feed, network, window=window, form=MSGPACK if packed else JSON)
            for window, packed in schedule.consumers
        ]
        for consumer in consumers:
            consumer.start()
        work = asyncio.create_task(_play(world, project_id, network, consumers, schedule.steps))
        failures = [asyncio.create_task(consumer.failed.wait()) for consumer in consumers]
        try:
            await asyncio.wait({work, *failures}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Broken(f"a client gave up: {[str(each) for each in consumers]}")
            return work.result()
        finally:
            for task in (work, *failures):
                task.cancel()
            await asyncio.gather(work, *failures, return_exceptions=True)
            await asyncio.gather(*(consumer.stop() for consumer in consumers))


async def _play(
    world: World, project_id: UUID, network: Proxy, consumers: Sequence[Consumer], steps: Sequence[Step]
) -> Played:
    pending = await _faults(world, project_id, network, consumers, steps)
    network.heal()
    feed = f"project:{project_id}"
    world.muddle.release(feed)
    return await _settle(world, feed, network, consumers, pending)


async def _faults(
    world: World, project_id: UUID, network: Proxy, consumers: Sequence[Consumer], steps: Sequence[Step]
) -> list[Pending]:
    pending: list[Pending] = []
    for step in steps:
        match step:
            case Write(fates=fates):
                world.muddle.plan(f"project:{project_id}", fates)
                for _ in fates:
                    await world.rename(project_id)
            case Fault():
                _break(network, step)
            case Command(count=count):
                client = consumers[-1].client
                pending += [
                    client.submit("project.describe", project_id=str(project_id), description=f"{new_id()}")
                    for _ in range(count)
                ]
            case Restart(consumer=index):
                consumer = consumers[min(index, len(consumers) - 1)]
                if consumer is not consumers[-1] or not pending:  # commands live as long as their client
                    await consumer.stop()
                    consumer.start()
            case Wait(milliseconds=milliseconds):
                await asyncio.sleep(milliseconds / 1000)
    return pending


def _break(network: Proxy, fault: Fault) -> None:
    match fault.kind:
        case "cut":
            network.cut()
        case "cut_in_frame":
            network.cut_in_frame(fault.amount)
        case "half_open":
            network.half_open()
        case "delay":
            network.delay = fault.amount / 1000
        case "slow":
            network.slow = True
        case "closed":
            network.closed = True
            network.cut()
        case "no_sockets":
            network.no_sockets = True
            network.cut()
        case "heal":
            network.heal()


async def _settle(
    world: World, feed: str, network: Proxy, consumers: Sequence[Consumer], pending: Sequence[Pending]
) -> Played:
    """Wait until all is answered and delivered, and check it against the log."""
    try:
        async with asyncio.timeout(PATIENCE):
            receipts = [await each for each in pending]
            stored = await world.log(feed)
            for consumer in consumers:
                await consumer.reaches(stored[-1][0].sequence)
    except TimeoutError:
        raise Broken(f"not everything came within {PATIENCE:g} s: {[str(each) for each in consumers]}") from None
    log = [seen for seen, _ in stored]
    for consumer in consumers:
        check(log, consumer.history)
    carried_out = [command_id for _, command_id in stored if command_id is not None]
    for each, receipt in zip(pending, receipts, strict=True):
        if carried_out.count(each.command_id) != 1 or log[receipt.sequence - 1].sequence != receipt.sequence:
            raise Broken(f"command {each.command_id} was carried out {carried_out.count(each.command_id)} times")
    return Played(len(log), network.cuts, len(pending))


async def play_all(world: World, schedules: Sequence[Schedule]) -> list[Played]:
    """Play several at a time. Raises the first one's `Broken`, when the others are through."""
    outcomes: list[Any] = await asyncio.gather(*(play(world, each) for each in schedules), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes
