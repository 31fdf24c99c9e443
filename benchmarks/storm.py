"""2,000 clients lose their connections at once, miss 20 events each, and come back at once with their sequence.

Counted are the seconds until the last of them has everything, from the first attempt to connect: handshake, sign-in,
subscription and replay. No client waits a random time first, as real ones do: this is the worst that can come.

Socket.IO's Node server has its connection-state recovery, which keeps sessions and packets in its memory for two
minutes. python-socketio has none: its application keeps events and sends again what is behind the client's sequence.
"""

import tempfile
from pathlib import Path

import uvloop

from benchmarks.crowd import Told
from benchmarks.gateway import Crowd, Gateway, Peer, gateway, peer_server, peers, seats_at, tell_through

SOCKETS = 2_000
FEEDS = 20
MISSED = 20


def run() -> dict[str, float]:
    """Measure, print a table, and answer `storm.seconds_2000` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    print(f"{SOCKETS:,} clients on {FEEDS} feeds come back, each {MISSED} events behind\n")
    print(f"{'':24}{'seconds':>10}{'reads of the log':>18}{'errors':>8}{'load client, of a CPU':>24}")
    async with gateway(folder, places=FEEDS) as ours:
        mine, reads, event = await _ours(ours)
        _print("plumbline", mine, f"{reads:,}")
    figures = {"storm.seconds_2000": mine.seconds, "storm.log_reads_2000": float(reads)}
    for peer in peers():
        theirs = await _peers(folder, peer, event)
        _print(peer, theirs, "")
        key = "socketio_node" if "Node" in peer else "python_socketio"
        figures[f"storm.{key}_seconds_2000"] = theirs.seconds
    return figures


async def _ours(ours: Gateway) -> tuple[Told, int, bytes]:
    async with Crowd(ours.folder, ours.seats(SOCKETS)) as crowd:
        for place in ours.places:
            await ours.append(place, 1)
        await crowd.ask("wait", SOCKETS)
        await crowd.ask("cut")
        for place in ours.places:
            await ours.append(place, MISSED)
        (sequence,) = {place.sequence for place in ours.places}
        before = await ours.reads()
        told = await crowd.ask("back", sequence)
        reads = await ours.reads() - before
        assert told.events == SOCKETS * MISSED, f"{told.events:,} events arrived"
        return told, reads, await ours.event(ours.places[0])


async def _peers(folder: Path, peer: Peer, event: bytes) -> Told:
    async with (
        peer_server(peer) as port,
        tell_through(peer, port, event) as told,
        Crowd(folder, seats_at(peer, port, SOCKETS, FEEDS)) as crowd,
    ):
        feeds = [f"feed{number}" for number in range(FEEDS)]
        for feed in feeds:
            await told.tell(feed)
        await crowd.ask("wait", SOCKETS)
        await crowd.ask("cut")
        for feed in feeds:
            await told.tell(feed, MISSED)
            await told.done()
        back = await crowd.ask("back", 1 + MISSED)
        assert back.events == SOCKETS * MISSED, f"{back.events:,} events arrived"
        return back


def _print(name: str, told: Told, reads: str) -> None:
    print(f"{name:24}{told.seconds:10.2f}{reads:>18}{told.errors:8}{told.cpu / told.seconds:24.2f}", flush=True)


if __name__ == "__main__":
    print(run())
