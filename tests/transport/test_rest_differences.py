"""A tender and a bid that were uploaded for a comparison alone: read by a real worker, compared over REST."""

import time
from decimal import Decimal
from typing import Any

import httpx

from tests.transport.serving import Api, api, problem, worker_process

__all__ = ["api"]

HEAD = "Kód;Popis;MJ;Množství;Cena za jednotku\n"
TENDER = f"{HEAD}131;Hloubení jam;m3;10;\n274;Základové pásy z betonu;m3;2;\n"
BID = f"{HEAD}131;Hloubení jam;m3;10;5,50\n274;Základové pásy z betonu;m3;2;100\n622;Omítka stěn;m2;3;9\n"


def upload(client: httpx.Client, documents: str, text: str) -> str:
    answer = client.post(documents, params={"purpose": "comparison"}, files={"file": ("bill.csv", text.encode())})
    assert answer.status_code == 201, answer.text
    return answer.json()["document_id"]


def differences(client: httpx.Client, documents: str, tender: str, bid: str) -> dict[str, Any]:
    """Ask until both were read."""
    deadline = time.monotonic() + 60
    while True:
        answer = client.get(f"{documents}/{tender}/differences", params={"against": bid})
        if answer.status_code == 200:
            return answer.json()
        problem(answer, 409, "document.not_imported")
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_tender_and_a_bid_are_compared_though_neither_is_in_the_budget(api: Api) -> None:
    client, stranger = api.account().program(), api.account().program()
    created = client.post("/api/commands/project.create", json={"name": "House"}).json()
    project_id = created["result"]["project_id"]
    documents = f"/api/projects/{project_id}/documents"
    tender, bid = upload(client, documents, TENDER), upload(client, documents, BID)
    last = client.post("/api/commands/project.rename", json={"project_id": project_id, "name": "Barn"}).json()[
        "position"
    ]
    wait = {"against": bid, "after": last}
    problem(client.get(f"{documents}/{tender}/differences", params=wait), 409, "document.not_imported")
    with worker_process(api):
        told = differences(client, documents, tender, bid)
    assert [(each["change"], each["code"], each["before_at"], each["after_at"]) for each in told["items"]] == [
        ("changed", "131", {"sheet": "", "line": 2}, {"sheet": "", "line": 2}),
        ("changed", "274", {"sheet": "", "line": 3}, {"sheet": "", "line": 3}),
        ("added", "622", None, {"sheet": "", "line": 4}),
    ]
    assert (Decimal(told["total_before"]), Decimal(told["total_after"])) == (0, 282)
    assert client.get(f"/api/projects/{project_id}/positions").json()["items"] == []
    problem(stranger.get(f"{documents}/{tender}/differences", params=wait), 404, "project.unknown")
