"""Analyses and their jobs: what follows from a request, and what stops when nobody waits any more."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from commands.write_side import WriteSide
from domain.analysis import Analysis, DetachAnalysis, RequestUploaded, RetryAnalysis
from domain.core import SYSTEM
from domain.job import CancelJob, FailJob, StartJob
from tests.acting import register
from tests.workers.test_notifier import account, following, told

HASH = "c" * 64


async def asked(write: WriteSide, actor: str) -> UUID:
    """Have something analysed; give the analysis."""
    command = RequestUploaded(account_id=account(actor), kind="contract", content_hash=HASH)
    return UUID((await write.bus.execute(command, actor=actor)).feed.partition(":")[2])


async def until(write: WriteSide, analysis_id: UUID, name: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait for so many events of a type on the feed of an analysis."""
    async with asyncio.timeout(30):
        while True:
            events = [event for event in await write.store.feed(f"analysis:{analysis_id}") if event.type == name]
            if len(events) >= count:
                return [msgspec.json.decode(event.data) for event in events]
            await asyncio.sleep(0.02)


async def test_work_that_nobody_waits_for_is_cancelled(write: WriteSide, database_url: str) -> None:
    ann = await register(write)
    async with following(database_url, write):
        analysis_id = await asked(write, ann)
        (queued,) = await until(write, analysis_id, "job.queued")
        assert (queued["owner"], queued["kind"], queued["subject"]) == ("analysis", "analysis", str(analysis_id))
        job: dict[str, Any] = {"project_id": analysis_id, "job_id": UUID(queued["job_id"]), "owner": "analysis"}
        await write.bus.execute(StartJob(**job, attempt=1), actor=SYSTEM)
        detach = DetachAnalysis(account_id=account(ann), analysis_id=analysis_id)
        await write.bus.execute(detach, actor=ann)
        await until(write, analysis_id, "job.cancel_requested")
        await write.bus.execute(CancelJob(**job, attempt=1), actor=SYSTEM)

        await write.bus.execute(RetryAnalysis(account_id=account(ann), analysis_id=analysis_id), actor=ann)
        _, second = await until(write, analysis_id, "job.queued", 2)
        assert second["job_id"] != queued["job_id"]
        await write.bus.execute(detach, actor=ann)
        await until(write, analysis_id, "job.cancelled", 2)
    state: Analysis = (await write.bus.states.get(f"analysis:{analysis_id}")).state
    assert state.status == "stopped"


async def test_a_job_that_failed_for_good_fails_its_analysis(write: WriteSide, database_url: str) -> None:
    ann = await register(write)
    async with following(database_url, write):
        analysis_id = await asked(write, ann)
        (queued,) = await until(write, analysis_id, "job.queued")
        job: dict[str, Any] = {"project_id": analysis_id, "job_id": UUID(queued["job_id"]), "owner": "analysis"}
        await write.bus.execute(StartJob(**job, attempt=1), actor=SYSTEM)
        failure = {"error_code": "unreadable.needs_ocr", "error": "It was scanned."}
        await write.bus.execute(FailJob(**job, attempt=1, **failure), actor=SYSTEM)
        (failed,) = await until(write, analysis_id, "analysis.failed")
        (notice,) = await told(write, ann, 1)
    assert {name: failed[name] for name in failure} == failure
    assert (notice["kind"], notice["subject"]) == ("analysis_failed", str(analysis_id))
    assert notice["details"] == {"kind": "contract", **failure}
