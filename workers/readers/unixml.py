"""uniXML (unixml.cz), the open exchange format of Czech bills, versions 1.1 and 1.2.

Objects hold sections, sections hold items; an item carries only its code, and what the code means stands once per
object under `zdroje`. Numbers have a decimal comma, prices are net.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from domain.bill import Bill, Figure, ItemKind, Rounding, Surcharge, TakeoffLine
from workers.readers.cells import currency_code, parse
from workers.readers.draft import BillDraft, ItemDraft, SectionDraft
from workers.readers.source import Source
from workers.readers.tree import Element, amount, child, children, inside, line, local, texts, written

ITEM_KINDS: dict[str, ItemKind] = {"K": "work", "M": "material"}
SOURCES = {"zdroj_konstrukce": "K", "zdroj_material": "M"}
TAKEOFF_KINDS: dict[str, Literal["subtotal", "total"]] = {"MEZISOUCET": "subtotal", "SOUCET": "total"}
OBJECTS = {"objekty": "objekt", "soupisy": "soupis"}

Sources = Mapping[tuple[str, str], dict[str, str]]
"""What a code means, by the kind of item and the code."""


def score(source: Source) -> int:
    """100 for a document that calls itself uniXML, 90 for one that is only built like it."""
    if source.kind != "xml" or local(source.root) != "unixml":
        return 0
    return 100 if source.root.get("format") == "unixml_cz" else 90


def read(source: Source, confidence: int) -> Bill:
    """Read every building, with all of its objects."""
    draft = BillDraft("unixml", confidence)
    draft.variant = source.root.get("verze") or ""
    for building in children(source.root, "stavba"):
        _Building(draft, building).read()
    return draft.finish()


class _Building:
    """One `stavba`: its settings, and its objects on the way into the bill."""

    def __init__(self, draft: BillDraft, building: Element) -> None:
        self.draft = draft
        self._building = building
        settings = child(building, "nastaveni")
        self._rates = _rates(child(settings, "sazby_dph"))
        draft.title = draft.title or written(building, "nazev_stavby")
        draft.dated = draft.dated or _day(written(building, "datum"))
        draft.currency = draft.currency or currency_code(written(settings, "mena", "mena_rozpocet"))
        draft.rounding = _rounding(child(settings, "zaokrouhleni_rozpocet"))

    def read(self) -> None:
        """Take in the objects, and what the cover adds to them."""
        self._cover(self._building)
        for entry in inside(self._building, "souhrnny_list", "polozky_souhrnneho_listu"):
            self.draft.skip("", line(entry), f"an entry of the summary sheet: {_first_text(entry)[:60]}")
        self._objects(self._building, (), _sources(self._building))

    def _objects(self, parent: Element, path: tuple[str, ...], known: Sources) -> None:
        for group, name in OBJECTS.items():
            for each in children(child(parent, group), name):
                self._object(each, path, known)

    def _object(self, element: Element, path: tuple[str, ...], known: Sources) -> None:
        own = texts(element)
        kind = local(element)
        code = own.get(f"kod_{kind}u", "") or own.get(f"nazev_{kind}u", "") or kind
        section = SectionDraft(
            path=(*path, code), title=own.get(f"nazev_{kind}u", ""), kind="object", line=line(element)
        )
        if note := own.get("poznamka"):
            section.notes.append(note)
        self.draft.add_section(section)
        known = {**known, **_sources(element)}
        self._cover(element)
        self._figures(element, section.path)
        self._parts(element, section.path, known, _section_names(element))
        self._objects(element, section.path, known)

    def _parts(self, parent: Element, path: tuple[str, ...], known: Sources, names: Mapping[str, str]) -> None:
        """Read the items of an object or section, then the sections below it."""
        for item in children(child(parent, "polozky"), "polozka"):
            self._item(item, path, known)
        for part in children(child(parent, "dily"), "dil"):
            code = written(part, "kod_dilu")
            section = self.draft.add_section(
                SectionDraft(path=(*path, code or "?"), title=names.get(code, ""), line=line(part))
            )
            self._parts(part, section.path, known, names)

    def _item(self, element: Element, path: tuple[str, ...], known: Sources) -> None:
        own = texts(element)
        kind, code = own.get("typ_vety", ""), own.get("kod_polozky", "")
        meaning = known.get((kind, code)) or {}
        if not meaning:
            self.draft.warn(f"Row {line(element)}: the code {code!r} has no description in the file.")
        item = ItemDraft(
            number=own.get("cislo_polozky", ""),
            code=code,
            price_system=meaning.get("cenova_soustava", ""),
            description=meaning.get("zkraceny_popis_polozky", "") or meaning.get("plny_popis_polozky", ""),
            category=own.get("uzivatelske_zarazeni", ""),
            kind=ITEM_KINDS.get(kind, "other"),
            section=path,
            quantity=self._number(element, own, "mnozstvi"),
            unit=meaning.get("merna_jednotka", ""),
            unit_price=self._number(element, own, "jednotkova_cena"),
            vat_rate=self._rates.get(own.get("typ_sazby_dph", "")),
            unit_hours=self._number(element, meaning, "jednotkove_normohodiny"),
            unit_mass=self._number(element, meaning, "jednotkova_hmotnost"),
            unit_debris=self._number(element, meaning, "jednotkova_sut"),
            line=line(element),
        )
        notes = (meaning.get("plny_popis_polozky"), own.get("poznamka_polozky"), meaning.get("poznamka_k_souboru_cen"))
        item.notes.extend(note for note in notes if note and note != item.description)
        item.takeoff.extend(_takeoff(inside(element, "vykaz_vymer", "radky_vykazu_vymer")))
        self.draft.items.append(item)

    def _figures(self, element: Element, path: tuple[str, ...]) -> None:
        for figure in children(child(element, "figury"), "figura"):
            own = texts(figure)
            self.draft.figures.append(
                Figure(
                    code=own.get("kod_figury", ""),
                    description=own.get("popis_figury", ""),
                    unit=own.get("merna_jednotka", ""),
                    value=self._number(figure, own, "vymera"),
                    path=path,
                    takeoff=tuple(_takeoff(inside(figure, "vykaz_vymer_figury"))),
                    line=line(figure),
                )
            )

    def _cover(self, element: Element) -> None:
        """Take what a cover adds to the items: site costs, completion, whatever has an amount."""
        for part in inside(element, "kryci_list"):
            own = texts(part)
            if cost := self._number(part, own, "naklad"):
                label = own.get("nazev", "") or local(part).replace("_", " ")
                self.draft.surcharges.append(Surcharge(label=label, amount=cost, line=line(part)))

    def _number(self, element: Element, own: Mapping[str, str], name: str) -> Decimal | None:
        return amount(self.draft, element, name, own.get(name, ""))


def _sources(element: Element) -> dict[tuple[str, str], dict[str, str]]:
    """Gather what the codes of an object mean."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for group in inside(element, "zdroje"):
        for source in group:
            if kind := SOURCES.get(local(source)):
                own = texts(source)
                found.setdefault((kind, own.get("kod_polozky", "")), own)
    return found


