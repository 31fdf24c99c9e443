"""What positions cost, and which numbers may enter a budget."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import reduce
from uuid import UUID

from msgspec import structs

from domain.budget.commands import Edit
from domain.budget.refusals import BadAmount
from domain.budget.state import with_edit
from domain.position import EXACT, Position, line_total

LARGEST = Decimal(10) ** 15
DECIMALS = {"quantity": 4, "unit_price": 4, "vat_rate": 2}
"""How many decimals people may give. A file keeps as many as it states."""

_STATED = ("quantity", "unit_price", "material_price", "assembly_price", "declared_total", "vat_rate")


def check_edit(edit: Edit) -> None:
    """Refuse numbers that are not finite, too large, or finer than people may give. Raises `BadAmount`."""
    for field, decimals in DECIMALS.items():
        amount: object = getattr(edit, field)
        if not isinstance(amount, Decimal):
            continue
        if not _is_sane(amount):
            raise BadAmount(f"{field} must be a finite number below {LARGEST:f}.", field=field)
        if amount != round(amount, decimals):
            raise BadAmount(f"{field} has more than {decimals} decimals.", field=field)


def check_stated(position: Position) -> None:
    """Refuse a file's position with numbers that are not finite or too large. Raises `BadAmount`."""
    for field, amount in _stated_amounts(position):
        if amount is not None and not _is_sane(amount):
            where = f"Line {position.source_line} of {position.source_sheet or 'the file'}"
            raise BadAmount(f"{where}: {field} must be a finite number below {LARGEST:f}.", field=field)


def _stated_amounts(position: Position) -> Iterator[tuple[str, Decimal | None]]:
    for field in _STATED:
        yield field, getattr(position, field)
    for line in position.takeoff:
        yield "takeoff", line.value


def _is_sane(amount: Decimal) -> bool:
    return amount.is_finite() and (not amount or amount.adjusted() < LARGEST.adjusted())


def priced(position: Position, decimals: int) -> Position:
    """Give the position the line total that follows from its numbers, unless it stays out of sums.

    Its own rounding, that of its document, comes before the budget's.
    """
    rounding = decimals if position.rounding is None else position.rounding
    total = line_total(position.quantity, position.unit_price, rounding) if position.role == "base" else None
    return structs.replace(position, total_price=total)


def added_position(position_id: UUID, fields: Edit, decimals: int) -> Position:
    """Make the position that somebody adds by hand."""
    return priced(with_edit(Position(position_id=position_id, source="manual"), fields), decimals)


def edited_position(position: Position, edit: Edit, decimals: int) -> Position:
    """Apply an edit; other numbers give another line total, and end what the file said of the old ones."""
    after = with_edit(position, edit)
    if (after.quantity, after.unit_price) == (position.quantity, position.unit_price):
        return after
    return structs.replace(priced(after, decimals), declared_total=None, material_price=None, assembly_price=None)


def cost_of(positions: Iterable[Position]) -> Decimal:
    """Add up line totals, exactly; what has no price costs nothing."""
    totals = (position.total_price for position in positions if position.total_price is not None)
    return reduce(EXACT.add, totals, Decimal(0))


def added_cost(before: Position, after: Position) -> Decimal:
    """Say how much more `after` costs than `before`, exactly."""
    return EXACT.subtract(after.total_price or Decimal(0), before.total_price or Decimal(0))
