"""The OpenAPI 3.1 document, generated from the registries of commands, queries and refusals."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct, structs

from commands import Receipt, refusals
from commands.frames import EventFrame
from commands.rights import PUBLIC, RIGHTS
from domain.analysis import AnalysisNotReady, UnknownAnalysis
from domain.cache import CleanUpIdTaken
from domain.core import Command, Refused
from domain.document import Purpose
from domain.extraction import Extraction
from domain.job import EXPORT_TYPES, UnknownJob
from domain.project import UnknownProject
from domain.registry import AGGREGATE_OF
from projections import asking, watermarks
from projections.analyses import AdministratorsOnly
from projections.asking import Query
from projections.queries import QUERIES, RESULT_OF
from transport import errors
from transport.errors import PROBLEM_TYPE, Problem, status_of, title_of
from transport.gateway import hub_rights, socket_places
from transport.gateway.feed_door import EVENTS, STREAM, FeedPage, FollowFeed, PollFeed
from transport.gateway.socket_messages import Reset
from transport.health import Readiness
from transport.limits import TooManyRequests
from transport.recognition import CsrfRefused, OriginRefused
from transport.rest.analysis_door import CLEAN_UP, RESULT, UPLOADS, Asked, CleanUp, CleanUpAnswer, StillCleaning
from transport.rest.command_door import NEW_ID
from transport.rest.export_door import EXPORT, ExportNotReady
from transport.rest.multipart_file import EmptyFile, MalformedUpload
from transport.rest.query_door import FIELD, PATHS
from transport.rest.session_door import LogIn, SessionInfo
from transport.rest.upload_door import CONTENT, DOCUMENTS, Upload
from transport.tickets import PATH as TICKETS
from transport.tickets import IssueTicket, Ticket

_FILE: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            }
        }
    },
}
REF = "#/components/schemas/{name}"
JSON = "application/json"
Operation = dict[str, Any]
ABOUT = (
    "Construction budgets: commands, queries, uploads and sessions. Every error is a problem object (RFC 9457) with a "
    "permanent `code`. Amounts are decimal strings, times RFC 3339 in UTC, ids UUIDs. The socket at `/api/ws` has a "
    "document of its own, `/api/asyncapi.json`."
)

_ANSWERED = (
    Receipt,
    Upload,
    Asked,
    Extraction,
    CleanUp,
    CleanUpAnswer,
    LogIn,
    SessionInfo,
    IssueTicket,
    Ticket,
    Problem,
    Readiness,
    FeedPage,
    EventFrame,
    Reset,
    *RESULT_OF.values(),
)
_SCHEMAS, _COMPONENTS = msgspec.json.schema_components((*_ANSWERED, *PUBLIC.values()), ref_template=REF)
_SCHEMA_OF = dict(zip((*map(repr, _ANSWERED), *PUBLIC), _SCHEMAS, strict=True))


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
            "schemas": _COMPONENTS | _spliced(),
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
    paths.setdefault(DOCUMENTS, {})["post"] = _upload()
    paths[CONTENT] = {"get": _download()}
    paths[EXPORT] = {"get": _export()}
    paths |= {STREAM: {"get": _stream()}, EVENTS: {"get": _poll()}}
    paths |= {path: {"post": _analyse(kind)} for kind, path in UPLOADS.items()}
    paths[RESULT] = {"get": _analysis_result()}
    paths[CLEAN_UP] = {"post": _clean_up()}
    return paths | _SESSION_PATHS | _HEALTH_PATHS


def _command(name: str, command: type[Command]) -> Operation:
    anyone = RIGHTS[command] == "anyone"
    operation: Operation = {
        "operationId": name,
        "tags": [AGGREGATE_OF[command].name],
        "summary": title_of_struct(command),
        "description": command.__doc__,
        "parameters": [
            _header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id."),
            _header("X-Correlation-Id", {"type": "string", "format": "uuid"}, "The conversation it belongs to."),
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": _body(name, command)}}},
        "responses": {
            "200": _answer("It was carried out before, or changes nothing.", _of(Receipt)),
            "201": _answer("It was carried out.", _of(Receipt)),
        }
        | _problems(_refusals_of(command)),
    }
    if "expected_revision" in command.__struct_fields__:
        revision = {"type": "string", "pattern": r'^"?[1-9][0-9]{0,8}"?$'}
        operation["parameters"].append(_header("If-Match", revision, "The revision that it changes."))
    return operation | ({"security": []} if anyone else {})


def _body(name: str, command: type[Command]) -> dict[str, Any]:
    """Give a command's fields. Its tag, which the path says, and the id of what it creates may be left out."""
    component = _COMPONENTS[_SCHEMA_OF[name]["$ref"].rpartition("/")[2]]
    optional = {"type", NEW_ID.get(command, "")}
    component["required"] = [field for field in component.get("required", ()) if field not in optional]
    component.setdefault("additionalProperties", False)
    return _SCHEMA_OF[name]


