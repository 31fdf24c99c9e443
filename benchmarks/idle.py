"""What a socket costs that is signed in, follows a feed, and says nothing: memory of the API process, per socket.

Counted is the memory that only this process has, after the first sockets, so that what is made once does not count.
The kernel's own buffers are not in it, as in nobody's figures.
"""

import asyncio
import tempfile
from pathlib import Path

import uvloop

from benchmarks.gateway import Crowd, Gateway, gateway

FIRST = 200
SOCKETS = 2_000


def run() -> dict[str, float]:
    """Measure, print, and answer `socket.idle_kb`."""
    with tempfile.TemporaryDirectory() as folder:
        each = uvloop.run(_measure(Path(folder)))
    print(f"{each:.1f} KiB for each of {SOCKETS:,} sockets")
    return {"socket.idle_kb": each}


async def _measure(folder: Path) -> float:
    async with gateway(folder, places=20) as ours, Crowd(folder, ours.seats(FIRST)):
        before = await _memory(ours)
        async with Crowd(folder, ours.seats(SOCKETS)):
            return (await _memory(ours) - before) / SOCKETS


async def _memory(ours: Gateway) -> float:
    """Give KiB, once the process is at rest."""
    await asyncio.sleep(2)
    return ours.process.memory_full_info().uss / 1024


if __name__ == "__main__":
    print(run())
