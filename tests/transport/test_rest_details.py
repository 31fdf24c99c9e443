"""What requests leave behind, and what they must not wait for."""

import asyncio
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands import NotSignedIn
from commands.identities import MOST_AGE
from domain.account import IssueToken, RevokeToken
from runtime.ids import new_id
from tests.acting import Open, open_write_side, register
from tests.transport.serving import Api, api
from transport.errors import BodyTimeout
from transport.freshness import Freshness
from transport.visit import ClientGone, Visit, json_body

__all__ = ["api", "open_write_side"]


def lines_about(api: Api, request_id: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 5
    while True:
        lines = [msgspec.json.decode(line) for line in api.log.read_bytes().splitlines()]
        found = [line for line in lines if line.get("request_id") == request_id]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_every_request_leaves_a_line(api: Api) -> None:
    account = api.account()
    request_id = str(new_id())
    client = account.program()
    client.post("/api/commands/project.create", json={"name": "A"}, headers={"x-request-id": request_id})
    (line,) = lines_about(api, request_id)
    assert (line["event"], line["method"], line["path"]) == ("request", "POST", "/api/commands/project.create")
    assert (line["status"], line["account"]) == (201, f"account:{account.account_id}")
    assert line["client"] == "127.0.0.1"
    assert 0 < line["ms"] < 10_000
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


def test_a_probe_that_is_fine_leaves_none(api: Api) -> None:
    client = api.client()
    client.get("/health/live", headers={"x-request-id": "probe-1"})
    client.get("/nowhere", headers={"x-request-id": "after-the-probe"})
    assert lines_about(api, "after-the-probe")
    assert b"probe-1" not in api.log.read_bytes()


def visit(**headers: str) -> Visit:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Visit({"method": "POST", "path": "/", "headers": given, "client": ("127.0.0.1", 1)})


async def test_a_body_that_does_not_come_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.visit.BODY_SECONDS", 0.05)

    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(BodyTimeout):
        await json_body(visit(content_length="20000"), never)


async def test_a_client_that_goes_away_is_told_apart_from_an_empty_body() -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await json_body(visit(transfer_encoding="chunked"), gone)
    assert await json_body(visit(), gone) == b""


async def test_one_look_at_the_log_keeps_all_accounts_fresh(open_write_side: Open) -> None:
    async with open_write_side() as here, open_write_side() as elsewhere:
        freshness = Freshness(here.store, here.bus.states)
        tokens: list[tuple[str, UUID, str]] = []
        for _ in range(3):
            actor, token_id = await register(here), new_id()
            command = IssueToken(account_id=UUID(actor.removeprefix("account:")), token_id=token_id, name="T")
            receipt = await here.bus.execute(command, actor=actor)
            await here.identities.by_token(receipt.result["token"])
            freshness.saw(actor)
            tokens.append((actor, token_id, receipt.result["token"]))
        actor, token_id, revoked = tokens[1]
        command = RevokeToken(account_id=UUID(actor.removeprefix("account:")), token_id=token_id)
        await elsewhere.bus.execute(command, actor=actor)
        await asyncio.sleep(MOST_AGE)

        asked_at = time.monotonic()
        await freshness.refresh()
        ages = [(await here.bus.states.get(actor)).checked_at for actor, _, _ in tokens]
        assert min(ages) >= asked_at
        for _, _, token in (tokens[0], tokens[2]):
            await here.identities.by_token(token)
        with pytest.raises(NotSignedIn):
            await here.identities.by_token(revoked)
