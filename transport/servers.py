"""The servers that a command works on: the ones that URLs name, or embedded ones of its own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from runtime.embedded import embedded
from runtime.settings import Settings, with_servers


@asynccontextmanager
async def servers(settings: Settings, *, temporary: bool = False) -> AsyncGenerator[Settings]:
    """Give settings that name servers; embedded ones run for as long as the block does."""
    if not settings.embedded:
        yield settings
        return
    async with embedded(settings.data_dir, temporary=temporary) as own:
        yield with_servers(settings, database_url=own.database_url, redis_url=own.redis_url)
