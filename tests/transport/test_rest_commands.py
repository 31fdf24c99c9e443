from uuid import uuid4

import pytest

from tests.transport.serving import Api, api, problem

__all__ = ["api"]


def test_a_command_answers_its_receipt(api: Api) -> None:
    client = api.account().program()
    created = client.post("/api/commands/project.create", json={"name": "House"})
    assert created.status_code == 201
    receipt = created.json()
    project_id = receipt["result"]["project_id"]
    assert receipt["feed"] == f"project:{project_id}"
    assert receipt["sequence"] == 1
    assert created.headers["plumbline-position"] == str(receipt["position"])

    renamed = client.post("/api/commands/project.rename", json={"project_id": project_id, "name": "Barn"})
    assert renamed.status_code == 201
    assert renamed.json()["sequence"] == 2


def test_the_body_may_name_its_type_but_no_other(api: Api) -> None:
    client = api.account().program()
    assert client.post("/api/commands/project.create", json={"type": "project.create", "name": "A"}).status_code == 201
    body = problem(
        client.post("/api/commands/project.create", json={"type": "project.rename", "name": "A"}), 422, "invalid_body"
    )
    assert body["errors"][0]["path"] == "$.type"


def test_the_same_key_again_answers_the_first_receipt_without_doing_it_twice(api: Api) -> None:
    client = api.account().program()
    key = {"idempotency-key": str(uuid4())}
    first = client.post("/api/commands/project.create", json={"name": "House"}, headers=key)
    again = client.post("/api/commands/project.create", json={"name": "House"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert again.json() == first.json() | {"replayed": True}

    other = client.post("/api/commands/project.create", json={"name": "Barn"}, headers=key)
    problem(other, 422, "idempotency_mismatch")


def test_a_command_that_changes_nothing_is_answered_with_200(api: Api) -> None:
    client = api.account().program()
    project_id = client.post("/api/commands/project.create", json={"name": "House"}).json()["result"]["project_id"]
    answer = client.post("/api/commands/project.rename", json={"project_id": project_id, "name": "House"})
    assert (answer.status_code, answer.json()["unchanged"]) == (200, True)
    assert "idempotent-replay" not in answer.headers


def test_a_malformed_key_is_refused(api: Api) -> None:
    client = api.account().program()
    answer = client.post("/api/commands/project.create", json={"name": "A"}, headers={"idempotency-key": "mine"})
    problem(answer, 400, "malformed_header")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"name": "\xff"}', 400, "malformed_json"),
        (b'{"name": "\\ud800"}', 400, "malformed_json"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400, "malformed_json"),
        (b"[]", 422, "invalid_body"),
        (b"{}", 422, "invalid_body"),
        (b'{"name": 1}', 422, "invalid_body"),
        (b'{"name": ""}', 422, "invalid_body"),
        (b'{"name": "a\\u0000b"}', 422, "invalid_body"),
        (b'{"name": "a", "nonsense": 1}', 422, "invalid_body"),
        (b'{"name": "a", "project_id": "x"}', 422, "invalid_body"),
    ],
)
def test_a_bad_body_is_refused_with_the_place(api: Api, content: bytes, status: int, code: str) -> None:
    client = api.account().program()
    headers = {"content-type": "application/json"}
    problem(client.post("/api/commands/project.create", content=content, headers=headers), status, code)


def test_a_written_out_backslash_is_no_nul(api: Api) -> None:
    client = api.account().program()
    answer = client.post("/api/commands/project.create", content=b'{"name": "a\\\\u0000b"}')
    assert answer.status_code == 201


def test_a_lost_race_tells_the_present_revision_and_state(api: Api) -> None:
    client = api.account().program()
    project_id = client.post("/api/commands/project.create", json={"name": "House"}).json()["result"]["project_id"]
    added = client.post(
        "/api/commands/position.add",
        json={"project_id": project_id, "fields": {"description": "Wall", "quantity": "2.5"}},
    )
    ids = {"project_id": project_id, "position_id": added.json()["result"]["position_id"]}
    edit = {**ids, "changes": {"quantity": "3"}}
    assert client.post("/api/commands/position.edit", json=edit, headers={"if-match": '"1"'}).status_code == 201

    late = client.post(
        "/api/commands/position.edit", json={**ids, "changes": {"quantity": "4"}, "expected_revision": 1}
    )
    body = problem(late, 409, "revision_conflict")
    assert body["current_revision"] == 2
    assert body["current"]["quantity"] == "3"
    late = client.post(
        "/api/commands/position.edit", json={**ids, "changes": {"quantity": "4"}}, headers={"if-match": "1"}
    )
    assert problem(late, 409, "revision_conflict") | {"request_id": ""} == body | {"request_id": ""}


def test_if_match_is_refused_where_it_means_nothing(api: Api) -> None:
    client = api.account().program()
    for headers in ({"if-match": "1"}, {"if-match": "*"}):
        problem(
            client.post("/api/commands/project.create", json={"name": "A"}, headers=headers), 400, "malformed_header"
        )


def test_commands_of_the_service_itself_have_no_address(api: Api) -> None:
    client = api.account().program()
    for name in ("job.queue", "document.upload", "audit.record_findings", "no.such"):
        problem(client.post(f"/api/commands/{name}", json={}), 404, "not_found")
    answer = client.get("/api/commands/project.create")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_a_body_of_more_than_a_mebibyte_is_refused(api: Api) -> None:
    client = api.account().program()
    body = problem(client.post("/api/commands/project.create", content=b" " * (2**20 + 1)), 413, "too_large")
    assert body["limit_bytes"] == 2**20
    chunks = (b" " * 65536 for _ in range(20))
    problem(client.post("/api/commands/project.create", content=chunks), 413, "too_large")


def test_another_media_type_is_refused(api: Api) -> None:
    client = api.account().program()
    answer = client.post("/api/commands/project.create", content=b"{}", headers={"content-type": "text/plain"})
    problem(answer, 415, "unsupported_media_type")


def test_a_given_request_id_comes_back_and_a_wild_one_does_not(api: Api) -> None:
    client = api.client()
    assert client.get("/nowhere", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/nowhere", headers={"x-request-id": 'a"b'}).headers["x-request-id"] != 'a"b'


def test_what_is_not_there_is_a_problem_too(api: Api) -> None:
    client = api.client()
    problem(client.get("/nowhere"), 404, "not_found")
    answer = client.put("/api/session")
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST", "DELETE"}


def test_every_answer_carries_the_security_headers(api: Api) -> None:
    for answer in (api.client().get("/nowhere"), api.account().program().get("/api/session")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
