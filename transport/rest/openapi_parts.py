"""What descriptions of operations are made of: schemas, parameters, answers and refusals."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from commands import Receipt, refusals
from commands.frames import EventFrame
from commands.rights import PUBLIC
from domain.core import Refused
from domain.extraction import Extraction
from domain.project import UnknownProject
from projections.queries import RESULT_OF
from transport import errors
from transport.errors import PROBLEM_TYPE, Problem, status_of, title_of
from transport.gateway import hub_rights
from transport.gateway.feed_door import FeedPage
from transport.gateway.socket_messages import Reset
from transport.health import Readiness
from transport.limits import TooManyRequests
from transport.recognition import CsrfRefused, OriginRefused
from transport.rest.analysis_door import Asked, CleanUp, CleanUpAnswer
from transport.rest.query_door import FIELD
from transport.rest.session_door import LogIn, SessionInfo
from transport.rest.upload_door import Upload
from transport.tickets import IssueTicket, Ticket

REF = "#/components/schemas/{name}"
JSON = "application/json"
Operation = dict[str, Any]
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

_SCHEMAS, COMPONENTS = msgspec.json.schema_components((*_ANSWERED, *PUBLIC.values()), ref_template=REF)
SCHEMA_OF = dict(zip((*map(repr, _ANSWERED), *PUBLIC), _SCHEMAS, strict=True))


def schema_of(answered: Any) -> dict[str, Any]:
    """Give the schema of a struct, or of what a query answers."""
    return SCHEMA_OF[repr(answered)]


def answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an answer that tells the position it is true at."""
    headers = {
        "Plumbline-Position": {"schema": {"type": "integer"}, "description": "The log's position it is true at."}
    }
    return {"description": description, "headers": headers, "content": {JSON: {"schema": schema}}}


def problems(found: Iterable[type[Refused]]) -> dict[str, Any]:
    """Describe the error answers, by status, with the codes that each may carry."""
    by_status: dict[int, dict[str, str]] = {}
    for refusal in found:
        by_status.setdefault(int(status_of(refusal)), {})[refusal.code] = title_of(refusal)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {title}" for code, title in sorted(codes.items())),
            "content": {PROBLEM_TYPE: {"schema": schema_of(Problem)}},
        }
        for status, codes in sorted(by_status.items())
    }


def refusals_in(module: Any) -> Iterable[type[Refused]]:
    """Give the refusals that a module defines."""
    return (each for each in errors.refusals().values() if each.__module__ == module.__name__)


def header(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    """Describe a header that may be sent."""
    return {"name": name, "in": "header", "schema": schema, "description": description}


def path_parameters(path: str) -> list[dict[str, Any]]:
    """Describe the ids in a path."""
    schema = {"type": "string", "format": "uuid"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in FIELD.findall(path)]


def parameters(path: str, asked: type[Struct]) -> list[dict[str, Any]]:
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


def _as_parameter(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a field as an address can say it: as text, never null, never an array."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") not in {"null", "array"}]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def title_of_struct(struct: type[Struct]) -> str:
    """Give the first sentence of a struct's docstring."""
    return re.split(r"(?<=\.)\s", (struct.__doc__ or struct.__name__).strip(), maxsplit=1)[0]


ALWAYS: tuple[type[Refused], ...] = (
    refusals.NotSignedIn,
    UnknownProject,
    OriginRefused,
    CsrfRefused,
    TooManyRequests,
    errors.BadRequest,
    errors.Unavailable,
)

BODY = (errors.MalformedJson, errors.InvalidBody, errors.TooLarge, errors.UnsupportedMediaType)

FEED = (*ALWAYS, errors.InvalidParameter, *refusals_in(hub_rights))
