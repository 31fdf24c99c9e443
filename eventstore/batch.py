"""A batch of appends as parameters of the SQL function `append_events`, and its answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from eventstore.arrays import bigints, byteas, integers, texts, uuids
from eventstore.records import Append, Appended, CommandMismatch, VersionConflict

APPEND_EVENTS = b"SELECT * FROM append_events(%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b)"

Answer = Appended | VersionConflict | CommandMismatch


def parameters(appends: Sequence[Append]) -> tuple[Any, ...]:
    """The arguments of `APPEND_EVENTS`."""
    expectations = [
        (number, stream, expected, count)
        for number, append in enumerate(appends, 1)
        for stream, expected, count in _expectations(append)
    ]
    events = [event for append in appends for write in append.writes for event in write.events]
    return (
        texts([append.feed for append in appends]),
        texts([append.actor for append in appends]),
        uuids([append.command_id for append in appends]),
        byteas([append.command_hash for append in appends]),
        uuids([append.correlation_id for append in appends]),
        uuids([append.causation_id for append in appends]),
        integers([sum(len(write.events) for write in append.writes) for append in appends]),
        integers([number for number, _, _, _ in expectations]),
        texts([stream for _, stream, _, _ in expectations]),
        bigints([expected for _, _, expected, _ in expectations]),
        integers([count for _, _, _, count in expectations]),
        texts([event.type for event in events]),
        byteas([event.data for event in events]),
    )


def _expectations(append: Append) -> list[tuple[str, int, int]]:
    writes = [(write.stream, write.expected, len(write.events)) for write in append.writes]
    return writes + [(stream, expected, 0) for stream, expected in append.pins] if append.pins else writes


def answers(appends: Sequence[Append], rows: Sequence[tuple[Any, ...]]) -> list[Answer]:
    """What the function said about each append, in order."""
    return [_answer(append, *row) for append, row in zip(appends, rows, strict=True)]


def _answer(
    append: Append,
    outcome: str,
    first_position: int,
    position: int,
    sequence: int,
    recorded_at: datetime,
    stream: str,
    expected: int,
    actual: int,
) -> Answer:
    match outcome:
        case "stored" | "repeated":
            return Appended(
                feed=append.feed,
                first_position=first_position,
                position=position,
                sequence=sequence,
                recorded_at=recorded_at,
                repeated=outcome == "repeated",
            )
        case "conflict":
            return VersionConflict(stream, expected, actual)
        case "mismatch" if append.command_id is not None:
            return CommandMismatch(append.command_id)
        case _:
            raise AssertionError(f"append_events answered {outcome!r}")
