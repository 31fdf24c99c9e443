"""GAEB DA XML, the exchange format of German bills: versions 3.0 to 3.3, phases X80 to X89.

What a document is is in its namespace (`.../DA83/3.2`), where it has one, and in `Award/DP`. A bill is a tree of
categories with lists of items; the numbers of the categories and of the item together make the item's ordinal number.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.bill import Bill, ItemRole, StatedTotal, Surcharge
from domain.position import line_total
from workers.readers.cells import currency_code
from workers.readers.draft import BillDraft, SectionDraft
from workers.readers.gaeb_groups import YES, Member, enter_sums, serial_of
from workers.readers.gaeb_items import Items
from workers.readers.gaeb_text import describe, plain
from workers.readers.source import Source
from workers.readers.tree import Element, amount, child, children, line, local, texts, written
from workers.readers.unreadable import Unreadable

NAMESPACE = re.compile(r"\{.*gaeb\.de/GAEB_DA_XML/(?:DA(?P<phase>\d\d)\w*/)?(?P<version>[\d.]+)\}", re.IGNORECASE)
NET = ("TotalNet", "TotAfterDisc", "TotalLSUM", "Total")
"""What states the net total, the most final first."""

REMARKS = {"Remark", "PerfDescr", "AddText"}
STRUCTURE = {"BoQCtgy", "Itemlist", "BoQBody", "LblTx", "Totals", "ALNBGroupNo", "ALNBSerNo", "NotApplBoQ", "Accepted"}


def score(source: Source) -> int:
    """100 in GAEB's own namespace, 90 without it."""
    if source.kind != "xml" or local(source.root).upper() != "GAEB":
        return 0
    return 100 if NAMESPACE.match(source.root.tag) else 90


def read(source: Source, confidence: int) -> Bill:
    """Read every bill of the document. Raises `Unreadable` where it holds none, as trade orders do."""
    root = source.root
    bills = list(root.iter("{*}BoQ"))
    draft = BillDraft("gaeb", confidence)
    phase, version = _edition(root)
    draft.variant = f"GAEB DA XML {version} X{phase}".replace("  ", " ").removesuffix(" X")
    if not bills:
        raise Unreadable(
            "unreadable.no_table",
            f"This is {draft.variant}, but it holds no bill of quantities (no BoQ element): phases X80 to X89 do, "
            "trade orders and catalogues do not. Export the bill itself from the program that it comes from.",
        )
    _Document(draft, root, phase, version).read(bills)
    return draft.finish()


def _edition(root: Element) -> tuple[str, str]:
    """Tell phase and version, from the document's own words before its namespace."""
    named = NAMESPACE.match(root.tag)
    phases = (plain(element) for award in root for element in children(award, "DP"))
    phase = next(filter(None, phases), "") or (named["phase"] if named else "") or ""
    version = written(child(root, "GAEBInfo", "Version"))
    stated = named["version"] if named else ""
    return phase.upper().lstrip("DAX"), version or ("" if stated.isdecimal() else stated)


