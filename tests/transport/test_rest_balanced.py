"""Two API processes behind a balancer that sends every request to the other one: nobody notices that there are two."""

import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx
import pytest

from runtime.embedded import Embedded
from tests.transport.serving import PASSWORD, api_process, problem, running_api

ORIGIN = "http://plumbline.test"


class Balancer(httpx.BaseTransport):
    """Sends requests to servers in turn."""

    def __init__(self, *servers: str) -> None:
        self._servers = cycle(map(httpx.URL, servers))
        self._connections = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        server = next(self._servers)
        request.url = request.url.copy_with(scheme=server.scheme, host=server.host, port=server.port)
        return self._connections.handle_request(request)

    def close(self) -> None:
        self._connections.close()


@pytest.fixture(scope="module")
def balancer(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    folder = tmp_path_factory.mktemp("balanced")
    with running_api(servers, migrated_template, folder, ORIGINS=ORIGIN) as one, api_process(one) as other:
        balancer = Balancer(one.url, other.url)
        yield balancer
        balancer.close()


class Person:
    """Somebody at a browser: with a cookie, or with a token instead."""

    def __init__(self, balancer: Balancer, **headers: str) -> None:
        self.http = httpx.Client(transport=balancer, base_url=ORIGIN, headers={"origin": ORIGIN, **headers}, timeout=20)
        self.email = f"{uuid4().hex}@localhost"
        self.account_id = ""
        self.position = 0

    def do(self, command: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/api/commands/{command}", json=body)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        self.position = receipt["position"]
        return receipt

    def ask(self, path: str) -> Any:
        answer = self.http.get(path, params={"after": self.position})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def register(self) -> None:
        given = {"email": self.email, "password": PASSWORD, "name": "Somebody"}
        self.account_id = self.do("account.register", **given)["result"]["account_id"]

    def log_in(self, password: str = PASSWORD) -> None:
        answer = self.http.post("/api/session", json={"email": self.email, "password": password})
        assert answer.status_code == 201, answer.text
        secret = answer.headers["set-cookie"].partition(";")[0]
        self.http.headers.update({"cookie": secret, "x-csrf-token": answer.json()["csrf"]})
        self.http.cookies.clear()


@pytest.fixture(params=[0, 1])
def turn(request: pytest.FixtureRequest, balancer: Balancer) -> None:
    """Begin at either process."""
    if request.param:
        next(balancer._servers)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.usefixtures("turn")
def test_a_session_begun_at_one_process_goes_on_at_the_other(balancer: Balancer) -> None:
    ann = Person(balancer)
    ann.register()
    ann.log_in()
    assert ann.http.get("/api/session").json()["account_id"] == ann.account_id
    issued = ann.do("account.issue_token", account_id=ann.account_id, name="tests")["result"]
    program = Person(balancer, authorization=f"Bearer {issued['token']}")
    for _ in range(2):
        assert program.http.get("/api/session").status_code == 200
    other_password = "another horse"  # noqa: S105 - a test's
    ann.do("account.change_password", account_id=ann.account_id, old_password=PASSWORD, new_password=other_password)
    ann.log_in(other_password)
    for _ in range(2):
        assert ann.http.get("/api/session").status_code == 200
    ann.do("account.revoke_token", account_id=ann.account_id, token_id=issued["token_id"])
    time.sleep(1.1)
    for _ in range(2):
        problem(program.http.get("/api/session"), 401, "not_signed_in")


@pytest.mark.usefixtures("turn")
def test_what_is_done_at_one_process_holds_at_the_other(balancer: Balancer) -> None:
    ann, bob = Person(balancer), Person(balancer)
    for person in (ann, bob):
        person.register()
        person.log_in()
    project_id = ann.do("project.create", name="House")["result"]["project_id"]
    project: dict[str, str] = {"project_id": project_id}
    problem(bob.http.get(f"/api/projects/{project_id}"), 404, "project.unknown")
    ann.do("project.invite_member", **project, account_id=bob.account_id, role="editor")
    bob.do("project.accept_invitation", **project)
    added = [bob.do("position.add", **project, fields={"description": f"Wall {n}", "unit": "m3"}) for n in range(4)]
    positions = bob.ask(f"/api/projects/{project_id}/positions")["items"]
    assert [each["description"] for each in positions] == [f"Wall {number}" for number in range(4)]
    wall = {**project, "position_id": added[0]["result"]["position_id"], "expected_revision": 1}
    ann.do("position.edit", **wall, changes={"quantity": "2"})
    lost = bob.http.post("/api/commands/position.edit", json={**wall, "changes": {"quantity": "3"}})
    problem(lost, 409, "revision_conflict")
    ann.do("position.edit", **{**wall, "expected_revision": 2}, changes={"quantity": "4"})
    again = ann.ask(f"/api/projects/{project_id}/positions")["items"]
    assert [(each["quantity"], each["revision"]) for each in again[:2]] == [("4", 3), (None, 1)]
    ann.do("project.remove_member", **project, account_id=bob.account_id)
    for _ in range(2):
        problem(bob.http.post("/api/commands/project.rename", json={**project, "name": "Mine"}), 404, "project.unknown")
    bob.position = ann.position
    answer = bob.http.get(f"/api/projects/{project_id}/positions", params={"after": ann.position})
    problem(answer, 404, "project.unknown")
    same = {"idempotency-key": str(uuid4())}
    renamed = [
        ann.http.post("/api/commands/project.rename", json={**project, "name": "Villa"}, headers=same) for _ in range(2)
    ]
    assert [each.json()["position"] for each in renamed] == [renamed[0].json()["position"]] * 2
