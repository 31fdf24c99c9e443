"""Snapshots carry the sequence that they are true at: an old one with what followed is a fresh one."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx import AsyncClient

from domain.budget import AddPosition, BulkEdit, BulkItem, Edit, RemovePosition
from domain.project import RenameProject
from projections.projector import Projector
from runtime.broker import open_broker
from runtime.ids import new_id
from tests.transport.socket_world import Client, Server, Somebody, ann, open_socket, server, write

__all__ = ["ann", "server", "write"]
SNAPSHOTS = 12
Snapshot = dict[str, Any]


@pytest.fixture
async def projecting(server: Server) -> AsyncIterator[None]:
    """Keep the read models up, in batches so small that they often stop amid a command."""
    stop = asyncio.Event()
    async with open_broker(server.redis_url) as broker:
        projector = Projector(server.database_url, broker)
        for follower in projector.followers:
            follower.most_events = 3
        task = asyncio.create_task(projector.run(stop))
        yield
        stop.set()
        await asyncio.wait_for(task, 10)


@pytest.mark.usefixtures("projecting")
async def test_an_old_snapshot_and_the_frames_behind_it_are_a_fresh_snapshot(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    busy = Busy(ann, project_id)
    await busy.act(1)
    async with await open_socket(server, ann) as client:
        snapshots: list[Snapshot] = []
        for _ in range(SNAPSHOTS):
            taken, _ = await asyncio.gather(snapshot(client, project_id, busy.position), busy.act(4))
            snapshots.append(taken)
        end = await ann.write.bus.execute(RenameProject(project_id=project_id, name="End"), actor=ann.actor)
        events: list[dict[str, Any]] = []
        await client.subscribe(feed, after=0, epoch=snapshots[0]["epoch"])
        while not events or events[-1]["sequence"] < end.sequence:
            message = await client.hear()
            if message["op"] == "event":
                events.append(message)
        fresh = await snapshot(client, project_id, end.position)
        assert fresh["sequence"] == end.sequence
    assert snapshots[-1]["sequence"] > snapshots[0]["sequence"]  # it was busy all the time
    for old in snapshots:
        for event in events[old["sequence"] :]:
            apply(old, event)
        assert old == fresh


async def snapshot(client: Client, project_id: UUID, after: int) -> Snapshot:
    """Read a project and its positions as they are at one sequence, which knows the log's position `after`."""
    of: dict[str, Any] = {"project_id": str(project_id), "snapshot": True, "after": after}
    while True:
        project = await answer(client, {"type": "projects.get", **of})
        listing: dict[str, Any] = {"type": "positions.list", "limit": 5, **of}
        first = page = await answer(client, listing)
        items: list[dict[str, Any]] = page["result"]["items"]
        while page["result"]["next_cursor"]:
            rest = {**listing, "snapshot": False, "cursor": page["result"]["next_cursor"]}
            page = await answer(client, rest)
            assert "sequence" not in page  # the first page's counts
            items += page["result"]["items"]
        if project["sequence"] == first["sequence"]:
            return {
                "sequence": first["sequence"],
                "epoch": first["epoch"],
                "name": project["result"]["name"],
                "version": project["result"]["version"],
                "positions": {item["position_id"]: item["description"] for item in items},
            }


async def answer(client: Client, query: dict[str, Any]) -> dict[str, Any]:
    """Ask until there is an answer: a busy machine may refuse one for a while."""
    while True:
        await client.say(op="query", id=str(new_id()), query=query)
        result = await client.hear()
        while result["op"] == "caught_up":
            result = await client.hear()
        if result["op"] == "result":
            return result
        assert result["problem"]["code"] in {"too_many_messages", "stale_read"}, result
        await asyncio.sleep(result["problem"].get("retry_after", 0))


def apply(state: Snapshot, event: dict[str, Any]) -> None:
    """Apply an event as strictly as a client may: nothing is there that comes, and all is there that changes."""
    assert event["sequence"] == state["sequence"] + 1
    state["sequence"] += 1
    data = event["data"]
    match event["type"]:
        case "project.renamed":
            state["name"] = data["name"]
        case "position.added":
            name = data["position"]["position_id"]
            assert name not in state["positions"]
            state["positions"][name] = data["position"]["description"]
        case "position.edited":
            assert state["positions"][data["position_id"]] != data["changes"]["description"]
            state["positions"][data["position_id"]] = data["changes"]["description"]
        case "position.removed":
            del state["positions"][data["position_id"]]
        case "budget.versioned":
            assert data["version"] == state["version"] + 1
            state["version"] += 1
        case other:
            raise AssertionError(other)


class Busy:
    """Somebody who changes a project all the time, a few commands at a go."""

    def __init__(self, who: Somebody, project_id: UUID) -> None:
        self.position = 0
        self._who = who
        self._project_id = project_id
        self._chance = random.Random(7)  # noqa: S311 - plays
        self._positions: list[UUID] = []
        self._number = 0

    async def act(self, times: int) -> None:
        for _ in range(times):
            self.position = (await self._who.write.bus.execute(self._command(), actor=self._who.actor)).position

    def _command(self) -> Any:
        self._number += 1
        project_id, positions, text = self._project_id, self._positions, f"{self._number}"
        if len(positions) < 6:
            positions.append(new_id())
            fields = Edit(description=text, unit="m")
            return AddPosition(project_id=project_id, position_id=positions[-1], fields=fields)
        if self._chance.random() < 0.2:
            return RemovePosition(project_id=project_id, position_id=positions.pop(self._chance.randrange(6)))
        if self._chance.random() < 0.3:
            return RenameProject(project_id=project_id, name=text)
        edits = tuple(BulkItem(position_id=each, changes=Edit(description=text)) for each in positions[:5])
        return BulkEdit(project_id=project_id, edits=edits)


@pytest.mark.usefixtures("projecting")
async def test_rest_tells_the_same_sequence(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, count=2)
    async with (
        AsyncClient(base_url=server.origin, headers=ann.headers) as rest,
        await open_socket(server, ann) as client,
    ):
        for path in ("", "/positions", "/members", "/documents", "/audits", "/jobs"):
            found = await up_to_date(rest, f"/api/projects/{project_id}{path}?snapshot=true", last)
            assert found.headers["plumbline-epoch"] == client.welcome["epoch"]
        for path, code in (
            ("/api/projects?snapshot=true", "no_snapshot"),
            (f"/api/projects/{project_id}?snapshot=true&at=v1", "no_snapshot"),
            (f"/api/projects/{project_id}/positions?snapshot=true&version=1", "no_snapshot"),
        ):
            refused = await rest.get(path)
            assert (refused.status_code, refused.json()["code"]) == (422, code)
        past = await rest.get(f"/api/projects/{project_id}/positions?version=1")
        assert past.status_code == 200
        assert "plumbline-sequence" not in past.headers


async def up_to_date(rest: AsyncClient, path: str, sequence: int) -> httpx.Response:
    async with asyncio.timeout(20):
        while True:
            found = await rest.get(path)
            if found.headers.get("plumbline-sequence") == str(sequence):
                return found
