"""A bill of quantities as a file states it: what every reader returns, before it becomes a budget.

`gc=False`: these structs hold values only and form no cycles, and a bill of 100,000 items would otherwise stop the
event loop for every full collection.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

ItemKind = Literal["work", "material", "other"]
CodeSystem = Literal["urs", "rts", "otskp", "gaeb", "own"]
ItemRole = Literal["base", "alternative", "optional"]
"""Only a `base` item enters sums: an alternative replaces another item, an optional one waits to be ordered."""


class Rounding(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How many decimals a bill rounds to, half up: the line total always, its factors where a number is given.

    `round(round(quantity, quantity) * round(unit_price, unit_price), total)`; a factor of `None` enters as it is.
    """

    total: int = 2
    quantity: int | None = None
    unit_price: int | None = None


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
    """A heading with its own declared sum. `path` names it from the sheet down: `("SO 01", "HSV", "1")`.

    An `object` is what is built (a house, a bridge), a `section` a group of items in it.
    """

    path: tuple[str, ...]
    title: str = ""
    kind: Literal["object", "section"] = "section"
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


class StatedTotal(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A total that the file states, and where: of the object or section at `path`, or of the whole bill at `()`.

    `net` is without VAT, `gross` with it. `vat` is an amount of tax; `rate` in percent and `base`, the amount that is
    taxed, where the file states them. `rounding` is what the file adds to make the gross total round, if only 0.
    """

    kind: Literal["net", "vat", "gross", "rounding"]
    amount: Decimal
    path: tuple[str, ...] = ()
    label: str = ""
    rate: Decimal | None = None
    base: Decimal | None = None
    sheet: str = ""
    line: int = 0


class Figure(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A named quantity that takeoff expressions refer to, with its own takeoff. `path` is the object it belongs to."""

    code: str
    description: str = ""
    unit: str = ""
    value: Decimal | None = None
    path: tuple[str, ...] = ()
    takeoff: tuple[TakeoffLine, ...] = ()
    sheet: str = ""
    line: int = 0


class BillItem(Struct, frozen=True, omit_defaults=True, gc=False):
    """One position as the file states it. Numbers the file leaves empty are `None`, never 0.

    `quantity` in `unit`; `unit_price` in the bill's currency per `unit`; `declared_total` is the line total
    that the file itself shows. `vat_rate` is in percent. `price_system` is what the file calls the price list that the
    code is from. `unit_hours` (of work), `unit_mass` and `unit_debris` (in tonnes) are per `unit`.
    `line` is the 1-based row of the sheet that a spreadsheet program would show, or the line of the text. A page of a
    document is a sheet, named by its number. `rounding` is set where the item rounds otherwise than its bill.
    """

    number: str = ""
    code: str = ""
    code_system: CodeSystem = "own"
    price_system: str = ""
    description: str = ""
    category: str = ""
    kind: ItemKind = "work"
    role: ItemRole = "base"
    section: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    material_price: Decimal | None = None
    assembly_price: Decimal | None = None
    declared_total: Decimal | None = None
    vat_rate: Decimal | None = None
    unit_hours: Decimal | None = None
    unit_mass: Decimal | None = None
    unit_debris: Decimal | None = None
    notes: tuple[str, ...] = ()
    takeoff: tuple[TakeoffLine, ...] = ()
    rounding: Rounding | None = None
    sheet: str = ""
    line: int = 0


class Declared(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The sums that a bill states about itself: sections, surcharges, and the grand total without VAT.

    `totals` are those of the whole and of its objects, with VAT and without, each with its place.
    """

    total: Decimal | None = None
    sections: tuple[BillSection, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    totals: tuple[StatedTotal, ...] = ()


class Skipped(Struct, frozen=True, kw_only=True, gc=False):
    """A row that was read and deliberately not made an item, and why."""

    sheet: str
    line: int
    reason: str


class Bill(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything a reader found. `format` is a permanent name, `confidence` 0..100 that it is that format.

    `variant` tells apart what one format comes in (a version, a phase), in free words. `dated`: the day of its prices.
    `declared_total` is the grand total without VAT that the file shows, surcharges included; `totals` are all that it
    states, with their sources. A blank bill (a tender before it is priced) carries no prices at all: every price and
    declared total in it is `None`, even where the file shows 0.
    """

    format: str
    confidence: int
    variant: str = ""
    title: str = ""
    dated: date | None = None
    currency: str = "CZK"
    rounding: Rounding = Rounding()
    declared_total: Decimal | None = None
    declared_total_with_vat: Decimal | None = None
    sections: tuple[BillSection, ...] = ()
    items: tuple[BillItem, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    totals: tuple[StatedTotal, ...] = ()
    figures: tuple[Figure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def priced(self) -> int:
        """How many items carry a unit price other than zero."""
        return sum(1 for item in self.items if item.unit_price)
