"""Plain tables in any workbook or delimited text: found by their headings, read by what their rows contain."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from domain.bill import Bill, Rounding, StatedTotal
from workers.readers.assembly import Assembly
from workers.readers.cells import Cell, currency, label, text
from workers.readers.draft import BillDraft
from workers.readers.formulas import rounding_of
from workers.readers.headings import find_header, is_price_list, nearest_header
from workers.readers.source import Sheet, Source
from workers.readers.summaries import drop_recapitulations, stated
from workers.readers.table import Table
from workers.readers.unreadable import Unreadable
from workers.readers.vocabulary import PROJECT

BUILDING = "stavebni rozpocet"

WANTED = (
    "one row with headings for a description (such as Popis, Description, Bezeichnung), a quantity (Množství, "
    "Quantity, Menge) and a unit or a price (MJ, Unit, Einheit; Cena, Price, Preis)"
)


def score(source: Source) -> int:
    """Up to 80 by how many parts of an item the best table has columns for; 0 without a table."""
    headers = [header for sheet in source.sheets if not sheet.hidden and (header := find_header(sheet.top()))]
    return max((40 + min(40, 5 * len(header.columns)) for header in headers), default=0)


def read(source: Source, confidence: int) -> Bill:
    """Read every visible sheet that has a table; what tables leave out is looked for on covers.

    Raises `Unreadable` where there are prices and not a single quantity, which is a price list however it is headed.
    """
    draft = BillDraft("plain", confidence)
    totals: dict[str, tuple[Decimal | None, Decimal | None]] = {}
    covers: list[list[StatedTotal]] = []
    unread: list[str] = []
    for sheet in source.sheets:
        top = sheet.top()
        header = find_header(top)
        if header and sheet.hidden:
            draft.warn(f"The hidden sheet {sheet.name!r} was not read. Unhide it if it belongs to the bill.")
        elif header:
            table = Table(draft, sheet, header)
            above = top[: header.first - 1]
            describe(draft, above, table)
            own = Assembly(draft, sheet.name, table).run()
            path = (sheet.name,) if sheet.name else ()
            totals[sheet.name] = own if own[0] is not None else _taken(draft, stated(above, sheet.name, path))
            _settle_rounding(draft, source, sheet, table)
        elif top and not sheet.hidden:
            unread.append(sheet.name)
            covers.append(stated(top, sheet.name, ()))
        sheet.close()
    measured = any(item.quantity is not None or item.declared_total for item in draft.items)
    if not measured and any(item.unit_price for item in draft.items):
        raise _price_list()
    draft.warn_unread(unread)
    for name in drop_recapitulations(draft, list(totals)):
        del totals[name]
    draft.declared_total = _sum([net for net, _ in totals.values()])
    draft.declared_total_with_vat = _sum([gross for _, gross in totals.values()])
    if all(net is None for net, _ in totals.values()) and (cover := next(filter(None, covers), None)):
        draft.declared_total, draft.declared_total_with_vat = _taken(draft, cover)
    draft.currency = draft.currency or next((found for each in draft.totals if (found := currency(each.label))), "")
    return draft.finish()


def _taken(draft: BillDraft, found: Sequence[StatedTotal]) -> tuple[Decimal | None, Decimal | None]:
    """Take totals into the bill; return those without VAT and with it."""
    draft.totals.extend(found)
    amounts = {total.kind: total.amount for total in found}
    return amounts.get("net"), amounts.get("gross")


def no_table(source: Source) -> Unreadable:
    """Explain what was looked for in which sheets, and what was found instead."""
    tops = {sheet.name: sheet.top() for sheet in source.sheets}
    if not any(text(cell) for top in tops.values() for row in top for cell in row):
        return Unreadable("unreadable.empty", "The workbook has no content. Check that you uploaded the right file.")
    if any(is_price_list(top) for top in tops.values()):
        return _price_list()
    where = f"the sheets {', '.join(map(repr, tops))}" if any(tops) else "the file"
    parts = [f"No table of items was found. Plumbline looked in {where} for {WANTED}."]
    nearest = [(*found, name) for name, top in tops.items() if (found := nearest_header(top))]
    if nearest:
        _, line, cells, missing, name = max(nearest)
        place = f"row {line} of {name!r}" if name else f"row {line}"
        parts.append(f"Nearest to that is {place}: {cells}; there is no {' and no '.join(missing)}.")
    hidden = [sheet.name for sheet in source.sheets if sheet.hidden and find_header(tops[sheet.name])]
    if hidden:
        parts.append(f"Hidden sheets with a table were left out: {', '.join(map(repr, hidden))}; unhide them.")
    parts.append("Name the columns in one row above the items and upload the file again.")
    return Unreadable("unreadable.no_table", " ".join(parts))


def _price_list() -> Unreadable:
    return Unreadable(
        "unreadable.price_list",
        "This is a price list, not a bill: its table has codes, descriptions and units, and no quantities. Import "
        "it as a price catalogue; or, if it is a bill, add a column of quantities and upload it again.",
    )


def describe(draft: BillDraft, above: Sequence[Sequence[Cell]], table: Table) -> None:
    """Take title and currency from the table and the rows above it, and tell which columns are not read.

    The form "Stavební rozpočet" of the RTS price lists is a table of two header rows under that title.
    """
    header = table.header
    if header.line > header.first and any(label(text(cell)) == BUILDING for row in above for cell in row if cell):
        draft.format, draft.variant, draft.confidence = "rts", "Stavební rozpočet", 90
    if not draft.title:
        draft.title = _title(above)
    if not draft.currency:
        names = [*header.names.values(), *(text(cell) for row in above for cell in row), *table.written_numbers]
        draft.currency = next((found for name in names if (found := currency(name))), "")
        draft.home_currency = header.home_currency
    read_columns = {*header.columns.values(), *header.price_columns}
    ignored = [name for column, name in header.names.items() if column not in read_columns]
    if ignored:
        draft.warn(f"Columns that were not read: {', '.join(ignored)}.")


def _settle_rounding(draft: BillDraft, source: Source, sheet: Sheet, table: Table) -> None:
    """Round as the formula of the first item's total does."""
    columns = table.columns
    first = next((item for item in draft.items if item.sheet == sheet.name and item.quantity and item.unit_price), None)
    if first is not None and draft.rounding == Rounding() and columns.keys() >= {"quantity", "unit_price", "total"}:
        at = columns["quantity"], columns["unit_price"], columns["total"]
        draft.rounding = rounding_of(source, sheet, first.line, at) or draft.rounding


def _title(above: Sequence[Sequence[Cell]]) -> str:
    """Find what a label such as "Stavba:" names, else the first text above the table."""
    rows = [[written for cell in row if (written := text(cell))] for row in above]
    for row in rows:
        for name, value in pairwise(row):
            if label(name) in PROJECT:
                return value
    return next((row[0] for row in rows if row), "")


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None
