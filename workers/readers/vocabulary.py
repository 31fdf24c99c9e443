"""The words of plain tables, folded (see `cells.label`), in Czech, Slovak, English, German, Polish and others."""

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
    "descrizione, omschrijving, megnevezes",
    "quantity": "mnozstvi, vymera, pocet, pocet mj, mnozstvi celkem, mnozstvo, quantity, qty, total qty, "
    "total quantity, menge, mengen, ilosc, obmiar, quantite, qte, cantidad, medicion, quantita, hoeveelheid, "
    "aantal, mennyiseg",
    "unit": "mj, m j, merna jednotka, jednotka, jedn, unit, units, uom, u m, einheit, me, eh, mengeneinheit, jm, j m, "
    "unite, ud, uds, unidad, u m misura, unita di misura, eenheid, egyseg",
    "unit_price": "j cena, jedn cena, jednotkova cena, jc, cena mj, cena za mj, cena jednotkova, cena za jednotku, "
    "unit price, unit rate, unit cost, rate, price, einheitspreis, ep, e preis, preis, cena jedn, cena jednostkowa, "
    "p u, pu, prix unitaire, precio, precio unitario, prezzo, prezzo unitario, eenheidsprijs, prijs, egysegar",
    "total": "cena celkem, celkem, celkova cena, cena celkom, spolu, celkom, total, total price, total amount, "
    "total cost, amount, value, line total, gesamtpreis, gp, gesamtbetrag, betrag, gesamt, summe, wartosc, "
    "naklady celkem, montant, prix total, importe, importo, totaal, bedrag, osszesen",
    "number": "pc, p c, por c, poradove cislo, poradi, por cislo, c pol, c polozky, cislo, cp, poz, lp, no, nr, "
    "number, item no, item number, s no, sl no, sr no, ref, pos, position, pos nr, oz, ordnungszahl, lfd nr, "
    "pol, c p, n, ssz",
    "code": "kod, kod polozky, cislo polozky, code, item code, dsr code, artikel nr, artikelnummer, podstawa, codigo, "
    "codice, kod cinnosti",
    "material_price": "j material, material jedn, dodavka jedn, unit rate supply, supply rate, material rate, "
    "materialpreis",
    "assembly_price": "j montaz, montaz jedn, unit rate e c, installation rate, labour rate, labor rate, lohnpreis",
    "price_system": "cenova soustava, cen soustava, cen soustava platnost, soustava, cenik, cenova sustava",
    "category": "kategorie, typ polozky, druh, category, classification, trade, gewerk",
    "vat": "dph, sazba dph, dph %, vat, vat %, vat rate, mwst, mwst %, ust",
    "note": "poznamka, poznamky, note, notes, remark, remarks, comment, comments, bemerkung, bemerkungen, uwagi",
}
"""Headings of each part. One that goes on after such a word fits less well."""

WEAK_HEADINGS: dict[Part, str] = {
    "description": "item, polozka, position",
    "number": "item, polozka, c",
    "unit_price": "cena",
    "unit": "u",
    "total": "cena",
}
"""Headings that mean a part only where nothing better does."""

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

WITHOUT_VAT = ("bez dph", "excl", "excluding", "ohne", "net", "netto", "without")
WITH_VAT = ("s dph", "vcetne dph", "vc dph", "incl", "inkl", "including", "with vat", "brutto", "gross")
VAT = ("dph", "vat", "mwst", "gst", "ust")

SUMS = (
    *("celkem", "soucet", "mezisoucet", "cena bez dph", "cena celkem", "cena s dph", "celkova cena"),
    *("celkom", "sucet", "medzisucet", "spolu", "razem", "suma"),
    *("total", "subtotal", "sub total", "grand total", "net total", "gross total", "netto", "brutto"),
    *("carried to summary", "carried to collection", "carried forward", "to collection", "page total"),
    *("summe", "zwischensumme", "gesamtsumme", "endsumme", "nettosumme", "bruttosumme", "gesamt"),
    *("ubertrag", "sous total", "totale", "importe total", "totaal"),
)
"""Words that begin the label of a sum."""

SUM_ENDINGS = (" celkem", " celkom", " spolu", " soucet", " total", " gesamt", " razem")
"""Words that end one, where it has an amount."""

PROJECT = {"stavba", "akce", "projekt", "nazev stavby", "project", "project name", "bauvorhaben", "objekt"}
"""Labels of the name of what is built."""


def says(words: str, phrases: tuple[str, ...]) -> bool:
    """Whether folded text contains one of the phrases, as whole words."""
    return any(f" {phrase} " in f" {words} " for phrase in phrases)
