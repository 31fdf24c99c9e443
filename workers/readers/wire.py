"""What a reading process and its parent say to each other: MessagePack messages, each behind its length.

A bill crosses in pieces, so that the parent never decodes more than some milliseconds' worth at a time.
"""

import struct
from collections import deque
from collections.abc import Iterator
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.bill import Bill, BillItem, BillSection, Skipped
from domain.extraction import Extraction
from workers.readers.unreadable import Code

Wanted = Literal["bill", "prices", "contract", "property"]
"""What a file is to be read as."""
T = TypeVar("T")
LENGTH = struct.Struct(">I")
PIECE = 1000


class Request(Struct, frozen=True):
    """The parent's only message; `size` bytes of the file follow it."""

    size: int
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    open_files: int
    wants: Wanted = "bill"


class Piece(Struct, frozen=True, tag=True, omit_defaults=True):
    """Some items, sections or skipped rows of the bill, in order."""

    items: tuple[BillItem, ...] = ()
    sections: tuple[BillSection, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class Done(Struct, frozen=True, tag=True):
    """The end: the bill without what went ahead in pieces."""

    bill: Bill


class Extracted(Struct, frozen=True, tag=True):
    """The end: what a paper says that is no bill."""

    extraction: Extraction


class Failed(Struct, frozen=True, tag=True):
    """The end: no bill, and why."""

    code: Code
    detail: str


Answer = Piece | Done | Extracted | Failed


def frame(message: Request | Answer) -> bytes:
    """Encode a message behind its length."""
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


def answers(bill: Bill) -> Iterator[Answer]:
    """Take a bill apart into messages, letting go of what was taken: the other side builds it up meanwhile."""
    rest = replace(bill, items=(), sections=(), skipped=())
    items, sections, skipped = deque(bill.items), deque(bill.sections), deque(bill.skipped)
    del bill
    while items:
        yield Piece(items=_taken(items))
    while sections:
        yield Piece(sections=_taken(sections))
    while skipped:
        yield Piece(skipped=_taken(skipped))
    yield Done(rest)


def _taken(waiting: deque[T]) -> tuple[T, ...]:
    return tuple(waiting.popleft() for _ in range(min(PIECE, len(waiting))))


def whole(pieces: list[Piece], rest: Bill) -> Bill:
    """Put a bill together again."""
    return replace(
        rest,
        items=tuple(item for piece in pieces for item in piece.items),
        sections=tuple(section for piece in pieces for section in piece.sections),
        skipped=tuple(row for piece in pieces for row in piece.skipped),
    )
