"""Event types: the permanent names under which events are stored, and how stored bytes become events again.

A field with a default may be added freely. Anything else is a new type name with one upcast, old to new.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from eventstore.records import NewEvent

Upcast = tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]
"""The newer type's name, and the function that turns the old type's JSON object into the newer one's."""


class UnknownType(Exception):  # noqa: N818 - says what is wrong
    """The log holds an event type that this program does not know: a newer program wrote it."""

    def __init__(self, name: str) -> None:
        """Name the type."""
        super().__init__(f"event type {name!r} is unknown to this program")


class Undecodable(Exception):  # noqa: N818 - says what is wrong
    """A stored event does not fit its type."""

    def __init__(self, name: str, reason: str) -> None:
        """Name the type and say why."""
        super().__init__(f"stored event of type {name!r} does not fit: {reason}")


class EventTypes:
    """Encodes events for the log and decodes them. The stored JSON lacks the tag, since the type column holds it."""

    def __init__(self, types: Mapping[str, type[Struct]], upcasts: Mapping[str, Upcast] | None = None) -> None:
        """Take the current types by name, and the upcasts of old names. A name in both, or leading nowhere, fails."""
        self._upcasts = dict(upcasts or {})
        for name, (newer, _) in self._upcasts.items():
            if name in types or not (newer in types or newer in self._upcasts):
                raise TypeError(f"the upcast of {name!r} to {newer!r} is ambiguous or leads nowhere")
        self._decoders = {name: msgspec.json.Decoder(struct) for name, struct in types.items()}
        self._prefixes = {struct: (name, _prefix(name, struct)) for name, struct in types.items()}
        self._encoder = msgspec.json.Encoder()

    def encode(self, event: Struct) -> NewEvent:
        """Give an event as the log stores it."""
        name, prefix = self._prefixes[type(event)]
        data = self._encoder.encode(event)
        rest = data[len(prefix) :]
        return NewEvent(name, b"{" + (rest[1:] if rest.startswith(b",") else rest))

    def decode(self, name: str, data: bytes) -> Any:
        """Give the event that was stored. Raises `UnknownType` or `Undecodable`."""
        decoder = self._decoders.get(name)
        try:
            if decoder is not None:
                return decoder.decode(data)
            if name in self._upcasts:
                newer, upcast = self._upcasts[name]
                return self.decode(newer, msgspec.json.encode(upcast(msgspec.json.decode(data))))
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise Undecodable(name, str(error)) from error
        raise UnknownType(name)


def _prefix(name: str, struct: type[Struct]) -> bytes:
    config = struct.__struct_config__
    if config.tag != name:
        raise TypeError(f"{struct.__qualname__} is tagged {config.tag!r}, not {name!r}")
    return b'{"%b":%b' % (str(config.tag_field).encode(), msgspec.json.encode(name))
