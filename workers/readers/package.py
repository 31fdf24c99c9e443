"""Archives of parts, as spreadsheet programs write them: measured, and made ready for the library that reads them."""

# The stubs of zlib-ng leave the type of some parameters open.
# pyright: reportUnknownMemberType=false

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple, cast
from xml.parsers import expat

from zlib_ng import zlib_ng

from workers.readers.unreadable import Unreadable, damaged, encrypted

UNPACKED_LIMIT = 400 * 2**20
FREE_SIZE = 100 * 2**10
RATIO_LIMIT = 100
"""At most 100 times its packed size once a part is past 100 KiB unpacked: Apache POI's `ZipSecureFile` bounds."""

MOST_PARTS = 2**16 - 1
PACKED_PIECE, PIECE = 2**16, 2**19
"""How much is unpacked at a time, and to how much at most. What comes in one piece is kept and handed on unpacked."""

LOCAL = 30
"""Bytes of the header before a part, without its name."""

WIDE_WITHIN = 64
"""How far into a part of two bytes to a letter the first zero byte stands at the latest."""

UNREAD = (
    *("docprops/", "customxml/", "pictures/", "thumbnails/", "xl/media/", "xl/drawings/", "xl/charts/"),
    *("xl/externallinks/", "xl/printersettings/", "xl/theme/", "xl/calcchain.", "xl/worksheets/_rels/"),
)
"""Where parts without cells, strings or styles lie. They are neither unpacked nor handed on."""

SHEET = re.compile(r"xl/worksheets/.*\.xml", re.IGNORECASE)
"""The parts that are sheets, but not those of binary workbooks."""

NO_MERGED_CELLS = b"<mergeCells></mergeCells>"
"""What each sheet is made to begin with.

The library parses every sheet a second time, up to the list of its merged cells, which nobody here asks for; that is a
third of its time. Its search ends at the first list.
"""

CONTENT = "content.xml"
"""The part of an OpenDocument file that holds all of its sheets."""

MENDED_LIMIT = 64 * 2**20
"""How large a part may be that is changed for the library."""

SHEET_FLAWS, CONTENT_FLAWS = (b't="e"',), (b">\n", b"<text:line-break", b"<text:tab")
"""What these parts hold where the library does not read them."""

_ERROR_TYPE = re.compile(rb'(<(?:\w+:)?c\s[^>]*?\st=)"e"')
_INDENT = re.compile(rb">[ \t\r]*+\n\s*+<(?=/?table:|/?office:|text:p[\s>/])")
_BREAK, _TAB = re.compile(rb"<text:line-break\s*/>"), re.compile(rb"<text:tab(?:\s[^>]*)?/>")

UTF8_NAME = 0x800
STORED_BLOCK = b"\0" + struct.pack("<HH", len(NO_MERGED_CELLS), len(NO_MERGED_CELLS) ^ 0xFFFF)
"""How DEFLATE, which is a chain of blocks, introduces one that is not compressed (RFC 1951, 3.2.4)."""

DEFLATE_ERROR = cast("type[Exception]", zlib_ng.error)  # the stubs take it for an instance
BROKEN = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OverflowError, KeyError, EOFError, OSError),
    *(struct.error, zlib.error, DEFLATE_ERROR),
)
"""What Python's reader of archives raises at what is none, or is one no longer."""


bytes(4 * 2**20)  # once freed, glibc keeps so much at hand and does not ask the kernel for each part's memory anew


