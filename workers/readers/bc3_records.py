"""Records of FIEBDC-3 (BC3): a file is records `~X|field|field|`, a field is parts between backslashes."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*~[A-Z]\|")
ENCODINGS = {"850": "cp850", "437": "cp437", "ANSI": "cp1252", "UTF-8": "utf-8", "UTF8": "utf-8", "65001": "utf-8"}
STANDARD = "cp850"
"""What a file is written in that does not say so."""

_ANSI = "cp1252"
_OF_ANSI = re.compile(rb"[A-Za-z][\xe1\xe9\xed\xf1\xf3\xfa][A-Za-z]")
"""The letters "áéíñóú" within words; in code page 850 these are "ßÚÝ±¾·", which do not stand there."""


class Concept(Struct):
    """What a code stands for: a chapter, an item, or what items are made of. `price` is per `unit`, as written."""

    code: str
    unit: str = ""
    title: str = ""
    price: str = ""
    dated: str = ""
    kind: str = ""
    is_chapter: bool = False
    is_root: bool = False
    text: str = ""
    line: int = 0


class Part(Struct, frozen=True):
    """One component of a concept; an empty factor or yield is 1."""

    code: str
    factor: str
    rate: str
    line: int


class Measured(Struct, frozen=True):
    """How much of a concept its parent needs: the total as written, and the rows of the measurement."""

    total: str
    rows: tuple[tuple[str, ...], ...]
    line: int


class Records(Struct):
    """A file's records, by what they say. Keys are codes without the marks of chapters."""

    encoding: str
    header: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    concepts: dict[str, Concept] = field(default_factory=dict)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    measured: dict[tuple[str, str], Measured] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    complete: bool = True


def is_bc3(data: bytes) -> bool:
    """Whether a file begins with a record."""
    return BEGINNING.match(data) is not None


def key(code: str) -> str:
    """Take the marks of a chapter (`#`) and of the root (`##`) off a code: references may leave them out."""
    return code.strip().rstrip("#")


def load(data: bytes) -> Records:
    """Read all records."""
    written, encoding = _decode(data)
    records = Records(encoding)
    at = 1
    pieces = written.split("~")
    at += pieces[0].count("\n")
    for piece in pieces[1:]:
        if piece.strip():
            _take(records, piece, at)
        at += piece.count("\n")
    records.complete = written.rstrip().endswith("|")
    return records


def _decode(data: bytes) -> tuple[str, str]:
    """Decode a file by what its first record says, unless it is UTF-8 beyond doubt."""
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        head = data[:2000].decode(_ANSI, "replace").partition("~V|")[2].partition("~")[0]
        fields = head.split("|")
        named = fields[4].strip().upper() if len(fields) > 4 else ""  # noqa: PLR2004 - the fifth names it
        encoding = ENCODINGS.get(named, _ANSI if _OF_ANSI.search(data) else STANDARD)
        if encoding == "utf-8":
            encoding = _ANSI
        return data.decode(encoding, "replace"), encoding


def _take(records: Records, piece: str, at: int) -> None:
    letter, *stated = piece.split("|")
    letter, fields = letter.strip(), [*stated, "", ""]
    if letter == "V":
        records.header = tuple(each.strip() for each in fields)
    elif letter == "K":
        records.settings = tuple(_joined(each) for each in fields)
    elif letter == "C":
        _take_concept(records, fields, at)
    elif letter in {"D", "Y"}:
        parts = records.parts.setdefault(key(_joined(fields[0])), [])
        for code, factor, rate in _groups(fields[1], 3):
            if code:
                parts.append(Part(key(code), factor, rate, at))
    elif letter in {"M", "N"}:
        _take_measured(records, fields, at)
    elif letter == "T":
        concept = records.concepts.setdefault(key(fields[0]), Concept(key(fields[0])))
        concept.text = fields[1].strip()
    else:
        records.unread[letter[:1] or "?"] += 1


def _take_concept(records: Records, fields: Sequence[str], at: int) -> None:
    cells = [_joined(each) for each in fields[:6]] + [""] * 6
    code = cells[0].partition("\\")[0].strip()
    concept = records.concepts.setdefault(key(code), Concept(key(code)))
    concept.unit, concept.title = cells[1], cells[2]
    concept.price, concept.dated = cells[3].partition("\\")[0].strip(), cells[4].partition("\\")[0].strip()
    concept.kind, concept.line = cells[5], at
    concept.is_chapter, concept.is_root = code.endswith("#"), code.endswith("##")


def _take_measured(records: Records, fields: Sequence[str], at: int) -> None:
    cells = [_joined(each) for each in fields[:4]] + [""] * 4
    parent, _, child = cells[0].rpartition("\\")
    rows = tuple(row for row in _groups(cells[3], 6) if any(row))
    where = (key(parent), key(child))
    before = records.measured.get(where)
    if before is None:
        records.measured[where] = Measured(cells[2], rows, at)
    else:
        records.measured[where] = Measured("", before.rows + rows, before.line)


def _joined(written: str) -> str:
    """Join a field that was broken over lines."""
    return written.replace("\r", "").replace("\n", "").strip()


def _groups(written: str, size: int) -> Iterator[tuple[str, ...]]:
    """Split a field into groups of so many parts; a last one that is not full is filled up."""
    parts = _joined(written).split("\\")
    for start in range(0, len(parts), size):
        group = [each.strip() for each in parts[start : start + size]]
        yield tuple(group + [""] * (size - len(group)))
