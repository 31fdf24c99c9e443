"""Workbooks of Excel 97 to 2003, made ready for the library that reads them.

The library takes numbers of formats for dates that are dates in East Asian editions of Excel, whatever the workbook
defines by them. Some programs number their own formats so, and all of their quantities would be dates. Formats that a
workbook defines get numbers of the range that Excel has for those ([MS-XLS] 2.4.126, 2.5.165).
"""

import struct
from collections.abc import Iterator

SECTOR_SHIFT, FAT_COUNT, DIRECTORY, SMALLEST, FAT_CHAIN, FAT_LIST = 30, 44, 48, 56, 68, 76
"""Where the header of a compound file says what ([MS-CFB] 2.2)."""

SECTOR_SHIFTS = {9, 12}
HEADER_FATS = 109
LAST = 0xFFFFFFFA
"""Numbers of sectors from here on are none."""

ENTRY = 128
STREAMS = ("Workbook", "Book")
FORMAT, XF, END = 0x041E, 0x00E0, 0x000A
DATES = {*range(27, 37), *range(50, 59)}
OWN = 300
"""What is added to a number: Excel's own begin at 164."""


def renumbered(data: bytes) -> bytes:
    """Give the workbook with formats that nothing takes for dates. What is no sound workbook stays as it is."""
    try:
        shift = _read("<H", data, SECTOR_SHIFT)
        changes = dict(_changes(data, 1 << shift)) if shift in SECTOR_SHIFTS else {}
    except (struct.error, IndexError):
        return data
    if not changes:
        return data
    changed = bytearray(data)
    for at, byte in changes.items():
        changed[at] = byte
    return bytes(changed)


def _places(data: bytes, size: int) -> list[int]:
    """Find where each sector of the workbook's stream lies in the file."""
    fat: list[int] = []
    for sector in _fat_sectors(data, size):
        fat += struct.unpack_from(f"<{size // 4}I", data, (sector + 1) * size)
    for sector in _chain(fat, _read("<I", data, DIRECTORY)):
        for entry in range((sector + 1) * size, (sector + 2) * size, ENTRY):
            length = _read("<H", data, entry + 64)
            name = data[entry : entry + max(length - 2, 0)].decode("utf-16-le", "replace")
            if name in STREAMS and _read("<I", data, entry + 120) >= _read("<I", data, SMALLEST):
                return [(each + 1) * size for each in _chain(fat, _read("<I", data, entry + 116))]
    return []


def _fat_sectors(data: bytes, size: int) -> Iterator[int]:
    count = _read("<I", data, FAT_COUNT)
    yield from struct.unpack_from(f"<{min(count, HEADER_FATS)}I", data, FAT_LIST)
    left, at = count - HEADER_FATS, _read("<I", data, FAT_CHAIN)
    while left > 0 and at < LAST:
        listed = struct.unpack_from(f"<{size // 4}I", data, (at + 1) * size)
        yield from listed[: min(left, len(listed) - 1)]
        left, at = left - len(listed) + 1, listed[-1]


def _chain(fat: list[int], start: int) -> Iterator[int]:
    at = start
    for _ in fat:  # a chain is no longer than this
        if at >= LAST:
            return
        yield at
        at = fat[at]


def _changes(data: bytes, size: int) -> Iterator[tuple[int, int]]:
    """Yield places in the file and the bytes that belong there."""
    places = _places(data, size)
    stream = b"".join(data[at : at + size] for at in places)
    defined: set[int] = set()
    at = 0
    while places:
        record, length = struct.unpack_from("<HH", stream, at)
        field = at + 4 + (2 if record == XF else 0)
        if record == END:
            return
        if record in {FORMAT, XF}:
            own = _read("<H", stream, field)
            if record == FORMAT and own in DATES:
                defined.add(own)
            if own in defined:
                for place, byte in enumerate(struct.pack("<H", own + OWN), field):
                    yield places[place // size] + place % size, byte
        at += 4 + length


def _read(form: str, data: bytes, at: int) -> int:
    return int(struct.unpack_from(form, data, at)[0])
