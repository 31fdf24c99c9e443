"""What was ever stored can be read, and loses nothing: one sample of each event type in `tests/golden/events.jsonl`."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.core import Event
from domain.registry import EVENTS, name_of
from eventstore.types import EventTypes, Undecodable, golden_samples
from tests.golden.samples import GOLDEN, add_lines, lines_to_add, paths, sample

TYPES: EventTypes[Event] = EventTypes(EVENTS)
SAMPLES = golden_samples(GOLDEN)


def keeps(kept: Any, stored: Any) -> bool:
    """Tell whether everything stored is there; new fields may stand beside it."""
    match stored:
        case dict():
            return isinstance(kept, dict) and all(key in kept and keeps(kept[key], stored[key]) for key in stored)
        case list():
            return isinstance(kept, list) and len(kept) == len(stored) and all(map(keeps, kept, stored))
        case _:
            return type(kept) is type(stored) and kept == stored


@pytest.mark.parametrize(("name", "data"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_a_stored_event_is_read_without_loss(name: str, data: bytes) -> None:
    _, present = TYPES.upcast(name, data)
    read = msgspec.json.decode(TYPES.encode(TYPES.decode(name, data)).data)
    assert keeps(read, msgspec.json.decode(present))


def test_every_event_type_has_a_sample_with_all_its_fields() -> None:
    missing = [msgspec.json.decode(line)["type"] for line in lines_to_add(GOLDEN)]
    assert not missing, f"{missing} lack a sample with every field: add them by `python -m tests.golden`"


@pytest.mark.parametrize("event", EVENTS.values(), ids=name_of)
def test_a_sample_sets_every_field(event: type[Event]) -> None:
    read = msgspec.convert(sample(event), event)
    unset = [field.name for field in msgspec.structs.fields(event) if getattr(read, field.name) == field.default]
    assert not unset
    assert keeps(msgspec.json.decode(TYPES.encode(read).data), sample(event))


def test_lines_are_added_and_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    old = [line for line in GOLDEN.read_bytes().splitlines(keepends=True) if b'"position.edited"' not in line]
    path.write_bytes(b"".join(old))
    added = add_lines(path)
    assert [msgspec.json.decode(line)["type"] for line in added] == ["position.edited"]
    assert path.read_bytes() == b"".join(old) + added[0] + b"\n"
    assert add_lines(path) == []


def test_a_new_field_asks_for_a_new_sample(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [msgspec.json.decode(line) for line in GOLDEN.read_bytes().splitlines()]
    for line in lines:
        if line["type"] == "position.added":
            del line["data"]["position"]["source_sheet"]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    assert [msgspec.json.decode(line)["type"] for line in lines_to_add(path)] == ["position.added"]


def test_a_sample_that_is_not_read_as_it_stands_is_noticed() -> None:
    stored = sample(EVENTS["position.moved"])
    assert not keeps({**stored, "rank": stored["rank"] + 1}, stored)
    assert not keeps({key: value for key, value in stored.items() if key != "section"}, stored)
    assert not keeps({**stored, "section": []}, stored)
    assert not keeps({**stored, "rank": str(stored["rank"])}, stored)
    with pytest.raises(Undecodable):
        TYPES.decode("position.moved", msgspec.json.encode({**stored, "rank": "first"}))


def test_a_place_in_a_sample_is_named_by_the_way_to_it() -> None:
    assert sorted(paths({"a": [{"b": 1}, {"b": 2, "c": {}}], "d": None})) == [".a[].b", ".a[].b", ".d"]


def test_a_type_that_no_sample_can_be_made_of_is_named() -> None:
    odd = msgspec.defstruct("Odd", [("share", float)], bases=(Event,), tag="odd.happened")
    with pytest.raises(TypeError, match=r"no sample for 'share': teach tests/golden/samples.py to make a FloatType"):
        sample(odd)
