"""What is said on one socket: who is there, what it follows, what it asks, and the limits on all of that."""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from math import ceil
from typing import Any
from uuid import UUID

from commands import NotSignedIn
from domain.core import Refused
from runtime.telemetry import get_logger
from transport.addresses import client_of
from transport.errors import TooLarge, internal_problem, problem_of
from transport.gate import refusal_of
from transport.gateway.hub import Hub
from transport.gateway.socket_account import AccountWatch
from transport.gateway.socket_closing import (
    NOT_AUTHENTICATED,
    PROTOCOL_ERRORS,
    TOO_BIG,
    TOO_MANY_MESSAGES,
    Closing,
    closing_of,
)
from transport.gateway.socket_commands import MOST_IN_FLIGHT, Answering
from transport.gateway.socket_connection import Connection
from transport.gateway.socket_credentials import Credentials
from transport.gateway.socket_feeds import MOST_FEEDS, Feeds
from transport.gateway.socket_formats import MESSAGE_BYTES, Text
from transport.gateway.socket_messages import (
    Acknowledge,
    Allowance,
    Ask,
    Authenticate,
    BePresent,
    ClientPing,
    ClientPong,
    Error,
    MessageId,
    RunCommand,
    Said,
    ServerPong,
    SignedIn,
    Subscribe,
    Told,
    Unsubscribe,
    Welcome,
    id_of,
    said,
    told,
)
from transport.gateway.socket_metrics import RECEIVED
from transport.gateway.socket_rate import BURST, RATE, Bucket, Verdict
from transport.gateway.sockets import RECONNECT_JITTER_MS, Sockets
from transport.rest.doors import Doors

MOST_WRONG = 3
"""Messages in a row that cannot be read; after that there is no point in going on."""

ALLOWANCE = Allowance(
    message_bytes=MESSAGE_BYTES, messages_per_second=RATE, burst=BURST, feeds=MOST_FEEDS, in_flight=MOST_IN_FLIGHT
)

_log = get_logger(__name__)


class TooManyMessages(Refused):
    """Too many messages: wait for as many seconds as `retry_after` says."""

    code = "too_many_messages"
    kind = "limit"


