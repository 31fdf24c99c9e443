"""Jobs where Valkey is a cluster, and nudges go through a server beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio.cluster import RedisCluster

from commands.write_side import WriteSide
from runtime.blobs import Blobs
from runtime.embedded import Embedded
from tests.runtime.valkey_cluster import running_cluster
from tests.workers.test_jobs import Start, blobs, ended, of, start_worker, upload
from tests.workers.test_notifier import told
from workers.sample_bill import sample_bill

__all__ = ["blobs", "start_worker"]


@pytest.fixture
def redis_url(tmp_path: Path, servers: Embedded, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("JOBS_REDIS_URL", servers.redis_url)
    with running_cluster(tmp_path / "cluster") as cluster:
        yield cluster.url


async def test_a_bill_is_audited_and_its_owner_is_told(
    write: WriteSide, blobs: Blobs, start_worker: Start, redis_url: str
) -> None:
    await start_worker()
    feed = await upload(write, blobs, sample_bill(items=40))
    events = await ended(write, feed)
    (owner,) = {data["requested_by"] for data in of(events, "job.queued")}
    notices = await told(write, owner, 3)
    assert [(each["kind"], each["details"]["job"]) for each in notices] == [
        ("job_complete", "parse"),
        ("job_complete", "import"),
        ("job_complete", "audit"),
    ]
    async with RedisCluster.from_url(redis_url.replace("+cluster", "").split(",")[0]) as client:
        for job in of(events, "job.queued"):
            steps = await client.hgetall(f"progress:job:{job['job_id']}")
            assert steps[b"scope"] == b"1"
