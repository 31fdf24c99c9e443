"""A change order from end to end, as two people send it: drafted, outdated, renewed, approved, taken back."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx

from tests.transport.serving import Api, api, problem

__all__ = ["api"]


class Site:
    """A project with an owner and an editor, and a budget of three lines: 20, 30 and 50."""

    def __init__(self, api: Api) -> None:
        owner, editor = api.account(), api.account()
        self.owner, self.editor = owner.program(), editor.program()
        self.position = 0
        self.project_id: str = self.do(self.owner, "project.create", name="House")["result"]["project_id"]
        self.do(self.owner, "project.invite_member", account_id=editor.account_id, role="editor")
        self.do(self.editor, "project.accept_invitation")
        lines = [
            {"quantity": "2", "unit_price": "10"},
            {"quantity": "3", "unit_price": "10"},
            {"quantity": "5", "unit_price": "10"},
        ]
        self.lines = [self.do(self.editor, "position.add", fields=each)["result"]["position_id"] for each in lines]

    def send(
        self, who: httpx.Client, command: str, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """Send a command about this project, or the one that makes it."""
        body = body if command == "project.create" else {"project_id": self.project_id, **body}
        return who.post(f"/api/commands/{command}", json=body, headers=headers)

    def do(self, who: httpx.Client, command: str, /, **body: Any) -> dict[str, Any]:
        answer = self.send(who, command, **body)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        self.position = receipt["position"]
        return receipt

    def ask(self, path: str, **parameters: Any) -> Any:
        """Ask for what is known after the last command."""
        answer = self.owner.get(f"/api/projects/{self.project_id}{path}", params={"after": self.position, **parameters})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bill(self, version: int) -> dict[str, tuple[str | None, str | None]]:
        """Show a version: each position's quantity and total."""
        items = self.ask("/positions", version=version)["items"]
        return {item["position_id"]: (item["quantity"], item["total_price"]) for item in items}


def test_a_change_order_from_draft_to_approval_and_back(api: Api) -> None:
    site = Site(api)
    first, second, third = site.lines
    new = str(uuid4())
    proposal = {
        "additions": [{"position_id": new, "fields": {"quantity": "1", "unit_price": "7.5"}, "after": first}],
        "changes": [{"position_id": second, "changes": {"quantity": "4"}}],
        "omissions": [{"position_id": third}],
    }
    drafted = site.do(site.editor, "variation.draft", name="Wall moved", reason="Client's wish", proposal=proposal)
    variation = {"variation_id": drafted["result"]["variation_id"]}
    problem(site.send(site.owner, "variation.approve", **variation), 409, "variation.not_submitted")
    site.do(site.editor, "variation.submit", **variation)
    problem(site.send(site.editor, "variation.approve", **variation), 403, "forbidden")
    problem(site.send(site.editor, "variation.reject", **variation, reason="no"), 403, "forbidden")
    problem(site.send(site.owner, "variation.reject", **variation, reason=" "), 422, "invalid_body")

    site.do(site.editor, "position.edit", position_id=second, changes={"unit_price": "11"})
    refused = problem(site.send(site.owner, "variation.approve", **variation), 409, "variation.outdated")
    assert refused["positions"] == [second]
    shown = site.ask(f"/variations/{variation['variation_id']}")
    assert (shown["status"], shown["applies"], shown["outdated"]) == ("submitted", False, [second])

    site.do(site.editor, "variation.revise", **variation)
    site.do(site.editor, "variation.submit", **variation)
    late = site.send(site.owner, "variation.approve", headers={"if-match": '"1"'}, **variation)
    assert problem(late, 409, "variation.revised_since")["current_revision"] == 2
    shown = site.ask(f"/variations/{variation['variation_id']}")
    effects = [(item["change"], item["position_id"], Decimal(item["cost_effect"])) for item in shown["items"]]
    assert effects == [
        ("added", new, Decimal("7.5")),
        ("changed", second, Decimal(11)),
        ("removed", third, Decimal(-50)),
    ]
    assert (shown["applies"], Decimal(shown["cost_effect"])) == (True, Decimal("-31.5"))

    before = site.bill(4)
    receipt = site.do(site.owner, "variation.approve", **variation, expected_revision=2)
    assert site.bill(5) == {first: before[first], new: ("1", "7.50"), second: ("4", "44.00")}
    assert list(site.bill(5)) == [first, new, second]
    (version, *_) = site.ask("/versions")["items"]
    assert (version["version"], version["name"], version["trigger"]) == (5, "Wall moved", "variation")
    assert version["trigger_details"] == {**variation, "number": 1, "name": "Wall moved"}
    assert version["command_id"] == receipt["command_id"]
    told = site.ask("/versions/4..5")
    assert (told["added"], told["removed"], told["changed"], Decimal(told["delta_cost"])) == (1, 1, 1, Decimal("-31.5"))
    (listed,) = site.ask("/variations", status="approved")["items"]
    assert (listed["number"], listed["version"], Decimal(listed["cost_effect"])) == (1, 5, Decimal("-31.5"))
    happened = site.ask("/history", event_type="variation.*", order="oldest")["items"]
    assert [item["event_type"] for item in happened] == [
        "variation.drafted",
        "variation.submitted",
        "variation.revised",
        "variation.submitted",
        "variation.approved",
    ]

    site.do(site.editor, "budget.restore_version", version=4)
    assert site.bill(6) == before
    problem(site.send(site.editor, "variation.withdraw", **variation), 409, "variation.closed")
    again = site.send(site.owner, "variation.approve", **variation)
    assert (again.status_code, again.json()["unchanged"]) == (200, True)


def test_a_variation_that_is_rejected_says_why_and_changes_nothing(api: Api) -> None:
    site = Site(api)
    proposal = {"omissions": [{"position_id": site.lines[0]}]}
    variation = {
        "variation_id": site.do(site.editor, "variation.draft", name="A", proposal=proposal)["result"]["variation_id"]
    }
    site.do(site.editor, "variation.submit", **variation)
    site.do(site.owner, "variation.reject", **variation, reason="Too dear")
    (listed,) = site.ask("/variations")["items"]
    assert (listed["status"], listed["rejection"], listed["version"]) == ("rejected", "Too dear", None)
    assert [version["version"] for version in site.ask("/versions")["items"]] == [3, 2, 1]
    answer = site.owner.get(f"/api/projects/{site.project_id}/variations/{uuid4()}")
    problem(answer, 404, "variation.unknown")
