"""A bill while it is being read: rows still gather under items, and the whole decides what single cells mean."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import astuple, replace

from domain.bill import (
    Bill,
    BillItem,
    BillSection,
    CodeSystem,
    Figure,
    ItemKind,
    ItemRole,
    Rounding,
    Skipped,
    StatedTotal,
    Surcharge,
    TakeoffLine,
)
from domain.position import line_total
from workers.readers.cells import Cell, Mark, money, number, text
from workers.readers.codes import code_systems

WARNINGS_OF_A_KIND = 20
SAMPLE = 1000
T = TypeVar("T", Surcharge, StatedTotal, Figure, Skipped)
SEVERAL = 5
"""So many line totals off by their rounding are no slips."""

UNCOMPUTED = (
    "Line totals are 0 or missing although lines have quantities and prices: the file's formulas were never computed. "
    "The totals are left out; open the file in a spreadsheet program and save it to have them checked too."
)

BLANK = "The bill carries no prices: it is read as a blank tender, without totals."


class ItemDraft(Struct, kw_only=True, gc=False):
    """An item whose notes and takeoff may still be coming: the fields of a `BillItem`, in their order."""

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
    notes: list[str] = field(default_factory=list)
    takeoff: list[TakeoffLine] = field(default_factory=list)
    rounding: Rounding | None = None
    sheet: str = ""
    line: int = 0

    @property
    def blank(self) -> bool:
        """Whether the item carries no price at all; 0 is none."""
        return not (self.unit_price or self.material_price or self.assembly_price or self.declared_total)

    def finish(self, system: CodeSystem, *, priced: bool) -> BillItem:
        """Freeze the item, without prices when its bill has none."""
        self.code_system = system
        if not priced:
            self.unit_price = self.material_price = self.assembly_price = self.declared_total = None
        values = [*astuple(self)]
        values[_NOTES], values[_TAKEOFF] = tuple(self.notes), tuple(self.takeoff)
        return BillItem(*values)


_CENT, _TENTH = Decimal("0.01"), Decimal("0.1")
_NOTES, _TAKEOFF = map(BillItem.__struct_fields__.index, ("notes", "takeoff"))


class SectionDraft(Struct, kw_only=True, gc=False):
    """A heading whose sum or notes may still be coming."""

    path: tuple[str, ...]
    title: str = ""
    kind: Literal["object", "section"] = "section"
    declared_total: Decimal | None = None
    notes: list[str] = field(default_factory=list)
    sheet: str = ""
    line: int = 0

    def finish(self, *, priced: bool) -> BillSection:
        """Freeze the section, without its sum when the bill has no prices."""
        return BillSection(
            path=self.path,
            title=self.title,
            kind=self.kind,
            declared_total=self.declared_total if priced else None,
            notes=tuple(self.notes),
            sheet=self.sheet,
            line=self.line,
        )


def _on_page(part: T, places: Sequence[tuple[str, int]]) -> T:
    """Put a part that names no sheet where it stands in print."""
    if part.sheet:
        return part
    sheet, line = places[part.line]
    return replace(part, sheet=sheet, line=line)


def _on_lines(takeoff: Iterable[TakeoffLine], places: Sequence[tuple[str, int]]) -> list[TakeoffLine]:
    return [replace(row, line=places[row.line][1]) for row in takeoff]


def _is_in_cents(amounts: list[Decimal]) -> bool:
    """Whether no amount is finer than a cent, and one is finer than a tenth.

    No other rounding fits them then: to fewer decimals none of them would be that, and where more fit, two do as well.
    """
    return all(amount.quantize(_CENT) == amount for amount in amounts) and any(amount % _TENTH for amount in amounts)


class BillDraft:
    """Everything found so far."""

    def __init__(self, format: str, confidence: int, places: Sequence[tuple[int, int]] = ()) -> None:  # noqa: A002 - the bill's own word
        """Start a bill of a format, with the confidence of its reader.

        `places` are the pages and lines that rows stand on in print, where a sheet was put together from pages.
        """
        self.format = format
        self.confidence = confidence
        self.variant = ""
        self.title = ""
        self.dated: date | None = None
        self.currency = ""
        self.home_currency = "CZK"
        self.rounding = Rounding()
        self.declared_total: Decimal | None = None
        self.declared_total_with_vat: Decimal | None = None
        self.sections: list[SectionDraft] = []
        self.items: list[ItemDraft] = []
        self.surcharges: list[Surcharge] = []
        self.totals: list[StatedTotal] = []
        self.figures: list[Figure] = []
        self.skipped: list[Skipped] = []
        self.warnings: list[str] = []
        self._paths: dict[tuple[str, ...], int] = {}
        self.totalled = False
        """Whether a table has a column of totals."""
        self._places = places
        self._bad_numbers = 0

    def has_section(self, path: tuple[str, ...]) -> bool:
        """Whether a section of this path was found before."""
        return path in self._paths

    def add_section(self, section: SectionDraft) -> SectionDraft:
        """Take a section in. A path that another one has already gets a count: two of one code stay two sections."""
        count = self._paths[section.path] = self._paths.get(section.path, 0) + 1
        if count > 1:
            section.path = (*section.path[:-1], f"{section.path[-1]} ({count})")
        self.sections.append(section)
        return section

    def skip(self, sheet: str, line: int, reason: str) -> None:
        """Note a row that becomes nothing, and why."""
        self.skipped.append(Skipped(sheet=sheet, line=line, reason=reason))

    def warn_unread(self, sheets: list[str]) -> None:
        """Name the sheets that were not read, if there are any."""
        if sheets:
            self.warn(f"Sheets without a table of items were not read: {', '.join(map(repr, sheets))}.")

    def warn(self, warning: str) -> None:
        """Tell the reader of the bill something about all of it, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    def number(
        self, cell: Cell, where: tuple[str, int, str], mark: Mark = ",", *, amount: bool = False
    ) -> Decimal | None:
        """Read a number from the cell at `(sheet, line, column)`; one that cannot be read is `None` and a warning."""
        value = money(cell, mark) if amount else number(cell, mark)
        if value is None and cell != "" and text(cell):
            self._bad_numbers += 1
            if self._bad_numbers <= WARNINGS_OF_A_KIND:
                sheet, line, column = where
                place = self.place(sheet, line)
                self.warnings.append(f"{place}: {column} {text(cell)[:60]!r} is not a number; it was left empty.")
        return value

    def place(self, sheet: str, line: int) -> str:
        """Tell people where a row stands."""
        if self._places and not sheet:
            page, own = self._places[line - 1]
            return f"Page {page}, line {own}"
        return f"Sheet {sheet!r}, row {line}" if sheet else f"Row {line}"

    def _put_on_pages(self) -> None:
        """Name pages and lines in place of the rows that were put together from them."""
        places = [("", 0), *((str(page), line) for page, line in self._places)]
        for part in (*self.items, *self.sections):
            part.sheet, part.line = places[part.line]
        for item in self.items:
            item.takeoff = _on_lines(item.takeoff, places)
        figures = [replace(each, takeoff=tuple(_on_lines(each.takeoff, places))) for each in self.figures]
        self.figures = [_on_page(each, places) for each in figures]
        self.surcharges = [_on_page(each, places) for each in self.surcharges]
        self.totals = [_on_page(each, places) for each in self.totals]
        self.skipped = [_on_page(each, places) for each in self.skipped]

    def _forget_uncomputed(self) -> None:
        """Take totals of 0 for none where every line has one in spite of its price: nothing computed the formulas."""
        lines = [item for item in self.items if item.quantity and item.unit_price]
        if not lines or self.declared_total or any(item.declared_total for item in self.items):
            return
        if all(item.declared_total is None for item in lines) and not self.totals:
            if self.totalled:
                self.warn(UNCOMPUTED)
            return
        for part in (*self.items, *self.sections):
            part.declared_total = None
        self.declared_total = self.declared_total_with_vat = None
        self.totals = [total for total in self.totals if total.amount]
        self.warn(UNCOMPUTED)

    def _infer_rounding(self) -> None:
        """Find the decimals that all line totals agree with, where several disagree with the two of money."""
        lines = [
            (item.quantity, item.unit_price, item.declared_total)
            for item in islice((item for item in self.items if item.declared_total and item.unit_price), SAMPLE)
        ]
        if _is_in_cents([stated for _, _, stated in lines if stated]):
            return
        if sum(1 for quantity, price, stated in lines if line_total(quantity, price) != stated) < SEVERAL:
            return
        for decimals in (0, 1, 3, 4):
            if all(line_total(quantity, price, decimals) == stated for quantity, price, stated in lines):
                self.rounding = Rounding(total=decimals)

    def finish(self) -> Bill:
        """Freeze the bill.

        Whether it is blank, how it rounds, and which price systems its codes belong to, is settled here.
        """
        if self._places:
            self._put_on_pages()
        self._forget_uncomputed()
        if self.rounding == Rounding():
            self._infer_rounding()
        systems = code_systems([(item.code, item.price_system) for item in self.items])
        priced = bool(self.declared_total) or not all(item.blank for item in self.items)
        if self._bad_numbers > WARNINGS_OF_A_KIND:
            self.warnings.append(f"{self._bad_numbers - WARNINGS_OF_A_KIND} more cells are not numbers.")
        if not priced:
            self.warnings.append(BLANK)
        if not self.currency:
            self.warnings.append(f"The file names no currency: {self.home_currency} is assumed.")
        return Bill(
            format=self.format,
            confidence=self.confidence,
            variant=self.variant,
            title=self.title,
            dated=self.dated,
            currency=self.currency or self.home_currency,
            rounding=self.rounding,
            declared_total=self.declared_total if priced else None,
            declared_total_with_vat=self.declared_total_with_vat if priced else None,
            sections=tuple(section.finish(priced=priced) for section in self.sections),
            items=tuple(item.finish(system, priced=priced) for item, system in zip(self.items, systems, strict=True)),
            surcharges=tuple(self.surcharges) if priced else (),
            totals=tuple(self.totals) if priced else (),
            figures=tuple(self.figures),
            skipped=tuple(self.skipped),
            warnings=tuple(self.warnings),
        )
