"""Accounts: registration, credentials, tokens, plan and status."""
# ruff: noqa: S105, S106 - the passwords and hashes here open nothing

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec import structs

from domain.account import (
    ACCOUNT,
    MOST_TOKENS,
    Account,
    AlreadyRegistered,
    ChangePassword,
    Credentials,
    EmailTaken,
    Erase,
    Erased,
    GrantRole,
    IssueToken,
    OnlyOwner,
    PasswordChanged,
    Plan,
    Register,
    Registered,
    Reinstate,
    Reinstated,
    RevokeToken,
    RoleGranted,
    Suspend,
    Suspended,
    Token,
    TokenIdTaken,
    TokenIssued,
    TokenRevoked,
    TooManyTokens,
    UnknownAccount,
    UnknownToken,
    WrongPassword,
)
from domain.core import SYSTEM, Claim, ClaimReleased, ClaimTaken, Command
from tests.domain.history import ALICE, BOB, MACHINE, NOW, History, actor, context, fold

TOKENS = tuple(UUID(int=0x70CE + number) for number in range(4))
CLAIM = "email:1f2e"
FREE = {CLAIM: Claim()}
HASHED = Credentials(email_claim=CLAIM, password_hash="argon2:new")
PROVEN = Credentials(password_hash="argon2:newer", password_matches=True)

REGISTER = Register(account_id=ALICE, email="alice@example.org", password="correct horse", name="Alice")
REGISTERED = Registered(account_id=ALICE, email="alice@example.org", name="Alice", password_hash="argon2:new")
ERASE, ERASED = Erase(account_id=ALICE, password="correct horse"), Erased(account_id=ALICE)
CHANGE = ChangePassword(account_id=ALICE, old_password="correct horse", new_password="battery staple")


def issued(token_id: UUID) -> TokenIssued:
    return TokenIssued(account_id=ALICE, token_id=token_id, name="Estimator", sha256="ab12")


def test_registering_opens_the_account_and_takes_the_address(given: Any) -> None:
    taken = ClaimTaken(claim=CLAIM, holder=actor(ALICE))
    given(ACCOUNT).when(REGISTER, given=HASHED, claims=FREE).then(REGISTERED, taken)


def test_an_account_is_registered_once(given: Any) -> None:
    given(ACCOUNT, REGISTERED).when(REGISTER, given=HASHED, claims=FREE).refused(AlreadyRegistered)


def test_an_address_belongs_to_one_account(given: Any) -> None:
    held = {CLAIM: Claim(holder=actor(BOB), version=1)}
    given(ACCOUNT).when(REGISTER, given=HASHED, claims=held).refused(EmailTaken)


@pytest.mark.parametrize(
    "command",
    [
        CHANGE,
        IssueToken(account_id=ALICE, token_id=TOKENS[0], name="Estimator"),
        RevokeToken(account_id=ALICE, token_id=TOKENS[0]),
        GrantRole(account_id=ALICE, plan="pro"),
        Suspend(account_id=ALICE, reason="unpaid"),
        Reinstate(account_id=ALICE),
        ERASE,
    ],
)
def test_an_account_that_was_never_registered_or_was_erased_answers_nothing(given: Any, command: Command) -> None:
    given(ACCOUNT).when(command).refused(UnknownAccount)
    given(ACCOUNT, REGISTERED, ERASED).when(command, given=PROVEN, acting=SYSTEM).refused(UnknownAccount)


def test_the_password_changes_for_who_knows_the_old_one(given: Any) -> None:
    changed = PasswordChanged(account_id=ALICE, password_hash="argon2:newer")
    given(ACCOUNT, REGISTERED).when(CHANGE, given=PROVEN).then(changed)


@pytest.mark.parametrize("found", [Credentials(password_hash="argon2:newer"), None])
def test_the_password_stays_for_who_does_not_prove_the_old_one(given: Any, found: Credentials | None) -> None:
    given(ACCOUNT, REGISTERED).when(CHANGE, given=found).refused(WrongPassword)


