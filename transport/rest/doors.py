"""What every door needs to answer: the parts that the application factory wired together."""

from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

from commands.write_side import WriteSide
from projections.queries import Queries
from runtime.blobs import Blobs
from runtime.broker import Broker
from runtime.settings import Settings
from transport.admission import Admission
from transport.gateway.socket_places import Places
from transport.limits import Limiter, Limits
from transport.sessions import Session, Sessions

__all__ = ["Doors", "Recognise", "Session"]


class Recognise(Protocol):
    """Finds out who sends a request, from its headers."""

    async def __call__(self, headers: "dict[str, str]") -> Session | None:
        """Answer the session; `None` for nobody. Raises `NotSignedIn` for credentials that do not hold."""
        ...


class Doors(Struct, frozen=True, kw_only=True):
    """The wired parts."""

    settings: Settings
    pool: AsyncConnectionPool[Any]
    broker: Broker
    """Publishes. What arrives at it is for the hub."""
    valkey: Redis
    """For everything else that Valkey keeps: sessions, limits, tickets."""
    write: WriteSide
    blobs: Blobs
    queries: Queries
    recognise: Recognise
    sessions: Sessions
    admission: Admission
    limiter: Limiter
    limits: Limits
    places: Places
    epoch: UUID
