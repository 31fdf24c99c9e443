"""PostgreSQL arrays in binary form, glued together from encoded elements.

psycopg would look up a dumper for each element of each list while a batch waits to be sent; here an append
encodes its own elements when it is queued, and a batch only joins them.
"""

from collections.abc import Sequence
from struct import Struct, pack
from typing import TypeVar
from uuid import UUID

from psycopg import postgres
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEADER = Struct("!iiIii")
EMPTY = Struct("!iiI")
LENGTH = Struct("!i")
BIGINT = Struct("!iq")
NULL = LENGTH.pack(-1)


def text(value: str) -> bytes:
    """Encode an element of `text[]`."""
    encoded = value.encode()
    return LENGTH.pack(len(encoded)) + encoded


def bytea(value: bytes | None) -> bytes:
    """Encode an element of `bytea[]`; `None` is NULL."""
    return NULL if value is None else LENGTH.pack(len(value)) + value


def uuid(value: UUID | None) -> bytes:
    """Encode an element of `uuid[]`; `None` is NULL."""
    return NULL if value is None else LENGTH.pack(16) + value.bytes


def bigint(value: int) -> bytes:
    """Encode an element of `bigint[]`."""
    return BIGINT.pack(8, value)


class Array(bytes):
    """An encoded array; one subclass per element type tells psycopg what to announce."""

    __slots__ = ()
    element_oid: int
    array_oid: int

    def __init_subclass__(cls, element: str) -> None:
        """Take the type numbers of `element` from psycopg's registry."""
        info = postgres.types[element]
        cls.element_oid, cls.array_oid = info.oid, info.array_oid


class Texts(Array, element="text"):
    """`text[]`."""


class Byteas(Array, element="bytea"):
    """`bytea[]`."""


class Uuids(Array, element="uuid"):
    """`uuid[]`."""


class Bigints(Array, element="int8"):
    """`bigint[]`."""


class Integers(Array, element="int4"):
    """`integer[]`."""


A = TypeVar("A", bound=Array)


def array(kind: type[A], count: int, elements: Sequence[bytes]) -> A:
    """Join encoded `elements`, each of which may hold several, to an array of `count`."""
    if not count:
        return kind(EMPTY.pack(0, 0, kind.element_oid))
    return kind(b"".join((HEADER.pack(1, 1, kind.element_oid, count, 1), *elements)))


def integers(values: Sequence[int]) -> Integers:
    """Encode `integer[]`."""
    interleaved = [4, 0] * len(values)
    interleaved[1::2] = values
    return array(Integers, len(values), [pack(f"!{len(interleaved)}i", *interleaved)])


def _dumper(kind: type[Array]) -> type[Dumper]:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = kind.array_oid

        def dump(self, obj: Array) -> bytes:
            return obj

    return ArrayDumper


DUMPERS = [(kind, _dumper(kind)) for kind in (Texts, Byteas, Uuids, Bigints, Integers)]


def register(context: AdaptContext) -> None:
    """Let a connection send these arrays."""
    for kind, dumper in DUMPERS:
        context.adapters.register_dumper(kind, dumper)
