"""The gate: the outermost layer around every HTTP request. Request ids, security headers, errors, metrics, the log."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from time import perf_counter
from traceback import clear_frames
from typing import Any

import psycopg
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars

from domain.core import Refused
from runtime.settings import Network
from runtime.telemetry import get_logger
from transport.access_log import AccessLog
from transport.addresses import client_of
from transport.errors import (
    PROBLEM_TYPE,
    BadRequest,
    MethodNotAllowed,
    NoSuchPath,
    Unavailable,
    headers_of,
    internal_problem,
    problem_of,
)
from transport.metrics import REFUSALS, observe
from transport.rest.decoding import encoded
from transport.visit import VISIT, ASGIApp, ClientGone, Message, Receive, Send, Visit, drain

Header = tuple[bytes, bytes]

SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
NO_PAGE: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""For every answer that does not bring its own policy: data is never a page."""
END: Message = {"type": "http.response.body", "body": b""}
CLIENT_GONE = 499
"""The status that the log and the metrics give a request that nobody waited for."""

log = get_logger(__name__)


class Gate:
    """Wraps an ASGI application.

    `direct` are applications by exact path that need no routing: sockets, and the commands, which carry the load.
    """

    def __init__(self, app: ASGIApp, access_log: AccessLog, trusted_proxies: Sequence[Network] = ()) -> None:
        """Let every HTTP request to `app` through here, and note it in `access_log`, from where the proxies say."""
        self.direct: dict[str, ASGIApp] = {}
        self._app = app
        self._access_log = access_log
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Let a connection through. Of a socket, no frame comes by here."""
        app = self.direct.get(scope["path"], self._app)
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        visit = scope[VISIT] = Visit(scope)
        visit.client = client_of(visit.client, visit.headers, self._trusted_proxies)
        bind_contextvars(request_id=visit.request_id)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                message["headers"] = _with_ours(message["headers"], visit.request_id)
            await send(message)

        try:
            await app(scope, receive, answer)
        except ClientGone:
            visit.status = CLIENT_GONE
        except Exception as error:
            if visit.status:
                raise  # the answer is under way: the server cuts the connection, so that nobody takes it for whole
            await _answer_error(error, visit, answer)
            _let_go(error)
            if visit.unread:
                await drain(visit, receive)
                await send(END)
        finally:
            seconds = perf_counter() - visit.started
            route: str = visit.path if app is not self._app else scope.get("path_template", "")
            observe(route, visit.method, visit.status, seconds)
            self._access_log.note(visit, seconds)


def _with_ours(headers: Iterable[Header], request_id: str) -> list[Header]:
    ours = [*headers, (b"x-request-id", request_id.encode()), *SECURITY]
    for name, _ in headers:
        if name == NO_PAGE[0]:
            return ours
    ours.append(NO_PAGE)
    return ours


def refusal_of(error: Exception) -> Refused | None:
    """Say an exception as a refusal; `None` where it is none of ours and nobody expected it."""
    match error:
        case Refused():
            return error
        case NotFoundException():
            return NoSuchPath()
        case MethodNotAllowedException():
            return MethodNotAllowed(allowed=sorted((error.headers or {}).get("allow", "").split(", ")))
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return BadRequest(error.detail)
        case psycopg.OperationalError() | PoolTimeout() | RedisError():
            log.warning("door.unavailable", error=repr(error))
            return Unavailable()
        case _:
            return None


def _let_go(error: BaseException | None) -> None:
    """Free what the frames of a failed request hold, such as a half-written file, before the collector comes by."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__


async def _answer_error(error: Exception, visit: Visit, send: Send) -> None:
    refusal = refusal_of(error)
    if refusal is None:
        log.error("door.internal_error", method=visit.method, path=visit.path, exc_info=error)
        problem, headers = internal_problem(visit.request_id), dict[str, str]()
    else:
        REFUSALS.labels(refusal.code).inc()
        problem, headers = problem_of(refusal, visit.request_id), headers_of(refusal)
    body = encoded(problem)
    started = [(b"content-type", PROBLEM_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    started += [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem["status"], "headers": started})
    await send({"type": "http.response.body", "body": body, "more_body": visit.unread})