def test_changed_credentials_and_suspension_end_sessions() -> None:
    changed = PasswordChanged(account_id=ALICE, password_hash="argon2:newer")
    account = fold(ACCOUNT, [REGISTERED, changed, Suspended(account_id=ALICE, reason="unpaid")])
    assert account.sessions_valid_from == 2
    assert account.password_hash == "argon2:newer"


def test_a_token_keeps_only_the_digest_of_its_secret(given: Any) -> None:
    expiry = NOW + timedelta(days=30)
    command = IssueToken(account_id=ALICE, token_id=TOKENS[0], name="Estimator", expires_at=expiry)
    event = TokenIssued(account_id=ALICE, token_id=TOKENS[0], name="Estimator", sha256="ab12", expires_at=expiry)
    given(ACCOUNT, REGISTERED).when(command, given=Credentials(token_sha256="ab12")).then(event)
    token = Token(sha256="ab12", name="Estimator", expires_at=expiry)
    assert fold(ACCOUNT, [REGISTERED, event]).tokens == {TOKENS[0]: token}


def test_two_tokens_do_not_share_an_id(given: Any) -> None:
    again = IssueToken(account_id=ALICE, token_id=TOKENS[0], name="Another")
    given(ACCOUNT, REGISTERED, issued(TOKENS[0])).when(again).refused(TokenIdTaken)


def test_an_account_holds_so_many_tokens_and_no_more(given: Any) -> None:
    tokens = [UUID(int=number) for number in range(MOST_TOKENS)]
    one_more = IssueToken(account_id=ALICE, token_id=TOKENS[0], name="One more")
    held = [issued(token) for token in tokens]
    given(ACCOUNT, REGISTERED, *held).when(one_more, given=Credentials()).refused(TooManyTokens)
    given(ACCOUNT, REGISTERED, *held[1:]).when(one_more, given=Credentials(token_sha256="ab12")).then(
        TokenIssued(account_id=ALICE, token_id=TOKENS[0], name="One more", sha256="ab12")
    )


def test_a_token_is_revoked_once(given: Any) -> None:
    revoke = RevokeToken(account_id=ALICE, token_id=TOKENS[0])
    revoked = TokenRevoked(account_id=ALICE, token_id=TOKENS[0])
    given(ACCOUNT, REGISTERED, issued(TOKENS[0])).when(revoke).then(revoked)
    given(ACCOUNT, REGISTERED, issued(TOKENS[0]), revoked).when(revoke).refused(UnknownToken)


def test_granting_what_an_account_has_changes_nothing(given: Any) -> None:
    grant = GrantRole(account_id=ALICE, plan="business", admin=True)
    granted = RoleGranted(account_id=ALICE, plan="business", admin=True)
    given(ACCOUNT, REGISTERED).when(grant).then(granted)
    given(ACCOUNT, REGISTERED, granted).when(grant).then()
    given(ACCOUNT, REGISTERED, granted).when(GrantRole(account_id=ALICE, plan="business")).then(
        RoleGranted(account_id=ALICE, plan="business")
    )


def test_a_suspended_account_is_suspended_until_it_is_reinstated(given: Any) -> None:
    suspend, suspended = Suspend(account_id=ALICE, reason="unpaid"), Suspended(account_id=ALICE, reason="unpaid")
    reinstate, reinstated = Reinstate(account_id=ALICE), Reinstated(account_id=ALICE)
    given(ACCOUNT, REGISTERED).when(suspend).then(suspended)
    given(ACCOUNT, REGISTERED, suspended).when(suspend).then()
    given(ACCOUNT, REGISTERED, suspended).when(reinstate).then(reinstated)
    given(ACCOUNT, REGISTERED, suspended, reinstated).when(reinstate).then()
    assert fold(ACCOUNT, [REGISTERED, suspended]).status == "suspended"
    assert fold(ACCOUNT, [REGISTERED, suspended, reinstated]).status == "active"


@pytest.mark.parametrize(("acting", "found"), [(actor(ALICE), PROVEN), (actor(BOB), None), (SYSTEM, None)])
def test_an_account_is_erased_by_itself_with_its_password_and_by_others_without(
    given: Any, acting: str, found: Credentials | None
) -> None:
    given(ACCOUNT, REGISTERED).when(ERASE, given=found, acting=acting).then(ERASED)
    given(ACCOUNT, REGISTERED).when(ERASE, given=HASHED, claims=FREE).refused(WrongPassword)


