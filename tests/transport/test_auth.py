import time
from collections.abc import Iterator

import httpx
import pytest
import redis

from runtime.embedded import Embedded
from tests.transport.serving import PASSWORD, Account, Api, api, api_process, problem

__all__ = ["api"]

EVIL = "https://evil.example"


def log_in(client: httpx.Client, account: Account, **headers: str) -> httpx.Response:
    return client.post("/api/session", json={"email": account.email, "password": PASSWORD}, headers=headers)


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_the_cookie_is_bound_to_this_host_and_out_of_reach_for_scripts(api: Api) -> None:
    answer = log_in(api.client(), api.account())
    name, _, attributes = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-plumbline"
    secret, *flags = attributes.split("; ")
    assert len(secret) >= 43  # 256 bits
    assert set(flags) == {"Path=/", f"Max-Age={24 * 3600}", "HttpOnly", "Secure", "SameSite=Strict"}
    assert secret not in answer.text


def test_a_session_tells_who_is_logged_in(api: Api) -> None:
    account = api.account()
    browser = account.browser()
    told = browser.get("/api/session").json()
    assert told["account_id"] == account.account_id
    assert told["csrf"] == browser.headers["x-csrf-token"]
    problem(api.client().get("/api/session"), 401, "not_signed_in")


def test_wrong_passwords_and_unknown_addresses_look_alike(api: Api) -> None:
    account = api.account()
    client = api.client()
    wrong = client.post("/api/session", json={"email": account.email, "password": "not it at all"})
    unknown = client.post("/api/session", json={"email": "nobody@localhost", "password": PASSWORD})
    first, second = problem(wrong, 401, "bad_credentials"), problem(unknown, 401, "bad_credentials")
    assert first | {"request_id": ""} == second | {"request_id": ""}
    assert "set-cookie" not in wrong.headers


def test_a_log_in_never_takes_over_the_id_that_the_browser_brought(api: Api) -> None:
    account = api.account()
    planted = "__Host-plumbline=chosen-by-an-attacker"
    first = cookie_of(log_in(api.client(cookie=planted), account))
    assert first != planted
    problem(api.client(cookie=planted).get("/api/session"), 401, "not_signed_in")
    second = cookie_of(log_in(api.client(cookie=first), account))
    assert second != first
    problem(api.client(cookie=first).get("/api/session"), 401, "not_signed_in")
    assert api.client(cookie=second).get("/api/session").status_code == 200


def test_logging_out_ends_the_session_and_takes_the_cookie_back(api: Api) -> None:
    browser = api.account().browser()
    answer = browser.delete("/api/session")
    assert answer.status_code == 204
    assert answer.headers["set-cookie"].startswith("__Host-plumbline=; Path=/; Max-Age=0;")
    problem(browser.get("/api/session"), 401, "not_signed_in")


def test_a_page_of_another_origin_can_do_nothing_with_the_cookie(api: Api) -> None:
    browser = api.account().browser()
    command = {"url": "/api/commands/project.create", "json": {"name": "House"}}
    problem(browser.post(**command, headers={"origin": EVIL}), 403, "origin_refused")
    problem(browser.post(**command, headers={"origin": "null"}), 403, "origin_refused")
    problem(browser.delete("/api/session", headers={"origin": EVIL}), 403, "origin_refused")
    del browser.headers["origin"]
    problem(browser.post(**command), 403, "origin_refused")
    problem(browser.post(**command, headers={"sec-fetch-site": "cross-site"}), 403, "origin_refused")
    problem(browser.post(**command, headers={"sec-fetch-site": "same-site"}), 403, "origin_refused")
    assert browser.post(**command, headers={"sec-fetch-site": "same-origin"}).status_code == 201


def test_nobody_logs_a_browser_in_from_another_origin(api: Api) -> None:
    problem(log_in(api.client(), api.account(), origin=EVIL), 403, "origin_refused")
    given = {"email": "somebody@localhost", "password": PASSWORD, "name": "S"}
    answer = api.client(origin=EVIL).post("/api/commands/account.register", json=given)
    problem(answer, 403, "origin_refused")


