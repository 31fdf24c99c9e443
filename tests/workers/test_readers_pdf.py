"""PDF: the real one, ours with and without drawn lines, in any order of the file, over pages; and scans."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
import typst

from domain.bill import Bill, BillItem
from tests.workers.papers import HEADINGS, Text, pdf, scrambled, table
from workers.parsing import parse
from workers.readers import Unreadable, pdf_pages, read_bill
from workers.sample_bill import sample_bill

LONG = "Excavation in soil of class 3, by machine, with the soil\nthrown up to three metres"
ROWS = [
    ("1", "122151103", LONG, "m3", "1,250.500", "12.35", "15,443.68"),
    ("2", "174101101", "Backfill", "m3", "2.5", "10.00", "25.00"),
    ("3", "274313611", "Strip footings of plain\nconcrete C 16/20", "m3", "4", "2,500.00", "10,000.00"),
]
TITLE: Text = (40, 50, "Bill of the storage hall")


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_bill(data)
    return caught.value


def facts(items: tuple[BillItem, ...]) -> list[tuple[object, ...]]:
    return [(i.number, i.code, i.description, i.unit, i.quantity, i.unit_price, i.declared_total) for i in items]


EXPECTED = [
    (row[0], row[1], row[2].replace("\n", " "), row[3], *(Decimal(cell.replace(",", "")) for cell in row[4:]))
    for row in ROWS
]


def test_the_real_bill(bills: Path) -> None:
    bill = read_bill((bills / "en_ubs_hyderabad_boq.pdf").read_bytes())
    assert (bill.format, bill.variant, len(bill.items), bill.priced) == ("pdf", "4 pages", 25, 0)
    assert [int(found.quantity or 0) for found in bill.items] == [
        *(1242, 379, 3356, 45, 1021, 310, 330, 10, 108, 98, 14, 289, 536, 364, 69),
        *(56, 5, 531, 2, 21, 2, 183, 142, 5, 5),
    ]
    assert [(found.number, found.unit, found.sheet) for found in bill.items[:6]] == [
        *(("a", "Sqm", "1"), ("b", "Sqm", "1"), ("c", "Sqm", "1")),
        *(("e", "Sqm", "2"), ("", "Sqm", "2"), ("a", "Rmt", "3")),
    ]
    first = bill.items[0].description
    assert first.startswith("Supply and installation of acoustic lining with in SUPPLY 1st 18meter")
    assert first.endswith("No additional payment will be made for insulating flanges and coupling etc.")


@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_table_reads_the_same_in_whatever_order_the_file_has_it(ruled: bool, seed: int) -> None:
    texts, rules = table([HEADINGS, *ROWS], ruled=ruled)
    bill = read_bill(pdf([(scrambled([TITLE, *texts], seed), rules)]))
    assert facts(bill.items) == EXPECTED
    assert (bill.title, bill.confidence) == ("Bill of the storage hall", 75)
    assert {found.sheet for found in bill.items} == {"1"}
    assert [found.line for found in bill.items] == [3, 5, 6]


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("ruled", [True, False])
def test_turned_pages_read_like_upright_ones(turn: int, ruled: bool) -> None:
    texts, rules = table([HEADINGS, *ROWS], ruled=ruled)
    assert facts(read_bill(pdf([(texts, rules)], turn=turn)).items) == EXPECTED


@pytest.mark.parametrize("ruled", [True, False])
def test_pages_go_on_with_or_without_headings(ruled: bool) -> None:
    head: list[Text] = [(40, 60, "Page head of the firm")]
    pages = [
        table([HEADINGS, ROWS[0]], ruled=ruled),
        table([HEADINGS, ROWS[1]], ruled=ruled),
        table([ROWS[2]], ruled=ruled),
    ]
    foot = [(280, 780, f"Page {number} of 3") for number in (1, 2, 3)]
    bill = read_bill(pdf([(head * (at < 2) + texts + [foot[at]], rules) for at, (texts, rules) in enumerate(pages)]))
    assert facts(bill.items) == EXPECTED
    assert [found.sheet for found in bill.items] == ["1", "2", "3"]
    reasons = [(skipped.sheet, skipped.reason) for skipped in bill.skipped]
    assert ("2", "above or in the headings again: Page head of the firm") in reasons
    for number in (1, 2, 3):
        assert (str(number), f"the foot of the page: Page {number} of 3") in reasons


@pytest.mark.parametrize("ruled", [True, False])
def test_rows_that_are_alike_on_every_page_are_no_feet(ruled: bool) -> None:
    rows = [(str(at), f"12215{at:04}", "Excavation", "m3", "2.5", "10.00", "25.00") for at in range(1, 41)]
    bill = read_bill(pdf([table([HEADINGS, *rows[at : at + 10]], ruled=ruled) for at in range(0, 40, 10)]))
    assert [found.number for found in bill.items] == [row[0] for row in rows]


def test_headings_of_two_lines_are_one() -> None:
    two = ("No.", "Code", "Description", "Unit", "Quantity", "Unit\nprice", "Total\n[EUR]")
    texts, rules = table([two, *ROWS])
    more, _ = table([two, *ROWS[:1]])
    bill = read_bill(pdf([([TITLE, *texts], rules), (more, [])]))
    assert facts(bill.items) == [*EXPECTED, EXPECTED[0]]
    assert bill.currency == "EUR"


def test_a_unit_below_a_heading_belongs_to_it_and_takeoff_goes_on_over_pages() -> None:
    two = ("No.", "Code", "Description", "Unit", "Quantity", "Unit price", "Total\n[EUR]")
    first, _ = table([two, ROWS[1], ("", "", "2*1,0", "", "2.0", "", "")])
    second, _ = table([two, ("", "", "0,5", "", "0.5", "", ""), ROWS[2]])
    bill = read_bill(pdf([(first, []), (second, [])]))
    assert facts(bill.items) == EXPECTED[1:]
    assert [(row.expression, row.value) for row in bill.items[0].takeoff] == [
        ("2*1,0", Decimal("2.0")),
        ("0,5", Decimal("0.5")),
    ]
    assert {(each.sheet, each.reason) for each in bill.skipped} == {
        ("2", "above or in the headings again: No. Code Description Unit Quantity Unit price Total"),
        ("2", "above or in the headings again: [EUR]"),
    }


def test_totals_and_headings_between_items_are_told_apart() -> None:
    rows = [("1", "", "EARTHWORKS", "", "", "", ""), *ROWS[:2], ("", "", "Total", "", "", "", "15,468.68")]
    bill = read_bill(pdf([table([HEADINGS, *rows], ruled=True)]))
    assert facts(bill.items) == EXPECTED[:2]
    assert [section.title for section in bill.sections] == ["EARTHWORKS"]
    assert (bill.sections[0].sheet, bill.sections[0].line) == ("1", 2)
    assert bill.declared_total == Decimal("15468.68")


def test_pages_before_the_table_are_listed() -> None:
    cover: list[Text] = [(100, 300, "Tender of the storage hall in the north"), (100, 320, "Second line of it")]
    bill = read_bill(pdf([(cover, []), table([HEADINGS, *ROWS])]))
    assert facts(bill.items) == EXPECTED
    assert bill.items[0].sheet == "2"
    assert ("1", "before the table: Second line of it") in [(each.sheet, each.reason) for each in bill.skipped]


def test_scans_need_recognition() -> None:
    scanned = refusal(pdf([([(40, 40, "ab")], [])] + [([], [])] * 4, pictures=True))
    assert scanned.code == "unreadable.needs_ocr"
    assert "5 pages hold 5 pictures and 2 characters" in scanned.detail
    assert refusal(pdf([([], [])])).code == "unreadable.needs_ocr"


def test_a_letter_has_no_table() -> None:
    lines: list[Text] = [(40, 100 + 12 * at, "Dear all, please find the bill attached.") for at in range(9)]
    found = refusal(pdf([(lines, [])]))
    assert found.code == "unreadable.no_table"
    assert "1 pages" in found.detail


def test_an_empty_form_is_empty() -> None:
    texts, rules = table([HEADINGS], ruled=True)
    assert refusal(pdf([([TITLE, *texts], rules)])).code == "unreadable.empty"


def test_broken_and_endless_documents_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3").code == "unreadable.malformed"
    monkeypatch.setattr(pdf_pages, "MOST_PAGES", 2)
    assert refusal(pdf([([], [])] * 3)).code == "unreadable.too_large"


def printed(bill: Bill) -> bytes:
    """The bill as its program prints it: no lines between the rows, headings on every page, folios below."""
    titles = {part.path: part for part in bill.sections}
    rows: list[tuple[object, ...]] = []
    section: tuple[str, ...] = ()
    for found in bill.items:
        if found.section != section:
            section = found.section
            rows.append(("", "D", section[-1], titles[section].title, "", "", "", titles[section].declared_total))
        numbers = (found.quantity, found.unit_price, found.declared_total)
        rows.append((found.number, "K", found.code, found.description, found.unit, *numbers))
        rows += [("", "VV", "", row.expression, "", row.value, "", "") for row in found.takeoff]
    heads = ("PČ", "Typ", "Kód", "Popis", "MJ", "Množství", "J.cena [CZK]", "Cena celkem [CZK]")
    cells = [_shown(cell) for row in rows for cell in row]
    return typst.compile(
        '#set page(paper: "a4", margin: 12mm, footer: context [Strana #counter(page).display() z 9])\n'
        f"#set text(size: 7pt)\nStavba: Dům\n#table(columns: (20pt, 20pt, 50pt, 1fr, 25pt, 50pt, 55pt, 65pt), "
        "stroke: none, align: (right, left, left, left, left, right, right, right), "
        f"table.header({','.join(map(_shown, heads))}), {','.join(cells)})".encode()
    )


def _shown(cell: object) -> str:
    written = f"{cell:,}".translate(str.maketrans(",.", " ,")) if isinstance(cell, Decimal) else str(cell or "")
    return json.dumps(written, ensure_ascii=False)


def test_a_printed_bill_equals_its_workbook() -> None:
    whole = read_bill(sample_bill(items=60, seed=4))
    bill = read_bill(printed(whole))
    assert facts(bill.items) == facts(whole.items)
    assert [(row.expression, row.value) for i in bill.items for row in i.takeoff] == [
        (row.expression, row.value) for i in whole.items for row in i.takeoff
    ]
    assert (bill.title, bill.currency, bill.confidence) == ("Dům", "CZK", 85)
    assert bill.variant.startswith("kros without recapitulation, ")
    assert int(bill.items[-1].sheet) > 2


async def test_a_child_reads_what_the_reader_reads() -> None:
    texts, rules = table([HEADINGS, *ROWS], ruled=True)
    data = pdf([(texts, rules)])
    assert await parse(data) == read_bill(data)


def test_headings_that_nearly_touch_are_parted_by_the_line_between_them() -> None:
    columns = (40.0, 140.0, 165.0, 196.5, 245.0, 285.0)
    rows = [
        ("Bezeichnung", "ME", "Menge", "Einzelpreis", "Gesamt"),
        ("Aushub", "m3", "2", "10,50", "21,00"),
        ("Beton", "m3", "3", "100", "300,00"),
    ]
    texts: list[Text] = [
        (columns[at] + 3, 100 + 16 * line, cell) for line, row in enumerate(rows) for at, cell in enumerate(row)
    ]
    across = [(40.0, 88 + 16.0 * line, 245.0, 0.5) for line in range(4)]
    bill = read_bill(pdf([(texts, [*across, *((left, 88.0, 0.5, 48.0) for left in columns)])]))
    assert [(item.description, item.quantity, item.unit_price, item.declared_total) for item in bill.items] == [
        ("Aushub", 2, Decimal("10.5"), 21),
        ("Beton", 3, 100, 300),
    ]
