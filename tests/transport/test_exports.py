"""The door of written files: for readers of the project, once they are written."""

import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from domain.job import EXPORT_TYPES, ExportFormat
from tests.transport.serving import Api, api, problem, worker_process
from workers.readers import read_bill

__all__ = ["api"]

FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


@pytest.fixture(scope="module")
def working(api: Api) -> Iterator[Api]:
    """The server, with a worker beside it."""
    with worker_process(api):
        yield api


def sent(client: httpx.Client, command: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"/api/commands/{command}", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def finished(client: httpx.Client, project_id: str, kind: str) -> dict[str, Any]:
    """Wait until the project's job of this kind is completed; give it."""
    deadline = time.monotonic() + 90
    while True:
        jobs = client.get(f"/api/projects/{project_id}/jobs").json().get("items", ())  # none: not shown yet
        for job in jobs:
            assert job["status"] != "failed", job
            if (job["kind"], job["status"]) == (kind, "completed"):
                return job
        assert time.monotonic() < deadline, jobs
        time.sleep(0.05)


@pytest.mark.parametrize("name", FORMATS)
def test_a_written_file_is_given_to_members_and_to_nobody_else(working: Api, name: ExportFormat) -> None:
    owner, viewer, stranger = (working.account() for _ in range(3))
    client, member = owner.program(), viewer.program()
    project_id = sent(client, "project.create", name="Dům")["result"]["project_id"]
    fields = {"description": "Beton", "code": "1", "unit": "m3", "quantity": "2", "unit_price": "3.50"}
    sent(client, "position.add", project_id=project_id, fields=fields)
    sent(client, "project.invite_member", project_id=project_id, account_id=viewer.account_id, role="viewer")
    sent(member, "project.accept_invitation", project_id=project_id)
    sent(client, "audit.start", project_id=project_id)
    finished(client, project_id, "audit")
    sent(member, "export.request", project_id=project_id, format=name)
    job = finished(member, project_id, "export")
    file = f"/api/projects/{project_id}/exports/{job['job_id']}"

    given = [each.get(file) for each in (client, member)]
    assert [answer.status_code for answer in given] == [200, 200]
    assert given[0].content == given[1].content
    assert sha256(given[0].content).hexdigest() == job["result"]["content_hash"]
    assert given[0].headers["content-type"].partition(";")[0] == EXPORT_TYPES[name]
    assert given[0].headers["content-disposition"].endswith(f"{job['result']['filename'].rpartition('.')[2]}")
    assert given[0].headers["x-content-type-options"] == "nosniff"
    if name == "pdf":
        assert given[0].content.startswith(b"%PDF-")
    else:
        assert [(item.description, item.declared_total) for item in read_bill(given[0].content).items] == [
            ("Beton" if name != "gaeb" else "", 7 if name != "unixml" else None)  # texts of a bid are in the request
        ]

    problem(stranger.program().get(file), 404, "project.unknown")
    problem(working.client().get(file), 401, "not_signed_in")
    other = sent(client, "project.create", name="Other")
    elsewhere = f"/api/projects/{other['result']['project_id']}/exports/{job['job_id']}"
    problem(client.get(elsewhere, params={"after": other["position"]}), 404, "job.unknown")

    removed = sent(client, "project.remove_member", project_id=project_id, account_id=viewer.account_id)
    problem(member.get(file, params={"after": removed["position"]}), 404, "project.unknown")
    assert client.get(file).status_code == 200


def test_an_export_is_asked_for_over_http_and_given_to_readers_only(api: Api) -> None:
    client = api.account().program()
    project_id = client.post("/api/commands/project.create", json={"name": "House"}).json()["result"]["project_id"]
    nothing = client.post("/api/commands/export.request", json={"project_id": project_id, "format": "csv"})
    problem(nothing, 409, "export.nothing_to_export")
    added = {"project_id": project_id, "fields": {"description": "Beton", "quantity": "2", "unit_price": "3.50"}}
    assert client.post("/api/commands/position.add", json=added).status_code == 201
    asked = client.post("/api/commands/export.request", json={"project_id": project_id, "format": "csv"})
    assert asked.status_code == 201, asked.text
    job_id = asked.json()["result"]["job_id"]
    file = f"/api/projects/{project_id}/exports/{job_id}"
    after = {"after": asked.json()["position"]}
    told = problem(client.get(file, params=after), 409, "export.not_ready")
    assert told["status_of_job"] in {"queued", "running"}  # a worker of another test may have taken it
    problem(client.get(f"/api/projects/{project_id}/exports/{uuid4()}", params=after), 404, "job.unknown")
    problem(api.account().program().get(file, params=after), 404, "project.unknown")
