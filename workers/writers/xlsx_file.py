"""XLSX: a workbook to work on. Totals are formulas that come to the same cents; text is never a formula."""

# xlsxwriter ships inline types without the marker of a typed package.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from domain.bill import Bill, BillItem, Rounding
from domain.experts.finding import Verdict
from domain.position import EXACT
from workers.writers.grid import (
    COLUMNS,
    LINE_TOTAL,
    QUANTITY,
    SUM,
    UNIT_PRICE,
    VERDICT,
    GridRow,
    Value,
    first_row,
    rows_of,
)
from workers.writers.statement import Statement, Unwritable, Written

MOST_ROWS = 1_048_576
MOST_LETTERS = 32_767
DIGITS = 15
"""Limits of the format: rows of a sheet, letters of a cell, digits of a number (Excel specifications and limits)."""
FIRST = 3
"""The row of the first section or item."""
COLOURS: dict[Verdict, tuple[str, str]] = {
    "GREEN": ("#C6EFCE", "#1E5C2B"),
    "AMBER": ("#FFEB9C", "#7F6000"),
    "RED": ("#FFC7CE", "#9C0006"),
    "NOT_CHECKED": ("#EDEDED", "#595959"),
}
WIDTHS = {"Description": 60, "Code": 14, "Level": 6, "Number": 8, "Row": 11, "Unit": 7, "VAT %": 7, "Verdict": 13}
FINDING_COLUMNS = ("Verdict", "Rule", "Expert", "Number", "Code", "Description", "Section", "Row", "What was found", "What to do", "Confidence", "Source sheet", "Source line")  # fmt: skip # noqa: E501 - a row of headings
DAY_ZERO = datetime(2000, 1, 1)  # noqa: DTZ001 - the format's dates have no zone
"""When the workbook says it was made: the same for all, so that the same bill gives the same bytes."""
LETTER = {place: xl_col_to_name(place) for place in range(len(COLUMNS))}


def write(statement: Statement) -> Written:
    """Write the sheets Bill, Findings and Audit. Raises `Unwritable` for what a workbook cannot hold."""
    rows = list(rows_of(statement.bill, statement.verdicts))
    _check_size(rows)
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True})
    workbook.set_properties({"title": statement.bill.title[:255], "created": DAY_ZERO})
    try:
        _Workbook(workbook, statement, rows).write()
        workbook.close()
    except XlsxWriterException as error:
        raise Unwritable("export.not_a_workbook", f"No workbook can hold this bill: {error}") from error
    return Written(out.getvalue())


def _check_size(rows: Sequence[GridRow]) -> None:
    if len(rows) + FIRST > MOST_ROWS:
        raise Unwritable(
            "export.too_many_rows",
            f"The bill has {len(rows)} rows with its notes and takeoffs, "
            f"and a sheet holds {MOST_ROWS}: take CSV or JSON.",
        )
    for at, row in enumerate(rows, FIRST):
        for column, value in row.cells.items():
            if isinstance(value, str) and len(value.encode("utf-16-le")) // 2 > MOST_LETTERS:
                raise Unwritable(
                    "export.text_too_long",
                    f"The {column} of row {at} has {len(value)} letters, "
                    f"and a cell holds {MOST_LETTERS}: take CSV or JSON.",
                )


