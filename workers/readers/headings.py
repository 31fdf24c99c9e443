"""Which column of a plain table is what, told by its headings."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, islice, pairwise
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from workers.readers.cells import Cell, Mark, label, text
from workers.readers.source import HEADER_ROWS
from workers.readers.vocabulary import (
    CURRENCIES,
    ENGLISH,
    HEADINGS,
    OF_ASSEMBLY,
    OF_MATERIAL,
    UNFIT,
    WEAK_HEADINGS,
    Part,
)

SUBHEADINGS = {"rozmery", "dodavka", "montaz", "jednot", "supply", "labour", "material", "lohn"}
"""What a second row of headings holds, besides headings."""

SURE_SUBHEADINGS = 3
"""So many of these in a row make it one, even where its descriptions stand."""

SAMPLE_ROWS = 50
SHORTEST = 5
"""Characters per row that a column without a name has at least if it describes items."""

_EXACT, _BEGINS, _WEAK = 3, 2, 1
NEEDED: frozenset[Part] = frozenset({"description", "quantity"})
ONE_OF: frozenset[Part] = frozenset({"unit", "unit_price", "total", "material_price"})
_EXACT_WORDS: dict[str, Part] = {word: part for part, words in HEADINGS.items() for word in words.split(", ")}
_WEAK_WORDS: list[tuple[str, Part]] = [
    (word, part) for part, words in WEAK_HEADINGS.items() for word in words.split(", ")
]
_BROKEN_WORD = re.compile(r"(?<=\w)-\s*\n\s*(?=\w)")
_RANKS: dict[Part, int] = {part: rank for rank, part in enumerate(get_args(Part))}


class Header(Struct, frozen=True):
    """A table's header: where it begins and ends, which column holds which part, and what the columns are called."""

    first: int
    line: int
    columns: dict[Part, int]
    price_columns: tuple[int, ...]
    """All columns that may be the unit price, best first."""
    quantity_columns: tuple[int, ...]
    """All columns that may be the quantity, best first."""
    names: dict[int, str]

    @property
    def english(self) -> bool:
        """Whether the table is headed in English, where a point marks decimals."""
        return not ENGLISH.isdisjoint(self._quantity())

    @property
    def home_currency(self) -> str:
        """What is paid with where the headings' language is spoken, as an ISO 4217 code; CZK where none tells."""
        return next((CURRENCIES[word] for word in self._quantity() if word in CURRENCIES), "CZK")

    def _quantity(self) -> list[str]:
        return label(self.names[self.columns["quantity"]]).split()


def find_header(rows: Sequence[Sequence[Cell]]) -> Header | None:
    """Find the header in the first rows of a sheet: one row, or two where groups of columns have a common name."""
    padded = chain(islice(rows, HEADER_ROWS), [()])
    found = (header_at(line, *pair) for line, pair in enumerate(pairwise(padded), 1))
    return next(filter(None, found), None) or _undescribed(rows)


def _undescribed(rows: Sequence[Sequence[Cell]]) -> Header | None:
    """Find a header that names all of an item but its description: that is the column of the longest texts."""
    for line, row in enumerate(islice(rows, HEADER_ROWS), 1):
        names = _names(row)
        parts = {part for name in names.values() for part in _fits(name)}
        if not parts >= {"quantity", "unit", "unit_price", "total"} or "description" in parts:
            continue
        below = rows[line : line + SAMPLE_ROWS]
        free = [at for at in range(len(row)) if at not in names or not _fits(names[at])]
        column = max(free, key=lambda at: _length(below, at), default=-1)
        if column >= 0 and _length(below, column) >= SHORTEST * len(below):
            header = _header(line, line, {**names, column: "Description"})
            return header and replace(header, names={**header.names, column: names.get(column, "")})
    return None


def _length(rows: Sequence[Sequence[Cell]], column: int) -> int:
    """Add up the lengths of the texts in a column that are words."""
    cells = (row[column] for row in rows if column < len(row))
    return sum(len(cell) for cell in cells if isinstance(cell, str) and any(map(str.isalpha, cell)))


