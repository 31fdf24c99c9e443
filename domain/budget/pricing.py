"""What positions cost, and which numbers may enter a budget."""

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce

from msgspec import structs

from domain.budget.commands import Edit
from domain.budget.refusals import BadAmount
from domain.position import EXACT, Position, line_total

LARGEST = Decimal(10) ** 15


def check_amounts(edit: Edit) -> None:
    """Refuse numbers that are not finite, too large, or finer than a budget keeps. Raises `BadAmount`."""
    limits = (("quantity", edit.quantity, 4), ("unit_price", edit.unit_price, 4), ("vat_rate", edit.vat_rate, 2))
    for field, amount, decimals in limits:
        if not isinstance(amount, Decimal):
            continue
        if not amount.is_finite() or abs(amount) >= LARGEST:
            raise BadAmount(f"{field} must be a finite number below {LARGEST:f}.", field=field)
        if amount != round(amount, decimals):
            raise BadAmount(f"{field} has more than {decimals} decimals.", field=field)


def priced(position: Position, decimals: int) -> Position:
    """Give the position the line total that follows from its numbers."""
    return structs.replace(position, total_price=line_total(position.quantity, position.unit_price, decimals))


def cost_of(positions: Iterable[Position]) -> Decimal:
    """Add up line totals, exactly; what has no price costs nothing."""
    totals = (position.total_price for position in positions if position.total_price is not None)
    return reduce(EXACT.add, totals, Decimal(0))
