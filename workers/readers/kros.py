"""KROS "Export Komplet" workbooks, whole or with their sheets copied out.

Every object is a sheet: a cover, a recapitulation, and the table of items, which may start anywhere and is found by its
header. The column "Typ" says what a row of the table is.
"""

from collections.abc import Sequence
from decimal import Decimal

from domain.bill import Bill, ItemKind, TakeoffLine
from workers.readers.cells import Cell, currency, label, number, text
from workers.readers.cover import Cover
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft
from workers.readers.source import Sheet, Source

MARKER = "Export Komplet"
HEADINGS = {
    "pc": "number",
    "typ": "type",
    "kod": "code",
    "popis": "description",
    "mj": "unit",
    "mnozstvi": "quantity",
    "mnozstvo": "quantity",
    "j cena": "unit_price",
    "j material": "material_price",
    "j montaz": "assembly_price",
    "cena celkem": "total",
    "cena celkom": "total",
    "cenova soustava": "price_system",
    "cenova sustava": "price_system",
    "dph": "vat",
}
"""Folded headings of the Czech and the Slovak edition."""

NEEDED = {"type", "code", "description", "unit", "quantity"}
ITEM_KINDS: dict[str, ItemKind] = {"K": "work", "M": "material"}
NOTES = {"PP", "PSC", "Online PSC", "P"}
TAKEOFF = "VV"
SECTION = "D"
SUBTOTALS = ("mezisoucet", "medzisucet")
TOTALS = ("soucet", "sucet", "celkove mnozstvi")


def columns(row: Sequence[Cell]) -> dict[str, int] | None:
    """Map the parts of an item to columns if this row is the header of a KROS table."""
    if "Typ" not in row:
        return None
    found: dict[str, int] = {}
    for column, cell in enumerate(row):
        if isinstance(cell, str) and (part := HEADINGS.get(label(cell))):
            found.setdefault(part, column)
    return found if found.keys() >= NEEDED else None


def score(source: Source) -> int:
    """100 for a whole export, 95 for sheets copied out of one, 0 for anything else."""
    if source.kind == "text" or not any(columns(row) for sheet in source.sheets for row in sheet.rows()):
        return 0
    first = next(source.sheets[0].rows(), None)
    return 100 if first and first[0] == MARKER else 95


def read(source: Source) -> Bill:
    """Read all sheets. The declared totals are those of the recapitulation, else the sums of the objects'."""
    draft = BillDraft("kros", score(source))
    objects: list[Cover] = []
    recapitulations: list[Cover] = []
    for sheet in source.sheets:
        table = _Table(draft, sheet)
        for line, row in enumerate(sheet.rows(), 1):
            table.read(line, row)
        sheet.close()
        if table.columns:
            objects.append(table.cover)
        elif table.cover.net is not None:
            recapitulations.append(table.cover)
    covers = recapitulations[:1] or objects
    draft.title = next((cover.project for cover in [*covers, *objects] if cover.project), "")
    draft.currency = draft.currency or next((cover.currency for cover in covers if cover.currency), "")
    draft.declared_total = _sum([cover.net for cover in covers])
    draft.declared_total_with_vat = _sum([cover.gross for cover in covers])
    return draft.finish()


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


