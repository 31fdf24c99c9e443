"""A process that appends as fast as it can, and records what it tried and was told: `writer.py URL HISTORY SEED`.

Its callers contend for few streams, so that there are conflicts; they repeat old commands, their own and changed ones,
and try again after an unknown fate. It goes on until its standard input is closed.
"""

import asyncio
import random
import sys
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from checker import Answered, Tried

from eventstore import (
    Append,
    AppendUnknown,
    CommandMismatch,
    EventStore,
    LogUnavailable,
    NewEvent,
    VersionConflict,
    Write,
)
from runtime.database import open_pool

CALLERS = 16
STREAMS = 12
FEEDS = 3


class Writer:
    """The callers of one process, and what they know of the streams' versions."""

    def __init__(self, store: EventStore, history: Path, seed: int) -> None:
        self.store = store
        self.history = history.open("ab", buffering=0)
        self.random = random.Random(seed)  # noqa: S311 - repeatable choices, not secrets
        self.versions: dict[str, int] = {}
        self.stored: list[tuple[Append, Tried]] = []

    async def call(self) -> None:
        while True:
            dice = self.random.random()
            if self.stored and dice < 0.1:
                append, tried = self.random.choice(self.stored)
                if dice < 0.02:
                    append = msgspec.structs.replace(append, command_hash=b"another body")
            else:
                append, tried = self.invent()
            await self.attempt(append, tried)

    def invent(self) -> tuple[Append, Tried]:
        command = uuid4()
        # a stream belongs to one feed, as an append is stored in one
        feed = self.random.randrange(FEEDS)
        streams = self.random.sample(range(feed, STREAMS, FEEDS), self.random.choice((1, 1, 1, 2)))
        writes: list[Write] = []
        number = 0
        for stream in (f"stream:{each}" for each in streams):
            expected = self.versions.get(stream, 0) + (self.random.random() < 0.02)
            count = self.random.choice((1, 1, 2, 5))
            marks = (b'{"command":"%s","number":%d}' % (str(command).encode(), number + n) for n in range(1, count + 1))
            writes.append(Write(stream, expected, tuple(NewEvent("thing.happened", mark) for mark in marks)))
            number += count
        append = Append(
            feed=f"feed:{feed}",
            writes=tuple(writes),
            actor="account:1",
            command_id=command if self.random.random() < 0.5 else None,
        )
        if append.command_id is not None:
            append = msgspec.structs.replace(append, command_hash=sha256(command.bytes).digest())
        planned = {write.stream: (write.expected, len(write.events)) for write in writes}
        return append, Tried(attempt="", command=str(command), writes=planned)

    async def attempt(self, append: Append, tried: Tried) -> None:
        attempt = str(uuid4())
        self.record(msgspec.structs.replace(tried, attempt=attempt))
        try:
            appended = await self.store.append(append)
        except VersionConflict as conflict:
            self.versions[conflict.stream] = conflict.actual
            self.record(Answered(attempt=attempt, outcome="conflict"))
        except CommandMismatch:
            self.record(Answered(attempt=attempt, outcome="mismatch"))
        except LogUnavailable:
            self.record(Answered(attempt=attempt, outcome="unavailable"))
        except AppendUnknown:
            self.record(Answered(attempt=attempt, outcome="unknown"))
            if isinstance(append.command_id, UUID):
                self.stored.append((append, tried))
        else:
            self.record(
                Answered(
                    attempt=attempt,
                    outcome="repeated" if appended.repeated else "stored",
                    first_position=appended.first_position,
                    position=appended.position,
                    sequence=appended.sequence,
                )
            )
            for write in append.writes:
                version = write.expected + len(write.events)
                self.versions[write.stream] = max(version, self.versions.get(write.stream, 0))
            if append.command_id is not None:
                self.stored.append((append, tried))

    def record(self, entry: Tried | Answered) -> None:
        self.history.write(msgspec.json.encode(entry) + b"\n")


async def main(database_url: str, history: str, seed: str) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with open_pool(database_url, size=1) as pool, EventStore(pool) as store:
        writer = Writer(store, Path(history), int(seed))
        callers = [asyncio.create_task(writer.call()) for _ in range(CALLERS)]
        over = asyncio.create_task(reader.read())
        await asyncio.wait([over, *callers], return_when=asyncio.FIRST_COMPLETED)
        for caller in callers:
            if caller.done():
                caller.result()
            caller.cancel()


asyncio.run(main(*sys.argv[1:]))
