"""`/api/session`: log in, ask who is logged in, log out."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from commands import NotSignedIn
from transport.rest.decoding import decoded, encoded
from transport.rest.doors import Doors
from transport.sessions import Session, cookie_of, set_cookie
from transport.visit import json_body, visit_of

JSON = "application/json"


class LogIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proof of who somebody is."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=256)]


class SessionInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is logged in. `csrf` belongs into the X-CSRF-Token header of every unsafe request with the cookie."""

    account_id: UUID
    admin: bool
    csrf: str = ""


_LOG_IN = msgspec.json.Decoder(LogIn)
AnyRequest = Request[Any, Any, Any]


def session_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Make the routes."""
    seconds = doors.settings.session_hours * 3600

    @post("/api/session", name="session.begin")
    async def begin(request: AnyRequest) -> Response[bytes]:
        visit = visit_of(request.scope)
        await doors.admission.anyone(visit)
        await doors.limiter.take(doors.limits.log_in, visit.client)
        proof = decoded(_LOG_IN, await json_body(visit, request.receive))
        await doors.limiter.take(doors.limits.password, doors.write.lookups.email_claim(proof.email))
        identity = await doors.write.identities.by_password(proof.email, proof.password)
        await _end_current(doors, visit.headers)
        secret, session = await doors.sessions.begin(identity)
        return _answer(session, HTTPStatus.CREATED, set_cookie(secret, seconds))

    @get("/api/session", name="session.get")
    async def current(request: AnyRequest) -> Response[bytes]:
        return _answer(await doors.admission.account(visit_of(request.scope)), HTTPStatus.OK)

    @delete("/api/session", name="session.end", status_code=HTTPStatus.NO_CONTENT)
    async def end(request: AnyRequest) -> Response[None]:
        session = await doors.admission.account(visit_of(request.scope))
        if session.session_id:
            await doors.sessions.end(session.session_id)
        return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"set-cookie": set_cookie("", 0)})

    return [begin, current, end]


def _answer(session: Session, status: HTTPStatus, cookie: str = "") -> Response[bytes]:
    info = SessionInfo(account_id=session.identity.account_id, admin=session.identity.admin, csrf=session.csrf)
    headers = {"set-cookie": cookie} if cookie else {}
    return Response(encoded(info), status_code=status, media_type=JSON, headers=headers)


async def _end_current(doors: Doors, headers: dict[str, str]) -> None:
    """End the session that the browser brings to a log-in: the new one takes its place under another id."""
    secret = cookie_of(headers)
    if secret is None:
        return
    try:
        session = await doors.sessions.find(secret)
    except NotSignedIn:
        return
    await doors.sessions.end(session.session_id)
