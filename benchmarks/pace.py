"""Commands at a steady pace over sockets of their own, and what a crowd heard of it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.crowd import HOST, Told
from benchmarks.gateway import Crowd, Gateway, Place

SENDERS = 10
Send = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def renamer(ours: Gateway) -> AsyncGenerator[Send]:
    """Open sockets, and give what renames one of the projects after another over them: one event each."""
    async with _senders(ours) as senders:

        async def send(number: int) -> None:
            place = ours.places[number % len(ours.places)]
            command = {"type": "project.rename", "project_id": place.project_id, "name": f"House {number}"}
            await _command(senders[number % SENDERS], number, command)

        yield send


@asynccontextmanager
async def editor(ours: Gateway, places: Sequence[Place]) -> AsyncGenerator[Send]:
    """Open sockets, and give what edits a position of one of `places` after another over them: two events each."""
    async with _senders(ours) as senders:

        async def send(number: int) -> None:
            id_ = places[number % len(places)].project_id
            command = {"type": "position.edit", "project_id": id_, "position_id": id_}
            await _command(senders[number % SENDERS], number, command | {"changes": {"quantity": str(number + 1)}})

        yield send


async def add_positions(ours: Gateway) -> None:
    """Give each place the position that an editor edits."""
    url, headers = _door(ours)
    async with connect(url, additional_headers=headers) as connection:
        for number, place in enumerate(ours.places):
            fields = {"description": "Wall", "unit": "m3"}
            names = {"project_id": place.project_id, "position_id": place.project_id}
            await _command(connection, number, {"type": "position.add", "fields": fields, **names})
        results = 0
        while results < len(ours.places):
            frame = str(await connection.recv())
            assert '"op":"error"' not in frame, frame
            results += frame.count('"op":"result"')


async def _command(connection: ClientConnection, number: int, command: dict[str, object]) -> None:
    await connection.send(msgspec.json.encode({"op": "command", "id": number, "command": command}), text=True)


def _door(ours: Gateway) -> tuple[str, dict[str, str]]:
    """Give the address of sockets, and the credentials of the projects' owner."""
    return f"ws://{HOST}:{ours.port}/api/ws", {"Authorization": f"Bearer {ours.tokens[0]}"}


async def steadily(crowd: Crowd, send: Send, numbers: Iterator[int], *, each: int, per_second: int) -> Told:
    """Send so many a second, each of which `each` sockets of the crowd hear, and give what it heard of them.

    Everything sent before must have been heard.
    """
    await crowd.ask("forget")
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    for number in numbers:
        await asyncio.sleep(began + sent / per_second - loop.time())
        await send(number)
        sent += 1
    heard = await crowd.ask("wait", sent * each)
    assert heard.events == sent * each, f"{heard.events:,} frames arrived of {sent * each:,}"
    assert not heard.errors, "connections were lost"
    return heard


@asynccontextmanager
async def _senders(ours: Gateway) -> AsyncGenerator[list[ClientConnection]]:
    """Open sockets to send commands over; what they hear is read and forgotten, unless it is a refusal."""
    url, headers = _door(ours)
    senders = [await connect(url, additional_headers=headers) for _ in range(SENDERS)]
    readers = [asyncio.create_task(_read(sender)) for sender in senders]
    try:
        yield senders
    finally:
        for sender in senders:
            await sender.close()
        await asyncio.gather(*readers)


async def _read(sender: ClientConnection) -> None:
    async for frame in sender:
        assert '"op":"error"' not in str(frame), frame
        if '"op":"ping"' in str(frame):
            await sender.send('{"op":"pong"}')
