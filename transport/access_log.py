"""A line for every request, in the form that all our lines have.

Written by hand and in batches: a line through the logging pipeline costs more than the rest of the door together.
"""

import asyncio
import sys
from datetime import UTC, datetime
from time import time
from typing import Self

import msgspec
from msgspec import Struct, structs

from runtime.telemetry import Lines, human_line
from transport.visit import Visit

PERIOD = 0.2
"""Seconds that a line waits for others at most."""
QUIET = ("/health/", "/metrics")
"""Probes are worth a line only when they fail."""
ERROR = 400

_ENCODER = msgspec.json.Encoder()


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a request when it is over. `ms` counts from its first byte in Python to its last one out."""

    event: str = "request"
    method: str
    path: str
    status: int
    ms: float
    client: str
    account: str
    request_id: str
    level: str = "info"
    timestamp: datetime
    process: str = "api"


class AccessLog:
    """Collects lines. Use as an async context manager: leaving it writes what is still there."""

    def __init__(self, *, enabled: bool) -> None:
        """Write to standard error, or nowhere."""
        self._enabled = enabled
        self._over: list[tuple[Visit, float, float]] = []
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write_on(), name="access log")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        self._write()

    def note(self, visit: Visit, seconds: float) -> None:
        """Note a request that is over."""
        if not self._enabled or (visit.status < ERROR and visit.path.startswith(QUIET)):
            return
        self._over.append((visit, seconds, time()))

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._write()

    def _write(self) -> None:
        over, self._over = self._over, []
        if not over:
            return
        lines = [_line(visit, seconds, ended_at) for visit, seconds, ended_at in over]
        if sys.stderr.isatty():
            text = [human_line(structs.asdict(line) | {"timestamp": str(line.timestamp)}).encode() for line in lines]
        else:
            text = [_ENCODER.encode(line) for line in lines]
        Lines(sys.stderr.buffer).msg(b"\n".join(text))


def _line(visit: Visit, seconds: float, ended_at: float) -> Line:
    return Line(
        method=visit.method,
        path=visit.path,
        status=visit.status,
        ms=round(seconds * 1000, 2),
        client=visit.client,
        account=visit.account,
        request_id=visit.request_id,
        timestamp=datetime.fromtimestamp(ended_at, UTC),
    )
