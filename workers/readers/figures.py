"""Lists of figures ("Seznam figur"): named quantities that takeoff rows refer to, each with its own takeoff."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from domain.bill import Figure, TakeoffLine
from workers.readers.cells import Cell, Mark, decimal_mark, label, number, text
from workers.readers.draft import BillDraft
from workers.readers.source import Sheet

TITLES = {"seznam figur", "zoznam figur"}
USES = ("pouziti figury", "pouzitie figury")
HEADINGS = {"kod": "code", "popis": "description", "mj": "unit", "vymera": "value"}


class FigureList:
    """One sheet of figures on its way into the bill; a sheet without the title has none."""

    def __init__(self, draft: BillDraft, sheet: Sheet) -> None:
        """Wait for the title."""
        self.found = False
        self._draft = draft
        self._sheet = sheet.name
        self._top = sheet.top
        self._mark: Mark = ","
        self._columns: dict[str, int] = {}
        self._path: tuple[str, ...] = ()
        self._code = ""
        self._uses = False

    def read(self, line: int, row: Sequence[Cell]) -> bool:
        """Take in one row; tell whether the sheet is a list of figures."""
        if not self.found:
            first = next(filter(None, row), None)
            self.found = isinstance(first, str) and label(first[:20]) in TITLES
        elif not self._columns:
            columns = {
                HEADINGS[name]: at for at, cell in enumerate(row) if (name := label(text(cell)[:20])) in HEADINGS
            }
            if len(columns) == len(HEADINGS):
                self._columns = columns
                values = (row[columns["value"]] for row in self._top())
                self._mark = decimal_mark([cell for cell in values if isinstance(cell, str)], ",")
        else:
            self._read(line, row)
        return self.found

    def _read(self, line: int, row: Sequence[Cell]) -> None:
        code, title, unit = (text(row[self._columns[part]]) for part in ("code", "description", "unit"))
        value = number(row[self._columns["value"]], self._mark)
        if label(code[:20] or title[:20]).startswith(USES):
            self._uses = True
        elif self._uses and code and unit and self._is_use(code):
            self._draft.skip(self._sheet, line, f"an item that uses the figure {self._code}: {code}")
        elif code and value is not None:
            self._begin(line, code, title, unit, value)
        elif title and self._code and not code:
            self._add(TakeoffLine(expression=title, value=value, line=line))
        elif code or title:
            self._path = (code or title,)

    def _is_use(self, code: str) -> bool:
        """Tell an item's code from the next figure's name: it starts with digits."""
        return code[:5].isdecimal()

    def _begin(self, line: int, code: str, title: str, unit: str, value: Decimal) -> None:
        self._code, self._uses = code, False
        self._draft.figures.append(
            Figure(code=code, description=title, unit=unit, value=value, path=self._path, sheet=self._sheet, line=line)
        )

    def _add(self, row: TakeoffLine) -> None:
        figure = self._draft.figures[-1]
        self._draft.figures[-1] = replace(figure, takeoff=(*figure.takeoff, row))
