"""A Plumbline server as seen from outside: commands, queries, uploads and feeds, over connections that may break."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from typing import Any, Self
from uuid import UUID

import httpx
import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from runtime.ids import new_id

PATIENCE = 60.0
"""Seconds for which an unreachable server is tried again."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
HTTP_ERROR = 400
UNAVAILABLE = 503


class Refusal(Exception):  # noqa: N818 - it says what the server said
    """The server refused a request; `problem` is its RFC 9457 object."""

    def __init__(self, problem: dict[str, Any]) -> None:
        """Keep the problem object."""
        self.problem = problem
        self.code = str(problem.get("code", "unknown"))
        super().__init__(str(problem.get("detail") or problem.get("title") or self.code))


class Unreachable(Exception):  # noqa: N818 - says what is wrong
    """The server did not answer for a minute."""


class Remote:
    """One account's way to a server. Every request is repeated until it is answered: commands carry their ids."""

    def __init__(self, url: str, token: str = "") -> None:
        """Speak to the server at `url` (such as `http://127.0.0.1:8000`) with a bearer token."""
        self.url = url.rstrip("/")
        self.token = token
        self._http = httpx.AsyncClient(base_url=self.url, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def command(self, name: str, /, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        """Carry out a command once; answer its receipt. Raises `Refusal`, `Unreachable`."""
        content = msgspec.json.encode(fields)
        extra = {"Idempotency-Key": str(new_id()), "Content-Type": "application/json"} | (headers or {})
        return await self._json("POST", f"/api/commands/{name}", content=content, headers=extra)

    async def query(self, path: str, /, **parameters: Any) -> dict[str, Any]:
        """Ask a query, such as `/api/projects`. Raises `Refusal`, `Unreachable`."""
        return await self._json(
            "GET", path, params={key: value for key, value in parameters.items() if value is not None}
        )

    async def pages(self, path: str, /, **parameters: Any) -> AsyncGenerator[dict[str, Any]]:
        """Ask a query for all its items, page by page."""
        cursor = None
        while True:
            page = await self.query(path, limit=500, cursor=cursor, **parameters)
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def upload(self, project_id: UUID, filename: str, data: bytes) -> dict[str, Any]:
        """Upload a file to a project. Raises `Refusal`, `Unreachable`."""
        headers = {"Idempotency-Key": str(new_id())}
        path = f"/api/projects/{project_id}/documents"
        return await self._json("POST", path, files={"file": (filename, data)}, headers=headers)

    async def log_in(self, email: str, password: str) -> dict[str, str]:
        """Open a session; answer the headers that prove it, as a browser would send them."""
        response = await self._send("POST", "/api/session", json={"email": email, "password": password})
        cookie = response.headers["set-cookie"].partition(";")[0]
        csrf = msgspec.json.decode(response.content)["csrf"]
        return {"Cookie": cookie, "X-CSRF-Token": csrf, "Origin": self.url}

    async def feed(self, feed: str, after: int = 0) -> AsyncGenerator[dict[str, Any]]:
        """Follow a feed from a sequence on, for ever: its events once each and in order, progress in between.

        Close it (`contextlib.aclosing`) when you have seen enough.
        Raises `Refusal`, and `Unreachable` when the server is away for a minute.
        """
        deadline = monotonic() + PATIENCE
        pause = FIRST_PAUSE
        while True:
            try:
                async with aclosing(self._followed(feed, after)) as messages:
                    async for message in messages:
                        deadline, pause = monotonic() + PATIENCE, FIRST_PAUSE
                        if message["op"] == "event":
                            if message["sequence"] <= after:
                                continue
                            after = message["sequence"]
                        yield message
            except (OSError, WebSocketException) as error:
                if monotonic() > deadline:
                    raise Unreachable(f"{self.url} does not answer: {error}") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _followed(self, feed: str, after: int) -> AsyncGenerator[dict[str, Any]]:
        """Give what one connection tells of a feed, until the connection ends."""
        url = self.url.replace("http", "ws", 1) + "/api/ws"
        async with connect(
            url,
            additional_headers=self._headers,
            subprotocols=[Subprotocol("plumbline.v1")],
            max_size=None,
            ping_interval=None,
        ) as socket:
            await socket.send(_text({"op": "subscribe", "id": 1, "feed": feed, "after": after}))
            async for text in socket:
                for message in map(msgspec.json.decode, str(text).split("\n")):
                    if message["op"] == "ping":
                        await socket.send(_text({"op": "pong", "t": message.get("t")}))
                    elif message["op"] == "error":
                        raise Refusal(message["problem"])
                    else:
                        yield message

    async def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return msgspec.json.decode((await self._send(method, path, **request)).content)

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        request["headers"] = self._headers | request.get("headers", {})
        deadline = monotonic() + PATIENCE
        pause = FIRST_PAUSE
        while True:
            try:
                response = await self._http.request(method, path, **request)
                if response.status_code != UNAVAILABLE:
                    break
                reason = response.text
            except httpx.TransportError as error:
                reason = repr(error)
            if monotonic() > deadline:
                raise Unreachable(f"{self.url} does not answer: {reason}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        if response.status_code >= HTTP_ERROR:
            raise Refusal(_problem(response))
        return response


def _text(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {"title": f"HTTP {response.status_code}", "detail": response.text[:200], "code": "unknown"}


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
