"""Prints of tables whose rows are typed: the pages of a PDF as a sheet, for the readers of the programs that made them.

What stands above a table becomes cells by where it ends on the page, what stands below its headings by their columns.
A row of the table may be printed in several lines, of which only one has the type.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace

from workers.readers import pdf_rts
from workers.readers.cells import label, number
from workers.readers.pdf_grid import PageSheet, cells, column_edges, only, stacks
from workers.readers.pdf_pages import Page, Run
from workers.readers.pdf_rows import Row, column_marks, joined, single_lines
from workers.readers.vocabulary import FORMS

HEADINGS = (
    {"typ", "kod", "popis"},
    {"typ", "kod polozky", "nazev polozky"},
    {"kod", "popis", "mj", "vymera"},
    pdf_rts.HEADINGS,
)
"""Of tables of items by KROS and Aspe, of a list of figures, and of RTS."""

FIRST_WORDS = ("kód", "kod", "číslo", "cislo")
TEXTS, CODES = {"popis", "nazev polozky"}, {"kod", "kod polozky"}
TYPES = {"K", "M", "D", "VV", "PP", "PSC", "P", "SD", "TS"}
"""What stands in a column of types."""

LABELLED = re.compile(r"([^\W\d][^:]{1,18}:) (.+)")
STEP = 12.0
"""Points: what stands above a table is put into columns of this width."""

TIE = 0.25
"""Points: gaps that differ by less are the same."""


class Print(PageSheet):
    """All pages as one sheet."""

    types: dict[int, str] = field(default_factory=dict)
    """Types that rows were told by their looks; they become the last column."""

    def add_typed(self, row: Row, found: Sequence[str], kind: str) -> None:
        """Take in a row whose type was told."""
        self.types[len(self.content)] = kind
        self.add(row, found)


class _Table(Struct):
    """Headings, as they are and folded, and the rows of all pages below them."""

    own: Row
    heads: list[str]
    names: list[str]
    columns: list[list[Run]]
    marks: list[float]
    pages: list[list[Row]]

    @property
    def edges(self) -> list[float]:
        """Where its columns end."""
        return column_edges(self.columns, self.marks, (row for page in self.pages for row in page))


def printed(pages: Sequence[Page], by_page: Sequence[list[Row]]) -> Print | None:
    """Put the forms of all pages together if there is a typed table among them."""
    parts: list[Row | _Table] = []
    for page, page_rows in zip(pages, by_page, strict=True):
        _take_page(parts, page, page_rows)
    tables = [part for part in parts if isinstance(part, _Table)]
    if any("typ" in table.names for table in tables):
        return _squared(_typed(parts))
    if any(set(table.names) >= pdf_rts.HEADINGS for table in tables):
        return _squared(_told(parts))
    return None


def _typed(parts: Sequence[Row | _Table]) -> Print:
    sheet = Print()
    above: dict[int, Run] = {}
    for part in parts:
        if isinstance(part, _Table):
            _add_table(sheet, part)
        else:
            above = _add_lines(sheet, part, above)
    return sheet


def _told(parts: Sequence[Row | _Table]) -> Print:
    """Put parts of RTS together. Each page begins with the names of the part, which counts once, and the headings."""
    sheet = Print()
    above: dict[int, Run] = {}
    forms: list[Row] = []
    part_of: list[str] = []
    for part in parts:
        if isinstance(part, Row):
            if pdf_rts.form_of(part):
                forms.append(part)
            else:
                above = _add_lines(sheet, part, above)
            continue
        if set(part.names) >= pdf_rts.HEADINGS:
            if (written := [joined(form.all()) for form in forms]) != part_of:
                part_of = written
                for form in forms:
                    sheet.add_typed(form, [run.text for run in form.all()], pdf_rts.form_of(form))
                sheet.add_typed(part.own, part.heads, pdf_rts.TYPES)
            edges = part.edges
            for page in part.pages:
                for row, content, kind in pdf_rts.typed_rows(page, edges, part.names):
                    sheet.add_typed(row, content, kind)
        forms = []
    return sheet


def _squared(sheet: Print) -> Print:
    """Make all rows as wide as the widest, and add the types that were told."""
    width = max(map(len, sheet.content))
    for at, content in enumerate(sheet.content):
        content.extend([""] * (width - len(content)))
        if sheet.types:
            content.append(sheet.types.get(at, ""))
    return sheet


def _add_lines(sheet: Print, row: Row, above: dict[int, Run]) -> dict[int, Run]:
    """Add what stands above a table, and return where the last line of it stands."""
    for line in single_lines(row):
        above = _spread([piece for run in line.runs[0] for piece in _labelled(run)], above)
        sheet.add(line, [above[at].text if at in above else "" for at in range(max(above) + 1)])
    return above


def _take_page(parts: list[Row | _Table], page: Page, page_rows: list[Row]) -> None:
    """Add the rows of a page: to the table that goes on, to one that begins, or to what stands above the next."""
    heads = [_headings(page, row) for row in page_rows]
    first = next((at for at, head in enumerate(heads) if head), 0)
    table = parts[-1] if parts else None
    if isinstance(table, _Table):
        table.pages.append([])
        if not any(run.text in TYPES for row in page_rows[:first] for run in row.all()):
            table = None if first else table  # what stands above the headings is the head of the page
    for row, head in zip(page_rows, heads, strict=True):
        if head:
            table = head
            parts.append(head)
        elif isinstance(table, _Table) and not _is_title(row):
            table.pages[-1].append(row)
        else:
            table = row
            parts.append(row)


def _headings(page: Page, row: Row) -> _Table | None:
    """Take a row for the headings of a table if it is that."""
    if not any(run.text.casefold().startswith(FIRST_WORDS) for run in row.all()):
        return None
    columns = stacks(row, marks := column_marks(page, row))
    heads = [joined(column) for column in columns]
    names = [label(head) for head in heads]
    if any(headings <= set(names) for headings in HEADINGS):
        return _Table(row, heads, names, columns, marks, [[]])
    return None


def _is_title(row: Row) -> bool:
    """Whether a row is the title of a form and nothing else."""
    return len(list(row.all())) == 1 and label(joined(row.all())) in FORMS


def _text(names: Sequence[str]) -> int:
    """Find the column of descriptions."""
    return next(at for at, name in enumerate(names) if name in TEXTS)


def _labelled(run: Run) -> list[Run]:
    """Part a label from what it names, as sheets have them in two cells."""
    found = LABELLED.fullmatch(run.text)
    if not found:
        return [run]
    end = run.left + (run.right - run.left) * len(found[1]) / len(run.text)
    return [replace(run, text=found[1], right=end), replace(run, text=found[2], left=end)]


def _spread(line: Sequence[Run], above: dict[int, Run]) -> dict[int, Run]:
    """Put text above a table into columns: below what it overlaps in the line above, else by where it ends."""
    found: dict[int, Run] = {}
    last = -1
    for run in sorted(line, key=lambda run: run.right):
        under = (at for at, over in above.items() if at > last and over.left < run.right and run.left < over.right)
        last = max(next(under, int(run.right / STEP)), last + 1)
        found[last] = run
    return found


def _add_table(sheet: Print, table: _Table) -> None:
    """Add headings and the rows below them. A code that takes two lines was broken where its column ends."""
    last = len(sheet.content) - 1
    sheet.add(table.own, table.heads)
    edges, names = table.edges, table.names
    text = _text(names)
    glue = ["" if name in CODES else " " for name in names]
    for page in table.pages:
        lines = [line for row in page for line in _parted(row, edges, names)]
        filled = [cells(line.all(), edges, len(names)) for line in lines]
        for together in _gathered(lines, filled, text):
            parts = [cells(line, edges, len(names)) for at in together for line in lines[at].runs]
            written = zip(glue, zip(*parts, strict=True), strict=True)
            whole = [between.join(filter(None, cell)) for between, cell in written]
            if only(whole, text) and 0 in together and _is_row(sheet, last, names):
                sheet.content[last][text] = f"{sheet.content[last][text]} {whole[text]}".strip()
            else:
                sheet.add(lines[together[0]], whole)
                last = len(sheet.content) - 1


def _is_row(sheet: Print, at: int, names: Sequence[str]) -> bool:
    """Whether a row of the sheet is one of a table with these headings, which text at the head of a page may go on."""
    typed = names.index("typ") if "typ" in names else 0
    return at >= 0 and typed < len(sheet.content[at]) and sheet.content[at][typed] in TYPES


def _parted(row: Row, edges: Sequence[float], names: Sequence[str]) -> list[Row]:
    """Part what stands between two drawn lines into its lines if it is several rows: two have a type, or an amount."""
    lines = [cells(line, edges, len(names)) for line in row.runs]
    types = [cell for name, *column in zip(names, *lines, strict=True) if name == "typ" for cell in column if cell]
    amounts = [sum(number(cell) is not None for cell in column) for column in zip(*lines, strict=True)]
    several = len(types) > 1 or max(amounts[_text(names) + 1 :], default=0) > 1
    return single_lines(row) if several else [row]


def _gathered(page: Sequence[Row], filled: Sequence[Sequence[str]], text: int) -> list[list[int]]:
    """Group the lines of a page into rows: lines of text alone go with the line that they stand nearest to.

    Where several lines of a group have more than text, each line between them goes with the nearer, else the one above.
    """
    bare = [only(found, text) for found in filled]
    together = [False] * len(page)  # whether a line goes with the one above it
    gaps = [
        float("inf") if above.enclosed or below.enclosed else below.top - above.bottom
        for above, below in pairwise(page)
    ]
    for at, alone in enumerate(bare):
        if alone:
            above = gaps[at - 1] if at else 0.0  # what begins a page goes on with the page before
            below = gaps[at] if at < len(gaps) else float("inf")
            together[at] |= above <= below + TIE
            if at < len(gaps) and below <= above + TIE:
                together[at + 1] = True
    groups: list[list[int]] = []
    for at, alone in enumerate(bare):
        begins = not alone or (0 < at < len(gaps) and gaps[at] + TIE < gaps[at - 1])
        if not groups or not together[at] or (begins and not all(bare[each] for each in groups[-1])):
            groups.append([])
        groups[-1].append(at)
    return _completed(groups, page, bare)


def _completed(groups: list[list[int]], page: Sequence[Row], bare: Sequence[bool]) -> list[list[int]]:
    """Put groups of text alone to the one above, or to the one below where drawn lines end what is above."""
    found: list[list[int]] = []
    waiting: list[int] = []
    for group in groups:
        first = group[0]
        alone = all(bare[at] for at in group)
        if alone and first and not page[first - 1].enclosed:
            (waiting or found[-1]).extend(group)
        elif alone and first:
            waiting = group
        else:
            if waiting and page[first].enclosed:
                found.append(waiting)
                waiting = []
            found.append([*waiting, *group])
            waiting = []
    return [*found, waiting] if waiting else found
