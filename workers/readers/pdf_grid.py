"""Columns of a table on a page: from the lines that are drawn, else from where the text stands."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct, field

from workers.readers.cells import Cell
from workers.readers.pdf_pages import Run
from workers.readers.pdf_rows import FRAME, NEAR, Row, joined

MOSTLY = 0.8
"""A run that has this share of its width in one column is in it."""

STEPS = 200
"""Places that are tried between two headings."""


class PageSheet(Struct, weakref=True, eq=False):
    """Rows put together from pages, as a sheet without a name, and the page and line that each of them stands on."""

    content: list[list[Cell]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    name: str = ""
    hidden: bool = False
    delimiter: str = ""
    margin: int = 0

    def top(self) -> Sequence[Sequence[Cell]]:
        """Give all rows: they are in memory."""
        return self.content

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Yield all rows."""
        return iter(self.content)

    def close(self) -> None:
        """Keep everything."""

    def add(self, row: Row, found: Sequence[str]) -> None:
        """Take in a row, sorted into columns."""
        self.content.append([*found])
        self.places.append((row.page, row.line))


def stacks(row: Row, marks: Sequence[float]) -> list[list[Run]]:
    """Put the runs of a header row into columns: between drawn lines, else those that stand over each other."""
    runs = sorted(row.all(), key=lambda run: run.left)
    if len(marks) > FRAME:
        columns: dict[int, list[Run]] = {}
        for run in runs:
            columns.setdefault(sum(1 for mark in marks if mark < (run.left + run.right) / 2), []).append(run)
        return [columns[at] for at in sorted(columns)]
    found: list[list[Run]] = []
    for run in runs:
        if found and run.left < max(each.right for each in found[-1]):
            found[-1].append(run)
        else:
            found.append([run])
    return found


def _boundaries(columns: Sequence[Sequence[Run]], body: Sequence[Run]) -> list[float]:
    """Find where columns end that no line divides: between two headings, where the fewest runs below them pass.

    Where several places are as good, what stands between them belongs to the heading that it is nearer to.
    """
    lefts, rights = sorted(run.left for run in body), sorted(run.right for run in body)
    found: list[float] = []
    for before, after in pairwise(columns):
        low, high = max(run.right for run in before), min(run.left for run in after)
        points = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
        crossing = [bisect_left(lefts, point) - bisect_right(rights, point) for point in points]
        fewest = min(crossing)
        gaps: list[list[float]] = [[]]
        for point, count in zip(points, crossing, strict=True):
            if count == fewest:
                gaps[-1].append(point)
            elif gaps[-1]:
                gaps.append([])
        free = list(filter(None, gaps))
        nearer = sum(1 for one, other in pairwise(free) if (one[-1] + other[0]) / 2 < (low + high) / 2)
        best = free[nearer]
        found.append(best[len(best) // 2])
    return found


def column_edges(columns: Sequence[Sequence[Run]], marks: Sequence[float], body: Iterable[Row]) -> list[float]:
    """Tell where columns end: at lines that are drawn between two headings, else where the rows below leave room."""
    edges = _boundaries(columns, [run for row in body for run in row.all()])
    for at, (before, after) in enumerate(pairwise(columns)):
        low = max((run.left + run.right) / 2 for run in before)
        high = min((run.left + run.right) / 2 for run in after)
        drawn = [mark for mark in marks if low < mark < high]
        if drawn:
            edges[at] = drawn[-1]
    return edges


def cells(runs: Iterable[Run], edges: Sequence[float], count: int) -> list[str]:
    """Put the runs of a row into its columns: where they mostly are, else where a number ends, or text begins."""
    found: list[list[Run]] = [[] for _ in range(count)]
    for run in runs:
        ends = run.text[-1:].isdigit() and len(run.text) < 20  # noqa: PLR2004 - a number
        place = run.right - NEAR if ends else min(run.left + NEAR, (run.left + run.right) / 2)
        first, last = bisect_left(edges, run.left), bisect_left(edges, run.right)
        if last == first + 1:
            within = (edges[first] - run.left) / (run.right - run.left)
            place = run.left if within > MOSTLY else run.right if within < 1 - MOSTLY else place
        found[min(count - 1, bisect_left(edges, place))].append(run)
    return [joined(each) for each in found]


def only(found: Sequence[str], column: int) -> bool:
    """Whether a row has a text in this column and nothing else."""
    return all((at == column) == bool(cell) for at, cell in enumerate(found))
