"""A bill as rows of cells: the one layout of our XLSX and CSV files, and the way back.

The first row says what the file is, the second names the columns. A section row opens a section at its level; items
belong to the last section opened; notes and takeoff rows to the row above them. Line totals have a column of their
own, so that no sum counts another sum.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from domain.bill import Bill, BillItem, CodeSystem, ItemKind, ItemRole, Rounding
from domain.experts.finding import Verdict
from workers.writers.statement import Node, amount_of, tree_of

MARK = "Plumbline bill of quantities"
EDITION = "1"

COLUMNS = (
    *("Row", "Level", "Number", "Code", "Description", "Unit"),
    *("Quantity", "Unit price", "Line total", "Sum", "VAT %", "Verdict"),
    *("Kind", "Role", "Code system", "Price system", "Category", "Material price", "Assembly price"),
    *("Hours per unit", "Mass per unit", "Debris per unit", "Rounding", "Source sheet", "Source line"),
)
QUANTITY, UNIT_PRICE, LINE_TOTAL, SUM = (
    COLUMNS.index(name) for name in ("Quantity", "Unit price", "Line total", "Sum")
)
VERDICT = COLUMNS.index("Verdict")
AMOUNTS = {
    "Quantity": "quantity",
    "Unit price": "unit_price",
    "Line total": "declared_total",
    "VAT %": "vat_rate",
    "Material price": "material_price",
    "Assembly price": "assembly_price",
    "Hours per unit": "unit_hours",
    "Mass per unit": "unit_mass",
    "Debris per unit": "unit_debris",
}
TEXTS = {
    "Number": "number",
    "Code": "code",
    "Description": "description",
    "Unit": "unit",
    "Price system": "price_system",
    "Category": "category",
}
CHOICES = {
    "Kind": ("kind", get_args(ItemKind)),
    "Role": ("role", get_args(ItemRole)),
    "Code system": ("code_system", get_args(CodeSystem)),
}
TAKEOFF: dict[Literal["row", "subtotal", "total"], str] = {
    "row": "takeoff",
    "subtotal": "takeoff subtotal",
    "total": "takeoff total",
}

Value = str | int | Decimal | None


class GridRow(Struct, frozen=True):
    """One row: its cells by column, the item it shows, or the node whose sum it shows."""

    cells: dict[str, Value]
    index: int | None = None
    node: Node | None = None


def first_row(bill: Bill) -> tuple[str, ...]:
    """Write what the file is."""
    dated = bill.dated.isoformat() if bill.dated else ""
    return (MARK, EDITION, bill.title, bill.currency, written_rounding(bill.rounding), dated)


def rows_of(bill: Bill, verdicts: Sequence[Verdict | None]) -> Iterator[GridRow]:
    """Write a bill's sections, items, surcharges and grand total, each in a row."""
    root = tree_of(bill)
    for node in root.walk():
        if node is not root:
            yield _section(node)
            yield from (GridRow({"Row": "note", "Description": note}) for note in node.section.notes)
        for index in node.items:
            yield _item(index, bill.items[index], verdicts[index] if verdicts else None)
            yield from map(GridRow, _below(bill.items[index]))
    for surcharge in bill.surcharges:
        yield GridRow({"Row": "surcharge", "Description": surcharge.label, "Sum": surcharge.amount})
    yield GridRow({"Row": "grand total", "Sum": amount_of(bill)}, node=root)


def _section(node: Node) -> GridRow:
    section = node.section
    cells: dict[str, Value] = {
        "Row": section.kind,
        "Level": len(section.path),
        "Code": section.path[-1],
        "Description": section.title,
        "Sum": node.total,
        "Source sheet": section.sheet,
        "Source line": section.line or None,
    }
    return GridRow(cells, node=node)


def _item(index: int, item: BillItem, verdict: Verdict | None) -> GridRow:
    cells: dict[str, Value] = {
        "Row": "item",
        "Verdict": verdict,
        "Source sheet": item.sheet,
        "Source line": item.line or None,
    }
    cells |= {column: getattr(item, name) for column, name in (TEXTS | AMOUNTS).items()}
    cells |= {column: getattr(item, name) for column, (name, _) in CHOICES.items()}
    if item.rounding is not None:
        cells["Rounding"] = written_rounding(item.rounding)
    return GridRow(cells, index=index)


def _below(item: BillItem) -> Iterator[dict[str, Value]]:
    for note in item.notes:
        yield {"Row": "note", "Description": note}
    for row in item.takeoff:
        yield {
            "Row": TAKEOFF[row.kind],
            "Description": row.expression,
            "Quantity": row.value,
            "Source line": row.line or None,
        }


def written_rounding(rounding: Rounding) -> str:
    """Write a rounding as decimals of total, quantity and unit price: "2", or "2/3/2" where factors are rounded."""
    factors = ("-" if each is None else str(each) for each in (rounding.quantity, rounding.unit_price))
    return "/".join((str(rounding.total), *factors)).removesuffix("/-/-")


def read_rounding(written: str) -> Rounding:
    """Read what `written_rounding` wrote. Raises `msgspec.ValidationError` for anything else."""
    total, quantity, price, *more = *written.split("/"), "-", "-"
    given = {"total": total, "quantity": quantity, "unit_price": price}
    if more not in ([], ["-", "-"]):
        raise msgspec.ValidationError("a rounding has three parts at most")
    return msgspec.convert({name: each for name, each in given.items() if each != "-"}, Rounding, strict=False)
