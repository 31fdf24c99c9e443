"""XML on its way out: elements with text that XML can hold, and their bytes."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: Element, name: str, text: str) -> Element:
    """Add an element with a text. A control character becomes the mark for what cannot be shown."""
    element = SubElement(parent, name)
    element.text = _NOT_XML.sub("\ufffd", text)
    return element


def xml_bytes(root: Element) -> bytes:
    """Write a document, each element in a line of its own."""
    indent(root)
    return tostring(root, encoding="utf-8", xml_declaration=True)
