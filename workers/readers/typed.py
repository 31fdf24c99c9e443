"""Tables in which one column says of each row what it is: an item, a section, a note, a row of a takeoff."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from domain.bill import ItemKind, TakeoffLine
from workers.readers.cells import Cell, Mark, label, number, parse, text
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft

Action = Literal["work", "material", "other", "section", "note", "takeoff"]

ITEM_KINDS: dict[str, ItemKind] = {"work": "work", "material": "material", "other": "other"}
SUBTOTALS = ("mezisoucet", "medzisucet")
TOTALS = ("soucet", "sucet", "celkove mnozstvi", "celkem")
DISPLAYED = Decimal("0.01")
"""A takeoff row that is nothing but a number may hold it cut to two decimals in its cell."""

_RESULT = re.compile(r"=\s*(-?\d[\d\s\u00a0.,]*?)\s*\[[A-Z]+\]\s*$")
"""The end of a takeoff row that states its own value and the letter that others refer to it by."""

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


def columns_of(row: Sequence[Cell], headings: Mapping[str, Heading]) -> dict[Heading, int]:
    """Map parts of an item to the columns that are headed by their folded names; the first of a name counts."""
    found: dict[Heading, int] = {}
    for column, cell in enumerate(row):
        if isinstance(cell, str) and cell and (part := headings.get(label(cell))):
            found.setdefault(part, column)
    return found


class TypedTable:
    """One table on its way into the bill. `home` is the object that all of it belongs to."""

    def __init__(self, draft: BillDraft, sheet: str) -> None:
        """Start without columns and without an object: a header brings both."""
        self.draft = draft
        self.sheet = sheet
        self.columns: dict[Heading, int] = {}
        self.home: SectionDraft | None = None
        self.mark: Mark = ","
        self.open: list[SectionDraft] = []
        self.item: ItemDraft | None = None

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
        return "" if column is None or column >= len(row) else row[column]

    def number(self, line: int, row: Sequence[Cell], part: Heading) -> Decimal | None:
        """Read the number of a part; see `BillDraft.number`."""
        cell = self.cell(row, part)
        if cell == "":
            return None
        return self.draft.number(cell, (self.sheet, line, part), self.mark, amount=part == "total")

    def vat_rate(self, row: Sequence[Cell]) -> Decimal | None:
        """Read a rate in percent, stated as a number or as a share of one."""
        rate = number(self.cell(row, "vat"), self.mark)
        return rate.scaleb(2) if rate is not None and 0 < rate < 1 else rate

    def level(self, row: Sequence[Cell], code: str) -> int:
        """Tell how deep a section lies, 0 at the top."""
        del row, code
        return 0

    def take(self, action: Action, line: int, row: Sequence[Cell]) -> None:
        """Take in a row of a known type."""
        match action:
            case "work" | "material" | "other":
                self.read_item(line, row, ITEM_KINDS[action])
            case "takeoff":
                self.read_takeoff(line, row)
            case "note":
                self.read_note(line, row)
            case "section":
                self.read_section(line, row)

    def read_item(self, line: int, row: Sequence[Cell], kind: ItemKind) -> None:
        """Add an item to the section that is open."""
        columns = self.columns
        material = self.number(line, row, "material_price") if "material_price" in columns else None
        assembly = self.number(line, row, "assembly_price") if "assembly_price" in columns else None
        unit_price = self.number(line, row, "unit_price")
        if unit_price is None and (material is not None or assembly is not None):
            unit_price = (material or Decimal(0)) + (assembly or Decimal(0))
        code, variant = text(self.cell(row, "code")), text(self.cell(row, "code_variant"))
        self.item = ItemDraft(
            number=text(self.cell(row, "number")),
            code=f"{code}.{variant}" if variant else code,
            price_system=text(self.cell(row, "price_system")),
            description=text(self.cell(row, "description")),
            category=text(self.cell(row, "category")),
            kind=kind,
            section=self.section.path,
            quantity=self.number(line, row, "quantity"),
            unit=text(self.cell(row, "unit")),
            unit_price=unit_price,
            material_price=material,
            assembly_price=assembly,
            declared_total=self.number(line, row, "total"),
            vat_rate=self.vat_rate(row),
            unit_hours=self._measure(row, "unit_hours"),
            unit_mass=self._measure(row, "unit_mass"),
            unit_debris=self._measure(row, "unit_debris"),
            sheet=self.sheet,
            line=line,
        )
        self.draft.items.append(self.item)

    def _measure(self, row: Sequence[Cell], part: Heading) -> Decimal | None:
        """Read what a unit weighs or takes; programs show 0 where nobody stated anything."""
        cell = self.cell(row, part)
        return (number(cell, self.mark) or None) if cell else None

    def read_takeoff(self, line: int, row: Sequence[Cell]) -> None:
        """Add a row of the takeoff to the item above."""
        if self.item is None:
            self.draft.skip(self.sheet, line, "a takeoff row that follows no item")
            return
        written = text(self.cell(row, "description"))
        words = "" if written[:1].isdigit() else label(written[:20])
        kind = "row"
        if words.startswith(SUBTOTALS):
            kind = "subtotal"
        elif words.startswith(TOTALS):
            kind = "total"
        value = self.number(line, row, "quantity")
        if value is None and (stated := _RESULT.search(written)):
            value = parse(stated[1], self.mark)
        elif value is not None and (exact := parse(written)) is not None and abs(exact - value) < DISPLAYED:
            value = exact
        self.item.takeoff.append(TakeoffLine(expression=written, value=value, kind=kind, line=line))

    def read_note(self, line: int, row: Sequence[Cell]) -> None:
        """Add a note to the item above, else to the section."""
        written = text(self.cell(row, "description"))
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

    def skip(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Note a row of no known type, unless nothing stands in it."""
        texts = (text(row[column]) for part, column in self.columns.items() if part != "type" and column < len(row))
        written = next((found for found in texts if found), "")
        if kind:
            self.draft.skip(self.sheet, line, f"a row of unknown type {kind!r}: {written[:60]}")
        elif written:
            self.draft.skip(self.sheet, line, f"a row without a type: {written[:60]}")
