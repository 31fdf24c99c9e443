"""Which lines of two documents are the same, whatever their numbers: by code, description and unit, and by order.

Each pass pairs what it is sure of, the surest first; what is left goes on to the next. Deterministic, and near-linear:
10,000 lines against 10,000 take a second or two.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Literal, Protocol

from msgspec import Struct

MatchedBy = Literal["everything", "code and text", "code", "text", "likeness"]

ALIKE = 0.6
"""The least share of words that two descriptions must have in common, out of 1."""
RAREST = 4
"""So many of a line's rarest words lead to candidates."""
NEAREST = 16
"""So many lines that have such a word, the nearest in order, are candidates."""

_WORD = re.compile(r"\w+")


class Matchable(Protocol):
    """What is read of a line."""

    @property
    def number(self) -> str: ...  # noqa: D102 - see `domain.position.Position`
    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def description(self) -> str: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def section(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def quantity(self) -> Decimal | None: ...  # noqa: D102
    @property
    def unit_price(self) -> Decimal | None: ...  # noqa: D102


class Pair(Struct, frozen=True):
    """The places of one line in both documents; `None` where it is not there.

    `moved`: it stands elsewhere among the lines that both have, or in another section than its neighbours went to.
    """

    before: int | None
    after: int | None
    by: MatchedBy | None = None
    moved: bool = False


def pairs_of(before: Sequence[Matchable], after: Sequence[Matchable]) -> list[Pair]:
    """Pair the lines of two documents. The order is that of `after`; removed lines follow what stood before them."""
    found: dict[int, tuple[int, MatchedBy]] = {}
    left, right = dict.fromkeys(range(len(before))), dict.fromkeys(range(len(after)))
    for by, key in _PASSES:
        for one, other in _by_key(before, after, left, right, key):
            found[one] = (other, by)
            del left[one], right[other]
    for one, other in _by_likeness(before, after, left, right):
        found[one] = (other, "likeness")
    moved = _moved(before, after, {one: other for one, (other, _) in found.items()})
    return list(_in_order(len(before), len(after), found, moved))


@lru_cache(maxsize=50_000)
def _folded(text: str) -> str:
    """Fold case, accents and spaces."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return " ".join(plain.split())


def _code(line: Matchable) -> str:
    """Give the code; one that only repeats the line's number says nothing of what the line is."""
    return "" if line.code == line.number else _folded(line.code).replace(" ", "")


def _everything(line: Matchable) -> Hashable:
    return (_code(line), _folded(line.description), _folded(line.unit), line.section)


def _code_and_text(line: Matchable) -> Hashable:
    return (_code(line), _folded(line.description), _folded(line.unit))


def _code_and_unit(line: Matchable) -> Hashable:
    return (_code(line), _folded(line.unit)) if _code(line) else None


def _text_and_unit(line: Matchable) -> Hashable:
    return (_folded(line.description), _folded(line.unit)) if line.description else None


def _code_and_description(line: Matchable) -> Hashable:
    return (_code(line), _folded(line.description)) if line.description else None


_PASSES: tuple[tuple[MatchedBy, Callable[[Matchable], Hashable]], ...] = (
    ("everything", _everything),
    ("code and text", _code_and_text),
    ("code", _code_and_unit),
    ("text", _text_and_unit),
    ("text", _code_and_description),
)


def _by_key(
    before: Sequence[Matchable],
    after: Sequence[Matchable],
    left: dict[int, None],
    right: dict[int, None],
    key: Callable[[Matchable], Hashable],
) -> list[tuple[int, int]]:
    """Pair lines of the same key: those of the same amounts first, the others in their order."""
    buckets: defaultdict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, lines, places in ((0, before, left), (1, after, right)):
        for place in places:
            if (value := key(lines[place])) is not None:
                buckets[value][side].append(place)
    pairs: list[tuple[int, int]] = []
    for ones, others in buckets.values():
        if ones and others:
            pairs.extend(_in_bucket(before, after, ones, others))
    return pairs


def _in_bucket(
    before: Sequence[Matchable], after: Sequence[Matchable], ones: list[int], others: list[int]
) -> Iterator[tuple[int, int]]:
    free: defaultdict[Hashable, list[int]] = defaultdict(list)
    for other in reversed(others):
        free[after[other].quantity, after[other].unit_price].append(other)
    rest: list[int] = []
    taken: set[int] = set()
    for one in ones:
        same = free[before[one].quantity, before[one].unit_price]
        if same:
            taken.add(same[-1])
            yield one, same.pop()
        else:
            rest.append(one)
    yield from zip(rest, (other for other in others if other not in taken), strict=False)


def _by_likeness(
    before: Sequence[Matchable], after: Sequence[Matchable], left: dict[int, None], right: dict[int, None]
) -> Iterator[tuple[int, int]]:
    """Pair what shares most of its words and its unit: the most alike first, then the nearest in order."""
    words = {place: frozenset(_WORD.findall(_folded(before[place].description))) for place in left}
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for place, own in words.items():
        for word in own:
            holders[word].append(place)
    scale = len(before) / max(len(after), 1)
    candidates: list[tuple[float, float, int, int]] = []
    for other in right:
        own = frozenset(_WORD.findall(_folded(after[other].description)))
        rare = sorted((word for word in own if word in holders), key=lambda word: (len(holders[word]), word))
        for one in {place for word in rare[:RAREST] for place in _nearest(holders[word], other * scale)}:
            if _folded(before[one].unit) == _folded(after[other].unit):
                likeness = len(own & words[one]) / len(own | words[one])
                if likeness >= ALIKE:
                    candidates.append((-likeness, abs(one - other * scale), one, other))
    taken: set[int] = set()
    given: set[int] = set()
    for _, _, one, other in sorted(candidates):
        if one not in taken and other not in given:
            taken.add(one)
            given.add(other)
            yield one, other


def _nearest(places: Sequence[int], to: float) -> Sequence[int]:
    at = bisect_left(places, to)
    return places[max(0, at - NEAREST // 2) : at + NEAREST // 2]


def _moved(before: Sequence[Matchable], after: Sequence[Matchable], found: dict[int, int]) -> set[int]:
    """Find the lines, by their place before, that left their order or their section.

    The longest run of lines that kept their order stays; a section is where most of its lines went.
    """
    ordered = sorted(found)
    kept = _longest_rise([found[one] for one in ordered])
    homes: defaultdict[tuple[str, ...], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for one in ordered:
        homes[before[one].section][after[found[one]].section] += 1
    home = {section: max(counts, key=lambda each: (counts[each], each)) for section, counts in homes.items()}
    return {
        one
        for index, one in enumerate(ordered)
        if index not in kept or after[found[one]].section != home[before[one].section]
    }


def _longest_rise(values: Sequence[int]) -> set[int]:
    """Give the indices of a longest rising subsequence of different numbers."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(values):
        at = bisect_left(tails, value)
        previous.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[at], ends[at] = value, index
    kept: set[int] = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        kept.add(index)
        index = previous[index]
    return kept


def _in_order(
    count_before: int, count_after: int, found: dict[int, tuple[int, MatchedBy]], moved: set[int]
) -> Iterator[Pair]:
    partner: dict[int, tuple[int, MatchedBy]] = {other: (one, by) for one, (other, by) in found.items()}
    behind: defaultdict[int | None, list[int]] = defaultdict(list)
    last: int | None = None
    for one in range(count_before):
        if one in found:
            last = found[one][0]
        else:
            behind[last].append(one)
    yield from (Pair(one, None) for one in behind[None])
    for other in range(count_after):
        matched = partner.get(other)
        yield Pair(None, other) if matched is None else Pair(matched[0], other, matched[1], matched[0] in moved)
        yield from (Pair(gone, None) for gone in behind[other])
