"""Accounts: who people are, their plan and status. Names and addresses stay sealed in the table."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.account import (
    Erased,
    PasswordChanged,
    Plan,
    Registered,
    Reinstated,
    RoleGranted,
    Status,
    Suspended,
    TokenIssued,
    TokenRevoked,
    UnknownAccount,
)
from projections.asking import Query, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

AccountEvent = Registered | PasswordChanged | TokenIssued | TokenRevoked | RoleGranted | Suspended | Reinstated | Erased


class TokenInfo(Struct, frozen=True, kw_only=True):
    """A bearer token that is not revoked, without its secret."""

    token_id: UUID
    name: str
    issued_at: datetime
    expires_at: datetime | None = None


class AccountRow(Row, frozen=True, kw_only=True):
    """An account. `email` and `name` are sealed tokens, readable only with the person's key."""

    table: ClassVar = "accounts"
    key: ClassVar = ("account_id",)

    account_id: UUID
    email: str | None
    name: str | None
    plan: Plan = "user"
    admin: bool = False
    status: Status = "active"
    suspended_because: str | None = None
    tokens: tuple[TokenInfo, ...] = ()
    created_at: datetime
    updated_at: datetime
    password_changed_at: datetime


def _keys(seen: Seen) -> Touched:
    yield AccountRow, (seen.event.account_id,)


def _fold(rows: Rows, seen: Seen) -> None:
    event: AccountEvent = seen.event
    if isinstance(event, Registered):
        rows.put(
            AccountRow(
                account_id=event.account_id,
                email=event.email,
                name=event.name,
                created_at=seen.at,
                updated_at=seen.at,
                password_changed_at=seen.at,
            )
        )
    elif row := rows.get(AccountRow, event.account_id):
        rows.put(_changed(structs.replace(row, updated_at=seen.at), event, seen))


def _changed(row: AccountRow, event: AccountEvent, seen: Seen) -> AccountRow:
    match event:
        case Registered():
            return row
        case PasswordChanged():
            return structs.replace(row, password_changed_at=seen.at)
        case TokenIssued(token_id=token_id, name=name, expires_at=expires_at):
            token = TokenInfo(token_id=token_id, name=name, issued_at=seen.at, expires_at=expires_at)
            return structs.replace(row, tokens=(*row.tokens, token))
        case TokenRevoked(token_id=token_id):
            return structs.replace(row, tokens=tuple(token for token in row.tokens if token.token_id != token_id))
        case RoleGranted(plan=plan, admin=admin):
            return structs.replace(row, plan=plan, admin=admin)
        case Suspended(reason=reason):
            return structs.replace(row, status="suspended", suspended_because=reason)
        case Reinstated():
            return structs.replace(row, status="active", suspended_because=None)
        case Erased():
            return AccountRow(
                account_id=row.account_id,
                email=None,
                name=None,
                status="erased",
                created_at=row.created_at,
                updated_at=row.updated_at,
                password_changed_at=row.password_changed_at,
            )


PROJECTION = Projection(
    name="accounts",
    version=1,
    rows=(AccountRow,),
    events=(Registered, PasswordChanged, TokenIssued, TokenRevoked, RoleGranted, Suspended, Reinstated, Erased),
    keys=_keys,
    fold=_fold,
)


class GetAccount(Query, frozen=True, kw_only=True, tag="account.get"):
    """The asking account itself."""


class AccountDetails(Struct, frozen=True, kw_only=True):
    """An account as its owner sees it. `email` and `name` are null once the person's data was erased."""

    account_id: UUID
    email: str | None
    name: str | None
    plan: Plan
    admin: bool
    status: Status
    suspended_because: str | None
    tokens: tuple[TokenInfo, ...]
    created_at: datetime
    updated_at: datetime
    password_changed_at: datetime


async def _get_account(reading: Reading, query: GetAccount) -> AccountDetails:  # noqa: ARG001 - it asks about oneself
    found = await reading.select(
        AccountDetails,
        "SELECT * FROM read.accounts WHERE account_id = %(account_id)s",
        {"account_id": reading.account_id},
    )
    if not found:
        raise UnknownAccount
    email, name = await reading.open(found[0].email), await reading.open(found[0].name)
    return structs.replace(found[0], email=email, name=name)


QUESTIONS = (Question(query=GetAccount, result=AccountDetails, sources=("accounts",), answer=_get_account),)
