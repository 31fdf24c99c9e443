"""What a KROS export holds besides its items: stated totals with their places, taxes, measures, lists of figures."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.workers.workbooks import KROS_HEADER, Formula, Rows, csv, xlsx, xlsx_of
from workers.readers import read_bill

D = Decimal
COVER: Rows = [
    (None, None, None, "KRYCÍ LIST SOUPISU PRACÍ"),
    (None, None, None, "Stavba:"),
    (None, None, None, None, "Sklad u trati"),
    (None, None, None, "Objekt:"),
    (None, None, None, None, "SO 01 - Hala"),
    (None, None, None, "Místo:", None, None, None, None, "Datum:", "27. 5. 2026"),
    (None, None, None, "Cena bez DPH", None, None, None, None, None, 106),
    (None, None, None, None, None, "Základ daně", None, None, "Sazba daně", "Výše daně"),
    (None, None, None, None, "základní", 106, None, None, 0.21, 22.26),
    (None, None, None, None, "snížená", 0, None, None, 0.12, 0),
    (None, None, None, "Cena s DPH", None, None, "v", "CZK", None, 128.26),
]
SPLIT = (
    *("PČ", "Typ", "Kód", "Popis", "MJ", "Množství", "J. materiál [CZK]", "J. montáž [CZK]", "Cena celkem [CZK]"),
    *("Cenová soustava", "DPH", "J. Nh [h]", "Nh celkem [h]", "J. hmotnost [t]", "Hmotnost celkem [t]", "J. suť [t]"),
)
TABLE: Rows = [
    SPLIT,
    (None, "D", "HSV", "Práce a dodávky HSV", None, None, None, None, 106),
    ("1", "K", "611341321", "Omítka", "m2", 2, 20.5, 32.5, 106, "CS ÚRS 2026 01", "základní", 0.42, 0.84, 0.011),
    (None, "VV", None, '"stěny"  1*2', None, 2),
    (None, "VV", None, "Součet", None, 2),
]
FIGURES: Rows = [
    (None, None, "SEZNAM FIGUR"),
    (None, None, "Kód:", "19-26"),
    (None, None, "Kód", "Popis", "MJ", "Výměra"),
    (None, None, "SO 01", "Hala"),
    (None, None, "F1", "Plocha stěn", "m2", 12.5),
    (None, None, None, "5*2,5", None, 12.5),
    (None, None, "Použití figury:"),
    (None, None, "611341321", "Omítka", "m2", 2),
    (None, None, "F2", "Obvod", "m", 4),
]


def test_stated_totals_and_taxes_have_their_places() -> None:
    bill = read_bill(xlsx_of({"SO 01 - Hala": [*COVER, *TABLE]}))
    assert (bill.title, bill.dated, bill.variant) == ("Sklad u trati", date(2026, 5, 27), "without recapitulation")
    assert [(stated.kind, stated.amount, stated.rate, stated.base, stated.line) for stated in bill.totals] == [
        ("net", 106, None, None, 7),
        ("vat", D("22.26"), 21, 106, 9),
        ("gross", D("128.26"), None, None, 11),
    ]
    assert {stated.path for stated in bill.totals} == {("SO 01",)}
    assert [(section.path, section.kind) for section in bill.sections] == [
        (("SO 01",), "object"),
        (("SO 01", "HSV"), "section"),
    ]


def test_each_rate_states_what_is_taxed_and_what_the_buyer_taxes_states_nothing() -> None:
    cover = [
        *COVER[:8],
        (None, None, None, None, "základní", 100, None, None, "21 %", 0),
        (None, None, None, None, "snížená", 50, None, None, 0.12, 6),
        (None, None, None, None, "zákl. přenesená", 30, None, None, 0.21, 0),
        (None, None, None, None, "nulová", 7, None, None, 0, 0),
    ]
    bill = read_bill(xlsx_of({"SO 01 - Hala": [*cover, *TABLE]}))
    stated = [(each.label, each.amount, each.rate, each.base) for each in bill.totals if each.kind == "vat"]
    assert stated == [("zakladni", 0, 21, 100), ("snizena", 6, 12, 50), ("nulova", 0, 0, 7)]


def test_the_real_recapitulation_and_its_objects_state_the_same(bills: Path) -> None:
    bill = read_bill((bills / "kros_rd_valcha_PRICED.xlsx").read_bytes())
    for kind, whole in (("net", D("8205797.76")), ("vat", D("1723217.53")), ("gross", D("9929015.29"))):
        stated = [total for total in bill.totals if total.kind == kind]
        assert [total.amount for total in stated if not total.path] == [whole]
        assert abs(sum(total.amount for total in stated if total.path) - whole) <= D("0.01")
    assert [(figure.code, figure.path, figure.value) for figure in bill.figures[:2]] == [
        ("F0001", ("SO 1",), D("100.8")),
        ("F0001_1", ("SO 1",), 0),
    ]
    assert len(bill.figures) == 10
    assert all(len(figure.takeoff) == 1 for figure in bill.figures)


def test_material_and_assembly_make_the_unit_price_and_measures_are_kept() -> None:
    item = read_bill(xlsx_of({"List": [*COVER, *TABLE]})).items[0]
    assert (item.material_price, item.assembly_price, item.unit_price) == (D("20.5"), D("32.5"), 53)
    assert (item.unit_hours, item.unit_mass, item.unit_debris) == (D("0.42"), D("0.011"), None)
    assert (item.price_system, item.vat_rate) == ("CS ÚRS 2026 01", 21)
    assert [(row.kind, row.value) for row in item.takeoff] == [("row", 2), ("total", 2)]


def test_figures_gather_their_takeoff_and_their_uses_are_told() -> None:
    bill = read_bill(xlsx_of({"List": [*COVER, *TABLE], "Seznam figur": FIGURES}))
    first, second = bill.figures
    assert (first.code, first.description, first.unit, first.value, first.path) == (
        "F1",
        "Plocha stěn",
        "m2",
        D("12.5"),
        ("SO 01",),
    )
    assert [(row.expression, row.value, row.line) for row in first.takeoff] == [("5*2,5", D("12.5"), 6)]
    assert (second.code, second.takeoff, second.line) == ("F2", (), 9)
    assert [(row.line, row.reason) for row in bill.skipped] == [(8, "an item that uses the figure F1: 611341321")]


def test_sheets_that_hold_no_table_are_named() -> None:
    bill = read_bill(xlsx_of({"List": [*COVER, *TABLE], "Pokyny": [("Vyplňte žlutá pole.",)]}))
    assert bill.warnings == ("Sheets without a table of items were not read: 'Pokyny'.",)


def test_formulas_count_by_what_was_computed() -> None:
    rows: Rows = [
        KROS_HEADER,
        (None, "D", "1", "Zemní práce", None, None, None, Formula("=SUM(H3)", 30)),
        ("1", "K", "122151103", "Odkopávka", "m3", 3, 10, Formula("=ROUND(G3*F3,2)", 30)),
    ]
    bill = read_bill(xlsx_of({"List": rows}))
    assert (bill.items[0].declared_total, bill.sections[-1].declared_total) == (30, 30)


def test_a_row_added_without_a_type_is_an_item_where_it_is_whole() -> None:
    added = [
        (9, None, "X1", "Ručně přidaná", "kpl", 2, 500, 1000),
        (None, None, None, "jen text"),
        (10, "k", "X2", "Malým písmenem", "ks", 1, 5, 5),
    ]
    bill = read_bill(xlsx([KROS_HEADER, (1, "K", "1", "Výkop", "m3", 2, 10, 20), *added]))
    assert [(item.code, item.quantity, item.declared_total) for item in bill.items] == [
        ("1", 2, 20),
        ("X1", 2, 1000),
        ("X2", 1, 5),
    ]
    assert "Sheet 'Sheet1', row 3 has no type and is read as an item." in bill.warnings
    assert [(row.line, row.reason) for row in bill.skipped] == [(4, "a row without a type: jen text")]


def test_prices_are_found_under_new_names() -> None:
    header = (*KROS_HEADER[:6], "Jednotková cena", "Cena celkem bez DPH")
    bill = read_bill(xlsx([header, (1, "K", "1", "Výkop", "m3", 2, 10, 20)]))
    assert (bill.format, bill.items[0].unit_price, bill.items[0].declared_total) == ("kros", 10, 20)


def test_amounts_on_a_cover_may_be_texts() -> None:
    rows = [
        ("Cena bez DPH", None, "1 020,50"),
        ("Cena s DPH", "v", "CZK", "1 234,81"),
        KROS_HEADER,
        ("1", "K", "1", "Výkop", "m3", "2", "510,25", "1 020,50"),
    ]
    bill = read_bill(csv(rows))
    assert (bill.format, bill.declared_total, bill.declared_total_with_vat) == (
        "kros",
        Decimal("1020.5"),
        Decimal("1234.81"),
    )
