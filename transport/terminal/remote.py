"""A Plumbline server as the command line sees it: the client, with the patience of somebody who waits for an answer."""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Self
from uuid import UUID

import msgspec

from plumbline_client import Client, Feed, Timing
from plumbline_client.answers import Passing
from runtime.ids import new_id

PATIENT = Timing(first_pause=0.1, longest_pause=1, longest_jitter=1, most_tries=120, breaker_failures=1_000)
"""For about a minute an unreachable server is tried again, about twice a second."""


class Remote:
    """One account's way to a server. Every request is repeated until it is answered: commands carry their ids."""

    def __init__(self, url: str, token: str = "") -> None:
        """Speak to the server at `url` (such as `http://127.0.0.1:8000`) with a bearer token."""
        self.url = url.rstrip("/")
        self._token = token
        self._client = Client(url, token, timing=PATIENT, on_report=_keep_quiet)
        self._http = self._client.http

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @property
    def token(self) -> str:
        """Who we are to the server."""
        return self._token

    @token.setter
    def token(self, token: str) -> None:
        self._token = token
        self._client.use_token(token)

    async def command(self, name: str, /, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        """Carry out a command once; answer its receipt. Raises `Refusal`, `Unreachable`."""
        extra = {"Idempotency-Key": str(new_id()), "Content-Type": "application/json"} | (headers or {})
        return await self._json("POST", f"/api/commands/{name}", content=msgspec.json.encode(fields), headers=extra)

    async def query(self, path: str, /, **parameters: Any) -> dict[str, Any]:
        """Ask a query, such as `/api/projects`. Raises `Refusal`, `Unreachable`."""
        return (await self._http.get(path, **parameters)).body

    def pages(self, path: str, /, **parameters: Any) -> AsyncGenerator[dict[str, Any]]:
        """Ask a query for all its items, page by page."""
        return self._http.pages(path, **parameters)

    async def upload(self, project_id: UUID, filename: str, data: bytes) -> dict[str, Any]:
        """Upload a file to a project. Raises `Refusal`, `Unreachable`."""
        headers = {"Idempotency-Key": str(new_id())}
        path = f"/api/projects/{project_id}/documents"
        return await self._json("POST", path, files={"file": (filename, data)}, headers=headers)

    async def log_in(self, email: str, password: str) -> dict[str, str]:
        """Open a session; answer the headers that prove it, as a browser would send them."""
        response = await self._http.request("POST", "/api/session", json={"email": email, "password": password})
        cookie = response.headers["set-cookie"].partition(";")[0]
        csrf = msgspec.json.decode(response.content)["csrf"]
        return {"Cookie": cookie, "X-CSRF-Token": csrf, "Origin": self.url}

    def feed(self, name: str, after: int = 0, *, passing: Callable[[Passing], None] | None = None) -> Feed:
        """Follow a feed from a sequence on; `passing` hears of progress. Close it when you have seen enough."""
        self._client.start()
        return self._client.feed(name, after=after, passing=passing)

    async def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return msgspec.json.decode((await self._http.request(method, path, **request)).content)


def _keep_quiet(what: str, details: dict[str, Any]) -> None:
    """Leave the progress bar alone: what is final comes as an error."""


async def make_account(remote: Remote, *, email: str, password: str, name: str) -> UUID:
    """Register an account and give it a bearer token, which the remote uses from then on."""
    account_id = new_id()
    await remote.command("account.register", account_id=account_id, email=email, password=password, name=name)
    session = await remote.log_in(email, password)
    receipt = await remote.command(
        "account.issue_token", headers=session, account_id=account_id, token_id=new_id(), name="command line"
    )
    remote.token = receipt["result"]["token"]
    return account_id
