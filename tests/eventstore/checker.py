"""Reads the history of attempts and answers that writers and a reader recorded, and proves the log's promises on it.

A history is a file of JSON lines, written by one process each and flushed line by line, so that a killed process leaves
all it knew: `{"tried": …}` before an attempt, `{"answered": …}` after it. A command may be tried several times.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
from msgspec import Struct

from eventstore import Recorded


class Tried(Struct, frozen=True, tag=True):
    """A command was about to be appended: so many events to each of these streams, at these versions."""

    attempt: str
    command: str
    writes: dict[str, tuple[int, int]]


class Answered(Struct, frozen=True, tag=True):
    """What became of an attempt: `stored`, `repeated`, `conflict`, `mismatch`, `unavailable` or `unknown`."""

    attempt: str
    outcome: str
    first_position: int = 0
    position: int = 0
    sequence: int = 0


class Mark(Struct, frozen=True):
    """What each stored event carries: the command that it came with, and its number in it."""

    command: str
    number: int


HISTORY = msgspec.json.Decoder(Tried | Answered)
MARK = msgspec.json.Decoder(Mark)


def read_history(path: Path) -> list[Tried | Answered]:
    """Read a history; a last line that was cut off by a kill is not part of it."""
    return [HISTORY.decode(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def faults(
    log: Sequence[Recorded], histories: Iterable[Sequence[Tried | Answered]], seen: Sequence[Recorded]
) -> list[str]:
    """List everything in which the log, the answers and what a reader saw break a promise; empty when they keep all."""
    entries = [entry for history in histories for entry in history]
    tried = {entry.attempt: entry for entry in entries if isinstance(entry, Tried)}
    answered = {entry.attempt: entry for entry in entries if isinstance(entry, Answered)}
    return [*_numbers(log), *_reader(log, seen), *_commands(log, tried, answered)]


def _numbers(log: Sequence[Recorded]) -> Iterable[str]:
    """Promise 1: no gaps, no duplicates; and time follows position."""
    expected: dict[str, int] = defaultdict(int)
    for place, one in enumerate(log, 1):
        if one.position != place:
            yield f"position {one.position} stands at place {place}"
        for name, number in ((f"feed {one.feed}", one.sequence), (f"stream {one.stream}", one.version)):
            expected[name] += 1
            if number != expected[name]:
                yield f"{name}: {number} where {expected[name]} belongs"
    for before, after in pairwise(log):
        if after.recorded_at < before.recorded_at:
            yield f"position {after.position} was recorded before {before.position}"


def _reader(log: Sequence[Recorded], seen: Sequence[Recorded]) -> Iterable[str]:
    """Promise 2: what a reader passed is all there ever was up to there."""
    for place, (one, stored) in enumerate(zip(seen, log, strict=False), 1):
        if one != stored:
            yield f"the reader saw {one} in place {place}, where the log has {stored}"
    if len(seen) > len(log):
        yield f"the reader saw {len(seen)} events of {len(log)}"


def _commands(log: Sequence[Recorded], tried: dict[str, Tried], answered: dict[str, Answered]) -> Iterable[str]:
    """Promises 3 to 6: stored whole, once, where it was expected; or, if refused, not at all."""
    stored: dict[str, list[Recorded]] = defaultdict(list)
    for one in log:
        stored[MARK.decode(one.data).command].append(one)
    attempts: dict[str, list[Tried]] = defaultdict(list)
    for attempt in tried.values():
        attempts[attempt.command].append(attempt)
    for command in stored.keys() - attempts.keys():
        yield f"{command} was never tried"
    for command, tries in attempts.items():
        answers = [answered[one.attempt] for one in tries if one.attempt in answered]
        yield from _command(command, tries, answers, stored.get(command, []))


def _command(
    command: str, tries: Sequence[Tried], answers: Sequence[Answered], events: Sequence[Recorded]
) -> Iterable[str]:
    acknowledged = [one for one in answers if one.outcome in ("stored", "repeated")]
    silent = len(answers) < len(tries) or any(one.outcome == "unknown" for one in answers)
    if acknowledged and not events:
        yield f"{command} was acknowledged and is not stored"
    if events and not acknowledged and not silent:
        yield f"{command} was refused and is stored"
    if sum(one.outcome == "stored" for one in answers) > 1:
        yield f"{command} was stored twice, say its answers"
    if not events:
        return
    whole = {
        stream: list(range(expected + 1, expected + count + 1)) for stream, (expected, count) in tries[0].writes.items()
    }
    versions: dict[str, list[int]] = defaultdict(list)
    for one in events:
        versions[one.stream].append(one.version)
    if versions != whole:
        yield f"{command} is stored as {dict(versions)}, not as {whole}"
    first, last = events[0], events[-1]
    if [MARK.decode(one.data).number for one in events] != list(range(1, len(events) + 1)):
        yield f"{command} is stored in disorder"
    if last.position - first.position != len(events) - 1 or last.sequence - first.sequence != len(events) - 1:
        yield f"{command} is scattered over the log"
    for answer in acknowledged:
        if (answer.first_position, answer.position, answer.sequence) != (first.position, last.position, last.sequence):
            yield f"{command} lies at {first.position}..{last.position}, but {answer} was answered"
