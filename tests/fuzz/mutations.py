"""Changes that files suffer: of their bytes, and of what they are built of, so that they still open."""

import io
import random
import zipfile
import zlib
from collections.abc import Callable

from lxml import etree

PIECES = (
    b"",
    b"0",
    b"-1",
    b"1e999",
    b"9" * 40,
    b"<",
    b">",
    b"&amp;",
    b"|",
    b"\\",
    b"~",
    b";",
    b"\n",
    b"\0",
    b"\xff",
    b"%",
    b"#",
)
Change = Callable[[bytes, random.Random], bytes]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change a file once or a few times, by what it is."""
    for _ in range(chance.randint(1, 4)):
        kinds: list[Change] = [_bytes, _chunks]
        if data.startswith(b"PK"):
            kinds += [_part] * 6
        elif data.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
            kinds += [_elements] * 6
        else:
            kinds += [_tokens] * 4
        data = chance.choice(kinds)(data, chance)
    return data


def _bytes(data: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data) + 1), chance.choice((0, 1, 1, 4, 40))
    return data[:at] + chance.choice((*PIECES, chance.randbytes(3))) + data[at + length :]


def _chunks(data: bytes, chance: random.Random) -> bytes:
    """Cut, double or move a piece."""
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    end = min(end, start + 400)
    at = chance.randrange(len(data) + 1)
    return chance.choice((data[:start] + data[end:], data[:at] + data[start:end] + data[at:], data[:end]))


def _tokens(data: bytes, chance: random.Random) -> bytes:
    """Put one field of delimited text in the place of another."""
    mark = chance.choice((b"|", b"\\", b";", b"\n", b" "))
    fields = data.split(mark)
    fields[chance.randrange(len(fields))] = chance.choice((*fields[:200], *PIECES))
    return mark.join(fields)


def _part(data: bytes, chance: random.Random) -> bytes:
    """Change one part of an archive that stays sound."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = {name: packed.read(name) for name in packed.namelist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return data
    if not parts:
        return data
    name = chance.choice(sorted(parts))
    change = _elements if parts[name].lstrip().startswith(b"<") and chance.random() < 0.8 else _bytes
    parts[name] = change(parts[name], chance)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for each, part in parts.items():
            packed.writestr(each, part)
    return content.getvalue()


def _elements(data: bytes, chance: random.Random) -> bytes:
    """Drop, double, move, rename or refill an element."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return _bytes(data, chance)
    everything = [each for each in root.iter() if isinstance(each.tag, str) and each is not root]
    if not everything:
        return data
    one, other = chance.choice(everything), chance.choice(everything)
    parent = one.getparent()
    match chance.randrange(5):
        case 0:
            parent.remove(one)
        case 1:
            parent.append(etree.fromstring(etree.tostring(one, with_tail=False)))
        case 2:
            other.append(etree.fromstring(etree.tostring(one, with_tail=False)))
        case 3:
            one.tag = other.tag
        case _:
            one.text = chance.choice((other.text, "", "-5", "1e999", "9" * 40, "NaN", "Yes", "x" * 300))
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")
