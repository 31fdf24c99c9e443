"""What the WebSocket door counts, for Prometheus."""

from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from runtime.telemetry import REGISTRY

FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)

ACTIVE = Gauge("websocket_connections_active", "Open sockets", registry=REGISTRY)
CONNECTIONS = Counter("websocket_connections_total", "Sockets accepted", registry=REGISTRY)
DISCONNECTS = Counter("websocket_disconnects_total", "Sockets closed, by close code", ("code",), registry=REGISTRY)
HEARTBEAT_FAILURES = Counter(
    "websocket_heartbeat_failures_total", "Sockets closed because a ping was not answered", registry=REGISTRY
)
RECEIVED = Counter("websocket_messages_received_total", "Messages that clients sent", registry=REGISTRY)


class Tally(Collector):
    """A counter for what happens a hundred thousand times a second: `value` is added to without a lock."""

    def __init__(self, name: str, documentation: str) -> None:
        """Count what is called `name`."""
        self.value = 0
        self._name = name
        self._documentation = documentation
        REGISTRY.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Tell."""
        yield CounterMetricFamily(self._name, self._documentation, value=self.value)


SENT = Tally("websocket_messages_sent", "Messages sent; several may share a frame")
BUFFERED = Gauge("websocket_send_buffer_bytes", "Bytes that wait to be sent, on all sockets", registry=REGISTRY)
SUBSCRIPTIONS = Gauge("websocket_subscriptions_active", "Subscriptions of all sockets", registry=REGISTRY)
RECOVERIES = Counter(
    "websocket_recoveries_total",
    "Subscriptions from a known sequence, by whether they could be replayed",
    ("recovered",),
    registry=REGISTRY,
)
GAP_FILLS = Counter("websocket_gap_fills_total", "Holes in feeds that were filled from the log", registry=REGISTRY)
BROADCAST = Histogram(
    "websocket_broadcast_duration_seconds",
    "Seconds to hand a broker message to all followers of its feed",
    buckets=FAST,
    registry=REGISTRY,
)
DELIVERY = Histogram(
    "websocket_delivery_latency_seconds",
    "Seconds from the log's time of an event until the broker's message about it is handed to the sockets",
    buckets=FAST,
    registry=REGISTRY,
)
ACK_DELAY = Histogram(
    "websocket_ack_delay_seconds",
    "Seconds from sending an event to its acknowledgement, on subscriptions with a window",
    buckets=(*FAST, 2, 5, 10, 30, 60),
    registry=REGISTRY,
)
ACK_LAG = Histogram(
    "websocket_ack_lag_events",
    "Events of a subscription that were passed and are not acknowledged yet, whenever an acknowledgement arrives",
    buckets=(0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000),
    registry=REGISTRY,
)