def header_at(line: int, row: Sequence[Cell], below: Sequence[Cell]) -> Header | None:
    """Read a row as a header, with the row below it where that goes on with it; `None` where it is none."""
    names = _names(row)
    if len(names) < len(NEEDED) + 1:
        return None
    first = _header(line, line, names)
    if not first or not _is_subheader(below, first):
        return first
    return _completed(_header(line, line + 1, _joined(names, _names(below))), first)


def _names(row: Sequence[Cell]) -> dict[int, str]:
    return {
        column: name for column, cell in enumerate(row) if cell and isinstance(cell, str) and (name := cell.strip())
    }


def _header(first: int, line: int, names: dict[int, str]) -> Header | None:
    fits: list[tuple[int, int, int, int, Part]] = [
        (-score, len(found), _RANKS[part], column, part)
        for column, found in ((column, _fits(name)) for column, name in names.items())
        for part, score in found.items()
    ]
    columns: dict[Part, int] = {}
    for _, _, _, column, part in sorted(fits):
        if part not in columns and column not in columns.values():
            columns[part] = column
    if not (columns.keys() >= NEEDED and columns.keys() & ONE_OF):
        return None

    def candidates(wanted: Part) -> tuple[int, ...]:
        taken = {column for part, column in columns.items() if part != wanted}
        return tuple(column for _, _, _, column, part in sorted(fits) if part == wanted and column not in taken)

    return Header(first, line, columns, candidates("unit_price"), candidates("quantity"), names)


def _completed(both: Header | None, first: Header) -> Header:
    """Add to the header of two rows what only its first row tells."""
    if both is None:
        return first
    taken = set(both.columns.values())
    missing = {part: column for part, column in first.columns.items() if column not in taken}
    return replace(both, columns={**missing, **both.columns})


@lru_cache(maxsize=4096)
def _fits(name: str) -> dict[Part, int]:
    """Score the parts that a heading may name."""
    words = "no" if name == "#" else label(_BROKEN_WORD.sub("", name))
    for without_vat in ("bez dph", "excl vat", "ohne mwst"):
        words = words.replace(without_vat, "").strip() or words
    found: dict[Part, int] = {part: _WEAK for word, part in _WEAK_WORDS if word == words}
    if share := _share(words):
        return share
    if part := _EXACT_WORDS.get(words):
        found[part] = _EXACT
    elif len(words) <= 60 and not UNFIT.intersection(words.split()):  # noqa: PLR2004 - longer text is no heading
        beginnings = [word for word in _EXACT_WORDS if words.startswith(f"{word} ")]
        if beginnings:
            found[_EXACT_WORDS[max(beginnings, key=len)]] = _BEGINS
    return found


def _share(words: str) -> dict[Part, int]:
    """Tell a unit price that is only the material's or only the assembly's, such as "Dodávka J.cena"."""
    rest = [word for word in words.split() if word not in OF_MATERIAL | OF_ASSEMBLY]
    shares = OF_MATERIAL.intersection(words.split()), OF_ASSEMBLY.intersection(words.split())
    if not rest or all(shares) or not any(shares) or not _fits(" ".join(rest)).keys() & {"unit_price", "unit"}:
        return {}
    part: Part = "material_price" if shares[0] else "assembly_price"
    return {part: _BEGINS}


def _is_subheader(row: Sequence[Cell], header: Header) -> bool:
    """Whether the row below a header goes on with it: only names, none of them a description."""
    filled = {column: cell for column, cell in enumerate(row) if text(cell)}
    if not filled or any(not isinstance(cell, str) or any(c.isdigit() for c in cell) for cell in filled.values()):
        return False
    if max(filled) <= min(header.names):
        return False
    named = sum(1 for cell in filled.values() if label(text(cell)) in SUBHEADINGS or _fits(text(cell)))
    if named >= SURE_SUBHEADINGS:
        return True
    return (
        header.columns["description"] not in filled
        and header.columns.get("number") not in filled
        and header.columns.get("code") not in filled
    )


