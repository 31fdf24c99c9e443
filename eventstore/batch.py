"""A batch of appends as arguments of the SQL function `append_events`, and what it answers."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from eventstore.arrays import Bigints, Byteas, Texts, Uuids, array, bigint, bytea, integers, text, uuid
from eventstore.records import Append, Appended, CommandMismatch, VersionConflict

APPEND_EVENTS = b"SELECT * FROM append_events(%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b)"

Answer = Appended | VersionConflict | CommandMismatch


class Encoded(Struct, frozen=True, gc=False):
    """An append in the form of which batches are glued together: array elements, and how many there are.

    `event_writes` says for each event which of the append's writes it belongs to, from 1, in the order of the log.
    """

    append: Append
    actor: bytes
    command: bytes
    command_hash: bytes
    correlation: bytes
    causation: bytes
    event_writes: list[int]
    write_streams: bytes
    write_versions: bytes
    pin_streams: bytes
    pin_versions: bytes
    event_types: bytes
    event_data: bytes


def encode(append: Append) -> Encoded:
    """Encode an append when it is queued rather than when it is sent.

    Raises `UnicodeEncodeError` or `struct.error` on text or numbers that have no encoding.
    """
    return Encoded(
        append,
        text(append.actor),
        uuid(append.command_id),
        bytea(append.command_hash),
        uuid(append.correlation_id),
        uuid(append.causation_id),
        [place for place, write in enumerate(append.writes, 1) for _ in write.events],
        b"".join([text(write.stream) for write in append.writes]),
        b"".join([bigint(write.expected) for write in append.writes]),
        b"".join([text(stream) for stream, _ in append.pins]),
        b"".join([bigint(version) for _, version in append.pins]),
        b"".join([text(event.type) for write in append.writes for event in write.events]),
        b"".join([bytea(event.data) for write in append.writes for event in write.events]),
    )


def arguments(batch: Sequence[Encoded]) -> tuple[Any, ...]:
    """Give the arguments of `APPEND_EVENTS`: what each array holds is said beside the function."""
    feeds: dict[str, int] = {}
    append_feeds = [feeds.setdefault(part.append.feed, len(feeds) + 1) for part in batch]
    write_appends: list[int] = []
    pin_appends: list[int] = []
    event_writes: list[int] = []
    for place, part in enumerate(batch, 1):
        before = len(write_appends)
        event_writes += [before + write for write in part.event_writes]
        write_appends += [place] * len(part.append.writes)
        pin_appends += [place] * len(part.append.pins)
    appends, writes, pins, events = len(batch), len(write_appends), len(pin_appends), len(event_writes)
    return (
        array(Texts, len(feeds), [text(feed) for feed in feeds]),
        integers(append_feeds),
        array(Texts, appends, [part.actor for part in batch]),
        array(Uuids, appends, [part.command for part in batch]),
        array(Byteas, appends, [part.command_hash for part in batch]),
        array(Uuids, appends, [part.correlation for part in batch]),
        array(Uuids, appends, [part.causation for part in batch]),
        integers(write_appends),
        array(Texts, writes, [part.write_streams for part in batch]),
        array(Bigints, writes, [part.write_versions for part in batch]),
        integers(pin_appends),
        array(Texts, pins, [part.pin_streams for part in batch]),
        array(Bigints, pins, [part.pin_versions for part in batch]),
        integers(event_writes),
        array(Texts, events, [part.event_types for part in batch]),
        array(Byteas, events, [part.event_data for part in batch]),
    )


def answers(batch: Sequence[Encoded], rows: Sequence[tuple[Any, ...]]) -> dict[int, Answer]:
    """Read what the function said, by place in the batch; the others were not stored, and may be sent again."""
    said: dict[int, Answer] = {}
    number: int
    for number, outcome, first_position, position, sequence, recorded_at, stream, expected, actual in rows:
        place = number - 1
        append = batch[place].append
        if outcome in ("stored", "repeated"):
            said[place] = Appended(
                feed=append.feed,
                first_position=first_position,
                position=position,
                sequence=sequence,
                recorded_at=recorded_at,
                repeated=outcome == "repeated",
            )
        elif outcome == "conflict":
            said.setdefault(place, VersionConflict(stream, expected, actual))
        elif append.command_id is not None:
            said[place] = CommandMismatch(append.command_id)
    return said
