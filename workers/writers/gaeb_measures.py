"""Numbers as GAEB DA XML holds them: quantities and unit prices of three decimals, amounts of two, none too long.

The format's programs compute line totals from what is written. So a number with more decimals is rounded only where
the line total stays the same.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from domain.bill import Bill, BillItem, Rounding
from domain.position import EXACT, line_total, rounded
from workers.writers.statement import Unwritable, place_of

CENTS = 2
WAY_OUT = "Recalculate the budget with that rounding first, or take XLSX, CSV or JSON."


class Shape(Struct, frozen=True):
    """How long a number may be: digits in all, and decimals of them."""

    digits: int
    decimals: int

    def rounded(self, value: Decimal) -> Decimal:
        """Round half up to the decimals, if there are more."""
        least = Decimal(1).scaleb(-self.decimals)
        exponent = value.as_tuple().exponent
        return EXACT.quantize(value, least) if isinstance(exponent, int) and exponent < -self.decimals else value

    def holds(self, value: Decimal) -> bool:
        """Whether the number can be written as it is."""
        return value == self.rounded(value) and abs(value) < Decimal(10) ** (self.digits - self.decimals)


QUANTITY, PRICE, AMOUNT, RATE = Shape(11, 3), Shape(13, 3), Shape(13, 2), Shape(5, 2)
"""Of GAEB DA XML 3.3 (2021-05): `tgDecimal_11_3`, `_13_3`, `_13_2`, `_5_2`."""

PERCENTAGE, HUNDREDTH = Shape(9, 6), Shape(13, 4)
"""Of markups: their rate (`tgDecimal_9_6`), and a hundredth of the amount that they are taken of."""


class Measure(Struct, frozen=True):
    """What is written of an item's numbers. `total` is `None` where it enters no sum or has none."""

    quantity: Decimal | None
    unit_price: Decimal | None
    total: Decimal | None
    vat_rate: Decimal | None


def is_markup(item: BillItem) -> bool:
    """Whether the item was a markup when it was read: so many per cent at a hundredth of what they are taken of."""
    return (item.code_system, item.kind, item.unit) == ("gaeb", "other", "%")


def measures_of(bill: Bill, notes: Counter[str], *, markups: bool) -> list[Measure]:
    """Measure every item, `markups` as such. Raises `Unwritable` where a total would change or a number is too long."""
    measures = [
        _measure(item, item.rounding or bill.rounding, is_rate=markups and is_markup(item)) for item in bill.items
    ]
    _refuse(
        "export.not_in_cents",
        "{count} line totals are not quantity times price to two decimals, which is how GAEB counts (the first: "
        f"{{first}}). {WAY_OUT}",
        [item for item, measure in zip(bill.items, measures, strict=True) if measure is None and not _in_cents(item)],
    )
    _refuse(
        "export.number_too_long",
        "{count} items have numbers that GAEB cannot hold without changing a total: a quantity has at most three "
        "decimals and 8 digits before them, a unit price three and 10, a line total two and 11 (the first: {first}). "
        f"{WAY_OUT}",
        [item for item, measure in zip(bill.items, measures, strict=True) if measure is None],
    )
    known = [measure for measure in measures if measure is not None]
    for item, measure in zip(bill.items, known, strict=True):
        if (item.quantity, item.unit_price) != (measure.quantity, measure.unit_price):
            notes["quantities or unit prices rounded to three decimals, with the same totals"] += 1
        if item.vat_rate is not None and measure.vat_rate is None:
            notes["rates of VAT with more than two decimals, left out"] += 1
    return known


def text_of(amount: Decimal) -> str:
    """Write an amount of two decimals. Raises `Unwritable` where it is none, or too long."""
    if not AMOUNT.holds(amount):
        raise Unwritable(
            "export.number_too_long",
            f"The sum {amount:f} has more than two decimals or more than 11 digits before them. {WAY_OUT}",
        )
    return f"{EXACT.quantize(amount, Decimal('0.01')):f}"


def _measure(item: BillItem, rounding: Rounding, *, is_rate: bool) -> Measure | None:
    """Find numbers that come to the item's total: as exact as they fit, else as they enter the total."""
    of_quantity, of_price = (PERCENTAGE, HUNDREDTH) if is_rate else (QUANTITY, PRICE)
    is_base = item.role == "base"
    for quantity, unit_price in ((item.quantity, item.unit_price), _factors(item, rounding)):
        short = (
            None if quantity is None else of_quantity.rounded(quantity),
            None if unit_price is None else of_price.rounded(unit_price),
        )
        total = line_total(*short, CENTS)
        if is_base and total != item.declared_total:
            continue
        shapes = zip((*short, total), (of_quantity, of_price, AMOUNT), strict=True)
        if all(value is None or shape.holds(value) for value, shape in shapes):
            rate = item.vat_rate if item.vat_rate is not None and RATE.holds(item.vat_rate) else None
            return Measure(*short, total if is_base else None, rate)
    return None


def _factors(item: BillItem, rounding: Rounding) -> tuple[Decimal | None, Decimal | None]:
    """Round the factors as they enter the item's line total."""
    return (
        None if item.quantity is None else rounded(item.quantity, rounding.quantity),
        None if item.unit_price is None else rounded(item.unit_price, rounding.unit_price),
    )


def _in_cents(item: BillItem) -> bool:
    return item.role != "base" or line_total(item.quantity, item.unit_price, CENTS) == item.declared_total


def _refuse(code: str, words: str, wrong: Sequence[BillItem]) -> None:
    if wrong:
        raise Unwritable(code, words.format(count=len(wrong), first=place_of(wrong[0]) or "an item without a name"))
