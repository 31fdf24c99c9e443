"""Who sends a request: a bearer token or a session cookie, never anything in the URL. Sockets use it too."""

import hmac
from collections.abc import Sequence

from commands import NotSignedIn
from commands.identities import Identities
from domain.core import Refused
from transport.freshness import Freshness
from transport.sessions import Session, Sessions, cookie_of

CSRF_HEADER = "x-csrf-token"


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

    def __init__(self, identities: Identities, sessions: Sessions, freshness: Freshness) -> None:
        """Look tokens up in `identities`, cookies in `sessions`; keep whom they belong to fresh."""
        self._identities = identities
        self._sessions = sessions
        self._freshness = freshness

    async def __call__(self, headers: dict[str, str]) -> Session | None:
        """Give the sender's session, `None` for nobody. Raises `NotSignedIn` for credentials that do not hold.

        A bearer token counts before a cookie.
        """
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise NotSignedIn("Authorization takes bearer tokens only.")
            session = Session(identity=await self._identities.by_token(token.strip()))
        else:
            secret = cookie_of(headers)
            if secret is None:
                return None
            session = await self._sessions.find(secret)
        self._freshness.saw(session.identity.actor)
        return session


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
