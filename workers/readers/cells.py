"""What a cell says: exact decimals from binary floats and from text, plain text, labels fit for comparing."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

Cell: TypeAlias = int | float | str | bool | time | date | datetime | timedelta
Mark = Literal[",", "."]

DIGITS = 15
LARGEST = 1e15
RESIDUE = 1e-9
CENT_NOISE = 1e-6

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_CURRENCY = re.compile(r"(?:CZK|EUR|USD|GBP|PLN|CHF|INR|Kč|Rs\.?|zł|[€$£₹])(?:\s?/\s?\w{1,5}\.?)?", re.IGNORECASE)
_PLAIN: dict[Mark, re.Pattern[str]] = {
    ",": re.compile(r"-?\d{1,12}(?:,\d{1,9}|\.(?:\d\d?|\d{4,9}))?"),
    ".": re.compile(r"-?\d{1,12}(?:\.\d{1,9}|,(?:\d\d?|\d{4,9}))?"),
}
"""What most texts of numbers are, by the decimal mark: the other mark is one too where it cannot mean thousands."""

_FIGURE = re.compile(r"(?P<sign>[-+]?)(?P<digits>\d[\d., ']*|[.,]\d+)(?P<trailing>-?)")
_DEBIT = re.compile(r"\(\s?\d[\d ']*[ .,'][\d ,.']*\)")
"""An amount to be taken off, as accountants write it; a whole number in brackets may be anything."""

_SPACED = re.compile(r"\d{1,3}(?:[ ']\d{3})+(?:[.,]\d*)?")
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}")
_BRACKETS = re.compile(r"\[[^\]]*(?:\]|$)|\([^)]*(?:\)|$)")
_NOT_WORD = re.compile(r"[^a-z0-9%]+")


def text(cell: Cell) -> str:
    """Show a cell as trimmed text; a whole number has no decimal point, as a spreadsheet program shows it."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float):
        if cell.is_integer() and -LARGEST < cell < LARGEST:
            return str(int(cell))
        value = exact(cell)
        return str(cell) if value is None else f"{value:f}"
    return str(cell)


@lru_cache(maxsize=4096)
def exact(value: float) -> Decimal | None:
    """Turn a binary float into the decimal that a person typed; `None` when it is no plausible number of a bill.

    Spreadsheet programs keep 15 significant digits (Excel specifications and limits); what a binary float carries
    past them is noise of its own: 62945.770000000004 is the cached sum 62945.77. So the shortest decimal of at most 15
    digits is taken, and nothing that the file states is rounded. What is left below a billionth is the residue of a
    subtraction: 0. Infinities, NaN and anything from 10^15 on cannot be held exactly and are `None`.
    """
    if value.is_integer():
        return Decimal(int(value)) if -LARGEST < value < LARGEST else None
    if RESIDUE <= value < LARGEST or -LARGEST < value <= -RESIDUE:
        written = repr(value)
        return Decimal(written if len(written) <= DIGITS + 1 else f"{value:.{DIGITS}g}")
    return Decimal(0) if abs(value) < RESIDUE else None


def money(cell: Cell, mark: Mark = ",") -> Decimal | None:
    """Read an amount. A sum of thousands of floats carries its noise further up, so within 1e-6 a cent is a cent."""
    if not isinstance(cell, float):
        return number(cell, mark)
    if cell.is_integer():
        return exact(cell)
    written = repr(cell)
    if len(written) <= DIGITS + 1 and "." in written[-3:]:
        return Decimal(written)  # whole cents
    if not -LARGEST < cell < LARGEST:
        return None
    cents = round(cell, 2)
    return exact(cents if abs(cell - cents) < CENT_NOISE else cell)


