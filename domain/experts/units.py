"""Units of measure as bills spell them, brought to one spelling so that they can be compared."""

import unicodedata
from functools import lru_cache

_SPELLINGS = {
    "ks": "kus",
    "kusy": "kus",
    "kusů": "kus",
    "bm": "m",
    "mb": "m",
    "kpl": "komplet",
    "kompl": "komplet",
    "soub": "soubor",
    "hod": "h",
}
"""Only other spellings of the same unit stand here, never a conversion (km is not m)."""


@lru_cache(maxsize=4096)
def normalised_unit(unit: str) -> str:
    """Write a unit in lower case, without spaces, dots and `^`, superscripts as digits, synonyms as one word."""
    plain = unicodedata.normalize("NFKC", unit).casefold()
    plain = "".join(character for character in plain if not character.isspace() and character not in ".^")
    return _SPELLINGS.get(plain, plain)
