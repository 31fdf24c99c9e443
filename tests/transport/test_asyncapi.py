"""The socket is what its AsyncAPI document says: the document holds together, and real traffic fits it."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import httpx
import jsonschema_rs
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection

from domain.registry import EVENTS
from runtime.embedded import Embedded
from runtime.ids import new_id
from tests.transport.socket_world import (
    Client,
    Server,
    Somebody,
    ann,
    dial,
    running_server,
    subprotocol,
    write,
)
from tests.transport.test_socket_tickets import ticket
from transport.gateway.asyncapi import SAID, TOLD, document, op_of
from transport.gateway.socket_closing import CLOSINGS
from transport.gateway.socket_formats import MSGPACK

__all__ = ["ann", "subprotocol", "write"]
DOCUMENT = document()
REFUSED = {"Problem"}
"""Schemas whose objects may have members of their own."""


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that pings at once."""
    with running_server(
        servers, migrated_template, tmp_path_factory.mktemp("server"), HEARTBEAT_INTERVAL="0.5"
    ) as running:
        yield running


def at(reference: str) -> Any:
    """Resolve a reference inside the document."""
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(within: Any) -> Iterator[str]:
    match within:
        case {"$ref": str() as reference}:
            yield reference
        case dict():
            for each in within.values():
                yield from references(each)
        case list():
            for each in within:
                yield from references(each)
        case _:
            pass


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        assert isinstance(at(reference), dict), reference


def test_it_has_what_asyncapi_3_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= server.keys()
        named = set(re.findall(r"\{(\w+)\}", server["host"]))
        assert named == server["variables"].keys()
    (channel,) = DOCUMENT["channels"].values()
    assert channel["address"] == "/api/ws"
    assert channel["messages"].keys() == DOCUMENT["components"]["messages"].keys()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert at(operation["channel"]["$ref"]) is channel
        replies = operation.get("reply", {"messages": []})["messages"]
        for message in (*operation["messages"], *replies):
            assert message["$ref"].startswith("#/channels/socket/messages/")
    for names in (DOCUMENT["channels"], DOCUMENT["operations"], *DOCUMENT["components"].values()):
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)


def test_schemas_are_of_the_draft_that_asyncapi_reads() -> None:
    text = json.dumps(DOCUMENT)
    assert not re.search(r'"(prefixItems|\$defs|unevaluatedProperties|dependentRequired)":', text)
    assert not re.search(r'"discriminator": \{', text)
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "http://json-schema.org/draft-07/schema#", **schema})


def test_every_message_close_code_and_event_is_in_it() -> None:
    (channel,) = DOCUMENT["channels"].values()
    assert {each.__name__ for each in (*SAID, *TOLD)} == channel["messages"].keys()
    assert [each["code"] for each in channel["x-close-codes"]] == [each.code for each in CLOSINGS]
    told = {each["properties"]["type"]["const"] for each in at("#/components/schemas/EventFrame")["oneOf"]}
    assert told == set(EVENTS)


def test_it_is_served_and_linked(server: Server) -> None:
    assert httpx.get(f"{server.origin}/api/asyncapi.json").json() == json.loads(json.dumps(DOCUMENT))
    assert "/api/asyncapi.json" in httpx.get(f"{server.origin}/api/docs").text


def closed_validator(name: str) -> jsonschema_rs.Draft7Validator:
    """Check against a message's schema, and that it names every member."""
    components = json.loads(json.dumps(DOCUMENT["components"]))
    for component, schema in components["schemas"].items():
        if "properties" in schema and component not in REFUSED:
            schema.setdefault("additionalProperties", False)
    schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "components": components}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


VALID_SAID = {op_of(each): closed_validator(each.__name__) for each in SAID}
VALID_TOLD = {op_of(each): closed_validator(each.__name__) for each in TOLD}


