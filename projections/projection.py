"""What a projection is: a pure fold of events into rows, and the rows it may touch."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar, cast
from uuid import UUID

from msgspec import Struct

from domain.core import Event
from domain.registry import name_of
from projections.rows import Key, Row, table_of

R = TypeVar("R", bound=Row)
Touched = Iterable[tuple[type[Row], Key]]


class UnknownProjection(Exception):  # noqa: N818 - says what is wrong
    """There is no projection of this name."""


class Seen(Struct, frozen=True, kw_only=True):
    """An event as a projection sees it: decoded, with where, when and by whom it was recorded.

    Personal texts are sealed tokens; whoever answers a query opens them.
    """

    event: Any
    position: int
    sequence: int
    feed: str
    actor: str
    at: datetime
    command_id: UUID | None = None


class Rows:
    """The rows that a fold reads and writes: what was loaded, and what became of it. No I/O."""

    def __init__(self, row_types: Iterable[type[Row]], *, complete: bool = False) -> None:
        """Start with no row known; `complete`: there are no others, so that a row which was not put is not there."""
        self._known: dict[type[Row], dict[Key, Row | None]] = {row_type: {} for row_type in row_types}
        self._loaded: dict[type[Row], dict[Key, Row | None]] = {row_type: {} for row_type in self._known}
        self._key_of = {row_type: table_of(row_type).key_of for row_type in self._known}
        self._complete = complete

    def get(self, row_type: type[R], *key: object) -> R | None:
        """Give the row with this key, `None` if there is none.

        Raises `KeyError` when the projection's `keys` did not name it.
        """
        known = self._known[row_type]
        return cast("R | None", known.get(key) if self._complete else known[key])

    def put(self, row: Row) -> None:
        """Insert a row, or replace the one with its key."""
        row_type = type(row)
        self._known[row_type][self._key_of[row_type](row)] = row

    def delete(self, row_type: type[Row], *key: object) -> None:
        """Take a row out, if it is there."""
        self._known[row_type][key] = None

    def all(self, row_type: type[R]) -> list[R]:
        """Give all known rows of a type, outside of a fold."""
        return [cast("R", row) for row in self._known[row_type].values() if row is not None]

    def unknown(self, touched: Touched) -> dict[type[Row], list[Key]]:
        """Say which of these rows were neither loaded nor put yet."""
        lacking: dict[type[Row], dict[Key, None]] = {}
        for row_type, key in touched:
            if key not in self._known[row_type]:
                lacking.setdefault(row_type, {})[key] = None
        return {row_type: list(keys) for row_type, keys in lacking.items()}

    def loaded(self, row_type: type[Row], keys: Iterable[Key], found: Iterable[Row]) -> None:
        """Take in what the database has for these keys: the rows found, and nothing for the others."""
        key_of = self._key_of[row_type]
        rows: dict[Key, Row | None] = dict.fromkeys(keys)
        rows.update({key_of(row): row for row in found})
        self._known[row_type].update(rows)
        self._loaded[row_type].update(rows)

    def changes(self) -> Iterator[tuple[type[Row], list[Row], list[Key]]]:
        """Per row type, the rows that were put and the keys that were deleted."""
        for row_type, known in self._known.items():
            loaded = self._loaded[row_type]
            put = [row for key, row in known.items() if row is not None and row is not loaded.get(key)]
            gone = [key for key, row in known.items() if row is None and not (key in loaded and loaded[key] is None)]
            if put or gone:
                yield row_type, put, gone

    def size(self) -> int:
        """How many rows are held."""
        return sum(map(len, self._known.values()))


class Projection(Struct, frozen=True, kw_only=True, dict=True):
    """A read model: the rows it consists of and how events change them.

    `keys` names the rows that `fold` will `get` for an event. `fold` is pure and never fails on an event that
    decoded. A change of `version` (when the fold means something else now) or of the rows makes it start over.
    """

    name: str
    version: int
    rows: tuple[type[Row], ...]
    events: tuple[type[Event], ...]
    keys: Callable[[Seen], Touched]
    fold: Callable[[Rows, Seen], None]

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Permanent names of the events it handles."""
        return tuple(name_of(event) for event in self.events)

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever rows made before would be wrong now."""
        shape = [statement for row in self.rows for statement in _statements(row)]
        text = "\n".join([str(self.version), *self.types, *shape])
        return hashlib.sha256(text.encode()).hexdigest()


def _statements(row: type[Row]) -> list[str]:
    table = table_of(row)
    return [table.create(), *table.create_indexes()]
