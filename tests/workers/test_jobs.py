import asyncio
import base64
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from commands.write_side import WriteSide
from domain.document import UploadDocument, document_id_of
from runtime.blobs import Blobs
from tests.acting import MASTER_KEY, create_project, register
from workers.sample_bill import sample_bill

Start = Callable[[], Awaitable[Process]]


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path.as_uri())


@pytest.fixture
async def start_worker(database_url: str, redis_url: str, tmp_path: Path) -> AsyncGenerator[Start]:
    """Starts worker processes, and ends them with the test."""
    environ = os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "BLOB_URL": tmp_path.as_uri(),
        "DATA_DIR": str(tmp_path),
    }
    started: list[Process] = []

    async def start() -> Process:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers", "worker", env=environ)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.terminate()
            assert await process.wait() == 0


async def upload(write: WriteSide, blobs: Blobs, data: bytes) -> str:
    """Put a file into a new project; give the project's feed."""
    owner = await register(write)
    project_id = await create_project(write, owner)
    blob = await blobs.put(data)
    document_id = document_id_of(project_id, blob.sha256)
    command = UploadDocument(
        project_id=project_id,
        document_id=document_id,
        filename="bill.xlsx",
        content_hash=blob.sha256,
        size=blob.size,
    )
    await write.bus.execute(command, actor=owner)
    return f"project:{project_id}"


async def until(write: WriteSide, feed: str, *endings: str) -> list[tuple[str, dict[str, Any]]]:
    """Wait until the feed holds an event of one of these types; give all its events."""
    async with asyncio.timeout(90):
        while True:
            events = [(event.type, msgspec.json.decode(event.data)) for event in await write.store.feed(feed)]
            if any(name in endings for name, _ in events):
                return events
            await asyncio.sleep(0.05)


def of(events: list[tuple[str, dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    return [data for each, data in events if each == name]


async def ended(write: WriteSide, feed: str) -> list[tuple[str, dict[str, Any]]]:
    """Wait until the audit's job is over, the last of the three."""
    async with asyncio.timeout(90):
        while len(of(events := await until(write, feed, "job.completed"), "job.completed")) < 3:
            await asyncio.sleep(0.05)
    return events


async def test_an_uploaded_bill_is_read_imported_and_audited(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    await start_worker()
    feed = await upload(write, blobs, sample_bill(items=60, faults=("wrong_line_total", "zero_price")))
    events = await ended(write, feed)
    (parsed,) = of(events, "document.parsed")
    (version,) = of(events, "budget.versioned")
    (audited,) = of(events, "audit.completed")
    assert parsed["format"] == "kros"
    assert version["total_positions"] == parsed["items"] == 60
    assert audited["verdicts"]["RED"] >= 1
    assert audited["rules"]["V1"]["RED"] == 1
    assert audited["rules"]["C5"]["GREEN"] > 60  # lines, and what covers state of VAT
    assert sum(audited["verdicts"].values()) == 60
    assert [data["kind"] for data in of(events, "job.queued")] == ["parse", "import", "audit"]
    assert len(of(events, "job.completed")) == 3


async def test_a_file_that_cannot_be_read_is_answered_with_the_reason_and_not_tried_again(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    await start_worker()
    feed = await upload(write, blobs, b"neither a workbook nor a table")
    events = await until(write, feed, "job.failed")
    (failed,) = of(events, "document.parse_failed")
    assert failed["error_code"].startswith("unreadable.")
    assert len(of(events, "job.started")) == 1
    assert not of(events, "budget.versioned")


async def test_a_worker_killed_in_mid_job_is_replaced_and_nothing_is_done_twice(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    first = await start_worker()
    feed = await upload(write, blobs, sample_bill(items=2_000))
    await until(write, feed, "job.started")
    first.kill()
    await first.wait()
    await _expire_leases(write)
    await start_worker()
    events = await ended(write, feed)
    assert len(of(events, "document.parsed")) == 1
    assert len(of(events, "budget.versioned")) == 1
    assert len(of(events, "audit.completed")) == 1
    parts = [data["part"] for data in of(events, "audit.findings_recorded")]
    assert parts == list(range(1, len(parts) + 1))


async def test_a_worker_that_is_asked_to_stop_gives_its_jobs_back_at_once(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    first = await start_worker()
    feed = await upload(write, blobs, sample_bill(items=2_000))
    await until(write, feed, "job.started")
    first.terminate()
    assert await first.wait() == 0
    await start_worker()
    await ended(write, feed)


async def test_two_workers_and_a_broker_that_forgets_everything_do_each_job_once(
    write: WriteSide, blobs: Blobs, start_worker: Start, redis_url: str
) -> None:
    await start_worker()
    await start_worker()
    feeds = await asyncio.gather(*(upload(write, blobs, sample_bill(items=40, seed=seed)) for seed in range(4)))
    async with Redis.from_url(redis_url) as client:
        await client.flushall()
    for feed in feeds:
        events = await ended(write, feed)
        assert len(of(events, "job.completed")) == len(of(events, "job.queued")) == 3
        assert len(of(events, "budget.versioned")) == 1


async def _expire_leases(write: WriteSide) -> None:
    """Let time pass for the dead worker's leases."""
    async with write.store._pool.connection() as connection:
        await connection.execute("UPDATE job_leases SET lease_until = now() WHERE lease_until IS NOT NULL")
