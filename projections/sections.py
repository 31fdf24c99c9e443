"""Where the money went: what the sections of a bill come to before and after, the higher ones with all below them."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from domain.position import EXACT

MOST_SECTIONS = 500
"""Told of one comparison."""

Path = tuple[str, ...]


class SectionSum(Struct, frozen=True, kw_only=True):
    """What lines directly in a section come to, before and after."""

    section: Path
    before: Decimal
    after: Decimal


class SectionDifference(Struct, frozen=True, kw_only=True):
    """What the lines in and below a section come to before and after. The path `[]` is the whole bill."""

    section: Path
    before: Decimal
    after: Decimal
    cost_effect: Decimal


class SectionDifferences(Struct, frozen=True, kw_only=True):
    """Sections in or below which a sum differs, in the bill's order, each before those below it.

    Where there are more than 500, the deepest are `left_out`: what is in them is in the sums of those above.
    """

    items: list[SectionDifference]
    left_out: int


def differences_of(sums: Iterable[SectionSum]) -> SectionDifferences:
    """Add up what stands in each section, and in all above it. The order of sections is that of their first sums."""
    direct: dict[Path, tuple[Decimal, Decimal]] = {}
    for each in sums:
        _add(direct, each.section, each.before, each.after)
    totals: dict[Path, tuple[Decimal, Decimal]] = {}
    for section, (before, after) in direct.items():
        for path in _upwards(section):
            _add(totals, path, before, after)
    differing = {path for section, (was, now) in direct.items() if was != now for path in _upwards(section)}
    told = _shallow(differing)
    place = {path: place for place, path in enumerate(totals)}
    items = [
        SectionDifference(
            section=path,
            before=totals[path][0],
            after=totals[path][1],
            cost_effect=EXACT.subtract(totals[path][1], totals[path][0]),
        )
        for path in sorted(told, key=lambda path: [place[above] for above in _upwards(path)])
    ]
    return SectionDifferences(items=items[:MOST_SECTIONS], left_out=len(differing) - len(items[:MOST_SECTIONS]))


def _upwards(section: Path) -> list[Path]:
    """Give the whole bill, then every section on the way down to this one."""
    return [section[:depth] for depth in range(len(section) + 1)]


def _add(sums: dict[Path, tuple[Decimal, Decimal]], path: Path, before: Decimal, after: Decimal) -> None:
    was, now = sums.get(path, (Decimal(0), Decimal(0)))
    sums[path] = EXACT.add(was, before), EXACT.add(now, after)


def _shallow(paths: set[Path]) -> set[Path]:
    """Leave out the deepest levels until few enough are left, or only the top ones."""
    deepest = max(map(len, paths), default=0)
    while len(paths) > MOST_SECTIONS and deepest > 1:
        paths = {path for path in paths if len(path) < deepest}
        deepest -= 1
    return paths