_FIRST_PATH = {name: path for path, name in reversed(PATHS.items())}
"""A query with two addresses is named after the narrower one, which stands first."""


def _query(path: str, name: str, query: type[Query]) -> Operation:
    return {
        "operationId": name if path == _FIRST_PATH[name] else f"{name}.all",
        "tags": [name.partition(".")[0]],
        "summary": title_of_struct(query),
        "description": query.__doc__,
        "parameters": _parameters(path, query),
        "responses": {"200": _with_sequence(_answer("The answer.", _of(RESULT_OF[name])), query)}
        | _problems(
            (*_ALWAYS, errors.InvalidParameter, watermarks.StaleRead, *_in(asking), *_QUERY_REFUSALS.get(name, ()))
        ),
    }


def _parameters(path: str, asked: type[Struct]) -> list[dict[str, Any]]:
    """Describe each field of what an address asks for."""
    fields = {field.encode_name: field for field in structs.fields(asked)}
    schemas, _ = msgspec.json.schema_components([field.type for field in fields.values()], ref_template=REF)
    within = set(FIELD.findall(path))
    return [
        {
            "name": name,
            "in": "path" if name in within else "query",
            "required": name in within,
            "schema": _as_parameter(schema) | _default_of(fields[name]),
        }
        for name, schema in zip(fields, schemas, strict=True)
    ]


def _default_of(field: structs.FieldInfo) -> dict[str, Any]:
    return {"default": field.default} if isinstance(field.default, int) else {}


_QUERY_REFUSALS: dict[str, tuple[type[Refused], ...]] = {
    "cache.stats": (AdministratorsOnly,),
    "analyses.get": (UnknownAnalysis,),
}
"""What queries refuse besides what all do."""


def _as_parameter(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a field as an address can say it: as text, never null, never an array."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") not in {"null", "array"}]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _upload() -> Operation:
    return {
        "operationId": "documents.upload",
        "tags": ["document"],
        "summary": "Add a file to the project. The same bytes again are the same document.",
        "parameters": [
            *_path_parameters(DOCUMENTS),
            {
                "name": "purpose",
                "in": "query",
                "required": False,
                "description": "A file for comparison is read, and nothing of it is imported: see comparison.add.",
                "schema": {"type": "string", "enum": list(get_args(Purpose)), "default": "budget"},
            },
            _header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id."),
        ],
        "requestBody": _FILE,
        "responses": {
            "200": _answer("The project has this file already.", _of(Upload)),
            "201": _answer("The file was added.", _of(Upload)),
        }
        | _problems((*_ALWAYS, *_BODY, errors.MalformedHeader, *_in(refusals), MalformedUpload, EmptyFile)),
    }


