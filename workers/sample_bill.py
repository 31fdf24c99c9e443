"""Sample bills: workbooks laid out like KROS "Export Komplet", with our own wording, for demos, tests and benchmarks.

Everything in them agrees (takeoff with quantities, lines with sections, sections with the recapitulation), except for
the faults that are asked for. The same arguments give the same bytes.
"""

# xlsxwriter ships inline types without the marker of a typed package.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import xlsxwriter
from msgspec import Struct
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from domain.bill import BillItem
from domain.position import line_total
from workers.sample_plan import Fault, PlannedObject, plan
from workers.sample_wording import REMARK

__all__ = ["Fault", "sample_bill"]

CREATED = datetime(2025, 1, 1)  # noqa: DTZ001 - the format knows no zones
PROJECT = "Obytný soubor Nad Potokem"
VAT = Decimal("0.21")
CENT = Decimal("0.01")
HEADINGS = ("PČ", "Typ", "Kód", "Popis", "MJ", "Množství", "J.cena [CZK]", "Cena celkem [CZK]", "Cenová soustava")
NUMBER, TYPE, CODE, DESCRIPTION, UNIT, QUANTITY, PRICE, TOTAL, SYSTEM = range(2, 11)
VAT_NAME, HIDDEN_TYPE, HIDDEN_LEVEL = 13, 45, 46
"""Columns from 0, where KROS has them: the hidden ones repeat a section's type and tell its depth."""

NET_ROW, GROSS_ROW, RECAPITULATION_ROW = 29, 38, 93


def sample_bill(
    *, objects: int = 2, items: int = 120, seed: int = 7, priced: bool = True, faults: Sequence[Fault] = ()
) -> bytes:
    """Make a bill of `items` items in `objects` sheets, with `faults` planted, as an XLSX workbook.

    Rows are streamed to temporary files and one object is held at a time, so 100,000 items fit in little memory. A bill
    that is not `priced` has the price 0 everywhere, like a tender before bidding. Raises `ValueError` when there are
    too few items for the faults.
    """
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as workbook:
        workbook.set_properties({"title": PROJECT, "created": CREATED})
        recapitulation = workbook.add_worksheet("Rekapitulace stavby")
        totals = [
            (planned.code, planned.title, _write_object(workbook, planned))
            for planned in plan(objects=objects, items=items, seed=seed, priced=priced, faults=faults)
        ]
        _write_recapitulation(recapitulation, totals)
    return content.getvalue()


class _Section(Struct, kw_only=True):
    """A section row of the table, laid out: `line` is its row from 1."""

    code: str
    title: str
    level: int
    total: Decimal
    formula: str
    line: int
    items: Sequence[BillItem] = ()


def _lay_out(planned: PlannedObject, first: int) -> list[_Section]:
    """Give every section its row, the first one at `first`, and the formula of its total; "" for one typed over."""
    sections: list[_Section] = []
    line = first
    for group in planned.groups:
        head = _Section(
            code=group.group.code, title=group.group.title, level=0, total=group.total, formula="", line=line
        )
        sections.append(head)
        line += 1
        children: list[str] = []
        for part in group.parts:
            end = line + sum(1 + len(item.notes) + len(item.takeoff) for item in part.items)
            children.append(f"J{line}")
            sections.append(
                _Section(
                    code=part.part.code,
                    title=part.part.title,
                    level=1,
                    total=part.total,
                    formula="" if part.error else f"=ROUND(SUM(J{line + 1}:J{end}),2)",
                    line=line,
                    items=part.items,
                )
            )
            line = end + 1
        head.formula = f"={'+'.join(children)}"
    return sections


def _write_object(workbook: Workbook, planned: PlannedObject) -> Decimal:
    """Write the sheet of an object and return its total."""
    name = f"{planned.code} - {planned.title}"
    sheet = workbook.add_worksheet(name)
    sheet.protect()
    sheet.set_column(HIDDEN_TYPE, HIDDEN_LEVEL, None, None, {"hidden": True})
    parts = sum(1 + len(group.parts) for group in planned.groups)
    header = RECAPITULATION_ROW + parts + 20
    sections = _lay_out(planned, header + 3)
    _write_cover(sheet, name, planned.total, header + 2)
    _write_outline(sheet, sections, planned.total)
    for column, heading in enumerate((*HEADINGS, "", "", "DPH"), NUMBER):
        if heading:
            sheet.write_string(header, column, heading)
    sheet.write_string(header + 1, NUMBER, "Náklady soupisu celkem")
    groups = "+".join(f"J{section.line}" for section in sections if section.level == 0) or "0"
    _write_formula(sheet, header + 1, TOTAL, f"={groups}", planned.total)
    for section in sections:
        _write_section(sheet, section)
    return planned.total


