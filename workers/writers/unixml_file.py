"""uniXML 1.2 (unixml.cz), which Czech estimating programs import.

The format keeps what a code means once per object, knows works and materials only, and no item that stays out of
sums. What it cannot say is told in the notes of what is written.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement

from domain.bill import Bill, BillItem, Rounding
from domain.position import line_total
from workers.writers.statement import Node, Statement, Unwritable, Written, tree_of
from workers.writers.xml_text import add, xml_bytes

Meanings = dict[tuple[str, str], tuple[str, ...]]
"""What each kind and code means in one object: description, unit, price system, hours, mass, debris."""

RATES = {"ZAKLADNI": Decimal(21), "SNIZENA": Decimal(12)}
COVER = 5
"""Amounts that a cover sheet has room for besides the items."""
TAKEOFF = {"row": "VYRAZ", "subtotal": "MEZISOUCET", "total": "SOUCET"}


def write(statement: Statement) -> Written:
    """Write the bill. Raises `Unwritable` where its lines round in several ways, which the format has no place for."""
    _check_rounding(statement.bill)
    notes: Counter[str] = Counter()
    root = Element("unixml", {"format": "unixml_cz", "verze": "1.2"})
    add(root, "typ_souboru", "SOUPIS_PRACI")
    add(root, "rozsah_exportu", "CELA_STAVBA")
    add(root, "zdroj", "Plumbline")
    _Building(statement, notes).write(SubElement(root, "stavba"))
    return Written(
        b"\xef\xbb\xbf" + xml_bytes(root), tuple(f"{what}: {count}." for what, count in sorted(notes.items()))
    )


def _check_rounding(bill: Bill) -> None:
    wrong = [
        item
        for item in bill.items
        if item.role == "base" and line_total(item.quantity, item.unit_price, bill.rounding) != item.declared_total
    ]
    if wrong:
        raise Unwritable(
            "export.mixed_rounding",
            f"{len(wrong)} lines are rounded otherwise than the bill, and uniXML has one rounding for all. Recalculate "
            "the budget to one rounding first, or take XLSX, CSV or JSON.",
        )


class _Building:
    """The one `stavba` of the file."""

    def __init__(self, statement: Statement, notes: Counter[str]) -> None:
        self._statement = statement
        self._bill = statement.bill
        self._notes = notes
        self._rates = self._settle_rates()

    def write(self, element: Element) -> None:
        """Write settings, cover and objects."""
        bill = self._bill
        add(element, "kod_stavby", "")
        add(element, "nazev_stavby", bill.title)
        add(element, "verejna_zakazka", "NE")
        add(element, "datum", self._statement.asked_at.strftime("%d.%m.%Y"))
        settings = SubElement(element, "nastaveni")
        add(settings, "prenaset_dph", "NE")
        rates = SubElement(settings, "sazby_dph")
        add(rates, "snizena_dph", _number(self._rates["SNIZENA"]))
        add(rates, "zakladni_dph", _number(self._rates["ZAKLADNI"]))
        _rounding(SubElement(settings, "zaokrouhleni_rozpocet"), bill.rounding)
        add(SubElement(settings, "mena"), "mena_rozpocet", bill.currency)
        self._cover(SubElement(element, "kryci_list"))
        objects = SubElement(element, "objekty")
        root = tree_of(bill)
        if root.items:
            self._notes["items without a section, put into an object of their own"] += len(root.items)
            self._object(objects, Node(root.section, items=root.items), "1", bill.title)
        for code, node in root.below.items():
            self._object(objects, node, code, node.section.title)

    def _settle_rates(self) -> dict[str, Decimal]:
        """Name the two VAT rates that the bill's items have, the higher one as the basic rate."""
        found = sorted({item.vat_rate for item in self._bill.items if item.vat_rate}, reverse=True)
        usual = [rate for rate in RATES.values() if rate not in found]
        if len(found) == 1 and found[0] == RATES["SNIZENA"]:
            found, usual = [RATES["ZAKLADNI"], *found], []
        return dict(zip(RATES, [*found, *usual], strict=False))

    def _cover(self, element: Element) -> None:
        surcharges = [(each.label, each.amount) for each in self._bill.surcharges]
        if len(surcharges) > COVER:
            rest = surcharges[COVER - 1 :]
            labels, total = ", ".join(label for label, _ in rest), sum((amount for _, amount in rest), Decimal(0))
            surcharges = [*surcharges[: COVER - 1], (labels, total)]
            self._notes["amounts besides the items, added up in the last one of the cover"] += len(rest)
        for place, (label, amount) in enumerate(surcharges, 1):
            part = SubElement(element, f"vrn_{place}")
            add(part, "nazev", label)
            add(part, "naklad", _number(amount))
            add(part, "typ_sazby_dph", "ZAKLADNI")

    def _object(self, objects: Element, node: Node, code: str, title: str) -> None:
        element = SubElement(objects, "objekt")
        add(element, "kod_objektu", code)
        add(element, "nazev_objektu", title)
        add(element, "poznamka", "\n".join(node.section.notes))
        codes, meanings = self._codes(index for each in node.walk() for index in each.items)
        sources = SubElement(element, "zdroje")
        self._section_names(SubElement(sources, "zdroje_dily"), node)
        for group, name, kind in (
            ("zdroje_konstrukce", "zdroj_konstrukce", "K"),
            ("zdroje_materialy", "zdroj_material", "M"),
        ):
            _meanings(SubElement(sources, group), name, kind, meanings)
        self._part(element, node, codes)

    def _section_names(self, element: Element, node: Node) -> None:
        names: dict[str, str] = {}
        for each in node.walk():
            if each is node:
                continue
            code, title = each.section.path[-1], each.section.title
            if names.setdefault(code, title) != title:
                self._notes["sections whose title another one of their code has in the file"] += 1
        for code, title in names.items():
            source = SubElement(element, "zdroj_dil")
            add(source, "kod_dilu", code)
            add(source, "nazev_dilu", title)

    def _codes(self, indices: Iterable[int]) -> tuple[dict[int, str], Meanings]:
        """Give each item of an object a code with one meaning: its own, or one with a count where that means more."""
        codes: dict[int, str] = {}
        meanings: Meanings = {}
        taken: Counter[tuple[str, str]] = Counter()
        known: dict[tuple[str, str, tuple[str, ...]], str] = {}
        for index in indices:
            item = self._bill.items[index]
            kind, own, meaning = _kind(item), item.code or "P", _meaning(item)
            if (kind, own, meaning) not in known:
                code = own if item.code else f"{own}{taken[kind, own] + 1}"
                while (kind, code) in meanings:
                    taken[kind, own] += 1
                    code = f"{own} ({taken[kind, own] + 1})" if item.code else f"{own}{taken[kind, own] + 1}"
                if code != item.code:
                    self._notes["codes that were empty or meant several things, and were counted"] += 1
                meanings[kind, code] = meaning
                known[kind, own, meaning] = code
            codes[index] = known[kind, own, meaning]
        return codes, meanings

    def _part(self, element: Element, node: Node, codes: Mapping[int, str]) -> None:
        parts = SubElement(element, "dily")
        for code, below in node.below.items():
            part = SubElement(parts, "dil")
            add(part, "kod_dilu", code)
            if below.section.notes:
                self._notes["notes of sections, for which there is no place"] += len(below.section.notes)
            self._part(part, below, codes)
        items = SubElement(element, "polozky")
        for index in node.items:
            self._item(SubElement(items, "polozka"), self._bill.items[index], codes[index])

    def _item(self, element: Element, item: BillItem, code: str) -> None:
        notes, price = list(item.notes), item.unit_price
        if item.role != "base":
            self._notes["items outside of sums, written without their price"] += 1
            notes.append(f"{item.role} item, unit price {'none' if price is None else f'{price:f}'}")
            price = None
        if item.kind == "other":
            self._notes["items that are neither work nor material, written as work"] += 1
        add(element, "typ_vety", _kind(item))
        add(element, "kod_polozky", code)
        add(element, "cislo_polozky", item.number)
        add(element, "mnozstvi", _number(item.quantity))
        if item.takeoff:
            _takeoff(SubElement(element, "vykaz_vymer"), item)
        add(element, "jednotkova_cena", _number(price))
        if (rate := self._rate(item)) is not None:
            add(element, "typ_sazby_dph", rate)
        add(element, "poznamka_polozky", "\n".join(notes))
        add(element, "uzivatelske_zarazeni", item.category)

    def _rate(self, item: BillItem) -> str | None:
        if item.vat_rate is None:
            return None
        if not item.vat_rate:
            return "NULOVA"
        named = {rate: name for name, rate in self._rates.items()}
        if item.vat_rate not in named:
            self._notes["items of a third VAT rate, written without it"] += 1
        return named.get(item.vat_rate)


