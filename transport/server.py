"""The API process: one event loop with Granian in it, drained gently when it is asked to stop."""

import asyncio

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from runtime import lifeline, telemetry
from runtime.settings import Settings
from runtime.telemetry import get_logger
from transport.app import LIMITS, create_app
from transport.limits import Limits

DRAIN = 10.0
"""Seconds that requests under way get to finish after SIGTERM."""
BACKLOG = 1024
MOST_CONNECTIONS = 65_536
HEADER_TIMEOUT = 10_000
"""Milliseconds in which a client must have sent a request's headers."""

log = get_logger(__name__)


def serve(settings: Settings, *, limits: Limits = LIMITS) -> None:
    """Run one API process until SIGTERM or SIGINT. Raises what keeps it from starting, such as `MigrationsMissing`."""
    telemetry.configure("api", level=settings.log_level)
    uvloop.run(_serve(settings, limits))


async def _serve(settings: Settings, limits: Limits) -> None:
    lifeline.watch_stdin()
    stopping = asyncio.create_task(lifeline.stop_requested())
    app = create_app(settings, limits=limits)
    async with app.lifespan():
        server = Server(
            app,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,  # the lifespan is ours: what it raises reaches the operator
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT),
            backlog=BACKLOG,
            backpressure=MOST_CONNECTIONS,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        log.info("api.listening", host=settings.host, port=settings.port)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            log.info("api.draining", signal=stopping.result().name)
            server.stop()
        await asyncio.wait({serving}, timeout=DRAIN)
