"""Accounts: people and programs that act, their credentials, plan and status."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, ClaimTaken, Command, Context, Event, Name, Personal, Refused

Plan = Literal["user", "pro", "business", "enterprise"]
Status = Literal["pending", "active", "suspended"]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^\s@]+@[^\s@]+$")]
Password = Annotated[str, Meta(min_length=8, max_length=256)]

MOST_TOKENS = 50


class Register(Command, frozen=True, kw_only=True, tag="account.register"):
    """Open an account. The e-mail address must be free; the password has at least eight characters."""

    account_id: UUID
    email: Email
    password: Password
    name: Name


class ChangePassword(Command, frozen=True, kw_only=True, tag="account.change_password"):
    """Replace the password, proving the old one. Every other session ends."""

    account_id: UUID
    old_password: Annotated[str, Meta(max_length=256)]
    new_password: Password


class IssueToken(Command, frozen=True, kw_only=True, tag="account.issue_token"):
    """Make a bearer token for a program. The receipt carries its secret."""

    account_id: UUID
    token_id: UUID
    name: Name
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class RevokeToken(Command, frozen=True, kw_only=True, tag="account.revoke_token"):
    """End a bearer token at once."""

    account_id: UUID
    token_id: UUID


class GrantRole(Command, frozen=True, kw_only=True, tag="account.grant_role"):
    """Set an account's plan and whether it administers the installation."""

    account_id: UUID
    plan: Plan
    admin: bool = False


class Suspend(Command, frozen=True, kw_only=True, tag="account.suspend"):
    """Stop an account from acting, until it is reinstated."""

    account_id: UUID
    reason: Name


class Reinstate(Command, frozen=True, kw_only=True, tag="account.reinstate"):
    """Let a suspended account act again."""

    account_id: UUID


class Registered(Event, frozen=True, kw_only=True, tag="account.registered"):
    """An account was opened."""

    account_id: UUID
    email: Personal | None
    name: Personal | None
    password_hash: Personal | None


class PasswordChanged(Event, frozen=True, kw_only=True, tag="account.password_changed"):
    """The password was replaced."""

    account_id: UUID
    password_hash: Personal | None


class TokenIssued(Event, frozen=True, kw_only=True, tag="account.token_issued"):
    """A bearer token was made; only its SHA-256 is kept."""

    account_id: UUID
    token_id: UUID
    name: str
    sha256: str
    expires_at: datetime | None = None


class TokenRevoked(Event, frozen=True, kw_only=True, tag="account.token_revoked"):
    """A bearer token was ended."""

    account_id: UUID
    token_id: UUID


class RoleGranted(Event, frozen=True, kw_only=True, tag="account.role_granted"):
    """Plan and administration right were set."""

    account_id: UUID
    plan: Plan
    admin: bool = False


class Suspended(Event, frozen=True, kw_only=True, tag="account.suspended"):
    """The account may no longer act."""

    account_id: UUID
    reason: str


class Reinstated(Event, frozen=True, kw_only=True, tag="account.reinstated"):
    """The account may act again."""

    account_id: UUID


class Credentials(Struct, frozen=True, kw_only=True):
    """What the bus looked up for a command about credentials: hashes, never the secrets themselves."""

    email_claim: str = ""
    password_hash: str = ""
    old_password_matches: bool = False
    token_sha256: str = ""


class Token(Struct, frozen=True, kw_only=True):
    """A live bearer token."""

    sha256: str
    name: str
    expires_at: datetime | None = None


class Account(Struct, frozen=True, kw_only=True):
    """The state of one account. `exists` is false before it is registered."""

    exists: bool = False
    status: Status = "pending"
    plan: Plan = "user"
    admin: bool = False
    password_hash: str | None = None
    sessions_valid_from: int = 0
    """How often credentials changed: a session made under a lower number is void."""
    tokens: dict[UUID, Token] = {}


class AlreadyRegistered(Refused):
    """This account exists already."""

    code = "account.already_registered"


class EmailTaken(Refused):
    """This e-mail address belongs to an account already: log in, or register with another address."""

    code = "account.email_taken"


class UnknownAccount(Refused):
    """There is no such account."""

    code = "account.unknown"
    kind = "unknown"


class WrongPassword(Refused):
    """The old password is not right."""

    code = "account.wrong_password"
    kind = "forbidden"


