"""An outside engine reports over REST; who follows the project sees it, and everybody can ask."""

import time
from typing import Any
from uuid import uuid4

import httpx

from tests.transport.serving import Api, api, problem

__all__ = ["api"]


def command(client: httpx.Client, name: str, /, **fields: object) -> dict[str, Any]:
    answer = client.post(f"/api/commands/{name}", json=fields)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def test_an_engine_reports_over_rest(api: Api) -> None:
    client = api.account().program()
    project_id = command(client, "project.create", name="Hall")["result"]["project_id"]
    job_id = str(uuid4())
    receipt = command(client, "operation.open", project_id=project_id, job_id=job_id, name="Assembly")
    ids = {"project_id": project_id, "operation_id": receipt["result"]["operation_id"]}
    command(client, "operation.report_step", **ids, event_id=1, phase="solver_start", items_total=200)
    entered = command(client, "operation.report_step", **ids, event_id=2, phase="solver_progress", items_total=200)
    within = command(client, "operation.report_step", **ids, event_id=3, phase="solver_progress", items_done=150)
    assert within["unchanged"]
    assert command(client, "operation.report_step", **ids, event_id=2, phase="solver_start")["unchanged"]
    path = f"/api/projects/{project_id}/operations/{ids['operation_id']}"
    shown = client.get(path, params={"after": entered["position"]}).json()
    assert (shown["phase"], shown["stage"], shown["milestones"]) == ("solver_progress", "progress", 1)
    step = shown["live"]["step"]
    assert (step["event_id"], step["items_done"], step["items_total"]) == (3, 150, 200)
    closed = command(client, "operation.close", **ids, outcome="completed")
    shown = client.get(path, params={"after": closed["position"]}).json()
    assert (shown["status"], shown["live"]) == ("completed", None)
    late = client.post("/api/commands/operation.report_step", json={**ids, "event_id": 9, "phase": "solver_end"})
    problem(late, 409, "operation.over")
    wrong = client.post("/api/commands/operation.report_step", json={**ids, "event_id": 0, "phase": "x"})
    assert wrong.status_code == 422


def test_a_phase_that_nobody_knows_is_an_error_in_the_log_that_says_what_to_add(api: Api) -> None:
    client = api.account().program()
    project_id = command(client, "project.create", name="Hall")["result"]["project_id"]
    opened = command(client, "operation.open", project_id=project_id, job_id=str(uuid4()), name="Assembly")
    ids = {"project_id": project_id, "operation_id": opened["result"]["operation_id"]}
    phase = f"bending_{uuid4().hex}_start"
    for event_id in (1, 2):
        command(client, "operation.report_step", **ids, event_id=event_id, phase=phase)
    deadline = time.monotonic() + 10
    while not (lines := [line for line in api.log.read_text().splitlines() if phase in line]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (line,) = [line for line in lines if "operation.phase_unknown" in line]
    assert '"level":"error"' in line.replace(" ", "")
    assert "domain/operation.py" in line
    assert "operation_unknown_phases_total 1.0" in client.get("/metrics").text
