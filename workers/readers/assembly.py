"""Puts the rows of a plain table together: items under headings, notes and takeoff under items, sums in place."""

from decimal import Decimal
from itertools import accumulate, pairwise

from domain.bill import TakeoffLine
from domain.position import line_total
from workers.readers.cells import label
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft
from workers.readers.outline import Outline
from workers.readers.sums import Sums
from workers.readers.table import Line, Table
from workers.readers.vocabulary import FOLIO

LONG = 60
"""Text of more characters than this explains something; a heading is shorter."""

_NONE = Decimal(0)
MANY = 0.8
SEVERAL = 0.33


class Assembly:
    """One table on its way into the bill."""

    def __init__(self, draft: BillDraft, sheet: str, table: Table) -> None:
        """Look over all rows first: what a lone text means depends on how the table is made."""
        self._draft = draft
        self._sheet = sheet
        title = table.title()
        self._lines = list(table.lines())
        if title and _tables_are_titled(self._lines):
            self._lines.insert(0, title)
        _join_rows(self._lines)
        _find_lump_sums(self._lines)
        _find_headings(self._lines)
        self._last_item = max((line.line for line in self._lines if line.kind == "item"), default=0)
        self._numbered_headings = any(line.kind == "text" and line.name for line in self._lines)
        self._texts_are_notes = _texts_are_notes(self._lines)
        texts = [line.title.isupper() for line in self._lines if line.kind == "text"]
        self._capitals_are_rare = 2 * sum(texts) < len(texts)
        self._outline = Outline((sheet,) if sheet else ())
        self._sums = Sums(draft, sheet)
        self._headings: list[tuple[SectionDraft, Line]] = []
        self._items: list[ItemDraft] = []
        self._item: ItemDraft | None = None

    def run(self) -> tuple[Decimal | None, Decimal | None]:
        """Add everything to the bill; return the table's declared totals without and with VAT."""
        root = SectionDraft(path=self._outline.root, title=self._sheet, kind="object", sheet=self._sheet)
        if self._sheet:
            self._outline.root = self._draft.add_section(root).path
        for line in self._lines:
            self._read(line)
        self._turn_lone_headings_into_items()
        self._draft.items.extend(sorted(self._items, key=lambda item: item.line))
        self._sums.totals()
        root.declared_total = self._sums.net
        return self._sums.net, self._sums.gross

    def _read(self, line: Line) -> None:
        match line.kind:
            case "item":
                self._read_item(line)
            case "takeoff":
                self._read_takeoff(line)
            case "text":
                self._read_text(line)
            case "sum" if line.line > self._last_item:
                self._sums.after(line, self._outline.current)
            case "sum":
                ended = self._sums.ends(line, self._outline.current)
                self._sums.inside(line, self._outline.current)
                if ended:
                    self._outline.close()
                    self._item = None
            case "header":
                self._draft.skip(self._sheet, line.line, "the headings again, or the numbers of the columns")
            case "empty":
                if line.stray:
                    self._draft.skip(self._sheet, line.line, f"text outside the table's columns: {line.stray[:60]}")

    def _read_item(self, line: Line) -> None:
        section = self._outline.home(line.number)
        unit_price = line.unit_price
        if unit_price is None and (line.material_price is not None or line.assembly_price is not None):
            unit_price = (line.material_price or Decimal(0)) + (line.assembly_price or Decimal(0))
        self._item = self._draft_item(line, section.path if section else self._outline.root)
        self._item.unit_price = unit_price
        self._items.append(self._item)
        if line.optional:
            self._item.role = "optional"
            return
        total = line.total if line.total is not None else line_total(line.quantity, unit_price)
        self._sums.add(self._item.section, total)

    def _draft_item(self, line: Line, path: tuple[str, ...]) -> ItemDraft:
        return ItemDraft(
            number=line.number,
            code=line.code,
            price_system=line.price_system,
            description=line.description,
            category=line.category,
            section=path,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            material_price=line.material_price,
            assembly_price=line.assembly_price,
            declared_total=line.total,
            vat_rate=line.vat,
            notes=[line.note] if line.note else [],
            sheet=self._sheet,
            line=line.line,
        )

    def _read_takeoff(self, line: Line) -> None:
        if self._item is None:
            self._draft.skip(self._sheet, line.line, f"a quantity that belongs to no item: {line.title}")
        else:
            self._item.takeoff.append(TakeoffLine(expression=line.description, value=line.quantity, line=line.line))

    def _read_text(self, line: Line) -> None:
        """Tell headings, notes and amounts below the items apart."""
        below = line.line > self._last_item
        if FOLIO.fullmatch(line.title) and any(map(str.isalpha, line.title)):
            self._draft.skip(self._sheet, line.line, f"the number of the page: {line.title}")
        elif below and (section := self._summed_up(line)):
            self._draft.skip(self._sheet, line.line, f"the sum of a section again: {section.title}")
        elif below and line.total and not line.name:
            self._sums.surcharge(line, line.total)
        elif line.total is not None or (line.name and not below):
            self._open_section(line)
        elif below and self._texts_are_notes and self._item and not line.name:
            self._item.notes.append(line.title)
        elif below:
            self._draft.skip(self._sheet, line.line, f"text below the last item: {line.title[:60]}")
        elif (
            self._numbered_headings
            or len(line.title) > 2 * LONG
            or (self._texts_are_notes and self._item and not self._stands_out(line))
        ):
            self._read_note(line)
        else:
            self._open_section(line)

    def _summed_up(self, line: Line) -> SectionDraft | None:
        """Find the section whose title and sum a row below the items repeats, as recapitulations do."""
        return next(
            (
                section
                for section, _ in self._headings
                if label(section.title) == label(line.title) and line.total and self._sums.of(section) == line.total
            ),
            None,
        )

    def _stands_out(self, line: Line) -> bool:
        """Whether a text stands out by its place or its capitals, as headings among notes do."""
        return line.outdented or (self._capitals_are_rare and line.title.isupper() and len(line.title) <= LONG)

    def _read_note(self, line: Line) -> None:
        if self._item is not None:
            self._item.notes.append(line.title)
        elif self._outline.current is not None:
            self._outline.current.notes.append(line.title)
        else:
            self._draft.skip(self._sheet, line.line, f"text above the first item: {line.title[:60]}")

    def _open_section(self, line: Line) -> None:
        path = self._outline.place(line.name, line.title)
        section = SectionDraft(
            path=path, title=line.title, declared_total=line.total, sheet=self._sheet, line=line.line
        )
        if line.note:
            section.notes.append(line.note)
        self._outline.open(self._draft.add_section(section), line.name)
        self._headings.append((section, line))
        self._item = None

    def _turn_lone_headings_into_items(self) -> None:
        """Make items of headings that have an amount but nothing below them: lump sums without unit and quantity."""
        inhabited = {item.section[:depth] for item in self._items for depth in range(len(item.section) + 1)}
        inhabited.update(section.path[:-1] for section, _ in self._headings)
        lone = [(section, line) for section, line in self._headings if line.total and section.path not in inhabited]
        gone = {id(section) for section, _ in lone}
        self._draft.sections = [section for section in self._draft.sections if id(section) not in gone]
        for section, line in lone:
            item = self._draft_item(line, section.path[:-1])
            item.notes = section.notes
            self._items.append(item)


