"""XC4, the exchange format of Czech road and rail building: bills as AspeEsticon writes them.

Price lists (OTSKP) come in the same root element and are told apart by what is in it: a bill has quantities.
"""

from collections import Counter

from domain.bill import Bill
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft
from workers.readers.source import Source
from workers.readers.tree import Element, amount, child, line, local, texts
from workers.readers.unreadable import Unreadable

ROOT = "xc4"
PRICE_LISTS = "cenovesoustavy"
SECTIONS = {"objekt": "object", "stavdil": "section", "dil": "section"}
ITEM = "polozka"
UNITS = ("id_mj", "mj", "merna_jednotka")
PRICES = ("jedn_cena", "jednotkova_cena", "cena_mj")
TOTALS = ("cena_celkem", "celkem", "celkova_cena")
NOTES = ("popis", "specifikace", "technicka_specifikace", "poznamka", "vykaz_vymer")
QUANTITY = "mnozstvi"
READ = {"znacka", "nazev", QUANTITY, *UNITS, *PRICES, *TOTALS, *NOTES, "poradi", "cislo", "cenova_soustava"}


def score(source: Source) -> int:
    """100 for what AspeEsticon says it wrote, 90 for any other document of this root."""
    if source.kind != "xml" or local(source.root).casefold() != ROOT:
        return 0
    return 100 if texts(source.root).get("zdroj", "").casefold().startswith("aspe") else 90


def read(source: Source, confidence: int) -> Bill:
    """Read every object. Raises `Unreadable` for a price list."""
    root = source.root
    if is_price_list(root):
        raise price_list(root)
    draft = BillDraft("xc4", confidence)
    head = _lower(texts(root))
    draft.variant = head.get("verze", "")
    reading = _Reading(draft)
    reading.walk(root, ())
    if reading.unread:
        draft.warn(f"Parts of items that were not read: {', '.join(sorted(reading.unread))}.")
    return draft.finish()


def is_price_list(root: Element) -> bool:
    """Whether the document lists prices and measures nothing."""
    names = Counter(local(element).casefold() for element in root.iter())
    return PRICE_LISTS in names and QUANTITY not in names


def price_list(root: Element) -> Unreadable:
    """Explain that a price list is no bill."""
    names = [(element.text or "").strip() for element in root.iter() if local(element).casefold() == "typ_cs"]
    count = sum(1 for element in root.iter() if local(element).casefold() == ITEM)
    return Unreadable(
        "unreadable.price_list",
        f"This is a price list ({', '.join(filter(None, names)) or 'of no name'}, {count} prices), not a bill: it has "
        "no quantities. Bring it in as a price catalogue, and upload the bill itself here.",
    )


class _Reading:
    """The walk through one document. Containers differ between versions, so only what is in them is looked at."""

    def __init__(self, draft: BillDraft) -> None:
        self.draft = draft
        self.unread: set[str] = set()

    def walk(self, parent: Element, path: tuple[str, ...]) -> None:
        """Read what is below an element, which is in the section at `path`."""
        counts = Counter(local(element).casefold() for element in parent)
        seen: Counter[str] = Counter()
        for element in parent:
            name = local(element).casefold()
            seen[name] += 1
            if name == ITEM:
                self._item(element, path)
            elif name in SECTIONS:
                number = str(seen[name]) if counts[name] > 1 else ""
                self.walk(element, self._section(element, name, path, number))
            elif len(element):
                if name == "stavba" and not self.draft.title:
                    self.draft.title = _lower(texts(element)).get("nazev", "")
                self.walk(element, path)

    def _section(self, element: Element, name: str, path: tuple[str, ...], number: str) -> tuple[str, ...]:
        """Open a section; one that has neither name nor siblings is none."""
        own = _lower(texts(element))
        title = own.get("nazev", "") or own.get("popis", "")
        code = own.get("znacka", "") or title or number
        if not code:
            return path
        kind = "object" if SECTIONS[name] == "object" else "section"
        section = SectionDraft(path=(*path, code), title=title, kind=kind, line=line(element))
        return self.draft.add_section(section).path

    def _item(self, element: Element, path: tuple[str, ...]) -> None:
        own = _lower(texts(element))
        self.unread |= {name for name, value in own.items() if value and name not in READ and name != "id_polozka"}
        title = own.get("nazev", "") or own.get("popis", "")
        item = ItemDraft(
            number=own.get("poradi", "") or own.get("cislo", "") or own.get("id_polozka", ""),
            code=own.get("znacka", ""),
            price_system=own.get("cenova_soustava", ""),
            description=title,
            section=path,
            quantity=amount(self.draft, element, QUANTITY, own.get(QUANTITY, "")),
            unit=_first(own, UNITS),
            unit_price=amount(self.draft, element, "jedn_cena", _first(own, PRICES)),
            declared_total=amount(self.draft, element, "cena_celkem", _first(own, TOTALS)),
            line=line(element),
        )
        item.notes.extend(note for name in NOTES if (note := own.get(name)) and note != title)
        for part in element:
            if len(part) and child(part, ITEM) is None:
                self.draft.skip("", line(part), f"a part of an item of unknown kind: {local(part)}")
        self.draft.items.append(item)
        for part in element:
            self.walk(part, path)


def _lower(own: dict[str, str]) -> dict[str, str]:
    return {name.casefold(): value for name, value in own.items()}


def _first(own: dict[str, str], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := own.get(name))), "")