class _Document:
    """The walk through one document."""

    def __init__(self, draft: BillDraft, root: Element, phase: str, version: str) -> None:
        self.draft = draft
        self._root = root
        self._items = Items(draft)
        self._items.is_bid = phase.startswith("84")
        self._sections: dict[tuple[str, ...], SectionDraft] = {}
        self._alternatives: set[Element] = set()
        self._gross: list[Decimal | None] = []
        info, project = child(root, "GAEBInfo"), child(root, "PrjInfo")
        award = next((part for part in root if child(part, "BoQ") is not None), None)
        self._project = written(project, "LblPrj") or written(project, "NamePrj") or written(project, "Name")
        draft.dated = _day(written(info, "Date"))
        self._currency(written(award, "AwardInfo", "Cur") or written(project, "Cur"))
        for missing, is_missing in {
            "no version": not version,
            "no phase (Award/DP)": not phase,
            "no project name (PrjInfo/NamePrj)": not written(project, "NamePrj"),
        }.items():
            if is_missing:
                draft.warn(f"The document states {missing}, which the format wants.")
        if (named := NAMESPACE.match(root.tag)) and named["phase"] and phase and not phase.startswith(named["phase"]):
            draft.warn(f"The document calls itself X{phase} inside and X{named['phase']} in its namespace.")

    def read(self, bills: list[Element]) -> None:
        """Read the bills, each an object of its own where there are several."""
        nets: list[Decimal | None] = []
        for number, bill in enumerate(bills, 1):
            info = child(bill, "BoQInfo")
            title = plain(child(info, "LblBoQ")) or written(info, "Name")
            self.draft.title = self.draft.title or title or self._project
            path: tuple[str, ...] = ()
            if len(bills) > 1:
                path = self._open(bill, (written(info, "Name") or str(number),), title, "object")
            self._items.labels = _labels(info)
            self._alternatives = _alternatives(bill)
            lots = any(written(level, "Type") == "Lot" for level in children(info, "BoQBkdn"))
            for body in children(bill, "BoQBody"):
                self._body(body, path, (), "base", lots=lots)
            nets.append(
                self._totals(next((t for e in (info, bill) if (t := child(e, "Totals")) is not None), None), path)
            )
        self._items.finish()
        self.draft.declared_total = _sum(nets)
        self.draft.declared_total_with_vat = _sum(self._gross)

    def _body(
        self, body: Element, path: tuple[str, ...], number: tuple[str, ...], role: ItemRole, *, lots: bool = False
    ) -> None:
        """Read what stands in a body: categories, lists of items, remarks; items without a list too."""
        for part in body:
            name = local(part)
            if name == "BoQCtgy":
                self._category(part, path, number, "alternative" if part in self._alternatives else role, lots=lots)
            elif name in {"Itemlist", "BoQBody"}:
                self._body(part, path, number, role)
            elif name in REMARKS:
                self._remark(part, path)
            elif not self._items.read(part, path, number, role):
                self._items.unread[name] += 1

    def _category(
        self, element: Element, path: tuple[str, ...], number: tuple[str, ...], role: ItemRole, *, lots: bool
    ) -> None:
        own = element.get("RNoPart") or ""
        title = plain(child(element, "LblTx"))
        if written(element, "NotApplBoQ").lower() in YES:
            self.draft.skip("", line(element), f"a category that does not apply: {own} {title}".strip())
            return
        path = self._open(element, (*path, own or title or "?"), title, "object" if lots else "section")
        if role == "base":
            totals = child(element, "Totals")
            total = written(totals, "Total")
            self._sections[path].declared_total = amount(self.draft, element, "Total", total)
            self._discount(totals, f"{own} {title}".strip())
        for part in element:
            name = local(part)
            if name in {"BoQBody", "Itemlist"}:
                self._body(part, path, (*number, own), role)
            elif name in REMARKS:
                self._remark(part, path)
            elif name not in STRUCTURE:
                self._items.unread[name] += 1

    def _open(
        self, element: Element, path: tuple[str, ...], title: str, kind: Literal["object", "section"]
    ) -> tuple[str, ...]:
        section = self.draft.add_section(SectionDraft(path=path, title=title, kind=kind, line=line(element)))
        self._sections[section.path] = section
        return section.path

    def _remark(self, element: Element, path: tuple[str, ...]) -> None:
        """Keep a remark with its category; one of the whole bill has no such place and is listed."""
        said = describe(element, child(element, "Description"))
        text = "\n".join(filter(None, (written(element, "PerfLbl"), said.short, said.long)))
        if not text:
            self.draft.skip("", line(element), "an empty remark")
        elif owner := self._sections.get(path):
            owner.notes.append(text)
        else:
            self.draft.skip("", line(element), f"a remark about the whole bill: {text}")

    def _totals(self, totals: Element | None, path: tuple[str, ...]) -> Decimal | None:
        """Take what a bill states of itself as a whole; answer its net total, discounts taken off."""
        if totals is None:
            self._gross.append(None)
            return None
        own = {name: amount(self.draft, totals, name, value) for name, value in texts(totals).items() if value}
        self._discount(totals, "the whole")
        net = next((own[name] for name in NET if own.get(name) is not None), None)
        kinds: dict[str, Literal["net", "vat", "gross"]] = dict.fromkeys(reversed(NET), "net")
        kinds |= {"VATAmount": "vat", "TotalGross": "gross"}
        for name, kind in kinds.items():
            if (value := own.get(name)) is not None:
                rate, base = (own.get("VAT"), net) if kind == "vat" else (None, None)
                self.draft.totals.append(
                    StatedTotal(kind=kind, amount=value, path=path, label=name, rate=rate, base=base, line=line(totals))
                )
        self._gross.append(own.get("TotalGross"))
        return net

    def _discount(self, totals: Element | None, what: str) -> None:
        """Take a discount, or a lump sum agreed instead of a total, for an amount that is added to the items."""
        if totals is None:
            return
        own = {name: amount(self.draft, totals, name, value) for name, value in texts(totals).items() if value}
        total = own.get("Total")
        if total is None:
            return
        lump, percent, after = own.get("TotalLSUM"), own.get("DiscountPcnt"), own.get("TotAfterDisc")
        if lump is not None:
            self._surcharge(totals, f"Lump sum instead of the total: {what}", lump - total)
        before = total if lump is None else lump
        if after is None and percent is not None:
            after = before - (line_total(before, percent / 100) or 0)
        elif after is None and "DiscountAmt" in own:
            after = before - (own["DiscountAmt"] or 0)
        if after is not None:
            rate = "" if percent is None else f" {percent.normalize():f} %"
            self._surcharge(totals, f"Discount{rate}: {what}", after - before)

    def _surcharge(self, element: Element, label: str, worth: Decimal) -> None:
        if worth:
            self.draft.surcharges.append(Surcharge(label=label, amount=worth, line=line(element)))

    def _currency(self, stated: str) -> None:
        """Take the currency, which programs state by code or by sign."""
        self.draft.currency = currency_code(stated)
        if not self.draft.currency:
            self.draft.currency = "EUR"
            self.draft.warn("The document names no currency: EUR is assumed.")


def _alternatives(bill: Element) -> set[Element]:
    """Find the categories that stand for another one, and enter no sum for that."""
    groups: dict[str, list[tuple[Member, Element]]] = {}
    for element in bill.iter("{*}BoQCtgy"):
        if group := written(element, "ALNBGroupNo"):
            member = Member(serial_of(written(element, "ALNBSerNo")), written(element, "Accepted"))
            groups.setdefault(group, []).append((member, element))
    return {
        element
        for members in groups.values()
        for (_, element), enters in zip(members, enter_sums([member for member, _ in members]), strict=True)
        if not enters
    }


def _labels(info: Element | None) -> dict[str, str]:
    """Name the components of unit prices as the bill does."""
    return {f"UPComp{number}": plain(child(info, f"LblUPComp{number}")) or str(number) for number in range(1, 7)}


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [each for each in amounts if each is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _day(stated: str) -> date | None:
    try:
        return date.fromisoformat(stated[:10])
    except ValueError:
        return None
