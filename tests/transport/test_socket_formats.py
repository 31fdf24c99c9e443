import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.errors import MalformedJson
from transport.gateway.socket_formats import BINARY, JSON, MSGPACK, TEXT, Text, framed

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(min_size=200, max_size=300)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=30,
)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_messages_written_one_after_another_are_read_one_by_one(values: list[Any]) -> None:
    payload = b"".join(map(msgspec.msgpack.encode, values))
    assert list(MSGPACK.read(payload)) == [msgspec.json.encode(value) for value in values]


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_both_formats_tell_the_same(values: list[Any]) -> None:
    lines = [msgspec.json.encode(value) for value in values]
    assert list(MSGPACK.read(MSGPACK.write(b"\n".join(lines)))) == lines
    assert list(JSON.read(JSON.write(b"\n".join(lines)))) == lines


@pytest.mark.parametrize(
    "value",
    [
        b"\xc4\x02ab",  # bytes
        b"\xdc\x00\x10" + b"\x01" * 16,  # an array of 16
        b"\xdd\x00\x00\x00\x02\x01\x02",
        b"\xde\x00\x01\xa1a\x01",
        b"\xdf\x00\x00\x00\x01\xa1a\xc0",
        b"\xd9\x03abc",
        b"\xda\x00\x03abc",
        b"\xdb\x00\x00\x00\x03abc",
        b"\xd2\x00\x00\x00\x01",
        b"\xca\x3f\x80\x00\x00",
        b"\xc5\x00\x01a",
        b"\xc6\x00\x00\x00\x01a",
        b"\xd6\xff\x00\x00\x00\x00",  # a time
        b"\xd7\xff" + bytes(8),
        b"\xc7\x0c\xff" + bytes(12),
    ],
)
def test_every_kind_of_value_is_as_long_as_it_is(value: bytes) -> None:
    assert list(MSGPACK.read(value + b"\x07")) == [msgspec.json.encode(msgspec.msgpack.decode(value)), b"7"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",  # never used
        b"\x81\xa1a",  # cut off
        b"\xa5ab",
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xa1\xff",  # not UTF-8
        b"\xd4\x01\x00",  # an extension that nobody knows
        b"\x91" * 60_000 + b"\x01",  # deep
    ],
)
def test_what_is_no_messagepack_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedJson):
        list(MSGPACK.read(payload))


def test_what_came_before_the_nonsense_is_read() -> None:
    lines = MSGPACK.read(b"\x01\xc1")
    assert next(lines) == b"1"
    with pytest.raises(MalformedJson):
        next(lines)


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f" + struct.pack("!Q", 65_536)),
    ],
)
def test_frames_have_the_headers_of_rfc_6455(size: int, header: bytes) -> None:
    assert framed(TEXT, b"x" * size) == header + b"x" * size


def test_a_frame_is_made_once_for_all_sockets_of_a_format() -> None:
    text = Text(b'{"a":1}\n{"b":2}', 2)
    assert text.messages == 2
    assert text.frame(JSON) is text.frame(JSON)
    assert text.frame(JSON) == framed(TEXT, b'{"a":1}\n{"b":2}')
    assert text.frame(MSGPACK) is text.frame(MSGPACK)
    assert text.frame(MSGPACK) == framed(BINARY, b"\x81\xa1a\x01\x81\xa1b\x02")
