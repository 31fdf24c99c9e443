"""Analyses from upload to result: two accounts, both policies, over HTTP and a real socket, through a real worker."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from commands.write_side import WriteSide
from domain.account import GrantRole
from domain.core import SYSTEM
from runtime.embedded import Embedded
from tests.transport.socket_world import (
    Client,
    Server,
    Somebody,
    open_socket,
    process,
    running_server,
    somebody,
    writing,
)

CONTRACT = """Objednatel: Stavby Morava a.s., IČO: 27082440
Cena díla podle této smlouvy je sjednána na 8 205 797,76 Kč.
"""


@pytest.fixture(scope="module", params=["shared", "per_account"])
def server(
    request: pytest.FixtureRequest,
    servers: Embedded,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        running = running_server(servers, migrated_template, folder, ANALYSIS_SHARING=request.param)
        server = stack.enter_context(running)
        for role in ("worker", "projector"):
            stack.enter_context(process(server, role))
        yield server


@pytest.fixture
async def write(server: Server) -> AsyncIterator[WriteSide]:
    async with writing(server) as opened:
        yield opened


@dataclass
class Person:
    """Somebody with an HTTP client."""

    who: Somebody
    rest: httpx.AsyncClient

    async def send(self, data: bytes, kind: str = "contract") -> dict[str, Any]:
        answer = await self.rest.post(f"/api/analyses/{kind}", files={"file": ("paper.txt", data)})
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.rest.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, **given: Any) -> tuple[int, str]:
        answer = await self.rest.request(method, path, **given)
        return answer.status_code, answer.json()["code"]


Meet = Callable[..., Awaitable[Person]]


@pytest.fixture
async def meet(server: Server, write: WriteSide) -> AsyncIterator[Meet]:
    """Register people, some of them administrators."""
    async with AsyncExitStack() as stack:

        async def met(*, admin: bool = False) -> Person:
            who = await somebody(write)
            if admin:
                await write.bus.execute(GrantRole(account_id=who.account_id, plan="user", admin=True), actor=SYSTEM)
            rest = httpx.AsyncClient(base_url=server.origin, headers=who.headers, timeout=30)
            return Person(who, await stack.enter_async_context(rest))

        yield met


async def heard(client: Client, feed: str, last: str) -> list[dict[str, Any]]:
    """Follow a feed from its beginning to an event of this type."""
    assert (await client.subscribe(feed, after=0))["op"] == "subscribed"
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != last:
        message = await client.hear()
        if message["op"] == "event":
            events.append(message)
    return events


async def test_two_accounts_bring_the_same_contract(server: Server, meet: Meet) -> None:
    shared = server.environ["ANALYSIS_SHARING"] == "shared"
    content = f"{CONTRACT}{time.time_ns()}\n".encode()
    ann, bob = await meet(), await meet()
    asked = await ann.send(content)
    feed, result = asked["feed"], f"/api/analyses/{asked['analysis_id']}/result"
    async with await open_socket(server, ann.who) as hers, await open_socket(server, bob.who) as his:
        events = await heard(hers, feed, "job.completed")
        types = [event["type"] for event in events]
        assert types[:3] == ["analysis.requested", "analysis.attached", "job.queued"]
        assert {"job.started", "job.phase_entered", "analysis.completed"} <= set(types)
        found = await ann.get(result)
        assert {fact["field"] for fact in found["facts"]} == {"party", "company_id", "amount"}
        assert "retention" in found["missing"]

        refusal = await his.subscribe(feed)
        assert refusal["problem"]["code"] == "analysis.unknown"
        assert await bob.refused("GET", result) == (404, "analysis.unknown")
        detach = {"account_id": str(bob.who.account_id), "analysis_id": asked["analysis_id"]}
        for name in ("analysis.detach", "analysis.retry"):
            assert await bob.refused("POST", f"/api/commands/{name}", json=detach) == (404, "analysis.unknown")

        second = await bob.send(content)
        assert (second["analysis_id"] == asked["analysis_id"]) is shared
        assert second["content_hash"] == asked["content_hash"]
        if shared:
            assert (await bob.get(result)) == found
        again = await heard(his, second["feed"], "analysis.completed")
        assert len([event for event in again if event["type"] == "analysis.requested"]) == 1

        await bob.rest.post("/api/commands/analysis.detach", json=detach | {"analysis_id": second["analysis_id"]})
        assert (await his.until("unsubscribed", feed=second["feed"]))["code"] == "forbidden"
        assert await bob.refused("GET", f"/api/analyses/{second['analysis_id']}/result") == (404, "analysis.unknown")
        assert (await ann.get(result)) == found


async def test_documents_are_analysed_over_the_socket_under_the_same_policy(server: Server, meet: Meet) -> None:
    content = f"{CONTRACT}{time.time_ns()}\n".encode()
    ann, bob, carol = [await meet() for _ in range(3)]
    project_id = await ann.who.project()
    await ann.who.invite(project_id, bob.who)
    answer = await ann.rest.post(f"/api/projects/{project_id}/documents", files={"file": ("c.txt", content)})
    named = {"kind": "contract", "project_id": str(project_id), "document_id": answer.json()["document_id"]}
    async with await open_socket(server, bob.who) as his, await open_socket(server, carol.who) as hers:
        for client, who in ((his, bob), (hers, carol)):
            body = {**named, "account_id": str(who.who.account_id), "content_hash": "0" * 64}
            await client.say(op="command", id=1, command={"type": "analysis.request", **body})
        receipt = (await his.until("result", id=1))["result"]
        assert (await hers.until("error", id=1))["problem"]["code"] == "project.unknown"
        events = await heard(his, receipt["feed"], "analysis.completed")
        assert events[0]["data"]["content_hash"] == answer.json()["content_hash"]
    assert (await bob.send(content))["feed"] == receipt["feed"]


async def test_a_scan_is_answered_with_what_to_do_and_can_be_retried(server: Server, meet: Meet) -> None:
    ann = await meet()
    asked = await ann.send(bytes(range(32)) * 9 + str(time.time_ns()).encode(), "property")
    ids = {"account_id": str(ann.who.account_id), "analysis_id": asked["analysis_id"]}
    async with await open_socket(server, ann.who) as client:
        events = await heard(client, asked["feed"], "analysis.failed")
        assert events[-1]["data"]["error_code"] == "unreadable.no_text"
        answer = await ann.rest.post("/api/commands/analysis.retry", json=ids)
        assert answer.status_code == 201
        assert (await client.until("event", type="analysis.failed"))["data"]["job_id"] != events[-1]["data"]["job_id"]
        refusal = await ann.refused("GET", f"/api/analyses/{asked['analysis_id']}/result")
        assert refusal == (409, "analysis.not_ready")
        told: list[Any] = []
        while not told:
            told = (await ann.get("/api/notifications", kind="analysis_failed"))["items"]
    assert (told[0]["subject"], told[0]["project_id"]) == (asked["analysis_id"], None)


async def test_a_clean_up_is_a_command_over_the_socket_too_and_its_end_is_told(server: Server, meet: Meet) -> None:
    admin = await meet(admin=True)
    account_id = str(admin.who.account_id)
    async with await open_socket(server, admin.who) as client:
        command = {"type": "cache.clean_up", "account_id": account_id, "unused_days": 30}
        await client.say(op="command", id=1, command=command)
        receipt = (await client.until("result", id=1))["result"]
        assert receipt["feed"] == f"account:{account_id}"
        events = await heard(client, receipt["feed"], "cache.cleaned_up")
        started = next(event["data"] for event in events if event["type"] == "cache.clean_up_requested")
        assert started["clean_up_id"] == receipt["result"]["clean_up_id"] == events[-1]["data"]["clean_up_id"]
        assert (events[-1]["data"]["contracts"], events[-1]["data"]["properties"]) == (0, 0)
        assert {"job.queued", "job.started"} <= {event["type"] for event in events}


async def test_administrators_see_and_clean_up_the_caches(server: Server, write: WriteSide, meet: Meet) -> None:
    ann, admin = await meet(), await meet(admin=True)
    asked = await ann.send(f"{CONTRACT}{time.time_ns()}\n".encode())
    async with await open_socket(server, ann.who) as client:
        events = await heard(client, asked["feed"], "job.completed")
        assert await ann.refused("GET", "/api/admin/cache/stats") == (403, "cache.administrators_only")
        assert await ann.refused("POST", "/api/admin/cache/clean_up") == (403, "forbidden")
        wish = {"account_id": str(ann.who.account_id), "unused_days": 0}
        assert await ann.refused("POST", "/api/commands/cache.clean_up", json=wish) == (403, "forbidden")
        assert await admin.refused("POST", "/api/commands/cache.clean_up", json=wish) == (403, "cache.not_yourself")
        position = (await write.bus.states.get(f"analysis:{asked['analysis_id']}", fresh=True)).position
        stats = await admin.get("/api/admin/cache/stats", after=position)
        assert stats["contracts"]["total"] >= 1
        assert stats["contracts"]["last_updated"] >= events[0]["at"]
        both = stats["contracts"]["misses"] + stats["properties"]["misses"]
        assert (stats["efficiency"]["misses"], stats["efficiency"]["saved"]) == (both, stats["efficiency"]["hits"])
        spared = await admin.rest.post("/api/admin/cache/clean_up", json={"unused_days": 1})
        assert spared.json() == {"data": {"contracts": 0, "properties": 0}}
        key = {"idempotency-key": str(uuid4())}
        cleaned = (await admin.rest.post("/api/admin/cache/clean_up", json={"unused_days": 0}, headers=key)).json()
        again = await admin.rest.post("/api/admin/cache/clean_up", json={"unused_days": 0}, headers=key)
        assert again.json() == cleaned
        assert cleaned["data"]["contracts"] >= 1
        assert set(cleaned) == {"data"}
        assert set(cleaned["data"]) == {"contracts", "properties"}
        assert (await client.until("unsubscribed", feed=asked["feed"]))["code"] == "forbidden"
    position = (await write.bus.states.get(f"analysis:{asked['analysis_id']}", fresh=True)).position
    stats = await admin.get("/api/admin/cache/stats", after=position)
    assert stats["contracts"]["total"] == 0
    assert await ann.refused("GET", f"/api/analyses/{asked['analysis_id']}/result") == (404, "analysis.unknown")
    again = await ann.rest.post(
        "/api/commands/analysis.retry",
        json={"account_id": str(ann.who.account_id), "analysis_id": asked["analysis_id"]},
    )
    assert UUID(again.json()["feed"].partition(":")[2]) == UUID(asked["analysis_id"])
