"""Several writing processes, a reader, kill -9 of a writer and of PostgreSQL; then the checker reads what happened."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
import pytest
from checker import Answered, Tried, faults, read_history

from eventstore import Recorded, read_log
from eventstore.seals import verify
from runtime.embedded import embedded
from runtime.migrations import migrate

HERE = Path(__file__).parent


@asynccontextmanager
async def _writer(database_url: str, history: Path, seed: int) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parents[1])))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        HERE / "writer.py",
        database_url,
        history,
        str(seed),
        stdin=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() in (0, -signal.SIGKILL)
    finally:
        with suppress(ProcessLookupError):
            process.kill()


async def _tail(database_url: str, seen: list[Recorded]) -> None:
    """Follow the log, in order, through whatever happens to the server; `seen` is what came by."""
    while True:
        with suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
                while True:
                    seen += await read_log(connection, after=seen[-1].position if seen else 0)
                    await asyncio.sleep(0.002)
        await asyncio.sleep(0.05)


async def _whole_log(database_url: str) -> list[Recorded]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        report = await verify(connection)
        assert report.faults == ()
        return await read_log(connection, limit=10**9)


@pytest.mark.timeout(90)
async def test_promises_hold_through_killed_writers_and_a_killed_server(tmp_path: Path) -> None:
    histories = [tmp_path / f"history-{number}" for number in range(3)]
    seen: list[Recorded] = []
    async with embedded(tmp_path / "servers", temporary=True) as servers:
        url = servers.database_url
        await migrate(url)
        reader = asyncio.create_task(_tail(url, seen))
        async with _writer(url, histories[0], 1) as first, _writer(url, histories[1], 2), _writer(url, histories[2], 3):
            await _grown(seen, by=300)
            first.kill()
            await _grown(seen, by=300)
            os.kill(servers.pids["postgres"], signal.SIGKILL)
            await _grown(seen, by=300)
            async with _writer(url, histories[0], 4):
                await _grown(seen, by=300)
        log = await _whole_log(url)
        reader.cancel()
    entries = [read_history(path) for path in histories]
    assert faults(log, entries, seen) == []
    outcomes = Counter(entry.outcome for history in entries for entry in history if isinstance(entry, Answered))
    assert {"stored", "repeated", "conflict", "mismatch"} <= outcomes.keys(), "the test tested too little"


async def _grown(seen: list[Recorded], by: int) -> None:
    """Wait until the reader has seen so many more events, from whoever is alive."""
    goal = len(seen) + by
    while len(seen) < goal:
        await asyncio.sleep(0.01)


# The checker checks; what checks the checker?

COMMAND = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000002"


def _recorded(position: int, sequence: int, version: int, number: int, command: str = COMMAND) -> Recorded:
    return Recorded(
        position=position,
        feed="feed:1",
        sequence=sequence,
        stream="stream:1",
        version=version,
        type="thing.happened",
        data=msgspec.json.encode({"command": command, "number": number}),
        actor="account:1",
        command_id=UUID(command),
        correlation_id=None,
        causation_id=None,
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


LOG = [_recorded(1, 1, 1, 1), _recorded(2, 2, 2, 2)]
TRIED = Tried(attempt="a", command=COMMAND, writes={"stream:1": (0, 2)})
STORED = Answered(attempt="a", outcome="stored", first_position=1, position=2, sequence=2)


def _answer(outcome: str) -> Answered:
    return Answered(attempt="a", outcome=outcome)


def test_the_checker_accepts_what_keeps_the_promises() -> None:
    assert faults(LOG, [[TRIED, STORED]], LOG) == []
    assert faults(LOG, [[TRIED]], LOG[:1]) == []
    assert faults([], [[TRIED, _answer("unknown")]], []) == []
    assert faults([], [[TRIED, _answer("conflict")]], []) == []
    again = [
        msgspec.structs.replace(TRIED, attempt="b"),
        msgspec.structs.replace(STORED, attempt="b", outcome="repeated"),
    ]
    assert faults(LOG, [[TRIED, STORED], again], LOG) == []


@pytest.mark.parametrize(
    ("log", "history", "seen", "fault"),
    [
        ([LOG[0], _recorded(3, 2, 2, 2)], [TRIED], [], "position 3 stands at place 2"),
        ([LOG[0], LOG[0]], [TRIED], [], "position 1 stands at place 2"),
        ([LOG[0], _recorded(2, 3, 2, 2)], [TRIED], [], "feed feed:1: 3 where 2 belongs"),
        ([LOG[0], _recorded(2, 2, 3, 2)], [TRIED], [], "stream stream:1: 3 where 2 belongs"),
        (LOG, [TRIED, STORED], [LOG[1]], "the reader saw"),
        (LOG[:1], [TRIED], LOG, "the reader saw 2 events of 1"),
        ([], [TRIED, STORED], [], "acknowledged and is not stored"),
        (LOG, [TRIED, _answer("conflict")], [], "refused and is stored"),
        (LOG, [TRIED, _answer("unavailable")], [], "refused and is stored"),
        (LOG[:1], [TRIED, STORED], [], "is stored as"),
        ([LOG[0], _recorded(2, 2, 2, 1)], [TRIED], [], "in disorder"),
        ([LOG[0], _recorded(2, 2, 2, 1, OTHER), _recorded(3, 3, 3, 2)], [TRIED], [], "scattered"),
        (LOG, [TRIED, msgspec.structs.replace(STORED, position=3)], [], "was answered"),
        (LOG, [], [], "was never tried"),
    ],
)
def test_the_checker_finds_what_breaks_them(
    log: list[Recorded], history: list[Tried | Answered], seen: list[Recorded], fault: str
) -> None:
    assert any(fault in found for found in faults(log, [history], seen))
