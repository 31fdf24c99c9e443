"""JSON schemas of what travels, where they say something else than the structs that they are made from."""

from typing import Any

from domain.core import Command, Event
from domain.registry import PERSONAL_FIELDS
from transport.rest.command_door import NEW_ID


def may_be_named(schema: dict[str, Any], command: type[Command]) -> None:
    """Let the id of what a command creates be left out: then it is the command's own."""
    name = NEW_ID.get(command)
    schema["required"] = [each for each in schema.get("required", ()) if each != name]


def as_it_travels(schema: dict[str, Any], event: type[Event]) -> None:
    """Tell that an event's name stands in its frame, and that what is personal travels as null."""
    del schema["properties"]["type"]
    schema["required"] = [name for name in schema["required"] if name != "type"]
    for name in PERSONAL_FIELDS.get(event, ()):
        schema["properties"][name] = {"anyOf": [schema["properties"][name], {"type": "null"}]}
