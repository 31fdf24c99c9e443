"""What rules may look at: the positions, what the bill states about itself, and anything derived from them once."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Context, Decimal
from typing import Annotated, Literal, TypeVar, cast
from uuid import UUID

from msgspec import Meta, Struct

from domain.bill import BillSection, StatedTotal, Surcharge
from domain.comparison import ComparedAs
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.matching import MatchedBy
from domain.position import Position

T = TypeVar("T")

AUDIT_ARITHMETIC = Context(prec=100, traps=[])
"""Rules compute in this decimal context, whatever the caller's is: exact for any real bill, and an impossible
operation gives NaN, which every comparison answers with no, instead of raising."""


class DeclaredBill(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one imported document declares about the positions that came from it (`Position.source_document_id`).

    `declared_total` is its grand total without VAT, `surcharges` included; `totals` are all that it states, with VAT
    and without. `rounding` is the number of decimals that it rounds to, `None` for the budget's. `diminished` names
    the section paths that lost a position since import (removed or moved away): declared sums no longer speak of what
    is left there.
    """

    document_id: UUID | None = None
    declared_total: Decimal | None = None
    sections: tuple[BillSection, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    totals: tuple[StatedTotal, ...] = ()
    rounding: Annotated[int, Meta(ge=0, le=6)] | None = None
    diminished: tuple[tuple[str, ...], ...] = ()


class CataloguePrice(Struct, frozen=True, kw_only=True, gc=False):
    """The price of a catalogue that a line is held against, in the bill's currency and the line's unit.

    Found `by` code and unit, or by a text alike: `similarity` is 0 to 1. `priced_on` is the day from which it holds.
    """

    catalogue: str
    version: int
    code: str
    description: str
    unit: str
    unit_price: Decimal
    priced_on: date
    by: Literal["code", "text"]
    similarity: Decimal = Decimal(1)

    @property
    def confidence(self) -> int:
        """How sure it is that this is the price of the line, 0 to 100."""
        return 100 if self.by == "code" else int(self.similarity * 85)


class Offer(Struct, frozen=True, kw_only=True, gc=False):
    """What a document that the budget is compared with asks for a line, in the bill's currency per the line's unit.

    `name` is the bidder's or the file's, `sheet` and `line` say where the price stands, `by` how the line was
    recognised.
    """

    compared_as: ComparedAs
    document_id: UUID
    name: str
    unit_price: Decimal
    by: MatchedBy
    sheet: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """Name the row."""
        return f"{self.sheet}, row {self.line}" if self.sheet else f"row {self.line}"


class BillFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the audited budget as a whole: one currency, one rounding, and what each document declares.

    `rounding` is the number of decimals of a line total. A budget that was not imported has no `declared` bill.
    `catalogues` names the price catalogues that count, `prices` what they have for lines, by position id, and `as_of`
    is the day on which the prices' age is counted. `offers` are what estimate and bidders ask for lines, by position
    id, and `uncompared` says of documents why they are not compared with.
    """

    currency: str = "CZK"
    rounding: Annotated[int, Meta(ge=0, le=6)] = 2
    declared: tuple[DeclaredBill, ...] = ()
    catalogues: tuple[str, ...] = ()
    prices: dict[UUID, CataloguePrice] = {}
    as_of: date | None = None
    offers: dict[UUID, tuple[Offer, ...]] = {}
    uncompared: tuple[str, ...] = ()


class AuditContext:
    """One audit's material. Rules share it, so that groups and sums over the bill are made once, not per line."""

    __slots__ = ("_derived", "facts", "positions", "settings")

    def __init__(self, positions: Sequence[Position], facts: BillFacts, settings: AuditSettings = DEFAULTS) -> None:
        """Take the positions, facts and parameters as they are; nothing is derived until a rule asks."""
        self.positions = positions
        self.facts = facts
        self.settings = settings
        self._derived: dict[Callable[[AuditContext], object], object] = {}

    def once(self, derive: Callable[["AuditContext"], T]) -> T:
        """`derive(self)`, computed at the first call and remembered under the function itself."""
        if derive not in self._derived:
            self._derived[derive] = derive(self)
        return cast("T", self._derived[derive])


def finite(number: Decimal | None) -> Decimal | None:
    """Pass a number on, or `None` where it is missing, infinite or not a number."""
    return number if number is not None and number.is_finite() else None
