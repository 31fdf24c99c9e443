"""The rows of a plain table: each cell sorted into its part of an item, and what each row is."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice, pairwise
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from workers.readers.cells import Cell, Mark, decimal_mark, label, number, text
from workers.readers.codes import shaped_system
from workers.readers.columns import settled
from workers.readers.draft import BillDraft
from workers.readers.headings import Header, header_at
from workers.readers.source import Sheet
from workers.readers.vocabulary import CARRIED, SUM_ENDINGS, SUMS, TAX_WORDS, VAT, Part, says

SAMPLE_ROWS = 500
SUM_ROW_TEXTS = 3
"""A row with more texts than this is no sum, whatever its words."""

_COLUMN = re.compile(r"[(\[]?(\d{1,2})(?:[)\].]|\s*=.{1,20})?$")
_MEASURED = re.compile(r"(-?\d[\d\s.,]*?)\s*([^\W\d]\S{0,7})")
_SUM_WORDS = frozenset(SUMS)
_SUM_BEGINNINGS = tuple(f"{word} " for word in SUMS)

TEXTS: tuple[Part, ...] = ("number", "code", "description", "unit", "price_system", "category", "note")
NUMBERS: tuple[Part, ...] = ("quantity", "unit_price", "material_price", "assembly_price", "total")

RATE_ONLY = {"nur ep", "nur e p", "nur einheitspreis", "rate only"}
"""What stands for the total of an item that enters no sum."""

Kind = Literal["empty", "header", "item", "takeoff", "text", "sum"]


class Line(Struct, kw_only=True, gc=False):
    """One row of a table, its cells sorted into parts."""

    line: int
    kind: Kind = "empty"
    number: str = ""
    code: str = ""
    description: str = ""
    unit: str = ""
    price_system: str = ""
    category: str = ""
    note: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    material_price: Decimal | None = None
    assembly_price: Decimal | None = None
    total: Decimal | None = None
    vat: Decimal | None = None
    optional: bool = False
    outdented: bool = False
    """Whether a text stands to the left of the table, as titles do."""
    stray: str = ""
    """The first text of a row that has nothing in the table's columns."""

    @property
    def name(self) -> str:
        """The code or number that a heading goes by; empty where it has none."""
        return self.code or self.number

    @property
    def title(self) -> str:
        """What the row is called."""
        return self.description or self.name


