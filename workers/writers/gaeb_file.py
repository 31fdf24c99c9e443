"""GAEB DA XML 3.3, phase X84: a bid with its texts, which German programs import.

Ordinal numbers are kept where they are ones, and counted where they are not. Line totals have two decimals: that is
what the format's programs compute.
"""

import re
from collections import Counter
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement

from domain.bill import Bill, BillItem
from domain.position import line_total
from workers.writers.statement import Node, Path, Statement, Unwritable, Written, amount_of, tree_of
from workers.writers.xml_text import add, xml_bytes

NAMESPACE = "http://www.gaeb.de/GAEB_DA_XML/DA84/3.3"
PART = re.compile(r"[0-9A-Za-z]{1,14}")
"""What a part of an ordinal number may be."""
CENTS = 2


def write(statement: Statement) -> Written:
    """Write the bill. Raises `Unwritable` where its line totals are not those of two decimals."""
    _check_totals(statement.bill)
    notes: Counter[str] = Counter()
    root = Element("GAEB", {"xmlns": NAMESPACE})
    info = SubElement(root, "GAEBInfo")
    for name, text in {
        "Version": "3.3",
        "VersDate": "2021-05",
        "Date": f"{statement.asked_at:%Y-%m-%d}",
        "Time": f"{statement.asked_at:%H:%M:%S}",
        "ProgSystem": "Plumbline",
        "ProgName": "Plumbline",
    }.items():
        add(info, name, text)
    project = SubElement(root, "PrjInfo")
    add(project, "NamePrj", statement.project[:60])
    add(project, "LblPrj", statement.bill.title or statement.project)
    award = SubElement(root, "Award")
    add(award, "DP", "84")
    add(SubElement(award, "AwardInfo"), "Cur", statement.bill.currency)
    _Boq(statement.bill, notes).write(SubElement(award, "BoQ", {"ID": "B1"}))
    return Written(xml_bytes(root), tuple(f"{what}: {count}." for what, count in sorted(notes.items())))


def _check_totals(bill: Bill) -> None:
    wrong = [
        item
        for item in bill.items
        if item.role == "base" and line_total(item.quantity, item.unit_price, CENTS) != item.declared_total
    ]
    if wrong:
        raise Unwritable(
            "export.not_in_cents",
            f"{len(wrong)} line totals are not quantity times price to two decimals, which is how GAEB counts. "
            "Recalculate the budget with two decimals first, or take XLSX, CSV or JSON.",
        )