def _section_names(element: Element) -> dict[str, str]:
    names = (texts(part) for part in children(child(element, "zdroje", "zdroje_dily"), "zdroj_dil"))
    return {own.get("kod_dilu", ""): own.get("nazev_dilu", "") for own in names}


def _takeoff(rows: Iterable[Element]) -> Iterator[TakeoffLine]:
    """Yield the rows of a take-off. The format states expressions only, and no results."""
    for row in rows:
        own = texts(row)
        yield TakeoffLine(
            expression=own.get("vyraz", "") or own.get("kod_figury", ""),
            kind=TAKEOFF_KINDS.get(own.get("typ_radku", ""), "row"),
            line=line(row),
        )


def _rates(element: Element | None) -> Mapping[str, Decimal]:
    """Name the VAT rates as items do, in percent; a rate that is carried over to the buyer keeps its number."""
    own = {} if element is None else texts(element)
    named = {"ZAKLADNI": own.get("zakladni_dph"), "SNIZENA": own.get("snizena_dph")}
    rates = {name: rate for name, stated in named.items() if stated and (rate := parse(stated)) is not None}
    rates |= {f"{name}_PRENESENA": rate for name, rate in rates.items()}
    return MappingProxyType({"NULOVA": Decimal(0), **rates})


def _rounding(element: Element | None) -> Rounding:
    own = {} if element is None else texts(element)
    total = _decimals(own.get("celkova_cena"))
    return Rounding(
        total=2 if total is None else total,
        quantity=_decimals(own.get("mnozstvi")),
        unit_price=_decimals(own.get("jednotkova_cena")),
    )


def _decimals(step: str | None) -> int | None:
    """Turn a step such as "0,001" into a number of decimals; `None` where nothing is rounded."""
    value = parse(step) if step else None
    if not value or value.normalize() != Decimal(1).scaleb(value.adjusted()):
        return None
    return -value.adjusted()


def _day(stated: str) -> date | None:
    try:
        return datetime.strptime(stated, "%d.%m.%Y").date()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        return None


def _first_text(element: Element) -> str:
    return next((found for part in element.iter() if (found := (part.text or "").strip())), local(element))