class Tapped:
    """A connection with everything that passed over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.said: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def send(self, frame: str | bytes) -> None:
        self.said += messages(frame)
        await self._connection.send(frame)

    async def recv(self) -> str | bytes:
        frame = await self._connection.recv()
        self.told += messages(frame)
        return frame


def messages(frame: str | bytes) -> list[dict[str, Any]]:
    lines = MSGPACK.read(frame) if isinstance(frame, bytes) else frame.split("\n")
    return [msgspec.json.decode(line) for line in lines]


async def tapped(server: Server, headers: dict[str, str] | None = None) -> tuple[Client, Tapped]:
    client = await dial(server, headers)
    tap = Tapped(client.connection)
    client.connection = cast("ClientConnection", tap)
    return client, tap


async def converse(server: Server, ann: Somebody) -> Tapped:
    """Say everything that can be said, and hear everything that can be told."""
    project_id = await ann.project()
    feed, head = f"project:{project_id}", await ann.add(project_id, count=3)
    client, tap = await tapped(server)
    async with client:
        await client.say(op="auth", ticket=await ticket(server, ann.headers, json={}))
        await client.until("welcome")
        await client.say(op="auth", id="renewed", token=ann.token)
        await client.until("signed_in", id="renewed")
        await client.subscribe(feed, after=0, window=50)
        for sequence in range(1, head + 1):
            await client.until("event", sequence=sequence)
            await client.say(op="ack", feed=feed, sequence=sequence)
        await client.until("caught_up")
        await client.say(op="presence", feed=feed, state={"at": "position 3"})
        await client.until("presence")
        await report(client, str(project_id))
        await client.say(op="query", id="q", query={"type": "projects.list", "limit": 5})
        await client.until("result", id="q")
        renaming = {"type": "project.rename", "project_id": str(new_id()), "name": "Somebody else's"}
        await client.say(op="command", id="c", command=renaming)
        await client.until("error", id="c")
        await client.say(op="unsubscribe", id="u", feed=feed)
        await client.until("unsubscribed")
        await client.say(op="subscribe", id="r", feed=feed, after=9_999)
        await client.until("reset")
        await client.subscribe(feed, types=["audit.*"])
        await ann.add(project_id)
        await client.until("advanced")
        await client.say(op="ping", t=1.5)
        await client.until("pong")
        while not any(each["op"] == "pong" for each in tap.said):
            client.waiting += messages(await tap.recv())
            while client.waiting:
                await client.hear()
        for _ in range(3):
            await client.connection.send(MSGPACK.write(b"{}") if client.packed else "{}")
        bye, code = await client.farewell()
        assert bye["code"] == code == 4400
    return tap


async def report(client: Client, project_id: str) -> None:
    """Report of an operation, so that there is progress."""
    ids = {"project_id": project_id, "operation_id": str(new_id())}
    opening = {"type": "operation.open", **ids, "job_id": str(new_id()), "name": "Assembly"}
    await client.say(op="command", id=1, command=opening, command_id=str(new_id()))
    await client.until("result", id=1)
    for number, phase in enumerate(("material_apply_start", "material_apply_progress"), 2):
        step = {"type": "operation.report_step", **ids, "event_id": number, "phase": phase, "items_done": number}
        await client.say(op="command", id=number, command=step)
    await client.until("progress")


async def test_a_real_conversation_is_as_described(server: Server, ann: Somebody, subprotocol: str) -> None:
    del subprotocol
    tap = await converse(server, ann)
    said = [each for each in tap.said if each]
    for message in said:
        VALID_SAID[message["op"]].validate(message)
    for message in tap.told:
        VALID_TOLD[message["op"]].validate(message)
    assert {each["op"] for each in said} == set(VALID_SAID)
    assert {each["op"] for each in tap.told} == set(VALID_TOLD)
    answered = {each["id"]: each["op"] for each in tap.told if each.get("id") is not None}
    for message in said:
        if message.get("id") in answered:
            replies = DOCUMENT["operations"][f"receive.{message['op']}"]["reply"]["messages"]
            assert answered[message["id"]] in {at(at(each["$ref"])["$ref"])["name"] for each in replies}


@pytest.mark.parametrize(
    ("valid", "op", "change"),
    [
        (VALID_SAID, "subscribe", {"feed": 7}),
        (VALID_SAID, "command", {"command": {"type": "project.create", "colour": "red"}}),
        (VALID_TOLD, "event", {"type": "position.never_was"}),
        (VALID_TOLD, "progress", {"event_id": "3"}),
        (VALID_TOLD, "bye", {"secret": 1}),
    ],
)
def test_what_is_otherwise_is_found(valid: dict[str, Any], op: str, change: dict[str, Any]) -> None:
    good = {
        "subscribe": {"id": 1, "feed": "account:x"},
        "command": {"id": 1, "command": {"type": "project.create", "name": "House"}},
        "event": {
            "feed": "project:x",
            "sequence": 1,
            "position": 1,
            "type": "project.renamed",
            "at": "2026-01-01T00:00:00Z",
            "actor": "",
            "data": {"project_id": str(new_id()), "name": "House"},
        },
        "progress": {"feed": "f", "type": "job.progress", "job_id": str(new_id()), "event_id": 3, "phase": "reading"},
        "bye": {"code": 4012, "reason": "draining", "reconnect": True, "retry_after_ms": 1},
    }[op] | {"op": op}
    valid[op].validate(good)
    assert not valid[op].is_valid(good | change)