def _analyse(kind: str) -> Operation:
    return {
        "operationId": f"analyses.{kind}",
        "tags": ["analysis"],
        "summary": f"Have a file analysed as a {kind}. The same bytes again are the same analysis.",
        "parameters": [_header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id.")],
        "requestBody": _FILE,
        "responses": {
            "200": _answer("You are attached to it already.", _of(Asked)),
            "201": _answer("You are attached to it now.", _of(Asked)),
        }
        | _problems((*_ALWAYS, *_BODY, errors.MalformedHeader, *_in(refusals), MalformedUpload, EmptyFile)),
    }


def _analysis_result() -> Operation:
    return {
        "operationId": "analyses.result",
        "tags": ["analysis"],
        "summary": "What an analysis found: each fact with its page, offset and passage, and what there is none of.",
        "parameters": _path_parameters(RESULT),
        "responses": {"200": _answer("The result.", _of(Extraction))}
        | _problems((*_ALWAYS, errors.InvalidParameter, UnknownAnalysis, AnalysisNotReady)),
    }


def _clean_up() -> Operation:
    return {
        "operationId": "cache.clean_up_and_wait",
        "tags": ["cache"],
        "summary": "Take out of the caches what nobody asked for lately, and wait for the end. For administrators.",
        "parameters": [_header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id.")],
        "requestBody": {"required": False, "content": {JSON: {"schema": _of(CleanUp)}}},
        "responses": {"200": _answer("How many went.", _of(CleanUpAnswer))}
        | _problems((*_ALWAYS, *_BODY, errors.MalformedHeader, *_in(refusals), CleanUpIdTaken, StillCleaning)),
    }


def _download() -> Operation:
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "operationId": "documents.download",
        "tags": ["document"],
        "summary": "The file as it was uploaded.",
        "parameters": _path_parameters(CONTENT),
        "responses": {"200": {"description": "Its bytes.", "content": binary}}
        | _problems((*_ALWAYS, errors.InvalidParameter)),
    }


def _export() -> Operation:
    kinds = {each: {"schema": {"type": "string", "format": "binary"}} for each in EXPORT_TYPES.values()}
    return {
        "operationId": "exports.download",
        "tags": ["job"],
        "summary": "The file that an export job wrote.",
        "parameters": _path_parameters(EXPORT),
        "responses": {"200": {"description": "Its bytes.", "content": kinds}}
        | _problems((*_ALWAYS, errors.InvalidParameter, UnknownJob, ExportNotReady)),
    }


def _stream() -> Operation:
    last = {"type": "string", "pattern": "^[0-9]{1,18}$"}
    text = {
        "type": "string",
        "description": "Events whose `data` is a message of the socket, as `asyncapi.json` has it.",
    }
    return {
        "operationId": "feeds.stream",
        "tags": ["feed"],
        "summary": "A feed's events behind `after`, then live, as server-sent events.",
        "description": "The `id` of an event is its sequence. The same messages as on a socket: `subscribed`, `event`,"
        " `caught_up`, `advanced`, `progress`, `presence`; `reset`, `unsubscribed` and `bye` end the stream.",
        "parameters": [
            *_parameters(STREAM, FollowFeed),
            _header("Last-Event-ID", last, "The sequence to go on behind; it counts more than `after`."),
        ],
        "responses": {"200": {"description": "Endless.", "content": {"text/event-stream": {"schema": text}}}}
        | _problems((*_FEED, errors.MalformedHeader, *_in(socket_places))),
    }


def _poll() -> Operation:
    return {
        "operationId": "feeds.events",
        "tags": ["feed"],
        "summary": "A page of a feed's events behind `after`; where there are none yet, the next to come.",
        "description": PollFeed.__doc__,
        "parameters": _parameters(EVENTS, PollFeed),
        "responses": {"200": {"description": "The page.", "content": {JSON: {"schema": _of(FeedPage)}}}}
        | _problems(_FEED),
    }


def _spliced() -> dict[str, Any]:
    """Say what is spliced into pages as bytes: the structs only say that it is something."""
    page, event = _COMPONENTS[FeedPage.__name__], _COMPONENTS[EventFrame.__name__]
    holds = {"events": {"type": "array", "items": _of(EventFrame)}, "reset": _of(Reset)}
    data = {"type": "object", "description": "By the event's type: see `asyncapi.json`."}
    return {
        FeedPage.__name__: page | {"properties": page["properties"] | holds},
        EventFrame.__name__: event | {"properties": event["properties"] | {"data": data}},
    }


def _refusals_of(command: type[Command]) -> Iterable[type[Refused]]:
    """Find what may refuse a command: the bus, the door, and the rules of its aggregate and its project."""
    room = AGGREGATE_OF[command].decide.__module__.rsplit(".decider", 1)[0]
    ours = (each for each in errors.refusals().values() if each.__module__.startswith((room, "domain.project")))
    return (*_ALWAYS, *_BODY, errors.MalformedHeader, *_in(refusals), *ours)


def _in(module: Any) -> Iterable[type[Refused]]:
    return (each for each in errors.refusals().values() if each.__module__ == module.__name__)


def _problems(found: Iterable[type[Refused]]) -> dict[str, Any]:
    """Describe the error answers, by status, with the codes that each may carry."""
    by_status: dict[int, dict[str, str]] = {}
    for refusal in found:
        by_status.setdefault(int(status_of(refusal)), {})[refusal.code] = title_of(refusal)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {title}" for code, title in sorted(codes.items())),
            "content": {PROBLEM_TYPE: {"schema": _of(Problem)}},
        }
        for status, codes in sorted(by_status.items())
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    headers = {
        "Plumbline-Position": {"schema": {"type": "integer"}, "description": "The log's position it is true at."}
    }
    return {"description": description, "headers": headers, "content": {JSON: {"schema": schema}}}


