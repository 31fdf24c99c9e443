"""One-time tickets: how to sign in on a socket whose handshake can be given neither a cookie nor a header."""

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct
from redis.asyncio import Redis

from commands import NotSignedIn
from transport.errors import MethodNotAllowed
from transport.rest.decoding import decoded, encoded
from transport.rest.doors import Doors
from transport.sessions import COOKIE, cookie_of
from transport.visit import Receive, Send, json_body, visit_of

PATH = "/api/commands/socket.ticket"
TICKET_SECONDS = 30
_NONCE = bytes(12)
"""Each ticket is a key of its own and seals one message, so that the nonce need not differ."""


class IssueTicket(Struct, frozen=True, forbid_unknown_fields=True):
    """Make a ticket for the sender's own account and session."""


class Ticket(Struct, frozen=True, kw_only=True):
    """Signs in on one socket, once, until `expires_at`: send it there as `{"op":"auth","ticket":...}`."""

    ticket: str
    expires_at: datetime


class BadTicket(NotSignedIn):
    """This ticket was used, has expired, or never was one: get another."""

    code = "bad_ticket"


class TicketDoor:
    """Answers `POST /api/commands/socket.ticket`. An ASGI application."""

    def __init__(self, doors: Doors) -> None:
        """Admit whoever `doors` admit."""
        self._doors = doors

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request. Raises a `Refused`."""
        visit = visit_of(scope)
        if visit.method != "POST":
            raise MethodNotAllowed(allowed=("POST",))
        await self._doors.admission.account(visit)
        decoded(_ISSUE, await json_body(visit, receive) or b"{}")
        body = encoded(await issue(self._doors.valkey, visit.headers))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": int(HTTPStatus.CREATED), "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def issue(valkey: Redis, headers: dict[str, str]) -> Ticket:
    """Make a ticket that stands for the credentials in these headers.

    Valkey keeps them under the ticket's hash, sealed with the ticket: they are of no use to whoever reads it there.
    """
    ticket = secrets.token_urlsafe(32)
    proof = {"authorization": headers["authorization"]} if "authorization" in headers else _cookie(headers)
    sealed = AESGCM(_part(ticket, b"key")).encrypt(_NONCE, msgspec.json.encode(proof), None)
    expires_at = datetime.now(UTC) + timedelta(seconds=TICKET_SECONDS)
    await valkey.set(_name(ticket), sealed, ex=TICKET_SECONDS)
    return Ticket(ticket=ticket, expires_at=expires_at)


async def redeem(valkey: Redis, ticket: str) -> dict[str, str]:
    """Give the headers that a ticket stands for, once. Raises `BadTicket`."""
    client: Any = valkey  # its calls are only half typed
    sealed: bytes | None = await client.getdel(_name(ticket))
    if sealed is None:
        raise BadTicket
    proof = AESGCM(_part(ticket, b"key")).decrypt(_NONCE, sealed, None)
    return msgspec.json.decode(proof, type=dict[str, str])


def _cookie(headers: dict[str, str]) -> dict[str, str]:
    return {"cookie": f"{COOKIE}={cookie_of(headers)}"}


def _name(ticket: str) -> str:
    return f"ticket:{_part(ticket, b'name').hex()}"


def _part(ticket: str, purpose: bytes) -> bytes:
    return hmac.digest(ticket.encode(), purpose, "sha256")


_ISSUE = msgspec.json.Decoder(IssueTicket)