def _tables_are_titled(lines: list[Line]) -> bool:
    """Whether the headings stand again below texts that head what follows them: a title, the headings, the items."""
    filled = [line for line in lines if line.kind != "empty"]
    return any(
        line.kind == "text" and not FOLIO.fullmatch(line.title) and following.kind == "header"
        for line, following in pairwise(filled)
    )


def _join_rows(lines: list[Line]) -> None:
    """Put items together whose numbers stand below their names: "1.1 Beton", perhaps a text, then quantity and price.

    The named row gives its number and description to the one with the quantity, and what is between becomes its notes.
    """
    items = [line for line in lines if line.kind == "item"]
    if 2 * sum(1 for line in items if not line.title) <= len(items):
        return
    head: int | None = None
    for at, line in enumerate(lines):
        if line.kind == "text" and line.name and line.total is None:
            head = at
        elif line.kind == "item" and not line.title and head is not None:
            named = lines[head]
            line.number, line.code, line.description = named.number, named.code, named.description
            lines[head : at + 1] = [line, *(Line(line=named.line), *lines[head + 1 : at])]
            head = None
        elif line.kind not in {"text", "empty"}:
            head = None


def _find_lump_sums(lines: list[Line]) -> None:
    """Take texts with an amount for items where their number continues that of the items around: 2, 3, 4.

    A heading whose amount is the sum of what follows it stays one, however it is numbered.
    """
    rows = [line for line in lines if line.kind in {"item", "text", "sum"}]
    sum_below = Decimal(0)
    for at in range(len(rows) - 1, -1, -1):
        line = rows[at]
        around = rows[max(at - 1, 0) : at + 2]
        if line.kind == "item":
            sum_below += _worth(line)
            continue
        if (
            line.total
            and line.total != sum_below
            and _consecutive(around)
            and {around[0].kind, around[2].kind} == {"item"}
        ):
            line.kind = "item"
        sum_below = Decimal(0)


