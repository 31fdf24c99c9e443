"""Bills in formats that are no spreadsheets, written by our own generators in the layouts of the real ones."""

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

from domain.bill import Bill, BillItem


def unixml(bill: Bill, version: str = "1.2") -> bytes:
    """The items of a bill as uniXML, one object per first part of their sections' paths."""
    objects: dict[str, list[BillItem]] = {}
    for item in bill.items:
        objects.setdefault(item.section[0], []).append(item)
    titles = {section.path: section.title for section in bill.sections}
    body = "".join(_unixml_object(code, items, titles) for code, items in objects.items())
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n'
        f'<unixml format="unixml_cz" verze="{version}"><typ_souboru>SOUPIS_PRACI</typ_souboru><stavba>'
        f"<nazev_stavby>{escape(bill.title)}</nazev_stavby><datum>05.03.2026</datum><nastaveni><sazby_dph>"
        "<snizena_dph>12,00</snizena_dph><zakladni_dph>21,00</zakladni_dph></sazby_dph><zaokrouhleni_rozpocet>"
        "<jednotkova_cena>0,01</jednotkova_cena><mnozstvi>0,001</mnozstvi><celkova_cena>0,01</celkova_cena>"
        f"</zaokrouhleni_rozpocet><mena><mena_rozpocet>{bill.currency}</mena_rozpocet></mena></nastaveni>"
        f"<objekty>{body}</objekty></stavba></unixml>"
    ).encode()


def _unixml_object(code: str, items: Iterable[BillItem], titles: Mapping[tuple[str, ...], str]) -> str:
    sections: dict[tuple[str, ...], list[BillItem]] = {}
    for item in items:
        sections.setdefault(item.section[1:], []).append(item)
    works = {item.code: item for item in items if item.kind != "material"}
    materials = {item.code: item for item in items if item.kind == "material"}
    names = {path[-1]: titles.get((code, *path[: depth + 1]), "") for path in sections for depth in range(len(path))}
    return (
        f"<objekt><kod_objektu>{escape(code)}</kod_objektu><nazev_objektu>{escape(titles.get((code,), ''))}"
        "</nazev_objektu><zdroje><zdroje_dily>"
        + "".join(
            f"<zdroj_dil><kod_dilu>{escape(part)}</kod_dilu><nazev_dilu>{escape(name)}</nazev_dilu></zdroj_dil>"
            for part, name in names.items()
        )
        + f"</zdroje_dily><zdroje_konstrukce>{_unixml_sources('zdroj_konstrukce', works)}</zdroje_konstrukce>"
        f"<zdroje_materialy>{_unixml_sources('zdroj_material', materials)}</zdroje_materialy></zdroje>"
        f"<dily>{_unixml_parts(sections, ())}</dily></objekt>"
    )


def _unixml_sources(tag: str, items: Mapping[str, BillItem]) -> str:
    return "".join(
        f"<{tag}><kod_polozky>{escape(code)}</kod_polozky><zkraceny_popis_polozky>{escape(item.description)}"
        f"</zkraceny_popis_polozky><merna_jednotka>{escape(item.unit)}</merna_jednotka>"
        f"<cenova_soustava>{escape(item.price_system)}</cenova_soustava></{tag}>"
        for code, item in items.items()
    )


def _unixml_parts(sections: Mapping[tuple[str, ...], list[BillItem]], above: tuple[str, ...]) -> str:
    depth = len(above)
    below = dict.fromkeys(path[depth] for path in sections if len(path) > depth and path[:depth] == above)
    found = ""
    for code in below:
        path = (*above, code)
        items = "".join(map(_unixml_item, sections.get(path, [])))
        found += (
            f"<dil><kod_dilu>{escape(code)}</kod_dilu><dily>{_unixml_parts(sections, path)}</dily>"
            f"<polozky>{items}</polozky></dil>"
        )
    return found


