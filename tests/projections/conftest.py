"""A database with read models, and what a test needs to look into it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from eventstore.personal import Vault
from projections.models import ALL
from projections.tables import ensure_tables
from runtime.blobs import Blobs
from runtime.database import Pool
from tests.projections.shelf import Shelf


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection to a database whose read models are empty."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as opened:
        await ensure_tables(opened, ALL)
        yield opened


@pytest.fixture
def vault(pool: Pool) -> Vault:
    return Vault(pool, bytes(range(32)))


@pytest.fixture
def shelf(connection: AsyncConnection[Any], pool: Pool, vault: Vault, tmp_path: Path) -> Shelf:
    """Read models that are kept up by hand, and their queries."""
    return Shelf(connection, pool, vault, Blobs(tmp_path.as_uri()))
