"""The API process: one event loop with Granian in it, drained gently when it is asked to stop."""

import asyncio
import gc
import socket
from typing import cast

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar
from litestar.types import ASGIApp

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

GARBAGE = 20_000
"""Objects made and not freed between two searches for cycles among the young ones; Python's own number is 700."""

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
        _check_port(settings.host, settings.port)
        _collect_less()
        server = granian(app, settings.host, settings.port)
        serving = asyncio.create_task(server.serve())
        log.info("api.listening", host=settings.host, port=settings.port)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            log.info("api.draining", signal=stopping.result().name)
            await _drain(app, server, serving)
        else:
            serving.result()


def granian(app: ASGIApp, host: str, port: int) -> Server:
    """Set Granian up for an application whose lifespan is the caller's: what it raises reaches the operator."""
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT),
        backlog=BACKLOG,
        backpressure=MOST_CONNECTIONS,
        log_enabled=False,
    )


def _only(errors: ExceptionGroup[Exception]) -> Exception:
    inner = errors.exceptions[0]
    if len(errors.exceptions) > 1:
        return errors
    return _only(cast("ExceptionGroup[Exception]", inner)) if isinstance(inner, ExceptionGroup) else inner


def _collect_less() -> None:
    """Look for garbage less often, and never among what start-up made: a tenth of the time goes into it otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 100)


def _check_port(host: str, port: int) -> None:
    """Raise `OSError` for a port that is taken: Granian would share it with whoever has it, without a word."""
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        pass


async def _drain(app: Litestar, server: Server, serving: asyncio.Task[None]) -> None:
    """Send sockets away, let requests end, and stop, all within `DRAIN` seconds."""
    try:
        async with asyncio.timeout(DRAIN):
            await app.state.sockets.drain()
            server.stop()
            await serving
    except TimeoutError:
        log.warning("api.cut_off", seconds=DRAIN)
