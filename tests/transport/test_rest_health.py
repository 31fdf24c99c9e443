import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.embedded import Embedded, embedded
from runtime.migrations import migrate
from tests.transport.serving import Api, api, running_api

__all__ = ["api"]


def test_a_live_process_says_so(api: Api) -> None:
    assert api.client().get("/health/live").json() == {"status": "ok"}


def test_readiness_tells_what_it_tried(api: Api) -> None:
    answer = api.client().get("/health/ready")
    assert answer.status_code == 200, answer.text
    checks = answer.json()["checks"]
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(
        ("log", "read_models", "jobs", "broker", "valkey"), "ok"
    )
    assert checks["jobs"]["details"]["depth"] == 0
    assert 0 < checks["broker"]["details"]["round_trip"] < 1


def test_a_job_that_nobody_takes_degrades_the_service(api: Api) -> None:
    with psycopg.connect(api.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO job_leases (job_id, project_id, kind, subject, queue, due_at, nudge_at) VALUES"
            " (gen_random_uuid(), gen_random_uuid(), 'parse', gen_random_uuid(), 'low', now() - interval '2 min',"
            " now())"
        )
        time.sleep(1.1)  # the last answer is kept for a second
        answer = api.client().get("/health/ready")
        connection.execute("DELETE FROM job_leases")
    time.sleep(1.1)  # for whichever test comes next
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["jobs"]["details"]["overdue_seconds"] > 100


def test_metrics_are_prometheus_text(api: Api) -> None:
    client = api.client()
    client.get("/health/live")
    client.post("/api/session", json={"email": "nobody@localhost", "password": "not it at all"})
    text = client.get("/metrics").text
    assert 'http_refusals_total{code="bad_credentials"}' in text
    assert 'http_requests_total{method="GET",route="/health/live",status="200"}' in text


def test_a_stuck_log_is_not_ready(api: Api) -> None:
    client = api.client()
    with psycopg.connect(api.environ["DATABASE_URL"]) as connection:
        nothing = ", ".join(["'{}'"] * 16)
        connection.execute(f"SELECT append_events({nothing})")  # as a writer that hangs before its commit
        time.sleep(1.1)
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    states = {name: check["status"] for name, check in answer.json()["checks"].items()}
    assert states == {"log": "failing", "read_models": "ok", "jobs": "ok", "broker": "ok", "valkey": "ok"}


def test_a_silent_broker_is_not_ready_until_it_answers(own_servers: Embedded, tmp_path: Path) -> None:
    with running_api(own_servers, "postgres", tmp_path) as own:
        client = own.client()
        os.kill(own_servers.pids["valkey"], signal.SIGSTOP)
        try:
            answer = client.get("/health/ready")
        finally:
            os.kill(own_servers.pids["valkey"], signal.SIGCONT)
        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert (checks["broker"]["status"], checks["valkey"]["status"]) == ("failing", "failing")
        assert checks["log"]["status"] == "ok"
        time.sleep(1.1)
        assert client.get("/health/ready").status_code == 200


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[Embedded]:
    """Servers that a test may stop."""
    with asyncio.Runner() as runner:
        running = embedded(tmp_path / "servers", temporary=True)
        servers = runner.run(running.__aenter__())
        runner.run(migrate(servers.database_url))
        yield servers
        runner.run(running.__aexit__(None, None, None))


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_probes_need_no_credentials(api: Api, path: str) -> None:
    assert api.client().get(path).status_code == 200
