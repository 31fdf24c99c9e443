"""Plain tables: the real ones, and what turns up in spreadsheets that people make themselves."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bill import Bill
from domain.position import line_total
from tests.workers.workbooks import Rows, csv, ods, xlsx, xlsx_of
from workers.readers import Unreadable, read_bill

CZECH = ("Poř. č.", "Kód položky", "Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
ROWS: Rows = [
    CZECH,
    ("1", "122151103", "Odkopávka", "m3", 12.5, 100, 1250),
    ("2", "275313611", "Základ", "m3", 2, 3500.5, 7001),
]


def total(bill: Bill) -> Decimal:
    return sum((line_total(item.quantity, item.unit_price) or Decimal(0) for item in bill.items), Decimal(0))


def paths(bill: Bill) -> list[tuple[str, ...]]:
    return [section.path for section in bill.sections]


def test_a_contractors_xls_is_read_with_the_price_that_makes_its_totals(bills: Path) -> None:
    bill = read_bill((bills / "kalkulace_SO201_most_PRICED.xls").read_bytes())
    assert (bill.format, len(bill.items)) == ("plain", 91)
    assert sum(1 for item in bill.items if item.quantity == 0) == 14
    assert total(bill) == sum(item.declared_total or 0 for item in bill.items) == Decimal("8325166.04")
    leaves = [section.declared_total or 0 for section in bill.sections if len(section.path) == 2]
    assert sum(leaves) == Decimal("8325166.04")
    assert {item.code_system for item in bill.items} == {"otskp"}


def test_an_exported_csv_keeps_surcharges_apart_from_items(bills: Path) -> None:
    bill = read_bill((bills / "oce_export.csv").read_bytes())
    assert len(bill.items) == 10
    assert paths(bill) == [("01",), ("02",), ("03",)]
    assert [item.section for item in bill.items] == [("01",)] * 3 + [("02",)] * 4 + [("03",)] * 3
    assert bill.declared_total == Decimal("235269.86")
    assert [row.label for row in bill.surcharges] == ["Site Overhead", "Head Office Overhead", "Profit", "Contingency"]
    assert abs(total(bill) + sum(row.amount for row in bill.surcharges) - Decimal("235269.86")) < Decimal("0.05")


def test_an_indian_bill_with_two_header_rows_is_read(bills: Path) -> None:
    bill = read_bill((bills / "in_insulation_boq.xlsx").read_bytes())
    assert (bill.currency, len(bill.items), bill.priced) == ("INR", 44, 0)
    assert paths(bill)[1:3] == [("Sheet1", "SECTION B"), ("Sheet1", "SECTION B", "1")]
    assert len({section.path: section for section in bill.sections}["Sheet1", "SECTION B", "1"].notes) == 2


@pytest.mark.parametrize("make", [xlsx, ods, csv])
def test_one_table_reads_the_same_from_every_container(make) -> None:  # noqa: ANN001 - three different signatures
    bill = read_bill(make(ROWS))
    assert [(item.number, item.code, item.description, item.unit) for item in bill.items] == [
        ("1", "122151103", "Odkopávka", "m3"),
        ("2", "275313611", "Základ", "m3"),
    ]
    assert [(item.quantity, item.unit_price, item.declared_total) for item in bill.items] == [
        (Decimal("12.5"), 100, 1250),
        (2, Decimal("3500.5"), 7001),
    ]
    assert [item.line for item in bill.items] == [2, 3]


def test_a_table_may_begin_anywhere() -> None:
    bill = read_bill(xlsx([("Rozpočet chaty",), (), *ROWS], first_row=40, first_column=5))
    assert [item.line for item in bill.items] == [44, 45]
    assert bill.title == "Rozpočet chaty"


@pytest.mark.parametrize(
    ("header", "currency"),
    [
        (("Pos.", "Kurztext", "ME", "Menge", "EP [EUR]", "GP [EUR]"), "EUR"),
        (("Item No.", "Description of work", "Unit", "Qty", "Rate (£)", "Amount (£)"), "GBP"),
        (("Lp.", "Opis", "Jm.", "Ilość", "Cena jedn. [zł]", "Wartość [zł]"), "PLN"),
        (("P.č.", "Název položky", "Měrná jednotka", "Výměra", "Cena / MJ (Kč)", "Celkem (Kč)"), "CZK"),
        (("Č.", "Popis položky", "M.j.", "Množstvo", "Jednotková cena (€)", "Cena spolu (€)"), "EUR"),
    ],
)
def test_headings_are_understood_in_several_languages(header: tuple[str, ...], currency: str) -> None:
    bill = read_bill(xlsx([header, ("1", "Aushub", "m3", 2, 3, 6)]))
    item = bill.items[0]
    assert (item.number, item.description, item.unit, item.quantity, item.unit_price) == ("1", "Aushub", "m3", 2, 3)
    assert bill.currency == currency


def test_headings_in_two_rows_are_joined() -> None:
    rows = [
        ("Č.", "Popis", "MJ", "Množství", "Cena", None),
        (None, None, None, None, "jednotková", "celkem"),
        ("1", "Výkop", "m3", 3, 4, 12),
    ]
    item = read_bill(xlsx(rows)).items[0]
    assert (item.unit_price, item.declared_total, item.line) == (4, 12, 3)


def test_sections_sums_and_repeated_headings_are_no_items() -> None:
    rows = [
        CZECH,
        ("1", "2", "3", "4", "5", "6", "7"),
        (None, None, "Zemní práce"),
        ("1", "122151103", "Odkopávka", "m3", 10, 10, 100),
        ("2", "174151101", "Zásyp", "m3", 10, 5, 50),
        (None, None, "Celkem Zemní práce", None, None, None, 150),
        CZECH,
        (None, None, "Základy"),
        ("3", "275313611", "Beton", "m3", 1, 1000, 1000),
        (None, None, "Celkem Základy", None, None, None, 1000),
        (None, None, "Cena celkem bez DPH", None, None, None, 1150),
        (None, None, "DPH 21 %", None, None, None, 241.5),
        (None, None, "Cena celkem s DPH", None, None, None, 1391.5),
        (None, None, "Ceny platí do konce roku."),
    ]
    bill = read_bill(csv(rows, delimiter=";"))
    assert [item.number for item in bill.items] == ["1", "2", "3"]
    assert [(section.path, section.declared_total) for section in bill.sections] == [
        (("Zemní práce",), 150),
        (("Základy",), 1000),
    ]
    assert (bill.declared_total, bill.declared_total_with_vat) == (1150, Decimal("1391.5"))
    assert [(stated.kind, stated.amount, stated.rate, stated.line) for stated in bill.totals] == [
        ("vat", Decimal("241.5"), 21, 12),
        ("net", 1150, None, 11),
        ("gross", Decimal("1391.5"), None, 13),
    ]
    assert [row.line for row in bill.skipped] == [2, 7, 14]


def test_a_lump_sum_without_unit_and_quantity_stays_visible_as_an_item() -> None:
    rows = [*ROWS, ("3", "VRN", "Zařízení staveniště", None, None, None, 5000), ("4", "1", "Úklid", "kpl", 1, 10, 10)]
    lump = next(item for item in read_bill(xlsx(rows)).items if item.number == "3")
    assert (lump.quantity, lump.unit, lump.declared_total) == (None, "", 5000)


def test_a_heading_numbered_like_items_stays_one_when_its_amount_is_their_sum() -> None:
    rows = [*ROWS, ("3", None, "Zásypy", None, None, None, 10), ("4", "175151101", "Obsyp", "m3", 1, 10, 10)]
    bill = read_bill(xlsx(rows))
    assert [item.number for item in bill.items] == ["1", "2", "4"]
    assert bill.sections[-1].declared_total == 10


def test_an_item_that_lost_unit_and_quantity_is_still_an_item() -> None:
    rows = [*ROWS, ("3", "174151101", "Zásyp"), ("4", "175151101", "Obsyp", "m3", 1, 10, 10)]
    assert [item.number for item in read_bill(xlsx(rows)).items] == ["1", "2", "3", "4"]


def test_explanations_below_items_are_their_notes_and_measurements_their_takeoff() -> None:
    rows = [
        CZECH,
        ("1", "122151103", "Odkopávka", "m3", 6, 10, 60),
        (None, None, "včetně naložení a odvozu"),
        (None, None, "2*3", None, 6),
        ("2", "174151101", "Zásyp", "m3", 4, 5, 20),
        (None, None, "hutněný po vrstvách"),
    ]
    first, second = read_bill(xlsx(rows)).items
    assert (first.notes, second.notes) == (("včetně naložení a odvozu",), ("hutněný po vrstvách",))
    assert [(row.expression, row.value, row.line) for row in first.takeoff] == [("2*3", 6, 4)]


def test_numbered_headings_nest_by_their_numbers() -> None:
    header = ("Pos.", "Description", "Unit", "Quantity", "Unit price", "Total")
    rows = [
        header,
        ("1", "Earthworks"),
        ("1.1", "Excavation"),
        ("1.1.1", "Topsoil", "m2", 10, 1, 10),
        ("1.2", "Filling"),
        ("1.2.1", "Gravel", "m3", 2, 20, 40),
        ("2", "Concrete"),
        ("2.1.1", "Footing", "m3", 3, 100, 300),
    ]
    bill = read_bill(csv(rows, delimiter=","))
    assert paths(bill) == [("1",), ("1", "1.1"), ("1", "1.2"), ("2",)]
    assert [item.section for item in bill.items] == [("1", "1.1"), ("1", "1.2"), ("2",)]


def test_hidden_sheets_and_sheets_without_a_table_are_named() -> None:
    bill = read_bill(xlsx_of({"Rozpočet": ROWS, "Vzor": ROWS, "Text": [("Průvodní zpráva",)]}, hidden=["Vzor"]))
    assert len(bill.items) == 2
    assert any("'Vzor'" in warning for warning in bill.warnings)
    assert any("'Text'" in warning for warning in bill.warnings)


def test_columns_that_are_not_read_are_named() -> None:
    rows = [(*row, extra) for row, extra in zip(ROWS, ("Dodavatel", "A", "B"), strict=True)]
    assert any("Dodavatel" in warning for warning in read_bill(xlsx(rows)).warnings)


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=2).filter(lambda amount: amount > 0)


@given(
    numbers=st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=8),
    delimiter=st.sampled_from(";\t|,"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1250"]),
    mark=st.sampled_from([",", "."]),
    grouped=st.booleans(),
)
def test_any_dialect_of_csv_reads_the_same(
    numbers: list[tuple[Decimal, Decimal]],
    delimiter: str,
    encoding: str,
    mark: Literal[",", "."],
    grouped: bool,
) -> None:
    def written(amount: Decimal) -> str:
        point = f"{amount:,.2f}" if grouped else f"{amount:.2f}"
        return point if mark == "." else point.translate(str.maketrans(",.", " ,"))

    rows = [
        CZECH,
        *(
            (str(at), "122151103", f'Příčka "A"; {delimiter} č. {at}', "m²", written(quantity), written(price), "")
            for at, (quantity, price) in enumerate(numbers, 1)
        ),
    ]
    if encoding == "cp1250":
        rows = [tuple(cell.replace("²", "2") for cell in row) for row in rows]
    bill = read_bill(csv(rows, delimiter=delimiter, encoding=encoding))
    assert [(item.quantity, item.unit_price) for item in bill.items] == numbers
    assert bill.items[0].description == f'Příčka "A"; {delimiter} č. 1'


CELLS = st.sampled_from(
    ["", "", "1", "2.1", "HSV", "122151103", "Výkop", "hutněný po vrstvách", "x" * 80, "m3", "dle PD"]
)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS, st.sampled_from(["", "7", "0,5"]), CELLS), max_size=12))
def test_no_row_is_dropped_in_silence(rows: list[tuple[str, ...]]) -> None:
    written = [CZECH, *ROWS[1:], *[row for row in rows if any(row)]]
    bill = read_bill(csv(written))
    lines = [
        *(item.line for item in bill.items),
        *(row.line for item in bill.items for row in item.takeoff),
        *(section.line for section in bill.sections),
        *(row.line for row in [*bill.surcharges, *bill.skipped, *bill.totals]),
    ]
    assert len(set(lines)) == len(lines)
    told = msgspec.json.encode(bill).decode()
    sums = {section.declared_total for section in bill.sections}
    for line, row in enumerate(written[1:], 2):
        amounts = {Decimal(cell.replace(",", ".")) for cell in row[5:] if cell in {"1", "2.1", "7", "0,5"}}
        # what is in no list is a note, the name of the item below it, or the sum of a section
        assert line in lines or all(cell in told for cell in row[:4]) or amounts & sums


@given(st.text(max_size=400), st.sampled_from(["utf-8", "utf-16"]))
def test_any_text_below_a_header_is_read_or_refused(body: str, encoding: str) -> None:
    head = ";".join(CZECH)
    read_or_refused(f"{head}\n1;1;Výkop;m3;1;2;2\n{body}".encode(encoding, "ignore"))


def read_or_refused(data: bytes) -> None:
    """Fail on anything but a bill with items, or a refusal with words."""
    refusal: Unreadable | None = None
    items = 0
    try:
        items = len(read_bill(data).items)
    except Unreadable as error:
        refusal = error
    assert items or (refusal and refusal.detail)