class Package:
    """An archive whose parts declare no more than they may. Its parts are unpacked when they are asked for."""

    def __init__(self, data: bytes) -> None:
        """Read the table of contents.

        Raises `Unreadable` where parts are encrypted or declare too much, and some of `BROKEN`.
        """
        self._data = data
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._entries = self._archive.infolist()
        self._unpacked: dict[str, bytes] = {}
        if any(entry.flag_bits & 1 for entry in self._entries):
            raise encrypted()
        _check_declared(data, self._entries)

    @property
    def names(self) -> list[str]:
        """The names of all parts."""
        return self._archive.namelist()

    def open(self, name: str) -> IO[bytes]:
        """Open a part, which gives no more than it declares. Raises some of `BROKEN`."""
        return self._archive.open(name)

    def pieces(self, name: str, most: int = PIECE) -> Iterator[bytes]:
        """Unpack a part, at most so many bytes at a time; it is not measured.

        Raises `Unreadable` where it is damaged, `KeyError` where there is none.
        """
        if unpacked := self._unpacked.get(name):
            return iter((unpacked,))
        entry = self._archive.getinfo(name)
        return _pieces(_found(self._data, entry)[1], entry, most)

    def ready(self) -> bytes:
        """Give the archive as the library shall see it: only parts that it reads, none larger than it may be.

        Whatever they declare, these parts are unpacked once to be measured. Raises `Unreadable`.
        """
        left = UNPACKED_LIMIT
        parts: list[_Part] = []
        for entry in self._entries:
            if not entry.filename.casefold().startswith(UNREAD):
                part = _measured(self._data, entry, min(_allowed(entry), left))
                left -= part.size
                parts.append(part)
                if part.method == zipfile.ZIP_STORED:
                    self._unpacked[entry.filename] = part.packed
        return _archive(parts)


