"""Floods: whoever sends too much, or nonsense, or never reads, is sent away and costs nobody else anything."""

import asyncio
from pathlib import Path

import pytest

from commands.write_side import WriteSide
from tests.transport.socket_raw import CLOSE, CONT, FIN, PING, TEXT, masked, raw
from tests.transport.socket_world import SOON, Server, Somebody, ann, open_socket, server, somebody, write
from transport.gateway.socket_formats import MESSAGE_BYTES
from transport.gateway.socket_turnstile import TURN_SECONDS, Turnstile
from transport.gateway.socket_wire import FAREWELL_SECONDS

__all__ = ["ann", "server", "write"]

MEGABYTES = 1024 * 1024
PING_MESSAGE = masked(FIN | TEXT, b'{"op":"ping","t":1}')
NONSENSE = {
    "messages": (PING_MESSAGE * 10_000, 4029),
    "empty messages": (masked(FIN | TEXT) * 10_000, 4400),
    "pings": (masked(FIN | PING) * 10_000, 4029),
    "parts": (masked(TEXT, b"x") + masked(CONT) * 10_000, 4029),
    "too big": (masked(FIN | TEXT, b"x" * (MESSAGE_BYTES + 1)) * 50, 1009),
    "not UTF-8": (masked(FIN | TEXT, b'{"op":"\xff"}') * 10_000, 1007),
    "wrong types": (masked(FIN | TEXT, b'{"op":"subscribe","id":[],"feed":7}') * 10_000, 4400),
    "subscriptions": (
        (
            masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"project:x"}')
            + masked(FIN | TEXT, b'{"op":"unsubscribe","id":2,"feed":"project:x"}')
        )
        * 5_000,
        4029,
    ),
}
"""Ten thousand frames, and the code that they end with."""


@pytest.mark.parametrize("flood", list(NONSENSE))
async def test_a_flood_ends_with_its_code_and_others_go_on_hearing(server: Server, ann: Somebody, flood: str) -> None:
    frames, code = NONSENSE[flood]
    project_id = await ann.project()
    async with await open_socket(server, ann) as other:
        await other.subscribe(f"project:{project_id}")
        await other.until("caught_up")
        async with raw(server, ann) as client:
            client.writer.write(frames)
            last = await ann.add(project_id, count=10)
            assert await other.events(last) == list(range(2, last + 1))
            payload = await client.until(CLOSE)
            assert int.from_bytes(payload[:2], "big") == code


async def test_whoever_floods_on_is_not_listened_to_until_patience_ends(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(PING_MESSAGE * 50_000)
        await client.until(CLOSE)  # is not answered: whatever this client says now comes behind the flood
        async with asyncio.timeout(FAREWELL_SECONDS / 2):
            assert await client.reader.read() == b""


async def test_an_orderly_client_may_have_said_more_before_it_heard_that_it_is_over(
    server: Server, ann: Somebody
) -> None:
    async with raw(server, ann) as client:
        client.writer.write(masked(FIN | TEXT, b"no") * 3 + PING_MESSAGE * 50)
        assert await client.close_code() == 4400


async def test_a_crowd_is_let_in_a_few_at_a_time_between_everything_else() -> None:
    now = 0.0
    done: list[str] = []
    turnstile = Turnstile(lambda: now)

    def handshake() -> None:
        nonlocal now
        now += TURN_SECONDS / 4
        done.append("handshake")

    def other() -> None:
        done.append("other")
        if done.count("handshake") < 10:
            asyncio.get_running_loop().call_soon(other)

    for _ in range(10):
        turnstile.pass_through(handshake)
    other()
    async with asyncio.timeout(SOON):
        while done.count("handshake") < 10:
            await asyncio.sleep(0)
    turns = "".join(each[0] for each in done).split("o")
    assert [len(turn) for turn in turns if turn] == [4, 4, 2]
    turnstile.pass_through(handshake)  # and it is not stuck when it was empty
    await asyncio.sleep(0)
    assert done.count("handshake") == 11


def memory(server: Server) -> int:
    """Bytes of memory that the server's process holds."""
    assert server.process is not None
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096


FLOODS = {
    "pings": masked(FIN | PING, b"x" * 100) * 200,
    "messages": masked(FIN | TEXT, b'{"op":"ping","t":1}') * 100,
    "empty messages": masked(FIN | TEXT) * 200,
    "lines": masked(FIN | TEXT, b"\n" * 60_000),
    "parts": masked(TEXT, b"x") + masked(CONT) * 10_000,
    "subscriptions": masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"project:x"}') * 50,
}


@pytest.mark.parametrize("flood", list(FLOODS))
async def test_a_flood_ends_its_socket_and_costs_nobody_memory(server: Server, ann: Somebody, flood: str) -> None:
    async with await open_socket(server, ann) as other, raw(server, ann) as client:
        before = memory(server)
        sent = 0
        while not client.writer.transport.is_closing() and sent < 64 * MEGABYTES:
            client.writer.write(FLOODS[flood])
            sent += len(FLOODS[flood])
            try:  # never reads: what is answered piles up, until the server has enough
                async with asyncio.timeout(0.5):
                    await client.writer.drain()
            except (TimeoutError, ConnectionError):
                break
            await asyncio.sleep(0)
        assert memory(server) - before < 32 * MEGABYTES
        client.writer.transport.abort()
        await other.say(op="ping", t=1)
        assert await other.hear() == {"op": "pong", "t": 1}


async def test_clients_that_never_read_are_let_go_and_forgotten(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    subscribe = masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"%s"}' % feed.encode())
    async with raw(server, ann) as deaf:
        deaf.writer.transport.pause_reading()
        deaf.writer.write(subscribe)
        async with asyncio.timeout(SOON):
            while server.held["feeds"].get(feed) != 1:
                await asyncio.sleep(0.05)
        before = memory(server)
        added = 0
        while server.held["feeds"].get(feed):
            await ann.add(project_id, "x" * 50_000, count=20)
            added += 20
            assert added < 1_000, "it was never let go"
        assert memory(server) - before < 32 * MEGABYTES


async def test_two_hundred_raw_sockets_that_vanish_leave_nothing(server: Server, write: WriteSide) -> None:
    people = [await somebody(write) for _ in range(2)]
    for cycle in range(200):
        async with raw(server, people[cycle % 2] if cycle % 3 else None) as client:
            client.writer.write(FLOODS["subscriptions"][: 10 * cycle])
            if cycle % 2:
                client.writer.transport.abort()
    async with asyncio.timeout(SOON):
        while server.held["sockets"] or server.held["feeds"] or server.held["accounts"]:
            await asyncio.sleep(0.05)
    assert not [name for name in server.held["tasks"] if name.startswith("socket ")]
