"""What a file is, told from its bytes alone."""

import re
from typing import Literal

from workers.readers.bc3_records import is_bc3
from workers.readers.package import Package
from workers.readers.tree import is_xml
from workers.readers.unreadable import Unreadable, encrypted, foreign, older

Kind = Literal["xlsx", "xlsb", "ods", "xls", "json", "xml", "bc3", "pdf", "text"]

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
RESAVE = "Open it in a spreadsheet program, save it as XLSX and upload that copy."
TABLE = re.compile(rb"<table\b", re.IGNORECASE)
OLDER_GAEB = re.compile(rb"\s*(?:00[ \d]{8}8[1-9][A-Z ]|#begin\[GAEB\])", re.IGNORECASE)
"""The first line of GAEB 90, whose columns are fixed, and of GAEB 2000."""

OWN_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\{.{0,80}"plumbline"', re.DOTALL)
"""The first key of what Plumbline itself writes; other JSON is text like any other."""

PDF_WITHIN = 1024
"""How far from its beginning a PDF says what it is (ISO 32000-1, Annex H, note 13)."""


def identify(data: bytes) -> Kind:
    """Tell the kind of a file that is no package by its content.

    Raises `Unreadable` for empty, encrypted and foreign files.
    """
    if not data.strip(b"\0\r\n\t "):
        raise Unreadable("unreadable.empty", "The file is empty. Check that the upload or the export finished.")
    if data.startswith(OLE2):
        return _ole_kind(data)
    for signature, what in SIGNATURES.items():
        if data.startswith(signature):
            raise foreign(what)
    if b"%PDF-" in data[:PDF_WITHIN]:
        return "pdf"
    if OWN_JSON.match(data):
        return "json"
    if is_xml(data):
        if HTML.match(data):
            raise older("an HTML page with a table", RESAVE) if TABLE.search(data) else foreign("an HTML page")
        return "xml"
    if OLDER_GAEB.match(data):
        raise older("GAEB 90 or GAEB 2000", "Export the bill as GAEB DA XML (X81 to X86) and upload that file.")
    return "bc3" if is_bc3(data) else "text"


def _ole_kind(data: bytes) -> Kind:
    for name, what in STREAM_NAMES.items():
        if name.encode("utf-16-le") in data:
            raise encrypted() if what == "encrypted" else foreign(what)
    return "xls"


def is_package(data: bytes) -> bool:
    """Whether a file is an archive of parts."""
    return data.startswith((b"PK\3\4", b"PK\5\6"))


def kind_of(package: Package) -> Kind:
    """Tell the kind of a workbook by the names of its parts. Raises `Unreadable` for encrypted and foreign ones."""
    names = {name.lstrip("/").replace("\\", "/").casefold() for name in package.names}
    for part, kind in ZIP_PARTS.items():
        if part in names:
            if kind == "ods" and _is_encrypted(package):
                raise encrypted()
            return kind
    raise foreign(next((what for part, what in FOREIGN_PARTS.items() if part in names), "a ZIP archive"))


def _is_encrypted(package: Package) -> bool:
    """Whether the manifest says how to decrypt the parts (OpenDocument 1.3, part 2, 4.4)."""
    return MANIFEST in package.names and b"encryption-data" in package.open(MANIFEST).read()
