"""FIEBDC-3: the real files worked out by hand, percentages, measurements, encodings, and trees that make no sense."""

from decimal import Decimal
from pathlib import Path

import pytest

from domain.bill import Bill
from domain.position import line_total
from tests.workers.documents import bc3
from workers.readers import Unreadable, read_bill
from workers.readers import bc3 as reader


def total(bill: Bill) -> Decimal:
    return sum((line_total(i.quantity, i.unit_price) or Decimal(0) for i in bill.items), Decimal(0))


def test_the_real_minimal_file(bills: Path) -> None:
    bill = read_bill((bills / "disid_minimal.bc3").read_bytes())
    assert (bill.format, bill.confidence, bill.currency, bill.title) == ("bc3", 100, "EUR", "Root concept")
    assert [(i.number, i.code, i.quantity, i.unit_price, i.section) for i in bill.items] == [
        ("1.1", "A01", 10, 10, ("01",)),
        ("1.2", "B01", 20, Decimal("2.4"), ("01",)),
        ("2.1", "A01", 10, 10, ("02",)),
        ("2.2", "B01", 20, Decimal("2.4"), ("02",)),
        ("3.1", "C01", 1, 0, ("03",)),
    ]
    assert total(bill) == 296
    assert bill.declared_total == Decimal("1000400.48")
    assert [part.declared_total for part in bill.sections] == [148, Decimal("500250.23"), 5]
    assert [(row.expression, row.value, row.kind) for row in bill.items[0].takeoff] == [
        ('"Line A01 1" 1*2', 2, "row"),
        ("Subtotal", None, "subtotal"),
        ('"Line A01 2" 2*2*2', 8, "row"),
        ("Subtotal", None, "subtotal"),
        ("Subtotal", None, "total"),
    ]
    assert {found.vat_rate for found in bill.items} == {21}
    assert any("overheads of 13 %" in warning for warning in bill.warnings)


def test_the_real_chain_of_percentages_comes_to_the_price(bills: Path) -> None:
    bill = read_bill((bills / "ruesma_percent_chain_excerpt.bc3").read_bytes())
    (item,) = bill.items
    assert (item.code, item.quantity, item.unit, item.unit_price) == ("43.15", 1, "u", Decimal("81.55"))
    assert item.declared_total == total(bill) == Decimal("81.55")
    assert "%SUB20 : 0.2 x 61.78 = 12.36" in item.notes[0]
    assert any("1 is assumed" in warning for warning in bill.warnings)


TREE = (
    "K|\\2\\3\\3\\2\\2\\2\\2\\EUR\\|0\\\\\\\\|",
    "C|OBRA##||Nave|100.00|050326|0|",
    "D|OBRA##|CAP#\\1\\1\\|",
    "C|CAP#||Capítulo|100.00|050326|0|",
    "D|CAP|P1\\1\\2\\%MA\\1\\0.10\\|",
    "C|P1|m2|Fábrica de ladrillo|10.00|050326|0|",
    "C|%MA|%|Medios auxiliares|0|||",
)


def test_a_percentage_of_a_chapter_is_of_what_stands_before_it() -> None:
    bill = read_bill(bc3(*TREE))
    assert [(i.unit, i.quantity, i.unit_price, i.kind) for i in bill.items] == [
        ("m2", 2, 10, "work"),
        ("%", 10, Decimal("0.2"), "other"),
    ]
    assert total(bill) == 22


def test_a_masked_percentage_is_only_of_codes_that_begin_alike() -> None:
    parts = "D|P1|MO1\\1\\1\\MT1\\1\\1\\MO%\\1\\0.5\\|"
    concepts = ("C|MO1|h|Oficial|4.00||1|", "C|MT1|u|Ladrillo|4.00||3|", "C|MO%||Aux||||")
    item = read_bill(bc3(*TREE, parts, *concepts)).items[0]
    assert "MO% Aux: 0.5 x 4.00 = 2.00" in item.notes[0]
    assert (item.unit_price, item.declared_total) == (10, 20)


def test_a_price_that_differs_from_its_breakdown_shows_as_a_wrong_line_total() -> None:
    item = read_bill(bc3(*TREE, "D|P1|MO1\\1\\2\\|", "C|MO1|h|Oficial|4.00||1|")).items[0]
    assert (line_total(item.quantity, item.unit_price), item.declared_total) == (20, 16)


def test_a_part_without_a_price_leaves_the_item_unchecked() -> None:
    bill = read_bill(bc3(*TREE, "D|P1|MO1\\1\\2\\|", "C|MO1|h|Oficial|||1|"))
    assert bill.items[0].declared_total is None
    assert any("cannot be checked" in warning for warning in bill.warnings)