class _Workbook:
    """One workbook on its way out, row by row."""

    def __init__(self, workbook: xlsxwriter.Workbook, statement: Statement, rows: list[GridRow]) -> None:
        self._statement = statement
        self._bill = statement.bill
        self._rows = rows
        self._lines = {row.index: at for at, row in enumerate(rows, FIRST) if row.index is not None}
        self._book = workbook
        self._heading = workbook.add_format({"bold": True, "bg_color": "#1F3A4D", "font_color": "#FFFFFF"})
        self._bold = workbook.add_format({"bold": True, "bg_color": "#EAF0F4"})
        self._bold_amount = workbook.add_format({"bold": True, "bg_color": "#EAF0F4", "num_format": "#,##0.00"})
        self._amount = workbook.add_format({"num_format": "#,##0.00"})
        self._number = workbook.add_format({"num_format": "#,##0.00##"})
        self._wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        self._faint = workbook.add_format({"italic": True, "font_color": "#7A7A7A"})
        self._verdict = {
            name: workbook.add_format({"bg_color": paper, "font_color": ink}) for name, (paper, ink) in COLOURS.items()
        }
        self._decimals = _decimals(self._bill)

    def write(self) -> None:
        """Write all sheets, the bill first."""
        self._write_bill(self._book.add_worksheet("Bill"))
        if self._statement.judgement is not None:
            self._write_findings(self._book.add_worksheet("Findings"))

    def _write_bill(self, sheet: Worksheet) -> None:
        for column, name in enumerate(COLUMNS):
            sheet.set_column(column, column, WIDTHS.get(name, 12))
        sheet.freeze_panes(FIRST - 1, 0)
        for column, text in enumerate(first_row(self._bill)):
            sheet.write_string(0, column, text, self._faint)
        for column, name in enumerate(COLUMNS):
            sheet.write_string(1, column, name, self._heading)
        for at, row in enumerate(self._rows, FIRST):
            for column, name in enumerate(COLUMNS):
                self._cell(sheet, at, column, row, row.cells.get(name))

    def _cell(self, sheet: Worksheet, at: int, column: int, row: GridRow, value: Value) -> None:
        style = self._style(row, column, value)
        match value:
            case None:
                if row.node is not None:
                    sheet.write_blank(at - 1, column, None, style)
            case str():
                sheet.write_string(at - 1, column, value, style)
            case Decimal() if not fits(value):
                sheet.write_string(at - 1, column, f"{value:f}", style)
            case Decimal() | int():
                formula = self._formula(at, column, row, value)
                if formula is None:
                    sheet.write_number(at - 1, column, float(value), style)
                else:
                    sheet.write_formula(at - 1, column, formula, style, float(value))  # pyright: ignore[reportArgumentType] - its types say int

    def _style(self, row: GridRow, column: int, value: Value) -> Format | None:
        if row.node is not None:
            return self._bold_amount if column == SUM else self._bold
        if column == VERDICT and isinstance(value, str):
            return self._verdict[row.cells["Verdict"]]  # pyright: ignore[reportArgumentType] - this column holds verdicts
        if column in {LINE_TOTAL, SUM}:
            return self._amount
        if isinstance(value, Decimal):
            return self._number
        return self._faint if row.index is None else None

    def _formula(self, at: int, column: int, row: GridRow, value: Decimal | int) -> str | None:
        """Give the formula of a total; `None` where it is a number as it stands, or would not come to `value`."""
        if column == LINE_TOTAL and row.index is not None:
            return self._line_formula(at, self._bill.items[row.index])
        if column != SUM or row.node is None:
            return None
        indices = [index for node in row.node.walk() for index in node.items]
        added = [] if row.node.section.path else [surcharge.amount for surcharge in self._bill.surcharges]
        if _summed([self._bill.items[index].declared_total for index in indices], added, self._decimals) != value:
            return None
        lines = [self._lines[index] for index in indices]
        terms = [f"SUM({LETTER[LINE_TOTAL]}{min(lines)}:{LETTER[LINE_TOTAL]}{max(lines)})"] if lines else []
        if added:
            terms.append(f"SUM({LETTER[SUM]}{at - len(added)}:{LETTER[SUM]}{at - 1})")
        return f"=ROUND({'+'.join(terms)},{self._decimals})"

    def _line_formula(self, at: int, item: BillItem) -> str | None:
        rounding = item.rounding or self._bill.rounding
        if recomputed(item.quantity, item.unit_price, rounding) != item.declared_total:
            return None
        quantity = _factor(f"{LETTER[QUANTITY]}{at}", rounding.quantity)
        price = _factor(f"{LETTER[UNIT_PRICE]}{at}", rounding.unit_price)
        return f"=ROUND({quantity}*{price},{rounding.total})"

    def _write_findings(self, sheet: Worksheet) -> None:
        judgement = self._statement.judgement
        assert judgement is not None  # noqa: S101 - the caller looked
        places = {position_id: index for index, position_id in enumerate(self._statement.position_ids)}
        for column, name in enumerate(FINDING_COLUMNS):
            sheet.set_column(column, column, {"What was found": 70, "What to do": 50, "Description": 40}.get(name, 12))
            sheet.write_string(0, column, name, self._heading)
        sheet.freeze_panes(1, 0)
        for at, finding in enumerate(judgement.findings, 1):
            index = places.get(finding.position_id) if finding.position_id else None
            item = None if index is None else self._bill.items[index]
            cells: tuple[Value, ...] = (
                finding.recommendation,
                finding.rule,
                finding.expert_role,
                item.number if item else "",
                item.code if item else "",
                item.description if item else "",
                " / ".join(item.section if item else finding.section),
                None if index is None else self._lines[index],
                finding.reasoning,
                "\n".join(issue.suggestion for issue in finding.issues if issue.suggestion),
                finding.confidence,
                item.sheet if item else "",
                (item.line or None) if item else None,
            )
            for column, value in enumerate(cells):
                style = self._verdict[finding.recommendation] if column == 0 else self._wrapped
                if isinstance(value, str):
                    sheet.write_string(at, column, value[:MOST_LETTERS], style)
                elif value is not None:
                    sheet.write_number(at, column, float(value), style)


def _factor(cell: str, decimals: int | None) -> str:
    return cell if decimals is None else f"ROUND({cell},{decimals})"


def _decimals(bill: Bill) -> int:
    """Say to how many decimals sums are exact: those of the finest amount in them."""
    amounts = [item.declared_total for item in bill.items] + [surcharge.amount for surcharge in bill.surcharges]
    return max((_places(amount) for amount in amounts if amount), default=bill.rounding.total)


def _places(amount: Decimal) -> int:
    exponent = amount.normalize(EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def fits(value: Decimal) -> bool:
    """Whether a spreadsheet program keeps all digits of a number, and readers believe that it did.

    From 10^15 on, neighbouring binary numbers are so far apart that no reader can tell cents: such a number is text.
    """
    return len(value.normalize(EXACT).as_tuple().digits) <= DIGITS and value.adjusted() < DIGITS


def recomputed(quantity: Decimal | None, price: Decimal | None, rounding: Rounding) -> Decimal | None:
    """Multiply as spreadsheet programs do: binary, then rounded half up from 15 digits. `None` where they cannot."""
    if quantity is None or price is None or not (fits(quantity) and fits(price)):
        return None
    factors = [
        float(each if decimals is None else _half_up(each, decimals))
        for each, decimals in ((quantity, rounding.quantity), (price, rounding.unit_price))
    ]
    return _half_up(_shown(factors[0] * factors[1]), rounding.total)


def _summed(amounts: Sequence[Decimal | None], added: Sequence[Decimal], decimals: int) -> Decimal | None:
    """Add up as spreadsheet programs do, which take amounts of more than 15 digits for text."""
    known = [amount for amount in amounts if amount is not None]
    if not all(map(fits, (*known, *added))):
        return None
    return _half_up(_shown(sum(map(float, known)) + sum(map(float, added))), decimals)


def _shown(value: float) -> Decimal:
    return Decimal(f"{value:.{DIGITS}g}")


def _half_up(value: Decimal, decimals: int) -> Decimal:
    return EXACT.quantize(value, Decimal(1).scaleb(-decimals))
