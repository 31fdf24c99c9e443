"""One table from refusals to HTTP: statuses, RFC 9457 problem objects, and the list of every error code.

`python -m transport.errors` prints the list as Markdown (docs/errors.md).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from domain.core import Kind, Refused

STATUS: dict[Kind, HTTPStatus] = {
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "unknown": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "limit": HTTPStatus.TOO_MANY_REQUESTS,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
STATUS_OF_CODE: dict[str, HTTPStatus] = {
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "malformed_header": HTTPStatus.BAD_REQUEST,
    "malformed_upload": HTTPStatus.BAD_REQUEST,
    "bad_request": HTTPStatus.BAD_REQUEST,
    "body_timeout": HTTPStatus.REQUEST_TIMEOUT,
    "head_timeout": HTTPStatus.REQUEST_TIMEOUT,
    "head_too_large": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
}
"""Codes that only HTTP knows, with a finer status than their kind's."""

INTERNAL = "internal"
RETRY_AFTER = 1
"""Seconds that a caller is asked to wait when something is unavailable for the moment."""
PROBLEM_TYPE = "application/problem+json"
_PATH = re.compile(r"(?P<message>.*) - at `(?P<path>[^`]*)`", re.DOTALL)


class FieldError(Struct, frozen=True):
    """What is wrong with one part of a request: `path` is `$.name` in a body, the name of a parameter or header."""

    path: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """An RFC 9457 problem object: the one shape of every error answer. Some codes carry further members."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""


class MalformedJson(Refused):
    """The body is not JSON."""

    code = "malformed_json"
    kind = "invalid"


class MalformedHeader(Refused):
    """A header has a value that it cannot have."""

    code = "malformed_header"
    kind = "invalid"


class BadRequest(Refused):
    """The request makes no sense to the server."""

    code = "bad_request"
    kind = "invalid"


class InvalidBody(Refused):
    """The body does not have the shape that this operation takes."""

    code = "invalid_body"
    kind = "invalid"


class InvalidParameter(Refused):
    """A parameter does not have the shape that this operation takes."""

    code = "invalid_parameter"
    kind = "invalid"


class TooLarge(Refused):
    """The body is larger than the server takes."""

    code = "too_large"
    kind = "limit"


class HeadTooLarge(Refused):
    """The request's address and headers are larger than the server takes."""

    code = "head_too_large"
    kind = "limit"


class HeadTimeout(Refused):
    """The request's address and headers did not arrive in time."""

    code = "head_timeout"
    kind = "limit"


class BodyTimeout(Refused):
    """The body did not arrive in time."""

    code = "body_timeout"
    kind = "limit"


class UnsupportedMediaType(Refused):
    """The body must be of another media type."""

    code = "unsupported_media_type"
    kind = "invalid"


class NoSuchPath(Refused):
    """There is nothing at this address."""

    code = "not_found"
    kind = "unknown"


class MethodNotAllowed(Refused):
    """This address answers to other methods."""

    code = "method_not_allowed"
    kind = "invalid"


class Unavailable(Refused):
    """A server that this needs cannot be reached: ask again in a moment."""

    code = "unavailable"
    kind = "unavailable"


def status_of(refusal: type[Refused] | Refused) -> HTTPStatus:
    """Give the HTTP status that a refusal is answered with."""
    return STATUS_OF_CODE.get(refusal.code) or STATUS[refusal.kind]


def title_of(refusal: type[Refused]) -> str:
    """Give the summary of a kind of refusal: the first line of its docstring."""
    return (refusal.__doc__ or "Refused.").strip().splitlines()[0]


def invalid(refusal: type[Refused], error: msgspec.ValidationError) -> Refused:
    """Make a refusal out of what msgspec says about a value."""
    found = _PATH.fullmatch(str(error))
    path, message = (found["path"], found["message"]) if found else ("$", str(error))
    return refusal(f"{message}, at {path}", errors=(FieldError(path, message),))


def problem_of(error: Refused, request_id: str) -> dict[str, Any]:
    """Write a refusal as a problem object; its `extra` become further members."""
    status = status_of(error)
    extra = dict(error.extra)
    errors: Sequence[FieldError] = extra.pop("errors", ())
    return {
        "type": f"/api/docs#{error.code}",
        "title": title_of(type(error)),
        "status": int(status),
        "detail": error.detail,
        "code": error.code,
        "errors": list(errors),
        "request_id": request_id,
    } | extra


def internal_problem(request_id: str) -> dict[str, Any]:
    """Write what a caller may know of an unexpected error: the id that finds it in the log."""
    return {
        "type": f"/api/docs#{INTERNAL}",
        "title": "Something went wrong inside the server.",
        "status": int(HTTPStatus.INTERNAL_SERVER_ERROR),
        "detail": "Nothing is known to be stored. Name the request id when you report this.",
        "code": INTERNAL,
        "errors": [],
        "request_id": request_id,
    }


def headers_of(error: Refused) -> dict[str, str]:
    """Give the headers that HTTP wants beside certain answers."""
    match status_of(error):
        case HTTPStatus.UNAUTHORIZED:
            return {"www-authenticate": "Bearer"}
        case HTTPStatus.TOO_MANY_REQUESTS if "retry_after" in error.extra:
            return limit_headers(error.extra)
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return {"retry-after": str(RETRY_AFTER)}
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return {"allow": ", ".join(error.extra.get("allowed", ()))}
        case _:
            return {}


def limit_headers(extra: Mapping[str, Any]) -> dict[str, str]:
    """Give the headers that tell a caller over a rate limit what it is and when to come back."""
    return {
        "retry-after": str(extra["retry_after"]),
        "ratelimit-limit": str(extra["limit"]),
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(extra["retry_after"]),
    }


def refusals() -> dict[str, type[Refused]]:
    """Find every refusal there is, by code. Raises `TypeError` where classes of one code are told differently."""
    found: dict[str, type[Refused]] = {}
    for refusal in _subclasses(Refused):
        first = found.setdefault(refusal.code, refusal)
        if (first.kind, title_of(first)) != (refusal.kind, title_of(refusal)):
            raise TypeError(f"{refusal.code!r} means two things: {first} and {refusal}")
    return dict(sorted(found.items()))


def _subclasses(refusal: type[Refused]) -> Iterator[type[Refused]]:
    for each in refusal.__subclasses__():
        yield each
        yield from _subclasses(each)


def markdown() -> str:
    """Write the list of codes as a Markdown page."""
    lines = [
        "# Error codes",
        "",
        "Every error is an RFC 9457 problem object with a permanent `code`. REST answers it with the status below,",
        "the WebSocket in an `error` frame. This page is generated: `python -m transport.errors > docs/errors.md`.",
        "",
        "| code | status | meaning |",
        "|---|---|---|",
        *(f"| `{code}` | {int(status_of(each))} | {title_of(each)} |" for code, each in refusals().items()),
        f"| `{INTERNAL}` | 500 | {internal_problem('')['title']} |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys
    from importlib import import_module

    import_module("transport.app")  # it imports every room, and so every refusal

    sys.stdout.write(markdown())
