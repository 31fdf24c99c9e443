import pytest

from projections.queries import QUERIES
from tests.transport.serving import Api, api, problem
from transport.rest.query_door import FIELD, PATHS

__all__ = ["api"]

NOBODY = "00000000-0000-7000-8000-000000000000"


def test_every_query_has_an_address() -> None:
    assert set(PATHS.values()) == set(QUERIES)


def test_what_a_path_names_are_fields_of_its_query() -> None:
    for path, name in PATHS.items():
        assert set(FIELD.findall(path)) <= set(QUERIES[name].__struct_fields__), path


def test_a_query_knows_what_its_caller_just_did(api: Api) -> None:
    account = api.account()
    client = account.program()
    created = client.post("/api/commands/project.create", json={"name": "House"}).json()
    project_id = created["result"]["project_id"]
    added = client.post(
        "/api/commands/position.add",
        json={"project_id": project_id, "fields": {"description": "Wall", "quantity": "2"}},
    ).json()
    after = {"after": added["position"]}

    shown = client.get(f"/api/projects/{project_id}", params=after)
    assert shown.status_code == 200, shown.text
    assert shown.json()["name"] == "House"
    assert int(shown.headers["plumbline-position"]) >= added["position"]

    position_id = added["result"]["position_id"]
    positions = client.get(f"/api/projects/{project_id}/positions", params=after).json()
    assert [item["position_id"] for item in positions["items"]] == [position_id]
    assert positions["items"][0]["quantity"] == "2"
    one = client.get(f"/api/projects/{project_id}/positions/{position_id}", params=after)
    assert one.status_code == 200, one.text
    assert client.get("/api/account", params=after).json()["email"] == account.email


def test_pages_follow_each_other(api: Api) -> None:
    client = api.account().program()
    created = [client.post("/api/commands/project.create", json={"name": f"P{n}"}).json() for n in range(5)]
    seen: list[str] = []
    parameters = {"limit": "2", "after": created[-1]["position"]}
    while True:
        page = client.get("/api/projects", params=parameters).json()
        assert len(page["items"]) <= 2
        seen += [item["project_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(one["result"]["project_id"] for one in created)


def test_two_versions_can_be_compared(api: Api) -> None:
    client = api.account().program()
    project_id = client.post("/api/commands/project.create", json={"name": "House"}).json()["result"]["project_id"]
    for description in ("Wall", "Roof"):
        added = client.post(
            "/api/commands/position.add", json={"project_id": project_id, "fields": {"description": description}}
        ).json()
    answer = client.get(f"/api/projects/{project_id}/versions/1..2", params={"after": added["position"]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["a"], answer.json()["b"]) == (1, 2)
    problem(client.get(f"/api/projects/{project_id}/versions/1"), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=-1", "after"),
        ("after=1.5", "after"),
        (f"after={2**63}", "after"),
        ("text=%00", "text"),
        ("nonsense=1", "nonsense"),
        ("status=lost", "status"),
    ],
)
def test_a_bad_parameter_is_named(api: Api, query: str, parameter: str) -> None:
    body = problem(api.account().program().get(f"/api/projects?{query}"), 422, "invalid_parameter")
    assert body["errors"][0]["path"] == parameter


def test_a_bad_id_in_the_path_is_named(api: Api) -> None:
    client = api.account().program()
    body = problem(client.get("/api/projects/mine"), 422, "invalid_parameter")
    assert body["errors"][0]["path"] == "project_id"
    problem(client.get(f"/api/projects/{NOBODY}?project_id={NOBODY}"), 422, "invalid_parameter")
    problem(client.get("/api/projects?%ff=1"), 422, "invalid_parameter")
    problem(client.get("/api/projects?cursor=nonsense"), 422, "bad_cursor")


def test_what_is_none_of_ones_business_does_not_exist(api: Api) -> None:
    owner, stranger = api.account().program(), api.account().program()
    created = owner.post("/api/commands/project.create", json={"name": "House"}).json()
    after = {"after": created["position"]}
    path = f"/api/projects/{created['result']['project_id']}"
    for answer in (stranger.get(path, params=after), stranger.get(f"/api/projects/{NOBODY}", params=after)):
        problem(answer, 404, "project.unknown")
    problem(api.client().get(path), 401, "not_signed_in")
