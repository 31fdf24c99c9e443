"""The API process: one event loop with Granian in it, drained gently when it is asked to stop."""

import asyncio
from typing import cast

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar

from runtime import lifeline, telemetry
from runtime.settings import Settings
from runtime.telemetry import get_logger
from transport.app import LIMITS, create_app
from transport.limits import Limits

DRAIN = 10.0
"""Seconds that sockets and requests under way get to finish after SIGTERM."""
BACKLOG = 1024
MOST_CONNECTIONS = 65_536
HEADER_TIMEOUT = 10_000
"""Milliseconds in which a client must have sent a request's headers."""

log = get_logger(__name__)


def serve(settings: Settings, *, limits: Limits = LIMITS) -> None:
    """Run one API process until SIGTERM or SIGINT.

    Raises what keeps it from running, such as `MigrationsMissing`, or `OSError` for a port that is taken.
    """
    telemetry.configure("api", level=settings.log_level)
    try:
        uvloop.run(_serve(settings, limits))
    except ExceptionGroup as errors:  # Litestar's lifespan is a task group
        raise _only(errors) from None


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
            await _drain(app, server, serving)
        else:
            _raise_why(serving, settings)


def _only(errors: ExceptionGroup[Exception]) -> Exception:
    inner = errors.exceptions[0]
    if len(errors.exceptions) > 1:
        return errors
    return _only(cast("ExceptionGroup[Exception]", inner)) if isinstance(inner, ExceptionGroup) else inner


def _raise_why(serving: asyncio.Task[None], settings: Settings) -> None:
    """Raise `OSError` saying why Granian ended by itself, such as a port that is taken, without its own stack."""
    try:
        serving.result()
    except RuntimeError as error:
        raise OSError(f"{settings.host}:{settings.port}: {str(error).partition(chr(10))[0]}") from None


async def _drain(app: Litestar, server: Server, serving: asyncio.Task[None]) -> None:
    """Send sockets away, let requests end, and stop, all within `DRAIN` seconds."""
    try:
        async with asyncio.timeout(DRAIN):
            await app.state.sockets.drain()
            server.stop()
            await serving
    except TimeoutError:
        log.warning("api.cut_off", seconds=DRAIN)
