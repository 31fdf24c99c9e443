"""Items of GAEB DA XML: what they measure and cost, and whether they enter sums.

Rules of the format (Fachdokumentation GAEB DA XML 3.3): of items that stand for each other the base has serial number
0; a provisional item enters sums where it is `WithTotal`; a lump sum is one; a markup is a percentage of a base that
the item states.
"""

from collections import Counter
from decimal import Decimal

from msgspec.structs import replace

from domain.bill import ItemRole
from domain.position import line_total
from workers.readers.draft import BillDraft, ItemDraft
from workers.readers.gaeb_groups import YES, Member, enter_sums, serial_of
from workers.readers.gaeb_text import Texts, describe, plain
from workers.readers.tree import Element, amount, line, local

ITEMS = {"Item", "MarkupItem"}
LUMP_SUM = "psch"
PERCENT = "%"

READ = {
    *("Qty", "QtyTBD", "QU", "UP", "IT", "VAT", "DiscountPcnt", "Description", "LumpSumItem", "Provis", "ProvisAccpt"),
    *("ALNGroupNo", "ALNSerNo", "Accepted", "NotAppl", "NotOffered", "SubDescr", "SumDescr", "BidComm", "Markup"),
    *(
        "ITMarkup",
        "MarkupType",
        "MarkupSubQty",
        "HourIt",
        "KeyIt",
        "UPBkdn",
        "CONo",
        "COStatus",
        "ShortText",
        "LongText",
        "BillQty",
    ),
    *(f"UPComp{number}" for number in range(1, 7)),
}
SAID = {
    "HourIt": "Work by the hour.",
    "KeyIt": "A key item.",
    "UPBkdn": "The unit price is to be broken down.",
    "QtyTBD": "The bidder is to state the quantity.",
    "NotOffered": "Not offered.",
    "MarkupIt": "Enters the base of markups.",
}
"""Marks that are kept as notes."""


