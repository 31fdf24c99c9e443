"""The state machine of a connection: idle, connecting, connected, reconnecting, failed, closed."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum

from plumbline_client.backoff import Backoff
from plumbline_client.closing import Ending, Then
from plumbline_client.credentials import Wallet
from plumbline_client.errors import Closed, GaveUp
from plumbline_client.timing import Clock, Timing


class State(Enum):
    """Where a client is. Its values are for people."""

    IDLE = "idle"
    """Not started."""
    CONNECTING = "connecting"
    """Trying for the first time, or again because somebody asked for it."""
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    """Without a connection, between tries or at one."""
    FAILED = "failed"
    """No more tries, until `retry`."""
    CLOSED = "closed"
    """By intent, and for good."""


class Ended(Exception):  # noqa: N818 - says what happened
    """A connection has ended, or none came about. `blocked`: HTTP may get through where this did not."""

    def __init__(self, ending: Ending, *, blocked: bool = False) -> None:
        """Keep how."""
        self.ending = ending
        self.blocked = blocked
        super().__init__(ending.reason)


class Connector:
    """Keeps a connection up: makes one after another, with pauses, until there is no point in it."""

    def __init__(
        self,
        attempt: Callable[[], Awaitable[None]],
        wallet: Wallet,
        timing: Timing,
        clock: Clock,
        *,
        changed: Callable[[State], None],
        report: Callable[..., None],
    ) -> None:
        """Connect by `attempt`, which serves the connection to its end and raises `Ended`; tell `changed` of states."""
        self.state = State.IDLE
        self.error: GaveUp | None = None
        """Why the client has given up, while it has."""
        self._attempt = attempt
        self._wallet = wallet
        self._timing = timing
        self._clock = clock
        self._changed = changed
        self._report = report
        self._backoff = Backoff(timing, clock)
        self._retried = asyncio.Event()
        self._news = asyncio.Event()
        self._up_since: float | None = None
        self._signed_in_anew = False

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            self._become(State.CONNECTING)
            ending = await self._connect_on()
            self.error = GaveUp(ending.code, ending.reason)
            self._retried.clear()
            self._become(State.FAILED)
            await self._retried.wait()
            self.error = None
            self._backoff.forget()

    def came_up(self, jitter: float) -> None:
        """Hear that the server has let us in, and over how many seconds it spreads its clients."""
        self._up_since = self._clock.now()
        self._signed_in_anew = False
        self._backoff.announce(jitter)
        self._become(State.CONNECTED)

    def went_down(self) -> None:
        """Hear that the connection is gone."""
        self._become(State.RECONNECTING)

    def retry(self) -> None:
        """Try again, if the client has given up."""
        self._retried.set()

    def close(self) -> None:
        """End, for good."""
        self._become(State.CLOSED)

    async def connected(self) -> None:
        """Wait until there is a connection. Raises `GaveUp`, `Closed`."""
        while self.state is not State.CONNECTED:
            if self.error is not None:
                raise self.error
            if self.state is State.CLOSED:
                raise Closed
            await self._news.wait()

    async def _connect_on(self) -> Ending:
        """Connect again and again; give the ending after which there is no point in it."""
        while True:
            ending = await self._one()
            pause = self._backoff.pause(ending)
            if pause is None or (ending.then is Then.SIGN_IN and not await self._sign_in_anew()):
                return ending
            self._report("connection ended", code=ending.code, reason=ending.reason, pause=round(pause, 3))
            self._become(State.RECONNECTING)
            await self._clock.sleep(pause)

    async def _one(self) -> Ending:
        self._up_since = None
        try:
            await self._attempt()
        except Ended as ended:
            ending = ended.ending
        except Exception as error:  # noqa: BLE001 - reported, and tried again: whoever signs us in may raise anything
            self._report("no connection", why=repr(error))
            ending = Ending(reason=repr(error))
        else:
            ending = Ending(reason="the connection ended")
        if self._up_since is not None and self._clock.now() - self._up_since >= self._timing.stable:
            self._backoff.forget()
        return ending

    async def _sign_in_anew(self) -> bool:
        """Get fresh credentials, unless those that were refused are fresh."""
        if not self._wallet.renewable or self._signed_in_anew:
            return False
        self._signed_in_anew = True
        try:
            await self._wallet.fresh()
        except Exception as error:  # noqa: BLE001 - it is the application's, and may raise anything
            self._report("no fresh credentials", why=repr(error))
            self._signed_in_anew = False
        return True

    def _become(self, state: State) -> None:
        if self.state in {state, State.CLOSED}:
            return
        self.state = state
        news, self._news = self._news, asyncio.Event()
        news.set()
        self._changed(state)
