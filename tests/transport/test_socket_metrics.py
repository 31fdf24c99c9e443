import asyncio

import httpx

from tests.transport.socket_world import SOON, Server, Somebody, ann, dial, open_socket, server, write

__all__ = ["ann", "server", "write"]


def measured(server: Server) -> dict[str, float]:
    """Read the metrics of the server's sockets."""
    text = httpx.get(f"{server.origin}/metrics", timeout=10).text
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("websocket_")]
    return {name: float(value) for name, _, value in lines}


async def test_what_sockets_do_is_counted(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    feed = f"project:{project_id}"
    before = measured(server)
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0)
        await client.until("caught_up")
        await client.events(await ann.add(project_id))
        during = measured(server)
        await client.say(op="unsubscribe", id=1, feed=feed)
        await client.until("unsubscribed")
        assert (await client.subscribe(feed, after=99))["op"] == "reset"
    refused = await dial(server, {"Authorization": "Bearer nonsense"})
    await refused.farewell()
    async with asyncio.timeout(SOON):
        while measured(server)["websocket_connections_active"]:
            await asyncio.sleep(0.05)
    after = measured(server)

    def rise(name: str, later: dict[str, float] = after) -> float:
        return later.get(name, 0) - before.get(name, 0)

    assert during["websocket_connections_active"] == 1
    assert during["websocket_subscriptions_active"] == 1
    assert after["websocket_subscriptions_active"] == 0
    assert after["websocket_send_buffer_bytes"] == 0
    assert rise("websocket_connections_total") == 2
    assert rise("websocket_messages_received_total") == 3
    assert rise("websocket_messages_sent_total", during) == 6  # welcome, subscribed, created, caught up, two events
    assert rise("websocket_delivery_latency_seconds_count", during) >= 1
    assert rise("websocket_broadcast_duration_seconds_count", during) >= 1
    assert rise('websocket_recoveries_total{recovered="true"}') == 1
    assert rise('websocket_recoveries_total{recovered="false"}') == 1
    assert rise('websocket_disconnects_total{code="4001"}') == 1
