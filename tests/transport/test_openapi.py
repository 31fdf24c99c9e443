import re
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from commands.rights import PUBLIC
from projections.queries import QUERIES
from tests.transport.serving import REPOSITORY, Api, api
from transport.errors import markdown, refusals
from transport.gateway.feed_door import EVENTS, STREAM
from transport.rest.openapi import document
from transport.rest.query_door import PATHS

__all__ = ["api"]

EXAMPLES = 4
import_module("transport.app")  # it imports every room, and so every refusal


BOUNDED = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


def _attempt(operation: Any, headers: dict[str, str]) -> None:
    checks = [status_code_conformance, response_schema_conformance, not_a_server_error]
    if operation.path == "/health/ready":  # it says 503 where no worker runs, as it should
        checks.remove(not_a_server_error)

    @BOUNDED
    @hypothesis.given(case=operation.as_strategy())
    def attempt(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=headers, checks=checks)

    attempt()


def _without_waiting(described: dict[str, Any]) -> dict[str, Any]:
    """Leave out `after`: most positions that could be made up are in the future, and waited for."""
    for path, methods in described["paths"].items():
        for operation in methods.values():
            given = operation.get("parameters", [])
            operation["parameters"] = [each for each in given if each["name"] != "after" or path == EVENTS]
    return described


def _of_a_feed(described: dict[str, Any], feed: str) -> dict[str, Any]:
    """Ask for pages of a feed that exists, at once; leave out the stream, which has no end to wait for."""
    del described["paths"][STREAM]
    for parameter in described["paths"][EVENTS]["get"]["parameters"]:
        if parameter["name"] == "feed":
            parameter["schema"] = {"enum": [feed, f"project:{uuid4()}", "nonsense"]}
        elif parameter["name"] == "wait":
            parameter |= {"required": True, "schema": {"enum": [0]}}
    return described


@pytest.mark.timeout(300)
def test_no_request_brings_the_server_down_and_every_answer_is_as_described(api: Api) -> None:
    account = api.account()
    described = _of_a_feed(_without_waiting(document()), f"account:{account.account_id}")
    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=api.url)
    token = {"authorization": account.program().headers["authorization"]}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        _attempt(operation, {} if operation.path == "/api/session" else token)
        tried += 1
    assert tried > len(PUBLIC) + len(PATHS)


def test_every_command_query_and_error_is_described() -> None:
    paths = document()["paths"]
    operations = {each["operationId"] for methods in paths.values() for each in methods.values()}
    assert set(PUBLIC) <= operations
    assert set(QUERIES) & set(PATHS.values()) <= operations
    told = " ".join(
        answer["description"]
        for methods in paths.values()
        for each in methods.values()
        for answer in each["responses"].values()
    )
    domain = {code for code, each in refusals().items() if each.__module__.startswith("domain.")}
    unsaid = {code for code in domain if f"`{code}`" not in told}
    system = {"job.fenced", "job.id_taken"}
    assert unsaid <= system


def test_operations_have_names_of_their_own() -> None:
    names = [each["operationId"] for methods in document()["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)


def test_what_a_command_creates_may_be_named_by_the_server() -> None:
    created = document()["components"]["schemas"]["CreateProject"]
    assert created["required"] == ["name"]


@pytest.mark.parametrize("given", [{"after": 0}, {"after": 9_999}])
def test_pages_of_feeds_are_as_described(api: Api, given: dict[str, int]) -> None:
    account = api.account()
    page = account.program().get(f"/api/feeds/account:{account.account_id}/events", params={**given, "wait": 0}).json()
    assert page["events"] or page["reset"]
    schema = {"$ref": "#/components/schemas/FeedPage", "components": document()["components"]}
    jsonschema_rs.validate(schema, page)
    assert not jsonschema_rs.is_valid(schema, page | {"events": [{"op": "event"}], "reset": None})


def test_the_doors_of_feeds_say_what_they_take() -> None:
    paths = document()["paths"]
    assert [each["name"] for each in paths[STREAM]["get"]["parameters"]][-1] == "Last-Event-ID"
    assert [each["name"] for each in paths[EVENTS]["get"]["parameters"]][-2:] == ["limit", "wait"]


def test_people_find_every_error_code_on_the_page(api: Api) -> None:
    answer = api.client().get("/api/docs")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for code in refusals():
        assert f"id='{code}'" in answer.text
    assert not re.search(r"(src|href)=['\"]?https?:", answer.text)


def test_the_list_of_error_codes_is_up_to_date() -> None:
    kept = Path(REPOSITORY / "docs/errors.md").read_text(encoding="utf-8")
    assert kept == markdown(), "run `python -m transport.errors > docs/errors.md`"