class Table:
    """A table from its header to the end of its sheet."""

    def __init__(self, draft: BillDraft, sheet: Sheet, header: Header) -> None:
        """Settle, from the first rows, how numbers are written and which column is the unit price."""
        self.header = header
        self.columns = dict(header.columns)
        self._draft = draft
        self._sheet = sheet
        sample = list(islice(sheet.rows(), header.line, header.line + SAMPLE_ROWS))
        cells = [self._cell(row, part) for row in sample for part in NUMBERS]
        self.written_numbers = [cell for cell in cells if isinstance(cell, str) and cell]
        """Texts where the first rows have numbers."""
        comma = sheet.delimiter != "," if sheet.delimiter else not header.english
        self._mark: Mark = decimal_mark(self.written_numbers, "," if comma else ".")
        self._settle(sample)

    def _settle(self, sample: Sequence[Sequence[Cell]]) -> None:
        """Take the columns of the header, and from the rows below it what their headings do not tell."""
        self.columns = settled(self.header, sample, self._mark)
        self._texts = [(part, self.columns[part]) for part in TEXTS if part in self.columns]
        self._numbers = [(part, self.columns[part]) for part in NUMBERS if part in self.columns]
        self._draft.totalled = self._draft.totalled or "total" in self.columns
        self.header = replace(self.header, columns=self.columns)

    def lines(self) -> Iterator[Line]:
        """Yield every row below the header and say what it is."""
        previous: Kind = "header"
        below = islice(self._sheet.rows(), self.header.line, None)
        for at, (row, following) in enumerate(pairwise(chain(below, [()])), self.header.line + 1):
            if at <= self.header.line or self._is_header(at, row, following):
                previous = "header"
                yield Line(line=at, kind="header")
                continue
            line = self._line(at, row, previous)
            if not (previous == "header" and line.kind == "empty"):
                previous = line.kind
            yield line

    def title(self) -> Line | None:
        """Read the row right above the header, as if it stood in the table: it heads what follows if text alone."""
        above = self._sheet.top()[: self.header.first - 1]
        for at in range(len(above), 0, -1):
            if any(map(text, above[at - 1])):
                line = self._line(at, above[at - 1], "empty")
                return line if line.kind == "text" and line.total is None else None
        return None

    def _is_header(self, at: int, row: Sequence[Cell], following: Sequence[Cell]) -> bool:
        """Whether the headings stand here again; they may put the columns in another order."""
        column = self.columns["quantity"]
        stated = row[column] if column < len(row) else ""
        if not stated or not isinstance(stated, str) or stated[0].isdigit():
            return False
        header = header_at(at, row, following)
        if header is None:
            return False
        same = header.columns.items() <= self.columns.items()
        self.header = replace(self.header, line=header.line) if same else header
        if not same:
            self._settle(list(islice(self._sheet.rows(), header.line, header.line + SAMPLE_ROWS)))
        return True

    def _cell(self, row: Sequence[Cell], part: Part) -> Cell:
        column = self.columns.get(part)
        return "" if column is None or column >= len(row) else row[column]

    def _number(self, row: Sequence[Cell], part: Part) -> Decimal | None:
        return number(self._cell(row, part), self._mark)

    def _line(self, at: int, row: Sequence[Cell], previous: Kind) -> Line:
        line = Line(line=at)
        width = len(row)
        for part, column in self._texts:
            if column < width and (cell := row[column]) != "":
                setattr(line, part, cell.strip() if isinstance(cell, str) else text(cell))
        for part, column in self._numbers:
            if column < width and (cell := row[column]) != "":
                setattr(line, part, number(cell, self._mark))
        if line.quantity is None and "unit" not in self.columns:
            self._split_quantity(line, row)
        if "vat" in self.columns:
            line.vat = number(text(self._cell(row, "vat")).removesuffix("%").strip(), self._mark)
        line.kind = self._kind(line, row, previous)
        if line.kind == "item":
            self._check_numbers(line, row)
        return line

    def _split_quantity(self, line: Line, row: Sequence[Cell]) -> None:
        """Take quantity and unit from one cell, as in "12,5 m3", where the table has no column of units."""
        found = _MEASURED.fullmatch(text(self._cell(row, "quantity")))
        if found and (quantity := number(found[1], self._mark)) is not None:
            line.quantity, line.unit = quantity, found[2]

    def _kind(self, line: Line, row: Sequence[Cell], previous: Kind) -> Kind:
        if previous == "header" and _counts_up(row):
            return "header"
        may_sum = line.quantity is None or line.unit in {"", "%"}
        if may_sum and (title := self._sum_title(line, row)) is not None:
            line.total = line.total if line.total is not None else _last_number(row, self._mark)
            if line.total is not None or not any(c.isdigit() for c in title):
                line.description = title
                return "sum"
        priced = line.unit_price or line.material_price or line.assembly_price
        if line.quantity is not None or line.unit or priced:
            if self._is_takeoff(line, previous):
                return "takeoff"
            return "item" if line.quantity or line.unit or priced or not line.title else "text"
        if shaped_system(line.code) in {"urs", "rts"}:
            return "item"
        if line.title:
            return "text"
        filled = [(at, written) for at, cell in enumerate(row) if cell != "" and (written := text(cell))]
        line.stray = filled[0][1] if filled else ""
        if len(filled) == 1 and filled[0][0] < min(self.columns.values()) and any(map(str.isalpha, line.stray)):
            line.description, line.outdented = line.stray, True
            return "text"
        return "empty"

    def _sum_title(self, line: Line, row: Sequence[Cell]) -> str | None:
        """Find the words that make a row a sum, or "" where an amount stands alone; `None` when it is no sum."""
        taxed = line.unit in {"", "%"}
        summed = line.quantity is None and line.unit != "%"
        if not taxed and not (summed and label(line.unit) in SUMS):
            return None
        texts = [written for cell in row if isinstance(cell, str) and (written := cell.strip())]
        if not texts:
            return "" if summed and line.total is not None and line.unit_price is None else None
        if len(texts) > SUM_ROW_TEXTS:
            return None
        for written in texts:
            words = label(written)
            if taxed and _is_tax(words):
                return written
            if summed and (words in _SUM_WORDS or words.startswith(_SUM_BEGINNINGS)):
                return written
            if summed and line.total is not None and (CARRIED.fullmatch(words) or _ends_sum(line, words)):
                return written
        return None

    def _is_takeoff(self, line: Line, previous: Kind) -> bool:
        """Whether the row only measures: an expression and its result, below an item, in a table that numbers items."""
        bare = not (
            line.unit or line.name or line.unit_price or line.material_price or line.assembly_price or line.total
        )
        named = "number" in self.columns or "code" in self.columns
        return bare and named and bool(line.description) and previous in {"item", "takeoff", "text"}

    def _check_numbers(self, line: Line, row: Sequence[Cell]) -> None:
        """Have a cell of an item that should be a number, and is none, told to the reader of the bill."""
        found = (line.quantity, line.unit_price, line.material_price, line.assembly_price, line.total)
        for part, value in zip(NUMBERS, found, strict=True):
            if value is None and part in self.columns and (cell := self._cell(row, part)) != "":
                if part == "total" and label(text(cell)) in RATE_ONLY:
                    line.optional = True
                    continue
                self._draft.number(cell, (self._sheet.name, line.line, self._heading(part)), self._mark)

    def _heading(self, part: Part) -> str:
        return self.header.names.get(self.columns.get(part, -1), part)


def _is_tax(words: str) -> bool:
    """Whether a folded text names a tax and nothing else, such as "DPH 21 %", "zzgl. 19 % MwSt." or "VAT @ 20%:"."""
    parts = words.split()
    if TAX_WORDS.isdisjoint(parts) or not says(words, VAT):
        return False
    return all(word in TAX_WORDS or word.rstrip("%").isdigit() for word in parts)


def _ends_sum(line: Line, words: str) -> bool:
    return not line.name and words.endswith(SUM_ENDINGS)


def _counts_up(row: Sequence[Cell]) -> bool:
    """Whether a row only numbers the columns, or letters them, as forms do below their header: "7 = 5 x 6" is 7."""
    filled = [written for cell in row if (written := text(cell))]
    if len(filled) < 4:  # noqa: PLR2004 - fewer could be data
        return False
    places = [_place(written) for written in filled]
    return places[0] is not None and places == list(range(places[0], places[0] + len(places)))


def _place(written: str) -> int | None:
    """Read the number of a column, or its letter."""
    if len(written) == 1 and "a" <= (letter := written.casefold()) <= "z":
        return ord(letter) - ord("a")
    found = _COLUMN.match(written)
    return int(found[1]) if found else None


def _last_number(row: Sequence[Cell], mark: Mark) -> Decimal | None:
    return next((value for cell in reversed(row) if (value := number(cell, mark)) is not None), None)
