"""Frames: the same bytes whether Python makes them when an event is stored, or PostgreSQL for whoever reads later."""

from pathlib import Path
from uuid import uuid4

import msgspec

from commands.frames import FRAME, Batch, event_frame, public
from commands.write_side import WriteSide
from eventstore import Append, EventStore, NewEvent, Write
from eventstore.types import golden_samples
from runtime.database import Pool
from tests.acting import create_project, register

GOLDEN = golden_samples(Path(__file__).parents[1] / "golden/events.jsonl")
FEED = "project:01890000-0000-7000-8000-000000000000"


async def test_postgresql_writes_the_frames_that_python_writes(pool: Pool) -> None:
    quoting = NewEvent("thing.said", '{"said":"a \\\\ \\"b\\" \\u0000 ž {%s}\\n"}'.encode())
    events = [*(NewEvent(name, data) for name, data in GOLDEN), quoting, NewEvent("thing.said", b"{}")]
    async with EventStore(pool) as store:
        for number, event in enumerate(events):
            await store.append(
                Append(
                    feed=FEED,
                    writes=(Write("thing:1", number, (event,)),),
                    actor=("system", f"account:{uuid4()}")[number % 3 // 2],
                    command_id=uuid4() if number % 2 else None,
                    command_hash=b"hash" if number % 2 else None,
                )
            )
        recorded = await store.feed(FEED)
        lines = await store.feed_lines(FEED, FRAME)
    assert lines is not None
    assert (lines.first, lines.count) == (1, len(events))
    assert public(lines.lines).split(b"\n") == [event_frame(each) for each in recorded]


def test_what_is_personal_is_null_in_a_frame() -> None:
    (data,) = {data for name, data in GOLDEN if name == "account.registered"}
    plain = b'{"op":"event","feed":"account:1","sequence":%d,"position":9,"type":"%b","at":"2026-01-01T00:00:00+00:00",'
    head = plain % (1, b"account.registered") + b'"actor":"","data":'
    other = plain % (2, b"thing.said") + b'"actor":"","data":{"type":"account.registered","email":"kept"}}'
    first, second = public(head + data + b"}\n" + other).split(b"\n")
    shown = msgspec.json.decode(first)["data"]
    assert [shown[name] for name in ("email", "name", "password_hash")] == [None, None, None]
    assert shown.keys() == msgspec.json.decode(data).keys()
    assert second == other


async def test_what_is_stored_here_is_heard_here_before_the_command_is_answered(write: WriteSide) -> None:
    actor = await register(write)
    heard: list[tuple[str, Batch]] = []
    write.publisher.here = lambda feed, batch: heard.append((feed, batch))
    project_id = await create_project(write, actor)
    ((feed, batch),) = heard
    stored = await write.store.feed(f"project:{project_id}")
    assert feed == f"project:{project_id}"
    assert (batch.first, batch.last, batch.position) == (1, stored[-1].sequence, stored[-1].position)
    assert batch.frames.split(b"\n") == [event_frame(each) for each in stored]
