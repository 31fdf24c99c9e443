"""An event store on the test's own database, and the server under it."""

from collections.abc import AsyncIterator

import pytest

from eventstore import EventStore
from runtime.database import Pool


@pytest.fixture
async def store(pool: Pool) -> AsyncIterator[EventStore]:
    """A store that gives up on a lost database after two seconds."""
    async with EventStore(pool, patience=2) as entered:
        yield entered
