"""Ids that sort by time: UUIDv7 (RFC 9562), which the server's log likes best."""

import secrets
from time import time_ns
from uuid import UUID


def new_id() -> UUID:
    """Make an id of the present millisecond."""
    milliseconds = time_ns() // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62))
