"""What the columns of a plain table are beyond what their headings tell: settled by what its first rows come to."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import product

from domain.position import line_total
from workers.readers.cells import Cell, Mark, number
from workers.readers.headings import Header
from workers.readers.vocabulary import Part

SHARES: tuple[Part, ...] = ("material_price", "assembly_price")
CENT = Decimal("0.01")
FEW, MOST = 2, 0.8
"""A column whose heading tells nothing is the unit price where so many lines, and this share of them, agree."""

Rows = Sequence[Sequence[Cell]]
Numbers = list[Decimal | None]


def settled(header: Header, sample: Rows, mark: Mark) -> dict[Part, int]:
    """Choose the columns by the totals that they make."""
    columns: dict[Part, int] = dict(header.columns)
    if "total" not in columns:
        return columns
    if len(header.price_columns) > 1 or len(header.quantity_columns) > 1:
        columns |= _best(header, sample, mark)
    elif not header.price_columns and not any(part in columns for part in SHARES):
        columns |= _nameless_price(columns, sample, mark)
    shares = [columns[part] for part in SHARES if part in columns]
    lines = _lines(sample, mark, columns["total"], columns["quantity"], *shares) if shares else []
    if 2 * sum(map(_makes_total, lines)) < len(lines):
        for part in SHARES:
            columns.pop(part, None)
    return columns


def _best(header: Header, sample: Rows, mark: Mark) -> dict[Part, int]:
    """Take, of several columns that may be the quantity or the unit price, those that make most totals."""
    total = header.columns["total"]
    found: dict[tuple[int, int], int] = {
        (quantity, price): sum(map(_makes_total, _lines(sample, mark, total, quantity, price)))
        for quantity, price in product(header.quantity_columns, header.price_columns)
    }
    if not found:
        return {}
    quantity, price = max(found, key=lambda pair: found[pair])
    return {"quantity": quantity, "unit_price": price}


def _nameless_price(columns: dict[Part, int], sample: Rows, mark: Mark) -> dict[Part, int]:
    """Find the unit price where no heading names it. Quantities of 1 prove nothing: any column of totals fits them."""
    for column in sorted(set(range(len(sample[0]) if sample else 0)) - set(columns.values())):
        lines = _lines(sample, mark, columns["total"], columns["quantity"], column)
        telling = [line for line in lines if line[1] != 1]
        if len(telling) >= FEW and sum(map(_makes_total, telling)) >= MOST * len(telling):
            return {"unit_price": column}
    return {}


def _lines(sample: Rows, mark: Mark, total: int, quantity: int, *prices: int) -> list[Numbers]:
    """Read the numbers of rows that have a total and a quantity, and a price in any of its columns."""
    read = ([number(row[at], mark) if at < len(row) else None for at in (total, quantity, *prices)] for row in sample)
    return [line for line in read if line[0] and line[1] and any(line[2:])]


def _makes_total(line: Numbers) -> bool:
    total, quantity, *prices = line
    made = line_total(quantity, sum((price for price in prices if price), Decimal(0)))
    return abs((made or 0) - (total or 0)) <= CENT