def _unixml_item(item: BillItem) -> str:
    rows = "".join(
        f"<radek_vykazu_vymer><typ_radku>{'SOUCET' if row.kind == 'total' else 'VYRAZ'}</typ_radku>"
        f"<vyraz>{escape(row.expression)}</vyraz><kod_figury/></radek_vykazu_vymer>"
        for row in item.takeoff
    )
    return (
        f"<polozka><typ_vety>{'M' if item.kind == 'material' else 'K'}</typ_vety>"
        f"<kod_polozky>{escape(item.code)}</kod_polozky><cislo_polozky>{item.number}</cislo_polozky>"
        f"<mnozstvi>{_comma(item.quantity)}</mnozstvi><vykaz_vymer><radky_vykazu_vymer>{rows}</radky_vykazu_vymer>"
        f"</vykaz_vymer><jednotkova_cena>{_comma(item.unit_price)}</jednotkova_cena>"
        "<typ_sazby_dph>ZAKLADNI</typ_sazby_dph></polozka>"
    )


def _comma(value: object) -> str:
    return "" if value is None else str(value).replace(".", ",")


def xc4(items: Iterable[Mapping[str, str]], *, head: str = "<zdroj>AspeEsticon</zdroj>") -> bytes:
    """One object with one section of items, each given by its elements."""
    body = "".join(
        "<polozka>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in item.items()) + "</polozka>"
        for item in items
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><XC4><verze>1.0</verze>{head}<stavba><nazev>Silnice</nazev><objekty>'
        "<objekt><znacka>SO 201</znacka><nazev>Most</nazev><stavDily><stavDil><znacka>2</znacka><nazev>Základy</nazev>"
        f"<polozky>{body}</polozky></stavDil></stavDily></objekt></objekty></stavba></XC4>"
    ).encode()


def gaeb(body: str, *, phase: str = "84", version: str = "3.3", head: str = "", info: str = "") -> bytes:
    """A document around the content of its outermost `BoQBody`."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<GAEB xmlns="http://www.gaeb.de/GAEB_DA_XML/DA{phase}/{version}">'
        f"<GAEBInfo><Version>{version}</Version><Date>2026-03-05</Date></GAEBInfo>"
        f"<PrjInfo><NamePrj>Halle</NamePrj></PrjInfo><Award><DP>{phase}</DP><AwardInfo><Cur>EUR</Cur></AwardInfo>{head}"
        f'<BoQ ID="B1"><BoQInfo><Name>LV</Name>{info}</BoQInfo><BoQBody>{body}</BoQBody></BoQ></Award></GAEB>'
    ).encode()


def category(number: str, body: str, *, title: str = "", more: str = "") -> str:
    """A GAEB category with a list of items or categories below it."""
    label = f"<LblTx><p><span>{escape(title)}</span></p></LblTx>" if title else ""
    return f"<BoQCtgy RNoPart={quoteattr(number)} ID='C{number}'>{label}{more}<BoQBody>{body}</BoQBody></BoQCtgy>"


def item(number: str, title: str, *, long: str = "", tag: str = "Item", **parts: str) -> str:
    """A GAEB item with plain child elements, in the order given."""
    content = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    text = (
        "<Description><CompleteText>"
        + (f"<DetailTxt><Text>{long}</Text></DetailTxt>" if long else "")
        + f"<OutlineText><OutlTxt><TextOutlTxt><p><span>{escape(title)}</span></p></TextOutlTxt></OutlTxt>"
        "</OutlineText></CompleteText></Description>"
    )
    return f"<{tag} RNoPart={quoteattr(number)} ID='I{number}'>{content}{text}</{tag}>"


def bc3(*records: str, encoding: str = "cp1252", charset: str = "ANSI") -> bytes:
    """A BC3 file with a header of its own, each record given without its tilde."""
    lines = [f"V|Plumbline|FIEBDC-3/2016\\050326|Tests||{charset}||2|||", *records]
    return "".join(f"~{line}\r\n" for line in lines).encode(encoding)
