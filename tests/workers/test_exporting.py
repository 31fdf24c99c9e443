"""Exports as jobs: any version, in any format, with the verdicts of its audit; and the way a report is proved."""

import asyncio
import base64
import os
import sys
from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.write_side import WriteSide
from domain.budget import Edit, EditPosition
from domain.job import ExportFormat, NothingToExport, RequestExport
from runtime.blobs import Blobs
from runtime.ids import new_id
from tests.acting import MASTER_KEY, register
from tests.workers.test_jobs import Start, blobs, ended, of, start_worker, until, upload
from workers.readers import read_bill
from workers.sample_bill import sample_bill
from workers.writers import WRITERS
from workers.writers.json_file import Exported

__all__ = ["blobs", "start_worker"]


async def exported(
    write: WriteSide, feed: str, actor: str, name: ExportFormat, version: int | None = None
) -> dict[str, Any]:
    """Ask for an export and wait for its job's result."""
    job_id = new_id()
    command = RequestExport(project_id=UUID(feed.removeprefix("project:")), job_id=job_id, format=name, version=version)
    await write.bus.execute(command, actor=actor)
    while True:
        events = await until(write, feed, "job.completed", "job.failed")
        for data in of(events, "job.completed") + of(events, "job.failed"):
            if data["job_id"] == str(job_id):
                return data


async def proved(database_url: str, feed: str, sequence: int, digest: str) -> bool:
    """Run `plumbline verify --feed`, as a report tells to."""
    options = ("--feed", feed, "--sequence", str(sequence), "--digest", digest)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "transport", "verify", *options),
        env=os.environ
        | {
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        },
    )
    return await process.wait() == 0


async def test_every_format_of_any_version_is_written_with_its_verdicts(
    write: WriteSide, blobs: Blobs, start_worker: Start, database_url: str
) -> None:
    await start_worker()
    feed = await upload(write, blobs, sample_bill(items=60, faults=("wrong_line_total",)))
    events = await ended(write, feed)
    (created,) = of(events, "project.created")
    owner = f"account:{created['owner']}"
    first = of(events, "budget.imported")[0]["positions"][0]
    (version,) = of(events, "budget.versioned")
    edit = EditPosition(
        project_id=UUID(feed.removeprefix("project:")),
        position_id=UUID(first["position_id"]),
        changes=Edit(description="Something else"),
    )
    await write.bus.execute(edit, actor=owner)
    for name, writer in WRITERS.items():
        result = (await exported(write, feed, owner, name, 1))["result"]
        assert (result["version"], result["filename"]) == (1, f"House v1.{writer.extension}")
        assert result["total"] == version["total_cost"]
        data = await blobs.get(result["content_hash"])
        assert len(data) == result["size"]
        if name != "pdf":
            back = read_bill(data)
            assert len(back.items) == 60
            assert back.items[0].description == ("" if name == "gaeb" else first["description"])  # a bid has no texts
    told = (await exported(write, feed, owner, "json"))["result"]
    now = msgspec.json.decode(await blobs.get(told["content_hash"]), type=Exported)
    assert (now.version, now.bill.items[0].description) == (2, "Something else")
    assert now.judgement is not None
    assert any(finding.recommendation == "RED" for finding in now.judgement.findings)
    assert set(now.verdicts) - {None} >= {"RED"}
    digest = await write.store.feed_digest(feed, now.judgement.sequence)
    assert digest is not None
    assert digest.hex() == now.judgement.feed_digest
    assert await write.store.feed_digest(feed, 10**6) is None
    assert await proved(database_url, feed, now.judgement.sequence, digest.hex())
    assert not await proved(database_url, feed, now.judgement.sequence - 1, digest.hex())
    assert not await proved(database_url, feed, 10**6, digest.hex())


async def test_a_version_that_there_never_was_is_refused(write: WriteSide, blobs: Blobs) -> None:
    feed = await upload(write, blobs, sample_bill(items=5))
    events = await until(write, feed, "document.uploaded")
    owner = f"account:{of(events, 'project.created')[0]['owner']}"
    for version in (None, 1):
        with pytest.raises(NothingToExport):
            await exported(write, feed, owner, "csv", version)
    with pytest.raises(Exception, match="no such project"):
        await exported(write, feed, await register(write), "csv")
