"""Who we are to the server, for how long, and where fresh proof comes from."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct


class Credentials(Struct, frozen=True, kw_only=True):
    """A bearer token, or a one-time ticket for one socket. They are renewed before `expires_at`, if that is known."""

    token: str | None = None
    ticket: str | None = None
    expires_at: datetime | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


SignIn = Callable[[], Awaitable[Credentials]]
"""Gets fresh credentials, from wherever the application has them."""


class Wallet:
    """Holds the present credentials."""

    def __init__(self, token: str, sign_in: SignIn | None) -> None:
        """Begin with a token, or with nothing; `sign_in` gets more."""
        self._now = Credentials(token=token) if token else None
        self._sign_in = sign_in

    @property
    def renewable(self) -> bool:
        """Whether fresh credentials can be had."""
        return self._sign_in is not None

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP request carries just now."""
        return {} if self._now is None else self._now.headers

    def put(self, token: str) -> None:
        """Hold another token from now on."""
        self._now = Credentials(token=token)

    async def get(self) -> Credentials:
        """Give credentials for a new connection. Raises what `sign_in` raises."""
        now = self._now
        if now is None or now.token is None:  # a ticket is good for one socket only
            return await self.fresh()
        return now

    async def fresh(self) -> Credentials:
        """Get fresh ones. Without a `sign_in` these are the present ones, or nobody's."""
        if self._sign_in is not None:
            self._now = await self._sign_in()
        return self._now or Credentials()
