"""Accounts: people and programs that act, their credentials, plan and status."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, ClaimReleased, ClaimTaken, Command, Context, Event, Name, Personal, Refused

Plan = Literal["user", "pro", "business", "enterprise"]
Status = Literal["pending", "active", "suspended", "erased"]
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


class Erase(Command, frozen=True, kw_only=True, tag="account.erase"):
    """Erase an account for good: by itself, proving its password, or by an administrator of the installation.

    It is signed out everywhere, nobody can read its name, its address and its messages any more, and the address may
    be registered again. Refused while it is the only owner of an open project that others are in or invited to.
    """

    account_id: UUID
    password: Annotated[str, Meta(max_length=256)] = ""


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


class Erased(Event, frozen=True, kw_only=True, tag="account.erased"):
    """The account is no more; the key of its personal data is destroyed because of this event."""

    account_id: UUID


class Credentials(Struct, frozen=True, kw_only=True):
    """What the bus looked up for a command about credentials: hashes, never the secrets themselves.

    `only_owner_of`: the open projects that others are in or invited to, and that would be left without an owner.
    """

    email_claim: str = ""
    password_hash: str = ""
    password_matches: bool = False
    token_sha256: str = ""
    only_owner_of: tuple[UUID, ...] = ()


class Token(Struct, frozen=True, kw_only=True):
    """A live bearer token."""

    sha256: str
    name: str
    expires_at: datetime | None = None


class Account(Struct, frozen=True, kw_only=True):
    """The state of one account. `exists` is false before it is registered, and stays true when it is erased."""

    exists: bool = False
    status: Status = "pending"
    plan: Plan = "user"
    admin: bool = False
    email: str | None = None
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
    """There is no such account, or it was erased."""

    code = "account.unknown"
    kind = "unknown"


class WrongPassword(Refused):
    """The password is not right."""

    code = "account.wrong_password"
    kind = "forbidden"


class OnlyOwner(Refused):
    """Projects with other members would be left without an owner: make somebody else one, or archive them, first."""

    code = "account.only_owner"


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


AccountCommand = Register | ChangePassword | IssueToken | RevokeToken | GrantRole | Suspend | Reinstate | Erase
AccountEvent = Registered | PasswordChanged | TokenIssued | TokenRevoked | RoleGranted | Suspended | Reinstated | Erased


def decide(command: AccountCommand, account: Account, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, Register):
        return _register(command, account, context)
    if not account.exists or account.status == "erased":
        raise UnknownAccount
    given = context.given if isinstance(context.given, Credentials) else Credentials()
    match command:
        case ChangePassword(account_id=account_id):
            if not given.password_matches:
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
        case Erase():
            return _erase(command, given, context)


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


def _erase(command: Erase, given: Credentials, context: Context) -> list[Event]:
    holder = f"account:{command.account_id}"
    if context.actor == holder and not given.password_matches:
        raise WrongPassword
    if given.only_owner_of:
        raise OnlyOwner(projects=given.only_owner_of)
    claim = context.claims.get(given.email_claim)
    held = claim is not None and claim.holder == holder
    return [Erased(account_id=command.account_id), *([ClaimReleased(claim=given.email_claim)] if held else [])]


def evolve(account: Account, event: AccountEvent) -> Account:
    """Apply what happened. Never fails."""
    match event:
        case Registered(email=email, password_hash=password_hash):
            return structs.replace(account, exists=True, status="active", email=email, password_hash=password_hash)
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
        case Erased():
            return Account(exists=True, status="erased", sessions_valid_from=account.sessions_valid_from + 1)


ACCOUNT = Aggregate(
    name="account",
    key="account_id",
    feed="account",
    feed_key="account_id",
    commands=(Register, ChangePassword, IssueToken, RevokeToken, GrantRole, Suspend, Reinstate, Erase),
    events=(Registered, PasswordChanged, TokenIssued, TokenRevoked, RoleGranted, Suspended, Reinstated, Erased),
    state=Account,
    decide=decide,
    evolve=evolve,
)