class _Boq:
    """The bill of the document."""

    def __init__(self, bill: Bill, notes: Counter[str]) -> None:
        self._bill = bill
        self._notes = notes
        self._group = 0
        self._ids = 0

    def write(self, element: Element) -> None:
        """Write the head, the totals and the body."""
        root = tree_of(self._bill)
        info = SubElement(element, "BoQInfo")
        add(info, "Name", "1")
        _rich(SubElement(info, "LblBoQ"), self._bill.title or "1")
        depth = max((len(item.section) for item in self._bill.items), default=0)
        for kind, length in (*(("BoQLevel", 14),) * depth, ("Item", 14)):
            level = SubElement(info, "BoQBkdn")
            add(level, "Type", kind)
            add(level, "Length", str(length))
            add(level, "Num", "No")
        total = amount_of(self._bill)
        if total is not None:
            totals = SubElement(info, "Totals")
            items = root.total or Decimal(0)
            add(totals, "Total", f"{items:f}")
            if self._bill.surcharges:
                add(totals, "TotAfterDisc", f"{total:f}")
                self._notes["amounts besides the items, as one difference to the total"] += len(self._bill.surcharges)
            add(totals, "TotalNet", f"{total:f}")
        self._body(SubElement(element, "BoQBody"), root, ())

    def _body(self, body: Element, node: Node, number: Path) -> None:
        """Write a body: remarks, items, categories."""
        for note in node.section.notes:
            remark = SubElement(body, "Remark", {"ID": self._id("R")})
            _text(SubElement(remark, "Description"), "", note)
        if node.items:
            self._items(SubElement(body, "Itemlist"), node, number)
        taken: set[str] = set()
        for place, (code, below) in enumerate(node.below.items(), 1):
            part = self._part(code, f"{place:02d}", taken, "sections that got a number for their code")
            category = SubElement(body, "BoQCtgy", {"ID": self._id("C"), "RNoPart": part})
            title = below.section.title if part == code else f"{code} {below.section.title}".strip()
            _rich(SubElement(category, "LblTx"), title)
            self._body(SubElement(category, "BoQBody"), below, (*number, part))
            if below.total is not None:
                add(SubElement(category, "Totals"), "Total", f"{below.total:f}")

    def _part(self, wanted: str, counted: str, taken: set[str], what: str) -> str:
        """Take the part of an ordinal number that is wanted, or one that is free."""
        part = wanted
        if not PART.fullmatch(wanted) or wanted in taken:
            self._notes[what] += 1
            part = counted
        free = 0
        while part in taken:
            free += 1
            part = f"{counted}x{free}"
        taken.add(part)
        return part

    def _items(self, element: Element, node: Node, number: Path) -> None:
        taken: set[str] = set()
        groups = self._alternatives(node)
        above = "".join(f"{part}." for part in number)
        for place, index in enumerate(node.items, 1):
            item = self._bill.items[index]
            own = item.number.removeprefix(above)
            part = self._part(own, f"{place * 10:04d}", taken, "items that got an ordinal number for their own one")
            entry = SubElement(element, "Item", {"ID": self._id("I"), "RNoPart": part})
            self._item(entry, item, groups.get(index))

    def _alternatives(self, node: Node) -> dict[int, tuple[int, int]]:
        """Put alternatives behind the base item before them: group and place in it by item. Others stay alone."""
        groups: dict[int, tuple[int, int]] = {}
        base: int | None = None
        for index in node.items:
            item = self._bill.items[index]
            if item.role == "base":
                base = index
            elif item.role == "alternative" and base is not None:
                if base not in groups:
                    self._group += 1
                    groups[base] = (self._group, 0)
                group = groups[base][0]
                groups[index] = (group, 1 + max(place for each, place in groups.values() if each == group))
            elif item.role == "alternative":
                self._notes["alternatives without an item before them, written as optional items"] += 1
        return groups

    def _item(self, element: Element, item: BillItem, group: tuple[int, int] | None) -> None:
        if group is not None:
            add(element, "ALNGroupNo", str(group[0]))
            add(element, "ALNSerNo", str(group[1]))
        elif item.role != "base":
            add(element, "Provis", "WithoutTotal")
        if item.kind != "work":
            self._notes["items that are no work, which the format does not tell"] += 1
        for name, value in (("Qty", item.quantity), ("QU", item.unit), ("UP", item.unit_price)):
            if value is not None and value != "":
                add(element, name, f"{value:f}" if isinstance(value, Decimal) else value)
        if item.quantity is None:
            add(element, "QtyTBD", "Yes")
        total = line_total(item.quantity, item.unit_price, CENTS)
        if total is not None:
            add(element, "IT", f"{total:f}")
        if item.vat_rate is not None:
            add(element, "VAT", f"{item.vat_rate:f}")
        description = SubElement(element, "Description")
        if item.code and item.code != item.number:
            add(description, "StLNo", item.code)
        _text(description, item.description, "\n".join(item.notes))

    def _id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids}"


def _text(description: Element, short: str, long: str) -> None:
    """Write a complete text: details, then the outline."""
    complete = SubElement(description, "CompleteText")
    if long:
        _rich(SubElement(SubElement(complete, "DetailTxt"), "Text"), long)
    if short:
        outline = SubElement(SubElement(complete, "OutlineText"), "OutlTxt")
        _rich(SubElement(outline, "TextOutlTxt"), short)


def _rich(element: Element, text: str) -> None:
    """Write lines as paragraphs."""
    for line in text.split("\n"):
        add(SubElement(element, "p"), "span", line)
