"""`/metrics` of a process that serves nothing else, from a thread: it answers even while the event loop is busy."""

from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import start_http_server

from runtime.telemetry import REGISTRY


@contextmanager
def exposed(host: str, port: int | None) -> Generator[None]:
    """Serve this process's metrics at `port` during the block; `None`: do not. Raises `OSError` where it is taken."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, host, REGISTRY)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