def number(cell: Cell, mark: Mark = ",") -> Decimal | None:
    """Read a cell as a number; `None` when it is empty or none. `mark` decides what "8.500" means, see `parse`."""
    if isinstance(cell, str):
        return parse(cell, mark) if cell else None
    if isinstance(cell, float):
        return exact(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return Decimal(cell) if abs(cell) < LARGEST else None
    return None


def parse(written: str, mark: Mark = ",") -> Decimal | None:
    """Read a number as people write it: "8 500,00", "8.500,00", "8,500.00", "1'200", "-5", "5-", "€ 12", "500,-".

    So are "500 Kč/m2" and, as accountants write what is to be taken off, "(5.00)". Where two different separators
    occur, the last one is the decimal mark. Where one occurs before exactly three digits, it is the decimal mark only
    if it is `mark`. Returns `None` for anything else: nothing is guessed out of a longer text.
    """
    if _PLAIN[mark].fullmatch(written):
        return Decimal(written.replace(",", "."))
    figure = _SPACES.sub(" ", _CURRENCY.sub("", written)).strip().replace("\u2212", "-").replace("\u2019", "'")
    if _DEBIT.fullmatch(figure):
        figure = f"-{figure[1:-1].strip()}"
    figure = figure.removesuffix(",-").removesuffix(",--").removesuffix(".-")
    found = _FIGURE.fullmatch(figure)
    if found is None or (found["sign"] and found["trailing"]):
        return None
    digits = found["digits"]
    if " " in digits or "'" in digits:
        if not _SPACED.fullmatch(digits):
            return None
        digits = digits.replace(" ", "").replace("'", "")
    plain = _with_point(digits, mark)
    if plain is None or len(plain.partition(".")[0]) > DIGITS:
        return None
    return Decimal(f"-{plain}" if "-" in (found["sign"], found["trailing"]) else plain)


def _with_point(digits: str, mark: Mark) -> str | None:
    """Rewrite separated digits with a decimal point and without thousands, or `None` when they make no number."""
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return digits
    separator = digits[last]
    head, tail = digits[:last], digits[last + 1 :]
    if separator in head:
        return re.sub("[.,]", "", digits) if _one_kind(digits) and _GROUPED.fullmatch(digits) else None
    if "," in head or "." in head:
        return f"{re.sub('[.,]', '', head)}.{tail}" if _GROUPED.fullmatch(head) else None
    if separator != mark and _GROUPED.fullmatch(digits) and not head.startswith("0"):
        return head + tail
    return f"{head or '0'}.{tail}"


def _one_kind(digits: str) -> bool:
    return not ("," in digits and "." in digits)


def decimal_mark(samples: Iterable[str], otherwise: Mark) -> Mark:
    """Tell which mark these texts use for decimals, from those that can mean only one thing."""
    votes = {",": 0, ".": 0}
    for sample in samples:
        digits = _SPACES.sub("", _CURRENCY.sub("", sample)).lstrip("-+")
        last = max(digits.rfind(","), digits.rfind("."))
        if last < 0 or not digits.replace(",", "").replace(".", "").isdigit():
            continue
        mark, head, tail = digits[last], digits[:last], digits[last + 1 :]
        if mark in head:
            votes["." if mark == "," else ","] += _one_kind(digits)
        elif not _one_kind(digits) or len(tail) != 3 or head.startswith("0"):  # noqa: PLR2004 - a group of thousands
            votes[mark] += 1
    if votes[","] == votes["."]:
        return otherwise
    return "," if votes[","] > votes["."] else "."


@lru_cache(maxsize=4096)
def label(written: str) -> str:
    """Fold a heading for comparing: no case, accents, bracketed units or punctuation. "J.cena [CZK]" is "j cena"."""
    bare = unicodedata.normalize("NFKD", _BRACKETS.sub(" ", written).casefold().replace("ł", "l"))
    return _NOT_WORD.sub(" ", "".join(c for c in bare if not unicodedata.combining(c))).strip()


_CURRENCIES = {
    "CZK": "CZK",
    "Kč": "CZK",
    "EUR": "EUR",
    "€": "EUR",
    "USD": "USD",
    "$": "USD",
    "GBP": "GBP",
    "£": "GBP",
    "PLN": "PLN",
    "zł": "PLN",
    "CHF": "CHF",
    "INR": "INR",
    "Rs": "INR",
    "₹": "INR",
}
_CURRENCY_CODE = re.compile(r"[A-Z]{3}")
_CURRENCY_NAME = re.compile(r"(?<![^\W\d])(?:" + "|".join(map(re.escape, _CURRENCIES)) + r")(?![^\W\d])")


def currency(written: str) -> str:
    """Find a currency's ISO 4217 code in text such as "J.cena [CZK]" or "Rate (₹)"; empty when there is none."""
    found = _CURRENCY_NAME.search(written)
    return _CURRENCIES[found[0]] if found else ""


def currency_code(stated: str) -> str:
    """Find the ISO 4217 code of what a field states as its currency, by code, name or sign; empty when it is none."""
    code = stated.strip().upper()
    return currency(stated) or (code if _CURRENCY_CODE.fullmatch(code) else "")
