"""Who is at the door: by password, by bearer token, and whether that still holds."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from commands.lookups import Lookups
from commands.passwords import Passwords
from commands.refusals import NotSignedIn
from commands.states import States
from commands.tokens import read
from domain.account import Account

MOST_AGE = 1.0
"""Seconds that a revoked token may go on working in a process that has not heard of it yet."""


class BadCredentials(NotSignedIn):
    """E-mail address or password is wrong."""

    code = "bad_credentials"


class Identity(Struct, frozen=True, kw_only=True):
    """An account at the door. `generation` rises when credentials change, and voids what was made under lower ones.

    `expires_at` is when what it was recognised by ends, where that is known.
    """

    account_id: UUID
    generation: int
    admin: bool = False
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        """The name that the account's commands are recorded under."""
        return f"account:{self.account_id}"


class Identities:
    """Recognises accounts from the write model."""

    def __init__(
        self,
        states: States,
        lookups: Lookups,
        passwords: Passwords,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Look accounts up in `states`."""
        self._states = states
        self._lookups = lookups
        self._passwords = passwords
        self._now = now

    async def by_password(self, email: str, password: str) -> Identity:
        """Recognise by e-mail address and password. Raises `BadCredentials`, after the same time for each reason."""
        claim = await self._states.get(f"claim:{self._lookups.email_claim(email)}", fresh=True)
        account = await self._account(claim.state.holder, fresh=True) if claim.state.holder else None
        matches = await self._passwords.verify(account.password_hash if account else None, password)
        if account is None or not matches or account.status != "active":
            raise BadCredentials
        return _identity(UUID(claim.state.holder.removeprefix("account:")), account)

    async def by_token(self, token: str) -> Identity:
        """Recognise by bearer token. Raises `NotSignedIn`."""
        parts = read(token)
        if parts is None:
            raise NotSignedIn("The bearer token is malformed.")
        account_id, token_id, digest = parts

        def recognise(account: Account) -> Identity:
            known = account.tokens.get(token_id)
            if known is None or not hmac.compare_digest(known.sha256, digest) or account.status != "active":
                raise NotSignedIn("The bearer token is unknown or was revoked.")
            if known.expires_at is not None and known.expires_at <= self._now():
                raise NotSignedIn("The bearer token has expired.")
            return _identity(account_id, account, known.expires_at)

        return await self._recognised(f"account:{account_id}", recognise)

    async def current(self, identity: Identity) -> Identity:
        """Recognise an account again that was recognised before. Raises `NotSignedIn` if that holds no longer."""

        def recognise(account: Account) -> Identity:
            if account.status != "active" or account.sessions_valid_from != identity.generation:
                raise NotSignedIn("The session ended: log in again.")
            return _identity(identity.account_id, account)

        return await self._recognised(identity.actor, recognise)

    async def _recognised(self, stream: str, recognise: Callable[[Account], Identity]) -> Identity:
        """Go by the state in memory; before that refuses anybody, ask the log: another process may have let them in."""
        try:
            return recognise(await self._account(stream))
        except NotSignedIn:
            return recognise(await self._account(stream, fresh=True))

    async def _account(self, stream: str, *, fresh: bool = False) -> Account:
        return (await self._states.get(stream, fresh=fresh, most_age=MOST_AGE)).state


def _identity(account_id: UUID, account: Account, expires_at: datetime | None = None) -> Identity:
    return Identity(
        account_id=account_id,
        generation=account.sessions_valid_from,
        admin=account.admin,
        expires_at=expires_at,
    )
