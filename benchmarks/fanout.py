"""From one event to every socket of a feed: frames a second out of one process, beside a bare send loop and Socket.IO.

A burst of events lies in the log and is published at once through Valkey by another process; the API process tells
each event to every socket in a frame of its own. The bare loop, on the same server, sends the same bytes as often;
Socket.IO's servers emit as much to a room. All sockets are in one process that walks over the frames; a burst lasts
from the first frame that arrives to the last. Ours and the bare loop take turns, so that a disturbance meets both.
"""

import tempfile
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.crowd import Seat
from benchmarks.gateway import Crowd, Gateway, Peer, Teller, gateway, peer_server, peers, seats_at, tell_through

SOCKETS = {100: 500, 1_000: 50, 5_000: 10}
"""How many events a burst has, for each number of sockets."""
ROUNDS = 5
Rates = list[tuple[float, float]]
"""Of each round: frames a second, and how much of a processor the sockets' process took."""


def run() -> dict[str, float]:
    """Measure, print a table, and answer `fanout.frames_per_s_1000`, `fanout.ratio_bare_loop_1000` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    print(f"frames a second, medians of {ROUNDS} bursts\n")
    print(f"{'sockets':>8}  {'':24}{'frames/s':>10}{'of the bare loop':>18}{'load client, of a CPU':>24}")
    async with gateway(folder, places=1) as ours:
        await ours.append(ours.places[0], 10)
        event = await ours.event(ours.places[0])
        for sockets, events in SOCKETS.items():
            mine, bare = await _beside(ours, event, sockets, events)
            ratio = median(rate / peer for (rate, _), (peer, _) in zip(mine, bare, strict=True))
            _print(sockets, "plumbline", mine, f"{ratio:.2f}")
            _print(sockets, "bare loop", bare, "")
            figures |= {
                f"fanout.frames_per_s_{sockets}": _rate(mine),
                f"fanout.bare_loop_frames_per_s_{sockets}": _rate(bare),
                f"fanout.ratio_bare_loop_{sockets}": ratio,
            }
        for peer in peers():
            rates = await _peer(folder, peer, event)
            _print(1_000, peer, rates, f"{_rate(rates) / figures['fanout.bare_loop_frames_per_s_1000']:.2f}")
            key = "socketio_node" if "Node" in peer else "python_socketio"
            figures[f"fanout.{key}_frames_per_s_1000"] = _rate(rates)
    return figures


async def _beside(ours: Gateway, event: bytes, sockets: int, events: int) -> tuple[Rates, Rates]:
    rates: Rates = []
    bare: Rates = []
    async with (
        peer_server("bare") as port,
        tell_through("bare", port, event) as told,
        Crowd(ours.folder, ours.seats(sockets)) as mine,
        Crowd(ours.folder, seats_at("bare", port, sockets, 1)) as theirs,
    ):
        for _ in range(ROUNDS):
            await mine.ask("forget")
            await ours.append(ours.places[0], events)
            rates.append(await _heard(mine, sockets * events))
            bare.append(await _told(theirs, told, sockets, events))
    return rates, bare


async def _peer(folder: Path, peer: Peer, event: bytes) -> Rates:
    async with peer_server(peer) as port, tell_through(peer, port, event) as told:
        seats: list[Seat] = seats_at(peer, port, 1_000, 1)
        async with Crowd(folder, seats) as crowd:
            return [await _told(crowd, told, 1_000, SOCKETS[1_000]) for _ in range(3)]


async def _told(crowd: Crowd, told: Teller, sockets: int, events: int) -> tuple[float, float]:
    await crowd.ask("forget")
    await told.tell("feed0", events)
    return await _heard(crowd, sockets * events)


async def _heard(crowd: Crowd, frames: int) -> tuple[float, float]:
    heard = await crowd.ask("wait", frames)
    assert heard.events == frames, f"{heard.events:,} frames arrived of {frames:,}"
    assert not heard.errors, "connections were lost"
    return frames / heard.seconds, heard.cpu / heard.seconds


def _rate(rates: Rates) -> float:
    return median(rate for rate, _ in rates)


def _print(sockets: int, name: str, rates: Rates, ratio: str) -> None:
    print(f"{sockets:8,}  {name:24}{_rate(rates):10,.0f}{ratio:>18}{median(cpu for _, cpu in rates):24.2f}", flush=True)


if __name__ == "__main__":
    print(run())
