"""A database with read models, and what a test needs to look into it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from projections.models import ALL
from projections.tables import ensure_tables


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection to a database whose read models are empty."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as opened:
        await ensure_tables(opened, ALL)
        yield opened
