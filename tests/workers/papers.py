"""PDF files made by hand: text at places, drawn lines, pictures; nothing else, and no library to hide behind."""

import random
from collections.abc import Iterable, Sequence

Text = tuple[float, float, str]
"""From the left, from the top, what."""

Rule = tuple[float, float, float, float]
"""From the left, from the top, width, height."""

HEIGHT = 800.0
SIZE = 9.0


def pdf(pages: Sequence[tuple[Sequence[Text], Sequence[Rule]]], *, pictures: bool = False, turn: int = 0) -> bytes:
    """Pages of texts and rules; turned, they are written lying and shown upright."""
    objects = [b"", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"]
    objects.append(
        b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>"
        b"stream\n\x80\nendstream"
    )
    kids: list[str] = []
    for texts, rules in pages:
        # Where the page as it is shown has its upper left corner and its directions, in the page's own space.
        matrix = {0: (1, 0, 0, 1, 0, HEIGHT), 90: (0, 1, -1, 0, 0, 0), 180: (-1, 0, 0, -1, 600, 0)}.get(
            turn, (0, -1, 1, 0, 600, HEIGHT)
        )
        content = f"{' '.join(map(str, matrix))} cm ".encode()
        content += b"".join(map(_rule, rules)) + b"".join(map(_text, texts))
        if pictures:
            content += b"q 500 0 0 700 40 40 cm /I Do Q "
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 {HEIGHT:.0f}]/Rotate {turn}/Contents {len(objects)} 0 R"
            "/Resources<</Font<</F 3 0 R>>/XObject<</I 4 0 R>>>>>>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    return _file(objects)


def _text(text: Text) -> bytes:
    left, top, written = text
    escaped = written.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return f"BT /F {SIZE:.0f} Tf {left:.1f} {-top:.1f} Td (".encode() + escaped + b") Tj ET "


def _rule(rule: Rule) -> bytes:
    left, top, width, height = rule
    return f"{left:.1f} {-top - height:.1f} {width:.1f} {height:.1f} re f ".encode()


def _file(objects: Iterable[bytes]) -> bytes:
    written = b"%PDF-1.4\n"
    places: list[int] = []
    for number, each in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    return written + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (size, table, size, len(written))
    )


COLUMNS = (40.0, 70.0, 140.0, 380.0, 420.0, 470.0, 530.0, 595.0)
"""Where the columns of a table begin, and where the last one ends."""

HEADINGS = ("No.", "Code", "Description", "Unit", "Quantity", "Unit price", "Total")


def table(rows: Sequence[Sequence[str]], *, top: float = 100, ruled: bool = False) -> tuple[list[Text], list[Rule]]:
    """A table whose cells may hold several lines; numbers stand at the right of their columns."""
    texts: list[Text] = []
    rules: list[Rule] = [(COLUMNS[0], top - 10, 555, 0.5)] if ruled else []
    for row in rows:
        height = max(cell.count("\n") + 1 for cell in row) * 11.0
        for at, cell in enumerate(row):
            for place, line in enumerate(cell.split("\n")):
                left = COLUMNS[at] + 2 if at < 4 else COLUMNS[at + 1] - 2 - 0.5 * SIZE * len(line)
                texts.append((left, top + 11 * place, line))
        top += height + 5
        if ruled:
            rules.append((COLUMNS[0], top - 11, 555, 0.5))
    if ruled:
        first, last = rules[0][1], rules[-1][1]
        rules += [(left, first, 0.5, last - first) for left in COLUMNS]
    return texts, rules


def scrambled(texts: Sequence[Text], seed: int) -> list[Text]:
    """The same texts in another order of the file."""
    mixed = list(texts)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - no secret
    return mixed