def _joined(above: dict[int, str], below: dict[int, str]) -> dict[int, str]:
    """Join two rows of names; a name above spans the unnamed columns to its right that have names below."""
    joined = dict(above)
    groups: dict[str, list[int]] = {}
    group = ""
    for column in range(max(chain(above, below)) + 1):
        if column in above:
            group = above[column] if column in below else ""
        if column in below:
            joined[column] = _spanned(group, below[column])
            groups.setdefault(group, []).append(column)
    for group, columns in groups.items():
        named = [_fits(below[column]) for column in columns]
        if group and any("unit_price" in each for each in named) and not any(_fits(joined[at]) for at in columns):
            joined |= {column: below[column] for column in columns}  # a bidder's name, say, over "J.cena" and "Celkem"
    return joined


def _spanned(group: str, name: str) -> str:
    """Name a column below a common name; alone by its own name where that tells enough and both together nothing.

    "Hmotnost" above "Celkem" is no total, but "Cena" is, and a code is one below whatever.
    """
    both = group.removesuffix("-") + name if group.endswith("-") else f"{group} {name}".strip()
    if not group or _fits(both):
        return both
    told = _fits(name)
    first = label(group).split()[:1]
    if told and not _PRICES.isdisjoint(first):
        priced = f"{first[0]} {name}"
        return priced if _fits(priced) else name
    return name if told.keys() & _NAMES else both


def is_price_list(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether a table names codes and units of works, and neither quantities nor totals."""
    for row in islice(rows, HEADER_ROWS):
        parts = {part for name in _names(row).values() for part in _fits(name)}
        if parts >= {"code", "description", "unit"} and not parts & {"quantity"}:
            return True
    return False


class PriceHeader(Struct):
    """A price list's header: the row that it ends in, its columns, and how its numbers are written."""

    line: int
    unit: int
    price: int
    code: int | None
    description: int | None
    mark: Mark = ","


def find_price_header(rows: Sequence[Sequence[Cell]]) -> PriceHeader | None:
    """Find the header of a table that names works, their units and their prices, and no quantities."""
    for line, row in enumerate(islice(rows, HEADER_ROWS), 1):
        columns: dict[Part, tuple[int, int]] = {}
        for column, name in _names(row).items():
            for part, score in _fits(name).items():
                if score > columns.get(part, (0, 0))[0]:
                    columns[part] = (score, column)
            if "unit_price" not in columns and not _PRICES.isdisjoint(label(name).split()):
                columns["unit_price"] = (_WEAK, column)
        if "quantity" not in columns and {"unit", "unit_price"} <= columns.keys() and columns.keys() & _NAMES:
            at = {part: column for part, (_, column) in columns.items()}
            return PriceHeader(line, at["unit"], at["unit_price"], at.get("code"), at.get("description"))
    return None


_NAMES: frozenset[Part] = frozenset({"code", "description"})
_PRICES = {"cena", "ceny", "sazba", "price", "rate", "cost", "preis", "prix", "precio"}
"""Words in the heading of a price where nothing else is one."""


def nearest_header(rows: Sequence[Sequence[Cell]]) -> tuple[int, int, str, list[str]] | None:
    """Find the row that is most like a header: its score, line, cells, and what it lacks. For explaining a failure."""
    best: tuple[int, int, str, list[str]] | None = None
    for line, row in enumerate(islice(rows, HEADER_ROWS), 1):
        names = _names(row)
        parts = {part for name in names.values() for part in _fits(name)}
        if parts and (best is None or len(parts) > best[0]):
            lacks = sorted(NEEDED - parts) + ([] if parts & ONE_OF else ["unit or price"])
            best = (len(parts), line, ", ".join(repr(name[:40]) for name in list(names.values())[:12]), lacks)
    return best