def _write_cover(sheet: Worksheet, name: str, total: Decimal, total_line: int) -> None:
    """Write the cover: names, totals and VAT."""
    for row, column, written in (
        (3, 3, "KRYCÍ LIST SOUPISU PRACÍ"),
        (5, 3, "Stavba:"),
        (6, 4, PROJECT),
        (7, 3, "Objekt:"),
        (8, 4, name),
        (10, 3, "KSO:"),
        (11, 3, "Místo:"),
        (NET_ROW, 3, "Cena bez DPH"),
    ):
        sheet.write_string(row, column, written)
    _write_formula(sheet, NET_ROW, 9, f"=ROUND(J{total_line},2)", total)
    for column, written in ((5, "Základ daně"), (8, "Sazba daně"), (9, "Výše daně")):
        sheet.write_string(NET_ROW + 2, column, written)
    sheet.write_string(NET_ROW + 3, 4, "základní")
    sheet.write_number(NET_ROW + 3, 5, float(total))
    sheet.write_number(NET_ROW + 3, 8, float(VAT))
    sheet.write_number(NET_ROW + 3, 9, float(_tax(total)))
    sheet.write_string(GROSS_ROW, 3, "Cena s DPH")
    sheet.write_string(GROSS_ROW, 6, "v")
    sheet.write_string(GROSS_ROW, 7, "CZK")
    _write_formula(sheet, GROSS_ROW, 9, f"=J{NET_ROW + 1}+J{NET_ROW + 4}", total + _tax(total))


def _write_outline(sheet: Worksheet, sections: Sequence[_Section], total: Decimal) -> None:
    """Write the recapitulation of the sections."""
    row = RECAPITULATION_ROW
    sheet.write_string(row, 2, "Kód dílu - Popis")
    sheet.write_string(row, 9, "Cena celkem [CZK]")
    sheet.write_string(row + 2, 2, "Náklady ze soupisu prací")
    sheet.write_number(row + 2, 9, float(total))
    for at, section in enumerate(sections, row + 3):
        sheet.write_string(at, 3, f"{'    ' * section.level}{section.code} - {section.title}")
        _write_formula(sheet, at, 9, f"=J{section.line}", section.total)
    sheet.write_string(row + len(sections) + 10, 2, "SOUPIS PRACÍ")


def _write_section(sheet: Worksheet, section: _Section) -> None:
    row = section.line - 1
    sheet.write_string(row, TYPE, "D")
    sheet.write_string(row, HIDDEN_TYPE, "D")
    sheet.write_string(row, HIDDEN_LEVEL, str(section.level))
    sheet.write_string(row, CODE, section.code)
    sheet.write_string(row, DESCRIPTION, section.title)
    if section.formula:
        _write_formula(sheet, row, TOTAL, section.formula, section.total)
    else:
        sheet.write_number(row, TOTAL, float(section.total))
    row += 1
    for item in section.items:
        row = _write_item(sheet, row, item)


def _write_item(sheet: Worksheet, row: int, item: BillItem) -> int:
    """Write an item with its notes and takeoff; return the row that comes next."""
    sheet.write_string(row, TYPE, "M" if item.kind == "material" else "K")
    for column, written in (
        (NUMBER, item.number),
        (CODE, item.code),
        (DESCRIPTION, item.description),
        (UNIT, item.unit),
        (SYSTEM, item.price_system),
        (VAT_NAME, "základní"),
    ):
        sheet.write_string(row, column, written)
    sheet.write_number(row, QUANTITY, float(item.quantity or 0))
    sheet.write_number(row, PRICE, float(item.unit_price or 0))
    total = item.declared_total or Decimal(0)
    if item.declared_total == line_total(item.quantity, item.unit_price):
        _write_formula(sheet, row, TOTAL, f"=ROUND(I{row + 1}*H{row + 1},2)", total)
    else:
        sheet.write_number(row, TOTAL, float(total))
    for note in item.notes:
        row += 1
        sheet.write_string(row, TYPE, "P" if note == REMARK else "PP")
        sheet.write_string(row, DESCRIPTION, note)
    for takeoff in item.takeoff:
        row += 1
        sheet.write_string(row, TYPE, "VV")
        sheet.write_string(row, DESCRIPTION, takeoff.expression)
        sheet.write_number(row, QUANTITY, float(takeoff.value or 0))
    return row + 1


def _write_formula(sheet: Worksheet, row: int, column: int, formula: str, value: Decimal) -> None:
    """Write a formula with its value, as a program leaves it that has just computed it."""
    sheet.write_formula(row, column, formula, None, float(value))  # pyright: ignore[reportArgumentType] - typed by its default, 0


def _write_recapitulation(sheet: Worksheet, totals: Sequence[tuple[str, str, Decimal]]) -> None:
    """Write the first sheet: the marker of the format, the project, its totals, and its objects."""
    net = sum((total for _, _, total in totals), Decimal(0))
    for row, column, written in ((0, 0, "Export Komplet"), (3, 3, "REKAPITULACE STAVBY")):
        sheet.write_string(row, column, written)
    sheet.write_string(5, 3, "Stavba:")
    sheet.write_string(5, 10, PROJECT)
    sheet.write_string(25, 3, "Cena bez DPH")
    sheet.write_number(25, 36, float(net))
    sheet.write_string(34, 3, "Cena s DPH")
    sheet.write_string(34, 23, "CZK")
    sheet.write_number(34, 36, float(net + sum((_tax(total) for _, _, total in totals), Decimal(0))))
    for column, heading in ((2, "Kód"), (8, "Popis"), (32, "Cena bez DPH [CZK]"), (39, "Cena s DPH [CZK]")):
        sheet.write_string(91, column, heading)
    for row, (code, title, total) in enumerate(totals, 94):
        sheet.write_string(row, 3, code)
        sheet.write_string(row, 9, title)
        sheet.write_number(row, 32, float(total))
        sheet.write_number(row, 39, float(total + _tax(total)))


def _tax(amount: Decimal) -> Decimal:
    return (amount * VAT).quantize(CENT, ROUND_HALF_UP)
