"""Who sends a request: a bearer token or a session cookie, never anything in the URL. Sockets use it too."""

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic

from msgspec import Struct

from commands import NotSignedIn
from commands.identities import MOST_AGE
from commands.write_side import WriteSide
from domain.core import Refused
from transport.freshness import Freshness
from transport.sessions import Session, Sessions, cookie_of

CSRF_HEADER = "x-csrf-token"
KNOWN = 5.0
"""Seconds that a token is known again without being read: how late its expiry may be noticed."""
MOST_KNOWN = 10_000


class OriginRefused(Refused):
    """This request comes from a page of another origin."""

    code = "origin_refused"
    kind = "forbidden"


class CsrfRefused(Refused):
    """With a session cookie, X-CSRF-Token must carry the session's token: GET /api/session tells it."""

    code = "csrf_refused"
    kind = "forbidden"


class Recognition:
    """Recognises senders by their headers (names in lower case)."""

    def __init__(self, write: WriteSide, sessions: Sessions, freshness: Freshness) -> None:
        """Look tokens up in the write model, cookies in `sessions`; keep whom they belong to fresh."""
        self._identities = write.identities
        self._states = write.bus.states
        self._sessions = sessions
        self._freshness = freshness
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def __call__(self, headers: dict[str, str]) -> Session | None:
        """Give the sender's session, `None` for nobody. Raises `NotSignedIn` for credentials that do not hold.

        A bearer token counts before a cookie.
        """
        authorization = headers.get("authorization")
        if authorization is not None:
            session = await self._by_token(authorization)
        else:
            secret = cookie_of(headers)
            if secret is None:
                return None
            session = await self._sessions.find(secret)
        self._freshness.saw(session.actor)
        return session

    async def _by_token(self, authorization: str) -> Session:
        """Recognise a bearer token, or know again one that was recognised while its account was what it is now."""
        known = self._known.get(authorization)
        if known is not None and known.until > monotonic():
            account = await self._states.get(known.session.actor, most_age=MOST_AGE)
            if account.version == known.version:
                return known.session
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn("Authorization takes bearer tokens only.")
        identity = await self._identities.by_token(token.strip())
        session = Session(identity=identity, actor=identity.actor)
        account = await self._states.get(session.actor)
        self._known[authorization] = _Known(session, account.version, monotonic() + KNOWN)
        self._known.move_to_end(authorization)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return session


class _Known(Struct, frozen=True):
    session: Session
    version: int
    until: float


def check_origin(headers: dict[str, str], allowed: Sequence[str], *, required: bool) -> None:
    """Refuse what a page of another origin sends. Raises `OriginRefused`.

    Browsers send `Origin` with every unsafe request and every socket; `required` refuses its absence too, unless
    `Sec-Fetch-Site` says that the page is ours.
    """
    origin = headers.get("origin")
    if origin is not None:
        if origin not in allowed:
            raise OriginRefused
        return
    site = headers.get("sec-fetch-site")
    if site not in {None, "same-origin"} or (required and site is None):
        raise OriginRefused


def check_csrf(session: Session, headers: dict[str, str]) -> None:
    """Compare the token that the page sent with the session's. Raises `CsrfRefused`."""
    if not hmac.compare_digest(headers.get(CSRF_HEADER, "").encode("latin-1"), session.csrf.encode()):
        raise CsrfRefused
