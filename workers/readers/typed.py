"""Tables in which one column says of each row what it is: an item, a section, a note, a row of a takeoff."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Literal

from domain.bill import ItemKind, TakeoffLine
from workers.readers.cells import Cell, Mark, decimal_mark, exact, label, money, number, parse, text
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft
from workers.readers.source import WIDEST

Action = Literal["work", "material", "other", "section", "note", "takeoff"]

SUBTOTALS = ("mezisoucet", "medzisucet")
TOTALS = ("soucet", "sucet", "celkove mnozstvi", "celkem")
SUM_INITIALS = frozenset("mMsScC")
_RESULT = re.compile(r"=\s*+(?:(-?+\d{1,12},\d{1,9})\s*+|(-?\d[\d\s\u00a0.,]*))\[[A-Z]++\]$")
"""The end of a takeoff row, from its last "=", that states its own value and the letter that others refer to it by.

Aspe writes it into the text with a comma, whatever the sheet is shown with.
"""

_LINE_END = re.compile(r"(?:\r|_x000[dD]_)\n")

Heading = Literal[
    "type",
    "number",
    "code",
    "code_variant",
    "description",
    "unit",
    "quantity",
    "unit_price",
    "material_price",
    "assembly_price",
    "total",
    "price_system",
    "category",
    "vat",
    "unit_hours",
    "unit_mass",
    "unit_debris",
]

TEXTS: tuple[Heading, ...] = ("number", "code", "price_system", "description", "category", "unit")
NUMBERS: tuple[Heading, ...] = ("quantity", "unit_price", "material_price", "assembly_price", "total")
MEASURES: tuple[Heading, ...] = ("unit_hours", "unit_mass", "unit_debris")
FIELDS = {"total": "declared_total"}


def columns_of(row: Sequence[Cell], headings: Mapping[str, Heading]) -> dict[Heading, int]:
    """Map parts of an item to the columns that are headed by their folded names; the first of a name counts."""
    found: dict[Heading, int] = {}
    for column, cell in enumerate(row[:WIDEST]):
        if isinstance(cell, str) and cell and (part := headings.get(label(cell))):
            found.setdefault(part, column)
    return found


def _takeoff_kind(written: str) -> Literal["row", "subtotal", "total"]:
    words = label(written[:20])
    return "subtotal" if words.startswith(SUBTOTALS) else "total" if words.startswith(TOTALS) else "row"


class TypedTable:
    """One table on its way into the bill. `home` is the object that all of it belongs to."""

    def __init__(self, draft: BillDraft, sheet: str) -> None:
        """Start without columns and without an object: a header brings both."""
        self.draft = draft
        self.sheet = sheet
        self.columns: dict[Heading, int] = {}
        self._typed = self._described = self._quantified = 0
        self._texts: list[tuple[Heading, int]] = []
        self._numbers: list[tuple[Heading, str, int, Callable[[float], Decimal | None]]] = []
        self._measures: list[tuple[Heading, int]] = []
        self._taxed: int | None = None
        self._rates: dict[Cell, Decimal | None] = {}
        self._first: Sequence[Sequence[Cell]] = ()
        self._mark: Mark | None = None
        self.home: SectionDraft | None = None
        self.open: list[SectionDraft] = []
        self.item: ItemDraft | None = None

    def settle(self, columns: dict[Heading, int], first: Sequence[Sequence[Cell]]) -> None:
        """Take the columns of a header; the first rows tell how numbers are written that are texts.

        All rows of a sheet are as wide as its header.
        """
        if columns == self.columns:
            return  # they are repeated on every page
        self.columns = columns
        self._typed = columns.get("type", -1)
        self._described, self._quantified = columns["description"], columns["quantity"]
        self._texts = [(part, columns[part]) for part in TEXTS if part in columns]
        self._numbers = [
            (part, FIELDS.get(part, part), columns[part], money if part == "total" else exact)
            for part in NUMBERS
            if part in columns
        ]
        self._measures = [(part, columns[part]) for part in MEASURES if part in columns]
        self._taxed = columns.get("vat")
        self.draft.totalled = self.draft.totalled or "total" in columns
        self._rates.clear()
        self._first, self._mark = first, None

    @property
    def mark(self) -> Mark:
        """The decimal mark of numbers that are texts; most tables have none, so it is looked for when one is met."""
        if self._mark is None:
            columns = (filter(None, map(itemgetter(column), self._first)) for _, _, column, _ in self._numbers)
            self._mark = decimal_mark([cell for cells in columns for cell in cells if isinstance(cell, str)], ",")
        return self._mark

    @property
    def section(self) -> SectionDraft:
        """The innermost section that is open."""
        section = self.open[-1] if self.open else self.home
        if section is None:
            raise RuntimeError("a row of the table was read before its header")
        return section

    def cell(self, row: Sequence[Cell], part: Heading) -> Cell:
        """Give the cell of a part, "" where the table has no such column."""
        column = self.columns.get(part)
        return "" if column is None else row[column]

    def number(self, line: int, row: Sequence[Cell], part: Heading) -> Decimal | None:
        """Read the number of a part; see `BillDraft.number`."""
        column = self.columns.get(part)
        return None if column is None or (cell := row[column]) == "" else self._number(cell, line, part)

    def _number(self, cell: Cell, line: int, part: Heading) -> Decimal | None:
        if isinstance(cell, float):
            value = money(cell) if part == "total" else exact(cell)
            if value is not None:
                return value
        return self.draft.number(cell, (self.sheet, line, part), self.mark, amount=part == "total")

    def vat_rate(self, cell: Cell) -> Decimal | None:
        """Read a rate in percent, stated as a number or as a share of one."""
        rate = number(cell.removesuffix("%").strip(), self.mark) if isinstance(cell, str) else number(cell)
        return rate.scaleb(2) if rate is not None and 0 < rate < 1 else rate

    def level(self, row: Sequence[Cell], code: str) -> int:
        """Tell how deep a section lies, 0 at the top."""
        del row, code
        return 0

    def take(self, action: Action, line: int, row: Sequence[Cell]) -> None:
        """Take in a row of a known type."""
        match action:
            case "takeoff":
                self.read_takeoff(line, row)
            case "note":
                self.read_note(line, row)
            case "work" | "material" | "other":
                self.read_item(line, row, action)
            case "section":
                self.read_section(line, row)

    def read_item(self, line: int, row: Sequence[Cell], kind: ItemKind) -> None:
        """Add an item to the section that is open."""
        item = self.item = ItemDraft(kind=kind, section=self.section.path, sheet=self.sheet, line=line)
        for part, column in self._texts:
            if cell := row[column]:
                setattr(item, part, cell.strip() if isinstance(cell, str) else text(cell))
        for part, field, column, convert in self._numbers:
            cell = row[column]
            if isinstance(cell, float) and (value := convert(cell)) is not None:
                setattr(item, field, value)
            elif cell != "":
                setattr(item, field, self._number(cell, line, part))
        for part, column in self._measures:
            if cell := row[column]:  # programs show 0 where nobody stated anything
                setattr(item, part, (exact(cell) if isinstance(cell, float) else number(cell, self.mark)) or None)
        if item.unit_price is None and (item.material_price is not None or item.assembly_price is not None):
            item.unit_price = (item.material_price or Decimal(0)) + (item.assembly_price or Decimal(0))
        if "code_variant" in self.columns and (variant := text(self.cell(row, "code_variant"))):
            item.code = f"{item.code}.{variant}"
        if self._taxed is not None:
            if (cell := row[self._taxed]) not in self._rates:
                self._rates[cell] = self.vat_rate(cell)
            item.vat_rate = self._rates[cell]
        self.draft.items.append(item)

    def read_takeoff(self, line: int, row: Sequence[Cell]) -> None:
        """Add a row of the takeoff to the item above."""
        if self.item is None:
            self.draft.skip(self.sheet, line, "a takeoff row that follows no item")
            return
        cell, stated = row[self._described], row[self._quantified]
        written = cell.strip() if isinstance(cell, str) else text(cell)
        value = exact(stated) if isinstance(stated, float) else None
        if value is None and stated != "":
            value = self._number(stated, line, "quantity")
        if value is None and written.endswith("]") and (result := _RESULT.match(written, written.rfind("="))):
            plain, other = result.groups()
            value = Decimal(plain.replace(",", ".")) if plain else parse(other.rstrip())
        kind = _takeoff_kind(written) if written.lstrip(" \"'")[:1] in SUM_INITIALS else "row"
        self.item.takeoff.append(TakeoffLine(expression=written, value=value, kind=kind, line=line))

    def read_note(self, line: int, row: Sequence[Cell]) -> None:
        """Add a note to the item above, else to the section."""
        written = text(row[self._described])
        if "\n" in written:  # programs that save the file again end lines otherwise
            written = _LINE_END.sub("\n", written)
        if not written:
            self.draft.skip(self.sheet, line, "an empty note")
        elif self.item is not None:
            self.item.notes.append(written)
        else:
            self.section.notes.append(written)

    def read_section(self, line: int, row: Sequence[Cell]) -> None:
        """Open a section, and close those that it ends."""
        code = text(self.cell(row, "code")) or text(self.cell(row, "description"))
        del self.open[self.level(row, code) :]
        section = SectionDraft(
            path=(*self.section.path, code),
            title=text(self.cell(row, "description")),
            declared_total=self.number(line, row, "total"),
            sheet=self.sheet,
            line=line,
        )
        self.open.append(self.draft.add_section(section))
        self.item = None

    def read_untyped(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Take a row that somebody added without a type, but with all of an item, for one; note down any other."""
        whole = not kind and text(self.cell(row, "description")) and text(self.cell(row, "unit"))
        if whole and self.home and number(self.cell(row, "quantity"), self.mark) is not None:
            self.read_item(line, row, "work")
            self.draft.warn(f"{self.draft.place(self.sheet, line)} has no type and is read as an item.")
        else:
            self.skip(line, row, kind)

    def skip(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Note a row of no known type, unless nothing stands in it."""
        texts = (text(row[column]) for part, column in self.columns.items() if part != "type" and column < len(row))
        written = next((found for found in texts if found), "")
        if kind:
            self.draft.skip(self.sheet, line, f"a row of unknown type {kind!r}: {written[:60]}")
        elif written:
            self.draft.skip(self.sheet, line, f"a row without a type: {written[:60]}")
