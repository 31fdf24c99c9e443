"""A position: one line of a budget, with where it came from and how often it changed."""

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from domain.bill import CodeSystem, ItemKind, ItemRole, Rounding, TakeoffLine

EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
"""Arithmetic wide enough that no sum or product of a bill's numbers is ever rounded behind our back."""

MOST_DIGITS = 40

PositionSource = Literal["uploaded", "generated", "manual", "ai_suggested"]


def line_total(quantity: Decimal | None, unit_price: Decimal | None, rounding: int | Rounding = 2) -> Decimal | None:
    """Quantity times unit price, rounded half up to so many decimals; `None` where either is missing or no sane amount.

    Half up and not half even: on a real bill of 8,205,797.76 CZK half even is wrong by 0.04.
    """
    if quantity is None or unit_price is None or not (_is_amount(quantity) and _is_amount(unit_price)):
        return None
    if isinstance(rounding, int):
        return rounded(EXACT.multiply(quantity, unit_price), rounding)
    factors = rounded(quantity, rounding.quantity), rounded(unit_price, rounding.unit_price)
    return rounded(EXACT.multiply(*factors), rounding.total)


def rounded(number: Decimal, decimals: int | None) -> Decimal:
    """Round half up to so many decimals; `None` rounds nothing."""
    return number if decimals is None else EXACT.quantize(number, _unit(decimals))


@cache
def _unit(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


def _is_amount(number: Decimal) -> bool:
    return number.is_finite() and (not number or number.adjusted() <= MOST_DIGITS)


class Position(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of a budget.

    `total_price` is computed (`line_total`); `declared_total` is what the file showed, kept until the first edit
    of a number. Missing numbers are `None`, never 0. `revision` rises by one with every change. `rounding` is set where
    the document it came from rounds otherwise than its budget. A line whose `role` keeps it out of sums has no
    `total_price`.
    `gc=False`: JSON values form no cycles, and 100,000 positions would be walked by every full collection.
    """

    position_id: UUID
    number: str = ""
    code: str = ""
    code_system: CodeSystem = "own"
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
    total_price: Decimal | None = None
    declared_total: Decimal | None = None
    vat_rate: Decimal | None = None
    notes: tuple[str, ...] = ()
    takeoff: tuple[TakeoffLine, ...] = ()
    source: PositionSource = "uploaded"
    source_document_id: UUID | None = None
    source_sheet: str = ""
    source_line: int = 0
    rounding: Rounding | None = None
    revision: int = 1
    enrichment: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
