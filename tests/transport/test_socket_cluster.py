"""Sockets over a cluster, and without any broker: what is away delays events, loses none, and comes back by itself."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from uuid import UUID

import httpx

from commands.frames import channel_of
from runtime.embedded import embedded
from runtime.migrations import migrate
from tests.runtime.valkey_cluster import Cluster, Node, running_cluster
from tests.transport.socket_world import (
    Client,
    Server,
    Somebody,
    make_tables,
    new_server,
    open_socket,
    somebody,
    writing,
)

SOON = 60.0


@asynccontextmanager
async def serving(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[tuple[Server, Somebody]]:
    await make_tables(database_url)
    server = new_server(database_url, redis_url, folder, JOBS_REDIS_URL="redis://127.0.0.1:1")
    await asyncio.to_thread(server.start)
    try:
        async with writing(server) as write:
            yield server, await somebody(write)
    finally:
        await asyncio.to_thread(server.stop)


async def project_on_each(cluster: Cluster, who: Somebody) -> list[UUID]:
    """Make a project whose feed lies on each server."""
    found: dict[Node, UUID] = {}
    while len(found) < len(cluster.primaries):
        project_id = await who.project()
        found.setdefault(cluster.primary_of(channel_of(f"project:{project_id}")), project_id)
    return [found[node] for node in cluster.primaries]


async def broker_status(server: Server) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.origin}/health/ready", timeout=20)
        return answer.json()["checks"]["broker"]["status"]


async def until_status(server: Server, status: str) -> None:
    async with asyncio.timeout(SOON):
        while await broker_status(server) != status:
            await asyncio.sleep(0.1)


class Following:
    """What a client heard of some feeds."""

    def __init__(self, client: Client, projects: list[UUID]) -> None:
        self.client = client
        self.feeds = [f"project:{project_id}" for project_id in projects]
        self.heard: dict[str, list[int]] = {feed: [] for feed in self.feeds}

    async def begin(self) -> None:
        for feed in self.feeds:
            await self.client.say(op="subscribe", id=feed, feed=feed, after=0)
        caught_up = 0
        while caught_up < len(self.feeds):
            caught_up += (await self.hear())["op"] == "caught_up"

    async def hear(self) -> dict[str, object]:
        message = await self.client.hear(SOON)
        if message["op"] == "event":
            self.heard[message["feed"]].append(message["sequence"])
        return message

    async def until(self, feed: str, sequence: int) -> float:
        """Wait until an event came; give how long that took."""
        began = monotonic()
        while not self.heard[feed] or self.heard[feed][-1] < sequence:
            await self.hear()
        return monotonic() - began

    def check(self) -> None:
        for heard in self.heard.values():
            assert heard == list(range(1, len(heard) + 1))


async def test_a_cluster_loses_a_server_and_gets_it_back(database_url: str, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "cluster") as cluster:
        async with serving(database_url, cluster.url, tmp_path) as (server, ann):
            projects = await project_on_each(cluster, ann)
            async with await open_socket(server, ann) as client:
                following = Following(client, projects)
                await following.begin()
                cluster.primaries[1].kill()
                await until_status(server, "failing")
                for _ in range(3):  # no publishing for the second one: its events are found by looking
                    for project_id in projects:
                        await following.until(f"project:{project_id}", await ann.add(project_id, count=3))
                late = await somebody(ann.write)  # somebody who comes now is let in, and may follow
                theirs = await late.project()
                async with await open_socket(server, late) as newcomer:
                    other = Following(newcomer, [theirs])
                    await other.begin()
                    await other.until(f"project:{theirs}", await late.add(theirs))
                await asyncio.to_thread(cluster.primaries[1].start)
                await until_status(server, "ok")
                for project_id in projects:
                    await following.until(f"project:{project_id}", await ann.add(project_id, count=3))
                following.check()


async def test_a_replica_takes_a_servers_place(database_url: str, tmp_path: Path) -> None:
    with running_cluster(tmp_path / "cluster", replica=True) as cluster:
        async with serving(database_url, cluster.url, tmp_path) as (server, ann):
            projects = await project_on_each(cluster, ann)
            async with await open_socket(server, ann) as client:
                following = Following(client, projects)
                await following.begin()
                cluster.primaries[0].kill()
                async with asyncio.timeout(SOON):
                    while "fail" not in cluster.primaries[1].ask("CLUSTER", "NODES").decode():
                        await following.until(f"project:{projects[0]}", await ann.add(projects[0]))
                await until_status(server, "ok")
                for project_id in projects:
                    await following.until(f"project:{project_id}", await ann.add(project_id, count=5))
                following.check()


async def test_without_any_broker_sockets_live_from_the_log(tmp_path: Path) -> None:
    async with embedded(tmp_path / "servers", temporary=True) as servers:
        await migrate(servers.database_url)
        async with serving(servers.database_url, servers.redis_url, tmp_path) as (server, ann):
            project_id = await ann.project()
            feed = f"project:{project_id}"
            async with await open_socket(server, ann) as client:
                following = Following(client, [project_id])
                await following.begin()
                os.kill(servers.pids["guard"], signal.SIGSTOP)
                os.kill(servers.pids["valkey"], signal.SIGKILL)
                await until_status(server, "failing")
                for _ in range(3):
                    assert await following.until(feed, await ann.add(project_id)) < SOON
                async with await open_socket(server, ann) as newcomer:
                    other = Following(newcomer, [project_id])
                    await other.begin()
                    await other.until(feed, await ann.add(project_id))
                os.kill(servers.pids["guard"], signal.SIGCONT)
                await until_status(server, "ok")
                quickest = min([await following.until(feed, await ann.add(project_id)) for _ in range(5)])
                assert quickest < 0.5, "the broker tells before anybody looks"
                following.check()
