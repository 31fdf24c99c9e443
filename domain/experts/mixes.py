"""Concrete as texts of bills spell it: strength class, exposure classes and what else matters to durability."""

import re
from functools import lru_cache

from msgspec import Struct

_CLASS = re.compile(r"(?<![A-Za-z0-9])(L?C)\s?(-|\d{1,3}(?:[.,]\d)?)\s?/\s?(\d{1,3}(?:[.,]\d)?)(?!\d)")
_EXPOSURE = re.compile(r"(?<![A-Z])X\s?(0|C\s?[1-4]|S\s?[1-3]|D\s?[1-3]|F\s?[1-4]|A\s?[1-3])(?!\d)")
_GAP = re.compile(
    r"(?:[\s,;:.+/()&\u2013-]|n(?=[\s,(-]|$)|a(?=\s)|CZ|F\.[12]|pro|do|na|prostředí\w*|stup\w+|vliv\w+|für|for|exposure|class)*"
)
_CONCRETE = re.compile(r"beton|žb\b|\bconcrete\b", re.IGNORECASE)
_REINFORCED = re.compile(
    r"železobet|železov\w+\s+beton|beton\w*\s+železov|\bžb\b|stahlbeton|reinforced\s+concrete", re.IGNORECASE
)
_BOUND = re.compile(r"stmelen|zpevněn\w+\s+cement|\bKSC\b|\bSC\s+0/|cement.?bound|asfalt", re.IGNORECASE)
_MORTAR = re.compile(r"\bmalt|mortar|mörtel", re.IGNORECASE)
_AIR = re.compile(r"provzduš|vzduch|air.?entrain|luftporen|\bLP\b", re.IGNORECASE)
_SULFATE = re.compile(r"síran|sulfat|sulphat|\bSR\b|\bHSR\b", re.IGNORECASE)
_WATERTIGHT = re.compile(r"vodostaveb|vodonepropust|bíl\w+\s+van|watertight|wu-?beton|wasserundurchl", re.IGNORECASE)
_MOST_TEXT = 4_000


class Mix(Struct, frozen=True):
    """A strength class of a text, spelled as in EN 206, with the exposure classes that are said of it.

    `sure` tells whether they stand beside the class, and not only somewhere in a text with no other class.
    """

    strength: str
    exposures: tuple[str, ...] = ()
    sure: bool = True


class Said(Struct, frozen=True):
    """What a line's texts say about concrete. `exposures` are all that are named, `mixes` one per class and place."""

    mixes: tuple[Mix, ...] = ()
    exposures: tuple[str, ...] = ()
    concrete: bool = False
    reinforced: bool = False
    air: bool = False
    sulfate: bool = False
    watertight: bool = False


_NOTHING = Said()


@lru_cache(maxsize=16_384)
def read_mixes(description: str, notes: tuple[str, ...]) -> Said:
    """Read a line's description and notes. A note that only repeats the description is not counted twice.

    Cement-bound aggregates share the spelling of classes but are no concrete: nothing is read in them.
    """
    texts = [description[:_MOST_TEXT], *(note[:_MOST_TEXT] for note in notes if note != description)]
    whole = "\n".join(texts)
    if not ("eton" in whole or "ETON" in whole or "/" in whole or "oncrete" in whole or "ŽB" in whole.upper()):
        return _NOTHING
    if _BOUND.search(whole):
        return _NOTHING
    mixes = tuple(mix for text in texts for mix in _mixes(text))
    exposures = tuple(dict.fromkeys(_exposure(found) for text in texts for found in _EXPOSURE.finditer(text)))
    return Said(
        mixes=_attached(mixes, exposures, whole),
        exposures=exposures,
        concrete=bool(_CONCRETE.search(whole)),
        reinforced=bool(_REINFORCED.search(whole)),
        air=bool(_AIR.search(whole)),
        sulfate=bool(_SULFATE.search(whole)),
        watertight=bool(_WATERTIGHT.search(whole)),
    )


def _mixes(text: str) -> list[Mix]:
    """Read each class with the exposure classes that follow it directly."""
    found = list(_CLASS.finditer(text))
    if not found:
        return []
    ends = [*(each.start() for each in found[1:]), len(text)]
    mixes: list[Mix] = []
    for match, end in zip(found, ends, strict=True):
        exposures: list[str] = []
        at = match.end()
        for exposure in _EXPOSURE.finditer(text, match.end(), end):
            if _GAP.fullmatch(text, at, exposure.start()) is None:
                break
            exposures.append(_exposure(exposure))
            at = exposure.end()
        prefix, cylinder, cube = match.groups()
        mixes.append(Mix(f"{prefix}{cylinder}/{cube}".replace(",", "."), tuple(exposures)))
    return mixes


def _exposure(found: re.Match[str]) -> str:
    return "".join(found.group().split())


def _attached(mixes: tuple[Mix, ...], exposures: tuple[str, ...], whole: str) -> tuple[Mix, ...]:
    """Where only one class is named and no mortar, exposures anywhere in the text speak of it."""
    if len({mix.strength for mix in mixes}) != 1 or any(mix.exposures for mix in mixes) or _MORTAR.search(whole):
        return mixes
    return (Mix(mixes[0].strength, exposures, sure=False),)