class _Table:
    """One sheet on the way from its cover to the end of its table."""

    def __init__(self, draft: BillDraft, sheet: Sheet) -> None:
        self.draft = draft
        self.sheet = sheet.name
        self.cover = Cover()
        self.columns: dict[str, int] = {}
        self._object: SectionDraft | None = None
        self._open: list[SectionDraft] = []
        self._item: ItemDraft | None = None
        self._level_column: int | None = None

    def read(self, line: int, row: Sequence[Cell]) -> None:
        """Take in one row: of the cover, the header, or the table."""
        if header := columns(row):
            self._begin(line, row, header)
        elif self.columns:
            self._read_row(line, row)
        else:
            self.cover.read(row)

    def _begin(self, line: int, row: Sequence[Cell], header: dict[str, int]) -> None:
        """Open the object at its table's header; a header repeated further down only maps the columns anew."""
        self.columns = header
        self.draft.currency = self.draft.currency or next(
            (found for cell in row if isinstance(cell, str) and (found := currency(cell))), ""
        )
        if self._object is None:
            self._object = self._open_object(line)

    def _open_object(self, line: int) -> SectionDraft:
        names = [*self.cover.objects.values()] or [f"{self.sheet.partition(' - ')[0]} - {self.cover.project}"]
        path: tuple[str, ...] = ()
        for name in names[:-1]:
            code, _, title = name.partition(" - ")
            path = (*path, code.strip())
            if not self.draft.has_section(path):
                self.draft.add_section(SectionDraft(path=path, title=title.strip(), sheet=self.sheet, line=line))
        code, _, title = names[-1].partition(" - ")
        own = SectionDraft(path=(*path, code.strip()), title=title.strip(), sheet=self.sheet, line=line)
        return self.draft.add_section(own)

    def _cell(self, row: Sequence[Cell], part: str) -> Cell:
        column = self.columns.get(part)
        return "" if column is None else row[column]

    def _read_row(self, line: int, row: Sequence[Cell]) -> None:
        kind = text(self._cell(row, "type"))
        if kind in ITEM_KINDS:
            self._read_item(line, row, ITEM_KINDS[kind])
        elif kind == TAKEOFF:
            self._read_takeoff(line, row)
        elif kind in NOTES:
            self._read_note(line, row)
        elif kind == SECTION:
            self._read_section(line, row)
        elif any(text(row[column]) for column in self.columns.values()):
            self._read_other(line, row, kind)

    def _read_item(self, line: int, row: Sequence[Cell], kind: ItemKind) -> None:
        material = self._number(line, row, "material_price")
        assembly = self._number(line, row, "assembly_price")
        unit_price = self._number(line, row, "unit_price")
        if material is not None or assembly is not None:
            unit_price = (material or Decimal(0)) + (assembly or Decimal(0))
        self._item = ItemDraft(
            number=text(self._cell(row, "number")),
            code=text(self._cell(row, "code")),
            price_system=text(self._cell(row, "price_system")),
            description=text(self._cell(row, "description")),
            kind=kind,
            section=self._section.path,
            quantity=self._number(line, row, "quantity"),
            unit=text(self._cell(row, "unit")),
            unit_price=unit_price,
            material_price=material,
            assembly_price=assembly,
            declared_total=self._number(line, row, "total"),
            vat_rate=self._vat_rate(row),
            sheet=self.sheet,
            line=line,
        )
        self.draft.items.append(self._item)

    @property
    def _section(self) -> SectionDraft:
        section = self._open[-1] if self._open else self._object
        if section is None:
            raise RuntimeError("a row of the table was read before its header")
        return section

    def _number(self, line: int, row: Sequence[Cell], part: str) -> Decimal | None:
        return self.draft.number(self._cell(row, part), (self.sheet, line, part), amount=part == "total")

    def _vat_rate(self, row: Sequence[Cell]) -> Decimal | None:
        """In percent: looked up on the cover by name, or stated as a number or a share of one."""
        cell = self._cell(row, "vat")
        if isinstance(cell, str):
            return self.cover.vat_rates.get(label(cell))
        rate = number(cell)
        return rate.scaleb(2) if rate is not None and 0 < rate < 1 else rate

    def _read_takeoff(self, line: int, row: Sequence[Cell]) -> None:
        if self._item is None:
            self.draft.skip(self.sheet, line, "a takeoff row that follows no item")
            return
        written = text(self._cell(row, "description"))
        words = "" if written[:1].isdigit() else label(written[:20])
        kind = "row"
        if words.startswith(SUBTOTALS):
            kind = "subtotal"
        elif words.startswith(TOTALS):
            kind = "total"
        value = self._number(line, row, "quantity")
        self._item.takeoff.append(TakeoffLine(expression=written, value=value, kind=kind, line=line))

    def _read_note(self, line: int, row: Sequence[Cell]) -> None:
        written = text(self._cell(row, "description"))
        if not written:
            self.draft.skip(self.sheet, line, "an empty note")
        elif self._item is not None:
            self._item.notes.append(written)
        else:
            self._section.notes.append(written)

    def _read_section(self, line: int, row: Sequence[Cell]) -> None:
        code = text(self._cell(row, "code")) or text(self._cell(row, "description"))
        del self._open[self._level(row, code) :]
        section = SectionDraft(
            path=(*self._section.path, code),
            title=text(self._cell(row, "description")),
            declared_total=self._number(line, row, "total"),
            sheet=self.sheet,
            line=line,
        )
        self._open.append(self.draft.add_section(section))
        self._item = None

    def _level(self, row: Sequence[Cell], code: str) -> int:
        """Depth of a section, 0 at the top.

        KROS keeps it in a hidden column behind a hidden copy of the row type. Where that is gone the codes tell: groups
        such as HSV, PSV, M and VRN are letters and stand on top, what follows them is theirs.
        """
        if self._level_column is None:
            behind = max(self.columns.values()) + 1
            copies = [at for at in range(behind, len(row) - 1) if row[at] == SECTION and text(row[at + 1]).isdecimal()]
            self._level_column = copies[0] + 1 if copies else -1
        if self._level_column >= 0 and (level := text(row[self._level_column])).isdecimal():
            return int(level)
        return 0 if code.isalpha() or not self._open or not self._open[0].path[-1].isalpha() else 1

    def _read_other(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Take the object's total from the row above its first section; note down what else has no known type."""
        texts = (text(row[column]) for part, column in self.columns.items() if part != "type")
        written = next((found for found in texts if found), "")
        if kind:
            self.draft.skip(self.sheet, line, f"a row of unknown type {kind!r}: {written[:60]}")
        elif self._object and self._object.declared_total is None and label(written).startswith("naklady"):
            self._object.declared_total = self._number(line, row, "total")
        else:
            self.draft.skip(self.sheet, line, f"a row without a type: {written[:60]}")
