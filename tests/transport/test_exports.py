"""The door of written files: for readers of the project, once they are written."""

from uuid import uuid4

from tests.transport.serving import Api, api, problem

__all__ = ["api"]


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
    assert told["status_of_job"] == "queued"
    problem(client.get(f"/api/projects/{project_id}/exports/{uuid4()}", params=after), 404, "job.unknown")
    problem(api.account().program().get(file, params=after), 404, "project.unknown")
