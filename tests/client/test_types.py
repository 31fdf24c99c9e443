"""What the client knows of the server is what the server is."""

from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import msgspec
import pytest

from domain.registry import EVENTS as STORED
from domain.registry import PERSONAL_FIELDS
from plumbline_client.event import typed
from plumbline_client.events import EVENTS, PositionEdited
from plumbline_client.messages import EventFrame, Told
from plumbline_client.queries import address_of
from plumbline_client.wire import JSON
from projections.queries import QUERIES
from transport import client_messages, client_types
from transport.gateway import socket_messages
from transport.rest.query_door import PATHS

REPOSITORY = Path(__file__).parents[2]
SAMPLES = (REPOSITORY / "tests/golden/events.jsonl").read_bytes().splitlines()


def test_the_types_are_generated_from_the_server() -> None:
    client = REPOSITORY / "clients/python/plumbline_client"
    assert (client / "events.py").read_text() == client_types.module(), "run: make types"
    assert (client / "messages.py").read_text() == client_messages.module(), "run: make types"


def test_every_message_that_the_server_tells_is_known() -> None:
    frames = ("event", "progress")  # which the hub and the workers write
    server = sorted([*frames, *(str(each.__struct_config__.tag) for each in get_args(socket_messages.Told))])
    assert sorted(str(each.__struct_config__.tag) for each in get_args(Told)) == server


def test_every_event_ever_stored_reads_alike_on_both_sides() -> None:
    told = 0
    for line in SAMPLES:
        sample = msgspec.json.decode(line)
        stored = STORED.get(sample["type"])
        if stored is None:
            continue  # an old one, upcast before it is told
        here, there = EVENTS[sample["type"]], msgspec.convert(sample["data"], stored, strict=False)
        assert here.__struct_fields__ == stored.__struct_fields__
        hidden = dict.fromkeys(PERSONAL_FIELDS.get(stored, ()))
        known = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(there) | hidden), type=here)
        assert msgspec.convert(sample["data"] | hidden, here) == known
        told += 1
    assert told >= len(STORED)
    assert set(EVENTS) == set(STORED)


def test_every_query_has_its_addresses() -> None:
    for path, name in PATHS.items():
        fields = {field: field.upper() for field in QUERIES[name].__struct_fields__}
        address, rest = address_of({"type": name, **fields})
        assert address.count("/") >= path.count("/")
        assert "{" not in address
        assert set(rest) <= set(fields)
    assert address_of({"type": "projects.list", "limit": 3}) == ("/api/projects", {"limit": 3})
    assert address_of({"type": "versions.diff", "project_id": 1, "a": 2, "b": 3})[0] == "/api/projects/1/versions/2..3"
    with pytest.raises(ValueError, match=r"no address is known for the query 'nothing\.list'"):
        address_of({"type": "nothing.list"})


def frame(name: str, data: Any) -> EventFrame:
    line = {"op": "event", "feed": "f", "sequence": 1, "position": 1, "type": name, "actor": "system", "data": data}
    line["at"] = "2026-01-01T00:00:00+00:00"
    (told,) = JSON.decode(msgspec.json.encode(line).decode())
    assert isinstance(told, EventFrame)
    return told


def test_what_a_newer_server_tells_is_reported_and_handed_on() -> None:
    reports: list[str] = []

    def report(what: str, **_: Any) -> None:
        reports.append(what)

    data = {"project_id": str(uuid4()), "position_id": str(uuid4()), "revision": 2, "changes": {}, "mood": "good"}
    known = typed(frame("position.edited", data), JSON, report)
    assert isinstance(known.data, PositionEdited)
    assert reports == []
    assert typed(frame("position.painted", {"colour": "red"}), JSON, report).data == {"colour": "red"}
    odd = typed(frame("position.edited", {"revision": "two"}), JSON, report)
    assert odd.data == {"revision": "two"}
    assert bytes(odd.raw) == b'{"revision":"two"}'
    assert reports == ["unknown event type", "unexpected event data"]
