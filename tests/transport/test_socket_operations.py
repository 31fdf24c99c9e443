"""An outside engine reports over a socket; others see what they asked for of it."""

import asyncio
from typing import Any
from uuid import UUID

from commands.frames import channel_of, unnumbered
from domain.project import AcceptInvitation, InviteMember, RemoveMember
from runtime.broker import open_broker
from runtime.ids import new_id
from tests.transport.socket_world import Client, Server, Somebody, ann, bob, open_socket, server, write

__all__ = ["ann", "bob", "server", "write"]


async def run(client: Client, name: str, /, **fields: Any) -> dict[str, Any]:
    """Carry out a command; give its answer."""
    message_id = str(new_id())
    await client.say(op="command", id=message_id, command={"type": name, **fields})
    while message_id not in client.answers:
        await client.hear()
    return client.answers[message_id]


async def opened(client: Client, project_id: UUID, job_id: UUID) -> dict[str, Any]:
    ids = {"project_id": str(project_id), "operation_id": str(new_id())}
    answer = await run(client, "operation.open", **ids, job_id=str(job_id), name="Assembly")
    assert answer["op"] == "result", answer
    return ids


async def test_followers_see_phases_as_events_and_the_rest_as_progress(server: Server, ann: Somebody) -> None:
    project_id, job_id = await ann.project(), new_id()
    async with await open_socket(server, ann) as engine, await open_socket(server, ann) as follower:
        await follower.subscribe(f"project:{project_id}", types=["operation.*"])
        ids = await opened(engine, project_id, job_id)
        await run(engine, "operation.report_step", **ids, event_id=1, phase="material_apply_start", items_total=4)
        await run(engine, "operation.report_step", **ids, event_id=2, phase="material_apply_progress", items_done=1)
        await run(engine, "operation.report_step", **ids, event_id=3, phase="material_apply_progress", items_done=3)
        await run(engine, "operation.close", **ids)
        events: list[str] = []
        progress: list[dict[str, Any]] = []
        while "operation.closed" not in events:
            message = await follower.hear()
            if message["op"] == "event":
                events.append(message["type"])
            elif message["op"] == "progress":
                progress.append(message)
    entered = ["operation.phase_entered", "operation.milestone_reached", "operation.phase_entered"]
    assert events == ["operation.opened", *entered, "operation.closed"]
    assert [each["event_id"] for each in progress] == sorted({each["event_id"] for each in progress})
    last = progress[-1]
    assert (last["type"], last["job_id"]) == ("operation.progress", str(job_id))
    assert (last["event_id"], last["stage"], last["items_done"]) == (3, "progress", 3)


async def test_who_wants_milestones_only_gets_no_progress(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    async with (
        await open_socket(server, ann) as engine,
        await open_socket(server, ann) as follower,
        open_broker(server.redis_url) as broker,
    ):
        await follower.subscribe(feed, types=["operation.milestone_reached", "operation.closed"])
        await follower.until("caught_up")
        ids = await opened(engine, project_id, new_id())
        for number in range(1, 10):
            await run(
                engine, "operation.report_step", **ids, event_id=number, phase="solver_progress", items_done=number
            )
        await run(engine, "operation.report_step", **ids, event_id=10, phase="solver_end")
        broker.publish(channel_of(feed), unnumbered(b'{"op":"progress","job_id":"of an older program"}').encode())
        await run(engine, "operation.close", **ids)
        heard: list[str] = []
        while "operation.closed" not in heard:
            message = await follower.hear()
            assert message["op"] in {"event", "advanced"}, message
            heard += [message["type"]] if message["op"] == "event" else []
    assert heard == ["operation.milestone_reached", "operation.closed"]


async def test_who_lost_the_right_can_report_no_longer(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    invite = InviteMember(project_id=project_id, account_id=bob.account_id, role="editor")
    await ann.write.bus.execute(invite, actor=ann.actor)
    await bob.write.bus.execute(AcceptInvitation(project_id=project_id), actor=bob.actor)
    async with await open_socket(server, bob) as engine:
        ids = await opened(engine, project_id, new_id())
        await run(engine, "operation.report_step", **ids, event_id=1, phase="solver_progress")
        await ann.write.bus.execute(RemoveMember(project_id=project_id, account_id=bob.account_id), actor=ann.actor)
        number, answer = 1, {"op": "result"}
        while answer["op"] == "result":  # what the process remembers may be a second old
            number += 1
            assert number < 200
            answer = await run(engine, "operation.report_step", **ids, event_id=number, phase="solver_progress")
            await asyncio.sleep(0.05)
    assert answer["problem"]["code"] == "project.unknown"
