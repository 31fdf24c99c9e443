"""Ids: UUIDv7, which sort by the time they were made, so that indexes grow at their end."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """Make an id. Later ones sort behind earlier ones of this process."""
    return UUID(int=uuid_utils.uuid7().int)
