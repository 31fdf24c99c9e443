"""What Plumbline itself writes: its XLSX and CSV, known by the first row, and its JSON, known by the first key."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import structs

from domain.bill import Bill, BillItem, BillSection, Rounding, Skipped, Surcharge, TakeoffLine
from workers.readers.cells import Cell, currency_code, number, text
from workers.readers.source import Sheet, Source
from workers.readers.unreadable import Unreadable
from workers.writers import csv_file
from workers.writers.grid import AMOUNTS, CHOICES, COLUMNS, MARK, TAKEOFF, TEXTS, read_rounding
from workers.writers.json_file import Exported

FORMAT = "plumbline"
CONFIDENCE = 100
DEEPEST = 1000
PLAIN = re.compile(r"-?\d{1,40}(?:[.,]\d{1,40})?")
TAKEOFF_KINDS: dict[str, Literal["row", "subtotal", "total"]] = {name: kind for kind, name in TAKEOFF.items()}


def claims(sheet: Sheet) -> bool:
    """Whether a sheet that is shown carries our own mark."""
    first = next(iter(sheet.top()), ()) if not sheet.hidden else ()
    return bool(first) and first[0] == MARK


def read(source: Source) -> Bill:
    """Read the table that `workers.writers` wrote, edited or not."""
    return _Reading(next(filter(claims, source.sheets))).bill()


def score(source: Source) -> int:
    """100 for our own JSON."""
    return CONFIDENCE if source.kind == "json" else 0


def read_json(source: Source, confidence: int) -> Bill:
    """Read the JSON that `workers.writers` wrote, edited or not."""
    try:
        exported = msgspec.json.decode(source.data.removeprefix(b"\xef\xbb\xbf"), type=Exported)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(
            "unreadable.not_a_workbook",
            f"This is a JSON file of Plumbline's, but something in it is not as it should be: {error}. Export the "
            "bill again.",
        ) from error
    bill = exported.bill
    code, warnings = _currency(bill.currency)
    return structs.replace(
        bill,
        format=FORMAT,
        variant="JSON",
        confidence=confidence,
        currency=code,
        warnings=(*bill.warnings, *warnings),
    )


def _currency(stated: str) -> tuple[str, tuple[str, ...]]:
    """Take the currency, and warn where what is stated is none."""
    code = currency_code(stated)
    return code or "CZK", () if code else (f"The file names no currency ({stated!r} is none): CZK is assumed.",)


class _Reading:
    """One sheet on its way into a bill."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._is_text = sheet.delimiter != ""
        self._path: tuple[str, ...] = ()
        self._sections: list[BillSection] = []
        self._items: list[BillItem] = []
        self._surcharges: list[Surcharge] = []
        self._skipped: list[Skipped] = []
        self._warnings: list[str] = []
        self._notes: list[str] = []
        self._takeoff: list[TakeoffLine] = []
        self._item: BillItem | None = None
        self._total: Decimal | None = None

    def bill(self) -> Bill:
        """Read all rows."""
        rows = iter(self._sheet.rows())
        _, *about = (self._text(cell) for cell in next(rows, ()))
        title, currency, rounding, dated = (*about[1:5], "", "", "", "")[:4]
        code, warnings = _currency(currency)
        self._warnings += warnings
        columns = self._columns([self._text(cell) for cell in next(rows, ())])
        for at, row in enumerate(rows, start=3):
            if any(cell != "" for cell in row):
                self._row(at, {name: row[column] for name, column in columns.items() if column < len(row)})
        self._close()
        self._sheet.close()
        return Bill(
            format=FORMAT,
            confidence=CONFIDENCE,
            variant="CSV" if self._is_text else "XLSX",
            title=title,
            dated=_day(dated),
            currency=code,
            rounding=self._rounding(2, rounding) or Rounding(),
            declared_total=self._total,
            sections=tuple(self._sections),
            items=tuple(self._items),
            surcharges=tuple(self._surcharges),
            skipped=tuple(self._skipped),
            warnings=tuple(self._warnings),
        )

    def _columns(self, names: Sequence[str]) -> dict[str, int]:
        found = {name: column for column, name in enumerate(names) if name in COLUMNS}
        if missing := [name for name in ("Row", "Level", "Description", "Quantity", "Unit price") if name not in found]:
            raise Unreadable(
                "unreadable.no_table",
                f"This is a bill that Plumbline wrote, but its second row no longer names the columns "
                f"{', '.join(missing)}. Put the headings back, or export the bill again.",
            )
        return found

    def _row(self, at: int, cells: Mapping[str, Cell]) -> None:
        kind = self._text(cells.get("Row", ""))
        if kind in {"object", "section"}:
            self._close()
            self._open_section(at, "object" if kind == "object" else "section", cells)
        elif kind == "item":
            self._close()
            self._item = self._read_item(at, cells)
        elif kind == "note":
            self._notes.append(self._text(cells.get("Description", "")))
        elif kind in TAKEOFF_KINDS:
            value = self._number(at, "Quantity", cells.get("Quantity", ""))
            line = TakeoffLine(
                expression=self._text(cells.get("Description", "")), value=value, kind=TAKEOFF_KINDS[kind], line=at
            )
            self._takeoff.append(line)
        elif kind in {"surcharge", "grand total"}:
            self._close()
            self._sum(at, kind, cells)
        else:
            self._skipped.append(Skipped(sheet=self._sheet.name, line=at, reason=f"a row of an unknown kind: {kind!r}"))

    def _sum(self, at: int, kind: str, cells: Mapping[str, Cell]) -> None:
        amount = self._number(at, "Sum", cells.get("Sum", ""))
        if kind == "grand total":
            self._total = amount
        elif amount is not None:
            label = self._text(cells.get("Description", ""))
            self._surcharges.append(Surcharge(label=label, amount=amount, sheet=self._sheet.name, line=at))

    def _open_section(self, at: int, kind: Literal["object", "section"], cells: Mapping[str, Cell]) -> None:
        level = self._whole(at, "Level", cells.get("Level", ""))
        code = self._text(cells.get("Code", ""))
        if not 1 <= level <= len(self._path) + 1:
            self._warnings.append(f"Row {at}: a section of level {level} cannot stand here; it was put one level down.")
            level = len(self._path) + 1
        self._path = (*self._path[: level - 1], code)
        total = self._number(at, "Sum", cells.get("Sum", ""))
        title = self._text(cells.get("Description", ""))
        self._sections.append(
            BillSection(path=self._path, title=title, kind=kind, declared_total=total, sheet=self._sheet.name, line=at)
        )

    def _read_item(self, at: int, cells: Mapping[str, Cell]) -> BillItem:
        given: dict[str, Any] = {name: self._text(cells.get(column, "")) for column, name in TEXTS.items()}
        given |= {name: self._number(at, column, cells.get(column, "")) for column, name in AMOUNTS.items()}
        for column, (name, choices) in CHOICES.items():
            chosen = self._text(cells.get(column, ""))
            if chosen in choices:
                given[name] = chosen
            elif chosen:
                self._warnings.append(f"Row {at}: {column} {chosen!r} is none of {', '.join(choices)}.")
        given |= {"sheet": self._sheet.name, "line": at, "section": self._path}
        return BillItem(**given, rounding=self._rounding(at, self._text(cells.get("Rounding", ""))))

    def _close(self) -> None:
        """Give the notes and takeoff rows gathered so far to the item above them, or to the section."""
        notes, takeoff = tuple(self._notes), tuple(self._takeoff)
        if self._item is not None:
            self._items.append(structs.replace(self._item, notes=notes, takeoff=takeoff))
        elif self._sections and notes:
            self._sections[-1] = structs.replace(self._sections[-1], notes=notes)
        self._item = None
        self._notes.clear()
        self._takeoff.clear()

    def _text(self, cell: Cell) -> str:
        """Give a text as it was written: not trimmed, and without what kept spreadsheet programs from running it."""
        written = cell if isinstance(cell, str) else text(cell)
        return csv_file.plain(written) if self._is_text else written

    def _number(self, at: int, column: str, cell: Cell) -> Decimal | None:
        """Read a number; one of more than 15 digits is text. Programs and people may have written it their way."""
        if isinstance(cell, str) and PLAIN.fullmatch(cell):
            return Decimal(cell.replace(",", "."))
        value = number(cell)
        if value is None and cell != "":
            self._warnings.append(f"Row {at}: {column} {text(cell)[:60]!r} is not a number; it was left empty.")
        return value

    def _whole(self, at: int, column: str, cell: Cell) -> int:
        value = self._number(at, column, cell)
        return int(value) if value is not None and abs(value) < DEEPEST else 0

    def _rounding(self, at: int, written: str) -> Rounding | None:
        if not written:
            return None
        try:
            return read_rounding(written)
        except msgspec.ValidationError:
            self._warnings.append(f"Row {at}: {written[:20]!r} is no rounding; two decimals are assumed.")
            return None


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
