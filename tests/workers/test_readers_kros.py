"""KROS workbooks: the real ones, our own, and what people do to them before they send them."""

import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openpyxl.worksheet.worksheet import Worksheet

from domain.bill import Bill, BillItem
from domain.position import line_total
from tests.workers.workbooks import KROS_HEADER, Rows, xlsx, xlsx_of
from workers.readers import read_bill
from workers.sample_bill import sample_bill


def total(bill: Bill) -> Decimal:
    return sum((line_total(item.quantity, item.unit_price) or Decimal(0) for item in bill.items), Decimal(0))


def edited(content: bytes, edit: str) -> bytes:
    """Change a sample by hand, as its values; cached results of formulas stay as numbers."""
    workbook = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    for sheet in workbook.worksheets[1:]:
        _EDITS[edit](sheet)
    if edit == "sheets copied out":
        workbook.remove(workbook.worksheets[0])
    changed = io.BytesIO()
    workbook.save(changed)
    return changed.getvalue()


def insert_columns_and_rows(sheet: Worksheet) -> None:
    sheet.insert_cols(1, 2)
    sheet.insert_rows(1, 30)


def leave_as_is(_: Worksheet) -> None:
    pass


def delete_hidden_columns(sheet: Worksheet) -> None:
    sheet.delete_cols(40, 20)


_EDITS = {
    "moved": insert_columns_and_rows,
    "hidden columns deleted": delete_hidden_columns,
    "sheets copied out": leave_as_is,
}


def without_lines(items: tuple[BillItem, ...]) -> list[BillItem]:
    return [replace(item, line=0, takeoff=tuple(replace(row, line=0) for row in item.takeoff)) for item in items]


def test_rd_valcha_adds_up_to_the_cent(bills: Path) -> None:
    bill = read_bill((bills / "kros_rd_valcha_PRICED.xlsx").read_bytes())
    assert (bill.format, bill.confidence, bill.currency, bill.title) == ("kros", 100, "CZK", "RD Valcha SO1+ SO2")
    assert len(bill.items) == 298
    assert total(bill) == bill.declared_total == Decimal("8205797.76")
    assert bill.declared_total_with_vat == Decimal("9929015.29")
    assert {item.vat_rate for item in bill.items} == {Decimal(21)}
    assert {row.reason.partition(":")[0] for row in bill.skipped} == {
        "an item that uses the figure F0005",
        "an item that uses the figure F0007",
    }
    assert bill.warnings == ()


def test_rd_valcha_keeps_its_structure(bills: Path) -> None:
    bill = read_bill((bills / "kros_rd_valcha_PRICED.xlsx").read_bytes())
    objects = {section.path: section.declared_total for section in bill.sections if len(section.path) == 1}
    assert len(objects) == 5
    assert sum(objects.values(), Decimal(0)) == bill.declared_total
    item = bill.items[3]
    assert (item.number, item.code, item.section, item.line) == ("4", "162251102", ("SO 1", "HSV", "1"), 142)
    assert [(row.line, row.kind, row.value) for row in item.takeoff] == [
        (143, "row", Decimal("20.16")),
        (144, "row", Decimal("22.4928")),
        (145, "total", Decimal("42.6528")),
    ]
    assert sum(len(item.notes) for item in bill.items) == 5


def test_every_leaf_section_of_rd_valcha_is_the_sum_of_its_items(bills: Path) -> None:
    bill = read_bill((bills / "kros_rd_valcha_PRICED.xlsx").read_bytes())
    sums: dict[tuple[str, ...], Decimal] = {}
    for item in bill.items:
        sums[item.section] = sums.get(item.section, Decimal(0)) + (item.declared_total or Decimal(0))
    assert sums == {section.path: section.declared_total for section in bill.sections if section.path in sums}


def test_material_and_assembly_make_the_unit_price(bills: Path) -> None:
    bill = read_bill((bills / "kros_daliborova_material_montaz_PRICED.xlsx").read_bytes())
    assert len(bill.items) == 72
    assert total(bill) == bill.declared_total == Decimal("2538613.68")
    first = bill.items[0]
    assert (first.material_price, first.assembly_price, first.unit_price) == (142, 271, 413)
    assert all(item.notes for item in bill.items)


