"""The words of plain tables, folded (see `cells.label`), in Czech, Slovak, English, German, Polish and others."""

import re
from typing import Literal

Part = Literal[
    "description",
    "quantity",
    "unit",
    "unit_price",
    "total",
    "number",
    "code",
    "material_price",
    "assembly_price",
    "price_system",
    "category",
    "vat",
    "note",
]
"""What a column may hold, the most telling part first."""

HEADINGS: dict[Part, str] = {
    "description": "popis, popis polozky, popis prace, nazev, nazev polozky, zkraceny popis, text polozky, text, "
    "nazov, nazov polozky, description, description of work, description of item, item description, particulars, "
    "work description, kurztext, bezeichnung, beschreibung, leistung, leistungsbeschreibung, positionstext, opis, "
    "nazev a popis polozky, designation, libelle, designation des ouvrages, descripcion, resumen, concepto, "
    "descrizione, omschrijving, megnevezes, skrateny popis, popis praci, popis cinnosti, popis prac, druh prace, "
    "druh praci, nazev materialu, scope of work, scope of works, work item, kurzbeschreibung, leistungstext, "
    "artikelbezeichnung, opis robot, wyszczegolnienie, tetel szovege, tetel megnevezese, indicazione dei lavori, "
    "designacion, denominacion, nazwa, nazwa pozycji",
    "quantity": "mnozstvi, vymera, pocet mj, mnozstvi celkem, mnozstvo, quantity, qty, total qty, total quantity, "
    "menge, mengen, ilosc, obmiar, quantite, qte, cantidad, medicion, quantita, hoeveelheid, mennyiseg, mnoz, mn, "
    "pocet jednotek, pocet jednotiek, est qty, estimated qty, estimated quantity, mge, lv menge, cant, canpres, "
    "qta, quantities, quantites, cantidades, mediciones",
    "unit": "mj, m j, merna jednotka, jednotka, jedn, unit, units, uom, u m, einheit, me, eh, mengeneinheit, jm, "
    "j m, unite, ud, uds, unidad, u m misura, unita di misura, eenheid, egyseg, mer jedn, mer j, merna jedn, "
    "jedn miary, unit of measure, unit of measurement, einh, mengen einheit, egys, un, udm",
    "unit_price": "j cena, jedn cena, jednotkova cena, jc, cena mj, cena za mj, cena jednotkova, "
    "cena za jednotku, unit price, unit rate, unit cost, rate, price, einheitspreis, ep, e preis, preis, "
    "cena jedn, cena jednostkowa, p u, pu, prix unitaire, precio, precio unitario, prezzo, prezzo unitario, "
    "eenheidsprijs, prijs, egysegar, jednotk cena, j c, cena jednotku, cena ks, cena kus, cena za ks, "
    "cena za kus, cena 1 mj, cena m j, kc mj, kc m j, kc ks, eur mj, price per unit, price unit, u price, "
    "cena za jedn, einzelpreis, e p, einh preis, preis je einheit, preis einheit, stuckpreis, p unitario, p unit, "
    "prpres, precio ud, prix u, preis einh",
    "total": "cena celkem, celkem, celkova cena, cena celkom, spolu, celkom, total, total price, total amount, "
    "total cost, amount, value, line total, gesamtpreis, gp, gesamtbetrag, betrag, gesamt, summe, wartosc, "
    "naklady celkem, montant, prix total, importe, importo, totaal, bedrag, osszesen, kc celkem, cena spolu, "
    "extended price, extended amount, extended cost, t price, subtotal, gesamt preis, g preis, g p, "
    "positionspreis, imppres, cena calkowita, precio total, kwota, razem",
    "number": "pc, p c, por c, poradove cislo, poradi, por cislo, c pol, c polozky, cislo, cp, poz, lp, no, nr, "
    "number, item no, item number, s no, sl no, sr no, ref, pos, position, pos nr, oz, ordnungszahl, lfd nr, pol, "
    "c p, n, ssz, por, poradie, c poz, pozice, polozka c, polozka cislo, line, line no, orden, numero, "
    "positionsnummer, s n, art, num",
    "code": "kod, kod polozky, cislo polozky, code, item code, dsr code, artikel nr, artikelnummer, podstawa, "
    "codigo, codice, kod cinnosti, oznaceni, oznacenie, artikel, art nr, tetelszam, katalogove cislo, cost code, "
    "cod, knr, work code",
    "material_price": "j material, material jedn, dodavka jedn, unit rate supply, supply rate, material rate, "
    "materialpreis",
    "assembly_price": "j montaz, montaz jedn, unit rate e c, installation rate, labour rate, labor rate, lohnpreis",
    "price_system": "cenova soustava, cen soustava, cen soustava platnost, soustava, cenik, cenova sustava",
    "category": "kategorie, typ polozky, druh, category, classification, trade, gewerk, nat",
    "vat": "dph, sazba dph, dph %, vat, vat %, vat rate, mwst, mwst %, ust",
    "note": "poznamka, poznamky, note, notes, remark, remarks, comment, comments, bemerkung, bemerkungen, uwagi",
}
"""Headings of each part. One that goes on after such a word fits less well."""

WEAK_HEADINGS: dict[Part, str] = {
    "description": "item, polozka, position, details, specifikace, task, activity, partida, material, material a prace",
    "number": "item, polozka, c, partida",
    "unit_price": "cena, sazba",
    "unit": "u, j",
    "quantity": "ks, kusu, stk, pocet, pocet ks, pocet kusu, pocet kusov, anzahl, stuckzahl, aantal",
    "total": "cena, castka, suma, netto",
    "code": "activity, task, spec ref",
    "material_price": "material, dodavka, dodavky, supply, lieferung, suministro",
    "assembly_price": "montaz, prace, praca, labour, labor, installation, lohn, montage",
}
"""Headings that mean a part only where nothing better does."""

