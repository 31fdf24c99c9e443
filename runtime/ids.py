"""Identifiers: UUIDv7 (RFC 9562), ordered by time, so that indexes grow at their end."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make an id that no other process makes; within this process each is greater than the one before."""
    return uuid7()
