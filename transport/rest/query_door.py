"""Queries as addresses: one table from paths to query structs; path and query string fill the struct's fields."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, structs

from projections.asking import Query, Viewer
from projections.queries import QUERIES
from transport.errors import FieldError, InvalidParameter, NoSuchPath, invalid
from transport.rest.decoding import encoded
from transport.rest.doors import Doors
from transport.visit import visit_of

PROJECT = "/api/projects/{project_id}"
PATHS: dict[str, str] = {
    "/api/account": "account.get",
    "/api/invitations": "invitations.list",
    "/api/projects": "projects.list",
    "/api/positions": "positions.using_code",
    "/api/search": "search.find",
    "/api/catalogues": "catalogues.list",
    "/api/analyses": "analyses.list",
    "/api/analyses/{analysis_id}": "analyses.get",
    "/api/admin/cache/stats": "cache.stats",
    "/api/catalogues/{catalogue_id}/prices": "catalogues.prices",
    PROJECT: "projects.get",
    f"{PROJECT}/members": "members.list",
    f"{PROJECT}/documents": "documents.list",
    f"{PROJECT}/documents/{{document_id}}": "documents.get",
    f"{PROJECT}/documents/{{document_id}}/differences": "documents.diff",
    f"{PROJECT}/positions": "positions.list",
    f"{PROJECT}/positions/{{position_id}}": "positions.get",
    f"{PROJECT}/versions": "versions.list",
    f"{PROJECT}/versions/{{a}}..{{b}}": "versions.diff",
    f"{PROJECT}/variations": "variations.list",
    f"{PROJECT}/variations/{{variation_id}}": "variations.get",
    f"{PROJECT}/audits": "audits.list",
    f"{PROJECT}/audits/{{audit_id}}": "audits.get",
    f"{PROJECT}/audits/{{audit_id}}/findings": "findings.list",
    f"{PROJECT}/findings": "findings.list",
    f"{PROJECT}/jobs": "jobs.list",
    f"{PROJECT}/jobs/{{job_id}}": "jobs.get",
    f"{PROJECT}/operations": "operations.list",
    f"{PROJECT}/operations/{{operation_id}}": "operations.get",
    f"{PROJECT}/threads": "threads.list",
    f"{PROJECT}/threads/{{thread_id}}/messages": "threads.messages",
    f"{PROJECT}/threads/{{thread_id}}/messages/{{message_id}}/history": "messages.history",
    f"{PROJECT}/history": "history.list",
    "/api/jobs/{job_id}": "jobs.get",
    "/api/notifications": "notifications.list",
    "/api/notifications/count": "notifications.count",
}
"""Where each query is answered. What stands in braces is a field of the query; the others are parameters."""

MOST_PARAMETERS = 50
LARGEST = 2**63 - 1
"""Of numbers that PostgreSQL counts with."""
Q = TypeVar("Q", bound=Struct)
FIELD = re.compile(r"\{(\w+)\}")


def query_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Make the routes."""
    return [_route(doors, path, QUERIES[name]) for path, name in PATHS.items()]


def _route(doors: Doors, path: str, query: type[Query]) -> HTTPRouteHandler:
    fields = re.compile(FIELD.sub(r"(?P<\1>[^/]+?)", path.replace(".", r"\.")))

    @get(litestar_path(path))
    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        visit = visit_of(request.scope)
        session = await doors.admission.account(visit)
        found = fields.fullmatch(visit.path.rstrip("/"))
        if found is None:
            raise NoSuchPath
        asked = query_of(query, found.groupdict(), request.scope["query_string"])
        viewer = Viewer(account_id=session.identity.account_id, admin=session.identity.admin)
        answer = await doors.queries.answer(asked, viewer)
        headers = {"plumbline-position": str(answer.position)}
        if answer.sequence is not None:
            headers |= {"plumbline-sequence": str(answer.sequence), "plumbline-epoch": str(answer.epoch)}
        return Response(encoded(answer.body), media_type="application/json", headers=headers)

    return answer


def litestar_path(path: str) -> str:
    """Write a path as Litestar routes it: one parameter takes a whole segment, such as `{a}..{b}`."""
    segments = path.split("/")
    names = ["_".join(FIELD.findall(segment)) for segment in segments]
    return "/".join(f"{{{name}:str}}" if name else segment for name, segment in zip(names, segments, strict=True))


def query_of(query: type[Q], path: Mapping[str, str], query_string: bytes) -> Q:
    """Fill the fields of a query, or of another struct, from the address.

    Raises `InvalidParameter`, which names the parameter.
    """
    given = _given(query_string)
    known = {field.encode_name for field in structs.fields(query)}
    for name in given:
        if name not in known or name in path:
            raise _wrong(name, "There is no such parameter.")
    try:
        asked = msgspec.convert({**given, **path}, query, strict=False)
    except msgspec.ValidationError as error:
        raise _named(error) from error
    for name in known:
        value: object = getattr(asked, name)
        if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
            raise _wrong(name, "The number is too large.")
    return asked


def _given(query_string: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError as error:
        raise InvalidParameter("The query string is not URL-encoded UTF-8.") from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise _wrong(name, "The parameter is given twice.")
        if "\0" in value:
            raise _wrong(name, "Text must not contain NUL characters.")
        given[name] = value
    return given


def _wrong(name: str, message: str) -> InvalidParameter:
    return InvalidParameter(f"{name}: {message}", errors=(FieldError(name, message),))


def _named(error: msgspec.ValidationError) -> InvalidParameter:
    """Name the parameter where msgspec names a place in an object."""
    found: FieldError = invalid(InvalidParameter, error).extra["errors"][0]
    return _wrong(found.path.removeprefix("$.").removeprefix("$"), found.message)
