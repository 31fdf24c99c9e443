"""Readers of bills of quantities: bytes in, a `Bill` out, or `Unreadable` with what to do about it.

What a file is is told by its content alone, never by its name, the names of its sheets, or fixed rows. A new layout of
tables is a module with `claims` and `read`, and one line in `LAYOUTS`. Any other format is a module with `score` and
`read`, and one line in `FORMATS`.
"""

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from domain.bill import Bill
from workers.readers import aspe, bc3, gaeb, kros, own, pdf, plain, rts, unixml, xc4
from workers.readers.archive import RESAVE
from workers.readers.source import Sheet, Source
from workers.readers.tree import local
from workers.readers.unreadable import Unreadable, foreign, older

__all__ = ["FORMATS", "LAYOUTS", "Format", "Layout", "Unreadable", "read_bill"]


class Layout(Struct, frozen=True):
    """How a program lays out its tables: `claims` tells whether a sheet is one of them, `read` reads the whole file."""

    format: str
    claims: Callable[[Sheet], bool]
    read: Callable[[Source], Bill]


class Format(Struct, frozen=True):
    """One format: `score` tells how sure it is of a file, 0 (not mine) to 100, and `read` is told that and reads it."""

    format: str
    score: Callable[[Source], int]
    read: Callable[[Source, int], Bill]


LAYOUTS = (
    Layout(own.FORMAT, own.claims, own.read),
    Layout("kros", kros.claims, kros.read),
    Layout("aspe", aspe.claims, aspe.read),
    Layout("rts", rts.claims, rts.read),
)
"""Asked sheet by sheet: the first that claims a sheet reads the file, and what lies behind was not parsed for it."""

FORMATS = (
    Format(own.FORMAT, own.score, own.read_json),
    Format("unixml", unixml.score, unixml.read),
    Format("xc4", xc4.score, xc4.read),
    Format("gaeb", gaeb.score, gaeb.read),
    Format("bc3", bc3.score, bc3.read),
    Format("pdf", pdf.score, pdf.read),
    Format("plain", plain.score, plain.read),
)
"""Asked where no sheet is claimed; plain tables last."""

OTHER_TABLES = {
    "{urn:schemas-microsoft-com:office:spreadsheet}Workbook": "an XML spreadsheet of Excel 2003",
    "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}document": "flat OpenDocument (FODS)",
}
"""Spreadsheets in XML that are not read, by their root."""

PRINTED = 85
"""How sure a bill is whose table was put together from the pages of a PDF, and has the headings of a program."""

SURE = 90
"""A format as sure as this is not doubted: those behind it are not asked."""


def read_bill(data: bytes) -> Bill:
    """Read a bill with the layout that claims it, else the format that is surest of it.

    Pure, and bounded by the size of what the file unpacks to; hostile files belong into `workers.parsing.parse`, which
    bounds time and memory too. Raises `Unreadable`.
    """
    with _without_collector():
        return _read(Source.open(data))


@contextmanager
def _without_collector() -> Generator[None]:
    """Keep the collector of cycles from going through all cells again and again: a bill has no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _read(source: Source) -> Bill:
    claimed = (layout for sheet in source.sheets for layout in LAYOUTS if layout.claims(sheet))
    layout = next(claimed, None)
    bill = layout.read(source) if layout else _read_unclaimed(source)
    if layout and source.kind == "pdf":
        variant = f"{layout.format} {bill.variant}".strip()
        bill = replace(bill, format="pdf", confidence=PRINTED, variant=f"{variant}, {len(source.pages)} pages")
    if not bill.items:
        raise _no_items(source)
    return bill


def _read_unclaimed(source: Source) -> Bill:
    score, best = 0, FORMATS[-1]
    for each in FORMATS:
        own = each.score(source)
        if own > score:
            score, best = own, each
        if score >= SURE:
            break
    if not score:
        raise _unknown(source)
    return best.read(source, score)


def _unknown(source: Source) -> Unreadable:
    if source.kind == "xml":
        if kind := OTHER_TABLES.get(str(source.root.tag)):
            return older(kind, RESAVE)
        return foreign(f"an XML file of an unknown kind (its root is <{local(source.root)}>)")
    return plain.no_table(source)


def _no_items(source: Source) -> Unreadable:
    names = ", ".join(repr(sheet.name) for sheet in source.sheets if sheet.name)
    where = f" (sheets {names})" if names else ""
    return Unreadable(
        "unreadable.empty",
        f"The table has headings but no item below them{where}: this looks like an empty form. Fill it in, with at "
        "least a description, a unit and a quantity for each item, and upload it again.",
    )
