"""FIEBDC-3 (BC3), the exchange format of Spanish budgets: chapters, items, and what the items are made of.

An item's price is the one its concept declares. Where the file breaks it down, what the parts come to is the item's
declared total, so that a price that differs from its own breakdown shows in the arithmetic.
"""

import re
from datetime import date
from decimal import Decimal

from domain.bill import Bill, ItemKind, TakeoffLine
from domain.experts.takeoff import evaluate
from domain.position import line_total
from workers.readers.bc3_records import Concept, Measured, Part, Records, load
from workers.readers.cells import parse
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft
from workers.readers.source import Source
from workers.readers.unreadable import Unreadable

MOST = 200_000
"""Items and chapters of one bill. Concepts are shared, so a small file can unfold without end."""

KINDS: dict[str, ItemKind] = {"3": "material"}
EXPRESSION = "3"
SUBTOTALS = {"1": "subtotal", "2": "total"}
PRICES = "1"
"""The kind of information (~V) that a price list calls itself."""

_CURRENCY = re.compile(r"(?<![A-Z])[A-Z]{3}(?![A-Z])")
_PERCENT = re.compile(r"[%&]")
_VARIABLES = re.compile(r"(?i)(?<![a-z])[abcd](?![a-z])")


def score(source: Source) -> int:
    """100 where the header names the format, 90 for records without one."""
    if source.kind != "bc3":
        return 0
    return 100 if b"FIEBDC-3" in source.data[:1000] else 90


def read(source: Source, confidence: int) -> Bill:
    """Read the tree below its root. Raises `Unreadable` for price lists, and for trees without end."""
    records = load(source.data)
    if not any(concept.line for concept in records.concepts.values()):
        raise Unreadable(
            "unreadable.malformed",
            "The file begins like FIEBDC-3 but holds no concepts (~C records). It was probably cut off: export the "
            "bill again from the program that it comes from.",
        )
    header = (*records.header, *[""] * 7)
    if not records.measured and (header[6] == PRICES or not records.parts):
        raise Unreadable(
            "unreadable.price_list",
            f"This is a price list ({len(records.concepts)} concepts), not a bill: it has no quantities. Bring it in "
            "as a price catalogue, and upload the bill itself here.",
        )
    draft = BillDraft("bc3", confidence)
    draft.variant = f"{header[1].partition(chr(92))[0]} {records.encoding}".strip()
    _Tree(draft, records).read()
    return draft.finish()


