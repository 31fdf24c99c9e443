"""KROS "Export Komplet" workbooks, whole or with their sheets copied out.

Every object is a sheet: a cover, a recapitulation, and the table of items, which may start anywhere and is found by its
header. The column "Typ" says what a row of the table is.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import Literal

from domain.bill import Bill
from workers.readers.cells import Cell, currency, label, text
from workers.readers.cover import Cover
from workers.readers.draft import BillDraft, SectionDraft
from workers.readers.figures import FigureList
from workers.readers.headings import find_header
from workers.readers.source import Sheet, Source
from workers.readers.typed import Action, Heading, TypedTable, columns_of
from workers.readers.vocabulary import COVERS, FORMS

MARKER = "Export Komplet"
HEADINGS: dict[str, Heading] = {
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
    "j nh": "unit_hours",
    "j hmotnost": "unit_mass",
    "j sut": "unit_debris",
}
"""Folded headings of the Czech and the Slovak edition."""

RENAMED: tuple[Literal["unit_price", "total"], ...] = ("unit_price", "total")
"""What is looked for under any name where the table does not have the program's own."""

NEEDED = {"type", "code", "description", "unit", "quantity"}
WHOLE, COPIED_OUT = 100, 95
"""How sure a whole export is, and sheets that were copied out of one."""

ACTIONS: dict[Cell, Action] = {
    "K": "work",
    "M": "material",
    "VV": "takeoff",
    "PP": "note",
    "PSC": "note",
    "Online PSC": "note",
    "P": "note",
    "D": "section",
}


def columns(row: Sequence[Cell]) -> dict[Heading, int] | None:
    """Map the parts of an item to columns if this row is the header of a KROS table."""
    found = columns_of(row, HEADINGS)
    if not found.keys() >= NEEDED:
        return None
    if not found.keys() >= {"unit_price", "total"} and (header := find_header([row])):
        taken = set(found.values())
        found |= {
            part: at
            for part in RENAMED
            if part not in found and (at := header.columns.get(part, -1)) not in {-1, *taken}
        }
    return found


def claims(sheet: Sheet) -> bool:
    """Whether the first row that names types is the header of such a table, and one below it has such a type."""
    rows = iter(sheet.top())
    header = next((columns(row) for row in rows if "Typ" in row), None)
    return header is not None and any(row[header["type"]] in ACTIONS for row in rows)


def read(source: Source) -> Bill:
    """Read all sheets. The declared totals are those of the recapitulation, else the sums of the objects'."""
    whole = any(MARKER in row for row in source.sheets[0].top()[:1])
    draft = BillDraft("kros", WHOLE if whole else COPIED_OUT, source.places)
    objects: list[Cover] = []
    recapitulations: list[Cover] = []
    unread: list[str] = []
    for sheet in source.sheets:
        tables = list(_tables(draft, sheet))
        for table in tables:
            if table.home:
                objects.append(table.cover)
                draft.totals.extend(table.cover.of(table.home.path))
            elif table.cover.net is not None:
                recapitulations.append(table.cover)
        if sheet.top() and not any(table.said for table in tables):
            unread.append(sheet.name)
        sheet.close()
    covers = recapitulations[:1] or objects
    draft.variant = "with recapitulation" if recapitulations else "without recapitulation"
    draft.totals[:0] = [total for cover in recapitulations[:1] for total in cover.totals]
    draft.title = next((cover.project for cover in [*covers, *objects] if cover.project), "")
    draft.dated = next((cover.dated for cover in covers if cover.dated), None)
    draft.currency = draft.currency or next((cover.currency for cover in covers if cover.currency), "")
    draft.declared_total = _sum([cover.net for cover in covers])
    draft.declared_total_with_vat = _sum([cover.gross for cover in covers])
    draft.warn_unread(unread)
    return draft.finish()


def _title(row: Sequence[Cell]) -> str:
    """Fold the text of a row that has no other; "" for any other row."""
    filled = list(filter(None, row))
    return label(filled[0]) if len(filled) == 1 and isinstance(filled[0], str) else ""


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _tables(draft: BillDraft, sheet: Sheet) -> Iterator["_Table"]:
    """Read a sheet: one object with its cover, or several below each other, as in print."""
    rows = enumerate(sheet.rows(), 1)
    table = _Table(draft, sheet)
    while following := table.read(rows):
        yield table
        rows = chain((following,), rows)
        table = _Table(draft, sheet)
    yield table


