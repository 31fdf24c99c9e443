"""Tables that people make themselves: in many languages and encodings, and with their columns anywhere."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bill import Bill, Rounding
from domain.position import line_total
from tests.workers.layouts import building
from tests.workers.workbooks import Formula, Rows, csv, ods, xlsx
from workers.readers import read_bill
from workers.readers.draft import BillDraft, ItemDraft

D = Decimal
GERMAN: Rows = [
    ("LV Neubau Halle",),
    ("Pos.", "Kurztext", "Menge", "ME", "EP in EUR", "GP in EUR"),
    ("01", "Erdarbeiten"),
    ("01.0010", "Oberboden abtragen", "1.250,50", "m²", "4,20", "5.252,10"),
    ("01.0020", "Aushub für Sohle", "300,000", "m³", "12,50", "3.750,00"),
    (None, "Summe Erdarbeiten", None, None, None, "9.002,10"),
    ("02", "Beton"),
    ("02.0010", "C25/30 Fundament", "12,000", "m³", "210,00", "2.520,00"),
    (None, "Summe Beton", None, None, None, "2.520,00"),
    (None, "Nettosumme", None, None, None, "11.522,10"),
    (None, "zzgl. 19 % MwSt.", None, None, None, "2.189,20"),
    (None, "Gesamtsumme brutto", None, None, None, "13.711,30"),
]
ENGLISH: Rows = [
    ("Item", "Description", "Unit", "Qty", "Rate", "Amount (£)"),
    ("A", "SUBSTRUCTURE"),
    ("A1", "Excavate to reduce levels", "m3", 1250.5, 4.2, 5252.1),
    ("A2", "Disposal off site", "m3", 300, 12.5, 3750),
    (None, "Carried to summary", None, None, None, 9002.1),
    ("B", "SUPERSTRUCTURE"),
    ("B1", "Concrete", "m3", 2, 100, 200),
    (None, "Carried to summary", None, None, None, 200),
    (None, "Total", None, None, None, 9202.1),
    (None, "VAT 20%", None, None, None, 1840.42),
    (None, "Grand Total", None, None, None, 11042.52),
]


def total(bill: Bill) -> Decimal:
    return sum((line_total(item.quantity, item.unit_price, bill.rounding) or D(0) for item in bill.items), D(0))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_a_german_bill_reads_the_same_in_every_encoding(encoding: str, delimiter: str) -> None:
    bill = read_bill(csv(GERMAN, encoding=encoding, delimiter=delimiter))
    assert [(item.number, item.quantity, item.unit, item.unit_price, item.declared_total) for item in bill.items] == [
        ("01.0010", D("1250.50"), "m²", D("4.20"), D("5252.10")),
        ("01.0020", 300, "m³", D("12.50"), 3750),
        ("02.0010", 12, "m³", 210, 2520),
    ]
    assert bill.items[1].description == "Aushub für Sohle"
    assert (bill.currency, bill.declared_total, bill.declared_total_with_vat) == ("EUR", D("11522.10"), D("13711.30"))
    assert [(section.path, section.declared_total) for section in bill.sections] == [
        (("01",), D("9002.10")),
        (("02",), 2520),
    ]
    assert [(stated.kind, stated.rate) for stated in bill.totals] == [("vat", 19), ("net", None), ("gross", None)]


@pytest.mark.parametrize("make", [xlsx, ods, csv])
def test_an_english_bill_carries_its_sums_to_a_summary(make: Any) -> None:
    bill = read_bill(make(ENGLISH))
    assert [item.number for item in bill.items] == ["A1", "A2", "B1"]
    assert (bill.currency, bill.declared_total, bill.declared_total_with_vat) == ("GBP", D("9202.1"), D("11042.52"))
    assert [section.declared_total for section in bill.sections if len(section.path) > 0][-2:] == [D("9002.1"), 200]


def test_czech_words_in_windows_1250_keep_their_letters() -> None:
    rows = [("P.č.", "Popis", "MJ", "Výměra", "J. cena"), ("1", "Výkop š. 600 mm, příplatek", "m3", "8 500,00", "12,5")]
    item = read_bill(csv(rows, encoding="cp1250")).items[0]
    assert (item.description, item.quantity) == ("Výkop š. 600 mm, příplatek", 8500)


def test_a_few_broken_bytes_leave_the_rest_readable() -> None:
    whole = csv([("Popis", "MJ", "Množství", "Cena"), ("Výkop", "m3", 1, 2), ("Zásyp X", "m3", 1, 2)])
    bill = read_bill(whole.replace(b"X", b"\xff"))
    assert [item.description for item in bill.items] == ["Výkop", "Zásyp \ufffd"]


def test_text_that_was_cut_short_is_read_as_far_as_it_goes() -> None:
    whole = csv([("Popis", "MJ", "Množství", "Cena"), ("Výkop", "m3", 1, 2), ("Zásyp", "m3", 1, 2)], encoding="utf-16")
    assert len(read_bill(whole[:-5]).items) == 2


@pytest.mark.parametrize(
    "header",
    [
        ("N°", "Désignation", "U", "Quantité", "P.U. HT", "Total HT"),
        ("Nr.", "Descrizione", "U.M.", "Quantità", "Prezzo unitario", "Importo"),
        ("Pol.", "Název", "Jednotka", "Počet", "Cena za jednotku", "Cena"),
        ("Ssz.", "Megnevezés", "Egység", "Mennyiség", "Egységár", "Összesen"),
        ("Nr", "Omschrijving", "Eenheid", "Hoeveelheid", "Eenheidsprijs", "Totaal"),
        ("No.", "Descripción", "Ud", "Cantidad", "Precio", "Importe"),
    ],
)
def test_headings_of_neighbours_are_understood(header: tuple[str, ...]) -> None:
    item = read_bill(csv([header, ("1", "A", "m3", "1 250,50", "4,20", "5 252,10")])).items[0]
    assert (item.number, item.description, item.unit) == ("1", "A", "m3")
    assert (item.quantity, item.unit_price, item.declared_total) == (D("1250.50"), D("4.20"), D("5252.10"))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8 500,00", 8500),
        ("8\u00a0500,00", 8500),
        ("8\u202f500,00", 8500),
        ("8.500,00", 8500),
        ("8'500.00", 8500),
        ("8\u2019500.00", 8500),
        ("8,500.00", 8500),
        ("4,32,075.00", 432075),
        ("1.234.567,89", D("1234567.89")),
        ("8500,- Kč", 8500),
    ],
)
def test_thousands_are_separated_by_anything(written: str, value: Decimal) -> None:
    rows = [("Popis", "MJ", "Množství", "Cena"), ("Výkop", "m3", 1, written)]
    assert read_bill(xlsx(rows)).items[0].unit_price == value


def test_a_building_budget_has_two_rows_of_headings() -> None:
    bill = read_bill(xlsx(building(), sheet="Rozpočet"))
    assert (bill.format, bill.variant, bill.title) == ("rts", "Stavební rozpočet", "Sklad u trati")
    assert total(bill) == bill.declared_total == D("1555.5")
    assert [(item.code, item.code_system, item.line) for item in bill.items] == [
        ("132201101R00", "rts", 8),
        ("631312611R00", "rts", 11),
    ]
    assert [(row.expression, row.value) for row in bill.items[0].takeoff] == [("5,002*2,5", D("12.505"))]
    assert [section.declared_total for section in bill.sections] == [D("1555.5"), D("1250.5"), 305]


def test_formulas_that_nobody_computed_state_no_totals() -> None:
    rows: Rows = [
        ("Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem"),
        *(("Výkop", "m3", 2, at, Formula(f"=C{at}*D{at}", 0)) for at in range(2, 5)),
        ("Celkem bez DPH", None, None, None, Formula("=SUM(E2:E4)", 0)),
    ]
    bill = read_bill(xlsx(rows))
    assert (total(bill), bill.declared_total, bill.totals) == (18, None, ())
    assert {item.declared_total for item in bill.items} == {None}
    assert any("never computed" in warning for warning in bill.warnings)


def test_totals_that_were_never_computed_are_told_where_nothing_stands_for_them() -> None:
    header = ("Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
    rows: Rows = [header, *(("Výkop", "m3", 2.5, 10, Formula(f"=C{at}*D{at}")) for at in (2, 3, 4))]
    bill = read_bill(xlsx(rows))
    assert [item.declared_total for item in bill.items] == [None, None, None]
    assert any("never computed" in warning for warning in bill.warnings)
    blank = read_bill(xlsx([header[:4], ("Výkop", "m3", 2.5, 10), ("Zásyp", "m3", 1, 2)]))
    assert not any("never computed" in warning for warning in blank.warnings)


def test_a_table_rounds_as_its_formula_does() -> None:
    rows: Rows = [
        ("Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem"),
        ("Výkop", "m3", 2.5, 1.3, Formula("=ROUND(C2*D2,0)", 3)),
    ]
    assert read_bill(xlsx(rows)).rounding == Rounding(total=0)


def test_rounding_shows_in_many_line_totals_and_not_in_a_few_slips() -> None:
    def table(lines: int) -> bytes:
        header = ("Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
        return csv([header, *((f"Práce {at}", "m", "1,25", at, round(1.25 * at + 1e-9)) for at in range(1, lines))])

    assert read_bill(table(20)).rounding == Rounding(total=0)
    assert read_bill(table(5)).rounding == Rounding()


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=12),
    st.sampled_from((0, 1, 2, 3, 4)),
    st.integers(0, 2),
)
def test_a_rounding_is_inferred_where_all_line_totals_agree_with_it_and_several_not_with_cents(
    factors: list[tuple[int, int]], decimals: int, slips: int
) -> None:
    lines = [(D(quantity).scaleb(-3), D(price).scaleb(-2)) for quantity, price in factors]
    stated = [line_total(*line, decimals) or D(0) for line in lines]
    stated[:slips] = [total + D("1.01") for total in stated[:slips]]
    draft = BillDraft("plain", 80)
    draft.items = [
        ItemDraft(quantity=quantity, unit_price=price, declared_total=total)
        for (quantity, price), total in zip(lines, stated, strict=True)
    ]
    seen = [(line, total) for line, total in zip(lines, stated, strict=True) if total]
    off = sum(line_total(*line) != total for line, total in seen)
    fitting = [each for each in (0, 1, 3, 4) if all(line_total(*line, each) == total for line, total in seen)]
    found = draft.finish().rounding.total
    assert found in fitting if off >= 5 and fitting else found == 2


COLUMNS = ("P.č.", "Kód položky", "Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
LINES = [
    ("1", "122151103", "Odkopávka", "m3", 12.5, 100, 1250),
    ("2", "275313611", "Základ", "m3", 2, 3500.5, 7001),
    ("3", "998011001", "Přesun hmot", "t", 1.2, 10, 12),
]


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations(range(len(COLUMNS))),
    above=st.integers(0, 60),
    extra=st.sampled_from(["", "Poznámka", "Hmotnost celkem", "Dodavatel"]),
    gaps=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    subtotal=st.booleans(),
    make=st.sampled_from([xlsx, ods, csv]),
)
def test_columns_rows_and_sums_may_stand_anywhere(
    *, order: list[int], above: int, extra: str, gaps: list[int], subtotal: bool, make: Any
) -> None:
    def arranged(row: tuple[Any, ...]) -> list[Any]:
        return [row[at] if at < len(row) else None for at in order]

    rows: list[list[Any]] = [[] for _ in range(above)]
    rows.append([*arranged(COLUMNS), extra] if extra else arranged(COLUMNS))
    for line, gap in zip(LINES, gaps, strict=True):
        rows.append(arranged(line))
        rows.extend([] for _ in range(gap))
        if subtotal and line[0] == "2":
            rows.append(arranged((None, None, "Mezisoučet", None, None, None, 8251)))
    rows.append(arranged((None, None, "Celkem bez DPH", None, None, None, 8263)))
    bill = read_bill(make(rows))
    assert [
        (item.number, item.code, item.description, item.unit, item.quantity, item.unit_price, item.declared_total)
        for item in bill.items
    ] == [tuple(D(str(cell)) if isinstance(cell, int | float) else cell for cell in line) for line in LINES]
    assert bill.declared_total == 8263
