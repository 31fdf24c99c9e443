"""Rows of text on a page: what stands between two drawn lines, or beside each other; and the feet of pages."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct

from workers.readers.cells import number
from workers.readers.pdf_pages import Line, Page, Run
from workers.readers.vocabulary import FOLIO

NEAR = 2.5
"""Points: lines closer than this are one line."""

WITHIN = 0.8
"""A run that has this share of its height within a line, and at most this share of its size, is of the line."""

FRAME = 2
"""As many lines as a frame has on two sides: they part nothing."""

APART = 0.3, 0.5
"""Lines of text in one cell are closer than these shares of their height: the first where the closest lines of a page
are very close, the second where they are not.
"""

MORE = 1.4
"""How many times as far apart as the closest lines of a page those of different rows are."""

LOWEST = 1.0
"""Points: text is at least as high as this."""

BESIDE = 0.15
"""A line that shares this much of its height with the one above is of the same row."""

SPANNING = 0.6
"""A row ends at a line that spans this share of the table."""

MOST_FEET = 3
"""So many lines a foot has at most."""

FEWEST_FEET, FEWEST_LETTERS = 3, 5
"""So many pages end with the same words at least, of so many letters, where these are no rows of the table."""

_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]")


class Row(Struct):
    """A row of text on a page: `runs` by lines from the top, whether drawn lines enclose it, and its cells too."""

    page: int
    line: int
    top: float
    bottom: float
    runs: list[list[Run]]
    enclosed: bool = False
    boxed: bool = False

    @property
    def bold(self) -> bool:
        """Whether all of it is in bold type, as titles are."""
        return all(run.bold for run in self.all())

    def all(self) -> Iterable[Run]:
        """Yield the runs of all lines."""
        for line in self.runs:
            yield from line


def single_lines(row: Row) -> list[Row]:
    """Part a row into its lines."""
    return [
        Row(row.page, row.line + at, min(run.top for run in line), max(run.bottom for run in line), [line])
        for at, line in enumerate(row.runs)
    ]


def joined(runs: Iterable[Run]) -> str:
    """Read runs as people do, top down and from left to right; a word that was broken is put together."""
    lines: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.middle):
        if lines and run.middle - lines[-1][0].middle < 0.5 * run.height:
            lines[-1].append(run)
        else:
            lines.append([run])
    written = ""
    for line in lines:
        part = " ".join(run.text for run in sorted(line, key=lambda run: run.left))
        glue = "" if not written or written.endswith("-") else " "
        written += glue + part
    return written


def rows(page: Page) -> list[Row]:
    """Group the lines of text into rows: all that stands between two drawn lines, else each line for itself."""
    lines = text_lines(page)
    marks = _row_marks(page)
    found: list[Row] = []
    current = -1
    for at, line in enumerate(lines, 1):
        middle = median(run.middle for run in line)
        band = sum(1 for mark in marks if mark < middle)
        inside = 0 < band < len(marks)
        top, bottom = min(run.top for run in line), max(run.bottom for run in line)
        if (inside and band == current) or (not inside and found and _overlap(found[-1], top, bottom)):
            found[-1].runs.append(line)
            found[-1].bottom = max(bottom, found[-1].bottom)
            continue
        found.append(Row(page.number, at, top, bottom, [line], enclosed=inside))
        current = band if inside else -1
    return list(_boxed(page, found, marks))


def text_lines(page: Page) -> list[list[Run]]:
    """Group the runs of a page into lines of text, top down, each from left to right."""
    lines: list[list[Run]] = []
    for run in sorted(page.runs, key=lambda run: run.middle):
        last = lines[-1] if lines else None
        if last is not None and _is_beside(run, last):
            last.append(run)
        else:
            lines.append([run])
    return [sorted(line, key=lambda run: run.left) for line in lines]


def _is_beside(run: Run, line: Sequence[Run]) -> bool:
    """Whether a run stands at the height of a line; what is smaller may stand at its foot or its head."""
    smaller = min(run.height, line[0].height)
    if abs(run.middle - median(each.middle for each in line)) < 0.4 * smaller:
        return True
    overlap = min(run.bottom, line[0].bottom) - max(run.top, line[0].top)
    return overlap > WITHIN * smaller and smaller < WITHIN * max(run.height, line[0].height)


def _overlap(row: Row, top: float, bottom: float) -> bool:
    """Whether a line is beside another one of a row, as numbers are that stand half-way down a text."""
    return not row.enclosed and row.bottom - top > BESIDE * (bottom - top)


def _boxed(page: Page, bands: Sequence[Row], marks: Sequence[float]) -> Iterator[Row]:
    """Part what stands between two lines across into rows where it has gaps, but not in the boxes of a grid."""
    gaps = [gap for row in bands for gap in _gaps(single_lines(row)) if gap > 0]
    apart = min(max(MORE * min(gaps, default=0.0), APART[0]), APART[1])
    for row in bands:
        if not row.enclosed or len(row.runs) == 1:
            yield row
        elif _columns(page, row, marks) > FRAME:
            row.boxed = True
            yield row
        else:
            yield from _apart(row, apart)


def _gaps(lines: Sequence[Row]) -> list[float]:
    """Tell how far lines stand from each other, as shares of their height."""
    return [(below.top - above.bottom) / max(below.bottom - below.top, LOWEST) for above, below in pairwise(lines)]


def _columns(page: Page, row: Row, marks: Sequence[float]) -> int:
    """Count the lines that go down through the whole band that a row stands in."""
    below = bisect_left(marks, median(run.middle for run in row.runs[0]))
    top, bottom = marks[below - 1] + NEAR, marks[below] - NEAR
    return len(_clusters(line for line in page.down if line.start <= top and line.end >= bottom))


def _apart(row: Row, least: float) -> Iterator[Row]:
    first = 0
    lines = single_lines(row)
    for at, gap in enumerate(_gaps(lines), 1):
        if gap > least or lines[at - 1].bold != lines[at].bold:
            yield _together(lines[first:at])
            first = at
    yield _together(lines[first:]) if first else row


def _together(lines: Sequence[Row]) -> Row:
    first = lines[0]
    runs = [each for line in lines for each in line.runs]
    return Row(first.page, first.line, first.top, max(line.bottom for line in lines), runs, enclosed=True)


def _row_marks(page: Page) -> list[float]:
    """Find the heights of the lines that go across a table."""
    if not page.across or not page.runs:
        return []
    heights = _clusters(page.across)
    widest = max((_length(lines) for lines in heights.values()), default=0.0)
    wide = [at for at, lines in heights.items() if _length(lines) >= SPANNING * widest]
    text = max(run.right for run in page.runs) - min(run.left for run in page.runs)
    return sorted(wide) if len(wide) > FRAME and widest >= SPANNING * text else []


def column_marks(page: Page, row: Row) -> list[float]:
    """Find the distances of the lines that go down beside a row, or beside its lowest line of text, to its end."""
    lowest = min(run.top for run in row.runs[-1])
    beside = [line for line in page.down if line.start <= lowest + NEAR and line.end >= row.bottom - NEAR]
    return sorted(_clusters(beside))


def _clusters(lines: Iterable[Line]) -> dict[float, list[Line]]:
    found: dict[float, list[Line]] = {}
    last = None
    for line in sorted(lines, key=lambda line: line.at):
        if last is None or line.at - last > NEAR:
            last = line.at
        found.setdefault(last, []).append(line)
    return found


def _length(lines: Iterable[Line]) -> float:
    """Add up the lengths of lines, what they share once."""
    total, reached = 0.0, float("-inf")
    for line in sorted(lines, key=lambda line: line.start):
        total += max(0.0, line.end - max(line.start, reached))
        reached = max(reached, line.end)
    return total


def laid_out(pages: Iterable[Page]) -> tuple[list[list[Row]], list[Row]]:
    """Give the rows of each page without its foot, and the feet: numbers of pages, and words that most pages end with.

    Words are the same if they are but for their digits, and stand at the same height. Rows of a table never are feet:
    those that lines enclose, or that have several numbers.
    """
    by_page = [rows(page) for page in pages]
    feet: list[Row] = []
    for _ in range(MOST_FEET):
        ends = [page[-1] for page in by_page if page]
        common = Counter(map(_foot, ends))
        common[None] = 0
        least = max(FEWEST_FEET, len(ends) / 2)
        taken = [row for row in ends if FOLIO.fullmatch(joined(row.all())) or common[_foot(row)] >= least]
        feet += taken
        for row in taken:
            by_page[row.page - 1].pop()
    return by_page, feet


def _foot(row: Row) -> tuple[str, int] | None:
    if row.enclosed or sum(number(run.text) is not None for run in row.all()) > 1:
        return None
    words = _DIGITS.sub("", joined(row.all()))
    return (words, round(row.bottom / NEAR)) if len(_LETTERS.findall(words)) >= FEWEST_LETTERS else None