def _with_sequence(answer: dict[str, Any], query: type[Query]) -> dict[str, Any]:
    if "project_id" not in query.__struct_fields__:
        return answer
    sequence = {"schema": {"type": "integer"}, "description": "The project feed's sequence that it is true at."}
    epoch = {"schema": {"type": "string", "format": "uuid"}, "description": "The life of the log of that sequence."}
    return answer | {"headers": answer["headers"] | {"Plumbline-Sequence": sequence, "Plumbline-Epoch": epoch}}


def _of(answered: Any) -> dict[str, Any]:
    return _SCHEMA_OF[repr(answered)]


def _header(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "format": "uuid"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in FIELD.findall(path)]


def title_of_struct(struct: type[Struct]) -> str:
    """Give the first sentence of a struct's docstring."""
    return re.split(r"(?<=\.)\s", (struct.__doc__ or struct.__name__).strip(), maxsplit=1)[0]


_ALWAYS: tuple[type[Refused], ...] = (
    refusals.NotSignedIn,
    UnknownProject,
    OriginRefused,
    CsrfRefused,
    TooManyRequests,
    errors.BadRequest,
    errors.Unavailable,
)
_FEED = (*_ALWAYS, errors.InvalidParameter, *_in(hub_rights))
_BODY = (errors.MalformedJson, errors.InvalidBody, errors.TooLarge, errors.UnsupportedMediaType)

_SESSION_PATHS: dict[str, dict[str, Operation]] = {
    TICKETS: {
        "post": {
            "operationId": "socket.ticket",
            "tags": ["session"],
            "summary": "Make a ticket that signs in on one socket, once, within 30 seconds.",
            "requestBody": {"required": False, "content": {JSON: {"schema": _of(IssueTicket)}}},
            "responses": {"201": {"description": "The ticket.", "content": {JSON: {"schema": _of(Ticket)}}}}
            | _problems((*_ALWAYS, *_BODY)),
        },
    },
    "/api/session": {
        "post": {
            "operationId": "session.begin",
            "tags": ["session"],
            "summary": "Log in: sets the session cookie and answers the CSRF token.",
            "security": [],
            "requestBody": {"required": True, "content": {JSON: {"schema": _of(LogIn)}}},
            "responses": {"201": _answer("Logged in.", _of(SessionInfo))} | _problems((*_ALWAYS, *_BODY)),
        },
        "get": {
            "operationId": "session.get",
            "tags": ["session"],
            "summary": "Who is logged in.",
            "responses": {"200": _answer("The session.", _of(SessionInfo))} | _problems(_ALWAYS),
        },
        "delete": {
            "operationId": "session.end",
            "tags": ["session"],
            "summary": "Log out, everywhere at once.",
            "responses": {"204": {"description": "Logged out."}} | _problems(_ALWAYS),
        },
    },
}
_HEALTH_PATHS: dict[str, dict[str, Operation]] = {
    "/health/live": {
        "get": {
            "operationId": "health.live",
            "tags": ["health"],
            "summary": "Whether the process answers.",
            "security": [],
            "responses": {"200": {"description": "It does."}},
        }
    },
    "/health/ready": {
        "get": {
            "operationId": "health.ready",
            "tags": ["health"],
            "summary": "Whether everything works that requests need, really tried.",
            "security": [],
            "responses": {
                "200": {"description": "It does.", "content": {JSON: {"schema": _of(Readiness)}}},
                "503": {"description": "It does not.", "content": {JSON: {"schema": _of(Readiness)}}},
            },
        }
    },
}
