"""The text of a paper, page by page: from a PDF's text layer, a DOCX, or plain text."""

import re
from collections.abc import Sequence

from workers.readers import delimited
from workers.readers.package import BROKEN, Package
from workers.readers.pdf_pages import MOST_PAGES, WRONG_PASSWORD, pdfium
from workers.readers.tree import Element, local, parse
from workers.readers.unreadable import Unreadable

LEGIBLE = 20
"""Characters of text per page: a PDF with fewer was scanned."""
PDF_WITHIN = 1024
BODY = "word/document.xml"
_WORDS = {
    "cs": re.compile(r"\b(?:a|se|na|je|dle|podle|smlouvy?|který|která|nebo|této|bude|jsou|ve)\b", re.IGNORECASE),
    "en": re.compile(r"\b(?:the|of|and|shall|this|to|by|under|agreement|with|any|is)\b", re.IGNORECASE),
}


def pages_of(data: bytes) -> list[str]:
    """Give the text of each page. A text file has pages where it has form feeds.

    Raises `Unreadable`.
    """
    if b"%PDF-" in data[:PDF_WITHIN]:
        return _of_pdf(data)
    if data.startswith(b"PK\3\4"):
        return _of_docx(data)
    text = delimited.decode(data)
    if text is None or not text.strip():
        raise _no_text()
    return text.replace("\r\n", "\n").split("\f")


def language_of(pages: Sequence[str]) -> str:
    """Tell the language by its commonest words: `cs`, `en`, or empty."""
    text = "\n".join(pages)[:200_000]
    counts = {language: len(words.findall(text)) for language, words in _WORDS.items()}
    language = max(counts, key=lambda each: counts[each])
    return language if counts[language] else ""


def _of_pdf(data: bytes) -> list[str]:
    try:
        document = pdfium.PdfDocument(data)
        if len(document) > MOST_PAGES:
            raise Unreadable(
                "unreadable.too_large",
                f"The PDF has {len(document):,} pages; the limit is {MOST_PAGES:,}. Cut out the paper itself.",
            )
        pages: list[str] = []
        for page in document:
            text = page.get_textpage()
            pages.append(text.get_text_range().replace("\r\n", "\n").replace("\ufffe", "-"))
            text.close()
            page.close()
    except pdfium.PdfiumError as error:
        if error.err_code == WRONG_PASSWORD:
            raise Unreadable(
                "unreadable.encrypted", "The PDF needs a password. Save it without one and upload it again."
            ) from error
        raise Unreadable(
            "unreadable.malformed", f"The PDF is broken: {error}. Export it again from where it comes from."
        ) from error
    characters = sum(len(page.strip()) for page in pages)
    if characters < LEGIBLE * len(pages):
        raise Unreadable(
            "unreadable.needs_ocr",
            f"The PDF was scanned: its {len(pages)} pages hold {characters} characters of text. Have text recognised "
            "in it (OCR) and upload the result.",
        )
    return pages


def _of_docx(data: bytes) -> list[str]:
    try:
        package = Package(data)
        if BODY not in package.names:
            raise _no_text()
        root = parse(package.open(BODY).read())
    except BROKEN as error:
        raise Unreadable(
            "unreadable.malformed", f"The document is damaged ({error}). Save it as DOCX once more and upload that."
        ) from error
    pages = "".join(_texts(root)).split("\f")
    if not any(page.strip() for page in pages):
        raise Unreadable("unreadable.empty", "The document has no text. If it is a scan, have text recognised in it.")
    return pages


def _texts(root: Element) -> list[str]:
    """Give the pieces of text in their order: a line for each paragraph, a form feed where a page was broken."""
    pieces: list[str] = []
    for element in root.iter():
        match local(element):
            case "p":
                pieces.append("\n")
            case "t":
                pieces.append((element.text or "").replace("\f", " "))
            case "tab":
                pieces.append("\t")
            case "lastRenderedPageBreak":
                pieces.append("\f")
            case "br" | "cr":
                pieces.append("\n")
            case _:
                pass
    return pieces


def _no_text() -> Unreadable:
    return Unreadable(
        "unreadable.no_text",
        "This is no paper with text. Plumbline analyses PDF with text, DOCX and plain text: upload one of these.",
    )
