"""RTS, Aspe and EstiCon: the real workbooks, and the same layouts made here."""

from decimal import Decimal
from pathlib import Path

import pytest

from domain.bill import Bill, BillItem, Rounding
from domain.position import line_total
from tests.workers.layouts import RTS_HEADER, aspe, rts, rts_front, rts_part
from tests.workers.test_readers_kros_extras import COVER, TABLE
from tests.workers.workbooks import Rows, xlsx_of
from workers.readers import read_bill
from workers.readers.draft import ItemDraft

D = Decimal
ASPE = "=ROUND(ROUND(H{row},2)*ROUND(G{row},3),2)"
ESTICON = "=ROUND(G{row}*H{row},$P$1)"


def total(bill: Bill) -> Decimal:
    return sum((line_total(item.quantity, item.unit_price, bill.rounding) or D(0) for item in bill.items), D(0))


def test_the_real_rts_workbook_is_read_whole(bills: Path) -> None:
    bill = read_bill((bills / "rtsrozp_hala_na_sul_rozmital_blank.xlsx").read_bytes())
    assert (bill.format, bill.confidence, bill.variant, bill.currency) == ("rts", 100, "#RTSROZP#", "CZK")
    assert bill.title == "Demolice a následná novostavba haly na sůl Rožmitál pod Třemšínem"
    per_part = {path: [item for item in bill.items if item.section[:2] == path] for path in PARTS}
    assert {path: len(items) for path, items in per_part.items()} == PARTS
    assert (len(bill.items), bill.priced, bill.declared_total) == (210, 0, None)
    assert sum(1 for section in bill.sections if section.kind == "section") == 30
    assert sum(1 for item in bill.items if item.kind == "material") == 46
    assert {item.vat_rate for item in bill.items} == {21}
    assert all(item.unit for item in bill.items)


PARTS = {("SO01", "01"): 47, ("SO02", "01"): 63, ("SO02", "02"): 88, ("SO03", "01"): 12}


def test_the_real_esticon_workbook_is_read_whole(bills: Path) -> None:
    bill = read_bill((bills / "esticon_D6_SO202_blank.xlsx").read_bytes())
    assert (bill.format, bill.confidence, bill.title) == ("esticon", 97, "D6 Karlovy Vary-Olšová Vrata")
    assert (len(bill.items), bill.priced, bill.declared_total) == (106, 0, None)
    assert [section.path for section in bill.sections[:3]] == [
        ("SO 202",),
        ("SO 202", "202"),
        ("SO 202", "202", "0"),
    ]
    assert sum(1 for section in bill.sections if section.kind == "section") == 10
    assert {item.code_system for item in bill.items} == {"otskp"}
    assert {item.price_system for item in bill.items} == {"OTSKP 2025"}
    first = bill.items[0]
    assert (first.code, first.quantity, first.unit) == ("014101", D("1020.341"), "M3")
    assert [row.value for row in first.takeoff] == [D("118.768"), D("901.573"), D("1020.341")]
    assert [item.code for item in bill.items[2:4]] == ["12373.kn", "12373.pvh"]


@pytest.mark.parametrize("front", [True, False])
def test_an_rts_workbook_gives_items_takeoff_and_totals(front: bool) -> None:
    bill = read_bill(rts(front=front))
    assert (bill.format, bill.confidence, bill.title) == ("rts", 100 if front else 95, "Sklad u trati")
    assert total(bill) == bill.declared_total == 3111
    assert bill.declared_total_with_vat == (D("3764.31") if front else None)
    assert [(stated.kind, stated.amount, stated.rate, stated.base, stated.line) for stated in bill.totals] == (
        [
            ("vat", D("653.31"), 21, 3111, 6),
            ("rounding", 0, None, None, 7),
            ("net", 3111, None, None, 8),
            ("gross", D("3764.31"), None, None, 9),
        ]
        if front
        else []
    )
    work, material = bill.items[:2]
    assert (work.section, work.kind, work.vat_rate, work.unit_mass) == (("SO01", "01", "1"), "work", 21, D("0.5"))
    assert work.notes == ("Odvoz do 5 km.",)
    assert [(row.expression, row.value) for row in work.takeoff] == [("pas : 5,002*2,5", None), ("12,505", D("12.505"))]
    assert (material.kind, material.section, material.unit_price) == ("material", ("SO01", "01", "21-M"), D("30.5"))
    declared = {section.path: section.declared_total for section in bill.sections}
    assert declared == {
        ("SO01",): None,
        **{("SO01", part): D("1555.5") for part in ("01", "02")},
        **{("SO01", part, "1"): D("1250.5") for part in ("01", "02")},
        **{("SO01", part, "21-M"): 305 for part in ("01", "02")},
    }


