"""The projector process: keeps the read models up with the log."""

import asyncio

from projections.projector import Projector
from projections.tables import ensure_tables
from runtime.broker import open_broker
from runtime.database import open_pool
from runtime.exposing import exposed
from runtime.lifeline import stop_requested, watch_stdin
from runtime.loop_delay import observe_delay
from runtime.migrations import check
from runtime.settings import Settings


async def project(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; what is under way then is finished first."""
    watch_stdin()
    stop = asyncio.Event()
    await check(settings.postgres)
    async with open_pool(settings.postgres, name="projector", size=1) as pool, pool.connection() as connection:
        await ensure_tables(connection)
    with exposed(settings.host, settings.projector_metrics_port):
        async with open_broker(settings.valkey) as broker, asyncio.TaskGroup() as tasks:
            observing = tasks.create_task(observe_delay(), name="loop delay")
            tasks.create_task(Projector(settings.postgres, broker).run(stop))
            await stop_requested()
            stop.set()
            observing.cancel()