def test_a_blank_sheet_copied_out_has_no_prices_at_all(bills: Path) -> None:
    bill = read_bill((bills / "kros_so202_most_d6_single_sheet_blank.xlsx").read_bytes())
    assert (bill.confidence, len(bill.items), bill.priced) == (95, 99, 0)
    assert {(item.unit_price, item.declared_total) for item in bill.items} == {(None, None)}
    assert bill.declared_total is None
    assert {section.declared_total for section in bill.sections} == {None}
    assert any("no prices" in warning for warning in bill.warnings)
    assert [item.code for item in bill.items if item.code_system != "otskp"] == [
        "02742R",
        "226940R",
        "9112A1R",
        "917225R",
    ]


@pytest.mark.parametrize("edit", _EDITS)
def test_edited_workbooks_read_the_same(edit: str) -> None:
    content = sample_bill(items=60, seed=3)
    whole, bill = read_bill(content), read_bill(edited(content, edit))
    assert without_lines(bill.items) == without_lines(whole.items)
    assert [section.path for section in bill.sections] == [section.path for section in whole.sections]
    assert bill.declared_total == whole.declared_total
    assert bill.declared_total_with_vat == whole.declared_total_with_vat


def test_lines_are_the_rows_that_a_spreadsheet_program_shows() -> None:
    content = edited(sample_bill(items=30), "moved")
    sheets = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    for item in read_bill(content).items:
        row = [str(cell.value) for cell in sheets[item.sheet][item.line]]
        assert item.code in row
        for takeoff in item.takeoff:
            assert takeoff.expression in [cell.value for cell in sheets[item.sheet][takeoff.line]]


def test_codes_nest_sections_where_the_hidden_levels_are_gone() -> None:
    assert [section.path for section in read_bill(xlsx(TABLE, sheet="SO 1 - Dům")).sections] == [
        ("SO 1",),
        ("SO 1", "1"),
        ("SO 1", "HSV"),
        ("SO 1", "HSV", "2"),
        ("SO 1", "VRN"),
        ("SO 1", "VRN", "VRN3"),
    ]


TABLE: Rows = [
    KROS_HEADER,
    (None, "D", "1", "Zemní práce", None, None, None, 30),
    ("1", "K", "122151103", "Odkopávka", "m3", 3, 10, 30),
    (None, "PP", None, "Odkopávka strojem"),
    (None, "VV", None, '"jáma"  1*3', None, 3),
    (None, "VV", None, "Mezisoučet", None, 3),
    (None, "VV", None, "Součet", None, 3),
    (None, "D", "HSV", "Stavební výroba", None, None, None, 8),
    (None, "P", None, "Poznámka k oddílu"),
    (None, "D", "2", "Základy", None, None, None, 8),
    ("2", "M", "58337302", "štěrk", "t", 2, 4, 8),
    (None, "D", "VRN", "Vedlejší náklady", None, None, None, 0),
    (None, "D", "VRN3", "Zařízení staveniště", None, None, None, 0),
]


def test_rows_gather_under_their_item_or_section() -> None:
    bill = read_bill(xlsx(TABLE))
    first, second = bill.items
    assert first.notes == ("Odkopávka strojem",)
    assert [(row.kind, row.line) for row in first.takeoff] == [("row", 5), ("subtotal", 6), ("total", 7)]
    assert (second.kind, second.code_system, second.section) == ("material", "urs", ("Sheet1", "HSV", "2"))
    assert {section.path[-1]: section.notes for section in bill.sections}["HSV"] == ("Poznámka k oddílu",)


def test_rows_of_no_known_kind_are_skipped_with_a_reason() -> None:
    rows = [
        KROS_HEADER,
        (None, "VV", None, "2*3", None, 6),
        ("1", "K", "1", "Práce", "m", 1, 2, 2),
        (None, "ZZ", None, "něco jiného"),
        (None, None, None, "poznámka rozpočtáře"),
        (None, "P", None, None),
    ]
    bill = read_bill(xlsx(rows))
    assert [(skipped.line, skipped.reason) for skipped in bill.skipped] == [
        (2, "a takeoff row that follows no item"),
        (4, "a row of unknown type 'ZZ': něco jiného"),
        (5, "a row without a type: poznámka rozpočtáře"),
        (6, "an empty note"),
    ]