def test_rts_columns_may_stand_in_any_order_and_the_marker_may_be_gone() -> None:
    order = [2, 0, 1, 6, 4, 5, 3, *range(7, len(RTS_HEADER))]
    rows = rts_part("SO 9", "1", above=20)
    shuffled = [
        [*(row[at] if at < len(row) else None for at in order), *row[len(order) :]] if len(row) > 6 else row
        for row in rows
    ]
    del shuffled[20]
    bill = read_bill(xlsx_of({"List1": shuffled}))
    assert (bill.format, bill.confidence, total(bill)) == ("rts", 95, D("1555.5"))
    assert [(item.code, item.unit, item.line) for item in bill.items] == [("132151253", "m3", 28), ("345-R", "m", 33)]


def test_what_rts_does_not_need_is_told() -> None:
    workbook = {"Stavba": rts_front(1), "Pokyny": [["Vyplňte ceny."]], "A": rts_part("SO01", "01")}
    bill = read_bill(xlsx_of(workbook))
    assert bill.warnings == ("Sheets without a table of items were not read: 'Pokyny'.",)
    assert [(row.sheet, row.line) for row in bill.skipped] == [("Stavba", 11), ("A", 15), ("A", 17)]


def test_aspe_rounds_the_factors_of_its_lines() -> None:
    bill = read_bill(aspe(ASPE))
    assert (bill.format, bill.variant, bill.rounding) == ("aspe", "SŽDC05", Rounding(total=2, quantity=3, unit_price=2))
    assert total(bill) == bill.declared_total == D("42.13")
    first, second = bill.items
    assert (first.code, first.section, second.section) == (
        "17411.a",
        ("SO 202", "202", "1"),
        ("SO 202", "202", "2"),
    )
    assert first.notes == ("se zhutněním", "Položka zahrnuje přesun.")
    assert [(row.value, row.kind) for row in (*first.takeoff, *second.takeoff)] == [
        (D("2.410"), "row"),
        (D("3.000"), "total"),
    ]
    assert [(section.path[-1], section.kind, section.declared_total) for section in bill.sections] == [
        ("SO 202", "object", None),
        ("202", "object", None),
        ("1", "section", D("30.13")),
        ("2", "section", 12),
    ]


@pytest.mark.parametrize(("decimals", "rounding"), [(0, 0), (1, 1), (2, 2)])
def test_esticon_keeps_its_decimals_in_a_cell(decimals: int, rounding: int) -> None:
    bill = read_bill(aspe(ESTICON, program="EstiCon", decimals=decimals))
    assert (bill.format, bill.rounding) == ("esticon", Rounding(total=rounding))


@pytest.mark.parametrize(
    "formula",
    ["=G{row}*H{row}", "=ROUND(G{row}*I{row},2)", "=ROUND(G{row}*H{row},P99)", "=ROUND(G{row}*H{row},P5)", "=SUM(A1)"],
)
def test_formulas_of_another_kind_tell_nothing(formula: str) -> None:
    assert read_bill(aspe(formula)).rounding == Rounding()


def test_formulas_that_were_never_computed_leave_no_totals() -> None:
    bill = read_bill(aspe(ASPE, cached=False))
    assert [item.declared_total for item in bill.items] == [None, None]
    assert total(bill) == D("42.13")


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_sheets_saved_as_text_keep_their_layout(delimiter: str) -> None:
    def text(rows: Rows) -> bytes:
        lines = (delimiter.join("" if cell is None else f'"{cell}"' for cell in row) for row in rows)
        return "\n".join(line.rstrip(delimiter) for line in lines).encode()

    bill = read_bill(text(rts_part("SO01", "01")))
    assert (bill.format, len(bill.items), total(bill)) == ("rts", 2, D("1555.5"))
    bill = read_bill(text([*COVER, *TABLE]))
    assert (bill.format, len(bill.items), total(bill)) == ("kros", 1, 106)
    assert [section.path for section in bill.sections] == [("SO 01",), ("SO 01", "HSV")]


def test_a_row_of_many_thousand_columns_costs_no_memory() -> None:
    rows = ["Popis;MJ;Množství;Cena", "Výkop;m3;1;2", ";" * 200_000, *["Zásyp;m3;1;2"] * 2000]
    assert len(read_bill("\n".join(rows).encode()).items) == 2001


def test_a_draft_has_the_fields_of_an_item_in_their_order() -> None:
    assert ItemDraft.__struct_fields__ == BillItem.__struct_fields__
