"""From the commit to 1,000 sockets: 100 commands a second, each of which reaches those who follow its project.

The sockets follow 20 projects, 50 each: 5,000 frames a second in all, which leaves two processors room for the load.
Commands come in over ten more sockets of the same API process at a steady pace; each is one event. Latency is counted
from the log's own time of the event, taken when its transaction begins: it includes the commit, with fsync on.

Socket.IO's servers get the same events over a socket and emit them to a room; they store nothing, need no broker, and
are counted from when the event is handed to them.
"""

import tempfile
from pathlib import Path

import uvloop

from benchmarks.crowd import Told
from benchmarks.gateway import Crowd, Gateway, Peer, gateway, peer_server, peers, seats_at, tell_through
from benchmarks.pace import Send, renamer, steadily

SOCKETS = 1_000
FEEDS = 20
PER_SECOND = 100
WARM_UP = 2.0
SECONDS = 8.0


def run() -> dict[str, float]:
    """Measure, print a table, and answer `latency.p99_ms_1000` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    print(f"{SOCKETS:,} sockets on {FEEDS} feeds, {PER_SECOND} events a second for {SECONDS:.0f} s; milliseconds\n")
    print(f"{'':24}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}{'frames/s':>10}{'load client, of a CPU':>24}")
    async with gateway(folder, places=FEEDS) as ours:
        mine = await _ours(ours)
        _print("plumbline", mine)
        await ours.append(ours.places[0], 1)
        event = await ours.event(ours.places[0])
    figures = {"latency.p50_ms_1000": mine.p50, "latency.p99_ms_1000": mine.p99}
    for peer in peers():
        theirs = await _peers(folder, peer, event)
        _print(peer, theirs)
        key = "socketio_node" if "Node" in peer else "python_socketio"
        figures[f"latency.{key}_p99_ms_1000"] = theirs.p99
    return figures


async def _ours(ours: Gateway) -> Told:
    async with Crowd(ours.folder, ours.seats(SOCKETS)) as crowd, renamer(ours) as send:
        return await _steadily(crowd, send)


async def _peers(folder: Path, peer: Peer, event: bytes) -> Told:
    async with (
        peer_server(peer) as port,
        tell_through(peer, port, event) as told,
        Crowd(folder, seats_at(peer, port, SOCKETS, FEEDS)) as crowd,
    ):

        async def send(number: int) -> None:
            await told.tell(f"feed{number % FEEDS}")

        return await _steadily(crowd, send)


async def _steadily(crowd: Crowd, send: Send) -> Told:
    warm, count = round(WARM_UP * PER_SECOND), round(SECONDS * PER_SECOND)
    for numbers in (range(warm), range(warm, warm + count)):
        heard = await steadily(crowd, send, iter(numbers), each=SOCKETS // FEEDS, per_second=PER_SECOND)
    return heard


def _print(name: str, told: Told) -> None:
    milliseconds = f"{told.p50:8.1f}{told.p95:8.1f}{told.p99:8.1f}{told.most:8.1f}"
    print(f"{name:24}{milliseconds}{told.events / told.seconds:10,.0f}{told.cpu / told.seconds:24.2f}", flush=True)


if __name__ == "__main__":
    print(run())