class Conversation:
    """One socket, from its handshake on."""

    def __init__(self, doors: Doors, hub: Hub, sockets: Sockets, connection: Connection, client: str) -> None:
        """Speak over `connection` with whoever is at the address `client`."""
        self.account_id: UUID | None = None
        self._doors = doors
        self._hub = hub
        self._sockets = sockets
        self._connection = connection
        self._credentials = Credentials(doors, client)
        self._answering = Answering(doors, sockets, self._say, self._fail)
        self._bucket = Bucket()
        self._wrong = 0
        self._heard = 0
        self._feeds = Feeds(doors, hub, self._credentials, connection, self._fail)
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: AccountWatch | None = None
        self._signing_in = False
        self._later: list[Said] = []
        """What was said while credentials were looked at."""

    @property
    def session_id(self) -> str:
        """The session whose cookie opened this socket; empty where a token did."""
        session = self._credentials.session
        return "" if session is None else session.session_id

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.outbox.size

    def begin(self, headers: dict[str, str]) -> asyncio.Task[None]:
        """Sign in by the handshake's headers, if they name somebody; else the first message has to."""
        return self._run(self._begin(headers))

    def take(self, lines: Iterable[bytes]) -> None:
        """Hear a frame's messages. Raises what reading them raises."""
        for line in lines:
            if not self._connection.open:
                return
            self._hear(line)

    def garbled(self, error: Refused) -> None:
        """Hear that a frame, or the rest of one, could not be read."""
        if self._counted() == "pass":
            self._count_wrong(None, error)

    def count(self) -> None:
        """Count a frame that holds no message, or only a part of one."""
        self._counted()

    def too_big(self) -> None:
        """Hear that a message was larger than may be."""
        self._fail(None, TooLarge(f"A message may have at most {MESSAGE_BYTES} bytes.", limit_bytes=MESSAGE_BYTES))
        self.close(TOO_BIG)

    def beat(self, now: float, ping: Text) -> None:
        """Keep heartbeat and credentials up to date."""
        if not self._connection.open:
            return
        self._connection.beat(now, ping)
        if self._credentials.due(now):
            if self._credentials.session is None:
                self.close(NOT_AUTHENTICATED)
            else:
                self._run(self._revalidate())

    def close(self, closing: Closing) -> None:
        """Close, soon."""
        self._connection.close(closing)

    def leave(self) -> None:
        """Follow nothing, and look at no credentials, any more."""
        self._feeds.leave()
        if self._watch is not None:
            self._watch.end()
        for task in self._tasks:
            task.cancel()

    async def finish(self) -> None:
        """Answer what is in flight."""
        await self._answering.until_idle()

    def end(self) -> None:
        """Let go of everything."""
        self.leave()
        self._answering.stop()
        self._doors.places.give_back(self._connection.id, self.account_id, self._credentials.client)

    def _hear(self, line: bytes) -> None:
        RECEIVED.inc()
        if self._counted(line) != "pass":
            return
        try:
            message = said(line)
        except Refused as error:
            self._count_wrong(id_of(line), error)
            return
        self._wrong = 0
        self._obey(message)

    def _counted(self, line: bytes = b"") -> Verdict:
        self._heard += 1
        verdict = self._bucket.take()
        if verdict == "close":
            self.close(TOO_MANY_MESSAGES)
        elif verdict == "refuse":
            self._fail(id_of(line), TooManyMessages(retry_after=ceil(self._bucket.retry_after)))
        return verdict

    def _count_wrong(self, message_id: MessageId | None, error: Refused) -> None:
        self._fail(message_id, error)
        self._wrong += 1
        if self._wrong >= MOST_WRONG:
            self.close(PROTOCOL_ERRORS)

    async def _begin(self, headers: dict[str, str]) -> None:
        credentials = self._credentials
        credentials.client = client_of(credentials.client, headers, self._doors.settings.trusted_proxies)
        try:
            await self._doors.places.for_address(credentials.client, self._connection.id)
            if await credentials.present(headers) is not None:
                await self._admit()
        except Exception as error:  # noqa: BLE001 - answered, and logged if nobody expected it
            self._refuse(error)

    def _obey(self, message: Said) -> None:
        if self._signing_in:
            self._later.append(message)
            return
        match message:
            case ClientPing(t=t):
                self._say(ServerPong(t=t))
            case ClientPong():
                pass  # the connection has noticed that it came
            case Authenticate():
                self._signing_in = True
                self._run(self._authenticate(message))
            case Subscribe() | Unsubscribe() | Acknowledge() | BePresent() | RunCommand() | Ask():
                try:
                    self._serve(message)
                except Refused as error:
                    self._fail(message.id, error)

    def _serve(self, message: Subscribe | Unsubscribe | Acknowledge | BePresent | RunCommand | Ask) -> None:
        identity = self._credentials.identity
        match message:
            case Subscribe():
                self._feeds.join(message, identity.account_id)
            case Unsubscribe():
                self._feeds.part(message)
            case Acknowledge():
                self._feeds.acknowledge(message)
            case BePresent():
                self._feeds.show(message)
            case RunCommand() | Ask():
                self._answering.start(message, identity)

    async def _authenticate(self, message: Authenticate) -> None:
        try:
            if message.ticket is not None:
                await self._credentials.redeem(message.ticket)
            else:
                await self._credentials.present({"authorization": f"Bearer {message.token}"})
            self._say(SignedIn(id=message.id, expires_at=self._credentials.identity.expires_at))
            if self.account_id is None and self._connection.open:
                await self._admit()
        except Exception as error:  # noqa: BLE001 - answered, and logged if nobody expected it
            if self.account_id is None:
                self._refuse(error, message.id)
            else:
                self._fail(message.id, error)
        finally:
            self._signing_in = False
            later, self._later = self._later, []
            for each in later:
                if self._connection.open:
                    self._obey(each)

    async def _admit(self) -> None:
        identity = self._credentials.identity
        places, connection = self._doors.places, self._connection
        await places.for_account(identity.account_id, connection.id)
        if not connection.open:
            places.give_back(connection.id, identity.account_id, self._credentials.client)
            return
        self._sockets.admit(self, identity.account_id)
        settings = self._doors.settings
        self._say(
            Welcome(
                connection_id=self._connection.id,
                account_id=identity.account_id,
                server_time=datetime.now(UTC),
                epoch=self._hub.epoch,
                heartbeat_interval=settings.heartbeat_interval,
                heartbeat_timeout=settings.heartbeat_timeout,
                reconnect_jitter_max_ms=RECONNECT_JITTER_MS,
                limits=ALLOWANCE,
                expires_at=identity.expires_at,
            )
        )
        self._watch = AccountWatch(self._hub, identity.actor, self._doubt)
        self._watch.start()

    def _doubt(self) -> None:
        self._run(self._revalidate())

    async def _revalidate(self) -> None:
        try:
            if not await self._credentials.revalidate():
                self._feeds.doubt()
        except NotSignedIn as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - logged, and looked at again
            _log.warning("a socket's credentials cannot be looked at", reason=repr(error))

    def _refuse(self, error: Exception, message_id: MessageId | None = None) -> None:
        self._fail(message_id, error)
        self.close(closing_of(refusal_of(error)))

    def _say(self, message: Told) -> None:
        self._connection.outbox.put(told(message))

    def _fail(self, message_id: MessageId | None, error: Exception) -> None:
        request_id = f"{self._connection.id}:{self._heard}"
        refusal = refusal_of(error)
        if refusal is None:
            _log.error("a socket's message failed", request_id=request_id, exc_info=error)
            problem = internal_problem(request_id)
        else:
            problem = problem_of(refusal, request_id)
        self._say(Error(problem=problem, id=message_id))

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"socket {self._connection.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
