"""What other programs write into workbooks, and the library below stumbles over or leaves out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.biff import xls
from tests.workers.workbooks import KROS_HEADER, Rows, archive, ods, parts_of, xlsx
from workers.readers import Unreadable, read_bill
from workers.readers.biff import renumbered
from workers.readers.package import Package

D = Decimal
HEADER = ("Kód", "Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
ROWS: Rows = [HEADER, ("122151103", "Výkop", "m3", 2.5, 10, 25), ("174101101", "Zásyp", "m3", 1, 2, 2)]
FACTS = [("122151103", D("2.5"), D(10), D(25)), ("174101101", D(1), D(2), D(2))]


def facts(data: bytes) -> list[tuple[object, ...]]:
    return [(i.code, i.quantity, i.unit_price, i.declared_total) for i in read_bill(data).items]


@pytest.mark.parametrize("number", [0, 4, 27, 36, 50, 52, 58, 164])
def test_a_format_of_any_number_leaves_numbers_numbers(number: int) -> None:
    assert facts(xls(ROWS, {number: "#,##0.000"} if number > 22 else None)) == FACTS


def test_a_large_workbook_of_the_older_kind_is_renumbered_whole() -> None:
    many = [(f"{at:09}", "Výkop pro základy", "m3", 2.5, 10.0, 25.0) for at in range(60_000)]
    bill = read_bill(xls([HEADER, *many], {50: "#,##0.00", 51: "0.000"}))
    assert len(bill.items) == len(many)
    assert {(i.quantity, i.declared_total) for i in bill.items} == {(D("2.5"), D(25))}


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=8))
def test_a_broken_workbook_of_the_older_kind_stays_as_it_is_or_is_renumbered(at: int, noise: bytes) -> None:
    data = bytearray(xls(ROWS, {50: "#,##0.00"}))
    data[at : at + len(noise)] = noise
    assert len(renumbered(bytes(data))) == len(data)


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#SPILL!", "#CALC!", "#HODNOTA!", "#DĚLENÍ_NULOU!", "Err:502"])
def test_an_error_in_a_cell_is_told_and_harms_nothing_else(error: str) -> None:
    parts = parts_of(xlsx(ROWS))
    sheet = parts["xl/worksheets/sheet1.xml"]
    cell = f'<c r="F3" t="e"><f>1/0</f><v>{error}</v></c>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'<c r="F3"><v>2</v></c>', cell.encode())
    bill = read_bill(archive(parts))
    assert [i.declared_total for i in bill.items] == [D(25), None]
    assert any(f"row 3: Cena celkem {error!r} is not a number" in warning for warning in bill.warnings)


def test_opendocument_that_is_indented_for_people_is_read() -> None:
    parts = parts_of(ods(ROWS))
    indented = parts["content.xml"].replace(b"><table:", b">\n    <table:").replace(b"><text:p", b">\n   <text:p")
    assert indented.count(b"\n") > 20
    assert facts(archive({**parts, "content.xml": indented.replace(b"></table:", b">\n  </table:")})) == FACTS


def test_breaks_in_texts_of_opendocument_part_words() -> None:
    parts = parts_of(ods([HEADER, ("122151103", "Výkop LINEpro základyTABA", "m3", 2.5, 10, 25)]))
    content = parts["content.xml"].replace(b" LINE", b"<text:line-break/>").replace(b"TAB", b"<text:tab/>")
    (item,) = read_bill(archive({**parts, "content.xml": content})).items
    assert item.description.split() == ["Výkop", "pro", "základy", "A"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "_x000d_\n"])
def test_lines_of_a_note_end_alike_whatever_program_wrote_them(end: str) -> None:
    rows: Rows = [
        ("Export Komplet",),
        KROS_HEADER,
        (None, "D", "1", "Zemní práce"),
        ("1", "K", "122151103", "Výkop", "m3", 2.5, 10, 25, "CS ÚRS 2026 01"),
        (None, "P", None, f"Poznámka:{end}na dvou řádcích"),
    ]
    (item,) = read_bill(xlsx(rows)).items
    assert item.notes == ("Poznámka:\nna dvou řádcích",)


@pytest.mark.parametrize("broken", [b"</table:tabl>", b"</table:table%>", b""])
def test_opendocument_whose_tags_do_not_match_is_refused_at_once(broken: bytes) -> None:
    parts = parts_of(ods(ROWS))
    content = parts["content.xml"].replace(b"</table:table>", broken)
    with pytest.raises(Unreadable) as caught:
        read_bill(archive({**parts, "content.xml": content}))
    assert "'content.xml' is no well-formed XML" in caught.value.detail


def test_parts_of_binary_workbooks_are_handed_on_as_they_are() -> None:
    sheet = bytes(range(256)) * 4 + b't="e"'
    ready = Package(archive({"xl/workbook.bin": b"", "xl/worksheets/sheet1.bin": sheet})).ready()
    assert parts_of(ready)["xl/worksheets/sheet1.bin"] == sheet