class Items:
    """Reads items into the bill, and settles in the end what only the whole can tell."""

    def __init__(self, draft: BillDraft) -> None:
        """Start without items."""
        self.draft = draft
        self.labels: dict[str, str] = {}
        self.unread: Counter[str] = Counter()
        self._groups: dict[str, list[tuple[Member, ItemDraft]]] = {}
        self._numbers: set[str] = set()
        self.is_bid = False
        self._without_total: list[ItemDraft] = []
        self._wrong: Counter[str] = Counter()
        self._first: dict[str, int] = {}

    def read(self, element: Element, path: tuple[str, ...], number: tuple[str, ...], role: ItemRole) -> bool:
        """Read an item in the section at `path`; `number` are those of its categories. `False` when it is none."""
        name = local(element)
        if name not in ITEMS:
            return False
        parts = _Parts(element)
        ordinal = self._ordinal(element, number)
        said = describe(element, parts.first("Description"))
        if parts.yes("NotAppl"):
            self.draft.skip("", line(element), f"an item that does not apply: {ordinal} {said.short}".strip())
            return True
        item = ItemDraft(
            number=ordinal,
            code=said.standard or ordinal,
            price_system="GAEB",
            description=said.short,
            role=self._role(element, parts, role),
            section=path,
            unit=parts.text("QU"),
            vat_rate=self._number(element, parts, "VAT"),
            declared_total=self._number(element, parts, "IT"),
            line=line(element),
        )
        item.notes.extend(self._notes(parts, said))
        if name == "MarkupItem":
            self._markup(element, parts, item)
        else:
            self._measure(element, parts, item)
        self._remember(element, parts, item)
        if not self._split(parts, item):
            self.draft.items.append(item)
            if item.quantity and item.unit_price and item.declared_total is None:
                self._without_total.append(item)
        return True

    def finish(self) -> None:
        """Tell base items from their alternatives, and say what was wrong with the document."""
        if self.is_bid:
            self._tell_optional()
        for group, members in self._groups.items():
            ranks = [rank for rank, _ in members]
            if min(rank.serial for rank in ranks) and not any(rank.is_chosen for rank in ranks):
                self.draft.warn(f"Group {group} of alternatives has no base item: its first one is taken for it.")
            for (_, item), enters in zip(members, enter_sums(ranks), strict=True):
                if not enters and item.role == "base":
                    item.role = "alternative"
        for what, count in self._wrong.items():
            self.draft.warn(f"{count} of the items {what} (the first in row {self._first[what]}).")
        if self.unread:
            names = ", ".join(f"{name} ({count})" for name, count in sorted(self.unread.items()))
            self.draft.warn(f"Elements that were not read: {names}.")

    def _tell_optional(self) -> None:
        """Tell the items of a bid that enter no sum: bids do not mark them, but give them no total (`IT`) either.

        Where no item has a total, or all of them make the stated one, what is missing tells nothing.
        """
        totals = [item.declared_total for item in self.draft.items if item.declared_total is not None]
        bare = [line_total(item.quantity, item.unit_price) or Decimal(0) for item in self._without_total]
        stated = [total.amount for total in self.draft.totals if total.label == "Total"]
        has_all = bool(stated) and sum(stated) == sum(totals) + sum(bare)
        has_these = bool(stated) and sum(stated) == sum(totals)
        if not bare or not (has_these or (totals and not has_all)):
            return
        for item in self._without_total:
            item.role = "optional" if item.role == "base" else item.role
        self.draft.warn(
            f"{len(bare)} of the items have a unit price and no total: they are taken for optional ones, "
            "which bids do not mark."
        )

    def _ordinal(self, element: Element, number: tuple[str, ...]) -> str:
        own, index = element.get("RNoPart") or "", element.get("RNoIndex") or ""
        if not own:
            self._complain("have no number of their own (RNoPart)", element)
        ordinal = ".".join(filter(None, (*number, own, index)))
        if ordinal in self._numbers:
            self._complain("have a number that another one has", element)
        self._numbers.add(ordinal)
        return ordinal

    def _complain(self, what: str, element: Element) -> None:
        self._wrong[what] += 1
        self._first.setdefault(what, line(element))

    def _number(self, element: Element, parts: "_Parts", name: str) -> Decimal | None:
        return amount(self.draft, element, name, parts.text(name))

    def _role(self, element: Element, parts: "_Parts", role: ItemRole) -> ItemRole:
        """Tell whether the item enters sums, as far as it tells itself."""
        provisional = parts.text("Provis")
        if not provisional or role != "base" or parts.yes("ProvisAccpt"):
            return role
        if provisional.casefold() not in {"withtotal", "withouttotal"}:
            self._complain(f"are provisional in an unknown way ({provisional[:20]!r}), and left out of sums", element)
        return "base" if provisional.casefold() == "withtotal" else "optional"

    def _remember(self, element: Element, parts: "_Parts", item: ItemDraft) -> None:
        if not (item.description or item.unit):
            self._complain("have neither text nor unit, as in bids: those are in the request", element)
        elif not item.description:
            self._complain("have no text", element)
        if group := parts.text("ALNGroupNo"):
            member = Member(serial_of(parts.text("ALNSerNo")), parts.text("Accepted"))
            self._groups.setdefault(group, []).append((member, item))
        self.unread.update(name for name in parts.many if name not in READ)

    def _notes(self, parts: "_Parts", said: Texts) -> list[str]:
        notes = [said.long] if said.long else []
        self.unread.update({"picture": said.pictures} if said.pictures else {})
        notes += [SAID[name] for name in SAID if parts.yes(name)]
        provisional = {"withtotal": "with", "withouttotal": "without"}.get(parts.text("Provis").casefold())
        if provisional:
            notes.append(f"Provisional item {provisional} total.")
        if change := parts.text("CONo"):
            notes.append(f"Change order {change}, {parts.text('COStatus') or 'of no status'}.")
        notes += [f"Bidder: {text}" for comment in parts.many.get("BidComm", ()) if (text := plain(comment))]
        components = [f"{label} {parts.text(name)}" for name, label in self.labels.items() if parts.text(name)]
        if components:
            notes.append(f"Unit price: {', '.join(components)}.")
        return notes

    def _measure(self, element: Element, parts: "_Parts", item: ItemDraft) -> None:
        """Read quantity and unit price, and what stands for them where one is missing."""
        item.quantity = self._number(element, parts, "Qty")
        if parts.text("BillQty"):  # of invoices: what is charged, beside or instead of what was ordered
            if item.quantity is not None:
                item.notes.append(f"Quantity ordered: {item.quantity}.")
            item.quantity = self._number(element, parts, "BillQty")
        item.unit_price = self._number(element, parts, "UP")
        components = [value for name in self.labels if (value := self._number(element, parts, name)) is not None]
        if components and item.unit_price is None:
            item.unit_price = sum(components, Decimal(0))
        elif components and sum(components, Decimal(0)) != item.unit_price:
            self._complain("have components that do not add up to their unit price", element)
        discount = self._number(element, parts, "DiscountPcnt")
        if discount and item.unit_price is not None:
            item.notes.append(f"Discount of {discount.normalize():f} % on the unit price {item.unit_price}.")
            item.unit_price = item.unit_price * (100 - discount) / 100
        if item.quantity is None and parts.yes("LumpSumItem"):
            item.quantity = Decimal(1)
            item.unit = item.unit or LUMP_SUM
        elif item.quantity is None and not parts.yes("QtyTBD") and item.unit_price and item.declared_total is not None:
            self._infer_quantity(element, item, item.unit_price, item.declared_total)

    def _infer_quantity(self, element: Element, item: ItemDraft, price: Decimal, total: Decimal) -> None:
        """Find the quantity that is missing between a unit price and a total, if there is one of three decimals."""
        quantity = line_total(Decimal(1), total / price, 3)
        if quantity is not None and line_total(quantity, price) == total:
            item.quantity = quantity
            self._complain("state no quantity: it was worked out from total and unit price", element)

    def _markup(self, element: Element, parts: "_Parts", item: ItemDraft) -> None:
        """Read a markup as so many per cent of a hundredth of its base, which is exact."""
        item.kind = "other"
        item.unit = PERCENT
        item.quantity = self._number(element, parts, "Markup")
        base = self._number(element, parts, "ITMarkup")
        item.unit_price = None if base is None else base / 100
        discount = self._number(element, parts, "DiscountPcnt")
        if discount and item.unit_price is not None:
            item.unit_price = item.unit_price * (100 - discount) / 100
        if item.declared_total is not None and (item.quantity is None or base is None):
            item.quantity, item.unit, item.unit_price = Decimal(1), LUMP_SUM, item.declared_total
        item.notes.append(f"Markup: {parts.text('MarkupType') or 'of unknown base'}.")
        for sub in parts.many.get("MarkupSubQty", ()):
            inner = _Parts(sub)
            referred = [reference.get("IDRef") or "" for reference in inner.many.get("RefItem", ())]
            item.notes.append(f"On {inner.text('SubQty')} of {', '.join(referred) or inner.text('RefRNoPart')}.")

    def _split(self, parts: "_Parts", item: ItemDraft) -> bool:
        """Note the sub-descriptions of an item. Where they are what is priced, they are items in its stead."""
        subs = [(sub, _Parts(sub)) for sub in parts.many.get("SubDescr", ())]
        priced = item.unit_price is None and any(inner.text("UP") for _, inner in subs)
        own: list[ItemDraft] = []
        for place, (sub, inner) in enumerate(subs, 1):
            said = describe(sub, inner.first("Description"))
            number = f"{item.number}.{inner.text('SubDNo') or place}"
            draft = replace(
                item,
                number=number,
                code=number,
                description=said.short,
                notes=[each for each in (item.description, said.long) if each],
                quantity=self._number(sub, inner, "Qty"),
                unit=inner.text("QU") or item.unit,
                unit_price=self._number(sub, inner, "UP"),
                declared_total=self._number(sub, inner, "IT"),
                line=line(sub),
            )
            own.append(draft)
            if not priced:
                measure = " ".join(filter(None, (inner.text("Qty"), inner.text("QU"))))
                price = f" at {inner.text('UP')}" if inner.text("UP") else ""
                item.notes.append(f"{number}: {said.short} ({measure}{price})".replace("  ", " "))
                item.notes.extend([said.long] if said.long else [])
        if priced:
            self.draft.items.extend(own)
            self.draft.skip("", item.line, f"{item.number} {item.description}: its sub-descriptions are the items")
        return priced


class _Parts:
    """The children of one element, by name."""

    def __init__(self, element: Element) -> None:
        self.many: dict[str, list[Element]] = {}
        for part in element:
            self.many.setdefault(local(part), []).append(part)

    def first(self, name: str) -> Element | None:
        """Find the first child of a name."""
        return next(iter(self.many.get(name, ())), None)

    def text(self, name: str) -> str:
        """Tell the trimmed text of the first child of a name, or an empty one."""
        found = self.many.get(name)
        return (found[0].text or "").strip() if found else ""

    def yes(self, name: str) -> bool:
        """Whether a child of this name says yes."""
        return self.text(name).lower() in YES
