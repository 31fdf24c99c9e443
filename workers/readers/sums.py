"""What the sum rows of a plain table sum up: told by arithmetic first, by their words and place after."""

import re
from decimal import Decimal
from typing import Literal

from domain.bill import StatedTotal, Surcharge
from workers.readers.cells import label, parse
from workers.readers.draft import BillDraft, SectionDraft
from workers.readers.table import Line
from workers.readers.vocabulary import CARRIED, VAT, WITH_VAT, WITHOUT_VAT, says

TOLERANCE = Decimal("0.05")
PER_LINE = Decimal("0.005")
"""A sum may have been taken over unrounded lines, each off by up to half a cent."""

_RATE = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?)\s*%")


class Sums:
    """Keeps the sums of one table while it is read."""

    def __init__(self, draft: BillDraft, sheet: str) -> None:
        """Start at zero."""
        self.net: Decimal | None = None
        self.gross: Decimal | None = None
        self._net_line: Line | None = None
        self._gross_line: Line | None = None
        self._tax = Decimal(0)
        self._draft = draft
        self._sheet = sheet
        self._items = Decimal(0)
        self._count = 0
        self._surcharges = Decimal(0)
        self._sections: dict[tuple[str, ...], Decimal] = {}

    def add(self, path: tuple[str, ...], amount: Decimal | None) -> None:
        """Count an item of a section."""
        if amount is not None:
            self._items += amount
            self._count += 1
            self._sections[path] = self._sections.get(path, Decimal(0)) + amount

    def of(self, section: SectionDraft) -> Decimal | None:
        """Tell the sum of a section: the one it states, else what its own items come to."""
        return self._sections.get(section.path) if section.declared_total is None else section.declared_total

    def inside(self, line: Line, section: SectionDraft | None) -> None:
        """Take a sum between items for its section's, unless the section has one already."""
        if _is_of_page(line):
            self._drop(line, "the sum of a page")
        elif section is None or section.declared_total is not None or line.total is None:
            self._drop(line, "a sum that belongs to no section")
        else:
            section.declared_total = line.total

    def ends(self, line: Line, section: SectionDraft | None) -> bool:
        """Whether a sum between items comes to all that its section has so far, and so ends it."""
        told = (
            not _is_of_page(line)
            and section is not None
            and section.declared_total is None
            and section.path in self._sections
        )
        return told and line.total is not None and self._is_section(line.total, section)

    def after(self, line: Line, section: SectionDraft | None) -> None:
        """Take a sum below the last item: of everything, with VAT or without, of the last section, or of VAT."""
        amount, words = line.total, label(line.title)
        if amount is None:
            self._drop(line, "a sum without an amount")
        elif (says(words, WITH_VAT) and not says(words, WITHOUT_VAT)) or self._is_gross(amount):
            self._drop(self._gross_line, "a total with VAT that another one replaces")
            self.gross, self._gross_line = amount, line
        elif says(words, VAT) and not says(words, WITHOUT_VAT):
            self._take_tax(line, amount)
        elif self._is_net(amount) or not self._is_section(amount, section):
            self._take_net(line, amount)
        elif section and section.declared_total is None:
            section.declared_total = amount
        else:
            self._drop(line, "a sum stated twice")

    def surcharge(self, line: Line, amount: Decimal) -> None:
        """Take an amount below the last item that is not called a sum: overhead, profit, or a sum after all."""
        words = label(line.title)
        if self._is_gross(amount):
            self.gross, self._gross_line = amount, line
        elif says(words, VAT) and not says(words, WITHOUT_VAT):
            self._take_tax(line, amount)
        elif self.net is None and (self._is_net(amount) or self._near(amount, self._items)):
            self.net, self._net_line = amount, line
        else:
            self._surcharges += amount
            self._draft.surcharges.append(Surcharge(label=line.title, amount=amount, sheet=self._sheet, line=line.line))

    def totals(self) -> None:
        """Tell the bill the totals that were taken, and where they stand."""
        if self.net is not None and self._net_line is not None:
            self._state("net", self._net_line, self.net)
        if self.gross is not None and self._gross_line is not None:
            self._state("gross", self._gross_line, self.gross)

    def _state(self, kind: Literal["net", "vat", "gross"], line: Line, amount: Decimal) -> None:
        rate = _RATE.search(line.title) if kind == "vat" else None
        stated = StatedTotal(
            kind=kind,
            amount=amount,
            path=(self._sheet,) if self._sheet else (),
            label=line.title,
            rate=parse(rate[1]) if rate else None,
            sheet=self._sheet,
            line=line.line,
        )
        self._draft.totals.append(stated)

    def _take_tax(self, line: Line, amount: Decimal) -> None:
        self._tax += amount
        self._state("vat", line, amount)

    def _is_gross(self, amount: Decimal) -> bool:
        """Whether an amount is the net total and the taxes that were stated since."""
        return bool(self._tax) and self.net is not None and abs(amount - self.net - self._tax) <= TOLERANCE

    def _take_net(self, line: Line, amount: Decimal) -> None:
        """Take the total that the items add up to; where none does, the last one."""
        if self.net is not None and self._is_net(self.net) and not self._is_net(amount):
            self._drop(line, "a second total")
        else:
            self._drop(self._net_line, "a total that another one replaces")
            self.net, self._net_line = amount, line

    def _drop(self, line: Line | None, reason: str) -> None:
        if line is not None:
            self._draft.skip(self._sheet, line.line, f"{reason}: {line.title}")

    def _is_net(self, amount: Decimal) -> bool:
        return self._near(amount, self._items + self._surcharges)

    def _is_section(self, amount: Decimal, section: SectionDraft | None) -> bool:
        return section is not None and self._near(amount, self._sections.get(section.path, Decimal(0)))

    def _near(self, amount: Decimal, expected: Decimal) -> bool:
        return abs(amount - expected) <= TOLERANCE + PER_LINE * self._count


def _is_of_page(line: Line) -> bool:
    """Whether a sum is what a printed page comes to, or what it carries to the next: no section's."""
    return CARRIED.fullmatch(label(line.title)) is not None
