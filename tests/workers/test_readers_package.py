"""What the library of spreadsheets is given of an uploaded archive."""

import io
import struct
import zipfile

import pytest
from python_calamine import CalamineWorkbook

from tests.workers.workbooks import archive, parts_of, xlsx
from workers.readers import Unreadable, read_bill
from workers.readers.package import PIECE, Package

BILL = [("Popis", "MJ", "Množství", "Cena"), ("Výkop", "m3", 1, 2)]
SHEET = "xl/worksheets/sheet1.xml"


def with_sheet(change: tuple[bytes, bytes], **more: bytes) -> bytes:
    parts = parts_of(xlsx(BILL)) | more
    assert change[0] in parts[SHEET]
    parts[SHEET] = parts[SHEET].replace(*change, 1)
    return archive(parts)


MERGED = (b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>')


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_search_for_merged_cells_ends_before_the_rows(packing: int) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as packed:
        for name, part in parts_of(with_sheet(MERGED)).items():
            packed.writestr(name, part)
    data = content.getvalue()
    before, ready = (
        CalamineWorkbook.from_filelike(io.BytesIO(each)).get_sheet_by_index(0) for each in (data, Package(data).ready())
    )
    assert (len(before.merged_cell_ranges or ()), ready.merged_cell_ranges) == (1, [])
    assert ready.to_python() == before.to_python() == [[*row] for row in BILL]


def test_a_sheet_may_begin_with_a_byte_order_mark() -> None:
    assert read_bill(with_sheet((b"<?xml", b"\xef\xbb\xbf<?xml"))).items[0].description == "Výkop"


def test_what_is_made_ready_is_a_sound_archive_of_the_parts_that_matter() -> None:
    data = archive({"docProps/app.xml": b"<a/>", "xl/media/image1.png": b"\x89PNG"} | parts_of(xlsx(BILL)))
    with zipfile.ZipFile(io.BytesIO(Package(data).ready())) as ready:
        assert ready.testzip() is None
        assert {SHEET, "xl/workbook.xml", "xl/sharedStrings.xml"} <= set(ready.namelist())
        assert not {"docProps/app.xml", "xl/media/image1.png"} & set(ready.namelist())
        assert ready.read(SHEET).endswith(parts_of(xlsx(BILL))[SHEET])


def test_only_small_parts_are_handed_on_unpacked() -> None:
    filler = b"".join(b"%d " % each for each in range(PIECE))
    data = archive({"xl/small.xml": filler[: PIECE // 8], "xl/large.xml": filler})
    with zipfile.ZipFile(io.BytesIO(Package(data).ready())) as ready:
        packing = {part.filename: part.compress_type for part in ready.infolist()}
    assert packing == {"xl/small.xml": zipfile.ZIP_STORED, "xl/large.xml": zipfile.ZIP_DEFLATED}


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_beginning_of_a_part_can_be_unpacked_alone(packing: int) -> None:
    content, part = io.BytesIO(), bytes(range(256)) * 400
    with zipfile.ZipFile(content, "w", packing) as packed:
        packed.writestr("part", part)
    pieces = Package(content.getvalue()).pieces("part", 1000)
    first = next(pieces)
    assert first == part[: 1000 if packing == zipfile.ZIP_DEFLATED else None]
    assert b"".join((first, *pieces)) == part


def test_a_broken_picture_does_not_matter() -> None:
    data = bytearray(archive({"xl/media/image1.png": bytes(range(256)) * 40} | parts_of(xlsx(BILL))))
    start = data.index(b"image1.png") + len(b"image1.png")
    data[start : start + 20] = b"\xff" * 20
    assert read_bill(bytes(data)).items[0].description == "Výkop"


def test_parts_that_overlap_are_a_bomb() -> None:
    data = bytearray(xlsx(BILL))
    struct.pack_into("<I", data, data.rindex(b"PK\1\2") + 20, len(data))
    with pytest.raises(Unreadable) as refused:
        read_bill(bytes(data))
    assert (refused.value.code, "overlap" in refused.value.detail) == ("unreadable.zip_bomb", True)


@pytest.mark.parametrize(("offset", "value", "told"), [(16, 12345, "has changed"), (20, 9, "is cut off")])
def test_a_part_that_is_not_what_was_packed_is_damaged(offset: int, value: int, told: str) -> None:
    parts = parts_of(xlsx(BILL))
    strings = parts.pop("xl/sharedStrings.xml")
    data = bytearray(archive(parts | {"xl/sharedStrings.xml": strings}))
    struct.pack_into("<I", data, data.rindex(b"PK\1\2") + offset, value)
    with pytest.raises(Unreadable) as refused:
        read_bill(bytes(data))
    assert (refused.value.code, told in refused.value.detail) == ("unreadable.not_a_workbook", True)
