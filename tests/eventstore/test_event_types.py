"""Event types: bytes and back, old names, and what must fail at construction."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from eventstore.types import EventTypes, Undecodable, UnknownType, golden_samples


class Happening(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A family of events."""


class Opened(Happening, frozen=True, kw_only=True, tag="box.opened"):
    box_id: UUID
    name: str
    price: Decimal | None = None


class Closed(Happening, frozen=True, kw_only=True, tag="box.closed"):
    """No fields at all."""


class Sparse(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="box.sparse"):
    note: str = ""


TYPES: EventTypes[Happening] = EventTypes({"box.opened": Opened, "box.closed": Closed, "box.sparse": Sparse})
EVENTS = st.one_of(
    st.builds(
        Opened, box_id=st.uuids(), name=st.text(), price=st.none() | st.decimals(allow_nan=False, allow_infinity=False)
    ),
    st.builds(Closed),
    st.builds(Sparse, note=st.text()),
)


@given(EVENTS)
def test_an_event_comes_back_as_it_was(event: Happening) -> None:
    stored = TYPES.encode(event)
    assert TYPES.decode(stored.type, stored.data) == event


def test_the_tag_is_not_stored_twice() -> None:
    box_id = UUID(int=1)
    stored = TYPES.encode(Opened(box_id=box_id, name="type", price=Decimal("1.50")))
    assert stored.type == "box.opened"
    assert stored.data == b'{"box_id":"%s","name":"type","price":"1.50"}' % str(box_id).encode()
    assert TYPES.encode(Closed()).data == TYPES.encode(Sparse()).data == b"{}"


def test_fields_that_were_added_with_a_default_may_be_missing() -> None:
    stored = b'{"box_id":"%s","name":"n"}' % str(UUID(int=1)).encode()
    assert TYPES.decode("box.opened", stored) == Opened(box_id=UUID(int=1), name="n")


def test_what_cannot_be_decoded_says_so() -> None:
    with pytest.raises(UnknownType, match=r"box\.lost"):
        TYPES.decode("box.lost", b"{}")
    with pytest.raises(Undecodable, match=r"box\.opened.*box_id"):
        TYPES.decode("box.opened", b"{}")
    with pytest.raises(Undecodable):
        TYPES.decode("box.closed", b"{")


def test_an_unannounced_struct_cannot_be_encoded() -> None:
    with pytest.raises(UnknownType, match="Opened"):
        EventTypes[Happening]({"box.closed": Closed}).encode(Opened(box_id=UUID(int=1), name=""))


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "name": fields["label"]}


def _priced(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "price": "0"}


UPCASTS = {"crate.unlocked": ("crate.opened", _renamed), "crate.opened": ("box.opened", _priced)}


def test_old_names_are_followed_to_the_present_one() -> None:
    types: EventTypes[Happening] = EventTypes({"box.opened": Opened}, UPCASTS)
    stored = b'{"box_id":"%s","label":"n"}' % str(UUID(int=1)).encode()
    event = types.decode("crate.unlocked", stored)
    assert event == Opened(box_id=UUID(int=1), name="n", price=Decimal(0))
    with pytest.raises(Undecodable, match="label"):
        types.decode("crate.unlocked", b"{}")
    assert types.upcast("box.opened", stored) == ("box.opened", stored)


def test_names_that_lead_nowhere_or_twice_fail_at_construction() -> None:
    with pytest.raises(ValueError, match="has the tag"):
        EventTypes[Happening]({"box.open": Opened})
    with pytest.raises(ValueError, match="both present and old"):
        EventTypes[Happening]({"box.opened": Opened}, {"box.opened": ("box.opened", dict)})
    with pytest.raises(ValueError, match="leads nowhere: a → b"):
        EventTypes[Happening]({"box.opened": Opened}, {"a": ("b", dict)})
    with pytest.raises(ValueError, match="leads nowhere: a → b → a"):
        EventTypes[Happening]({"box.opened": Opened}, {"a": ("b", dict), "b": ("a", dict)})


def test_golden_samples_are_stored_types_and_bytes(tmp_path: Path) -> None:
    golden = tmp_path / "events.jsonl"
    golden.write_text('{"type":"box.closed","data":{}}\n\n{"type":"box.sparse","data":{"note":"a b"}}\n')
    samples = golden_samples(golden)
    assert samples == [("box.closed", b"{}"), ("box.sparse", b'{"note":"a b"}')]
    assert [structs.asdict(TYPES.decode(*sample)) for sample in samples] == [{}, {"note": "a b"}]
