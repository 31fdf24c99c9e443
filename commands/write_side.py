"""The write side, wired: what every process that commands needs, opened and closed together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct
from psycopg_pool import AsyncConnectionPool

from commands.bus import Bus
from commands.identities import Identities
from commands.lookups import Lookups
from commands.passwords import Passwords
from commands.publisher import Publisher
from commands.reporting import Reporting
from commands.tokens import Tokens
from domain.analysis import SharingPolicy
from domain.registry import EVENTS
from eventstore import EventStore
from eventstore.personal import Vault
from eventstore.types import EventTypes
from runtime.broker import Broker, open_client
from runtime.progress import ProgressBoard

TYPES = EventTypes(EVENTS)
REPORTING = 8
"""Connections to Valkey for showing progress, opened when they are needed."""


class WriteSide(Struct, frozen=True, kw_only=True):
    """The parts that a process reaches the log through."""

    store: EventStore
    vault: Vault
    bus: Bus
    publisher: Publisher
    identities: Identities
    lookups: Lookups


@asynccontextmanager
async def write_side(
    pool: AsyncConnectionPool[Any], broker: Broker, master_key: bytes, sharing: SharingPolicy = "per_account"
) -> AsyncGenerator[WriteSide]:
    """Open the bus on a database pool and a broker; leaving stores and publishes what is under way."""
    vault = Vault(pool, master_key)
    passwords = Passwords()
    lookups = Lookups(master_key, passwords, Tokens(master_key), sharing)
    publisher = Publisher(broker)
    try:
        async with EventStore(pool) as store, open_client(broker.url, size=REPORTING) as valkey:
            bus = Bus(store, TYPES, vault, lookups, publisher)
            bus.after = Reporting(bus.states, broker, ProgressBoard(valkey))
            yield WriteSide(
                store=store,
                vault=vault,
                bus=bus,
                publisher=publisher,
                identities=Identities(bus.states, lookups, passwords),
                lookups=lookups,
            )
            await bus.states.settle()
    finally:
        passwords.close()
