"""Telemetry: one way to log, and one registry of metrics.

Processes write JSON lines to standard error; people at a terminal get short lines instead. Values that could be secrets
never reach either.
"""

import contextlib
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import structlog
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from runtime.settings import HIDDEN, without_passwords

REGISTRY = CollectorRegistry()
"""Every metric of this process. Rooms declare theirs with `registry=REGISTRY`."""

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

SECRET_NAME = re.compile(r"(password|secret|token|ticket|cookie|authorization|_key)$", re.IGNORECASE)

context = structlog.contextvars.bound_contextvars
"""`with context(request_id=…):` adds to every line logged inside, also by tasks started there."""

_STANDARD = ("timestamp", "level", "process", "module", "event", "exception")


def get_logger(name: str) -> FilteringBoundLogger:
    """Give the logger of a module: `log.info("what happened", key=value)`."""
    return structlog.get_logger(module=name)


def configure(process: str, *, level: str = "info", human: bool | None = None) -> None:
    """Set up logging for this process, once, before its first line; libraries' own logging included.

    `human` lines instead of JSON are for a terminal; None: decide by whether standard error is one.
    """
    human = sys.stderr.isatty() if human is None else human
    threshold = logging.getLevelNamesMapping()[level.upper()]
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
        structlog.processors.format_exc_info,
        hide_secrets,
        _as_human if human else _as_json,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: Lines(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[Forward()], level=max(threshold, logging.INFO), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def exposition() -> tuple[bytes, str]:
    """Give all metrics in Prometheus's text format, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values whose names say that they are secret, and passwords inside URLs."""
    return {name: HIDDEN if SECRET_NAME.search(str(name)) else _without_secrets(value) for name, value in event.items()}


def human_line(event: Mapping[str, Any]) -> str:
    """Write one logged event for a person: time, process, what happened, and the rest as `name=value`."""
    time = str(event.get("timestamp", ""))[11:19]
    level = str(event.get("level", "info"))
    extra = " ".join(f"{name}={value}" for name, value in event.items() if name not in _STANDARD)
    mark = "" if level == "info" else f"{level.upper()}: "
    line = f"{time} {event.get('process', '')!s:<10} {mark}{event.get('event', '')} {extra}".rstrip()
    return f"{line}\n{event['exception']}" if "exception" in event else line


class Lines(structlog.BytesLogger):
    """Writes lines to a stream whose reader may be gone: a process that is being stopped still has work to finish."""

    def msg(self, message: bytes) -> None:
        """Write one line."""
        with contextlib.suppress(BrokenPipeError):
            super().msg(message)

    log = debug = info = warn = warning = error = critical = fatal = exception = failure = msg


class Forward(logging.Handler):
    """Hands what libraries log through the standard library to our own logging."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record as one event."""
        get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _named(process: str) -> Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return name


def _without_secrets(value: object) -> object:
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, Mapping):
        return dict(hide_secrets(None, "", dict(cast("Mapping[str, Any]", value))))
    return value


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


def _as_human(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return human_line(event).encode(errors="backslashreplace")
