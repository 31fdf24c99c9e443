"""Requests over HTTP that are repeated until they are answered: what they do, they do once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import msgspec

from plumbline_client.answers import Answer
from plumbline_client.backoff import Backoff
from plumbline_client.breaker import Breaker
from plumbline_client.closing import Ending
from plumbline_client.credentials import Wallet
from plumbline_client.errors import Unreachable, refused
from plumbline_client.messages import Receipt
from plumbline_client.queries import address_of
from plumbline_client.timing import Clock, Timing

BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
"""Statuses that are over in a while."""
POSITION = "plumbline-position"


class Http:
    """One account's requests to a server."""

    def __init__(self, url: str, wallet: Wallet, timing: Timing, clock: Clock) -> None:
        """Speak to the server at `url`, such as `http://127.0.0.1:8000`."""
        self.breaker = Breaker(timing, clock)
        self._wallet = wallet
        self._timing = timing
        self._clock = clock
        self._client = httpx.AsyncClient(base_url=url, timeout=timing.answer)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def command(self, command: dict[str, Any], command_id: UUID) -> Receipt:
        """Carry out a command, once. Raises `Conflict`, `Refusal`, `Unreachable`."""
        fields = {name: value for name, value in command.items() if name != "type"}
        headers = {"Idempotency-Key": str(command_id), "Content-Type": "application/json"}
        path = f"/api/commands/{command['type']}"
        content = msgspec.json.encode(fields)
        response = await self.request("POST", path, mine=command, content=content, headers=headers)
        return msgspec.json.decode(response.content, type=Receipt)

    async def get(self, path: str, /, **parameters: Any) -> Answer:
        """Ask at an address, such as `/api/projects`. Raises `Refusal`, `Unreachable`."""
        given = {name: _parameter(value) for name, value in parameters.items() if value is not None}
        response = await self.request("GET", path, params=given)
        position = int(response.headers.get(POSITION, "0"))
        return Answer(body=msgspec.json.decode(response.content), position=position)

    async def query(self, query: dict[str, Any]) -> Answer:
        """Ask a query by its name, at the address that answers it. Raises `Refusal`, `Unreachable`, `ValueError`."""
        path, rest = address_of(query)
        return await self.get(path, **rest)

    async def pages(self, path: str, /, **parameters: Any) -> AsyncGenerator[dict[str, Any]]:
        """Ask for all items of a listing, page by page."""
        cursor = None
        while True:
            page = (await self.get(path, **{"limit": 500, **parameters, "cursor": cursor})).body
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def request(
        self, method: str, path: str, *, mine: dict[str, Any] | None = None, **request: Any
    ) -> httpx.Response:
        """Send a request that may be repeated. Raises `Refusal`, `Unreachable`."""
        headers = request.pop("headers", {})
        backoff = Backoff(self._timing, self._clock)
        renewed = False
        while True:
            self.breaker.check()
            try:
                sent = {**self._wallet.headers, **headers}
                response = await self._client.request(method, path, headers=sent, **request)
            except httpx.TransportError as error:
                self.breaker.failed()
                pause, reason = backoff.pause(Ending()), str(error) or repr(error)
            else:
                self.breaker.answered()
                if response.status_code == HTTPStatus.UNAUTHORIZED and self._wallet.renewable and not renewed:
                    renewed = True
                    await self._wallet.fresh()
                    continue
                if response.status_code not in BUSY:
                    break
                pause, reason = backoff.pause(Ending()), f"HTTP {response.status_code}"
                if pause is not None:
                    pause = max(pause, _retry_after(response))
            if pause is None:
                raise Unreachable(f"{self._client.base_url} does not answer: {reason}")
            await self._clock.sleep(pause)
        if response.is_error:
            raise refused(problem_of(response), mine)
        return response

    @asynccontextmanager
    async def stream(self, path: str, *, seconds: float, **request: Any) -> AsyncGenerator[httpx.Response]:
        """Open an answer that goes on and on; nothing for so many seconds ends it. Raises `Refusal`, httpx's errors."""
        headers = {**self._wallet.headers, **request.pop("headers", {})}
        timeout = httpx.Timeout(self._timing.connect, read=seconds)
        async with self._client.stream("GET", path, headers=headers, timeout=timeout, **request) as response:
            if response.is_error:
                await response.aread()
                raise refused(problem_of(response))
            yield response


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Read the problem object of an answer, or make one for an answer without."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {"title": f"HTTP {response.status_code}", "detail": response.text[:200]}
    return {"code": "unknown", "status": response.status_code} | problem


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return float(given) if given.isdigit() else 0.0


def _parameter(value: Any) -> Any:
    return msgspec.to_builtins(value) if not isinstance(value, bool) else str(value).lower()
