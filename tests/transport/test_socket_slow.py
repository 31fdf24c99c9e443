"""One slow reader: it costs nobody but itself, and comes back to find everything."""

import asyncio
import socket

from tests.transport.socket_world import Client, Server, Somebody, ann, open_socket, server, write

__all__ = ["ann", "server", "write"]

TEXT = "x" * 10_000


async def slow_socket(server: Server, who: Somebody) -> Client:
    """Open a socket whose client takes next to nothing until somebody listens."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
    return await open_socket(server, who, sock=raw, max_queue=1)


async def test_a_slow_reader_is_closed_and_nobody_else_notices(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    slow, quick = await slow_socket(server, ann), await open_socket(server, ann)
    for client in (slow, quick):
        await client.subscribe(feed, after=0)
        await client.until("caught_up")

    heard = asyncio.create_task(until_closed(slow, server, feed))
    last, sequence = 0, 1
    while not heard.done():
        last = await ann.add(project_id, TEXT, count=20)
        async with asyncio.timeout(5):  # at once, whatever the other does
            assert await quick.events(last) == list(range(sequence + 1, last + 1))
        sequence = last
        assert last < 4_000, "the slow reader was never closed"
    sequences, bye = await heard
    assert slow.connection.close_code == 4008
    assert bye["reconnect"]
    assert sequences == list(range(2, sequences[-1] + 1))
    assert sequences[-1] < last
    await quick.connection.close()

    async with await open_socket(server, ann) as again:
        await again.subscribe(feed, after=sequences[-1])
        assert await again.events(last) == list(range(sequences[-1] + 1, last + 1))


async def until_closed(slow: Client, server: Server, feed: str) -> tuple[list[int], dict[str, object]]:
    """Do not read until the server gave up on us; then read what it had sent."""
    while (await asyncio.to_thread(lambda: server.held))["feeds"][feed] == 2:
        await asyncio.sleep(0.05)
    sequences: list[int] = []
    while True:
        message = await slow.hear()
        if message["op"] == "event":
            sequences.append(message["sequence"])
        elif message["op"] == "bye":
            await slow.farewell()
            return sequences, message


async def test_a_long_replay_waits_for_its_slow_reader(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, TEXT, count=1_000)
    async with await slow_socket(server, ann) as client:
        await client.subscribe(f"project:{project_id}", after=0)
        await asyncio.sleep(1)
        assert await client.events(last) == list(range(1, last + 1))
        assert (await client.hear())["op"] == "caught_up"