def _check_declared(data: bytes, entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_PARTS or sum(entry.compress_size for entry in entries) > len(data):
        raise _bomb("its parts overlap")
    total = sum(entry.file_size for entry in entries)
    if total > UNPACKED_LIMIT:
        raise _bomb(f"it declares {total // 2**20:,} MiB of content")
    for entry in entries:
        if entry.file_size > _allowed(entry):
            raise _bomb(
                f"{entry.filename!r} declares {entry.file_size / max(entry.compress_size, 1):,.0f} times its size"
            )


class _Part(NamedTuple):
    """One part as it stands in an archive, behind what it is made to begin with; `size` and `crc` are those of both."""

    name: bytes
    flags: int
    method: int
    crc: int
    beginning: bytes
    packed: bytes
    size: int


def _found(data: bytes, entry: zipfile.ZipInfo) -> tuple[bytes, bytes]:
    """Find a part: its name, and its content as it is packed."""
    header = data[entry.header_offset : entry.header_offset + LOCAL]
    if len(header) < LOCAL or not header.startswith(b"PK\3\4"):
        raise damaged(f"{entry.filename!r} is missing")
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    start = entry.header_offset + LOCAL + name_size
    return data[start - name_size : start], data[start + extra_size : start + extra_size + entry.compress_size]


def _measured(data: bytes, entry: zipfile.ZipInfo, limit: int) -> _Part:
    """Count the bytes that really come out of a part."""
    name, packed = _found(data, entry)
    beginning = NO_MERGED_CELLS if SHEET.match(entry.filename) else b""
    flaws = SHEET_FLAWS if beginning else CONTENT_FLAWS if entry.filename == CONTENT else ()
    method, size, crc, flawed = entry.compress_type, 0, zlib_ng.crc32(beginning), False
    parser = expat.ParserCreate() if entry.filename == CONTENT else None
    for piece in _pieces(packed, entry):
        if not size:
            _check_entities(piece, entry.filename)
        _check_tags(parser, piece, entry.filename)
        flawed = flawed or any(flaw in piece for flaw in flaws)
        size += len(piece)
        crc = zlib_ng.crc32(piece, crc)
        if size > limit:
            raise _bomb(f"{entry.filename!r} goes on after {size:,} bytes")
        if size == entry.file_size == len(piece):
            packed, method = piece, zipfile.ZIP_STORED
    _check_tags(parser, b"", entry.filename)
    if not beginning and crc != entry.CRC:
        raise damaged(f"{entry.filename!r} has changed since it was packed")
    if flawed and size <= MENDED_LIMIT:
        whole = packed if method == zipfile.ZIP_STORED else b"".join(_pieces(packed, entry))
        packed, method = _mended(whole), zipfile.ZIP_STORED
        size, crc = len(packed), zlib_ng.crc32(packed, zlib_ng.crc32(beginning))
    size += len(beginning)
    if beginning and method == zipfile.ZIP_DEFLATED:
        beginning = STORED_BLOCK + beginning
    return _Part(name, entry.flag_bits & UTF8_NAME, method, crc, beginning, packed, size)


def _mended(content: bytes) -> bytes:
    """Change what the library does not read, and what it reads as nothing.

    One error that it does not know, as of newer functions or other languages, makes it give up the whole workbook, and
    those that it knows it gives as empty cells: errors become the texts that people see. In OpenDocument it stumbles
    over line breaks between cells, which some programs write for those who look, and leaves out those in texts.
    """
    content = _ERROR_TYPE.sub(rb'\1"str"', content)
    return _TAB.sub(b"\t", _BREAK.sub(b"\n", _INDENT.sub(b"><", content)))


def _pieces(packed: bytes, entry: zipfile.ZipInfo, most: int = PIECE) -> Iterator[bytes]:
    """Unpack a part piece by piece."""
    if entry.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise damaged(f"{entry.filename!r} is packed in a way that no spreadsheet program uses")
    inflate = zlib_ng.decompressobj(-zlib_ng.MAX_WBITS)
    try:
        for start in range(0, len(packed), PACKED_PIECE):
            rest = packed[start : start + PACKED_PIECE]
            while rest and not inflate.eof:
                yield inflate.decompress(rest, most)
                rest = inflate.unconsumed_tail
    except DEFLATE_ERROR as error:
        raise damaged(f"{entry.filename!r} cannot be unpacked") from error
    if not inflate.eof:
        raise damaged(f"{entry.filename!r} is cut off")


def _check_entities(beginning: bytes, name: str) -> None:
    """Refuse a part that defines entities: no spreadsheet program writes them."""
    narrow = beginning.replace(b"\0", b"") if b"\0" in beginning[:WIDE_WITHIN] else beginning
    if b"!" in narrow and b"<!ENTITY" in narrow and name.casefold().endswith((".xml", ".rels")):
        raise Unreadable(
            "unreadable.entities",
            f"The workbook's part {name!r} defines XML entities, which no spreadsheet program writes and which can "
            "unfold without end or fetch files. It was not opened. Save the bill again in your spreadsheet program.",
        )


def _check_tags(parser: expat.XMLParserType | None, piece: bytes, name: str) -> None:
    """Refuse broken XML where the library would look for its end for ever. The last piece is empty."""
    if parser is not None:
        try:
            parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            raise damaged(f"{name!r} is no well-formed XML: {error}") from error


def _archive(parts: list[_Part]) -> bytes:
    """Write an archive (APPNOTE.TXT, 4.3)."""
    written: list[bytes] = []
    directory: list[bytes] = []
    at = 0
    for name, flags, method, crc, beginning, packed, size in parts:
        length = len(beginning) + len(packed)
        about = struct.pack("<HHHIIIIHH", 20, flags, method, 0, crc, length, size, len(name), 0)
        written += (b"PK\3\4", about, name, beginning, packed)
        directory.append(b"PK\1\2\24\0" + about + struct.pack("<HHHII", 0, 0, 0, 0, at) + name)
        at += LOCAL + len(name) + length
    listed = b"".join(directory)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(parts), len(parts), len(listed), at, 0)
    return b"".join((*written, listed, end))


def _allowed(entry: zipfile.ZipInfo) -> int:
    return max(FREE_SIZE, RATIO_LIMIT * entry.compress_size)


def _bomb(why: str) -> Unreadable:
    return Unreadable(
        "unreadable.zip_bomb",
        f"The file unpacks to far more than a bill ever holds: {why}. It was not opened. Save the bill again in your "
        "spreadsheet program, delete sheets that do not belong to it, and upload that copy.",
    )
