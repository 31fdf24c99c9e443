"""Texts of GAEB DA XML: short, long, with the gaps that owner and bidder fill in, as plain lines."""

import re

from msgspec import Struct

from workers.readers.tree import Element, local

LINES = {"p", "br", "div", "li", "tr", "ul", "ol", "table", "TextComplement", "ComplBody"}
"""Elements that begin a line of their own."""

PICTURES = {"image", "Image", "img", "attachment"}
OUTLINES = {"OutlineText", "OutlTxt", "ShortText"}
DETAILS = {"DetailTxt", "LongText", "Textblock"}
NUMBERS = {"STLNo", "StLNo", "STLBBau", "WIC", "STLNoPrev"}
SKIPPED = {"ComplTSA", "ComplTSB", "OutlTSA", "OutlTSB", "ComplTSAB"}
"""Marks about a text, not text."""

_SPACES = re.compile(r"\s+")


class Texts(Struct, frozen=True):
    """What a description says. `pictures` counts the pictures that were left out."""

    short: str = ""
    long: str = ""
    standard: str = ""
    """The number of a standard text (StLB, StLK), where the description has one."""
    pictures: int = 0


def plain(element: Element | None) -> str:
    """Turn rich text into lines."""
    if element is None:
        return ""
    found: list[str] = []
    _gather(element, found)
    lines = (_SPACES.sub(" ", each).strip() for each in "".join(found).split("\n"))
    return "\n".join(each for each in lines if each)


def describe(owner: Element, description: Element | None) -> Texts:
    """Read the description of an item, or texts that stand in the item itself, where they do not belong.

    Where there is no short text, the first line of the long one serves.
    """
    short: list[str] = []
    long: list[str] = []
    numbers: list[str] = []
    pictures = _describe(owner if description is None else description, short, long, numbers, description is not None)
    outline, detail = " ".join("\n".join(short).split()), "\n".join(filter(None, long))
    if not outline:
        outline, _, rest = detail.partition("\n")
        detail = detail if rest else ""
    return Texts(outline, "" if detail == outline else detail, "".join(numbers[:1]), pictures)


def _describe(element: Element, short: list[str], long: list[str], numbers: list[str], inside: bool) -> int:
    """Gather the texts below an element; `inside` a description, text in unknown elements counts too."""
    pictures = 0
    for part in element:
        name = local(part)
        if name in OUTLINES:
            short.append(plain(part))
        elif name in DETAILS:
            long.append(plain(part))
            pictures += sum(1 for inner in part.iter() if local(inner) in PICTURES)
        elif name in NUMBERS:
            numbers.append(plain(part))
        elif inside and name not in SKIPPED:
            if len(part):
                pictures += _describe(part, short, long, numbers, inside)
            elif part.text and part.text.strip():
                long.append(part.text.strip())
    return pictures


def _gather(element: Element, found: list[str]) -> None:
    name = local(element)
    if name in PICTURES:
        found.append(" (picture) ")
        return
    if name in SKIPPED:
        return
    if name in LINES:
        found.append("\n")
    if element.text:
        found.append(_SPACES.sub(" ", element.text))
    for part in element:
        _gather(part, found)
        if part.tail:
            found.append(_SPACES.sub(" ", part.tail))
    if name in LINES:
        found.append("\n")