class _Tree:
    """The walk from the roots of the tree down to its items."""

    def __init__(self, draft: BillDraft, records: Records) -> None:
        self.draft = draft
        self._records = records
        self._above: list[str] = []
        self._used: set[str] = set()
        self._count = 0
        self._differing = 0

    def read(self) -> None:
        """Read all roots: the concept marked as one, else whatever has parts and is part of nothing."""
        concepts, parts = self._records.concepts, self._records.parts
        for parent, _ in self._records.measured:
            if parent in parts and parent in concepts:
                concepts[parent].is_chapter = True  # what is measured below it makes it one, marked or not
        children = {part.code for each in parts.values() for part in each}
        roots = [concept for concept in concepts.values() if concept.is_root]
        roots = roots or [concepts[code] for code in parts if code in concepts and code not in children]
        self._settle(roots)
        for root in roots:
            self._used.add(root.code)
            if root.is_chapter:
                self._chapter(root, (), "")
            else:
                self.draft.warn(f"Row {root.line}: nothing says how much of {root.code!r} is needed: 1 is assumed.")
                self._item(Part(root.code, "", "", root.line), "", (), "1")
        if len(roots) == 1 and roots[0].is_chapter:
            self.draft.declared_total = self._price(roots[0])
        self._remark()

    def _settle(self, roots: list[Concept]) -> None:
        """Read what holds for the whole bill."""
        settings = (*self._records.settings, "", "", "")
        named = _CURRENCY.search(settings[0]) or _CURRENCY.search(settings[2])
        self.draft.currency = named[0] if named else "EUR"
        if not named:
            self.draft.warn("The file names no currency: EUR is assumed.")
        if roots:
            self.draft.title = roots[0].title or roots[0].code
            self.draft.dated = _day(roots[0].dated)
        self._vat: Decimal | None = None
        for name, stated in zip(("", "overheads", "profit", "reduction", "VAT"), settings[1].split("\\"), strict=False):
            value = parse(stated, ".") if name else None
            if name == "VAT":
                self._vat = value
            elif value:
                self.draft.warn(f"The file asks for {name} of {value:f} % on top, which are not in its total.")

    def _chapter(self, chapter: Concept, path: tuple[str, ...], number: str) -> None:
        """Read what is below a chapter. The root itself is the bill and no section of it."""
        self._above.append(chapter.code)
        parts = self._records.parts.get(chapter.code, [])
        if not parts:
            self.draft.skip("", chapter.line, f"a chapter without items: {chapter.code} {chapter.title}".strip())
        bases: list[tuple[str, Decimal]] = []
        for place, part in enumerate(parts, 1):
            own = f"{number}.{place}" if number else str(place)
            self._count += 1
            if self._count > MOST:
                raise Unreadable(
                    "unreadable.too_large",
                    f"The bill unfolds to more than {MOST:,} items and chapters. Split it by chapters.",
                )
            self._used.add(part.code)
            concept = self._records.concepts.get(part.code)
            if part.code in self._above:
                self.draft.skip("", part.line, f"a chapter inside itself: {part.code}")
            elif concept is not None and concept.is_chapter:
                self._section(concept, part, path, own)
            elif _PERCENT.search(part.code):
                self._percentage(part, path, own, bases)
            else:
                item = self._item(part, chapter.code, path, own)
                bases.append((part.code, line_total(item.quantity, item.unit_price) or Decimal(0)))
        self._above.pop()

    def _section(self, chapter: Concept, part: Part, path: tuple[str, ...], number: str) -> None:
        section = SectionDraft(path=(*path, chapter.code), title=chapter.title, line=chapter.line)
        section.declared_total = line_total(self._rate(part), self._price(chapter))
        if chapter.text:
            section.notes.append(chapter.text)
        self.draft.add_section(section)
        self._chapter(chapter, section.path, number)

    def _item(self, part: Part, parent: str, path: tuple[str, ...], number: str) -> ItemDraft:
        concept = self._records.concepts.get(part.code) or Concept(part.code)
        if not concept.line:
            self.draft.warn(f"Row {part.line}: {part.code!r} is used but nowhere described.")
        item = ItemDraft(
            number=number,
            code=part.code,
            price_system="FIEBDC",
            description=concept.title or concept.text.partition("\n")[0],
            kind=KINDS.get(concept.kind, "work"),
            section=path,
            quantity=self._rate(part),
            unit=concept.unit,
            unit_price=self._price(concept),
            vat_rate=self._vat,
            line=concept.line or part.line,
        )
        if concept.text and concept.text != item.description:
            item.notes.append(concept.text)
        if measured := self._records.measured.get((parent, part.code)):
            self._measure(item, part, measured)
        self._break_down(item)
        self.draft.items.append(item)
        return item

    def _measure(self, item: ItemDraft, part: Part, measured: Measured) -> None:
        """Take the quantity from the measurement: it is what was measured, and the decomposition only repeats it."""
        item.takeoff.extend(_row(row, measured.line) for row in measured.rows)
        total = self._number(measured.total, measured.line, "total of the measurement")
        if total is None:
            values = [row.value for row in item.takeoff if row.kind == "row" and row.value is not None]
            total = sum(values, Decimal(0)) if values else None
        if total is None:
            return
        if item.quantity != total and part.rate:
            self._differing += 1
        item.quantity = total

    def _break_down(self, item: ItemDraft) -> None:
        """Work out what the item's parts come to, percentages of what stands before them included."""
        parts = self._records.parts.get(item.code, [])
        lines: list[str] = []
        amounts: list[tuple[str, Decimal]] = []
        for part in parts:
            self._used.add(part.code)
            concept = self._records.concepts.get(part.code) or Concept(part.code)
            rate, price = self._rate(part), self._price(concept)
            if _PERCENT.search(part.code):
                price = _base(part.code, amounts)
            worth = line_total(rate, price)
            if worth is None:
                self.draft.warn(f"Row {part.line}: {part.code!r} has no price, so {item.code!r} cannot be checked.")
                return
            amounts.append((part.code, worth))
            lines.append(f"{part.code} {concept.title}: {rate} x {price} = {worth}")
        if lines:
            total = sum((worth for _, worth in amounts), Decimal(0))
            item.notes.append("\n".join(["Price breakdown:", *lines, f"Sum: {total}"]))
            item.declared_total = line_total(item.quantity, total)

    def _percentage(self, part: Part, path: tuple[str, ...], number: str, bases: list[tuple[str, Decimal]]) -> None:
        """Read a percentage of what stands before it in its chapter."""
        concept = self._records.concepts.get(part.code) or Concept(part.code)
        rate = self._rate(part)
        base = _base(part.code, bases)
        item = ItemDraft(
            number=number,
            code=part.code,
            price_system="FIEBDC",
            description=concept.title or part.code,
            kind="other",
            section=path,
            quantity=None if rate is None else rate * 100,
            unit="%",
            unit_price=base / 100,
            vat_rate=self._vat,
            line=concept.line or part.line,
        )
        bases.append((part.code, line_total(item.quantity, item.unit_price) or Decimal(0)))
        self.draft.items.append(item)

    def _rate(self, part: Part) -> Decimal | None:
        """How much of a part its whole takes: factor times yield, each 1 where it is left out."""
        factor = self._number(part.factor or "1", part.line, "factor")
        rate = self._number(part.rate or "1", part.line, "yield")
        return None if factor is None or rate is None else factor * rate

    def _price(self, concept: Concept) -> Decimal | None:
        return self._number(concept.price, concept.line, "price")

    def _number(self, stated: str, at: int, what: str) -> Decimal | None:
        return self.draft.number(stated, ("", at, what), ".")

    def _remark(self) -> None:
        """List what was not read, and what does not agree."""
        for concept in self._records.concepts.values():
            if concept.code not in self._used:
                self.draft.skip(
                    "", concept.line, f"a concept that nothing uses: {concept.code} {concept.title}".strip()
                )
        if self._differing:
            self.draft.warn(f"{self._differing} measurements differ from their decompositions: the measurements count.")
        if self._records.unread:
            names = ", ".join(f"~{letter} ({count})" for letter, count in sorted(self._records.unread.items()))
            self.draft.warn(f"Records that were not read: {names}.")
        if not self._records.complete:
            self.draft.warn("The file breaks off within its last record.")