def test_a_cookie_needs_the_token_of_its_own_session(api: Api) -> None:
    one, other = api.account().browser(), api.account().browser()
    for token in ("", "wrong", "ü", other.headers["x-csrf-token"]):
        answer = one.post("/api/commands/project.create", json={"name": "A"}, headers={"x-csrf-token": token.encode()})
        problem(answer, 403, "csrf_refused")
    assert one.post("/api/commands/project.create", json={"name": "A"}).status_code == 201


def test_a_bearer_token_needs_neither_origin_nor_csrf_token(api: Api) -> None:
    program = api.account().program()
    assert program.post("/api/commands/project.create", json={"name": "A"}, headers={"origin": EVIL}).status_code == 201


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer plb_x", "Basic YTpi", "Bearer plb_" + "0" * 32 + "_" + "0" * 32 + "_AA"]
)
def test_credentials_that_do_not_hold_are_refused(api: Api, value: str) -> None:
    answer = api.client(authorization=value).get("/api/session")
    problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_address_is_worth_nothing(api: Api) -> None:
    token = api.account().program().headers["authorization"].removeprefix("Bearer ")
    problem(api.client().get("/api/account", params={"token": token}), 401, "not_signed_in")


def test_a_revoked_token_ends_at_once(api: Api) -> None:
    account = api.account()
    program = account.program()
    token_id = program.headers["authorization"].split("_")[2]
    given = {"account_id": account.account_id, "token_id": token_id}
    assert account.browser().post("/api/commands/account.revoke_token", json=given).status_code == 201
    problem(program.get("/api/session"), 401, "not_signed_in")


def test_a_new_password_ends_every_session(api: Api) -> None:
    account = api.account()
    one, other = account.browser(), account.browser()
    given = {"account_id": account.account_id, "old_password": PASSWORD, "new_password": "another horse"}
    assert one.post("/api/commands/account.change_password", json=given).status_code == 201
    for browser in (one, other):
        problem(browser.get("/api/session"), 401, "not_signed_in")


def test_nobody_acts_for_another_account(api: Api) -> None:
    one, other = api.account(), api.account()
    given = {"account_id": other.account_id, "name": "mine now"}
    problem(one.program().post("/api/commands/account.issue_token", json=given), 403, "forbidden")
    given = {"account_id": one.account_id, "plan": "enterprise", "admin": True}
    problem(one.program().post("/api/commands/account.grant_role", json=given), 403, "forbidden")


def test_secrets_reach_neither_the_log_nor_valkey(api: Api, servers: Embedded) -> None:
    account = api.account()
    browser, program = account.browser(), account.program()
    browser.get("/api/session")
    problem(
        program.post("/api/commands/account.register", json={"email": "x", "password": PASSWORD}), 422, "invalid_body"
    )
    text = api.log.read_text()
    secrets = [
        PASSWORD,
        browser.headers["cookie"].partition("=")[2],
        program.headers["authorization"].rpartition("_")[2],
    ]
    assert not [secret for secret in secrets if secret in text]
    with redis.Redis.from_url(servers.redis_url) as valkey:
        kept = [key.decode() for key in valkey.scan_iter("session:*")]
    assert kept
    assert not [key for key in kept if secrets[1] in key]


@pytest.fixture(scope="module")
def twin(api: Api) -> Iterator[Api]:
    """A second process of the same service."""
    with api_process(api) as second:
        yield second


def test_logging_out_is_heard_of_by_every_process(api: Api, twin: Api) -> None:
    browser = api.account().browser()
    cookie = browser.headers["cookie"]
    elsewhere = twin.client(cookie=cookie)
    assert elsewhere.get("/api/session").status_code == 200
    browser.delete("/api/session")
    deadline = time.monotonic() + 0.5  # well below the two seconds that a cached session lives
    while elsewhere.get("/api/session").status_code == 200:
        assert time.monotonic() < deadline


def test_a_revoked_token_ends_in_every_process_within_a_second_or_so(api: Api, twin: Api) -> None:
    account = api.account()
    program = account.program()
    elsewhere = twin.client(authorization=program.headers["authorization"])
    assert elsewhere.get("/api/session").status_code == 200
    token_id = program.headers["authorization"].split("_")[2]
    given = {"account_id": account.account_id, "token_id": token_id}
    assert account.browser().post("/api/commands/account.revoke_token", json=given).status_code == 201
    time.sleep(1.1)
    problem(elsewhere.get("/api/session"), 401, "not_signed_in")
