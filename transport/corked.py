"""A transport that sends what is written in one turn of the loop together: an answer's head and body in one packet."""

import asyncio
from typing import Any

LARGE = 64 * 1024
"""Bytes that are sent at once, so that writing a long body is slowed down by whoever reads it."""


class Corked:
    """Stands in for `transport`, which does everything but gather what is written."""

    __slots__ = ("_gathered", "_loop", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write to `transport` from inside `loop`."""
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send soon."""
        if not self._gathered:
            self._loop.call_soon(self.flush)
        self._gathered.append(data)
        self._size += len(data)
        if self._size > LARGE:
            self.flush()

    def flush(self) -> None:
        """Send now."""
        if self._gathered:
            gathered, self._gathered, self._size = self._gathered, [], 0
            self._transport.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def write_eof(self) -> None:
        """Send everything, and then the end."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send everything, and then close."""
        self.flush()
        self._transport.close()

    def uncorked(self) -> asyncio.Transport:
        """Send everything, and give the transport as it is."""
        self.flush()
        return self._transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