class TokenIdTaken(Refused):
    """Another token has this id."""

    code = "account.token_id_taken"


class UnknownToken(Refused):
    """There is no such token, or it was revoked."""

    code = "account.unknown_token"
    kind = "unknown"


class TooManyTokens(Refused):
    """The account has as many tokens as it may have: revoke one first."""

    code = "account.too_many_tokens"
    kind = "limit"


AccountCommand = Register | ChangePassword | IssueToken | RevokeToken | GrantRole | Suspend | Reinstate
AccountEvent = Registered | PasswordChanged | TokenIssued | TokenRevoked | RoleGranted | Suspended | Reinstated


def decide(command: AccountCommand, account: Account, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, Register):
        return _register(command, account, context)
    if not account.exists:
        raise UnknownAccount
    given = context.given if isinstance(context.given, Credentials) else Credentials()
    match command:
        case ChangePassword(account_id=account_id):
            if not given.old_password_matches:
                raise WrongPassword
            return [PasswordChanged(account_id=account_id, password_hash=given.password_hash)]
        case IssueToken(account_id=account_id, token_id=token_id, name=name, expires_at=expires_at):
            if token_id in account.tokens:
                raise TokenIdTaken
            if len(account.tokens) >= MOST_TOKENS:
                raise TooManyTokens
            return [
                TokenIssued(
                    account_id=account_id,
                    token_id=token_id,
                    name=name,
                    sha256=given.token_sha256,
                    expires_at=expires_at,
                )
            ]
        case RevokeToken(account_id=account_id, token_id=token_id):
            if token_id not in account.tokens:
                raise UnknownToken
            return [TokenRevoked(account_id=account_id, token_id=token_id)]
        case GrantRole(account_id=account_id, plan=plan, admin=admin):
            if (account.plan, account.admin) == (plan, admin):
                return []
            return [RoleGranted(account_id=account_id, plan=plan, admin=admin)]
        case Suspend(account_id=account_id, reason=reason):
            return [] if account.status == "suspended" else [Suspended(account_id=account_id, reason=reason)]
        case Reinstate(account_id=account_id):
            return [Reinstated(account_id=account_id)] if account.status == "suspended" else []


def _register(command: Register, account: Account, context: Context) -> list[Event]:
    if account.exists:
        raise AlreadyRegistered
    given: Credentials = context.given
    claim = context.claims[given.email_claim]
    if claim.holder is not None:
        raise EmailTaken
    return [
        Registered(
            account_id=command.account_id,
            email=command.email,
            name=command.name,
            password_hash=given.password_hash,
        ),
        ClaimTaken(claim=given.email_claim, holder=f"account:{command.account_id}"),
    ]


def evolve(account: Account, event: AccountEvent) -> Account:
    """Apply what happened. Never fails."""
    match event:
        case Registered(password_hash=password_hash):
            return structs.replace(account, exists=True, status="active", password_hash=password_hash)
        case PasswordChanged(password_hash=password_hash):
            return structs.replace(
                account, password_hash=password_hash, sessions_valid_from=account.sessions_valid_from + 1
            )
        case TokenIssued(token_id=token_id, sha256=sha256, name=name, expires_at=expires_at):
            token = Token(sha256=sha256, name=name, expires_at=expires_at)
            return structs.replace(account, tokens=account.tokens | {token_id: token})
        case TokenRevoked(token_id=token_id):
            tokens = {key: token for key, token in account.tokens.items() if key != token_id}
            return structs.replace(account, tokens=tokens)
        case RoleGranted(plan=plan, admin=admin):
            return structs.replace(account, plan=plan, admin=admin)
        case Suspended():
            return structs.replace(account, status="suspended", sessions_valid_from=account.sessions_valid_from + 1)
        case Reinstated():
            return structs.replace(account, status="active")


ACCOUNT = Aggregate(
    name="account",
    key="account_id",
    feed="account",
    feed_key="account_id",
    commands=(Register, ChangePassword, IssueToken, RevokeToken, GrantRole, Suspend, Reinstate),
    events=(Registered, PasswordChanged, TokenIssued, TokenRevoked, RoleGranted, Suspended, Reinstated),
    state=Account,
    decide=decide,
    evolve=evolve,
)
