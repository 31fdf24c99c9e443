"""A client that was away for 100,000 events: how fast it gets them all from the log.

The gap is larger than a server replays by default (`REPLAY_LIMIT`), so the limit is raised. The client is in a process
of its own and only counts; each round is a fresh socket, the first of which finds nothing in the server's cache, and
neither do the others: the cache is smaller than the backlog.

Socket.IO's Node server gives back what it kept in memory of a connection that broke; python-socketio's application does
that itself. Neither has a log, and no peer gives back anything after a restart.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import psutil
import uvloop

from benchmarks.crowd import Told
from benchmarks.gateway import Crowd, Gateway, Peer, gateway, peer_server, peers, seats_at, tell_through

EVENTS = 100_000
AT_ONCE = 1_000
ROUNDS = 3
PEERS_EVENTS = 20_000
"""Fewer: all of them would take a peer a minute."""


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
        event = await ours.event(place)
        print(f"{EVENTS:,} events of {len(event)} bytes to one client, medians of {ROUNDS} rounds\n")
        print(f"{'':24}{'events/s':>10}{'API process, of a CPU':>24}{'load client':>14}")
        rounds = [await _replayed(ours, before) for _ in range(ROUNDS)]
        server = median(cpu / told.seconds for told, cpu in rounds)
        rate = _print("plumbline", [told for told, _ in rounds], f"{server:.2f}")
    figures = {"replay.events_per_s": rate}
    for peer in peers():
        key = "socketio_node" if "Node" in peer else "python_socketio"
        figures[f"replay.{key}_events_per_s"] = _print(peer, [await _recovered(folder, peer, event)], "")
    return figures


async def _replayed(ours: Gateway, after: int) -> tuple[Told, float]:
    server = _cpu(ours.process)
    async with Crowd(ours.folder, ours.seats(1, after=after)) as crowd:
        told = await crowd.ask("wait", EVENTS)
        assert told.events == EVENTS, f"{told.events:,} events arrived"
        return told, _cpu(ours.process) - server


async def _recovered(folder: Path, peer: Peer, event: bytes) -> Told:
    async with (
        peer_server(peer) as port,
        tell_through(peer, port, event) as teller,
        Crowd(folder, seats_at(peer, port, 1, 1)) as crowd,
    ):
        await teller.tell("feed0")
        await crowd.ask("wait", 1)
        await crowd.ask("cut")
        await teller.tell("feed0", PEERS_EVENTS)
        await teller.done()
        told = await crowd.ask("back", 1 + PEERS_EVENTS)
        assert told.events == PEERS_EVENTS, f"{told.events:,} events arrived"
        return told


def _print(name: str, rounds: list[Told], server: str) -> float:
    rate = median(told.events / told.seconds for told in rounds)
    client = median(told.cpu / told.seconds for told in rounds)
    print(f"{name:24}{rate:10,.0f}{server:>24}{client:14.2f}", flush=True)
    return rate


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    began = time.perf_counter()
    print(run(), time.perf_counter() - began)
