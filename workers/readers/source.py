"""An uploaded file, opened as far as a reader asks: its bytes, its kind, its sheets."""

import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress, islice, repeat
from operator import contains
from typing import Protocol

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from workers.readers import delimited, tree
from workers.readers.archive import Kind, identify, is_package, kind_of
from workers.readers.biff import renumbered
from workers.readers.cells import Cell
from workers.readers.package import BROKEN, Package
from workers.readers.pdf_pages import Page, pages
from workers.readers.pdf_prints import Print, printed
from workers.readers.pdf_rows import Row, laid_out
from workers.readers.tree import Element
from workers.readers.unreadable import damaged, encrypted, foreign

HEADER_ROWS = 1000
"""How far down a sheet its table may begin."""

WIDEST = 500
"""Columns that a table may have; far beyond them nothing is a table any more."""


class Sheet(Protocol):
    """One sheet. `name` is empty and `delimiter` is not for delimited text."""

    name: str
    hidden: bool
    delimiter: str
    margin: int
    """Columns that are empty in all rows and left out of them, before the first."""

    def top(self) -> Sequence[Sequence[Cell]]:
        """Give the first rows, in which a table must begin. Cheap to ask again."""
        ...

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Give the rows from row 1 on, all as wide as the first; empty cells are `""`."""
        ...

    def close(self) -> None:
        """Let go of what was parsed, which is large. Rows asked for later are parsed again."""
        ...


def rows_with(cell: Cell, rows: Sequence[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    """Give the rows that hold a cell."""
    return compress(rows, map(contains, rows, repeat(cell)))


class WorkbookSheet:
    """A sheet of a spreadsheet file, parsed when its rows are first asked for."""

    def __init__(self, workbook: CalamineWorkbook, name: str, *, hidden: bool) -> None:
        """Name a sheet of an open workbook."""
        self.name = name
        self.hidden = hidden
        self.delimiter = ""
        self.margin = 0
        self._workbook = workbook
        self._content: CalamineSheet | None = None
        self._top: list[Sequence[Cell]] | None = None
        self._rest: Iterator[Sequence[Cell]] | None = None

    def top(self) -> Sequence[Sequence[Cell]]:
        """Give the first rows, and remember where the others go on."""
        if self._top is None:
            content = self._parse()
            if content.total_height < HEADER_ROWS:
                with _spoken_errors():
                    self._top = [] if content.start is None else list(content.iter_rows())
                self._content = None  # all of it is in the first rows
            else:
                self._rest = self._parsed()
                self._top = list(islice(self._rest, HEADER_ROWS))
        return self._top

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Give the rows from row 1 on."""
        top = self.top()
        if len(top) < HEADER_ROWS:
            return iter(top)
        rest, self._rest = self._rest, None
        return chain(top, islice(self._parsed(), HEADER_ROWS, None) if rest is None else rest)

    def _parse(self) -> CalamineSheet:
        """Parse the sheet. The library leaves out empty columns before the content."""
        if self._content is None:
            with _spoken_errors():
                self._content = self._workbook.get_sheet_by_name(self.name)
            self.margin = self._content.start[1] if self._content.start else 0
        return self._content

    def _parsed(self) -> Iterator[Sequence[Cell]]:
        """Yield all rows."""
        content = self._parse()
        if content.start is not None:
            with _spoken_errors():
                yield from content.iter_rows()

    def close(self) -> None:
        """Let go of the parsed sheet."""
        self._content = self._top = self._rest = None


class TextSheet:
    """Delimited text, seen as one nameless sheet."""

    def __init__(self, written: str) -> None:
        """Take decoded text."""
        self.name = ""
        self.hidden = False
        self.margin = 0
        self.delimiter = delimited.delimiter(written)
        self._written = written
        self._top: list[Sequence[Cell]] | None = None

    def top(self) -> Sequence[Sequence[Cell]]:
        """Give the first records."""
        if self._top is None:
            self._top = list(islice(self.rows(), HEADER_ROWS))
        return self._top

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Yield the records; one that spans several lines is one row, as a spreadsheet program shows it.

        Short ones are filled up to the widest of the first, so that a column of the header is one of every row.
        """
        width = self._width
        for row in delimited.rows(self._written, self.delimiter):
            yield row if len(row) >= width else [*row, *[""] * (width - len(row))]

    @cached_property
    def _width(self) -> int:
        first = islice(delimited.rows(self._written, self.delimiter), HEADER_ROWS)
        return min(max(map(len, first), default=0), WIDEST)

    def close(self) -> None:
        """Keep the text: it is the file itself."""


@dataclass(frozen=True)
class Source:
    """What readers look at. Raises `Unreadable` from any property that the content does not allow."""

    data: bytes
    kind: Kind
    package: Package | None = None
    """The archive that a workbook is, unless it is of the older kind."""

    @classmethod
    def open(cls, data: bytes) -> "Source":
        """Identify a file by its content."""
        if not is_package(data):
            return cls(data, identify(data))
        try:
            package = Package(data)
            return cls(data, kind_of(package), package)
        except BROKEN as error:
            raise damaged(str(error) or "its table of contents cannot be read") from error

    @cached_property
    def text(self) -> str:
        """The decoded text of a file that is no workbook."""
        written = delimited.decode(self.data)
        if written is None:
            raise foreign("a binary file of an unknown kind")
        return written

    @cached_property
    def root(self) -> Element:
        """The root element of an XML file."""
        return tree.parse(self.data)

    @cached_property
    def pages(self) -> list[Page]:
        """The pages of a PDF."""
        return list(pages(self.data))

    @cached_property
    def page_rows(self) -> tuple[list[list[Row]], list[Row]]:
        """The rows of each page of a PDF without its foot, and the feet."""
        return laid_out(self.pages)

    @cached_property
    def print(self) -> Print | None:
        """The typed tables of a PDF as a sheet; `None` where it has none."""
        return printed(self.pages, self.page_rows[0])

    @property
    def places(self) -> Sequence[tuple[int, int]]:
        """The page and line of each row of a print; empty for sheets, whose rows are their own."""
        return self.print.places if self.kind == "pdf" and self.print else ()

    @cached_property
    def sheets(self) -> tuple[Sheet, ...]:
        """All sheets in workbook order; none where the file is no table."""
        if self.kind in {"json", "xml", "bc3"}:
            return ()
        if self.kind == "pdf":
            return (self.print,) if self.print else ()
        if self.kind == "text":
            return (TextSheet(self.text),)
        archive = self.package.ready() if self.package else renumbered(self.data)
        with _spoken_errors():
            workbook = CalamineWorkbook.from_filelike(io.BytesIO(archive))
        return tuple(
            WorkbookSheet(workbook, sheet.name, hidden=sheet.visible is not SheetVisibleEnum.Visible)
            for sheet in workbook.sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet
        )


@contextmanager
def _spoken_errors() -> Generator[None]:
    """Turn the library's errors into `Unreadable`, its panics on malformed input among them."""
    try:
        yield
    except PasswordError as error:
        raise encrypted() from error
    except (CalamineError, OSError) as error:
        raise damaged(str(error)) from error
    except BaseException as error:
        # A Rust panic arrives as PanicException, which cannot be imported and is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise damaged(f"its content makes no sense: {error}") from error
