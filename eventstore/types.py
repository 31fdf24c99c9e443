"""Event types: from structs to stored bytes and back, and from old names to new ones."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from eventstore.records import NewEvent

Event = TypeVar("Event", bound=Struct)
Upcast = tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]
"""The name that follows an old one, and the function from the old event's JSON object to the new one's."""


class UnknownType(Exception):  # noqa: N818 - says what is wrong
    """No event type of this program, present or past, has this name."""


class Undecodable(Exception):  # noqa: N818 - says what is wrong
    """The stored bytes are not an event of this type."""


class EventTypes(Generic[Event]):
    """Every event type there is, by its permanent name, which is its struct's tag.

    The log has a column for the name, so the stored JSON is the struct's without the tag.
    """

    def __init__(self, types: Mapping[str, type[Event]], upcasts: Mapping[str, Upcast] | None = None) -> None:
        """Know `types` by name, and old names by `upcasts`.

        `ValueError` when a struct has another tag than its name, when a name is both present and old, or when an old
        name does not lead to a present one.
        """
        self._upcasts = dict(upcasts or {})
        self._decoders = {name: msgspec.json.Decoder(struct) for name, struct in types.items()}
        self._prefixes = {struct: _prefix(name, struct) for name, struct in types.items()}
        self._encoder = msgspec.json.Encoder()
        if twice := self._upcasts.keys() & types.keys():
            raise ValueError(f"both present and old: {sorted(twice)}")
        for name in self._upcasts:
            self._present(name)

    def encode(self, event: Event) -> NewEvent:
        """Give an event the form in which it is stored. Raises `UnknownType` for a struct that was not announced."""
        try:
            name, prefix = self._prefixes[type(event)]
        except KeyError:
            raise UnknownType(type(event).__qualname__) from None
        encoded = self._encoder.encode(event)
        return NewEvent(name, b"{" + encoded[prefix:] if len(encoded) > prefix else b"{}")

    def decode(self, type: str, data: bytes) -> Event:  # noqa: A002 - the column's name
        """Decode a stored event. Raises `UnknownType` or `Undecodable`."""
        name, present = self.upcast(type, data)
        try:
            return self._decoders[name].decode(present)
        except msgspec.MsgspecError as error:
            raise Undecodable(f"{type}: {error}") from error

    def upcast(self, type: str, data: bytes) -> tuple[str, bytes]:  # noqa: A002 - the column's name
        """Give a stored event's present name and bytes; those of present types are returned as they are."""
        if type in self._decoders:
            return type, data
        if type not in self._upcasts:
            raise UnknownType(type)
        try:
            fields = msgspec.json.decode(data, type=dict[str, Any])
            while type in self._upcasts:
                type, change = self._upcasts[type]  # noqa: A001 - the column's name
                fields = change(fields)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise Undecodable(f"{type}: {error!r}") from error
        return type, self._encoder.encode(fields)

    def _present(self, name: str) -> None:
        """Follow an old name to a present one; `ValueError` when it leads nowhere or in a circle."""
        seen = [name]
        while seen[-1] not in self._decoders:
            if seen[-1] not in self._upcasts or seen[-1] in seen[:-1]:
                raise ValueError(f"an old name leads nowhere: {' → '.join(seen)}")
            seen.append(self._upcasts[seen[-1]][0])


def golden_samples(path: Path) -> list[tuple[str, bytes]]:
    """Read a golden file: one stored event per line, `{"type": …, "data": {…}}`; answer types and stored bytes."""
    lines = path.read_bytes().splitlines()
    return [(sample.type, bytes(sample.data)) for sample in (_GOLDEN.decode(line) for line in lines if line.strip())]


class _Golden(Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    data: msgspec.Raw


_GOLDEN = msgspec.json.Decoder(_Golden)


def _prefix(name: str, struct: type[Struct]) -> tuple[str, int]:
    """How many bytes of the struct's JSON the tag takes, with the comma behind it."""
    config = struct.__struct_config__
    if config.tag != name or config.tag_field is None:
        raise ValueError(f"{struct.__qualname__} has the tag {config.tag!r}, not {name!r}")
    tag = msgspec.json.encode({config.tag_field: name})
    return name, len(tag)