def test_measurements_count_and_their_formulas_are_evaluated() -> None:
    rows = "\\muro\\2\\3,5\\\\\\3\\a*b^2\\2\\3\\\\\\\\solo texto\\\\\\\\\\2\\\\\\\\\\\\"
    bill = read_bill(bc3(*TREE, f"M|CAP#\\P1|1\\1\\|25|{rows}|"))
    item = bill.items[0]
    assert item.quantity == 25
    assert [(row.expression, row.value, row.kind) for row in item.takeoff] == [
        ('"muro" 2*3,5', 7, "row"),
        ("(2)*(3)^2", 18, "row"),
        ('"solo texto" ', None, "row"),
        ("Subtotal", None, "total"),
    ]
    assert any("1 measurements differ" in warning for warning in bill.warnings)


def test_a_measurement_without_a_total_is_the_sum_of_its_rows() -> None:
    added = "N|CAP\\P1|1|||"
    bill = read_bill(bc3(*TREE, "M|CAP\\P1|1||\\a\\2\\\\\\\\\\|", "N|CAP\\P1|1||\\b\\3\\\\\\\\\\|", added))
    assert bill.items[0].quantity == 5


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("ANSI", "cp1252"), ("850", "cp850"), ("437", "cp437"), ("", "cp850"), ("UTF-8", "utf-8"), ("UTF-8", "utf-8-sig")],
)
def test_the_header_tells_the_encoding(charset: str, encoding: str) -> None:
    bill = read_bill(bc3(*TREE, encoding=encoding, charset=charset))
    assert bill.items[0].description == "Fábrica de ladrillo"
    assert bill.sections[0].title == "Capítulo"


def test_what_is_not_read_is_told() -> None:
    records = ("X|P1|\\e\\1\\|", "C|SUELTO|u|Sin uso|1.00|||", "T|P1|Texto largo|", "T|CAP|Del capítulo|")
    bill = read_bill(bc3(*TREE, *records) + b"~C|CORTADO|u")
    assert bill.items[0].notes == ("Texto largo",)
    assert bill.sections[0].notes == ("Del capítulo",)
    assert [skipped.reason for skipped in bill.skipped] == [
        "a concept that nothing uses: SUELTO Sin uso",
        "a concept that nothing uses: CORTADO",
    ]
    assert any("~X (1)" in warning for warning in bill.warnings)
    assert any("breaks off" in warning for warning in bill.warnings)


def test_a_chapter_inside_itself_and_unknown_codes_do_no_harm() -> None:
    bill = read_bill(bc3(*TREE, "D|CAP|OBRA\\1\\1\\NADA\\1\\x\\VACIO\\1\\1\\|", "C|VACIO#||Vacío||||"))
    assert [skipped.reason for skipped in bill.skipped] == [
        "a chapter inside itself: OBRA",
        "a chapter without items: VACIO Vacío",
    ]
    assert any("nowhere described" in warning for warning in bill.warnings)
    assert any("'x' is not a number" in warning for warning in bill.warnings)


def test_records_without_fields_do_no_harm() -> None:
    bare = "".join(f"~{letter}\r\n~{letter}|\r\n" for letter in "VKCDYMNTX").encode()
    assert len(read_bill(bc3(*TREE) + bare).items) == 2


def test_a_tree_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST", 5000)
    levels = [f"C|L{n}#||x||||" for n in range(40)] + [f"D|L{n}|L{n + 1}\\1\\1\\L{n + 1}\\1\\1\\|" for n in range(39)]
    with pytest.raises(Unreadable) as caught:
        read_bill(bc3("C|L0##||x||||", *levels, "D|L39|P1\\1\\1\\|", "C|P1|u|p|1|||"))
    assert caught.value.code == "unreadable.too_large"


def test_price_lists_and_remains_are_told_from_bills() -> None:
    for data, code in {
        bc3("C|P1|u|p|1|||"): "price_list",
        bc3(*TREE).replace(b"||2|||", b"||1|||"): "price_list",
        bc3("T|P1|x|"): "malformed",
        bc3("C|R##||x||||", "D|R|C\\1\\1\\|", "C|C#||x||||"): "empty",
    }.items():
        with pytest.raises(Unreadable) as caught:
            read_bill(data)
        assert caught.value.code == f"unreadable.{code}"


def test_chapters_that_are_not_marked_are_told_by_what_is_measured_below_them() -> None:
    bill = read_bill(
        bc3(
            "C|ROOT##||Obra|20|010124|0|",
            "D|ROOT##|1\\1\\1\\|",
            "C|1||Tierras|20|010124|0|",
            "D|1|A\\1\\2\\|",
            "C|A|m3|Zanja|10|010124|0|",
            "M|1\\A|1\\1|2|\\Zona\\2\\\\\\\\|",
        )
    )
    assert [(item.code, item.quantity, item.section) for item in bill.items] == [("A", 2, ("1",))]
    assert [(section.title, section.declared_total) for section in bill.sections] == [("Tierras", 20)]


def test_letters_tell_ansi_where_the_header_does_not() -> None:
    records = ("C|ROOT##||Obra|10|||", "D|ROOT##|A\\1\\1\\|", "C|A|m3|Hormigón armado, año|10|||")
    for encoding in ("cp1252", "cp850"):
        assert read_bill(bc3(*records, encoding=encoding, charset="")).items[0].description == "Hormigón armado, año"