KINDS = st.sampled_from(["D", "K", "M", "PP", "PSC", "P", "VV", "Online PSC", "ZZ", ""])


@given(
    st.lists(st.tuples(KINDS, st.sampled_from(["", "1", "HSV", "122151103"]), st.sampled_from(["", "2*3", "Výkop"])))
)
def test_no_row_is_dropped_in_silence(drawn: list[tuple[str, str, str]]) -> None:
    rows = [(None, *row) for row in drawn if any(row)]
    bill = read_bill(xlsx([KROS_HEADER, ("1", "K", "1", "Výkop", "m3", 1, 2, 2), *rows]))
    lines = [
        *(item.line for item in bill.items),
        *(row.line for item in bill.items for row in item.takeoff),
        *(section.line for section in bill.sections if len(section.path) > 1),
        *(row.line for row in bill.skipped),
    ]
    notes = [note for part in [*bill.items, *bill.sections] for note in part.notes]
    assert len(set(lines)) == len(lines)
    assert len(lines) + len(notes) == len(rows) + 1


def test_a_slovak_export_in_euro_is_understood() -> None:
    header = ("PČ", "Typ", "Kód", "Popis", "MJ", "Množstvo", "J.cena [EUR]", "Cena celkom [EUR]")
    bill = read_bill(xlsx([header, ("1", "K", "1", "Výkop", "m3", 2.5, 10.1, 25.25)]))
    assert (bill.format, bill.currency, total(bill)) == ("kros", "EUR", Decimal("25.25"))


def test_objects_below_objects_make_longer_paths() -> None:
    rows = [
        ("Stavba:", "Silnice"),
        ("Objekt:",),
        (None, "SO 01 - Most"),
        ("Soupis:",),
        (None, "02 - Spodní stavba"),
        KROS_HEADER,
        (None, "D", "2", "Základy", None, None, None, 5),
        ("1", "K", "272325", "Základ", "m3", 1, 5, 5),
    ]
    bill = read_bill(xlsx(rows))
    assert bill.title == "Silnice"
    assert [(section.path, section.title) for section in bill.sections] == [
        (("SO 01",), "Most"),
        (("SO 01", "02"), "Spodní stavba"),
        (("SO 01", "02", "2"), "Základy"),
    ]


def test_sections_of_one_code_stay_apart() -> None:
    rows = [
        KROS_HEADER,
        (None, "D", "1", "Zemní práce", None, None, None, 2),
        ("1", "K", "1", "Výkop", "m3", 1, 2, 2),
        (None, "D", "1", "Zemní práce", None, None, None, 3),
        ("2", "K", "1", "Výkop", "m3", 1, 3, 3),
    ]
    bill = read_bill(xlsx_of({"A": rows}))
    assert [item.section for item in bill.items] == [("A", "1"), ("A", "1 (2)")]


def test_a_cell_that_should_be_a_number_is_none_and_a_warning() -> None:
    bill = read_bill(xlsx([KROS_HEADER, ("1", "K", "1", "Výkop", "m3", "dle PD", 2, 2)]))
    assert bill.items[0].quantity is None
    assert any("row 2" in warning and "'dle PD'" in warning for warning in bill.warnings)


def test_vat_is_read_by_name_from_the_cover_or_as_a_number() -> None:
    rows = [
        (None, "Základ daně", "Sazba daně", "Výše daně"),
        ("snížená", 0, 0.12, 0),
        (*KROS_HEADER, "DPH"),
        ("1", "K", "1", "Výkop", "m3", 1, 2, 2, None, "snížená"),
        ("2", "K", "2", "Zásyp", "m3", 1, 2, 2, None, 21),
        ("3", "K", "3", "Odvoz", "m3", 1, 2, 2, None, 0.21),
    ]
    assert [item.vat_rate for item in read_bill(xlsx(rows)).items] == [12, 21, 21]
