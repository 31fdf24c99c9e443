"""An event as it travels: encoded once after the commit, forwarded as bytes to every socket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from domain.registry import PERSONAL_FIELDS, name_of
from eventstore import Recorded

ProgressType = Literal["job.progress", "operation.progress"]


class EventFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="event"):
    """Something happened: event `sequence` of its feed, at `position` of the whole log.

    `actor` did it: `account:<id>`, `system`, or nobody known yet where it is empty. `command_id` is the command that it
    came of. In `data`, what is personal is null.
    """

    feed: str
    sequence: int
    position: int
    type: str
    at: Annotated[datetime, Meta(tz=True)]
    actor: str
    command_id: UUID | None = None
    data: Raw


class ProgressFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="progress"):
    """How far a job (`job.progress`) or an outside engine's operation is. Neither numbered nor replayed.

    `event_id` rises within the job; a frame with a lower one is old. `eta_ms`: the milliseconds still to go with this
    phase. `kind` is that of a job; `stage` and `operation_id` are of operations.
    """

    feed: str
    type: ProgressType
    job_id: UUID
    kind: str | None = None
    operation_id: UUID | None = None
    event_id: int
    phase: str
    stage: str | None = None
    step_index: int | None = None
    step_total: int | None = None
    items_done: int | None = None
    items_total: int | None = None
    eta_ms: int | None = None


def event_frame(event: Recorded) -> bytes:
    """Give the JSON frame of an event. Its stored bytes are spliced in as they are, personal fields as `null`."""
    return public(
        b'{"op":"event","feed":"%b","sequence":%d,"position":%d,"type":"%b","at":"%b","actor":"%b",%b"data":%b}'
        % (
            event.feed.encode(),
            event.sequence,
            event.position,
            event.type.encode(),
            event.recorded_at.isoformat(timespec="microseconds").encode(),
            event.actor.encode(),
            b'"command_id":%b,' % msgspec.json.encode(event.command_id) if event.command_id else b"",
            event.data,
        )
    )


FRAME = """
    convert_to(
        '{"op":"event","feed":"' || feed || '","sequence":' || sequence || ',"position":' || position
        || ',"type":"' || type
        || '","at":"' || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
        || '","actor":"' || actor || '",' || coalesce('"command_id":"' || command_id || '",', '') || '"data":', 'UTF8'
    ) || data || '}'::bytea"""
"""The same frame as SQL over the log's columns, for whoever reads many: PostgreSQL splices them. Not `public` yet."""


def public(frames: bytes) -> bytes:
    """Give frames, a line each, with personal fields as `null`."""
    if not any(mark in frames for mark in _MARKS):  # as good as always
        return frames
    return b"\n".join(map(_public, frames.split(b"\n")))


def _public(frame: bytes) -> bytes:
    event = _EVENT.decode(frame)
    hidden = _HIDDEN.get(event.type)
    if hidden is None:
        return frame
    data = msgspec.json.encode(msgspec.json.decode(event.data, type=dict[str, object]) | dict.fromkeys(hidden))
    return b"%b%b}" % (frame[: -len(event.data) - 1], data)


_HIDDEN = {name_of(event): fields for event, fields in PERSONAL_FIELDS.items()}
_MARKS = tuple(b'"type":"%b"' % name.encode() for name in _HIDDEN)
_EVENT = msgspec.json.Decoder(EventFrame)


class Batch(Struct, frozen=True):
    """Frames of one feed that follow each other, as one broker message: a line of numbers, then a frame a line.

    `first` 0 marks frames without a number, such as progress: they pass by and are not replayed. `first` -1 is for
    the processes that hold the feed: who is present on it.
    """

    first: int
    last: int
    position: int
    frames: bytes

    def encode(self) -> bytes:
        """Give the message's bytes."""
        return b"%d %d %d\n%b" % (self.first, self.last, self.position, self.frames)

    @classmethod
    def decode(cls, message: bytes) -> "Batch":
        """Read a message; the frames stay bytes."""
        header, _, frames = message.partition(b"\n")
        first, last, position = map(int, header.split())
        return cls(first, last, position, frames)


def batch_of(events: Sequence[Recorded]) -> Batch:
    """Put the events of one append together."""
    frames = b"\n".join([event_frame(each) for each in events])
    return Batch(events[0].sequence, events[-1].sequence, events[-1].position, frames)


def unnumbered(frame: bytes) -> Batch:
    """Give a message of one frame that is no event."""
    return Batch(0, 0, 0, frame)


def channel_of(feed: str) -> str:
    """Name the broker channel of a feed."""
    return f"feed:{feed}"


LOG_CHANNEL = "log"
"""Carries the position of whatever was just stored: wakes projectors and reactors."""
