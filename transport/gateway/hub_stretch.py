"""A stretch: consecutive events of one feed, and what everybody who follows the feed shares of them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property, lru_cache

import msgspec
from msgspec import Struct

from commands.frames import Batch
from domain import account, analysis, project
from domain.registry import name_of
from transport.gateway.socket_formats import Text


class Filter(Struct, frozen=True):
    """Which events a follower wants: by type, such as `position.edited` or `position.*`; all when there are none.

    `about` keeps those whose data names one of these ids, wherever in it: so it holds for events yet to be invented.
    """

    types: tuple[str, ...] = ()
    about: tuple[bytes, ...] = ()

    def wants(self, name: str) -> bool:
        """Tell whether an event type is wanted."""
        return not self.types or name in self.types or any(_covers(each, name) for each in self.types)

    def concerns(self, frame: bytes) -> bool:
        """Tell whether a frame is about what is wanted. Progress names its job outside of `data`."""
        start = max(frame.find(_DATA), 0)
        return not self.about or any(frame.find(each, start) >= 0 for each in self.about)


EVERYTHING = Filter()
MOST_SHARED = 8
"""Filters for which a stretch keeps its text; further ones are worked out each time."""


class Stretch:
    """Events `first` to `last` of a feed as frames, a line each. Whatever is worked out about them is worked out once.

    Whoever wants everything gets `lines` as they are: the single frames are looked for only when somebody needs them.
    """

    def __init__(self, first: int, lines: bytes, count: int = 1) -> None:
        """Give the `count` events in `lines` numbers from `first` on."""
        self.first = first
        self.last = first + count - 1
        self.lines = lines
        self._texts: dict[Filter, Text | None] = {}
        self._chosen: dict[Filter, Sequence[int]] = {}
        self._rest: Stretch | None = None

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.lines)

    @cached_property
    def frames(self) -> Sequence[bytes]:
        """Each frame by itself."""
        return self.lines.split(b"\n")

    @cached_property
    def headers(self) -> list["Header"]:
        """What decides who gets a frame, of each frame."""
        return [_header(frame) for frame in self.frames]

    @cached_property
    def shaken(self) -> dict[str, int]:
        """Accounts that may have lost a right here, with the sequence of the first event that says so."""
        shaken: dict[str, int] = {}
        if not any(mark in self.lines for mark in _MARKS):  # as good as always
            return shaken
        for sequence, frame in enumerate(self.frames, self.first):
            if any(mark in frame for mark in _MARKS) and _header(frame).type in _SHAKING:
                shaken.setdefault(_CONCERN.decode(frame).data.account_id, sequence)
        return shaken

    @property
    def recorded_at(self) -> datetime:
        """The log's time of the last event."""
        return _MOMENT.decode(self.lines[self.lines.rfind(b"\n") + 1 :]).at

    def after(self, sequence: int) -> "Stretch":
        """Give the part behind `sequence`, which must leave something."""
        if sequence < self.first:
            return self
        if self._rest is None or self._rest.first != sequence + 1:  # those who come back together miss the same part
            self._rest = _stretch(sequence + 1, self.frames[sequence + 1 - self.first :])
        return self._rest

    def upto(self, sequence: int) -> "Stretch":
        """Give the part up to and with `sequence`, which must leave something."""
        return self if sequence >= self.last else _stretch(self.first, self.frames[: sequence + 1 - self.first])

    def parts(self, most_bytes: int) -> list["Stretch"]:
        """Cut into stretches of at most `most_bytes`, or of one frame where that alone is larger."""
        if self.size <= most_bytes:
            return [self]
        parts: list[Stretch] = []
        first, start = self.first, 0
        while start < len(self.lines):
            end = _cut(self.lines, start, most_bytes)
            count = self.lines.count(b"\n", start, end) + 1
            parts.append(Stretch(first, self.lines[start:end], count))
            first, start = first + count, end + 1
        return parts

    def text(self, wanted: Filter = EVERYTHING) -> Text | None:
        """Give the wanted frames ready to be sent; `None` where none is wanted."""
        if wanted in self._texts:
            return self._texts[wanted]
        text = self._joined(wanted)
        if len(self._texts) < MOST_SHARED:
            self._texts[wanted] = text
        return text

    def chosen(self, wanted: Filter) -> Sequence[int]:
        """Give the sequences of the events that are wanted."""
        if wanted == EVERYTHING:
            return range(self.first, self.last + 1)
        chosen = self._chosen.get(wanted)
        if chosen is None:
            chosen = [each for each in range(self.first, self.last + 1) if self._is_wanted(each - self.first, wanted)]
            if len(self._chosen) < MOST_SHARED:
                self._chosen[wanted] = chosen
        return chosen

    def _is_wanted(self, index: int, wanted: Filter) -> bool:
        by_type = not wanted.types or wanted.wants(self.headers[index].type)
        return by_type and wanted.concerns(self.frames[index])

    def _joined(self, wanted: Filter) -> Text | None:
        if wanted == EVERYTHING:
            return Text(self.lines, self.last - self.first + 1)
        frames = [self.frames[sequence - self.first] for sequence in self.chosen(wanted)]
        return Text(b"\n".join(frames), len(frames)) if frames else None


