"""Texts of GAEB DA XML: short, long, with the gaps that owner and bidder fill in, as plain lines."""

import re
from collections.abc import Iterable

from msgspec import Struct

from workers.readers.tree import Element, local

LINES = {"p", "br", "div", "li", "tr", "ul", "ol", "table", "TextComplement", "ComplBody"}
"""Elements that begin a line of their own."""

PICTURES = {"image", "Image", "img", "attachment"}
OUTLINES = {"OutlineText", "OutlTxt", "ShortText"}
DETAILS = {"DetailTxt", "LongText", "Textblock"}
NUMBERS = {"STLNo", "StLNo", "STLBBau", "WIC", "WICNo", "STLNoPrev"}
SKIPPED = {"ComplTSA", "ComplTSB", "OutlTSA", "OutlTSB", "ComplTSAB"}
"""Marks about a text, not text."""

_SPACES = re.compile(r"\s+")


class Texts(Struct, frozen=True):
    """What a description says. `pictures` counts the pictures that were left out."""

    short: str = ""
    long: str = ""
    standard: str = ""
    """The number of a standard text (StLB, StLK) or of a catalogue (WICNo), where the description has one."""
    pictures: int = 0


def plain(element: Element | None, *, bidder: bool = True) -> str:
    """Turn rich text into lines, with or without what the bidder fills in."""
    if element is None:
        return ""
    found: list[str] = []
    _gather(element, found, bidder=bidder)
    lines = (_SPACES.sub(" ", each).strip() for each in "".join(found).split("\n"))
    return "\n".join(each for each in lines if each)


def describe(owner: Element, description: Element | None) -> Texts:
    """Read the description of an item, or texts that stand in the item itself, where they do not belong.

    Where there is no short text, the first line of the long one serves, unless it is the bidder's.
    """
    short: list[Element] = []
    long: list[Element] = []
    numbers: list[Element] = []
    _describe(owner if description is None else description, short, long, numbers, inside=description is not None)
    outline = " ".join(" ".join(map(plain, short)).split())
    detail = _all(plain(element) for element in long)
    if not outline:
        outline = _all(plain(element, bidder=False) for element in long).partition("\n")[0]
    pictures = sum(1 for element in long for inner in element.iter() if local(inner) in PICTURES)
    return Texts(outline, "" if detail == outline else detail, "".join(map(plain, numbers[:1])), pictures)


def _all(parts: Iterable[str]) -> str:
    return "\n".join(filter(None, parts))


def _describe(
    element: Element, short: list[Element], long: list[Element], numbers: list[Element], *, inside: bool
) -> None:
    """Sort the texts below an element; `inside` a description, text in unknown elements counts too."""
    for part in element:
        name = local(part)
        if name in OUTLINES:
            short.append(part)
        elif name in DETAILS:
            long.append(part)
        elif name in NUMBERS:
            numbers.append(part)
        elif inside and name not in SKIPPED:
            if len(part):
                _describe(part, short, long, numbers, inside=inside)
            else:
                long.append(part)


def _gather(element: Element, found: list[str], *, bidder: bool) -> None:
    name = local(element)
    if name in PICTURES:
        found.append(" (picture) ")
        return
    if name in SKIPPED or (not bidder and element.get("Kind") == "Bidder"):
        return
    if name in LINES:
        found.append("\n")
    if element.text:
        found.append(_SPACES.sub(" ", element.text))
    for part in element:
        _gather(part, found, bidder=bidder)
        if part.tail:
            found.append(_SPACES.sub(" ", part.tail))
    if name in LINES:
        found.append("\n")
