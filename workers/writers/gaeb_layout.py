"""The tree of a bill as GAEB DA XML allows it: five levels, items or categories in a body, short ordinal numbers.

The ordinal number of an item is the numbers of its categories and its own, with an index of one character where a
variant has one: `01.02.0010.1`. Numbers are kept where they are allowed, and counted where they are not.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import count
from typing import NamedTuple

from msgspec import Struct, field

from domain.bill import Bill, BillItem, BillSection
from domain.position import EXACT
from workers.writers.statement import Node, Path, Unwritable, tree_of

CATEGORY = re.compile(r"[0-9A-Za-z_]{1,14}")
ITEM = re.compile(r"[0-9A-Za-z_]{1,14}(\.[0-9A-Za-z_])?")
"""What a part of an ordinal number may be (`tgRNoPart`), and an index of an item (`tgRNoIndex`)."""

MOST_LEVELS = 5
LONGEST = 14
"""How many characters the parts of an ordinal number have together."""

MOST_GROUPS, MOST_IN_GROUP = 999, 9

CATEGORY_DIGITS, ITEM_DIGITS = 2, 4
STEP, MOST_IN_STEPS = 10, 999
"""Items are counted in tens, so that others fit between them, as long as four digits last."""


class Group(NamedTuple):
    """Items that stand for each other: the base has serial number 0."""

    number: int
    serial: int


class Line(Struct):
    """An item in its list, by its index in the bill."""

    number: str
    item: int
    group: Group | None


class Category(Struct):
    """A category with its list or the categories below it, never both. A text in its list is a remark."""

    number: str
    node: Node
    remarks: list[str]
    entries: list["Line | str"] = field(default_factory=list)
    below: list["Category"] = field(default_factory=list)


class Level(NamedTuple):
    """A part of ordinal numbers: how long it is, and whether it is made of digits alone."""

    kind: str
    length: int
    is_number: bool


class Layout(Struct):
    """The whole: `root` stands for the bill and has no number; `levels` is its breakdown."""

    root: Category
    levels: list[Level]


def layout_of(bill: Bill, notes: Counter[str]) -> Layout:
    """Lay a bill out, and note what could not stay as it was. Raises `Unwritable` where numbers do not suffice."""
    for keeps in (True, False):
        layout = _Layout(bill, keeps=keeps)
        root = layout.category("", tree_of(bill), ())
        levels = _levels(root)
        if sum(level.length for level in levels) <= LONGEST:
            notes.update(layout.notes)
            return Layout(root, levels)
    raise Unwritable(
        "export.number_too_long",
        f"There are more sections and items than ordinal numbers of {LONGEST} characters can tell apart. Export the "
        "objects of the budget one by one, or take XLSX, CSV or JSON.",
    )


class _Layout:
    """One attempt, with the bill's own numbers where they are allowed, or all of them counted."""

    def __init__(self, bill: Bill, *, keeps: bool) -> None:
        self.notes: Counter[str] = Counter()
        self._items = bill.items
        self._keeps = keeps
        self._groups = 0

    def category(self, number: str, node: Node, path: Path) -> Category:
        """Lay out a section at the numbers of `path`."""
        category = Category(number, node, list(node.section.notes))
        if node.below and len(path) < MOST_LEVELS:
            nodes = ([self._own_items(node)] if node.items else []) + list(node.below.values())
            self.notes["sections with items and with sections: a section more for the items"] += bool(node.items)
            wanted = ["" if each.section.path == node.section.path else each.section.path[-1] for each in nodes]
            numbers = self._numbers(wanted, CATEGORY, CATEGORY_DIGITS, 1)
            self.notes["sections that got a number for their code"] += sum(
                own != given for own, given in zip(wanted, numbers, strict=True) if own
            )
            category.below = [
                self.category(given, each, (*path, given)) for given, each in zip(numbers, nodes, strict=True)
            ]
        elif node.items or node.below:
            category.entries = self._entries(node, category.remarks)
            category.remarks = []
        return category

    def _own_items(self, node: Node) -> Node:
        """Make a section of the items of one that has sections too."""
        totals = [total for index in node.items if (total := self._items[index].declared_total) is not None]
        total = reduce(EXACT.add, totals) if totals else None
        section = BillSection(path=node.section.path, title=node.section.title)
        return Node(section, items=node.items, total=total)

    def _entries(self, node: Node, remarks: Sequence[str]) -> list[Line | str]:
        """List the items of a section; sections that are too deep become remarks before their items."""
        found: list[int | str] = [*remarks, *node.items]
        for deep in list(node.walk())[1:]:
            self.notes[f"sections below the {MOST_LEVELS}th level, written as remarks"] += 1
            title = f"{deep.section.path[-1]} {deep.section.title}".strip()
            found += ["\n".join((title, *deep.section.notes)), *deep.items]
        indices = [each for each in found if isinstance(each, int)]
        wanted = [_own_number(self._items[index]) for index in indices]
        numbers = self._numbers(wanted, ITEM, ITEM_DIGITS, STEP if len(wanted) <= MOST_IN_STEPS else 1)
        self.notes["items that got an ordinal number for their own one"] += sum(map(str.__ne__, wanted, numbers))
        groups = self._alternatives(indices)
        given = dict(zip(indices, numbers, strict=True))
        return [each if isinstance(each, str) else Line(given[each], each, groups.get(each)) for each in found]

    def _numbers(self, wanted: Sequence[str], allowed: re.Pattern[str], digits: int, step: int) -> list[str]:
        """Keep what is allowed, each once, and count for the rest."""
        kept: set[str] = set()
        numbers: list[str] = []
        for each in wanted:
            is_kept = self._keeps and each not in kept and allowed.fullmatch(each) is not None
            numbers.append(each if is_kept else "")
            kept.add(each)
        free = (number for at in count(step, step) if (number := f"{at:0{digits}d}") not in kept)
        return [number or next(free) for number in numbers]

    def _alternatives(self, indices: Sequence[int]) -> dict[int, Group]:
        """Put alternatives behind the base item before them. Those that have none stay alone."""
        groups: dict[int, Group] = {}
        base: int | None = None
        serial = 0
        for index in indices:
            role = self._items[index].role
            if role == "base":
                base, serial = index, 0
            elif role == "alternative":
                if base is None or serial == MOST_IN_GROUP or (not serial and self._groups == MOST_GROUPS):
                    self.notes["alternatives without an item that they stand for, written as optional items"] += 1
                    continue
                if not serial:
                    self._groups += 1
                    groups[base] = Group(self._groups, 0)
                serial += 1
                groups[index] = Group(self._groups, serial)
        return groups


