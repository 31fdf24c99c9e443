"""Price lists: codes, texts, units and prices of works, in tables or in XC4. No quantities: those make a bill.

What is read is given as a `Bill` of items without quantities. Its currency is empty where the file states none.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

from domain.bill import Bill, BillItem, Skipped
from workers.readers import xc4
from workers.readers.cells import Cell, currency, decimal_mark, number, text
from workers.readers.codes import shaped_system
from workers.readers.headings import PriceHeader, find_header, find_price_header
from workers.readers.source import Sheet, Source
from workers.readers.tree import line, local, texts
from workers.readers.unreadable import Unreadable

SAMPLE_ROWS = 200
NO_PRICE = "It has no price."
HAS_QUANTITIES = (
    "This is a bill, not a price list: it has quantities. Upload it to a project to have it read as a budget."
)


def read_prices(data: bytes) -> Bill:
    """Read a price list. Raises `Unreadable`, also for a bill."""
    source = Source.open(data)
    reading = _Reading()
    if source.kind == "xml":
        _read_xc4(source, reading)
    else:
        for sheet in source.sheets:
            if not sheet.hidden:
                _read_sheet(sheet, reading)
            sheet.close()
    if not reading.items:
        raise _nothing(source, reading)
    return Bill(
        format="price_list",
        confidence=90,
        currency=reading.currency,
        items=tuple(reading.items),
        skipped=tuple(reading.skipped),
    )


class _Reading:
    """What was found so far."""

    def __init__(self) -> None:
        self.items: list[BillItem] = []
        self.skipped: list[Skipped] = []
        self.currency = ""
        self.bills = 0
        """Tables with quantities: those are no price lists."""

    def add(self, code: str, description: str, unit: str, price: Decimal | None, where: tuple[str, int]) -> None:
        """Take a line in; what names no work is none, and a work without a usable price is told as skipped."""
        if not (code or description) or not unit:
            return
        sheet, at = where
        if price is None or not price.is_finite() or price <= 0:
            self.skipped.append(Skipped(sheet=sheet, line=at, reason=NO_PRICE))
            return
        self.items.append(
            BillItem(
                code=code,
                code_system=shaped_system(code) or "own",
                description=description,
                unit=unit,
                unit_price=price,
                sheet=sheet,
                line=at,
            )
        )


def _read_xc4(source: Source, reading: _Reading) -> None:
    root = source.root
    if local(root).casefold() != xc4.ROOT or not xc4.is_price_list(root):
        reading.bills += 1
        return
    for element in root.iter():
        if local(element).casefold() == xc4.ITEM:
            said = {name.casefold(): value for name, value in texts(element).items()}
            price = next((said[name] for name in xc4.PRICES if said.get(name)), "")
            unit = next((said[name] for name in xc4.UNITS if said.get(name)), "")
            mark = "," if "," in price else "."
            reading.add(said.get("znacka", ""), said.get("nazev", ""), unit, number(price, mark), ("", line(element)))


def _read_sheet(sheet: Sheet, reading: _Reading) -> None:
    top = sheet.top()
    if find_header(top) is not None:
        reading.bills += 1
        return
    header = find_price_header(top)
    if header is None:
        return
    if not reading.currency:
        words = [text(cell) for row in top[: header.line] for cell in row]
        reading.currency = next((found for word in words if (found := currency(word))), "")
    for at, row in _rows(sheet, header):
        reading.add(
            _cell(row, header.code),
            _cell(row, header.description),
            _cell(row, header.unit),
            _price(row, header),
            (sheet.name, at),
        )


def _rows(sheet: Sheet, header: PriceHeader) -> Iterator[tuple[int, Sequence[Cell]]]:
    sample = list(islice(sheet.rows(), header.line, header.line + SAMPLE_ROWS))
    written = [cell for row in sample if isinstance(cell := _raw(row, header.price), str) and cell]
    header.mark = decimal_mark(written, ",")
    yield from enumerate(islice(sheet.rows(), header.line, None), header.line + 1)


def _raw(row: Sequence[Cell], column: int | None) -> Cell:
    return "" if column is None or column >= len(row) else row[column]


def _cell(row: Sequence[Cell], column: int | None) -> str:
    return text(_raw(row, column))


def _price(row: Sequence[Cell], header: PriceHeader) -> Decimal | None:
    return number(_raw(row, header.price), header.mark)


def _nothing(source: Source, reading: _Reading) -> Unreadable:
    if reading.bills:
        return Unreadable("unreadable.not_a_price_list", HAS_QUANTITIES)
    if reading.skipped:
        count = len(reading.skipped)
        return Unreadable("unreadable.empty", f"None of the {count} lines has a price above zero: fill the prices in.")
    what = "XC4 price list" if source.kind == "xml" else "table with a code or text, a unit and a unit price"
    return Unreadable("unreadable.no_table", f"No {what} was found. Name the columns in one row above the prices.")