def _find_headings(lines: list[Line]) -> None:
    """Tell items without a unit that are none: headings and sums whose amount is that of the items between them.

    Formulas that fill all columns, and programs such as Presto, give these rows a quantity of 0 or 1. One that comes to
    a single item may be a lump sum of the same amount, unless others are headings beyond doubt.
    """
    bare = [at for at, line in enumerate(lines) if _is_bare(line)]
    if not bare:
        return
    items = [line.kind == "item" and bool(line.unit) for line in lines]
    count = [*accumulate(items, initial=0)]
    above = [
        *accumulate((_worth(line) if item else _NONE for line, item in zip(lines, items, strict=True)), initial=_NONE)
    ]
    bounds = {0, len(lines), *bare, *(at for at, line in enumerate(lines) if line.kind == "text" and line.total)}
    most = {above[at]: count[at] for at in sorted(bounds)}
    fewest = {above[at]: count[at] for at in sorted(bounds, reverse=True)}
    heads = {at: most.get(above[at] + _worth(lines[at]), 0) - count[at] for at in bare}
    sums = {at: count[at] - fewest.get(above[at] - _worth(lines[at]), count[at]) for at in bare}
    if max(*heads.values(), *sums.values()) > 1:
        for at in bare:
            lines[at].total = _worth(lines[at])
            lines[at].kind = "text" if heads[at] > 0 else "sum" if sums[at] > 0 else "item"


def _is_bare(line: Line) -> bool:
    return line.kind == "item" and not line.unit and line.quantity in {None, 0, 1} and bool(_worth(line))


def _worth(line: Line) -> Decimal:
    alone = line.unit_price if line.quantity is None else None
    return line.total or line_total(line.quantity, line.unit_price) or alone or _NONE


def _consecutive(lines: list[Line]) -> bool:
    """Whether three lines are numbered one after the other."""
    numbers = [int(line.number) for line in lines if line.number.isascii() and line.number.isdecimal()]
    return len(numbers) == 3 and numbers == list(range(numbers[0], numbers[0] + 3))  # noqa: PLR2004 - three lines


def _texts_are_notes(lines: list[Line]) -> bool:
    """Whether texts without anything else, right below items, explain those items rather than head the next ones.

    They do if most items have one, or if many have one and these texts are long or go on in lower case.
    """
    items = sum(1 for line in lines if line.kind == "item")
    below = [
        line.title
        for previous, line in pairwise(lines)
        if line.kind == "text" and previous.kind == "item" and not line.name and line.total is None
    ]
    explaining = sum(1 for title in below if len(title) > LONG or not title[0].isupper())
    return len(below) >= MANY * items > 0 or (len(below) >= SEVERAL * items and 2 * explaining > len(below))
