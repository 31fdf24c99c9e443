"""What every door needs to answer: the parts that the application factory wired together."""

from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

from commands.identities import Identity
from commands.write_side import WriteSide
from projections.queries import Queries
from runtime.settings import Settings


class Session(Struct, frozen=True, kw_only=True):
    """Somebody recognised at a door. `session_id` and `csrf` are there when a cookie, not a token, said so."""

    identity: Identity
    session_id: str = ""
    csrf: str = ""


class Recognise(Protocol):
    """Finds out who sends a request, from its headers."""

    async def __call__(self, headers: "dict[str, str]") -> Session | None:
        """Answer the session; `None` for nobody. Raises `NotSignedIn` for credentials that do not hold."""
        ...


class Doors(Struct, frozen=True, kw_only=True):
    """The wired parts."""

    settings: Settings
    pool: AsyncConnectionPool[Any]
    broker: Redis
    write: WriteSide
    queries: Queries
    recognise: Recognise
    epoch: UUID
