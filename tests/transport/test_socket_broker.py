"""The broker is a hint: killed, silent, or talking nonsense, it delays events and loses none."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from commands import Busy
from commands.bus import Bus
from commands.frames import Batch, channel_of, unnumbered
from commands.write_side import TYPES
from domain.core import Refused
from domain.project import RenameProject
from runtime.broker import open_broker
from runtime.embedded import embedded
from runtime.migrations import migrate
from tests.transport.socket_world import (
    Server,
    Somebody,
    ann,
    make_tables,
    new_server,
    open_socket,
    server,
    somebody,
    write,
    writing,
)

__all__ = ["ann", "server", "write"]


@pytest.mark.parametrize("victim", ["valkey", "postgres"])
async def test_nothing_is_missed_when_a_server_is_killed_in_mid_stream(tmp_path: Path, victim: str) -> None:
    async with embedded(tmp_path / "servers", temporary=True) as servers:
        await migrate(servers.database_url)
        await make_tables(servers.database_url)
        server = new_server(servers.database_url, servers.redis_url, tmp_path)
        await asyncio.to_thread(server.start)
        try:
            async with writing(server) as write:
                await survive_killings(server, await somebody(write), lambda: servers.pids[victim])
        finally:
            await asyncio.to_thread(server.stop)


async def survive_killings(server: Server, who: Somebody, victim_pid: Callable[[], int]) -> None:
    project_id = await who.project()
    async with await open_socket(server, who) as client:
        await client.subscribe(f"project:{project_id}", after=0)
        stop = asyncio.Event()
        writer = asyncio.create_task(keep_adding(who, project_id, stop))
        killer = asyncio.create_task(kill(victim_pid, stop))
        sequences: list[int] = []
        while not writer.done() or not sequences or sequences[-1] < writer.result():
            message = await client.hear()
            if message["op"] == "event":
                sequences.append(message["sequence"])
        await killer
    assert sequences == list(range(1, writer.result() + 1))


async def kill(victim_pid: Callable[[], int], stop: asyncio.Event) -> None:
    """Kill a server three times, each time after it was started again, and let it be for a moment."""
    killed = 0
    for _ in range(3):
        await asyncio.sleep(1)
        async with asyncio.timeout(60):
            while victim_pid() == killed:
                await asyncio.sleep(0.05)
        killed = victim_pid()
        os.kill(killed, signal.SIGKILL)
    await asyncio.sleep(1)
    stop.set()


async def keep_adding(who: Somebody, project_id: UUID, stop: asyncio.Event) -> int:
    """Add positions until told to stop; give the last sequence."""
    while not stop.is_set():
        with suppress(Refused, OperationalError, PoolTimeout):  # while the log is away
            await who.add(project_id)
    return await who.add(project_id)


async def test_what_is_never_published_arrives_by_comparison(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    silent = Bus(ann.write.store, TYPES, ann.write.vault, ann.write.lookups, lambda _recorded: None)
    async with await open_socket(server, ann) as client:
        await client.subscribe(f"project:{project_id}", after=0)
        await client.until("caught_up")
        for number in range(3):
            before = monotonic()
            rename = RenameProject(project_id=project_id, name=f"House {number}")
            receipt = await silent.execute(rename, actor=ann.actor)
            assert (await client.hear())["sequence"] == receipt.sequence
            assert monotonic() - before < 3, "the log is compared about once a second"


async def test_commands_of_several_processes_arrive_in_one_order(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client, writing(server) as third:
        await client.subscribe(feed, after=0)
        here = asyncio.create_task(keep_trying(ann, project_id))
        there = asyncio.create_task(keep_trying(Somebody(third, ann.account_id, ann.token), project_id))
        for number in range(40):
            command = {"type": "position.add", "project_id": str(project_id), "fields": {"unit": "m"}}
            await client.say(op="command", id=number, command=command)
        sequences: list[int] = []
        while len(client.answers) < 40:
            sequences += sequence_of(await client.hear())
        await asyncio.gather(here, there)
        last = await ann.add(project_id)
        while not sequences or sequences[-1] < last:
            sequences += sequence_of(await client.hear())
    assert sequences == list(range(1, last + 1))


def sequence_of(message: dict[str, Any]) -> list[int]:
    return [message["sequence"]] if message["op"] == "event" else []


async def keep_trying(who: Somebody, project_id: UUID) -> None:
    """Add positions against rivals."""
    for _ in range(40):
        with suppress(Busy):
            await who.add(project_id)


async def test_nonsense_from_the_broker_changes_nothing(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with await open_socket(server, ann) as client, open_broker(server.redis_url) as broker:
        await client.subscribe(feed, after=0)
        await client.until("caught_up")
        old = b'{"op":"event","sequence":1}'
        for message in (b"", b"nonsense", b"1 2\n{}", b"7 3 9\n{}", b"2 9 9\n{}", Batch(1, 1, 1, old).encode()):
            broker.publish(channel_of(feed), message)
        broker.publish(channel_of(feed), Batch(50, 50, 50, old).encode())  # announces what does not exist
        last = await ann.add(project_id, count=5)
        assert await client.events(last) == list(range(2, last + 1))
        broker.publish(channel_of(feed), unnumbered(b'{"op":"progress","done":3}').encode())
        assert await client.hear() == {"op": "progress", "done": 3}


async def test_a_log_that_was_restored_to_an_earlier_point_resets_whoever_follows(
    server: Server, ann: Somebody
) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    last = await ann.add(project_id, count=3)
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0)
        assert await client.events(last) == list(range(1, last + 1))
        await client.until("caught_up")
        epoch = restore(server.database_url, feed, 3)
        reset = await client.until("reset", feed=feed)
        assert (reset["reason"], reset["head"], reset["epoch"]) == ("epoch", 3, epoch)
        old = await client.subscribe(feed, after=2, epoch=client.welcome["epoch"])
        assert (old["op"], old["reason"]) == ("reset", "epoch")
        subscribed = await client.subscribe(feed, after=2, epoch=epoch)
        assert (subscribed["op"], subscribed["head"]) == ("subscribed", 3)
        assert (await client.hear())["sequence"] == 3


def restore(database_url: str, feed: str, sequence: int) -> str:
    """Make the log one that was restored from a backup, in which the feed ended at `sequence`; give its epoch."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER events_are_permanent")
        connection.execute("DELETE FROM events WHERE feed = %s AND sequence > %s", (feed, sequence))
        connection.execute("ALTER TABLE events ENABLE TRIGGER events_are_permanent")
        row = connection.execute("UPDATE log_epoch SET epoch = gen_random_uuid() RETURNING epoch::text").fetchone()
        assert row is not None
        return str(row[0])
