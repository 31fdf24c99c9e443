"""From one event to every socket of a feed: what one process tells, beside a bare send loop and Socket.IO.

Events are stored and then published through Valkey by another process. First one event at a time: each socket gets a
frame for it, and frames are counted from the first that arrives to the last. Then a burst of events at once: what
arrives together travels together here, so events are counted, in however many frames.
The bare loop, on the same server, sends the same bytes as often, a frame for each event; Socket.IO's servers emit as
much to a room. All sockets are in one process that walks over the frames. Ours and the bare loop take turns, so that a
disturbance meets both.
"""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import uvloop
from msgspec import Struct

from benchmarks.crowd import Seat
from benchmarks.gateway import Crowd, Gateway, Peer, Teller, gateway, peer_server, peers, seats_at, tell_through

SOCKETS = {100: (20, 200), 1_000: (10, 20), 5_000: (5, 5)}
"""For each number of sockets: how often an event is told alone, and how many a burst has."""
BURSTS = 3
Send = Callable[[int], Awaitable[None]]


class Rates(Struct):
    """What was told in a second, each time: alone, and in bursts with how much of a processor the sockets took."""

    alone: list[float]
    bursts: list[float]
    load: list[float]


def run() -> dict[str, float]:
    """Measure, print a table, and answer `fanout.frames_per_s_1000`, `fanout.ratio_bare_loop_1000` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    print("one event at a time, then bursts; medians, and in brackets how often the bare loop\n")
    print(f"{'sockets':>8}  {'':20}{'frames/s':>20}{'events/s in bursts':>24}{'load client, of a CPU':>24}")
    async with gateway(folder, places=1) as ours:
        await ours.append(ours.places[0], 1)
        event = await ours.event(ours.places[0])
        for sockets in SOCKETS:
            mine, bare = await _beside(ours, event, sockets)
            _print(sockets, "plumbline", mine, bare)
            _print(sockets, "bare loop", bare, None)
            figures |= {
                f"fanout.frames_per_s_{sockets}": median(mine.alone),
                f"fanout.bare_loop_frames_per_s_{sockets}": median(bare.alone),
                f"fanout.ratio_bare_loop_{sockets}": _ratio(mine.alone, bare.alone),
                f"fanout.burst_events_per_s_{sockets}": median(mine.bursts),
                f"fanout.burst_ratio_bare_loop_{sockets}": _ratio(mine.bursts, bare.bursts),
            }
            if sockets == 1_000:
                for peer in peers():
                    rates = await _peer(folder, peer, event, sockets)
                    _print(sockets, peer, rates, bare)
                    key = "socketio_node" if "Node" in peer else "python_socketio"
                    figures[f"fanout.{key}_frames_per_s_{sockets}"] = median(rates.alone)
    return figures


async def _beside(ours: Gateway, event: bytes, sockets: int) -> tuple[Rates, Rates]:
    async with (
        peer_server("bare") as port,
        tell_through("bare", port, event) as told,
        Crowd(ours.folder, ours.seats(sockets)) as mine,
        Crowd(ours.folder, seats_at("bare", port, sockets, 1)) as theirs,
    ):

        async def append(events: int) -> None:
            await ours.append(ours.places[0], events)

        one, other = Rates([], [], []), Rates([], [], [])
        alone, burst = SOCKETS[sockets]
        for events in [1] * alone + [burst] * BURSTS:
            await _round(mine, append, events, sockets, one)
            await _round(theirs, _telling(told), events, sockets, other)
        return one, other


async def _peer(folder: Path, peer: Peer, event: bytes, sockets: int) -> Rates:
    async with peer_server(peer) as port, tell_through(peer, port, event) as told:
        seats: list[Seat] = seats_at(peer, port, sockets, 1)
        rates = Rates([], [], [])
        alone, burst = SOCKETS[sockets]
        async with Crowd(folder, seats) as crowd:
            for events in [1] * alone + [burst] * 2:
                await _round(crowd, _telling(told), events, sockets, rates)
        return rates


async def _round(crowd: Crowd, send: Send, events: int, sockets: int, rates: Rates) -> None:
    await crowd.ask("forget")
    await send(events)
    heard = await crowd.ask("wait", sockets * events)
    assert heard.events == sockets * events, f"{heard.events:,} events arrived of {sockets * events:,}"
    assert not heard.errors, "connections were lost"
    rate = heard.events / heard.seconds
    if events == 1:
        rates.alone.append(rate)
    else:
        rates.bursts.append(rate)
        rates.load.append(heard.cpu / heard.seconds)


def _telling(told: Teller) -> Send:
    async def send(events: int) -> None:
        await told.tell("feed0", events)

    return send


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def _print(sockets: int, name: str, rates: Rates, bare: Rates | None) -> None:
    alone, bursts = f"{median(rates.alone):,.0f}", f"{median(rates.bursts):,.0f}"
    if bare is not None:
        alone += f" ({median(rates.alone) / median(bare.alone):.2f})"
        bursts += f" ({median(rates.bursts) / median(bare.bursts):.2f})"
    print(f"{sockets:8,}  {name:20}{alone:>20}{bursts:>24}{median(rates.load):24.2f}", flush=True)


if __name__ == "__main__":
    print(run())
