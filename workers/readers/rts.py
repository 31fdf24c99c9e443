"""RTS workbooks (`#RTSROZP#`), whole or with their sheets copied out.

Every part of the bill is a sheet. A column far to the right, headed `#TypZaznamu#`, says what a row is.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import takewhile

from msgspec.structs import replace

from domain.bill import Bill, StatedTotal
from workers.readers.cells import Cell, currency, label, money, number, parse, text
from workers.readers.draft import BillDraft, SectionDraft
from workers.readers.source import Sheet, Source, rows_with
from workers.readers.typed import Action, Heading, TypedTable, columns_of

MARKER = "#RTSROZP#"
WHOLE, COPIED_OUT = 100, 95
"""How sure a whole workbook is, and sheets that were copied out of one."""

TYPES = "#TypZaznamu#"
DESCRIPTIONS = "#POP"
HEADINGS: dict[str, Heading] = {
    "p c": "number",
    "cislo polozky": "code",
    "nazev polozky": "description",
    "mj": "unit",
    "mnozstvi": "quantity",
    "cena mj": "unit_price",
    "celkem": "total",
    "dodavka": "material_price",
    "montaz": "assembly_price",
    "dph": "vat",
    "hmotnost mj": "unit_mass",
    "dem hmotnost mj": "unit_debris",
    "nhod mj": "unit_hours",
    "cen soustava platnost": "price_system",
    "cenova soustava": "price_system",
    "typ polozky": "category",
}
NEEDED = {"code", "description", "unit", "quantity"}
ITEM, SECTION = "POL", "DIL"
ACTIONS: dict[str, Action] = {SECTION: "section", "POP": "note", "VV": "takeoff"}
MATERIALS = ("POL3", "Specifikace")
PART = "STA"
"""What is built stands above the names of each part."""

OBJECTS = ("OBJ", "ROZ")
DISPLAYED = Decimal("0.01")
NET, GROSS = ("cena celkem bez dph", "cena bez dph"), ("cena celkem s dph", "cena s dph")
TAXED, ROUNDING = "zaklad pro", "zaokrouhleni"


def claims(sheet: Sheet) -> bool:
    """Whether a sheet has a column of types."""
    return types_column(sheet.top()) is not None


def types_column(rows: Sequence[Sequence[Cell]]) -> int | None:
    """Find the column of the types of rows, by its name, else by what stands in it."""
    if row := next(rows_with(TYPES, rows), None):
        return row.index(TYPES)
    for row in rows_with(SECTION, rows):
        column = row.index(SECTION)
        if any(str(other[column]).startswith(ITEM) for other in rows if column < len(other)):
            return column
    return None


def read(source: Source) -> Bill:
    """Read every sheet that has a table; the totals are those of the first sheet, else the sums of the parts."""
    draft = BillDraft("rts", COPIED_OUT, source.places)
    draft.variant = MARKER
    unread: list[str] = []
    whole: list[StatedTotal] = []
    for sheet in source.sheets:
        types = types_column(sheet.top())
        marked = any(rows_with(MARKER, sheet.top()))
        if marked:
            draft.confidence = WHOLE
        if types is not None:
            if source.places:  # in print, everything is one sheet
                whole = _Front(draft, sheet).read(_above(sheet, types))
            table = _Table(draft, sheet, types)
            for line, row in enumerate(sheet.rows(), 1):
                if table.columns and row[types] == PART:
                    table = _Table(draft, sheet, types)  # parts may stand below each other
                table.read(line, row)
        elif marked:
            whole = _Front(draft, sheet).read(enumerate(sheet.rows(), 1))
        elif sheet.top() and not sheet.hidden:
            unread.append(sheet.name)
        sheet.close()
    parts = [
        section.declared_total for section in draft.sections if section.kind == "object" and section.declared_total
    ]
    net = [total.amount for total in whole if total.kind == "net"]
    gross = [total.amount for total in whole if total.kind == "gross"]
    draft.totals[:0] = whole
    draft.declared_total = net[0] if net else sum(parts, Decimal(0)) if parts else None
    draft.declared_total_with_vat = gross[0] if gross else None
    draft.warn_unread(unread)
    return draft.finish()


def _above(sheet: Sheet, types: int) -> Iterator[tuple[int, Sequence[Cell]]]:
    """Give the rows down to the first that has a type."""
    return takewhile(lambda numbered: not numbered[1][types], enumerate(sheet.rows(), 1))


class _Front:
    """The first sheet: what is built, totals and taxes, then the conditions of the tender."""

    def __init__(self, draft: BillDraft, sheet: Sheet) -> None:
        self._draft = draft
        self._sheet = sheet
        self._taxed: dict[Decimal | None, Decimal] = {}

    def read(self, rows: Iterable[tuple[int, Sequence[Cell]]]) -> list[StatedTotal]:
        """Read everything but the descriptions; return the totals."""
        totals: list[StatedTotal] = []
        described = 0
        for line, row in rows:
            filled = [cell for cell in row if cell != ""]
            texts = [written for cell in filled if isinstance(cell, str) and (written := cell.strip())]
            if texts and texts[0].startswith(DESCRIPTIONS):
                described = described or line
            elif texts and not described:
                self._read_names(texts)
                totals.extend(self._totals(line, filled))
        if described:
            self._draft.skip(self._sheet.name, described, "descriptions and conditions, down to the end of the sheet")
        return totals

    def _read_names(self, texts: Sequence[str]) -> None:
        if texts[0] == "Stavba:" and not self._draft.title and not texts[-1].isdecimal():
            self._draft.title = texts[-1]
        self._draft.currency = self._draft.currency or next((found for cell in texts if (found := currency(cell))), "")

    def _totals(self, line: int, filled: Sequence[Cell]) -> list[StatedTotal]:
        """Read a total, or an amount of VAT: its rate stands before a percent sign, what is taxed in a row above."""
        at, name = next(((at, cell) for at, cell in enumerate(filled) if isinstance(cell, str)), (0, ""))
        words = label(name)
        amounts = [amount for cell in filled[at + 1 :] if (amount := money(cell)) is not None]
        if not amounts:
            return []
        amount = amounts[-1]
        stated = StatedTotal(kind="net", amount=amount, label=name.strip(), sheet=self._sheet.name, line=line)
        if words in NET:
            return [stated]
        if words in GROSS:
            return [replace(stated, kind="gross")]
        if words == ROUNDING:
            return [replace(stated, kind="rounding")]
        if "%" in filled and "dph" in words.split():
            rate = number(filled[filled.index("%") - 1])
            if words.startswith(TAXED):
                self._taxed[rate] = amount
            else:
                return [replace(stated, kind="vat", rate=rate, base=self._taxed.get(rate))]
        return []


class _Table(TypedTable):
    """One part of the bill, which is one sheet."""

    def __init__(self, draft: BillDraft, sheet: Sheet, types: int) -> None:
        super().__init__(draft, sheet.name)
        self._top = sheet.top
        self._types = types
        self._objects: list[tuple[str, str]] = []

    def read(self, line: int, row: Sequence[Cell]) -> None:
        """Take in one row: of what is above the header, or of the table."""
        cell = row[self._types] if self._types < len(row) else ""
        kind = cell if isinstance(cell, str) else ""
        if not self.columns:
            self._read_above(line, row, kind)
        elif action := self._action(kind, row):
            self.take(action, line, row)
        elif kind == "SUM" and self.home and self.home.declared_total is None:
            self.home.declared_total = self.number(line, row, "total")
        else:
            self._pass_by(line, row, kind)

    def _action(self, kind: str, row: Sequence[Cell]) -> Action | None:
        if not kind.startswith(ITEM):
            return ACTIONS.get(kind)
        return "material" if kind.startswith(MATERIALS) or self.cell(row, "category") in MATERIALS else "work"

    def read_takeoff(self, line: int, row: Sequence[Cell]) -> None:
        """Take a row that is nothing but a number by its text: its cell may hold it cut to two decimals."""
        super().read_takeoff(line, row)
        if self.item is None or not (rows := self.item.takeoff) or (value := rows[-1].value) is None:
            return
        exact = parse(rows[-1].expression)
        if exact is not None and abs(exact - value) < DISPLAYED:
            rows[-1] = replace(rows[-1], value=exact)

    def _read_above(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Take the names of what is built from the rows above the header."""
        header = columns_of(row, HEADINGS)
        if header.keys() >= NEEDED:
            self.settle(header, self._top())
            self._open_home(line)
            return
        names = [written for cell in row[: self._types] if (written := text(cell)) and not written.endswith(":")]
        if kind in OBJECTS and names:
            self._objects.append((names[0], names[1] if len(names) > 1 else ""))
        elif kind == PART and names and not self.draft.title:
            self.draft.title = names[min(1, len(names) - 1)]

    def _open_home(self, line: int) -> None:
        path: tuple[str, ...] = ()
        for code, title in self._objects or [(self.sheet, "")]:
            path = (*path, code)
            innermost = len(path) == max(len(self._objects), 1)
            if innermost or not self.draft.has_section(path):
                opened = SectionDraft(path=path, title=title, kind="object", sheet=self.sheet, line=line)
                self.home = self.draft.add_section(opened)

    def _pass_by(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Note a row that says something and is nothing of the bill."""
        if any(text(cell) for cell in row[: self._types]):
            self.read_untyped(line, row, kind)
