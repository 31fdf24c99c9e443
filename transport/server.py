"""The API process: one event loop with uvicorn in it, drained gently when it is asked to stop."""

import asyncio
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, cast

import uvicorn
import uvloop
from litestar import Litestar

from runtime import lifeline, telemetry
from runtime.garbage import collect_less
from runtime.loop_delay import observe_delay
from runtime.settings import Settings
from runtime.telemetry import get_logger
from transport.app import LIMITS, create_app
from transport.gateway.socket_formats import MESSAGE_BYTES
from transport.gateway.socket_wire import Door, Wire
from transport.http_protocol import HttpProtocol
from transport.limits import Limits

DRAIN = 10.0
"""Seconds that sockets and requests under way get to finish after SIGTERM."""
BACKLOG = 1024
LINGER = 1.0
"""Seconds for which connections between two requests are kept, for the next one may be on its way."""
LAST = (b"connection", b"close")
KEEP_ALIVE_SECONDS = 75
"""How long a connection without a request stays: longer than proxies keep theirs, so that it is they who close."""

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
    observing = asyncio.create_task(observe_delay(), name="loop delay")
    app = create_app(settings, limits=limits)
    async with app.lifespan():
        with listening(settings.host, settings.port) as listener:
            collect_less()
            server = Server(app, app.state.socket_door)
            serving = asyncio.create_task(server.serve([listener]))
            log.info("api.listening", host=settings.host, port=settings.port)
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                log.info("api.draining", signal=stopping.result().name)
                await _drain(app, server, serving)
            else:
                serving.result()
    observing.cancel()


class Server(uvicorn.Server):
    """Serves an application whose lifespan and signals are its caller's. Set `should_exit` to end it gently."""

    def __init__(self, app: Any, door: Door | None = None) -> None:
        """Serve `app`, and sockets at `door`; without one, sockets reach `app` as ASGI has it."""
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            ws="websockets-sansio" if door is None else cast("type[Wire]", partial(Wire, door)),
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield

    def refuse_new(self) -> None:
        """Accept no more connections; those that there are end with their next answer, which says so."""
        for server in self.servers:
            server.close()
        self.config.encoded_headers.append(LAST)
        self.server_state.default_headers = [*self.server_state.default_headers, LAST]

    async def linger(self) -> None:
        """Wait for the last request of each connection, `LINGER` seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn says nothing when they end
                    await asyncio.sleep(0.05)


def listening(host: str, port: int) -> socket.socket:
    """Bind a port. Raises `OSError` for one that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _only(errors: ExceptionGroup[Exception]) -> Exception:
    inner = errors.exceptions[0]
    if len(errors.exceptions) > 1:
        return errors
    return _only(cast("ExceptionGroup[Exception]", inner)) if isinstance(inner, ExceptionGroup) else inner


async def _drain(app: Litestar, server: Server, serving: asyncio.Task[None]) -> None:
    """Send sockets away, let requests end, and stop, all within `DRAIN` seconds."""
    try:
        async with asyncio.timeout(DRAIN):
            server.refuse_new()
            linger = asyncio.create_task(server.linger())
            await app.state.socket_door.sockets.drain()
            await linger
            server.should_exit = True
            await serving
    except TimeoutError:
        log.warning("api.cut_off", seconds=DRAIN)
