"""How a workbook rounds its line totals, told by the formula of one of them."""

import re
from collections.abc import Iterable
from html import unescape
from itertools import islice
from posixpath import join, normpath

from domain.bill import Rounding
from workers.readers.cells import number
from workers.readers.package import BROKEN, Package
from workers.readers.source import Sheet, Source
from workers.readers.unreadable import Unreadable

PIECE = 2**15
MOST_PIECES = 2**7
"""How far into a sheet, piece by piece, the formula is looked for."""

_SHEET = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_NAME = re.compile(rb'\bname="([^"]*)"')
_ID = re.compile(rb'\b(?:\w+:)?id="([^"]*)"', re.IGNORECASE)
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_TARGET = re.compile(rb'\bTarget="([^"]*)"')
_OWN_ID = re.compile(rb'\bId="([^"]*)"')
_FORMULA = re.compile(rb"<c [^>]*>\s*<f[^>]*>([^<]*)</f>")
_ROUND = re.compile(r"ROUND\((.+)[,;](\$?[A-Z]{1,3}\$?\d+|\d)\)")
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)")


def rounding_of(source: Source, sheet: Sheet, line: int, columns: tuple[int, int, int]) -> Rounding | None:
    """Read how the line total at `line` is rounded, from the columns of quantity, unit price and total.

    Understands `ROUND(G10*H10,2)`, `ROUND(ROUND(L10,2)*ROUND(G10,3),2)` and decimals that stand in another cell; `None`
    for anything else, and where there is no such formula.
    """
    if source.package is None or source.kind != "xlsx":
        return None
    quantity, price, total = (letters(sheet.margin + column) for column in columns)
    outer = _ROUND.fullmatch(_formula(source.package, sheet.name, f"{total}{line}").replace(" ", "").lstrip("="))
    if outer is None:
        return None
    decimals = _decimals(outer[2], sheet)
    factors = [_factor(part, sheet) for part in outer[1].split("*")]
    found = {factor[0]: factor[1] for factor in factors if factor}
    if decimals is None or found.keys() != {f"{quantity}{line}", f"{price}{line}"}:
        return None
    return Rounding(total=decimals, quantity=found[f"{quantity}{line}"], unit_price=found[f"{price}{line}"])


def letters(column: int) -> str:
    """Name a column, counted from 0, as spreadsheet programs do: A, Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _factor(written: str, sheet: Sheet) -> tuple[str, int | None] | None:
    """Read one factor: its cell, and the decimals that it is rounded to."""
    rounded = _ROUND.fullmatch(written)
    reference = _REFERENCE.fullmatch(rounded[1] if rounded else written)
    if reference is None:
        return None
    return f"{reference[1]}{reference[2]}", _decimals(rounded[2], sheet) if rounded else None


def _decimals(written: str, sheet: Sheet) -> int | None:
    """Read a number of decimals: a digit, or what stands in the cell that is referred to."""
    if written.isdecimal():
        return int(written)
    reference = _REFERENCE.fullmatch(written)
    if reference is None or int(reference[2]) > len(sheet.top()):
        return None
    row = sheet.top()[int(reference[2]) - 1]
    column = _column(reference[1]) - sheet.margin
    value = number(row[column]) if 0 <= column < len(row) else None
    return int(value) if value is not None and value in range(7) else None


def _column(name: str) -> int:
    column = 0
    for letter in name:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _formula(package: Package, sheet: str, cell: str) -> str:
    """Read the formula of a cell; "" where it has none."""
    try:
        part = _part(package, sheet)
        return _search(package.pieces(part, PIECE), cell) if part else ""
    except (*BROKEN, Unreadable):
        return ""


def _search(pieces: Iterable[bytes], cell: str) -> str:
    """Find the formula of a cell, without unpacking what comes behind it."""
    beginning = f'<c r="{cell}"'.encode()
    seen = b""
    for piece in islice(pieces, MOST_PIECES):
        seen = seen[-PIECE:] + piece
        at = seen.find(beginning)
        found = _FORMULA.match(seen, at) if at >= 0 else None
        if found:
            return unescape(found[1].decode(errors="replace"))
    return ""


def _part(package: Package, sheet: str) -> str:
    """Find the part that holds a sheet."""
    for entry in _SHEET.findall(b"".join(package.pieces("xl/workbook.xml"))):
        name, own = _NAME.search(entry), _ID.findall(entry)
        if name and own and unescape(name[1].decode(errors="replace")) == sheet:
            for relation in _RELATION.findall(b"".join(package.pieces("xl/_rels/workbook.xml.rels"))):
                target, relation_id = _TARGET.search(relation), _OWN_ID.search(relation)
                if target and relation_id and relation_id[1] in own:
                    written = target[1].decode(errors="replace")
                    return written.lstrip("/") if written.startswith("/") else normpath(join("xl", written))
    return ""