class Header(Struct, frozen=True):
    """The part of a frame that filters look at. Progress has a type too, such as `operation.progress`."""

    type: str = ""


def stretch_of(batch: Batch) -> Stretch:
    """Read a broker message. Raises `ValueError` when its numbers do not fit its frames."""
    count = batch.frames.count(b"\n") + 1
    if not batch.frames or batch.last != batch.first + count - 1:
        raise ValueError(f"{count} frames cannot be events {batch.first} to {batch.last}")
    return Stretch(batch.first, batch.frames, count)


def joined(stretches: Sequence[Stretch], most_bytes: int) -> Iterator[Stretch]:
    """Join stretches that follow each other, into ones of at most `most_bytes`; give the others as they are."""
    gathered: list[Stretch] = []
    size = 0
    for stretch in stretches:
        if gathered and (stretch.first != gathered[-1].last + 1 or size + stretch.size > most_bytes):
            yield _whole(gathered)
            gathered, size = [], 0
        gathered.append(stretch)
        size += stretch.size
    yield _whole(gathered)


def _whole(stretches: list[Stretch]) -> Stretch:
    if len(stretches) == 1:
        return stretches[0]
    first, last = stretches[0].first, stretches[-1].last
    return Stretch(first, b"\n".join([each.lines for each in stretches]), last - first + 1)


def _stretch(first: int, frames: Sequence[bytes]) -> Stretch:
    return Stretch(first, b"\n".join(frames), len(frames))


def _cut(lines: bytes, start: int, most_bytes: int) -> int:
    """Find where a part that starts at `start` ends: behind as many lines as fit, or behind one that does not."""
    if len(lines) - start <= most_bytes:
        return len(lines)
    end = lines.rfind(b"\n", start, start + most_bytes + 1)
    if end < 0:
        end = lines.find(b"\n", start)
    return end if end >= 0 else len(lines)


class _Data(Struct, frozen=True):
    account_id: str


class _Moment(Struct, frozen=True):
    at: datetime


class _Concern(Struct, frozen=True):
    data: _Data


_SHAKING = frozenset(
    map(
        name_of,
        (
            project.MemberRemoved,
            analysis.Detached,
            account.PasswordChanged,
            account.Suspended,
            account.Erased,
            account.TokenRevoked,
            account.RoleGranted,
        ),
    )
)
"""Events after which the account that they name may have lost its place on a feed, or its way in."""
_DATA = b',"data":'
_MARKS = tuple(f'"type":"{name}"'.encode() for name in sorted(_SHAKING))
_CONCERN = msgspec.json.Decoder(_Concern)
_MOMENT = msgspec.json.Decoder(_Moment)
_HEADER = msgspec.json.Decoder(Header)
_header = _HEADER.decode


@lru_cache(maxsize=4096)
def _covers(pattern: str, name: str) -> bool:
    return pattern.endswith(".*") and name.startswith(pattern[:-1])