class _Table(TypedTable):
    """One object on the way from its cover to the end of its table."""

    def __init__(self, draft: BillDraft, sheet: Sheet) -> None:
        super().__init__(draft, sheet.name)
        self._rows = sheet
        self.cover = Cover(sheet.name)
        self.figures = FigureList(draft, sheet)
        self._level_column: int | None = None

    @property
    def said(self) -> bool:
        """Whether anything of a bill was found."""
        return self.home is not None or self.cover.net is not None or self.figures.found

    def read(self, rows: Iterator[tuple[int, Sequence[Cell]]]) -> tuple[int, Sequence[Cell]] | None:
        """Take in the cover down to the header of the table, then the table; or a list of figures.

        Returns the row, if there is one, with the title of the forms of another object.
        """
        for line, row in rows:
            if (self.said or self.cover.project) and _title(row) in COVERS:
                return line, row
            if self.figures.read(line, row):
                continue
            if "Typ" in row and (header := columns(row)):
                self._begin(line, row, header)
                break
            self.cover.read(line, row)
        for line, row in rows:
            kind = row[self._typed]
            if action := ACTIONS.get(kind):
                self.take(action, line, row)
            elif kind == "Typ" and (header := columns(row)):
                self.settle(header, self._rows.top())  # repeated further down, it only maps the columns anew
            elif any(map(text, row)):
                if _title(row) in FORMS:
                    return line, row
                self._read_other(line, row, text(kind))
        return None

    def _begin(self, line: int, row: Sequence[Cell], header: dict[Heading, int]) -> None:
        """Open the object at its table's header."""
        self.settle(header, self._rows.top())
        self.draft.currency = self.draft.currency or next(
            (found for cell in row if isinstance(cell, str) and (found := currency(cell))), ""
        )
        self.home = self._open_object(line)

    def _open_object(self, line: int) -> SectionDraft:
        sheet = self.sheet.partition(" - ")[0]
        names = [*self.cover.objects.values()] or [f"{sheet} - {self.cover.project}" if sheet else self.cover.project]
        path: tuple[str, ...] = ()
        for name in names[:-1]:
            code, _, title = name.partition(" - ")
            path = (*path, code.strip())
            if not self.draft.has_section(path):
                outer = SectionDraft(path=path, title=title.strip(), kind="object", sheet=self.sheet, line=line)
                self.draft.add_section(outer)
        code, _, title = names[-1].partition(" - ")
        own = SectionDraft(path=(*path, code.strip()), title=title.strip(), kind="object", sheet=self.sheet, line=line)
        return self.draft.add_section(own)

    def vat_rate(self, cell: Cell) -> Decimal | None:
        """In percent: looked up on the cover by name, or stated as a number or a share of one."""
        if isinstance(cell, str) and cell and (named := self.cover.vat_rates.get(label(cell))) is not None:
            return named
        return super().vat_rate(cell)

    def level(self, row: Sequence[Cell], code: str) -> int:
        """Depth of a section, 0 at the top.

        KROS keeps it in a hidden column behind a hidden copy of the row type. Where that is gone the codes tell: groups
        such as HSV, PSV, M and VRN are letters and stand on top, what follows them is theirs.
        """
        if self._level_column is None:
            behind = max(self.columns.values()) + 1
            copies = [at for at in range(behind, len(row) - 1) if row[at] == "D" and text(row[at + 1]).isdecimal()]
            self._level_column = copies[0] + 1 if copies else -1
        if self._level_column >= 0 and (level := text(row[self._level_column])).isdecimal():
            return int(level)
        return 0 if code.isalpha() or not self.open or not self.open[0].path[-1].isalpha() else 1

    def _read_other(self, line: int, row: Sequence[Cell], kind: str) -> None:
        """Take the object's total from the row above its first section; note down what else has no known type."""
        texts = (text(row[column]) for part, column in self.columns.items() if part != "type")
        written = next((found for found in texts if found), "")
        if not kind and self.home and self.home.declared_total is None and label(written).startswith("naklady"):
            self.home.declared_total = self.number(line, row, "total")
        elif action := ACTIONS.get(kind.upper()):
            self.take(action, line, row)
        else:
            self.read_untyped(line, row, kind)
