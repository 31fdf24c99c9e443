"""Tables as people really keep them: every oddity from our own generator, read to what it says."""

import io
from collections.abc import Sequence
from decimal import Decimal

import pytest
import xlsxwriter

from domain.bill import Bill
from domain.experts.units import normalised_unit
from tests.workers.workbooks import ods
from workers.readers import read_bill
from workers.readers.unreadable import Unreadable

D = Decimal
Rows = Sequence[Sequence[str | float | None]]
HEADER = ("Kód", "Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
LINES = (
    ("122151103", "Výkop jámy", "m3", 2.5, 10, 25),
    ("274313711", "Beton pasů", "m3", 4, 2000, 8000),
    ("622321121", "Omítka stěn", "m2", 10, 850, 8500),
)


def book(rows: Rows, *, hidden: Sequence[int] = (), titles: Sequence[str] = ()) -> bytes:
    """A workbook; `titles` are merged over the first rows, `hidden` columns are not shown."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as workbook:
        sheet = workbook.add_worksheet("List1")
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(at, column, cell)
                elif cell is not None:
                    sheet.write_number(at, column, cell)
        for at, title in enumerate(titles):
            sheet.merge_range(at, 0, at, len(HEADER) - 1, title)
        for column in hidden:
            sheet.set_column(column, column, None, None, {"hidden": True})
    return out.getvalue()


def said(bill: Bill) -> list[tuple[object, ...]]:
    return [
        (item.code, item.description, item.unit, item.quantity, item.unit_price, item.declared_total)
        for item in bill.items
    ]


READ = [tuple(D(str(cell)) if isinstance(cell, float | int) else cell for cell in line) for line in LINES]


@pytest.mark.parametrize(
    "data",
    [
        ods([HEADER, *LINES]),
        book(
            [
                ("Kód", "Popis položky", "MJ", "Výměra", "Cena", None),
                (None, None, None, None, "jednotková", "celkem"),
                *LINES,
            ]
        ),
        book(
            [
                ("Položka", None, "MJ", "Množství", "Cena (Kč)", None),
                ("Kód", "Popis", None, None, "J.cena", "Celkem"),
                *LINES,
            ]
        ),
        book(
            [*[()] * 7, (None, None, None, "FIRMA a.s."), (), *[(None, None, None, *row) for row in (HEADER, *LINES)]]
        ),
        book([(), (), HEADER, *LINES], titles=("Položkový rozpočet stavby", "Stavba: Dům u lesa")),
        book(
            [
                (*HEADER[:2], "Interní", *HEADER[2:4], "Nákupní cena", *HEADER[4:]),
                *[(*line[:2], "x", *line[2:4], 1, *line[4:]) for line in LINES],
            ],
            hidden=(2, 5),
        ),
        book(
            [
                HEADER,
                ("122151103", "Výkop jámy", "m3", "2,5", "10,00", "25,00 Kč"),
                ("274313711", "Beton pasů", "m3", "4", "2 000,00", "8 000,00 Kč"),
                ("622321121", "Omítka stěn", "m2", "10", "850", "8\u00a0500,00"),
            ]
        ),
    ],
    ids=["ods", "two rows of headings", "groups of headings", "a logo", "merged titles", "hidden columns", "text"],
)
def test_the_same_lines_are_read_however_the_sheet_is_kept(data: bytes) -> None:
    bill = read_bill(data)
    assert said(bill) == READ
    assert (bill.format, bill.skipped) == ("plain", ())


def test_a_table_of_an_old_program_in_its_own_letters() -> None:
    lines = (
        ";".join(HEADER),
        "1;Výkop jámy žlutý;m3;2,5;3 400,00;8 500,00",
        "2;Příčka;m2;10;1\u00a0250,50;12\u00a0505,00",
    )
    bill = read_bill("\r\n".join(lines).encode("cp1250"))
    assert said(bill) == [
        ("1", "Výkop jámy žlutý", "m3", D("2.5"), D(3400), D(8500)),
        ("2", "Příčka", "m2", 10, D("1250.50"), 12505),
    ]


def test_sums_between_items_end_their_sections_and_are_no_items() -> None:
    bill = read_bill(
        book(
            [
                HEADER,
                (None, "Zemní práce"),
                LINES[0],
                (None, "Celkem zemní práce", None, None, None, 25),
                (None, "Základy"),
                LINES[1],
                (None, "Celkem", None, None, None, 8000),
                LINES[2],
                (None, "Celkem bez DPH", None, None, None, 16525),
            ]
        )
    )
    assert said(bill) == READ
    assert [item.section for item in bill.items] == [("List1", "Zemní práce"), ("List1", "Základy"), ("List1",)]
    declared = {section.path: section.declared_total for section in bill.sections}
    assert declared == {("List1",): 16525, ("List1", "Zemní práce"): 25, ("List1", "Základy"): 8000}
    assert bill.declared_total == 16525


def test_deductions_are_lines_with_a_quantity_below_zero() -> None:
    less = ("622321121", "Odpočet otvorů", "m2", -2, 850, -1700)
    bill = read_bill(book([HEADER, *LINES, less, (None, "Celkem", None, None, None, 14825)]))
    assert said(bill)[-1] == ("622321121", "Odpočet otvorů", "m2", -2, 850, -1700)
    assert bill.declared_total == 14825


def test_a_unit_is_the_same_unit_however_it_is_written() -> None:
    units = ("m2", "m²", "M2", "m 2")
    bill = read_bill(book([HEADER, *[(str(at), "Omítka", unit, 1, 1, 1) for at, unit in enumerate(units)]]))
    assert [item.unit for item in bill.items] == list(units)
    assert {normalised_unit(item.unit) for item in bill.items} == {"m2"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (LINES, "Name the columns in one row above the items"),
        (
            [
                ("Rekapitulace stavby",),
                ("Kód", "Popis", "Cena celkem"),
                ("1", "Zemní práce", 25),
                ("2", "Základy", 8000),
                (None, "Celkem bez DPH", 8025),
            ],
            "there is no quantity",
        ),
    ],
    ids=["no headings", "a recapitulation alone"],
)
def test_what_has_no_items_to_be_told_is_refused_with_what_it_lacks(rows: Rows, told: str) -> None:
    with pytest.raises(Unreadable, match=told) as refused:
        read_bill(book(rows))
    assert refused.value.code == "unreadable.no_table"
