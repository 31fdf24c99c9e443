"""Every open socket of this process: how many each account has, their heartbeats, their farewells."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from time import monotonic, time
from typing import Any, Protocol, Self
from uuid import UUID

from transport.gateway.socket_closing import DRAINING, NOT_AUTHENTICATED, Closing
from transport.gateway.socket_formats import Text
from transport.gateway.socket_messages import ServerPing, told
from transport.gateway.socket_metrics import ACTIVE, BUFFERED, CONNECTIONS

RECONNECT_JITTER_MS = 5_000
"""Over how long clients that are sent away together come back."""
LONGEST_TICK = 1.0
AT_ONCE = 20
"""Sockets that are pinged, or closed because they are dead, at a time; the groups spread over a tick."""
STALL_SECONDS = 1.0
"""How late a look at the heartbeats may be and still count."""
PATIENCE_SECONDS = 10.0
"""How long the end of the process waits for sockets to part, and for their commands to be carried out."""


class OpenSocket(Protocol):
    """What is needed of a socket here."""

    account_id: UUID | None

    @property
    def session_id(self) -> str:
        """The session whose cookie opened it; empty where a token did."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent on it."""
        ...

    def beat(self, now: float, ping: Text) -> None:
        """Send `ping` if it is time, or close if the last one was not answered."""
        ...

    def close(self, closing: Closing) -> None:
        """Close, soon."""
        ...


class Sockets:
    """Knows the open sockets. Use as an async context manager; `drain` first, if there is time."""

    def __init__(self, *, heartbeat_interval: float, heartbeat_timeout: float) -> None:
        """Look after heartbeats often enough for these numbers of seconds."""
        self.draining = False
        self._open: dict[OpenSocket, None] = {}
        self._by_account: Counter[UUID] = Counter()
        self._background: set[asyncio.Task[None]] = set()
        self._tick = min(LONGEST_TICK, heartbeat_interval / 4, heartbeat_timeout / 4)
        self._beating: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat(), name="sockets.beat")
        BUFFERED.set_function(lambda: sum(socket.buffered for socket in self._open))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        if self._background:
            await asyncio.wait(self._background, timeout=PATIENCE_SECONDS)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def accounts(self) -> dict[UUID, int]:
        """How many sockets each account has."""
        return dict(self._by_account)

    @property
    def background(self) -> int:
        """Commands under way, some perhaps of sockets that are gone."""
        return len(self._background)

    def add(self, socket: OpenSocket) -> None:
        """Look after a socket."""
        self._open[socket] = None
        self._empty.clear()
        ACTIVE.inc()
        CONNECTIONS.inc()

    def remove(self, socket: OpenSocket) -> None:
        """Forget a socket."""
        del self._open[socket]
        ACTIVE.dec()
        if not self._open:
            self._empty.set()
        if socket.account_id is not None:
            self._by_account[socket.account_id] -= 1
            if not self._by_account[socket.account_id]:
                del self._by_account[socket.account_id]

    def admit(self, socket: OpenSocket, account_id: UUID) -> None:
        """Count a socket for its account."""
        self._by_account[account_id] += 1
        socket.account_id = account_id

    def end_session(self, session_id: str) -> None:
        """Close the sockets of a session that ended."""
        for socket in list(self._open):
            if session_id and socket.session_id == session_id:
                socket.close(NOT_AUTHENTICATED)

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something to its end, even if its socket goes away."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def drain(self, within: float = PATIENCE_SECONDS) -> None:
        """Refuse new sockets, and send all away, at most `within` seconds long. Each is told when to come back."""
        self.draining = True
        for socket in list(self._open):
            socket.close(DRAINING.after(random.randrange(RECONNECT_JITTER_MS)))  # noqa: S311 - spreads load
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._open:
                    await self._empty.wait()

    async def _beat(self) -> None:
        while True:
            everybody = list(self._open)
            groups = [everybody[start : start + AT_ONCE] for start in range(0, len(everybody), AT_ONCE)] or [[]]
            pause = self._tick / len(groups)
            for group in groups:
                due = monotonic() + pause
                await asyncio.sleep(pause)
                now = monotonic()
                if now > due + STALL_SECONDS:
                    break  # it was this process that slept: what clients answered meanwhile is still to be read
                ping = told(ServerPing(t=int(time() * 1000)))
                for socket in group:
                    if socket in self._open:
                        socket.beat(now, ping)
