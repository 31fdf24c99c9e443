"""`/health/live`, `/health/ready` and `/metrics`: whether this process works, really tried, with what it found."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Literal

import psycopg
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct
from prometheus_client import Gauge
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from projections.checkpoints import checkpoints
from projections.models import ALL
from runtime.broker import BrokerUnavailable
from runtime.telemetry import REGISTRY, exposition
from transport.rest.decoding import encoded
from transport.rest.doors import Doors

PATIENCE = 2.0
"""Seconds that each check may take."""
KEPT = 1.0
"""Seconds that an answer is given again, so that a crowd of probes costs what one costs."""
MOST_LAG = 10_000
"""Events that a read model may be behind before it counts as degraded."""
MOST_OVERDUE = 60.0
"""Seconds that a job may be due without a worker before jobs count as degraded."""

# Takes the lock that `append_events` takes (runtime/schema/0001_log.up.sql), then writes a record of nothing into the
# write-ahead log, which the commit brings to disk: on a standby, on a full disk and behind a stuck writer it fails.
APPENDABLE = (
    b"SELECT pg_advisory_xact_lock(7106407), pg_logical_emit_message(true, 'plumbline.ready', ''), position"
    b" FROM log_head"
)
HEAD = b"SELECT position FROM log_head"
JOBS = (
    b"SELECT count(*), count(*) FILTER (WHERE worker IS NOT NULL),"
    b" coalesce(extract(epoch FROM max(now() - due_at) FILTER (WHERE worker IS NULL AND due_at <= now())), 0)::float8,"
    b" (SELECT ended_at FROM read.jobs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1)"
    b" FROM job_leases"
)

State = Literal["ok", "degraded", "failing"]
GRAVITY: dict[State, int] = {"ok": 0, "degraded": 1, "failing": 2}
FOUND = Gauge(
    "health_check_state",
    "What a check of /health/ready found: 0 ok, 1 degraded, 2 failing",
    ("check",),
    registry=REGISTRY,
)


class Check(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one check found. `degraded`: others work on, but somebody should look."""

    status: State
    seconds: float = 0.0
    error: str | None = None
    details: dict[str, Any] = {}


class Readiness(Struct, frozen=True, kw_only=True):
    """All checks together; the worst counts. `failing` is answered with 503, `degraded` is not: writes go on."""

    status: State
    checked_at: datetime
    checks: dict[str, Check]


class Health:
    """Checks the parts of one process."""

    def __init__(self, doors: Doors) -> None:
        """Check what `doors` wires together."""
        self._doors = doors
        self._last: tuple[float, Readiness] | None = None
        self._lock = asyncio.Lock()

    async def readiness(self) -> Readiness:
        """Check everything, or give what was found in the last second."""
        async with self._lock:
            if self._last is None or monotonic() - self._last[0] > KEPT:
                self._last = (monotonic(), await self._checked())
            return self._last[1]

    async def _checked(self) -> Readiness:
        checks = {
            "log": self._log,
            "read_models": self._read_models,
            "jobs": self._jobs,
            "broker": self._broker,
            "valkey": self._valkey,
        }
        found = await asyncio.gather(*(_tried(check) for check in checks.values()))
        states: list[State] = [check.status for check in found]
        worst = max(states, key=lambda state: GRAVITY[state])
        for name, check in zip(checks, found, strict=True):
            FOUND.labels(name).set(GRAVITY[check.status])
        return Readiness(status=worst, checked_at=datetime.now(UTC), checks=dict(zip(checks, found, strict=True)))

    async def _log(self) -> Check:
        async with self._doors.pool.connection() as connection:
            ((_, _, position),) = await (await connection.execute(APPENDABLE)).fetchall()
        return Check(status="ok", details={"position": position})

    async def _read_models(self) -> Check:
        async with self._doors.pool.connection() as connection:
            ((head,),) = await (await connection.execute(HEAD)).fetchall()
            kept = await checkpoints(connection, [projection.name for projection in ALL])
        lags = {name: max(0, head - checkpoint.position) for name, checkpoint in kept.items()}
        poisoned = [name for name, checkpoint in kept.items() if checkpoint.status == "poisoned"]
        fine = len(kept) == len(ALL) and not poisoned and max(lags.values(), default=0) <= MOST_LAG
        return Check(status="ok" if fine else "degraded", details={"lag_events": lags, "poisoned": poisoned})

    async def _jobs(self) -> Check:
        async with self._doors.pool.connection() as connection:
            ((waiting, running, overdue, last),) = await (await connection.execute(JOBS)).fetchall()
        return Check(
            status="ok" if overdue <= MOST_OVERDUE else "degraded",
            details={
                "depth": waiting,
                "running": running,
                "overdue_seconds": round(overdue, 1),
                "last_ended_at": last,
            },
        )

    async def _broker(self) -> Check:
        return Check(status="ok", details={"round_trip": round(await self._doors.broker.round_trip(PATIENCE), 6)})

    async def _valkey(self) -> Check:
        valkey: Any = self._doors.valkey  # its calls are only half typed
        await valkey.ping()
        return Check(status="ok")


async def _tried(check: Callable[[], Awaitable[Check]]) -> Check:
    began = monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await check()
    except TimeoutError:
        return Check(status="failing", error=f"no answer within {PATIENCE} s")
    except (psycopg.Error, PoolTimeout, RedisError, BrokerUnavailable) as error:
        return Check(status="failing", error=type(error).__name__)
    return Check(status=found.status, seconds=round(monotonic() - began, 6), details=found.details)


def health_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Make the routes. They need no credentials: keep them off the public internet where that matters."""
    health = Health(doors)

    @get("/health/live")
    async def live(request: Request[Any, Any, Any]) -> Response[bytes]:  # noqa: ARG001 - Litestar's signature
        return Response(b'{"status":"ok"}', media_type="application/json")

    @get("/health/ready")
    async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:  # noqa: ARG001 - as above
        readiness = await health.readiness()
        status = HTTPStatus.SERVICE_UNAVAILABLE if readiness.status == "failing" else HTTPStatus.OK
        return Response(encoded(readiness), media_type="application/json", status_code=status)

    @get("/metrics")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:  # noqa: ARG001 - as above
        await health.readiness()
        body, content_type = exposition()
        return Response(body, headers={"content-type": content_type})

    return [live, ready, metrics]
