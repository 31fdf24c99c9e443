"""Browser sessions: a random id in a cookie, its hash in Valkey, and an end that every process hears of at once."""

import asyncio
import base64
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from time import monotonic
from typing import Any, Self
from uuid import UUID

import msgspec
from msgspec import Struct, structs
from redis.asyncio import Redis

from commands import NotSignedIn
from commands.identities import Identities, Identity
from runtime.broker import Broker, Gap, Message

COOKIE = "__Host-plumbline"
ENDED_CHANNEL = "sessions:ended"
"""Carries the `session_id` of each session that ended before its time: caches drop it, sockets close."""
CACHED = 2.0
"""Seconds that a process answers from memory. An end is heard of sooner, unless the broker lost the message."""
MOST_CACHED = 10_000
MOST_LOADING = 8
"""Round trips at a time: the client refuses more than it has connections, and a crowd may come at once."""


class Session(Struct, frozen=True, kw_only=True):
    """Somebody recognised at a door, whose commands are recorded under `actor`.

    `session_id` and `csrf` are there when a cookie, not a token, said so.
    `session_id` is the hash of the cookie's secret: it names the session without opening it.
    """

    identity: Identity
    actor: str
    session_id: str = ""
    csrf: str = ""


class _Kept(Struct, frozen=True):
    """What Valkey keeps of a session."""

    account_id: UUID
    generation: int


class Sessions:
    """Begins, finds and ends sessions. Use as an async context manager: it listens for ends told by other processes."""

    def __init__(self, valkey: Redis, broker: Broker, identities: Identities, master_key: bytes, hours: int) -> None:
        """Keep sessions in `valkey` for `hours`; whom they belong to is asked of `identities`.

        Everything that arrives at `broker` is for us.
        """
        self._valkey: Any = valkey  # its calls are only half typed
        self._broker = broker
        self._identities = identities
        self._key = hmac.digest(master_key, b"sessions", "sha256")
        self._seconds = hours * 3600
        self._cache: OrderedDict[str, tuple[float, Session | None]] = OrderedDict()
        """Until when a session, or `None` for one that has just ended, is answered from memory."""
        self._loading = asyncio.Semaphore(MOST_LOADING)
        self._watchers: list[Callable[[str], None]] = []
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._broker.subscribe(ENDED_CHANNEL)
        self._listening = asyncio.create_task(self._listen(), name="sessions")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    def watch(self, ended: Callable[[str], None]) -> None:
        """Call `ended` with the `session_id` of every session that ends before its time."""
        self._watchers.append(ended)

    async def begin(self, identity: Identity) -> tuple[str, Session]:
        """Begin a session under a new random id; answer the cookie's value, which is never seen again, with it."""
        secret = secrets.token_urlsafe(32)
        session = self._session(_session_id(secret), identity)
        kept = msgspec.json.encode(_Kept(identity.account_id, identity.generation))
        await self._valkey.set(_key(session.session_id), kept, ex=self._seconds)
        return secret, session

    async def find(self, secret: str) -> Session:
        """Give the session that a cookie opens. Raises `NotSignedIn` when it ended, or the account lost its rights."""
        session_id = _session_id(secret)
        if not self._is_cached(session_id):
            loaded = await self._load(session_id)
            if not self._is_cached(session_id):  # else it ended meanwhile, and that is cached
                self._remember(session_id, loaded)
        session = self._cache[session_id][1]
        if session is None:
            raise NotSignedIn("The session ended: log in again.")
        return structs.replace(session, identity=await self._identities.current(session.identity))

    async def end(self, session_id: str) -> None:
        """End a session, everywhere."""
        self._ended(session_id)
        await self._valkey.delete(_key(session_id))
        self._broker.publish(ENDED_CHANNEL, session_id.encode())

    async def _load(self, session_id: str) -> Session | None:
        async with self._loading:
            kept = await self._valkey.get(_key(session_id))
        if kept is None:
            return None
        stored = msgspec.json.decode(kept, type=_Kept)
        return self._session(session_id, Identity(account_id=stored.account_id, generation=stored.generation))

    def _is_cached(self, session_id: str) -> bool:
        cached = self._cache.get(session_id)
        return cached is not None and cached[0] > monotonic()

    def _remember(self, session_id: str, session: Session | None) -> None:
        self._cache[session_id] = (monotonic() + CACHED, session)
        self._cache.move_to_end(session_id)
        if len(self._cache) > MOST_CACHED:
            self._cache.popitem(last=False)

    def _session(self, session_id: str, identity: Identity) -> Session:
        csrf = hmac.digest(self._key, f"csrf:{session_id}".encode(), "sha256")
        return Session(
            identity=identity,
            actor=identity.actor,
            session_id=session_id,
            csrf=base64.urlsafe_b64encode(csrf).decode(),
        )

    def _ended(self, session_id: str) -> None:
        self._remember(session_id, None)
        for watcher in self._watchers:
            watcher(session_id)

    async def _listen(self) -> None:
        async for item in self._broker.messages():
            match item:
                case Message(data=data):
                    self._ended(data.decode())
                case Gap():
                    self._cache.clear()


def cookie_of(headers: dict[str, str]) -> str | None:
    """Read our cookie from a request's headers."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def set_cookie(secret: str, seconds: int) -> str:
    """Write the header that puts the session into the browser; with `seconds=0`, that takes it out.

    The `__Host-` prefix binds it to this host over TLS. Over plain HTTP, browsers take it on localhost at most.
    """
    return f"{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict"


def _session_id(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _key(session_id: str) -> str:
    return f"session:{session_id}"
