"""What a flood costs others: from the commit to quiet sockets, with and without clients that mean no good beside them.

200 sockets follow ten projects while 100 commands a second come in over ten more, as in `benchmarks.latency`. Each
flood is met several times, right after a quiet stretch of the same length; the figures are medians. The flooders are in
a process of their own, which gives way to all others and comes back at once, whatever it was told. How late the event
loop of the API process was on average, its share of a processor and the most memory that it took are its own figures:
on a busy machine they tell more of the server than the latencies do.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice
from pathlib import Path
from statistics import median
from time import monotonic
from urllib.request import urlopen

import msgspec
import psutil
import uvloop
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.crowd import HOST, Told
from benchmarks.flooders import Done, Flood, Kind
from benchmarks.gateway import Crowd, Gateway, gateway
from benchmarks.pace import Send, renamer, steadily

SOCKETS = 200
FEEDS = 10
PER_SECOND = 100
SECONDS = 3.0
ROUNDS = 5
BACKLOG = 10_000
"""Events that those who never read ask for: more than the kernel keeps for them."""
HEARTBEAT = {"HEARTBEAT_INTERVAL": "2", "HEARTBEAT_TIMEOUT": "1"}
FLOODS: dict[Kind, tuple[int, int]] = {
    "messages": (1, 1_000),
    "too_big": (5, 100),
    "not_utf8": (5, 1_000),
    "wrong_types": (5, 1_000),
    "subscriptions": (15, 45),
    "never_reading": (50, 40),
    "no_pongs": (100, 1),
}
"""Sockets, and frames a second on each. Subscriptions and pings of those who never read are as many as are allowed."""
MEBI = 1024 * 1024


class Stretch(Struct, frozen=True, kw_only=True):
    """What a stretch of time was like: what the quiet sockets heard, and three figures of the API process.

    Its loop's delay in ms, its share of a processor, and the most memory that it took, in MiB.
    """

    told: Told
    delay: float
    cpu: float
    memory: float


def run() -> dict[str, float]:
    """Measure, print a table, and answer `floods.latency_ratio_worst`, `floods.memory_mib` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    print(f"{SOCKETS} quiet sockets on {FEEDS} feeds, {PER_SECOND} events a second; ms, medians of {ROUNDS} rounds\n")
    print(f"{'':16}{'quiet':^28}{'under flood':^28}{'ratio':^14}{'memory, MiB':^18}")
    columns = f"{'p50':>8}{'p99':>8}{'loop':>6}{'CPU':>6}"
    print(f"{'flood':16}{columns}{columns}{'p50':>8}{'p99':>6}{'before':>10}{'most':>8}  flooders")
    figures: dict[str, float] = {}
    async with gateway(folder, places=FEEDS + 1, **HEARTBEAT) as ours:
        backlog = ours.places.pop()
        await ours.append(backlog, BACKLOG, publish=False)
        async with Crowd(folder, ours.seats(SOCKETS)) as crowd, renamer(ours) as send:
            numbers = count()
            await _stretch(ours, crowd, send, numbers)
            for kind, (sockets, per_second) in FLOODS.items():
                feeds = [backlog.feed] if kind == "never_reading" else [place.feed for place in ours.places]
                flood = Flood(kind, ours.port, ours.tokens, feeds, sockets, per_second)
                quiet: list[Stretch] = []
                flooded: list[Stretch] = []
                done: list[Done] = []
                for _ in range(ROUNDS):
                    quiet.append(await _stretch(ours, crowd, send, numbers))
                    async with _flooding(folder, flood, done):
                        flooded.append(await _stretch(ours, crowd, send, numbers))
                ratio = _print(kind, quiet, flooded, done)
                figures |= {
                    f"floods.{kind}_latency_ratio": ratio,
                    f"floods.{kind}_memory_mib": max(each.memory for each in flooded),
                }
    return figures | {
        "floods.latency_ratio_worst": max(figures[f"floods.{kind}_latency_ratio"] for kind in FLOODS),
        "floods.memory_mib": max(figures[f"floods.{kind}_memory_mib"] for kind in FLOODS),
    }


async def _stretch(ours: Gateway, crowd: Crowd, send: Send, numbers: Iterator[int]) -> Stretch:
    seen = [0]
    watching = asyncio.create_task(_watch_memory(ours.process, seen))
    sum_before, count_before = await _delay(ours.port)
    cpu_before, began = ours.process.cpu_times(), monotonic()
    some = islice(numbers, round(SECONDS * PER_SECOND))
    told = await steadily(crowd, send, some, each=SOCKETS // FEEDS, per_second=PER_SECOND)
    cpu_after, seconds = ours.process.cpu_times(), monotonic() - began
    sum_after, count_after = await _delay(ours.port)
    watching.cancel()
    delay = (sum_after - sum_before) / (count_after - count_before)
    cpu = (cpu_after.user + cpu_after.system - cpu_before.user - cpu_before.system) / seconds
    return Stretch(told=told, delay=delay * 1000, cpu=cpu, memory=max(seen) / MEBI)


async def _watch_memory(process: psutil.Process, seen: list[int]) -> None:
    while True:
        seen.append(process.memory_info().rss)
        await asyncio.sleep(0.1)


async def _delay(port: int) -> tuple[float, float]:
    """Give how late the API process's loop was so far in all, in seconds, and how often that was looked at."""
    text = await asyncio.to_thread(lambda: urlopen(f"http://{HOST}:{port}/metrics").read().decode())
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {each.name: each.value for each in families["event_loop_delay_seconds"].samples}
    return samples["event_loop_delay_seconds_sum"], samples["event_loop_delay_seconds_count"]


@asynccontextmanager
async def _flooding(folder: Path, flood: Flood, done: list[Done]) -> AsyncGenerator[None]:
    """Let another process flood during the block, and add what it did."""
    path = folder / "flood.json"
    path.write_bytes(msgspec.json.encode(flood))
    command = (sys.executable, "-m", "benchmarks.flooders", str(path))
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.stdin.write(b"go\n")
    yield
    told, _ = await process.communicate(b"stop\n")
    done.append(msgspec.json.decode(told, type=Done))


def _print(kind: Kind, quiet: list[Stretch], flooded: list[Stretch], done: list[Done]) -> float:
    """Print a line; answer by how much the 99th percentile rose."""
    ratios = [
        median(getattr(flood.told, part) / getattr(calm.told, part) for calm, flood in zip(quiet, flooded, strict=True))
        for part in ("p50", "p99")
    ]
    codes = sum((Counter(each.codes) for each in done), Counter[str]())
    opened, sent = sum(each.opened for each in done), sum(each.sent for each in done)
    cpu = sum(each.cpu for each in done) / (ROUNDS * SECONDS)
    closed = ", ".join(f"{code} {number:,}x" for code, number in sorted(codes.items()))
    line = f"{kind:16}"
    for stretches in (quiet, flooded):
        line += f"{median(each.told.p50 for each in stretches):8.1f}{median(each.told.p99 for each in stretches):8.1f}"
        line += f"{median(each.delay for each in stretches):6.1f}{median(each.cpu for each in stretches):6.2f}"
    line += f"{ratios[0]:8.2f}{ratios[1]:6.2f}"
    line += f"{quiet[0].memory:10.0f}{max(each.memory for each in flooded):8.0f}"
    print(f"{line}  {sent:,} frames on {opened:,} connections, {cpu:.2f} of a CPU; {closed}", flush=True)
    return ratios[1]


if __name__ == "__main__":
    print(run())
