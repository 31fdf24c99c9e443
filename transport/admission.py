"""The one place that lets a request in: who sends it, from whose page, and how often."""

from collections.abc import Sequence

from commands import NotSignedIn
from transport.limits import Limiter, Limits
from transport.recognition import Recognition, check_csrf, check_origin
from transport.sessions import Session
from transport.visit import Visit


class Admission:
    """Admits visits."""

    def __init__(self, recognise: Recognition, limiter: Limiter, limits: Limits, origins: Sequence[str]) -> None:
        """Let pages of `origins` use cookies; count requests against `limits`."""
        self._recognise = recognise
        self._limiter = limiter
        self._limits = limits
        self._origins = origins

    async def account(self, visit: Visit) -> Session:
        """Admit somebody known. Raises `NotSignedIn`, `OriginRefused`, `CsrfRefused`, `TooManyRequests`."""
        try:
            session = await self._recognise(visit.headers)
        except NotSignedIn:
            await self._limiter.take(self._limits.anonymous, visit.client)
            raise
        if session is None:
            await self._limiter.take(self._limits.anonymous, visit.client)
            raise NotSignedIn
        visit.account = session.actor
        if session.session_id and not visit.safe:
            check_origin(visit.headers, self._origins, required=True)
            check_csrf(session, visit.headers)
        await self._limiter.take(self._limits.account, session.actor)
        return session

    async def anyone(self, visit: Visit) -> None:
        """Admit a visit whoever sends it. Raises `OriginRefused`, `TooManyRequests`."""
        if not visit.safe:
            check_origin(visit.headers, self._origins, required=False)
        await self._limiter.take(self._limits.anonymous, visit.client)
