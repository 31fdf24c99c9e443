"""What a KROS sheet says above its table: names, totals, currency and VAT rates, each beside or below its label."""

import re
from collections.abc import Sequence
from decimal import Decimal

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
RATE_HEADINGS = {"sazba dane", "sadzba dane"}
OBJECT = re.compile(r"objekt|soupis|cast|uroven \d+")
"""Labels of the levels of objects, from the outside in."""


class Cover:
    """Gathers from row after row; what is said first counts, since sheets repeat themselves."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.project = ""
        self.objects: dict[str, str] = {}
        self.net: Decimal | None = None
        self.gross: Decimal | None = None
        self.currency = ""
        self.vat_rates: dict[str, Decimal] = {}
        self._rate_column: int | None = None
        self._awaited = ""

    def read(self, row: Sequence[Cell]) -> None:
        """Take in one row."""
        filled = [(column, cell) for column, cell in enumerate(row) if cell not in {"", " "}]
        if not filled:
            return
        awaited, self._awaited = self._awaited, ""
        if awaited:
            self._name(awaited, text(filled[0][1]))
        for index, (column, cell) in enumerate(filled):
            if isinstance(cell, str) and len(cell) <= LABEL_LENGTH:
                self._read_label(cell, column, [other for _, other in filled[index + 1 :]], row)

    def _read_label(self, cell: str, column: int, beside: list[Cell], row: Sequence[Cell]) -> None:
        name = label(cell)
        if cell.rstrip().endswith(":"):
            if beside:
                self._name(name, text(beside[0]))
            else:
                self._awaited = name
        elif name == "cena bez dph" and self.net is None:
            self.net = _first_amount(beside)
        elif name == "cena s dph" and self.gross is None:
            self.gross = _first_amount(beside)
            self.currency = next((found for part in beside if (found := currency(text(part)))), "")
        elif name in RATE_HEADINGS:
            self._rate_column = column
        elif name in VAT_NAMES and self._rate_column is not None:
            rate = number(row[self._rate_column]) if self._rate_column < len(row) else None
            if rate is not None:
                self.vat_rates.setdefault(name, rate.scaleb(2))

    def _name(self, name: str, value: str) -> None:
        if name == "stavba" and not self.project:
            self.project = value
        elif OBJECT.fullmatch(name) and value:
            self.objects.setdefault(name, value)


def _first_amount(cells: list[Cell]) -> Decimal | None:
    return next((money(cell) for cell in cells if isinstance(cell, int | float)), None)