def _base(code: str, amounts: list[tuple[str, Decimal]]) -> Decimal:
    """Add up what a percentage is of: all before it, or those whose codes begin like its own before the sign."""
    mask = _PERCENT.split(code, maxsplit=1)[0]
    return sum((worth for other, worth in amounts if other.startswith(mask)), Decimal(0))


def _row(row: tuple[str, ...], at: int) -> TakeoffLine:
    """Turn a row of a measurement into a take-off line: its comment quoted, its factors multiplied."""
    kind, comment, *sizes = row
    if kind in SUBTOTALS:
        return TakeoffLine(expression=comment or "Subtotal", kind="total" if kind == "2" else "subtotal", line=at)
    quoted = comment.replace('"', "'")
    if kind == EXPRESSION:
        values = dict(zip("abcd", sizes, strict=False))
        written = _VARIABLES.sub(lambda found: f"({values[found[0].lower()] or 0})", comment)
    else:
        written = "*".join(size for size in sizes if size)
        quoted = f'"{quoted}" ' if quoted else ""
        written = f"{quoted}{written}"
    return TakeoffLine(expression=written, value=evaluate(written), line=at)


def _day(stated: str) -> date | None:
    """Read a date as DDMMYY or DDMMYYYY."""
    if not stated.isdecimal() or len(stated) not in {6, 8}:
        return None
    year = int(stated[4:])
    century = 0 if year > 99 else 1900 if year >= 80 else 2000  # noqa: PLR2004 - the format began in the eighties
    try:
        return date(century + year, int(stated[2:4]), int(stated[:2]))
    except ValueError:
        return None
