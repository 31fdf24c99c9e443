"""What the REST door counts, for Prometheus."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

from runtime.telemetry import REGISTRY

REQUESTS = Counter(
    "http_requests_total", "Requests answered, by route template", ("method", "route", "status"), registry=REGISTRY
)
SECONDS = Histogram(
    "http_request_duration_seconds",
    "Seconds from a request's first byte in Python to its last byte out, by route template",
    ("method", "route"),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    registry=REGISTRY,
)
REFUSALS = Counter(
    "http_refusals_total",
    "Requests refused, by error code: wrong passwords, lost races, rate limits and all others",
    ("code",),
    registry=REGISTRY,
)


@lru_cache(maxsize=1024)
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request. `route` is the template that matched, empty where none did; 499: the client went away."""
    requests, durations = _children(method if route else "", route or "unmatched", status)
    requests.inc()
    durations.observe(seconds)
