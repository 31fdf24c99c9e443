"""What goes into the log and what comes out of it, and why an append may be refused.

The structs cannot form cycles, so they spare the garbage collector (`gc=False`).
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class NewEvent(Struct, frozen=True, gc=False):
    """An event on its way into the log: its permanent name and its JSON as bytes."""

    type: str
    data: bytes


class Write(Struct, frozen=True, gc=False):
    """Events for one stream, which must be at version `expected` (0: does not exist yet)."""

    stream: str
    expected: int
    events: tuple[NewEvent, ...]


class Append(Struct, frozen=True, kw_only=True, gc=False):
    """What is stored whole or not at all: events for one feed, in one or several of its streams.

    `pins` are streams that must be at a version although nothing is written to them. With a `command_id` comes
    `command_hash`, a digest of the command's body: the same id and hash again answers the first receipt.
    """

    feed: str
    writes: tuple[Write, ...]
    pins: tuple[tuple[str, int], ...] = ()
    actor: str
    command_id: UUID | None = None
    command_hash: bytes | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


class Appended(Struct, frozen=True, kw_only=True, gc=False):
    """The receipt: the append lies at `first_position..position`, its last event is number `sequence` of the feed.

    `repeated`: the command had been stored before, and this is its first receipt.
    """

    feed: str
    first_position: int
    position: int
    sequence: int
    recorded_at: datetime
    repeated: bool


class Recorded(Struct, frozen=True, kw_only=True, gc=False):
    """An event as the log holds it."""

    position: int
    feed: str
    sequence: int
    stream: str
    version: int
    type: str
    data: bytes
    actor: str
    command_id: UUID | None
    correlation_id: UUID | None
    causation_id: UUID | None
    recorded_at: datetime


class Lines(Struct, frozen=True, gc=False):
    """Events of a feed, `count` of them from sequence `first` on, as lines joined by newlines."""

    first: int
    count: int
    lines: bytes


class Snapshot(Struct, frozen=True, kw_only=True, gc=False):
    """The state of a stream at a version; of use only to code whose state struct has the same `fingerprint`."""

    stream: str
    version: int
    position: int
    fingerprint: str
    state: bytes


class VersionConflict(Exception):  # noqa: N818 - says what is wrong
    """A stream is not at the version that the append expected; nothing was stored."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        """Name the stream (the first one, if there are several) and both versions."""
        self.stream = stream
        self.expected = expected
        self.actual = actual
        super().__init__(f"{stream} is at version {actual}, not {expected}")


class CommandMismatch(Exception):  # noqa: N818 - says what is wrong
    """The command id was stored before, with another body; nothing was stored now."""

    def __init__(self, command_id: UUID) -> None:
        """Name the command."""
        self.command_id = command_id
        super().__init__(f"command {command_id} was stored with another body")


class AppendUnknown(Exception):  # noqa: N818 - says what is wrong
    """The connection was lost on the way: the append may have been stored, or not."""


class LogUnavailable(Exception):  # noqa: N818 - says what is wrong
    """The log cannot be reached; nothing was stored."""
