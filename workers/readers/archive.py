"""What a file is, told from its bytes alone, and whether its container is safe to open."""

import io
import re
import struct
import zipfile
import zlib
from typing import Literal

from workers.readers.bc3_records import is_bc3
from workers.readers.tree import is_xml
from workers.readers.unreadable import Unreadable

Kind = Literal["xlsx", "xlsb", "ods", "xls", "xml", "bc3", "pdf", "text"]

UNPACKED_LIMIT = 400 * 2**20
FREE_SIZE = 100 * 2**10
RATIO_LIMIT = 100
"""At most 100 times its packed size once an entry is past 100 KiB unpacked: Apache POI's `ZipSecureFile` bounds."""

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STREAM_NAMES = {
    "EncryptedPackage": "encrypted",
    "WordDocument": "a Word document",
    "PowerPoint Document": "a PowerPoint presentation",
    "__properties_version1.0": "an Outlook message",
}
MANIFEST = "META-INF/manifest.xml"
ZIP_PARTS: dict[str, Kind] = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb", "content.xml": "ods"}
FOREIGN_PARTS = {"word/document.xml": "a Word document", "ppt/presentation.xml": "a PowerPoint presentation"}
SIGNATURES = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"II*\0": "a picture",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x1f\x8b": "a gzip archive",
}
HTML = re.compile(rb"[^<]*<(?:!doctype\s+)?html", re.IGNORECASE)
SUPPORTED = (
    "Plumbline reads XLSX, XLS, ODS, CSV, uniXML, XC4, GAEB DA XML, BC3, and PDF with text. "
    "Export the bill in one of these formats and upload that file."
)
WIDE_WITHIN = 64
"""How far into a part of two bytes to a letter the first zero byte stands at the latest."""

PDF_WITHIN = 1024
"""How far from its beginning a PDF says what it is (ISO 32000-1, Annex H, note 13)."""


def identify(data: bytes) -> Kind:
    """Tell the kind of a file by its content.

    Raises `Unreadable` for empty, encrypted and foreign files, and for archives that would unpack beyond all bounds.
    """
    if not data.strip(b"\0\r\n\t "):
        raise Unreadable("unreadable.empty", "The file is empty. Check that the upload or the export finished.")
    if data.startswith(OLE2):
        return _ole_kind(data)
    if data.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_kind(data)
    for signature, what in SIGNATURES.items():
        if data.startswith(signature):
            raise foreign(what)
    if b"%PDF-" in data[:PDF_WITHIN]:
        return "pdf"
    if is_xml(data):
        if HTML.match(data):
            raise foreign("an HTML page")
        return "xml"
    return "bc3" if is_bc3(data) else "text"


def foreign(what: str) -> Unreadable:
    """Explain that the file is something else than a bill."""
    return Unreadable("unreadable.not_a_workbook", f"This is {what}, not a bill. {SUPPORTED}")


def encrypted() -> Unreadable:
    """Explain that the file needs a password."""
    return Unreadable(
        "unreadable.encrypted",
        "The workbook is encrypted with a password. Open it in your spreadsheet program, remove the password "
        "(File > Info > Protect), save it and upload it again. Locked sheets are no problem, only encryption is.",
    )


def damaged(why: str) -> Unreadable:
    """Explain that the container is broken."""
    return Unreadable(
        "unreadable.not_a_workbook",
        f"The workbook is damaged ({why}). Open it in your spreadsheet program, save it as XLSX and upload that copy.",
    )


def _ole_kind(data: bytes) -> Kind:
    for name, what in STREAM_NAMES.items():
        if name.encode("utf-16-le") in data:
            raise encrypted() if what == "encrypted" else foreign(what)
    return "xls"


def _zip_kind(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise damaged(str(error) or "its table of contents cannot be read") from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise encrypted()
    check_sizes(data, entries)
    names = {entry.filename.lstrip("/").replace("\\", "/").casefold() for entry in entries}
    for part, kind in ZIP_PARTS.items():
        if part in names:
            if kind == "ods" and _is_encrypted_ods(data):
                raise encrypted()
            return kind
    raise foreign(next((what for part, what in FOREIGN_PARTS.items() if part in names), "a ZIP archive"))


def _is_encrypted_ods(data: bytes) -> bool:
    """Whether the manifest says how to decrypt the parts (OpenDocument 1.3, part 2, 4.4)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return MANIFEST in archive.namelist() and b"encryption-data" in archive.read(MANIFEST)


def check_sizes(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Compare what the archive declares, and what really comes out of it, with the bounds."""
    total = sum(entry.file_size for entry in entries)
    if total > UNPACKED_LIMIT:
        raise _bomb(f"it declares {total // 2**20:,} MiB of content")
    left = UNPACKED_LIMIT
    for entry in entries:
        allowed = max(FREE_SIZE, RATIO_LIMIT * entry.compress_size)
        if entry.file_size > allowed:
            raise _bomb(
                f"{entry.filename!r} declares {entry.file_size / max(entry.compress_size, 1):,.0f} times its size"
            )
        size = _unpacked_size(data, entry, min(allowed, left))
        if size > min(allowed, left):
            raise _bomb(f"{entry.filename!r} goes on after {size:,} bytes")
        left -= size


def _unpacked_size(data: bytes, entry: zipfile.ZipInfo, limit: int) -> int:
    """Count the bytes that really come out of an entry, and stop soon after `limit`."""
    header = data[entry.header_offset : entry.header_offset + 30]
    if len(header) < 30 or not header.startswith(b"PK\3\4"):  # noqa: PLR2004 - size of a local header
        raise damaged(f"{entry.filename!r} is missing")
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    start = entry.header_offset + 30 + name_size + extra_size
    packed = memoryview(data)[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        _check_entities(bytes(packed[: 2**20]), entry.filename)
        return len(packed)
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise damaged(f"{entry.filename!r} is packed in a way that no spreadsheet program uses")
    return _inflated_size(packed, limit, entry.filename)


def _inflated_size(packed: memoryview, limit: int, name: str) -> int:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    try:
        for start in range(0, len(packed), 2**16):
            rest = bytes(packed[start : start + 2**16])
            while rest and not inflate.eof and size <= limit:
                piece = inflate.decompress(rest, 2**20)
                if not size:
                    _check_entities(piece, name)
                size += len(piece)
                rest = inflate.unconsumed_tail
    except zlib.error as error:
        raise damaged(f"{name!r} cannot be unpacked") from error
    return size


def _check_entities(beginning: bytes, name: str) -> None:
    """Refuse a part that defines entities: no spreadsheet program writes them."""
    narrow = beginning.replace(b"\0", b"") if b"\0" in beginning[:WIDE_WITHIN] else beginning
    if b"<!ENTITY" in narrow and name.casefold().endswith((".xml", ".rels")):
        raise Unreadable(
            "unreadable.entities",
            f"The workbook's part {name!r} defines XML entities, which no spreadsheet program writes and which can "
            "unfold without end or fetch files. It was not opened. Save the bill again in your spreadsheet program.",
        )


def _bomb(why: str) -> Unreadable:
    return Unreadable(
        "unreadable.zip_bomb",
        f"The file unpacks to far more than a bill ever holds: {why}. It was not opened. Save the bill again in your "
        "spreadsheet program, delete sheets that do not belong to it, and upload that copy.",
    )
