"""XML as a tree, read without trust: no document types, no entities but the five of XML, nothing fetched.

The parser itself bounds depth (256), the length of one text (10 MB) and what references may unfold to; time and memory
are bounded by the child that reads.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol, cast

import lxml.etree as untyped  # pyright: ignore - it has no types: `Element` has those of what is used

from workers.readers.cells import Mark
from workers.readers.draft import BillDraft
from workers.readers.unreadable import Unreadable

etree = cast("Any", untyped)

_BEGINNING = re.compile(rb"\s*<")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Element(Protocol):
    """What readers use of an element. Comments and processing instructions are left out when parsing."""

    tag: str
    text: str | None
    tail: str | None
    sourceline: int | None

    def __iter__(self) -> Iterator["Element"]: ...
    def __len__(self) -> int: ...

    def get(self, key: str) -> str | None:
        """Tell the value of an attribute."""
        ...

    def iter(self, *tags: str) -> Iterator["Element"]:
        """Yield this element and all below it, in the order of the document; `{*}name` picks by local name."""
        ...


def is_xml(data: bytes) -> bool:
    """Whether a file begins like XML or HTML, in whatever encoding and behind whatever mark."""
    start = data[:400]
    for mark in _MARKS:
        start = start.removeprefix(mark)
    return _BEGINNING.match(start.replace(b"\0", b"")) is not None


def parse(data: bytes) -> Element:
    """Parse a whole document to its root.

    Raises `Unreadable`: `entities` when the document declares a type of its own, where entities are defined; and
    `malformed`, with the line, when it is no XML.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root: Any = etree.fromstring(data.lstrip(b"\r\n\t "), parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise _declares_type() if b"<!DOCTYPE" in data else _broken(error.msg or "") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _declares_type()
    return root


def local(element: Element) -> str:
    """Tell an element's name without its namespace."""
    return _local(element.tag)


@lru_cache(maxsize=4096)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def line(element: Element) -> int:
    """Tell the line of the file that an element begins on."""
    return element.sourceline or 0


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Yield the children of a name, whatever their namespace."""
    if element is not None:
        for child in element:
            if local(child) == name:
                yield child


def child(element: Element | None, *names: str) -> Element | None:
    """Find the first descendant along a path of names."""
    for name in names:
        element = next(children(element, name), None)
    return element


def inside(element: Element | None, *names: str) -> Iterator[Element]:
    """Yield all children of the first descendant along a path of names."""
    found = child(element, *names)
    if found is not None:
        yield from found


def written(element: Element | None, *names: str) -> str:
    """Tell the trimmed text at a path of names; empty where there is none."""
    found = child(element, *names)
    return "" if found is None or found.text is None else found.text.strip()


def texts(element: Element) -> dict[str, str]:
    """Gather the trimmed texts of an element's children by name; of several alike, the first."""
    found: dict[str, str] = {}
    for part in element:
        found.setdefault(local(part), (part.text or "").strip())
    return found


def amount(draft: BillDraft, element: Element, name: str, stated: str) -> Decimal | None:
    """Read a number of an element, whichever decimal mark it has: XML never groups thousands by a single one."""
    if not stated:
        return None
    mark: Mark = "," if "," in stated else "."
    return draft.number(stated, ("", line(element), name), mark)


def _broken(why: str) -> Unreadable:
    where = why.replace(", try XML_PARSE_HUGE", "")
    return Unreadable(
        "unreadable.malformed",
        f"The XML is broken: {where}. Nothing was read. The file was probably cut off, or written in another encoding "
        "than it declares. Export the bill again from the program that it comes from.",
    )


def _declares_type() -> Unreadable:
    return Unreadable(
        "unreadable.entities",
        "The XML carries a document type declaration, which no bill needs and which can hide entities that unfold "
        "without end or fetch files. It was not opened. Export the bill again, or delete the <!DOCTYPE ...> part.",
    )
