"""What operators and writers of clients are told is true of a running server."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from plumbline_client.closing import Ending, Then
from tests.transport.serving import REPOSITORY, Api, api
from transport.gateway.socket_closing import CLOSINGS
from transport.gateway.socket_reference import markdown

__all__ = ["api"]
DOCS = REPOSITORY / "docs"


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load((REPOSITORY / "deploy/alerts.yaml").read_text())["groups"]:
        yield from group["rules"]


def anchors(page: str) -> set[str]:
    """Give the names that headings have as places of a page."""
    headings = re.findall(r"^#+ (.+)$", (DOCS / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def told(api: Api) -> set[str]:
    """The metrics that a server tells, under the names that queries use."""
    text = httpx.get(f"{api.url}/metrics", timeout=20).text
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def test_the_reference_of_the_socket_is_up_to_date() -> None:
    kept = (DOCS / "socket.md").read_text(encoding="utf-8")
    assert kept == markdown(), "run `python -m transport.gateway.socket_reference > docs/socket.md`"


def test_our_client_does_what_the_reference_says_of_closings() -> None:
    begins = {
        Then.STOP: ("stops",),
        Then.SIGN_IN: ("gets fresh credentials",),
        Then.BACK_OFF: ("comes back after a pause",),
        Then.BACK_OFF_TWICE: ("comes back after a pause twice",),
        Then.SPREAD: ("comes back within the jitter",),
        Then.WAIT: ("comes back after `retry_after_ms`",),
    }
    for each in CLOSINGS:
        then = Ending(code=each.code, reconnect=each.reconnect).then
        assert each.client.startswith(begins[then]), each
        assert each.reconnect == (then not in {Then.STOP, Then.SIGN_IN})


def test_websocket_metrics_are_all_in_the_documents(told: set[str]) -> None:
    named = set(re.findall(r"`(websocket_\w+)`", (DOCS / "monitoring.md").read_text()))
    assert named
    assert {name for name in told if name.startswith("websocket_") and not name.endswith("_created")} <= named


def test_alerts_are_whole_and_lead_to_the_runbook() -> None:
    codes = {str(each.code) for each in CLOSINGS}
    for rule in rules():
        assert rule["expr"].count("(") == rule["expr"].count(")")
        for several in re.findall(r'code=~"([^"]+)"', rule["expr"]):
            assert set(several.split("|")) <= codes
        assert rule["for"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        page, _, place = rule["annotations"]["runbook"].partition("#")
        assert place in anchors(page.removeprefix("docs/")), rule


def test_every_alert_is_in_the_table_of_thresholds() -> None:
    named = set(re.findall(r"`(\w+)`", (DOCS / "monitoring.md").read_text().partition("## Thresholds")[2]))
    assert {rule["alert"] for rule in rules()} <= named


def test_places_that_the_runbook_leads_to_exist() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", (DOCS / "runbook.md").read_text())
    assert links
    assert set(links) <= anchors("runbook.md")


def test_checks_named_in_the_documents_are_made(api: Api) -> None:
    checks = set(httpx.get(f"{api.url}/health/ready", timeout=20).json()["checks"])
    told_of = (DOCS / "monitoring.md").read_text().partition("by `check` (")[2].partition(")")[0]
    assert set(re.findall(r"`(\w+)`", told_of)) == checks
    text = httpx.get(f"{api.url}/metrics", timeout=20).text
    assert set(re.findall(r'^health_check_state\{check="(\w+)"\}', text, re.MULTILINE)) == checks
