"""A workbook of Excel 97 to 2003 made by hand, with formats of any number: [MS-CFB] around [MS-XLS]."""

import struct
from collections.abc import Mapping, Sequence

from tests.workers.workbooks import Formula

SECTOR = 512
FREE, LAST, FAT, LIST = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
LISTED = 109
"""Sectors of the table of sectors that the header lists; the others are listed in sectors of their own."""


Cells = Sequence[Sequence[str | float | Formula | None]]


def xls(rows: Cells, formats: Mapping[int, str] | None = None) -> bytes:
    """One sheet. Numbers are formatted with the last of the formats, where there are any."""
    formats = formats or {}
    used = list(formats)[-1] if formats else 0
    globals_ = [
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6)),
        *(_record(0x041E, struct.pack("<H", number) + _text(code)) for number, code in formats.items()),
        *(_record(0x00E0, struct.pack("<HH16x", 0, number)) for number in (0, used)),
    ]
    sheet = [_record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6))]
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            place = struct.pack("<HHH", at, column, 0 if isinstance(cell, str) else 1)
            if isinstance(cell, str):
                sheet.append(_record(0x0204, place + _text(cell)))
            elif isinstance(cell, float | int):
                sheet.append(_record(0x0203, place + struct.pack("<d", cell)))
    end = _record(0x000A, b"")
    name = struct.pack("<BB", 5, 0) + b"List1"
    start = sum(map(len, globals_)) + 4 + 6 + len(name) + len(end)
    globals_ += [_record(0x0085, struct.pack("<IBB", start, 0, 0) + name), end]
    return _compound(b"".join((*globals_, *sheet, end)))


def _record(number: int, content: bytes) -> bytes:
    return struct.pack("<HH", number, len(content)) + content


def _text(written: str) -> bytes:
    return struct.pack("<HB", len(written), 1) + written.encode("utf-16-le")


def _compound(stream: bytes) -> bytes:
    """A compound file of one stream, which is not so small that it would have to be put with other small ones."""
    stream = stream.ljust(max(4096, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    count = len(stream) // SECTOR
    fats, lists = 1, 0
    while (count + 1 + fats + lists) * 4 > fats * SECTOR:
        fats += 1
        lists = max(0, -(-(fats - LISTED) // (SECTOR // 4 - 1)))
    table = [*range(1, count), LAST, LAST, *[FAT] * fats, *[LIST] * lists]
    table += [FREE] * (fats * SECTOR // 4 - len(table))
    places = [count + 1 + each for each in range(fats)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16xHHHHH6xI", 0x3E, 3, 0xFFFE, 9, 6, 0)
    first = count + 1 + fats
    header += struct.pack("<IIIIIIII", fats, count, 0, 4096, LAST, 0, first if lists else LAST, lists)
    header += struct.pack("<109I", *places[:LISTED], *[FREE] * (LISTED - fats))
    listed = b""
    for each in range(lists):
        part = places[LISTED + each * 127 :][:127]
        following = first + each + 1 if each + 1 < lists else LAST
        listed += struct.pack("<128I", *part, *[FREE] * (127 - len(part)), following)
    directory = _entry("Root Entry", 5, LAST, 0, 1) + _entry("Workbook", 2, 0, len(stream), FREE)
    directory = directory.ljust(SECTOR, b"\0")
    return header + stream + directory + struct.pack(f"<{len(table)}I", *table) + listed


def _entry(name: str, kind: int, start: int, size: int, child: int) -> bytes:
    encoded = name.encode("utf-16-le")
    return encoded.ljust(64, b"\0") + struct.pack(
        "<HBBIII36xIQ", len(encoded) + 2, kind, 1, FREE, FREE, child, start, size
    )
