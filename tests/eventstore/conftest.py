"""An event store on the test's own database."""

import sys
from collections.abc import AsyncIterator

import eventsourcing.cryptography
import pytest

from eventstore import EventStore
from runtime.database import Pool

# The library has its AES cipher twice: on pycryptodome, which its test cases import, and on cryptography, our choice.
sys.modules["eventsourcing.cipher"] = eventsourcing.cryptography


@pytest.fixture
async def store(pool: Pool) -> AsyncIterator[EventStore]:
    """A store that gives up on a lost database after two seconds."""
    async with EventStore(pool, patience=2) as entered:
        yield entered
