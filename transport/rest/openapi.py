"""The OpenAPI 3.1 document, generated from the registries of commands, queries and refusals."""

from collections.abc import Iterable
from typing import Any

from commands import Receipt, refusals
from commands.frames import EventFrame
from commands.rights import PUBLIC, RIGHTS
from domain.analysis import UnknownAnalysis
from domain.core import Command, Refused
from domain.registry import AGGREGATE_OF
from projections import asking, watermarks
from projections.analyses import AdministratorsOnly
from projections.asking import Query
from projections.queries import QUERIES, RESULT_OF
from transport import errors
from transport.gateway.feed_door import FeedPage
from transport.gateway.socket_messages import Reset
from transport.rest.command_door import NEW_ID
from transport.rest.openapi_doors import door_paths
from transport.rest.openapi_parts import (
    ALWAYS,
    BODY,
    COMPONENTS,
    JSON,
    SCHEMA_OF,
    Operation,
    answer,
    header,
    parameters,
    problems,
    refusals_in,
    schema_of,
    title_of_struct,
)
from transport.rest.query_door import PATHS

ABOUT = (
    "Construction budgets: commands, queries, uploads and sessions. Every error is a problem object (RFC 9457) with a "
    "permanent `code`. Amounts are decimal strings, times RFC 3339 in UTC, ids UUIDs. The socket at `/api/ws` has a "
    "document of its own, `/api/asyncapi.json`."
)


def document() -> dict[str, Any]:
    """Write the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plumbline",
            "version": "1",
            "description": ABOUT,
        },
        "paths": dict(sorted(_paths().items())),
        "components": {
            "schemas": COMPONENTS | _spliced(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-plumbline"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _paths() -> dict[str, dict[str, Operation]]:
    paths: dict[str, dict[str, Operation]] = {
        f"/api/commands/{name}": {"post": _command(name, command)} for name, command in PUBLIC.items()
    }
    for path, name in PATHS.items():
        paths.setdefault(path, {})["get"] = _query(path, name, QUERIES[name])
    for path, operations in door_paths().items():
        paths.setdefault(path, {}).update(operations)
    return paths


def _command(name: str, command: type[Command]) -> Operation:
    anyone = RIGHTS[command] == "anyone"
    operation: Operation = {
        "operationId": name,
        "tags": [AGGREGATE_OF[command].name],
        "summary": title_of_struct(command),
        "description": command.__doc__,
        "parameters": [
            header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id."),
            header("X-Correlation-Id", {"type": "string", "format": "uuid"}, "The conversation it belongs to."),
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": _body(name, command)}}},
        "responses": {
            "200": answer("It was carried out before, or changes nothing.", schema_of(Receipt)),
            "201": answer("It was carried out.", schema_of(Receipt)),
        }
        | problems(_refusals_of(command)),
    }
    if "expected_revision" in command.__struct_fields__:
        revision = {"type": "string", "pattern": r'^"?[1-9][0-9]{0,8}"?$'}
        operation["parameters"].append(header("If-Match", revision, "The revision that it changes."))
    return operation | ({"security": []} if anyone else {})


def _body(name: str, command: type[Command]) -> dict[str, Any]:
    """Give a command's fields. Its tag, which the path says, and the id of what it creates may be left out."""
    component = COMPONENTS[SCHEMA_OF[name]["$ref"].rpartition("/")[2]]
    optional = {"type", NEW_ID.get(command, "")}
    component["required"] = [field for field in component.get("required", ()) if field not in optional]
    component.setdefault("additionalProperties", False)
    return SCHEMA_OF[name]


_FIRST_PATH = {name: path for path, name in reversed(PATHS.items())}
"""A query with two addresses is named after the narrower one, which stands first."""


def _query(path: str, name: str, query: type[Query]) -> Operation:
    return {
        "operationId": name if path == _FIRST_PATH[name] else f"{name}.all",
        "tags": [name.partition(".")[0]],
        "summary": title_of_struct(query),
        "description": query.__doc__,
        "parameters": parameters(path, query),
        "responses": {"200": _with_sequence(answer("The answer.", schema_of(RESULT_OF[name])), query)}
        | problems(
            (
                *ALWAYS,
                errors.InvalidParameter,
                watermarks.StaleRead,
                *refusals_in(asking),
                *_QUERY_REFUSALS.get(name, ()),
            )
        ),
    }


_QUERY_REFUSALS: dict[str, tuple[type[Refused], ...]] = {
    "cache.stats": (AdministratorsOnly,),
    "analyses.get": (UnknownAnalysis,),
}
"""What queries refuse besides what all do."""


def _spliced() -> dict[str, Any]:
    """Say what is spliced into pages as bytes: the structs only say that it is something."""
    page, event = COMPONENTS[FeedPage.__name__], COMPONENTS[EventFrame.__name__]
    holds = {"events": {"type": "array", "items": schema_of(EventFrame)}, "reset": schema_of(Reset)}
    data = {"type": "object", "description": "By the event's type: see `asyncapi.json`."}
    return {
        FeedPage.__name__: page | {"properties": page["properties"] | holds},
        EventFrame.__name__: event | {"properties": event["properties"] | {"data": data}},
    }


def _refusals_of(command: type[Command]) -> Iterable[type[Refused]]:
    """Find what may refuse a command: the bus, the door, and the rules of its aggregate and its project."""
    room = AGGREGATE_OF[command].decide.__module__.rsplit(".decider", 1)[0]
    ours = (each for each in errors.refusals().values() if each.__module__.startswith((room, "domain.project")))
    return (*ALWAYS, *BODY, errors.MalformedHeader, *refusals_in(refusals), *ours)


def _with_sequence(answer: dict[str, Any], query: type[Query]) -> dict[str, Any]:
    if "project_id" not in query.__struct_fields__:
        return answer
    sequence = {"schema": {"type": "integer"}, "description": "The project feed's sequence that it is true at."}
    epoch = {"schema": {"type": "string", "format": "uuid"}, "description": "The life of the log of that sequence."}
    return answer | {"headers": answer["headers"] | {"Plumbline-Sequence": sequence, "Plumbline-Epoch": epoch}}
