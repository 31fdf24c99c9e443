"""Appending, beside the eventsourcing library's own PostgreSQL recorder and beside pgbench inserting plain rows.

So many callers each append one event at a time, of 200 bytes, with a command id, to a stream of their own, in 16 feeds.
The library has as many threads; pgbench as many clients, and a table with a primary key and nothing else. All three
take turns on one PostgreSQL with fsync on, so that a disturbance of the machine meets all of them.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from uuid import uuid4

import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresFactory
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventstore import Append, EventStore, NewEvent, Write
from runtime.database import open_pool
from runtime.embedded import embedded
from runtime.ids import new_id
from runtime.migrations import migrate
from runtime.servers import postgres_program

CALLERS = (1, 8, 64, 256)
ROUNDS = 5
SECONDS = 1.5
FEEDS = [f"project:{new_id()}" for _ in range(16)]
ACTOR = f"account:{new_id()}"
DATA = b'{"position_id":"0190e0a0-0000-7000-8000-000000000000","quantity":"12.500","text":"%s"}' % (b"x" * 115)
HASH = sha256(b"body").digest()
MOST_CLIENTS = 128
"""Of pgbench: each is a connection, and the server takes 200."""
TABLE = """
    CREATE TABLE plain (position bigserial PRIMARY KEY, feed text, stream text, version bigint, type text, actor text,
        command_id uuid, command_hash bytea, recorded_at timestamptz, data bytea)
"""
INSERT = f"""
    INSERT INTO plain (feed, stream, version, type, actor, command_id, command_hash, recorded_at, data)
    VALUES ('{FEEDS[0]}', '{FEEDS[1]}', 1, 'position.edited', '{ACTOR}', '{new_id()}', '\\x{HASH.hex()}', now(),
        '\\x{DATA.hex()}');
"""  # noqa: S608 - constants


def run() -> dict[str, float]:
    """Measure, print the table, and answer `append.events_per_s_64`, `append.p99_ms_64` and so on."""
    return uvloop.run(_measure())


async def _measure() -> dict[str, float]:
    figures: dict[str, float] = {}
    print(f"{'callers':>8} {'events/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'library':>10} {'pgbench':>10}"
          f" {'x library':>10} {'x pgbench':>10}")  # fmt: skip
    async with _databases() as (ours, library, plain), open_pool(ours) as pool, EventStore(pool) as store:
        await _append(store, 8, 0.5)  # warm up
        for callers in CALLERS:
            rates: list[tuple[float, float, float]] = []
            took: list[float] = []
            for _ in range(ROUNDS):
                took_now = await _append(store, callers, SECONDS)
                took += took_now
                rates.append(
                    (len(took_now) / SECONDS, await _library(library, callers), await _pgbench(plain, callers))
                )
            own, peer, floor = (median(rate) for rate in zip(*rates, strict=True))
            took.sort()
            measured = {
                "events_per_s": own,
                "ratio_eventsourcing": median(rate[0] / rate[1] for rate in rates),
                "ratio_pgbench": median(rate[0] / rate[2] for rate in rates),
                "p99_ms": took[int(len(took) * 0.99)] * 1000,
            }
            print(f"{callers:>8} {own:>10.0f} {median(took) * 1000:>8.2f} {measured['p99_ms']:>8.2f} {peer:>10.0f}"
                  f" {floor:>10.0f} {measured['ratio_eventsourcing']:>10.1f} {measured['ratio_pgbench']:>10.2f}",
                  flush=True)  # fmt: skip
            figures |= {f"append.{name}_{callers}": value for name, value in measured.items()}
    return figures


@asynccontextmanager
async def _databases() -> AsyncIterator[tuple[str, str, str]]:
    """Give three databases on one temporary server: a migrated one, an empty one, and one with pgbench's table."""
    with tempfile.TemporaryDirectory() as folder:
        async with embedded(Path(folder, "servers"), temporary=True) as servers:
            names = ("ours", "library", "plain")
            urls = tuple(make_conninfo(servers.database_url, dbname=name) for name in names)
            async with await AsyncConnection.connect(servers.database_url, autocommit=True) as connection:
                cursor = await connection.execute(
                    "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
                )
                assert await cursor.fetchone() == ("on", "on")
                for name in names:
                    await connection.execute(f"CREATE DATABASE {name}".encode())
            await migrate(urls[0])
            async with await AsyncConnection.connect(urls[2]) as connection:
                await connection.execute(TABLE)
            yield urls[0], urls[1], urls[2]


async def _append(store: EventStore, callers: int, seconds: float) -> list[float]:
    """Append from so many callers for so long; give the seconds that each append took."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def call(number: int) -> None:
        stream = f"budget:{new_id()}"
        version = 0
        while (begun := time.perf_counter()) < end:
            append = Append(
                feed=FEEDS[number % len(FEEDS)],
                writes=(Write(stream, version, (NewEvent("position.edited", DATA),)),),
                actor=ACTOR,
                command_id=new_id(),
                command_hash=HASH,
            )
            await store.append(append)
            version += 1
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(call(number) for number in range(callers)))
    return took


async def _library(conninfo: str, callers: int) -> float:
    """Measure the library in a process of its own; give its events per second."""
    arguments = (sys.executable, "-m", "benchmarks.append", conninfo, str(callers))
    return float(await _output(*arguments))


def library(conninfo: str, callers: int) -> float:
    """Append with the library's recorder, in its default configuration, from so many threads."""
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    environment = {
        "POSTGRES_DBNAME": parts["dbname"],
        "POSTGRES_HOST": parts["host"],
        "POSTGRES_USER": parts["user"],
        "POSTGRES_PASSWORD": "",
    }
    with PostgresFactory(environment) as factory, ThreadPoolExecutor(callers) as threads:
        recorder = factory.application_recorder()

        def call(seconds: float) -> int:
            end = time.perf_counter() + seconds
            originator, version = uuid4(), 0
            while time.perf_counter() < end:
                version += 1
                recorder.insert_events([StoredEvent(originator, version, "position.edited", DATA)])
            return version

        list(threads.map(call, [0.3] * callers))  # warm up: connect, prepare
        begun = time.perf_counter()
        stored = sum(threads.map(call, [SECONDS] * callers))
        return stored / (time.perf_counter() - begun)


async def _pgbench(conninfo: str, clients: int) -> float:
    """Insert plain rows with pgbench; give its transactions per second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(INSERT.replace("\n", " "))
        script.flush()
        settings = ("-n", "-M", "prepared", "-T", str(round(SECONDS + 0.5)), "-j", "2")
        clients = min(clients, MOST_CLIENTS)
        program = str(postgres_program("pgbench"))
        output = await _output(program, *settings, "-c", str(clients), "-f", script.name, conninfo)
    return float(output.split("tps = ")[1].split()[0])


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


if __name__ == "__main__":
    print(library(sys.argv[1], int(sys.argv[2])))
