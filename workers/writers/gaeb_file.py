"""GAEB DA XML 3.3 (2021-05), valid against the format's schemas: phases X84 and X82.

An X84 is the answer to a request for bids: prices by ordinal number, without texts, units and titles, which are in the
request. An X82 is a priced estimate with all of them. What either must be is stated in `tests/workers/gaeb_schema`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from domain.bill import Bill, BillItem
from domain.position import EXACT, rounded
from workers.writers.gaeb_layout import Category, Layout, Line, layout_of
from workers.writers.gaeb_measures import Measure, is_markup, measures_of, text_of
from workers.writers.statement import Path, Statement, Written
from workers.writers.xml_text import add, xml_bytes

Phase = Literal["82", "84"]

NAMESPACE = "http://www.gaeb.de/GAEB_DA_XML/DA{phase}/3.3"
PROJECT_NAME, PROJECT_TITLE, BILL_NAME, BILL_TITLE, UNIT, CODE, CURRENCY = 60, 100, 20, 60, 4, 40, 4
"""How many characters these texts may have."""

NO_CATEGORY_TOTAL = Decimal(0)


def write_x84(statement: Statement) -> Written:
    """Write the bill as a bid. Raises `Unwritable` where its numbers do not fit."""
    return _write(statement, "84")


def write_x82(statement: Statement) -> Written:
    """Write the bill as a cost estimate. Raises `Unwritable` where its numbers do not fit."""
    return _write(statement, "82")


def _write(statement: Statement, phase: Phase) -> Written:
    notes: Counter[str] = Counter()
    bill = statement.bill
    document = _Document(bill, measures_of(bill, notes, markups=phase == "84"), notes, phase)
    root = Element("GAEB", {"xmlns": NAMESPACE.format(phase=phase)})
    info = SubElement(root, "GAEBInfo")
    _all(
        info,
        {
            "Version": "3.3",
            "VersDate": "2021-05",
            "Date": f"{statement.asked_at:%Y-%m-%d}",
            "Time": f"{statement.asked_at:%H:%M:%S}",
            "ProgSystem": "Plumbline",
            "ProgName": "Plumbline",
        },
    )
    project = SubElement(root, "PrjInfo")
    add(project, "NamePrj", document.short(statement.project, PROJECT_NAME))
    add(project, "LblPrj", document.short(bill.title or statement.project, PROJECT_TITLE))
    award = SubElement(root, "Award")
    add(award, "DP", phase)
    add(SubElement(award, "AwardInfo"), "Cur", document.short(bill.currency, CURRENCY))
    if phase == "84":
        bidder = SubElement(SubElement(award, "CTR"), "Address")
        _all(bidder, dict.fromkeys(("Name1", "Street", "PCode", "City"), ""))
        notes["name and address of the bidder, for the bidder to fill in"] += 1
    document.write(SubElement(award, "BoQ", {"ID": "B1"}), layout_of(bill, notes))
    return Written(xml_bytes(root), tuple(f"{what}: {count}." for what, count in sorted(notes.items()) if count))


class _Document:
    """The bill of the document, and what is noted while it is written."""

    def __init__(self, bill: Bill, measures: Sequence[Measure], notes: Counter[str], phase: Phase) -> None:
        self._bill = bill
        self._measures = measures
        self._notes = notes
        self._full = phase == "82"
        self._ids = 0

    def short(self, text: str, most: int) -> str:
        """Cut a text to so many characters."""
        self._notes[f"texts cut to {most} characters"] += len(text) > most
        return text[:most]

    def write(self, element: Element, layout: Layout) -> None:
        """Write the head, the totals and the body."""
        self._note_what_is_not_held()
        info = SubElement(element, "BoQInfo")
        title = self._bill.title or "1"
        add(info, "Name", title[:BILL_NAME])
        if self._full:
            add(info, "LblBoQ", self.short(title, BILL_TITLE))
            add(info, "OutlCompl", "AllTxt")
        for level in layout.levels:
            part = SubElement(info, "BoQBkdn")
            _all(part, {"Type": level.kind, "Length": str(level.length), "Num": "Yes" if level.is_number else "No"})
        self._totals(info, layout.root.node.total)
        self._body(SubElement(element, "BoQBody"), layout.root, ())

    def _totals(self, info: Element, items: Decimal | None) -> None:
        """Write what the bill comes to. What is added to the items is a discount, below zero where it is none."""
        added = [surcharge.amount for surcharge in self._bill.surcharges]
        if items is None and not added and all(measure.unit_price is None for measure in self._measures):
            return
        totals = SubElement(info, "Totals")
        total = items or Decimal(0)
        discount = -reduce(EXACT.add, added, Decimal(0))
        add(totals, "Total", text_of(total))
        if added:
            self._notes["amounts besides the items, as one discount (below zero: what is added)"] += len(added)
            add(totals, "DiscountAmt", text_of(discount))
            add(totals, "TotAfterDisc", text_of(EXACT.subtract(total, discount)))
        add(totals, "TotalNet", text_of(EXACT.subtract(total, discount)))

    def _body(self, body: Element, category: Category, path: Path) -> None:
        for remark in category.remarks:
            self._remark(body, remark)
        for below in category.below:
            self._category(body, below, (*path, below.number))
        if category.entries:
            items = SubElement(body, "Itemlist")
            for entry in category.entries:
                if isinstance(entry, Line):
                    self._item(items, entry, path)
                else:
                    self._remark(items, entry)

    def _category(self, body: Element, category: Category, path: Path) -> None:
        element = SubElement(body, "BoQCtgy", {"ID": self._id("C"), "RNoPart": category.number})
        node = category.node
        if self._full:
            code = node.section.path[-1:]
            title = node.section.title if code in {(), (category.number,)} else f"{code[0]} {node.section.title}"
            _rich(SubElement(element, "LblTx"), title.strip())
        self._body(SubElement(element, "BoQBody"), category, path)
        if node.total is not None or not self._full:
            add(SubElement(element, "Totals"), "Total", text_of(node.total or NO_CATEGORY_TOTAL))

    def _remark(self, parent: Element, text: str) -> None:
        if not self._full:
            return
        complete = SubElement(
            SubElement(SubElement(parent, "Remark", {"ID": self._id("R")}), "Description"), "CompleteText"
        )
        _rich(SubElement(SubElement(complete, "DetailTxt"), "Text"), text)

    def _item(self, parent: Element, line: Line, path: Path) -> None:
        item, measure = self._bill.items[line.item], self._measures[line.item]
        part, _, index = line.number.partition(".")
        as_markup = not self._full and is_markup(item)
        element = SubElement(parent, "MarkupItem" if as_markup else "Item", {"ID": self._id("I"), "RNoPart": part})
        if index:
            element.set("RNoIndex", index)
        if as_markup:
            base = None if measure.unit_price is None else EXACT.multiply(measure.unit_price, Decimal(100))
            for name, value in (("ITMarkup", base), ("Markup", measure.quantity), ("IT", measure.total)):
                _number(element, name, value, 2)
            return
        if self._full and line.group is not None:
            _all(element, {"ALNGroupNo": str(line.group.number), "ALNSerNo": str(line.group.serial)})
        elif self._full and item.role != "base":
            add(element, "Provis", "WithoutTotal")
        _number(element, "Qty", measure.quantity, 3)
        if self._full and item.unit:
            add(element, "QU", item.unit[:UNIT])
        _number(element, "UP", measure.unit_price, 2)
        _number(element, "IT", measure.total, 2)
        _number(element, "VAT", measure.vat_rate, 2)
        if self._full:
            self._description(element, item, ".".join((*path, line.number)))

    def _description(self, element: Element, item: BillItem, ordinal: str) -> None:
        """Write code and texts. Text that has no place of its own stands with the long text."""
        description = SubElement(element, "Description")
        if item.code and item.code != ordinal:
            add(description, "WICNo", self.short(item.code, CODE))
        complete = SubElement(description, "CompleteText")
        details = SubElement(complete, "DetailTxt")
        notes = list(item.notes)
        if len(item.unit) > UNIT:
            self._notes[f"units cut to {UNIT} characters, whole in the long text"] += 1
            notes.append(f"Unit: {item.unit}")
        if notes:
            _rich(SubElement(details, "Text"), "\n".join(notes))
        if item.description:
            outline = SubElement(SubElement(complete, "OutlineText"), "OutlTxt")
            _rich(SubElement(outline, "TextOutlTxt"), item.description)

    def _note_what_is_not_held(self) -> None:
        """Count what neither phase has a place for, and what an X84 leaves to the request."""
        items, sections = self._bill.items, self._bill.sections
        lost = {
            "items that are no work, which the format does not tell": sum(item.kind != "work" for item in items),
            "categories of items": sum(bool(item.category) for item in items),
            "prices of material and assembly beside the unit price": sum(
                item.material_price is not None or item.assembly_price is not None for item in items
            ),
            "hours, masses and debris of items": sum(
                any(each is not None for each in (item.unit_hours, item.unit_mass, item.unit_debris)) for item in items
            ),
            "rows of quantity take-off": sum(len(item.takeoff) for item in items),
            "codes without the name of their price list": sum(i.price_system not in {"", "GAEB"} for i in items),
        }
        if not self._full:
            lost |= {
                "items whose text and unit are in the request": sum(bool(i.description or i.unit) for i in items),
                "items whose code and notes a bid does not hold": sum(
                    bool(i.notes) or i.code not in {"", i.number} for i in items
                ),
                "sections whose titles and remarks are in the request": sum(bool(s.title or s.notes) for s in sections),
                "items outside sums, with a unit price and no total": sum(item.role != "base" for item in items),
            }
        self._notes.update(lost)

    def _id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}{self._ids}"


def _all(parent: Element, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        add(parent, name, text)


def _number(parent: Element, name: str, value: Decimal | None, decimals: int) -> None:
    """Write a number with at least so many decimals."""
    if value is not None:
        padded = rounded(value, decimals)
        add(parent, name, f"{padded if padded == value else value:f}")


def _rich(element: Element, text: str) -> None:
    """Write lines as paragraphs."""
    for line in text.split("\n"):
        add(SubElement(element, "p"), "span", line)
