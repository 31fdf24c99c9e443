import asyncio
from uuid import UUID

import httpx

from tests.transport.socket_world import SOON, Server, Somebody, ann, dial, open_socket, server, write

__all__ = ["ann", "server", "write"]


def measured(server: Server) -> dict[str, float]:
    """Read the metrics of the server's sockets."""
    text = httpx.get(f"{server.origin}/metrics", timeout=10).text
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("websocket_")]
    return {name: float(value) for name, _, value in lines}


NAMES = {
    "connections_active",
    "connections_total",
    "disconnects_total",
    "messages_received_total",
    "messages_sent_total",
    "send_buffer_bytes",
    "broadcast_duration_seconds",
    "delivery_latency_seconds",
    "heartbeat_failures_total",
    "recoveries_total",
    "gap_fills_total",
    "subscriptions_active",
    "ack_delay_seconds",
    "ack_lag_events",
}


def test_names_of_metrics_are_permanent(server: Server) -> None:
    text = httpx.get(f"{server.origin}/metrics", timeout=10).text
    told = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE websocket_")}
    assert {f"websocket_{name}" for name in NAMES} <= told


async def test_acknowledgements_are_measured(server: Server, ann: Somebody) -> None:
    feed = f"project:{await ann.project()}"
    last = await ann.add(UUID(feed.partition(":")[2]), count=2)
    async with await open_socket(server, ann) as client:
        await client.subscribe(feed, after=0, window=100)
        await client.events(last)
        before = measured(server)
        await client.say(op="ack", feed=feed, sequence=last - 1)
        await client.say(op="ping", t=1)
        await client.until("pong")
        after = measured(server)
    rise = {name: after[name] - before.get(name, 0) for name in after}
    assert rise["websocket_ack_lag_events_count"] == rise["websocket_ack_lag_events_sum"] == 1
    assert rise["websocket_ack_delay_seconds_count"] == last - 1


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
