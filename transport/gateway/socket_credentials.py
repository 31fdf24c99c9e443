"""Who speaks on a socket: signed in by the handshake or by the first message, and looked at again from time to time."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic

from commands import Forbidden, NotSignedIn
from commands.identities import Identity
from transport.recognition import check_origin
from transport.rest.doors import Doors, Session
from transport.tickets import redeem

SIGN_IN_SECONDS = 10.0
"""How long a socket may stay without anybody signed in."""
REVALIDATE_SECONDS = 300.0
SOON_SECONDS = 10.0
"""When to look again if that was not possible."""


class Credentials:
    """The headers that proved who speaks, and the session that they opened."""

    def __init__(self, doors: Doors, client: str) -> None:
        """Know nobody yet at the address `client`, which the handshake's headers may correct."""
        self.client = client
        self.session: Session | None = None
        self._doors = doors
        self._headers: Mapping[str, str] = {}
        self._due_at = monotonic() + SIGN_IN_SECONDS

    @property
    def identity(self) -> Identity:
        """Who speaks. Raises `NotSignedIn`."""
        if self.session is None:
            raise NotSignedIn
        return self.session.identity

    def due(self, now: float) -> bool:
        """Tell whether it is time to look at the credentials again, or to give up waiting for some."""
        return now >= self._due_at

    async def redeem(self, ticket: str) -> None:
        """Sign in by a ticket. Raises `BadTicket`, and what `present` raises."""
        await self._doors.limiter.take(self._doors.limits.anonymous, self.client)
        await self.present(await redeem(self._doors.valkey, ticket), from_page=False)

    async def present(self, headers: dict[str, str], *, from_page: bool = True) -> Session | None:
        """Sign in by headers; `None` where they name nobody. Unless `from_page`, no other page can have sent them.

        Raises `NotSignedIn`, `OriginRefused` for a cookie that a page of another origin sent, `Forbidden` for another
        account than before, `TooManyRequests`.
        """
        session = await self._known(headers)
        if session is None:
            await self._doors.limiter.take(self._doors.limits.anonymous, self.client)
            return None
        if session.session_id and from_page:
            check_origin(headers, self._doors.settings.allowed_origins, required=True)
        if self.session is not None and self.session.identity.account_id != session.identity.account_id:
            raise Forbidden("This socket belongs to another account: open another one.")
        self.session, self._headers = session, headers
        self._due_at = monotonic() + _lasting(session)
        return session

    async def revalidate(self) -> bool:
        """Look whether the credentials still hold, and answer whether they still hold for as much.

        Raises `NotSignedIn`. Whatever else it raises, it is soon time to look again.
        """
        identity = self.identity
        self._due_at = monotonic() + SOON_SECONDS
        await self._doors.write.bus.states.get(identity.actor, fresh=True)
        session = await self._doors.recognise(dict(self._headers))
        if session is None:
            raise NotSignedIn
        self.session = session
        self._due_at = monotonic() + _lasting(session)
        return session.identity.admin >= identity.admin

    async def _known(self, headers: dict[str, str]) -> Session | None:
        try:
            return await self._doors.recognise(headers)
        except NotSignedIn:
            await self._doors.limiter.take(self._doors.limits.anonymous, self.client)
            raise


def _lasting(session: Session) -> float:
    """Say for how many seconds credentials need not be looked at again."""
    expires_at = session.identity.expires_at
    if expires_at is None:
        return REVALIDATE_SECONDS
    return min(REVALIDATE_SECONDS, (expires_at - datetime.now(UTC)).total_seconds())
