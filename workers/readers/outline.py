"""The headings of a plain table as an outline: which heading stands under which, and which one an item belongs to."""

import re

from workers.readers.draft import SectionDraft

DEEPEST = 8

_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")


class Outline:
    """Headings numbered alike are siblings; another shape of number opens a deeper level.

    `1`, `1.1`, `1.2`, `2` nest as their numbers say; `SECTION B`, `1`, `2` and `HSV`, `711`, `PSV` by their shapes.
    """

    def __init__(self, root: tuple[str, ...]) -> None:
        """Start below a path."""
        self.root = root
        self.current: SectionDraft | None = None
        self._open: list[tuple[str, SectionDraft]] = []
        self._by_number: dict[str, SectionDraft] = {}
        self._items_began = False

    def place(self, number: str, title: str) -> tuple[str, ...]:
        """Tell the path of a heading that comes next, and close what it ends."""
        shape = _shape(number, title)
        level = next((at for at, (other, _) in enumerate(self._open) if other == shape), len(self._open))
        del self._open[min(level, DEEPEST - 1) :]
        parent = self._open[-1][1].path if self._open else self.root
        return (*parent, number or title)

    def open(self, section: SectionDraft, number: str) -> None:
        """Add the heading that was placed last."""
        if self._items_began:
            self._by_number.clear()
        else:
            self._by_number[number] = section
        self.current = section
        self._open.append((_shape(number, section.title), section))

    def close(self) -> None:
        """End the current section: what comes next without a heading belongs to the one around it."""
        if self._open and self._open[-1][1] is self.current:
            self._open.pop()
            self.current = self._open[-1][1] if self._open else None

    def home(self, item_number: str) -> SectionDraft | None:
        """Tell the section an item belongs to.

        That is the current one, except in tables that list all headings before the first item: there `02.001` belongs
        to the heading `02`.
        """
        self._items_began = True
        number = item_number
        while self._by_number and "." in number:
            number = number.rpartition(".")[0]
            if number in self._by_number:
                return self._by_number[number]
        return self.current


def _shape(number: str, title: str) -> str:
    if not number:
        return "TITLE" if title.isupper() else "Title"
    return _LETTERS.sub("a", _DIGITS.sub("9", number))
