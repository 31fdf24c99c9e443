"""The words of a search: how people's words become a tsquery, and which passage of a text shows them.

Endings are cut from the words of the query, not from the texts: a stem finds every form of its word in Czech, English
and German alike, and what is stored needs no language. Both sides drop case and accents.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

MOST_WORDS = 12
LEAST_STEM = 4
"""Letters that a stem keeps: shorter ones would find everything."""
PASSAGE = 160
"""Characters of a passage."""
LEAD = 40
"""And how many of them stand before the first word found."""

ENDINGS = (
    *("eho", "emu", "ymi", "imi", "ich", "ych", "ach", "ech", "ami", "emi", "ove", "ovi", "ou", "em", "um", "im", "ym"),
    *("ing", "ed", "es", "s"),
    *("ern", "en", "er"),
    *("a", "e", "i", "o", "u", "y"),
)
"""Czech, English and German ones, without accents; the longest that fits is cut."""

_ALIKE = {"ł": "l", "ø": "o", "đ": "d", "ß": "s", "æ": "a", "œ": "o"}
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Drop case and accents; each character stays one character."""
    return "".join(map(_fold, text))


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    small = character.lower()[:1]
    return unicodedata.normalize("NFD", _ALIKE.get(small, small))[:1]


def stem(word: str) -> str:
    """Cut the longest known ending off a folded word; numbers and short words stay."""
    if any(sign.isdigit() for sign in word):
        return word
    for ending in ENDINGS_BY_LENGTH:
        if word.endswith(ending) and len(word) - len(ending) >= LEAST_STEM:
            return word.removesuffix(ending)
    return word


ENDINGS_BY_LENGTH = sorted(ENDINGS, key=len, reverse=True)


def stems(text: str) -> list[str]:
    """Give the stems of what somebody looks for."""
    return [stem(word) for word in _WORD.findall(folded(text))[:MOST_WORDS]]


def tsquery(text: str) -> str:
    """Write what somebody looks for as PostgreSQL's `to_tsquery` reads it: all words, each in any form.

    The word as it was given counts beside its stem, so that texts with exactly that word rank higher.
    """
    words = _WORD.findall(folded(text))[:MOST_WORDS]
    return " & ".join(f"({word} | {stem(word)}:*)" for word in words)


def passage(text: str, wanted: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Cut out the passage around the first wanted stem; answer it, and where in it wanted words start and end."""
    plain = folded(text)
    found = [word for word in _WORD.finditer(plain) if any(word[0].startswith(stem) for stem in wanted)]
    start = max(found[0].start() - LEAD, 0) if found else 0
    if start:
        start = plain.find(" ", start, found[0].start()) + 1 or start
    end = start + PASSAGE
    if end < len(text):
        end = max(plain.rfind(" ", start + PASSAGE // 2, end), start + PASSAGE // 2)
    marks = tuple((word.start() - start, word.end() - start) for word in found if start <= word.start() < end)
    return text[start:end], tuple((first, min(last, end - start)) for first, last in marks)
