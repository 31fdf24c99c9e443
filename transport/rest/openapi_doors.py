"""The OpenAPI operations of the doors that are no command or query: files, feeds, sessions, health."""

from typing import Any, get_args

from commands import refusals
from domain.analysis import AnalysisNotReady, UnknownAnalysis
from domain.cache import CleanUpIdTaken
from domain.document import Purpose
from domain.extraction import Extraction
from domain.job import EXPORT_TYPES, UnknownJob
from transport import errors
from transport.gateway import socket_places
from transport.gateway.feed_door import EVENTS, STREAM, FeedPage, FollowFeed, PollFeed
from transport.health import Readiness
from transport.rest.analysis_door import CLEAN_UP, RESULT, UPLOADS, Asked, CleanUp, CleanUpAnswer, StillCleaning
from transport.rest.export_door import EXPORT, ExportNotReady
from transport.rest.multipart_file import EmptyFile, MalformedUpload
from transport.rest.openapi_parts import (
    ALWAYS,
    BODY,
    FEED,
    JSON,
    Operation,
    answer,
    header,
    parameters,
    path_parameters,
    problems,
    refusals_in,
    schema_of,
)
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


def door_paths() -> dict[str, dict[str, Operation]]:
    """Describe the doors that are no command or query."""
    return {
        DOCUMENTS: {"post": _upload()},
        CONTENT: {"get": _download()},
        EXPORT: {"get": _export()},
        STREAM: {"get": _stream()},
        EVENTS: {"get": _poll()},
        **{path: {"post": _analyse(kind)} for kind, path in UPLOADS.items()},
        RESULT: {"get": _analysis_result()},
        CLEAN_UP: {"post": _clean_up()},
        **_SESSION_PATHS,
        **_HEALTH_PATHS,
    }


def _upload() -> Operation:
    return {
        "operationId": "documents.upload",
        "tags": ["document"],
        "summary": "Add a file to the project. The same bytes again are the same document.",
        "parameters": [
            *path_parameters(DOCUMENTS),
            {
                "name": "purpose",
                "in": "query",
                "required": False,
                "description": "A file for comparison is read, and nothing of it is imported: see comparison.add.",
                "schema": {"type": "string", "enum": list(get_args(Purpose)), "default": "budget"},
            },
            header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id."),
        ],
        "requestBody": _FILE,
        "responses": {
            "200": answer("The project has this file already.", schema_of(Upload)),
            "201": answer("The file was added.", schema_of(Upload)),
        }
        | problems((*ALWAYS, *BODY, errors.MalformedHeader, *refusals_in(refusals), MalformedUpload, EmptyFile)),
    }


def _analyse(kind: str) -> Operation:
    return {
        "operationId": f"analyses.{kind}",
        "tags": ["analysis"],
        "summary": f"Have a file analysed as a {kind}. The same bytes again are the same analysis.",
        "parameters": [header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id.")],
        "requestBody": _FILE,
        "responses": {
            "200": answer("You are attached to it already.", schema_of(Asked)),
            "201": answer("You are attached to it now.", schema_of(Asked)),
        }
        | problems((*ALWAYS, *BODY, errors.MalformedHeader, *refusals_in(refusals), MalformedUpload, EmptyFile)),
    }


def _analysis_result() -> Operation:
    return {
        "operationId": "analyses.result",
        "tags": ["analysis"],
        "summary": "What an analysis found: each fact with its page, offset and passage, and what there is none of.",
        "parameters": path_parameters(RESULT),
        "responses": {"200": answer("The result.", schema_of(Extraction))}
        | problems((*ALWAYS, errors.InvalidParameter, UnknownAnalysis, AnalysisNotReady)),
    }


def _clean_up() -> Operation:
    return {
        "operationId": "cache.clean_up_and_wait",
        "tags": ["cache"],
        "summary": "Take out of the caches what nobody asked for lately, and wait for the end. For administrators.",
        "parameters": [header("Idempotency-Key", {"type": "string", "format": "uuid"}, "Becomes the command's id.")],
        "requestBody": {"required": False, "content": {JSON: {"schema": schema_of(CleanUp)}}},
        "responses": {"200": answer("How many went.", schema_of(CleanUpAnswer))}
        | problems((*ALWAYS, *BODY, errors.MalformedHeader, *refusals_in(refusals), CleanUpIdTaken, StillCleaning)),
    }


def _download() -> Operation:
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "operationId": "documents.download",
        "tags": ["document"],
        "summary": "The file as it was uploaded.",
        "parameters": path_parameters(CONTENT),
        "responses": {"200": {"description": "Its bytes.", "content": binary}}
        | problems((*ALWAYS, errors.InvalidParameter)),
    }


def _export() -> Operation:
    kinds = {each: {"schema": {"type": "string", "format": "binary"}} for each in EXPORT_TYPES.values()}
    return {
        "operationId": "exports.download",
        "tags": ["job"],
        "summary": "The file that an export job wrote.",
        "parameters": path_parameters(EXPORT),
        "responses": {"200": {"description": "Its bytes.", "content": kinds}}
        | problems((*ALWAYS, errors.InvalidParameter, UnknownJob, ExportNotReady)),
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
            *parameters(STREAM, FollowFeed),
            header("Last-Event-ID", last, "The sequence to go on behind; it counts more than `after`."),
        ],
        "responses": {"200": {"description": "Endless.", "content": {"text/event-stream": {"schema": text}}}}
        | problems((*FEED, errors.MalformedHeader, *refusals_in(socket_places))),
    }


def _poll() -> Operation:
    return {
        "operationId": "feeds.events",
        "tags": ["feed"],
        "summary": "A page of a feed's events behind `after`; where there are none yet, the next to come.",
        "description": PollFeed.__doc__,
        "parameters": parameters(EVENTS, PollFeed),
        "responses": {"200": {"description": "The page.", "content": {JSON: {"schema": schema_of(FeedPage)}}}}
        | problems(FEED),
    }


_SESSION_PATHS: dict[str, dict[str, Operation]] = {
    TICKETS: {
        "post": {
            "operationId": "socket.ticket",
            "tags": ["session"],
            "summary": "Make a ticket that signs in on one socket, once, within 30 seconds.",
            "requestBody": {"required": False, "content": {JSON: {"schema": schema_of(IssueTicket)}}},
            "responses": {"201": {"description": "The ticket.", "content": {JSON: {"schema": schema_of(Ticket)}}}}
            | problems((*ALWAYS, *BODY)),
        },
    },
    "/api/session": {
        "post": {
            "operationId": "session.begin",
            "tags": ["session"],
            "summary": "Log in: sets the session cookie and answers the CSRF token.",
            "security": [],
            "requestBody": {"required": True, "content": {JSON: {"schema": schema_of(LogIn)}}},
            "responses": {"201": answer("Logged in.", schema_of(SessionInfo))} | problems((*ALWAYS, *BODY)),
        },
        "get": {
            "operationId": "session.get",
            "tags": ["session"],
            "summary": "Who is logged in.",
            "responses": {"200": answer("The session.", schema_of(SessionInfo))} | problems(ALWAYS),
        },
        "delete": {
            "operationId": "session.end",
            "tags": ["session"],
            "summary": "Log out, everywhere at once.",
            "responses": {"204": {"description": "Logged out."}} | problems(ALWAYS),
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
                "200": {"description": "It does.", "content": {JSON: {"schema": schema_of(Readiness)}}},
                "503": {"description": "It does not.", "content": {JSON: {"schema": schema_of(Readiness)}}},
            },
        }
    },
}