def test_erasing_frees_the_address_that_the_account_holds_and_no_other(given: Any) -> None:
    found = structs.replace(PROVEN, email_claim=CLAIM)
    for holder, freed in ((actor(ALICE), [ClaimReleased(claim=CLAIM)]), (actor(BOB), [])):
        claims = {CLAIM: Claim(holder=holder, version=1)}
        given(ACCOUNT, REGISTERED).when(ERASE, given=found, claims=claims).then(ERASED, *freed)


@pytest.mark.parametrize("acting", [actor(ALICE), SYSTEM])
def test_the_only_owner_of_a_project_with_others_stays(given: Any, acting: str) -> None:
    found = structs.replace(PROVEN, only_owner_of=(TOKENS[0],))
    given(ACCOUNT, REGISTERED).when(ERASE, given=found, acting=acting).refused(OnlyOwner, projects=(TOKENS[0],))


def test_nothing_is_left_of_an_erased_account_and_its_id_is_not_used_again(given: Any) -> None:
    granted = RoleGranted(account_id=ALICE, plan="business", admin=True)
    history = [REGISTERED, granted, issued(TOKENS[0]), Suspended(account_id=ALICE, reason="unpaid"), ERASED]
    assert fold(ACCOUNT, history) == Account(exists=True, status="erased", sessions_valid_from=2)
    given(ACCOUNT, *history).when(REGISTER, given=HASHED, claims=FREE).refused(AlreadyRegistered)


class AccountHistory(History):
    aggregate = ACCOUNT

    @rule(taken=st.booleans())
    def register(self, taken: bool) -> None:
        claims = {CLAIM: Claim(holder=actor(BOB), version=1) if taken else Claim()}
        self.command(REGISTER, context(looked_up=HASHED, claims=claims))

    @rule(proven=st.booleans())
    def change_password(self, proven: bool) -> None:
        before = self.state.sessions_valid_from
        events = self.command(CHANGE, context(looked_up=PROVEN if proven else Credentials()))
        assert self.state.sessions_valid_from == before + len(events)

    @rule(token_id=st.sampled_from(TOKENS), name=st.sampled_from(["Estimator", "Žlutý kůň"]), lasting=st.booleans())
    def issue_token(self, token_id: UUID, name: str, lasting: bool) -> None:
        expiry = None if lasting else NOW
        command = IssueToken(account_id=ALICE, token_id=token_id, name=name, expires_at=expiry)
        self.command(command, context(looked_up=Credentials(token_sha256=name)))
        assert not self.living or token_id in self.state.tokens

    @rule(token_id=st.sampled_from(TOKENS))
    def revoke_token(self, token_id: UUID) -> None:
        self.command(RevokeToken(account_id=ALICE, token_id=token_id))
        assert token_id not in self.state.tokens

    @rule(plan=st.sampled_from(["user", "pro", "business", "enterprise"]), admin=st.booleans())
    def grant_role(self, plan: Plan, admin: bool) -> None:
        self.command(GrantRole(account_id=ALICE, plan=plan, admin=admin))
        assert not self.living or (self.state.plan, self.state.admin) == (plan, admin)

    @rule()
    def suspend(self) -> None:
        self.command(Suspend(account_id=ALICE, reason="unpaid"))
        assert not self.living or self.state.status == "suspended"

    @rule()
    def reinstate(self) -> None:
        self.command(Reinstate(account_id=ALICE))
        assert not self.living or self.state.status == "active"

    @precondition(lambda self: len(self.events) > 8)  # else most histories would be short
    @rule(proven=st.booleans())
    def erase(self, proven: bool) -> None:
        self.command(ERASE, context(looked_up=PROVEN if proven else Credentials()))
        assert not proven or not self.living

    @property
    def living(self) -> bool:
        return self.state.exists and self.state.status != "erased"


TestAccountHistory = AccountHistory.TestCase
TestAccountHistory.settings = MACHINE
