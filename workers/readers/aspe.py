"""Bills of AspeEsticon: the forms of Aspe (such as SŽDC05) and of EstiCon, one or more objects to a sheet.

The column "Typ" says what a row is: S what is built, O, O1, O2 its objects, SD a section, P an item, PP its text, VV
its takeoff, TS the technical specification that its price covers.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import TypeAlias
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from domain.bill import Bill, Rounding, StatedTotal
from workers.readers.cells import Cell, currency, label, text
from workers.readers.draft import BillDraft, SectionDraft
from workers.readers.formulas import rounding_of
from workers.readers.headings import Header, find_header
from workers.readers.source import WIDEST, Sheet, Source
from workers.readers.typed import Action, Heading, TypedTable

ACTIONS: dict[Cell, Action] = {"P": "work", "SD": "section", "PP": "note", "TS": "note", "VV": "takeoff"}
CONFIDENCE = 97
OBJECT = re.compile(r"O(\d?)")
KROS_ITEMS = {"K", "M"}
"""Types of items in tables of KROS, where "P" and "PP" are notes."""
BUILT = "S"
TYPES = {"Typ", "TYP", "typ"}
EXTRA: dict[str, Heading] = {"typ": "type", "varianta": "code_variant", "var": "code_variant"}


Found: TypeAlias = tuple[Header, dict[Heading, int]]
"""The header of a table, and its columns."""

_FOUND: WeakKeyDictionary[Sheet, Found | None] = WeakKeyDictionary()
"""What `claims` has found, for `read`."""


def claims(sheet: Sheet) -> bool:
    """Whether the items and sections of a table are told apart by their types."""
    return table_of(sheet) is not None


def table_of(sheet: Sheet) -> Found | None:
    """Find the header of a sheet's table, and its columns, if the types below it are those of Aspe."""
    if sheet not in _FOUND:
        _FOUND[sheet] = _find(sheet.top())
    return _FOUND[sheet]


def _find(top: Sequence[Sequence[Cell]]) -> Found | None:
    first = next((at for at, row in enumerate(top) if _names_types(row)), -1)
    found = find_header([row[:WIDEST] for row in top[first : first + 2]]) if first >= 0 else None
    if found is None:
        return None
    header = replace(found, first=found.first + first, line=found.line + first)
    columns: dict[Heading, int] = {part: column for part, column in header.columns.items() if part != "note"}
    for column, name in header.names.items():
        if part := EXTRA.get(label(name)):
            columns[part] = column
    if "type" not in columns:
        return None
    type_column = columns["type"]
    kinds = set(map(text, set(map(itemgetter(type_column), islice(top, header.line, None)))))
    return (header, columns) if "P" in kinds and kinds & {"SD", "PP", "TS"} and not kinds & KROS_ITEMS else None


def _names_types(row: Sequence[Cell]) -> bool:
    return not TYPES.isdisjoint([cell.strip() for cell in filter(None, row) if isinstance(cell, str)])


def read(source: Source) -> Bill:
    """Read every sheet that has such a table."""
    draft = BillDraft("aspe", CONFIDENCE, source.places)
    unread: list[str] = []
    for sheet in source.sheets:
        found = table_of(sheet)
        if found:
            _Table(draft, sheet, *found).read(source)
        elif sheet.top():
            unread.append(sheet.name)
        sheet.close()
    net = [total.amount for total in draft.totals if total.kind == "net"]
    draft.declared_total = sum(net, Decimal(0)) if net else None
    draft.warn_unread(unread)
    return draft.finish()


class _Table(TypedTable):
    """One sheet with one or several objects."""

    def __init__(self, draft: BillDraft, sheet: Sheet, header: Header, columns: dict[Heading, int]) -> None:
        super().__init__(draft, sheet.name)
        self.settle(columns, sheet.top())
        self._rows = sheet
        self._header = header
        self._objects: list[tuple[str, str]] = []

    def read(self, source: Source) -> None:
        """Read the rows above the header for names, and those below it as they are typed."""
        self._tell_program()
        rows = enumerate(self._rows.rows(), 1)
        for line, row in islice(rows, self._header.first - 1):
            self._read_named(line, row, next((kind for cell in row if (kind := text(cell))), ""))
        typed = self._typed
        for line, row in islice(rows, self._header.line - self._header.first + 1, None):
            cell = row[typed]
            if action := ACTIONS.get(cell) or ACTIONS.get(text(cell)):
                if self.home is None:
                    self._open_home(line)
                self.take(action, line, row)
            elif not self._read_named(line, row, kind := text(cell)):
                self.read_untyped(line, row, kind)
        self._settle_rounding(source)

    def _read_named(self, line: int, row: Sequence[Cell], kind: str) -> bool:
        """Take what is built, or one of its objects; tell whether the row is either."""
        if kind == BUILT:
            self._read_built(line, row)
        elif level := OBJECT.fullmatch(kind):
            self._read_object(row, kind, int(level[1] or 0))
        else:
            return False
        return True

    def _tell_program(self) -> None:
        """Find the program and its form in the rows above the header."""
        above = [text(cell) for row in islice(self._rows.top(), self._header.first) for cell in row if cell != ""]
        names = [*above, *self._header.names.values()]
        if any("esticon" in name.casefold() for name in above):
            self.draft.format = "esticon"
        self.draft.variant = self.draft.variant or next(
            (name for name in above if label(name).startswith(("szdc", "aspe", "esticon"))), ""
        )
        self.draft.currency = self.draft.currency or next((found for name in names if (found := currency(name))), "")

    def _names(self, row: Sequence[Cell], kind: str) -> tuple[str, str]:
        """Take code and title from a row such as "O1 | Objekt: | SO 202 | Most"."""
        written = [cell.strip() for cell in filter(None, row) if isinstance(cell, str)]
        code, title, *_ = *(name for name in written if name not in {"", kind} and not name.endswith(":")), "", ""
        return code, title

    def _read_built(self, line: int, row: Sequence[Cell]) -> None:
        """Take what is built, and its total."""
        code, title = self._names(row, BUILT)
        self.draft.title = self.draft.title or title or code
        total = self.number(line, row, "total")
        if total is not None:
            stated = StatedTotal(kind="net", amount=total, label=title, sheet=self.sheet, line=line)
            self.draft.totals.append(stated)

    def _read_object(self, row: Sequence[Cell], kind: str, level: int) -> None:
        """Close the objects of this level and below, and take the next one."""
        self._objects[level:] = [self._names(row, kind)]
        self.home, self.item = None, None
        self.open.clear()

    def _open_home(self, line: int) -> None:
        objects = self._objects or [(self.sheet, "")]
        for depth in range(1, len(objects) + 1):
            path = tuple(code for code, _ in objects[:depth])
            if depth == len(objects) or not self.draft.has_section(path):
                title = objects[depth - 1][1]
                opened = SectionDraft(path=path, title=title, kind="object", sheet=self.sheet, line=line)
                self.home = self.draft.add_section(opened)

    def _settle_rounding(self, source: Source) -> None:
        """Round as the formula of the first item's total does."""
        first = next((item for item in self.draft.items if item.sheet == self.sheet), None)
        if first is not None and "total" in self.columns and "unit_price" in self.columns:
            columns = self.columns["quantity"], self.columns["unit_price"], self.columns["total"]
            found = rounding_of(source, self._rows, first.line, columns)
            if found is not None and self.draft.rounding == Rounding():
                self.draft.rounding = found
