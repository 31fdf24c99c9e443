"""A budget as a plain list of lines: what histories of commands are held against."""

from decimal import Decimal
from fractions import Fraction
from math import floor
from uuid import UUID

from msgspec import UNSET, Struct, structs

from domain.budget import Edit
from domain.position import Position


def product(position: Position, decimals: int) -> Decimal | None:
    """Multiply and round half away from zero, on whole numbers alone."""
    if position.quantity is None or position.unit_price is None:
        return None
    exact = Fraction(position.quantity) * Fraction(position.unit_price)
    units = floor(abs(exact) * 10**decimals + Fraction(1, 2))
    return Decimal(f"{units if exact >= 0 else -units}e-{decimals}")


class Model(Struct):
    """A budget as a plain list of lines."""

    lines: dict[UUID, Position] = {}
    order: list[UUID] = []
    rounding: int = 2
    currency: str = ""

    @property
    def total(self) -> Fraction:
        return sum((Fraction(line.total_price) for line in self.lines.values() if line.total_price), Fraction(0))

    def put(self, line: Position, place: int | None = None) -> None:
        self.lines[line.position_id] = structs.replace(line, revision=1)
        self.order.insert(len(self.order) if place is None else place, line.position_id)

    def edit(self, position_id: UUID, edit: Edit) -> None:
        fields = {field: value for field, value in structs.asdict(edit).items() if value is not UNSET}
        before = self.lines[position_id]
        after = structs.replace(before, **fields)
        if (after.quantity, after.unit_price) != (before.quantity, before.unit_price):
            cleared = {"declared_total": None, "material_price": None, "assembly_price": None}
            decimals = self.rounding if after.rounding is None else after.rounding.total
            after = structs.replace(after, total_price=product(after, decimals), **cleared)
        self.lines[position_id] = after

    def take(self, position_id: UUID) -> Position:
        self.order.remove(position_id)
        return self.lines.pop(position_id)

    def place_behind(self, after: UUID | None) -> int:
        return 0 if after is None else self.order.index(after) + 1
