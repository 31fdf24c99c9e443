"""Files that are no bill: each is refused with its own code, and with words that say what to do."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from tests.workers.workbooks import KROS_HEADER, archive, csv, ods, parts_of, xlsx, xlsx_of
from workers.readers import Unreadable, package, read_bill
from workers.readers.archive import OLE2
from workers.readers.source import Source
from workers.sample_bill import sample_bill

HEADER = ("Popis", "MJ", "Množství", "Cena")


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_bill(data)
    return caught.value


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"\0" * 100])
def test_a_file_without_content_is_empty(data: bytes) -> None:
    assert refusal(data).code == "unreadable.empty"


def test_a_workbook_without_content_is_empty() -> None:
    assert refusal(xlsx([])).code == "unreadable.empty"


def test_a_form_without_items_is_empty_and_says_so() -> None:
    found = refusal(xlsx([HEADER], sheet="Rozpočet"))
    assert found.code == "unreadable.empty"
    assert "'Rozpočet'" in found.detail
    assert "empty form" in found.detail


def test_an_export_without_items_is_empty() -> None:
    assert refusal(xlsx([KROS_HEADER])).code == "unreadable.empty"


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("make", "part"), [(xlsx, "xl/sharedStrings.xml"), (xlsx, "xl/worksheets/sheet1.xml"), (ods, "content.xml")]
)
@pytest.mark.parametrize("wide", [False, True])
def test_parts_that_define_entities_are_refused(make, part: str, wide: bool) -> None:  # noqa: ANN001 - two signatures
    parts = parts_of(make([HEADER, ("Výkop", "m3", 1, 2)]))
    head, end, body = parts[part].partition(b"?>")
    bomb = head + end + ENTITIES + body.replace("Výkop".encode(), b"&b;")
    parts[part] = bomb.decode().encode("utf-16") if wide else bomb
    found = refusal(archive(parts))
    assert found.code == "unreadable.entities"
    assert part in found.detail


def test_a_part_that_is_stored_unpacked_is_looked_at_too() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("xl/workbook.xml", ENTITIES)
    assert refusal(content.getvalue()).code == "unreadable.entities"


def test_an_encrypted_open_document_needs_its_password_removed() -> None:
    parts = parts_of(ods([HEADER, ("Výkop", "m3", 1, 2)]))
    parts["content.xml"] = bytes(range(256))
    parts["META-INF/manifest.xml"] = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>"
    assert refusal(archive(parts)).code == "unreadable.encrypted"


def test_a_table_without_quantities_is_a_price_list() -> None:
    found = refusal(csv([("Code", "Description", "Unit", "Rate"), ("1", "Excavation", "m3", 5)]))
    assert found.code == "unreadable.price_list"
    assert "no quantities" in found.detail
    pieces = refusal(csv([("Kód", "Materiál", "ks", "Cena"), ("1", "Trubka", "bm", 5), ("2", "Koleno", "ks", 7)]))
    assert pieces.code == "unreadable.price_list"


def test_the_real_price_list_is_called_one(bills: Path) -> None:
    assert refusal((bills / "../catalog/uozi_2026_von.xls").read_bytes()).code == "unreadable.price_list"


def test_the_real_empty_form_is_empty(bills: Path) -> None:
    assert refusal((bills / "cpwd_template.xlsx").read_bytes()).code == "unreadable.empty"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n1234", "a picture"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"<?xml version='1.0'?><Faktura/>", "an XML file of an unknown kind (its root is <Faktura>)"),
        (b"<!DOCTYPE html><html><p>Rozpo\xc4\x8det<br></html>", "an HTML page"),
        (archive({"word/document.xml": b"<w/>"}), "a Word document"),
        (archive({"drawing.dwg": b"AC1027"}), "a ZIP archive"),
        (OLE2 + b"\0" * 600 + "WordDocument".encode("utf-16-le"), "a Word document"),
        (b"\x01\x02\x03\x04", "a binary file"),
    ],
)
def test_other_kinds_of_files_are_called_by_their_name(data: bytes, what: str) -> None:
    found = refusal(data)
    assert found.code == "unreadable.not_a_workbook"
    assert what in found.detail
    assert "XLSX" in found.detail


@pytest.mark.parametrize(
    ("data", "what", "instead"),
    [
        (b"<html><body><table><tr><td>Popis</td></tr></table></body></html>", "an HTML page with a table", "as XLSX"),
        (
            b'<?xml version="1.0"?><ss:Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "an XML spreadsheet of Excel 2003",
            "as XLSX",
        ),
        (
            b'<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>',
            "flat OpenDocument",
            "as XLSX",
        ),
        (b"00        83L" + b" " * 49 + b"1122PPPPI \r\n01Halle" + b" " * 60, "GAEB 90", "GAEB DA XML"),
        (b"#begin[GAEB]\r\n#begin[GAEBInfo]\r\n", "GAEB 2000", "GAEB DA XML"),
    ],
)
def test_formats_that_others_took_the_place_of_are_told_what_to_become(data: bytes, what: str, instead: str) -> None:
    found = refusal(data)
    assert found.code == "unreadable.not_a_workbook"
    assert what in found.detail
    assert instead in found.detail


@pytest.mark.parametrize(
    "data",
    [
        xlsx([HEADER])[:-30],
        b"PK\x03\x04" + b"\0" * 40,
        OLE2 + b"\0" * 600,
        archive({"xl/workbook.xml": b"<workbook"}),
        archive({"content.xml": b"nothing"}),
        csv([HEADER])[:-1] + b";\x00\x01",
    ],
)
def test_damaged_files_are_no_workbooks(data: bytes) -> None:
    assert refusal(data).code == "unreadable.not_a_workbook"


def test_a_workbook_with_a_password_is_encrypted() -> None:
    found = refusal(OLE2 + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
    assert found.code == "unreadable.encrypted"
    assert "password" in found.detail


def test_an_archive_with_a_password_is_encrypted() -> None:
    content = bytearray(xlsx([HEADER]))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(content)).code == "unreadable.encrypted"


def test_a_missing_table_tells_what_was_looked_for_and_what_was_found() -> None:
    found = refusal(xlsx_of({"Ceník": [("Kód", "Popis", "Sazba"), ("1", "Výkop", 5)], "Obsah": [("a",)]}))
    assert found.code == "unreadable.no_table"
    for told in ("'Ceník'", "'Obsah'", "Množství", "row 1 of 'Ceník'", "'Popis'", "no quantity"):
        assert told in found.detail


def test_a_table_on_a_hidden_sheet_is_mentioned() -> None:
    found = refusal(xlsx_of({"Obsah": [("a",)], "Data": [HEADER, ("Výkop", "m3", 1, 2)]}, hidden=["Data"]))
    assert found.code == "unreadable.no_table"
    assert "'Data'" in found.detail


def test_text_without_a_table_is_told_from_a_table() -> None:
    assert refusal("Dobrý den,\nposílám rozpočet.".encode()).code == "unreadable.no_table"


def test_an_entry_that_declares_too_large_a_ratio_is_a_bomb() -> None:
    bomb = archive({"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b" " * 20_000_000})
    assert refusal(bomb).code == "unreadable.zip_bomb"


def test_an_entry_that_lies_about_its_size_is_a_bomb() -> None:
    bomb = bytearray(archive({"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b" " * 20_000_000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", bomb, bomb.rindex(signature) + offset, 1000)
    assert refusal(bytes(bomb)).code == "unreadable.zip_bomb"


def test_many_entries_that_unpack_to_too_much_together_are_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNPACKED_LIMIT", 2**20)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("xl/workbook.xml", b"<workbook/>")
        for number in range(20):
            packed.writestr(f"xl/media/{number}.bin", bytes(90_000))
    assert refusal(content.getvalue()).code == "unreadable.zip_bomb"


def test_real_workbooks_are_no_bombs(bills: Path) -> None:
    for path in sorted(bills.glob("*.xlsx")):
        assert Source.open(path.read_bytes()).sheets


def test_kinds_are_told_by_content_alone(bills: Path) -> None:
    assert Source.open((bills / "kalkulace_SO201_most_PRICED.xls").read_bytes()).kind == "xls"
    assert Source.open(sample_bill(items=5)).kind == "xlsx"
    assert Source.open(ods([HEADER])).kind == "ods"
    assert Source.open(csv([HEADER])).kind == "text"


def test_a_workbook_whose_parts_were_packed_by_other_tools_still_reads() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as packed:
        for name, part in parts_of(xlsx([HEADER, ("Výkop", "m3", 1, 2)])).items():
            packed.writestr(name, part)
    assert read_bill(content.getvalue()).items[0].description == "Výkop"
