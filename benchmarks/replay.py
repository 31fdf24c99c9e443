"""A client that was away for 100,000 events: how fast it gets them all from the log, and how fast again from memory.

The gap is larger than a server replays by default (`REPLAY_LIMIT`), so the limit is raised. The client is in a process
of its own and only counts; each round is a fresh socket, the first of which finds nothing in the server's cache, and
neither do the others: the cache is smaller than the backlog.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import psutil
import uvloop

from benchmarks.crowd import Told
from benchmarks.gateway import Crowd, Gateway, gateway

EVENTS = 100_000
AT_ONCE = 1_000
ROUNDS = 3


def run() -> dict[str, float]:
    """Measure, print, and answer `replay.events_per_s`."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    async with gateway(folder, places=1, REPLAY_LIMIT="1000000") as ours:
        place = ours.places[0]
        before = place.sequence
        for _ in range(EVENTS // AT_ONCE):
            await ours.append(place, AT_ONCE, publish=False)
        size = len(await ours.event(place))
        rounds = [await _replayed(ours, before) for _ in range(ROUNDS)]
    rate = median(EVENTS / told.seconds for told, _ in rounds)
    print(f"{EVENTS:,} events of {size} bytes to one client, median of {ROUNDS} rounds\n")
    print(f"{'events/s':>10}{'MB/s':>8}{'API process, of a CPU':>24}{'load client':>14}")
    server = median(cpu / told.seconds for told, cpu in rounds)
    client = median(told.cpu / told.seconds for told, _ in rounds)
    print(f"{rate:10,.0f}{rate * size / 1e6:8.1f}{server:24.2f}{client:14.2f}")
    return {"replay.events_per_s": rate}


async def _replayed(ours: Gateway, after: int) -> tuple[Told, float]:
    server = _cpu(ours.process)
    async with Crowd(ours.folder, ours.seats(1, after=after)) as crowd:
        told = await crowd.ask("wait", EVENTS)
        assert told.events == EVENTS, f"{told.events:,} events arrived"
        return told, _cpu(ours.process) - server


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    began = time.perf_counter()
    print(run(), time.perf_counter() - began)
