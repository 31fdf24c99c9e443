"""How late the event loop comes to what is due: everything that a process does waits as long."""

import asyncio
from time import monotonic
from typing import NoReturn

from prometheus_client import Histogram

from runtime.telemetry import REGISTRY

STEP_SECONDS = 0.1
DELAY = Histogram(
    "event_loop_delay_seconds",
    "Seconds that the event loop was late when it was asked to wake, ten times a second",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)


async def observe_delay() -> NoReturn:
    """Observe until cancelled."""
    while True:
        due = monotonic() + STEP_SECONDS
        await asyncio.sleep(STEP_SECONDS)
        DELAY.observe(max(0.0, monotonic() - due))
