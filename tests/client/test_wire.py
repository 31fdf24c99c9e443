"""Both wire formats: what is said is understood, and nothing that comes can break the client."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline_client.answers import Unknown
from plumbline_client.messages import CaughtUp, Subscribe
from plumbline_client.packed import bounds
from plumbline_client.wire import JSON, MSGPACK, Format
from tests.client.meeting import Seen, meeting, upto
from tests.transport.socket_world import Server, Somebody, ann, server, write

__all__ = ["ann", "server", "write"]
FORMATS = pytest.mark.parametrize("form", [JSON, MSGPACK], ids=lambda form: form.subprotocol)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
    | st.sampled_from([b"x" * 65536, "x" * 65536])
    | st.builds(
        msgspec.msgpack.Ext, st.integers(-128, 127).filter(lambda code: code != TIMESTAMP), st.binary(max_size=300)
    ),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=20,
)

TIMESTAMP = -1
"""The code of the one extension that MessagePack itself defines: it is decoded as a time, if it is one."""


@given(st.lists(VALUES, max_size=5))
def test_concatenated_values_are_found_again(values: list[Any]) -> None:
    frame = b"".join(map(msgspec.msgpack.encode, values))
    assert [msgspec.msgpack.decode(frame[start:end]) for start, end in bounds(frame)] == values


@FORMATS
@given(frame=st.binary(max_size=200) | st.text(max_size=200))
def test_no_frame_breaks_the_client(form: Format, frame: bytes | str) -> None:
    assert all(isinstance(each, Unknown) for each in form.decode(frame))


@FORMATS
def test_what_is_not_understood_leaves_its_neighbours_alone(form: Format) -> None:
    encode = msgspec.json.encode if form is JSON else msgspec.msgpack.encode
    told = [{"op": "caught_up", "feed": "f", "sequence": 3}, {"op": "sing"}, {"op": "caught_up", "feed": "f"}]
    first, *others = form.decode(form.join([encode(each) for each in told]))
    assert first == CaughtUp(feed="f", sequence=3)
    assert all(isinstance(each, Unknown) for each in others)
    said = form.encode(Subscribe(id=1, feed="f", epoch=UUID(int=1)))
    assert form.read(said, Any) == {"op": "subscribe", "id": 1, "feed": "f", "epoch": str(UUID(int=1))}


@FORMATS
async def test_a_server_understands_it(server: Server, ann: Somebody, form: Format) -> None:
    seen = Seen()
    async with meeting(server, ann, seen, formats=[form]) as client:
        project_id = (await client.command("project.create", name="House")).result["project_id"]
        renamed = await client.command("project.rename", project_id=project_id, name="Barn")
        async with client.feed(renamed.feed, after=0) as feed:
            assert await upto(feed, 2) == [1, 2]
            assert (await client.query("projects.list", limit=1)).body["items"] == []  # nobody projects here
            late = await client.command("project.rename", project_id=project_id, name="Shed")
            assert await upto(feed, late.sequence) == [3]
    assert seen.reports == []
