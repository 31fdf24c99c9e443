"""PDF with a text layer: the table is put together from where the text stands, then read like any other table.

Headings tell the columns, drawn lines the rows where there are any. The order of the text in the file means nothing.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from domain.bill import Bill
from workers.readers import plain
from workers.readers.assembly import Assembly
from workers.readers.cells import Cell, number
from workers.readers.draft import BillDraft
from workers.readers.headings import Header, find_header
from workers.readers.pdf_grid import PageSheet, cells, column_edges, only, stacks
from workers.readers.pdf_pages import Page, Run
from workers.readers.pdf_rows import Row, column_marks, joined
from workers.readers.source import Source
from workers.readers.table import NUMBERS, Table
from workers.readers.unreadable import Unreadable

FEWEST = 3
"""Columns of a table that does not say which of them is the description."""

FULL = 0.85
"""A line of text that fills this share of its column may go on below."""

SPILLED = 2
"""Columns of numbers with words in them, but no digit, that make a line prose."""

LEADING = 0.5
"""Lines of one item are closer than this share of the distance between items."""

LEGIBLE = 20
"""Characters of text per page: a document with fewer was scanned."""


Filled: TypeAlias = list[tuple[Row, list[str]]]
"""Rows, and their cells."""


class Grid(PageSheet, kw_only=True):
    """The table of all pages, from its headings on; what stands above them, and what is none of it."""

    header: Header
    above: list[list[Cell]]
    skipped: list[tuple[int, int, str]] = field(default_factory=list)


class Head(Struct):
    """The headings of a table: what they mean, where they stand, the lines beside them, how many rows they take."""

    header: Header
    columns: list[list[Run]]
    marks: list[float]
    rows: int


def score(source: Source) -> int:
    """90 for any PDF: no other reader knows what to do with one."""
    return 90 if source.kind == "pdf" else 0


def read(source: Source, confidence: int) -> Bill:
    """Read the table that goes through the pages.

    Raises `Unreadable`: `needs_ocr` for scans, `no_table` where no headings of a bill are found.
    """
    all_pages = source.pages
    characters = sum(len(run.text) for page in all_pages for run in page.runs)
    if characters < LEGIBLE * len(all_pages):
        pictures = sum(page.pictures for page in all_pages)
        raise Unreadable(
            "unreadable.needs_ocr",
            f"The PDF was scanned: its {len(all_pages)} pages hold {pictures} pictures and {characters} characters of "
            "text. Have text recognised in it (OCR) and upload the result; better still, ask for the bill as XLSX or "
            "in an exchange format.",
        )
    grid = _grid(all_pages, *source.page_rows)
    if grid is None:
        raise _no_table(all_pages)
    draft = BillDraft("pdf", min(confidence, 80, 40 + 5 * len(grid.header.columns)), grid.places)
    draft.variant = f"{len(all_pages)} pages"
    table = Table(draft, grid, grid.header)
    plain.describe(draft, grid.above, table)
    draft.declared_total, draft.declared_total_with_vat = Assembly(draft, "", table).run()
    for page, line, what in grid.skipped:
        draft.skip(str(page), line, what)
    return draft.finish()


def _grid(all_pages: Sequence[Page], by_page: Sequence[list[Row]], feet: Sequence[Row]) -> Grid | None:
    """Put the rows of all pages under the headings that are found first."""
    for at, (page, page_rows) in enumerate(zip(all_pages, by_page, strict=True)):
        for place in range(len(page_rows)):
            head = _head(page, page_rows, place)
            if head is not None:
                grid = _begin(head, page_rows[:place], page_rows[place])
                before = (row for page_before in by_page[:at] for row in page_before)
                for what, found in (("the foot of the page", feet), ("before the table", before)):
                    grid.skipped += ((row.page, row.line, f"{what}: {joined(row.all())[:60]}") for row in found)
                _fill(grid, head, [page_rows[place + head.rows :], *by_page[at + 1 :]])
                return grid
    return None


def _head(page: Page, page_rows: list[Row], place: int) -> Head | None:
    """Try a row, and the row with the next one below it, for headings; take what tells more."""
    one = page_rows[place]
    tries = [one]
    if place + 1 < len(page_rows) and not one.enclosed:
        below = page_rows[place + 1]
        tries.append(Row(one.page, one.line, one.top, below.bottom, one.runs + below.runs))
    marks = column_marks(page, one)
    found = [
        Head(header, columns, marks, count)
        for count, row in enumerate(tries, 1)
        if (header := _header(columns := stacks(row, marks))) is not None
    ]
    if len(found) == 1 and found[0].rows > 1 and (alone := _header(stacks(page_rows[place + 1], marks))) is not None:
        return found[0] if len(alone.columns) < len(found[0].header.columns) else None
    if len(found) > 1 and _names_go_on(found[0], page_rows[place + 1]):
        return found[1]
    return max(found, key=lambda head: len(head.header.columns), default=None)


def _names_go_on(head: Head, below: Row) -> bool:
    """Whether the row below headings only goes on with some of them: close to them, in words, and no description."""
    description = head.header.columns["description"]
    tops = [run for column in head.columns for run in column]
    if below.top - max(run.bottom for run in tops) > tops[0].height:
        return False
    for run in below.all():
        over = {
            at
            for at, column in enumerate(head.columns)
            if any(run.left < each.right and each.left < run.right for each in column)
        }
        if not over or description in over or any(character.isdigit() for character in run.text):
            return False
    return True


def _header(columns: list[list[Run]]) -> Header | None:
    """Tell what the columns are. Where none is named a description, the widest may be it whatever its name."""
    names: list[Cell] = [joined(column) for column in columns]
    header = find_header([names])
    if header is not None or len(columns) < FEWEST:
        return header
    lefts = [min(run.left for run in column) for column in columns]
    widest = max(range(len(columns) - 1), key=lambda at: lefts[at + 1] - lefts[at])
    header = find_header([[*names[:widest], "Description", *names[widest + 1 :]]])
    if header is None or len(header.columns) < FEWEST or header.columns["description"] != widest:
        return None
    return replace(header, names={**header.names, widest: str(names[widest])})


def _begin(head: Head, above: list[Row], own: Row) -> Grid:
    grid = Grid(header=head.header, above=[[joined(line)] for row in above for line in row.runs])
    grid.add(own, [joined(column) for column in head.columns])
    return grid


def _fill(grid: Grid, head: Head, below: list[list[Row]]) -> None:
    """Add the rows of the page with the headings and of those behind it, without what only frames a page."""
    edges = column_edges(head.columns, head.marks, (row for page in below for row in page))
    names = grid.content[0]
    for page_rows in below:
        filled = [(row, _unspilled(row, cells(row.all(), edges, len(names)), head.header)) for row in page_rows]
        again = _repeated(filled, names, head.rows)
        for row, found in filled[:again]:
            grid.skipped.append((row.page, row.line, f"above or in the headings again: {' '.join(found).strip()[:60]}"))
        _take(grid, filled[again:], edges, head.header)


def _unspilled(row: Row, found: list[str], header: Header) -> list[str]:
    """Take a line that begins as a description, and whose words stand in several columns of numbers, for prose."""
    column = header.columns["description"]
    beside = [at for part, at in header.columns.items() if part in NUMBERS and found[at]]
    if row.enclosed or any(found[:column]) or not found[column] or len(beside) < SPILLED:
        return found
    if any(character.isdigit() for at in beside for character in found[at]):
        return found
    return [joined(row.all()) if at == column else "" for at in range(len(found))]


def _repeated(filled: Filled, names: list[Cell], size: int) -> int:
    """Count the rows of a page up to the end of headings that are repeated on it."""
    for at in range(len(filled) - size + 1):
        parts = zip(*(found for _, found in filled[at : at + size]), strict=True)
        if [" ".join(filter(None, part)) for part in parts] == names:
            return at + size
    return 0


def _take(grid: Grid, filled: Filled, edges: list[float], header: Header) -> None:
    """Add the rows of a page; lines that go on with a description are put together with it."""
    before: Row | None = None
    for row, found in _led(filled, edges, header):
        parts = _parted(row, edges, header, len(found)) if row.enclosed else []
        if len(parts) > 1:
            for part in parts:
                grid.add(row, cells(part, edges, len(found)))
            before = None
        elif before is not None and not row.enclosed and _goes_on(before, row, found, edges, header):
            column = header.columns["description"]
            written = str(grid.content[-1][column])
            grid.content[-1][column] = written + ("" if written.endswith("-") else " ") + found[column]
            before = row
        else:
            grid.add(row, found)
            before = row if found[header.columns["description"]] else None


def _led(filled: Filled, edges: list[float], header: Header) -> Filled:
    """Put lines of a description to the numbers below them, which stand half-way down it, or at its foot.

    They are closer to them than items are to each other, where no lines are drawn.
    """
    quantity, text = header.columns["quantity"], header.columns["description"]
    gaps = [
        below.top - above.bottom
        for (above, one), (below, other) in pairwise(filled)
        if number(one[quantity]) is not None and number(other[quantity]) is not None
    ]
    nearest = LEADING * min(gaps, default=0.0)
    found: Filled = []
    for row, own in filled:
        above, before = found[-1] if found else (row, own)
        close = not (above.enclosed or row.enclosed) and row.top - above.bottom < nearest and above.bold == row.bold
        if found and close and only(before, text) and own[text]:
            both = Row(above.page, above.line, above.top, row.bottom, above.runs + row.runs)
            found[-1] = (both, cells(both.all(), edges, len(own)))
        else:
            found.append((row, own))
    return found


def _parted(row: Row, edges: list[float], header: Header, count: int) -> list[list[Run]]:
    """Part what drawn lines enclose into items: each line with a quantity begins one, or outside of boxes a number."""
    lines = [cells(line, edges, count) for line in row.runs]
    quantity, numbered = header.columns["quantity"], header.columns.get("number")
    begins = [number(line[quantity]) is not None for line in lines]
    if sum(begins) > 1:
        return row.runs
    if numbered is None or row.boxed:
        return [list(row.all())]
    begins = [line[numbered] != "" for line in lines]
    parts: list[list[Run]] = []
    for line, begin in zip(row.runs, begins, strict=True):
        if not parts or (begin and sum(begins) > 1 and parts[-1]):
            parts.append([])
        parts[-1] += line
    return parts


def _goes_on(before: Row, row: Row, found: list[str], edges: list[float], header: Header) -> bool:
    """Whether a row without lines around it only goes on with the description above: close below, and nothing else."""
    column = header.columns["description"]
    if before.enclosed or before.bold != row.bold or not only(found, column):
        return False
    runs = [run for run in before.runs[-1] if _column(run, edges) == column]
    if not runs or before.page != row.page:
        return False
    height = runs[-1].height
    if row.top - before.bottom > height:
        return False
    left = min(run.left for run in row.all())
    width = (edges[column] if column < len(edges) else max(run.right for run in runs)) - runs[0].left
    is_full = runs[-1].right - runs[0].left >= FULL * width - height
    return found[column][:1].islower() or is_full or (left > runs[0].left + 1)


def _column(run: Run, edges: list[float]) -> int:
    return sum(1 for edge in edges if edge < run.left)


def _no_table(all_pages: Sequence[Page]) -> Unreadable:
    return Unreadable(
        "unreadable.no_table",
        f"No table of items was found on the {len(all_pages)} pages of the PDF. Plumbline looked for {plain.WANTED}. "
        "If this is the bill, ask for it as XLSX or in an exchange format.",
    )
