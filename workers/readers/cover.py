"""What a KROS sheet says above its table: names, totals, currency, day and VAT, each beside or below its label."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from msgspec.structs import replace

from domain.bill import StatedTotal
from workers.readers.cells import Cell, currency, label, money, number, text

LABEL_LENGTH = 40
VAT_NAMES = {
    "zakladni",
    "zakladna",
    "snizena",
    "znizena",
    "zakl prenesena",
    "sniz prenesena",
    "zniz prenesena",
    "nulova",
}
CARRIED_OVER = {"zakl prenesena", "sniz prenesena", "zniz prenesena"}
"""What is taxed, but by the buyer."""
TAX_HEADINGS = {
    "sazba dane": "rate",
    "sadzba dane": "rate",
    "zaklad dane": "base",
    "vyse dane": "tax",
    "vyska dane": "tax",
}
OBJECT = re.compile(r"objekt|soupis|cast|uroven \d+")
"""Labels of the levels of objects, from the outside in."""

_DAY = re.compile(r"(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})")


class Cover:
    """Gathers from row after row; what is said first counts, since sheets repeat themselves."""

    def __init__(self, sheet: str) -> None:
        """Start with nothing known."""
        self.project = ""
        self.objects: dict[str, str] = {}
        self.net: Decimal | None = None
        self.gross: Decimal | None = None
        self.currency = ""
        self.dated: date | None = None
        self.vat_rates: dict[str, Decimal] = {}
        self.totals: list[StatedTotal] = []
        self._sheet = sheet
        self._tax_columns: dict[str, int] = {}
        self._taxed: set[str] = set()
        self._awaited = ""

    def read(self, line: int, row: Sequence[Cell]) -> None:
        """Take in one row."""
        if not any(row):
            return
        filled = [(column, cell) for column, cell in enumerate(row) if cell != "" and cell != " "]  # noqa: PLR1714 - fast
        if not filled:
            return
        awaited, self._awaited = self._awaited, ""
        if awaited:
            self._name(awaited, filled[0][1])
        cells = [cell for _, cell in filled]
        for index, (column, cell) in enumerate(filled, 1):
            if isinstance(cell, str) and len(cell) <= LABEL_LENGTH:
                self._read_label(line, cell, column, cells[index:], row)

    def of(self, path: tuple[str, ...]) -> list[StatedTotal]:
        """Give the totals as those of an object."""
        return [replace(total, path=path) for total in self.totals]

    def _read_label(self, line: int, cell: str, column: int, beside: list[Cell], row: Sequence[Cell]) -> None:
        name = label(cell)
        if cell.rstrip().endswith(":"):
            if beside:
                self._name(name, beside[0])
            else:
                self._awaited = name
        elif name == "cena bez dph" and self.net is None and (amount := _first_amount(beside)) is not None:
            self.net = amount
            self.totals.append(StatedTotal(kind="net", amount=amount, label=cell, sheet=self._sheet, line=line))
        elif name == "cena s dph" and self.gross is None and (amount := _first_amount(beside)) is not None:
            self.gross = amount
            self.currency = next((found for part in beside if (found := currency(text(part)))), "")
            self.totals.append(StatedTotal(kind="gross", amount=amount, label=cell, sheet=self._sheet, line=line))
        elif part := TAX_HEADINGS.get(name):
            self._tax_columns[part] = column
        elif (taxed := name.removeprefix("dph ")) in VAT_NAMES and "rate" in self._tax_columns:
            self._read_tax(line, taxed, row)

    def _read_tax(self, line: int, name: str, row: Sequence[Cell]) -> None:
        """Take in a row of the table of taxes: its rate, what it is taken from, and what it makes."""
        cells = {part: row[column] for part, column in self._tax_columns.items() if column < len(row)}
        rate = _rate(cells.get("rate", ""))
        if rate is None:
            return
        self.vat_rates.setdefault(name, rate)
        tax, base = money(cells.get("tax", "")), money(cells.get("base", ""))
        if tax is not None and (tax or (base and name not in CARRIED_OVER)) and name not in self._taxed:
            self._taxed.add(name)
            stated = StatedTotal(kind="vat", amount=tax, label=name, rate=rate, base=base)
            self.totals.append(replace(stated, sheet=self._sheet, line=line))

    def _name(self, name: str, cell: Cell) -> None:
        value = text(cell)
        if name == "stavba" and not self.project:
            self.project = value
        elif name == "datum" and self.dated is None:
            self.dated = day(cell)
        elif OBJECT.fullmatch(name) and value:
            self.objects.setdefault(name, value)


def day(cell: Cell) -> date | None:
    """Read a day: a date cell, or text such as "27. 5. 2026"."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.search(text(cell))
    if found is None:
        return None
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None


def _rate(cell: Cell) -> Decimal | None:
    """Read a rate in percent, stated as a share of one or with its sign."""
    rate = number(cell.removesuffix("%").strip() if isinstance(cell, str) else cell)
    return rate.scaleb(2) if rate is not None and rate < 1 else rate


def _first_amount(cells: list[Cell]) -> Decimal | None:
    return next((amount for cell in cells if (amount := money(cell)) is not None), None)