OF_MATERIAL = {"material", "materialu", "dodavka", "dodavky", "supply", "lieferung", "suministro"}
OF_ASSEMBLY = {"montaz", "montaze", "prace", "praca", "labour", "labor", "lohn", "installation", "montage"}
"""Words that make a unit price that of only the material, or of only putting it in place."""

UNFIT = {
    "hmotnost",
    "sut",
    "nh",
    "normohodiny",
    "dph",
    "vat",
    "mwst",
    "gst",
    "taxes",
    "databaza",
    "index",
    "indexu",
    "tax",
}
"""Words that turn a heading of prices into one of something else."""

ENGLISH = {"quantity", "qty"}
"""Words in the heading of quantities that tell an English table, where a point marks decimals."""

CURRENCIES = {
    **dict.fromkeys(
        ("mnozstvo", "menge", "mengen", "mge", "cantidad", "medicion", "canpres", "quantite", "qte"), "EUR"
    ),
    **dict.fromkeys(("quantita", "hoeveelheid"), "EUR"),
    **dict.fromkeys(("ilosc", "obmiar"), "PLN"),
    "mennyiseg": "HUF",
}
"""What is paid with where a word for quantities is spoken, for tables that name no currency."""

WITHOUT_VAT = (
    *(
        "bez dph",
        "bez dane",
        "zaklad dph",
        "zaklad dane",
        "zaklad pro",
        "excl",
        "excluding",
        "exclusive",
        "ohne",
        "net",
    ),
    *("netto", "without", "bez podatku", "sin iva", "ht", "hors taxes", "iva esclusa"),
)
WITH_VAT = (
    *(
        "s dph",
        "vcetne dph",
        "vc dph",
        "s dani",
        "vcetne dane",
        "vratane dph",
        "incl",
        "inkl",
        "including",
        "inclusive",
    ),
    *("with vat", "brutto", "gross", "con iva", "iva incluido", "iva compresa", "iva inclusa", "ttc", "z podatkiem"),
)
VAT = (
    *("dph", "dan z pridane hodnoty", "dan z pridanej hodnoty", "vat", "value added tax", "mwst", "mehrwertsteuer"),
    *("gst", "ust", "umsatzsteuer", "iva", "tva", "btw", "podatek vat"),
)
TAX_WORDS = {"zzgl", "plus", "add", "at", "sazba", "v", "vyse", "zakladni", "%"}.union(*map(str.split, VAT))
"""Words that a row of a tax is made of, besides its rate."""

SUMS = (
    *("celkem", "soucet", "mezisoucet", "cena bez dph", "cena celkem", "cena s dph", "celkova cena"),
    *(
        "celkom",
        "sucet",
        "medzisucet",
        "spolu",
        "razem",
        "suma",
        "cena celkom",
        "cena spolu",
        "zaklad dph",
        "zaklad dane",
    ),
    *("total", "subtotal", "sub total", "grand total", "net total", "gross total", "netto", "brutto"),
    *("carried to summary", "carried to collection", "carried forward", "to collection", "page total"),
    *("summe", "zwischensumme", "gesamtsumme", "endsumme", "nettosumme", "bruttosumme", "gesamt"),
    *("sous total", "totale", "importe total", "totaal"),
)
"""Words that begin the label of a sum."""

CARRIED = re.compile(
    r"(?:prenos|prevod|preneseno|prevedeno|ubertrag|report|a reporter|riporto)"
    r"(?: (?:z|ze|na|von|auf|de|seite|strana)\b.*)?"
    r"|(?:page total|carried forward|brought forward|suma y sigue|suma anterior)\b.*"
    r"|.*\b(?:strana|strany|stranku|page|seite|pagina|hoja) \d+(?: .*)?"
)
"""The label of what a printed page comes to, or carries to the next: a running sum, and no section's."""

COVERS = {"kryci list", "kryci list soupisu praci", "kryci list rozpoctu"}
FORMS = {
    *COVERS,
    *("soupis praci", "rozpocet", "vykaz vymer", "seznam figur", "zoznam figur"),
    *("rekapitulace stavby", "rekapitulace objektu stavby a soupisu praci", "rekapitulace objektu stavby"),
    *("rekapitulace cleneni soupisu praci", "rekapitulace rozpoctu", "rekapitulace cleneni"),
    *("rekapitulacia stavby", "rekapitulacia objektov stavby", "rekapitulacia rozpoctu"),
}
"""The titles of forms, Czech and Slovak. Each object has some of its own, of which the cover is the first."""

FOLIO = re.compile(
    r"(?i)\W*(?:(?:page|str[aá]nk?a|str|list|seite|p[áa]gina|pg)\W*)?\d+\W*(?:(?:of|z|ze|von|de|/)\W*\d+)?\W*"
)
"""The number of a page."""

SUM_ENDINGS = (" celkem", " celkom", " spolu", " soucet", " total", " gesamt", " razem")
"""Words that end one, where it has an amount."""

PROJECT = {"stavba", "akce", "projekt", "nazev stavby", "project", "project name", "bauvorhaben", "objekt"}
"""Labels of the name of what is built."""


def says(words: str, phrases: tuple[str, ...]) -> bool:
    """Whether folded text contains one of the phrases, as whole words."""
    return any(f" {phrase} " in f" {words} " for phrase in phrases)