def _takeoff(element: Element, item: BillItem) -> None:
    add(element, "soucet_radku", "NE")
    rows = SubElement(element, "radky_vykazu_vymer")
    for line in item.takeoff:
        row = SubElement(rows, "radek_vykazu_vymer")
        add(row, "typ_radku", TAKEOFF[line.kind])
        add(row, "vyraz", line.expression)


def _kind(item: BillItem) -> str:
    return "M" if item.kind == "material" else "K"


def _meaning(item: BillItem) -> tuple[str, ...]:
    measures = (item.unit_mass, item.unit_debris, item.unit_hours)
    return (item.description, item.unit, *map(_number, measures), item.price_system)


def _meanings(element: Element, name: str, kind: str, meanings: Meanings) -> None:
    for (own, code), (description, unit, mass, debris, hours, price_system) in meanings.items():
        if own == kind:
            source = SubElement(element, name)
            add(source, "kod_polozky", code)
            add(source, "zkraceny_popis_polozky", description)
            add(source, "plny_popis_polozky", "")
            add(source, "merna_jednotka", unit)
            add(source, "jednotkova_hmotnost", mass)
            add(source, "jednotkova_sut", debris)
            add(source, "jednotkove_normohodiny", hours)
            add(source, "cenova_soustava", price_system)


def _rounding(element: Element, rounding: Rounding) -> None:
    steps = {"jednotkova_cena": rounding.unit_price, "mnozstvi": rounding.quantity, "celkova_cena": rounding.total}
    for name, decimals in steps.items():
        if decimals is not None:
            add(element, name, _number(Decimal(1).scaleb(-decimals)))


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}".replace(".", ",")