def _own_number(item: BillItem) -> str:
    """Take the number of the item without those of the sections that it is in."""
    for start in range(len(item.section)):
        above = ".".join(item.section[start:]) + "."
        if item.number.startswith(above):
            return item.number.removeprefix(above)
    return item.number


def _levels(root: Category) -> list[Level]:
    """Say how long the parts of the numbers are, by level."""
    categories: list[list[str]] = [[] for _ in range(MOST_LEVELS)]
    items: list[str] = []
    indices: list[str] = []
    for depth, category in _walk(root):
        if depth:
            categories[depth - 1].append(category.number)
        for entry in category.entries:
            if isinstance(entry, Line):
                part, _, index = entry.number.partition(".")
                items.append(part)
                indices += [index] if index else []
    found = [_level("BoQLevel", numbers) for numbers in categories if numbers]
    found.append(_level("Item", items or ["0" * ITEM_DIGITS]))
    return found + ([_level("Index", indices)] if indices else [])


def _level(kind: str, numbers: Sequence[str]) -> Level:
    """Numbers of digits are one number with and without leading zeros: they count as such only if equally long."""
    lengths = set(map(len, numbers))
    return Level(kind, max(lengths), len(lengths) == 1 and all(number.isdecimal() for number in numbers))


def _walk(category: Category, depth: int = 0) -> Iterator[tuple[int, Category]]:
    yield depth, category
    for below in category.below:
        yield from _walk(below, depth + 1)
