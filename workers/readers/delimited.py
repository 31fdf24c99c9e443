"""Delimited text as a spreadsheet program would open it: encoding, delimiter and rows found from the content."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator

from workers.readers.cells import Cell
from workers.readers.unreadable import Unreadable

DELIMITERS = ";,\t|"
SAMPLE_LINES = 200
_EASTERN = re.compile(rb"[\x8a\x8e\x9a\x9c-\x9f\xb9\xbe\xbf\xcc\xd8\xec\xf2\xf8\xf9]|[A-Za-z]\xb3[a-z]")
"""Letters that only Central European words have: those of "ěřšžťůľąłśż"."""

_WESTERN = re.compile(rb"\bm[\xb2\xb3]|[\xa3\xe0\xe3\xe5\xea\xf1\xf5\xfb]")
"""m², m³, £, and letters of western words."""

_DOS = re.compile(rb"[A-Za-z][\x82\xa1\xa2\xa7][a-z]")
"""Letters of code page 852 within words: "éíóž". In Windows code pages these are signs, which stand in no word."""

_ISO = re.compile(rb"[A-Za-z\xc0-\xff][\xb9\xbe][a-z]")
_ONLY_WINDOWS = re.compile(rb"[\x80-\x9f]")
"""ISO 8859-2 has no letters where Windows-1250 has its "šťžśź", and "šž" where that has "ąľ"."""

_UTF8 = re.compile(rb"[\xc3-\xe2][\x80-\xbf]")
"""Letters of two bytes. Windows-1250 has them by chance, but breaks far more."""

_CONTROL = set(map(chr, range(32))) - set("\t\n\r\f\v\x1a")


def decode(data: bytes) -> str | None:
    """Decode text that carries no name of its encoding; `None` when it is no text.

    A byte order mark decides; then UTF-16 shows by its zero bytes, UTF-8 by being valid. What is left is Windows-1250,
    the encoding of older Central European programs, unless it has letters of Windows-1252 and none of those, or letters
    where only code page 852 or ISO 8859-2 has them. A few broken bytes in UTF-8 are shown as such, and do not turn all
    of it into another encoding.
    """
    encoding = ""
    for encoding in _candidates(data):
        try:
            written = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        if not encoding.startswith("utf"):
            return None
        written = data.decode(encoding, errors="replace")
    return None if _CONTROL.intersection(written) else written.removeprefix("\ufeff")


def _candidates(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if data.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig",)
    sample = data[:2000]
    if sample[1::2].count(0) > len(sample) // 4:
        return ("utf-16-le",)
    if sample[::2].count(0) > len(sample) // 4:
        return ("utf-16-be",)
    if len(_UTF8.findall(data)) > data.decode("utf-8", errors="replace").count("\ufffd"):
        return ("utf-8",)
    if _DOS.search(data):
        return ("utf-8", "cp852")
    if _ISO.search(data) and not _ONLY_WINDOWS.search(data):
        return ("utf-8", "iso8859_2")
    western = _WESTERN.search(data) and not _EASTERN.search(data)
    return ("utf-8", "cp1252", "cp1250") if western else ("utf-8", "cp1250")


def delimiter(written: str) -> str:
    """Find the delimiter: the one that splits most lines of a sample into the same, large number of columns."""
    named = written[:6].partition("\n")[0].strip().casefold()
    if named.startswith("sep=") and len(named) == 5:  # noqa: PLR2004 - "sep=" and one character
        return named[4]
    sample = "".join(written.splitlines(keepends=True)[:SAMPLE_LINES])
    return max(DELIMITERS, key=lambda candidate: _fit(sample, candidate))


def _fit(sample: str, candidate: str) -> int:
    widths: dict[int, int] = {}
    with contextlib.suppress(csv.Error):  # what else is wrong shows when the rows are read
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=candidate):
            if len(row) > 1:
                widths[len(row)] = widths.get(len(row), 0) + 1
    return max(((width - 1) * count for width, count in widths.items()), default=0)


def rows(written: str, mark: str) -> Iterator[list[Cell]]:
    """Yield the rows of text delimited by `mark`; an empty line is an empty row.

    Raises `Unreadable` when its quoting is broken.
    """
    if written[:4].casefold() == "sep=":
        written = written.partition("\n")[2]
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=mark)
    try:
        for row in reader:
            yield [*row]
    except csv.Error as error:
        raise Unreadable(
            "unreadable.not_a_workbook",
            f"The text is not a proper CSV table: line {reader.line_num}: {error}. Check its quotation marks, or "
            "export the bill as XLSX.",
        ) from error
