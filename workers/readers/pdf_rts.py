"""Prints of RTS BUILDpower: what says in its workbooks of what type a row is, is not printed and told by its looks.

Items stand in boxes behind a number, headings behind "Díl:", rows of a takeoff have a quantity or an expression.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from workers.readers.cells import label, number
from workers.readers.pdf_grid import cells
from workers.readers.pdf_pages import Run
from workers.readers.pdf_rows import NEAR, Row, joined, single_lines

COLUMNS = ("p c", "cislo polozky", "nazev polozky", "mnozstvi")
HEADINGS = set(COLUMNS)
TYPES = "#TypZaznamu#"
"""How the program's workbooks call the column of types."""

FORMS = {"S:": "STA", "O:": "OBJ", "R:": "ROZ"}
"""How the rows above the headings begin: what is built, its object, the part of that. Every page has them."""

SECTION = re.compile(r"D[ií]l:?\s*(.*)")
NUMBERED = re.compile(r"(\d{1,4}) (\S.*)")
EXPRESSION = re.compile(r".*\s:|[-+(\d][-+*/()^\d\s.,]*[*/][-+*/()^\d\s.,]*")
"""A row of a takeoff without a quantity: the program ends those with a colon."""

Typed: TypeAlias = tuple[Row, list[str], str]
"""A row, its cells, and its type."""

WRAPPED = 0.35
"""Lines of text that are closer than this share of their height are one row."""


def form_of(row: Row) -> str:
    """Tell the type of a row above the headings; "" for none."""
    return FORMS.get(next(iter(row.all())).text, "")


def typed_rows(rows: Sequence[Row], edges: Sequence[float], names: Sequence[str]) -> list[Typed]:
    """Sort the rows below the headings of a page into columns, each with its type."""
    told = _Told(edges, names)
    for row in rows:
        told.take(row)
    return told.found


class _Told:
    """The rows of a page so far."""

    def __init__(self, edges: Sequence[float], names: Sequence[str]) -> None:
        self.found: list[Typed] = []
        self._edges = edges
        self._count = len(names)
        self._number, self._code, self._text, self._quantity = map(names.index, COLUMNS)

    def take(self, row: Row) -> None:
        """Take an item in its box; anything else line by line."""
        if self._sorted(row)[self._number].isdecimal():
            self._take_item(row)
        else:
            for line in single_lines(row):
                self._take_line(line)

    def _sorted(self, row: Row) -> list[str]:
        return cells((piece for run in row.all() for piece in self._parted(run)), self._edges, self._count)

    def _parted(self, run: Run) -> list[Run]:
        """Part a number from a code that it nearly touches."""
        edge = next(iter(self._edges[self._number :]), run.right)
        found = NUMBERED.fullmatch(run.text) if run.left < edge < run.right else None
        if not found:
            return [run]
        return [replace(run, text=found[1], right=edge - NEAR), replace(run, text=found[2], left=edge + NEAR)]

    def _take_item(self, row: Row) -> None:
        """Take an item. A code that takes two lines was broken where its column ends."""
        found = self._sorted(row)
        found[self._code] = "".join(self._sorted(line)[self._code] for line in single_lines(row))
        self.found.append((row, found, "POL"))

    def _take_line(self, line: Row) -> None:
        """Take a heading, an item without a box, a sum, or what stands below items."""
        found = self._sorted(line)
        if section := SECTION.fullmatch(line.runs[0][0].text):
            found = cells(line.runs[0][1:], self._edges, self._count)
            found[self._code] = section[1] or found[self._code]
            self.found.append((line, found, "DIL"))
        elif found[self._number].isdecimal():
            self._take_item(line)
        elif label(joined(line.all())).startswith("celkem"):
            self.found.append((line, found, "SUM"))
        elif number(found[self._quantity]) is not None:
            self.found.append((line, found, "VV"))
        else:
            self._take_text(line, joined(line.all()))

    def _take_text(self, line: Row, written: str) -> None:
        if self.found and self.found[-1][2] == "POP" and _is_wrapped(self.found[-1][0], line):
            written = f"{self.found.pop()[1][self._text]} {written}"
        kind = "VV" if EXPRESSION.fullmatch(written) else "POP"
        self.found.append((line, [written if at == self._text else "" for at in range(self._count)], kind))


def _is_wrapped(above: Row, line: Row) -> bool:
    return line.top - above.bottom < WRAPPED * (line.bottom - line.top)
