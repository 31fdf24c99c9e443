"""What stands on the pages of a PDF, and where: runs of text, and the lines that are drawn between them.

Places are in points, measured from the left and from the top of the page as it is shown.
"""

from bisect import bisect
from collections.abc import Callable, Iterator
from ctypes import c_int, create_string_buffer
from typing import Any, cast

import pypdfium2 as untyped  # pyright: ignore - it has no types
import pypdfium2.raw as untyped_raw  # pyright: ignore - as above
from msgspec import Struct

from workers.readers.unreadable import Unreadable, encrypted

Place = Callable[[float, float, float, float], tuple[float, float, float, float]]

pdfium = cast("Any", untyped)
raw = cast("Any", untyped_raw)

MOST_PAGES = 3000
MOST_DRAWN = 20_000
"""Drawn paths of one page that are looked at; a drawing has more, a table has not."""

THIN = 3.0
"""A drawn path thinner than this is a line."""

GAP, JUMP = 0.5, 0.25
"""So much of its height between two characters, with a space between them and without, and they are different runs.

A cell ends close to where the next one begins; programs write the spaces within a cell.
"""

WORD = 0.12
"""And they belong to different words."""

FONT_NAME = 128
WRONG_PASSWORD = 4
HYPHENS = {0x02, 0xAD}
"""What the library puts for a hyphen at the end of a line, and the soft one."""


class Run(Struct):
    """Text without a gap in it, and whether it begins in bold type."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    bold: bool = False

    @property
    def middle(self) -> float:
        """Half-way between top and bottom."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top


class Line(Struct, frozen=True):
    """A drawn line: across at a height, from one side to the other; or down at a distance from the left."""

    at: float
    start: float
    end: float


class Page(Struct):
    """One page."""

    number: int
    runs: list[Run]
    across: list[Line]
    down: list[Line]
    pictures: int


def pages(data: bytes) -> Iterator[Page]:
    """Yield the pages in order.

    Raises `Unreadable` when the document is broken, encrypted, or has more pages than any bill.
    """
    try:
        document = pdfium.PdfDocument(data)
        count = len(document)
        if count > MOST_PAGES:
            raise Unreadable(
                "unreadable.too_large",
                f"The PDF has {count:,} pages; the limit is {MOST_PAGES:,}. Split it, or cut out the bill itself.",
            )
        for number in range(count):
            yield _page(document[number], number + 1)
    except pdfium.PdfiumError as error:
        if error.err_code == WRONG_PASSWORD:
            raise encrypted() from error
        raise Unreadable(
            "unreadable.malformed",
            f"The PDF is broken: {error}. It was probably cut off. Export it again from the program that it comes "
            "from; better still, ask for the bill as XLSX or in an exchange format.",
        ) from error


def _page(page: Any, number: int) -> Page:
    place = _placing(page)
    across: list[Line] = []
    down: list[Line] = []
    pictures = 0
    for seen, drawn in enumerate(page.get_objects()):
        if seen > MOST_DRAWN:
            break
        if drawn.type == raw.FPDF_PAGEOBJ_IMAGE:
            pictures += 1
        elif drawn.type == raw.FPDF_PAGEOBJ_PATH:
            _take_path(place(*drawn.get_bounds()), across, down)
    text = page.get_textpage()
    runs = list(_runs(text, place, down))
    text.close()
    page.close()
    return Page(number, runs, across, down, pictures)


def _placing(page: Any) -> Place:
    """Tell how a box of the page's own space, from its lower left corner, lies on the page as it is shown."""
    width, height = page.get_size()
    match page.get_rotation():
        case 90:
            return lambda left, bottom, right, top: (bottom, left, top, right)
        case 180:
            return lambda left, bottom, right, top: (width - right, bottom, width - left, top)
        case 270:
            return lambda left, bottom, right, top: (width - top, height - right, width - bottom, height - left)
        case _:
            return lambda left, bottom, right, top: (left, height - top, right, height - bottom)


def _take_path(place: tuple[float, float, float, float], across: list[Line], down: list[Line]) -> None:
    """Take a path for a line if it is thin, and for a box of four lines if it is not."""
    left, top, right, bottom = place
    if bottom - top <= THIN:
        across.append(Line((top + bottom) / 2, left, right))
    elif right - left <= THIN:
        down.append(Line((left + right) / 2, top, bottom))
    else:
        across += [Line(top, left, right), Line(bottom, left, right)]
        down += [Line(left, top, bottom), Line(right, top, bottom)]


def _runs(text: Any, place: Place, down: list[Line]) -> Iterator[Run]:
    """Gather characters, in the order of the file, into runs. None goes on across a line that is drawn down."""
    box = raw.FS_RECTF()
    down = sorted(down, key=lambda line: line.at)
    places = [line.at for line in down]
    run: Run | None = None
    before = (0.0, 0.0, 0.0, 0.0)
    for at in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, at)
        character = "-" if code in HYPHENS else chr(code)
        if code in {0, 10, 13} or raw.FPDFText_IsGenerated(text, at) == 1:
            continue
        if not raw.FPDFText_GetLooseCharBox(text, at, box):
            continue
        left, top, right, bottom = own = place(box.left, box.bottom, box.right, box.top)
        is_ligature, before = own == before, own
        if run is not None and is_ligature:
            run.text += character
            continue
        if (
            run is None
            or not _continues(run, left, top, bottom)
            or (
                left - run.right > WORD * run.height
                and _is_parted(run, down[bisect(places, run.right) : bisect(places, left)])
            )
        ):
            if run is not None and run.text.strip():
                yield _trimmed(run)
            run = Run(character, left, top, right, bottom, _is_bold(text, at))
            continue
        if character.isspace():
            run.text += " "
            continue
        if left - run.right > WORD * run.height:
            run.text += " "
        run.text += character
        run.right = max(run.right, right)
        run.top, run.bottom = min(run.top, top), max(run.bottom, bottom)
    if run is not None and run.text.strip():
        yield _trimmed(run)


def _is_bold(text: Any, at: int) -> bool:
    """Whether a character's font is bold by its name: programs state weights that are none."""
    name = create_string_buffer(FONT_NAME)
    raw.FPDFText_GetFontInfo(text, at, name, FONT_NAME, c_int())
    return b"bold" in name.value.lower()


def _continues(run: Run, left: float, top: float, bottom: float) -> bool:
    """Whether a character goes on where a run ended."""
    overlap = min(run.bottom, bottom) - max(run.top, top)
    if overlap < 0.5 * min(run.height, bottom - top):
        return False
    return -GAP * run.height < left - run.right < (GAP if run.text[-1:].isspace() else JUMP) * run.height


def _is_parted(run: Run, between: list[Line]) -> bool:
    """Whether one of the lines between a run and the character that comes next stands beside them."""
    return any(line.start <= run.middle <= line.end for line in between)


def _trimmed(run: Run) -> Run:
    run.text = " ".join(run.text.split())
    return run
