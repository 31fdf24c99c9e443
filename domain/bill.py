"""A bill of quantities as a file states it: what every reader returns, before it becomes a budget.

`gc=False`: these structs hold values only and form no cycles, and a bill of 100,000 items would otherwise stop the
event loop for every full collection.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

ItemKind = Literal["work", "material", "other"]
CodeSystem = Literal["urs", "rts", "otskp", "gaeb", "own"]


class TakeoffLine(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One row of a quantity take-off under an item.

    `expression` is the cell's text as written (`"2,5*3,2  "podlaha"`), `value` its declared result in
    the item's unit, `None` where the file states none (a comment row).
    """

    expression: str
    value: Decimal | None = None
    kind: Literal["row", "subtotal", "total"] = "row"
    line: int = 0


class BillSection(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A heading with its own declared sum. `path` names it from the sheet down: `("SO 01", "HSV", "1")`."""

    path: tuple[str, ...]
    title: str = ""
    declared_total: Decimal | None = None
    notes: tuple[str, ...] = ()
    sheet: str = ""
    line: int = 0


class Surcharge(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An amount that the file adds after its items (overhead, profit, reserve): part of the grand total, no item."""

    label: str
    amount: Decimal
    sheet: str = ""
    line: int = 0


class BillItem(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One position as the file states it. Numbers the file leaves empty are `None`, never 0.

    `quantity` in `unit`; `unit_price` in the bill's currency per `unit`; `declared_total` is the line total
    that the file itself shows. `vat_rate` is in percent. `line` is the 1-based row of the sheet that a spreadsheet
    program would show.
    """

    number: str = ""
    code: str = ""
    code_system: CodeSystem = "own"
    description: str = ""
    category: str = ""
    kind: ItemKind = "work"
    section: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    material_price: Decimal | None = None
    assembly_price: Decimal | None = None
    declared_total: Decimal | None = None
    vat_rate: Decimal | None = None
    notes: tuple[str, ...] = ()
    takeoff: tuple[TakeoffLine, ...] = ()
    sheet: str = ""
    line: int = 0


class Declared(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The sums that a bill states about itself: sections, surcharges, and the grand total without VAT."""

    total: Decimal | None = None
    sections: tuple[BillSection, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()


class Skipped(Struct, frozen=True, kw_only=True, gc=False):
    """A row that was read and deliberately not made an item, and why."""

    sheet: str
    line: int
    reason: str


class Bill(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything a reader found. `format` is a permanent name, `confidence` 0..100 that it is that format.

    `rounding` is the number of decimals of a line total. `declared_total` is the grand total without VAT that
    the file shows, surcharges included. A blank bill (a tender before it is priced) carries no prices at all: every
    price and declared total in it is `None`, even where the file shows 0.
    """

    format: str
    confidence: int
    title: str = ""
    currency: str = "CZK"
    rounding: int = 2
    declared_total: Decimal | None = None
    declared_total_with_vat: Decimal | None = None
    sections: tuple[BillSection, ...] = ()
    items: tuple[BillItem, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def priced(self) -> int:
        """How many items carry a unit price other than zero."""
        return sum(1 for item in self.items if item.unit_price)
