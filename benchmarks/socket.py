"""From the commit to the socket: 200 open sockets while 100 commands a second come in, beside Litestar's channels.

Commands edit positions over ten more sockets of the same API process, at a steady pace; each is two events. Latency is
counted from the log's own time of the event, taken when its transaction begins: it includes the commit, with fsync on.
How long that takes alone, from that time to the answer, at the same pace and with nobody listening, is the first line.

The peer's sockets follow channels of its Redis pub/sub backend; its messages, as many and of the same size, are
published to Valkey from here. It stores nothing, and counts from the publishing.
"""

import asyncio
import tempfile
from collections import Counter
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from time import time

import uvloop
from redis.asyncio import Redis

from benchmarks.crowd import Told
from benchmarks.gateway import Crowd, Gateway, Place, gateway, peer_server, seats_at
from benchmarks.pace import Send, add_positions, editor, steadily
from runtime.ids import new_id

SOCKETS = 200
FEEDS = 20
EVENTS = 2
PER_SECOND = 100
WARM_UP = 2.0
SECONDS = 8.0


def run() -> dict[str, float]:
    """Measure, print a table, and answer `socket.p99_ms_200` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    print(f"{SOCKETS} sockets, {PER_SECOND} commands a second for {SECONDS:.0f} s; milliseconds\n")
    print(f"{'':28}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}{'events/s':>10}{'load client, of a CPU':>24}")
    async with gateway(folder, places=FEEDS) as ours:
        await add_positions(ours)
        await _commits(ours)
        spread, one = await _ours(ours, FEEDS), await _ours(ours, 1)
        place = ours.places[0]
        place.sequence, _ = (await ours.store.heads([place.feed]))[place.feed]
        event = await ours.event(place)
        async with peer_server("Litestar channels", REDIS_URL=ours.environ["REDIS_URL"]) as port:
            peer, peer_one = await _channels(ours, port, FEEDS, event), await _channels(ours, port, 1, event)
    ratio, ratio_one = peer.p99 / spread.p99, peer_one.p99 / one.p99
    print(f"\np99 of Litestar's channels over ours: {ratio:.1f} spread, {ratio_one:.1f} on one")
    return {
        "socket.p50_ms_200": spread.p50,
        "socket.p99_ms_200": spread.p99,
        "socket.p99_ms_200_one_feed": one.p99,
        "socket.ratio_litestar_channels": ratio,
        "socket.ratio_litestar_channels_one_feed": ratio_one,
    }


async def _commits(ours: Gateway) -> None:
    place = Place(new_id())
    late: list[float] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(round(SECONDS * PER_SECOND)):
        await asyncio.sleep(began + number / PER_SECOND - loop.time())
        appended = await ours.append(place, 1, publish=False)
        late.append((time() - appended.recorded_at.timestamp()) * 1000)
    late.sort()
    p50, p95, p99 = (late[int(len(late) * part)] for part in (0.5, 0.95, 0.99))
    print(f"{'(the commit alone)':28}{p50:8.1f}{p95:8.1f}{p99:8.1f}{late[-1]:8.1f}", flush=True)


async def _ours(ours: Gateway, feeds: int) -> Told:
    places = ours.places[:feeds]
    seats = [seat for seat in ours.seats(SOCKETS * FEEDS // feeds) if seat.feed in {place.feed for place in places}]
    async with Crowd(ours.folder, seats) as crowd, editor(ours, places) as send:
        return await _steadily(f"plumbline, {_feeds(feeds)}", crowd, send, feeds)


async def _channels(ours: Gateway, port: int, feeds: int, event: bytes) -> Told:
    seats = seats_at("Litestar channels", port, SOCKETS, feeds)
    sequences: Counter[str] = Counter()
    async with Crowd(ours.folder, seats) as crowd, Redis.from_url(ours.environ["REDIS_URL"]) as valkey:

        async def send(number: int) -> None:
            feed = f"feed{number % feeds}"
            for _ in range(EVENTS):
                sequences[feed] += 1
                at = datetime.now(UTC).isoformat(timespec="microseconds").encode()
                start = event.index(b'"at":"') + 6
                told = event[:start] + at + event[start + 32 :]
                await valkey.publish(feed, told.replace(b'"sequence":0,', b'"sequence":%d,' % sequences[feed]))

        return await _steadily(f"Litestar channels, {_feeds(feeds)}", crowd, send, feeds)


async def _steadily(name: str, crowd: Crowd, send: Send, feeds: int) -> Told:
    each, numbers = EVENTS * SOCKETS // feeds, count()
    for seconds in (WARM_UP, SECONDS):
        some = islice(numbers, round(seconds * PER_SECOND))
        told = await steadily(crowd, send, some, each=each, per_second=PER_SECOND)
    _print(name, told)
    return told


def _feeds(feeds: int) -> str:
    return "one feed" if feeds == 1 else f"{feeds} feeds"


def _print(name: str, told: Told) -> None:
    milliseconds = f"{told.p50:8.1f}{told.p95:8.1f}{told.p99:8.1f}{told.most:8.1f}"
    print(f"{name:28}{milliseconds}{told.events / told.seconds:10,.0f}{told.cpu / told.seconds:24.2f}", flush=True)


if __name__ == "__main__":
    print(run())
