"""PostgreSQL arrays in their binary form, encoded in one go: a batch has thousands of elements.

psycopg looks up a dumper for every element of a list; here the caller knows the type of all of them.
"""

from collections.abc import Iterable, Sequence
from struct import Struct, pack
from uuid import UUID

from psycopg import postgres
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEADER = Struct("!iiIii")
EMPTY = Struct("!iiI")
LENGTH = Struct("!i")
NULL = LENGTH.pack(-1)


class Array(bytes):
    """One encoded array; each element type has a subclass, so that psycopg announces the right type."""

    __slots__ = ()


class TextArray(Array):
    """`text[]`."""


class ByteaArray(Array):
    """`bytea[]`."""


class UuidArray(Array):
    """`uuid[]`."""


class IntegerArray(Array):
    """`integer[]`."""


class BigintArray(Array):
    """`bigint[]`."""


def texts(values: Sequence[str]) -> TextArray:
    """Encode `text[]`; a NUL in a value is refused by the server."""
    return TextArray(_variable(TEXT, len(values), [value.encode() for value in values]))


def byteas(values: Sequence[bytes | None]) -> ByteaArray:
    """Encode `bytea[]`; `None` is NULL."""
    return ByteaArray(_variable(BYTEA, len(values), values))


def uuids(values: Sequence[UUID | None]) -> UuidArray:
    """Encode `uuid[]`; `None` is NULL."""
    return UuidArray(_variable(UUID_, len(values), [value and value.bytes for value in values]))


def integers(values: Sequence[int]) -> IntegerArray:
    """Encode `integer[]`."""
    return IntegerArray(_fixed(INTEGER, "i", values))


def bigints(values: Sequence[int]) -> BigintArray:
    """Encode `bigint[]`."""
    return BigintArray(_fixed(BIGINT, "q", values))


def _variable(element_oid: int, count: int, values: Iterable[bytes | None]) -> bytes:
    if not count:
        return EMPTY.pack(0, 0, element_oid)
    parts = [HEADER.pack(1, 1, element_oid, count, 1)]
    length = LENGTH.pack
    for value in values:
        if value is None:
            parts.append(NULL)
        else:
            parts += (length(len(value)), value)
    return b"".join(parts)


def _fixed(element_oid: int, code: str, values: Sequence[int]) -> bytes:
    if not values:
        return EMPTY.pack(0, 0, element_oid)
    size = 4 if code == "i" else 8
    interleaved = [size, 0] * len(values)
    interleaved[1::2] = values
    return HEADER.pack(1, 0, element_oid, len(values), 1) + pack("!" + ("i" + code) * len(values), *interleaved)


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


def _element(name: str, array: type[Array]) -> int:
    """Teach psycopg to send `array` as it is; answer the oid of its elements."""
    info = postgres.types[name]
    dumper = type(f"{array.__name__}Dumper", (_ArrayDumper,), {"oid": info.array_oid})
    _dumpers.append((array, dumper))
    return info.oid


_dumpers: list[tuple[type[Array], type[Dumper]]] = []
TEXT = _element("text", TextArray)
BYTEA = _element("bytea", ByteaArray)
UUID_ = _element("uuid", UuidArray)
INTEGER = _element("int4", IntegerArray)
BIGINT = _element("int8", BigintArray)


def register(context: AdaptContext) -> None:
    """Let a connection send these arrays."""
    for array, dumper in _dumpers:
        context.adapters.register_dumper(array, dumper)
