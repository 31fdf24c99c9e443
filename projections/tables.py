"""The tables of the read models: schema `read`. All of it can be dropped and made again from the log."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from projections.models import ALL
from projections.projection import Projection
from projections.rows import SCHEMA, table_of

NEXT = "read_next"
"""Schema in which a rebuild makes its tables, before they take the place of the ones in `read`."""

CREATE_SCHEMAS = (f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", f"CREATE SCHEMA IF NOT EXISTS {NEXT}")
CREATE_CHECKPOINTS = f"""
CREATE TABLE IF NOT EXISTS {SCHEMA}.checkpoints (
    projection text PRIMARY KEY,
    fingerprint text NOT NULL,
    position bigint NOT NULL CHECK (position >= 0),
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'poisoned')),
    error text,
    poisoned_position bigint,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((status = 'poisoned') = (error IS NOT NULL))
)
"""
BEGIN = (
    b"INSERT INTO read.checkpoints (projection, fingerprint, position) VALUES (%s, %s, 0)"
    b" ON CONFLICT (projection) DO NOTHING RETURNING true"
)
LOCK = 7_586_255_104_114
"""Advisory lock key: processes that start together make the tables one after the other."""


async def ensure_tables(connection: AsyncConnection[Any], projections: Sequence[Projection] = ALL) -> None:
    """Make what is missing: the checkpoints, and empty tables for a projection that has none.

    Tables of another shape stay as they are, and so does their checkpoint: the projector folds them anew.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        for statement in (*CREATE_SCHEMAS, CREATE_CHECKPOINTS):
            await connection.execute(statement.encode())
        for projection in projections:
            cursor = await connection.execute(BEGIN, (projection.name, projection.fingerprint))
            if await cursor.fetchone():
                await drop_tables(connection, projection)
                await create_tables(connection, projection)
                await create_indexes(connection, projection)


async def create_tables(connection: AsyncConnection[Any], projection: Projection, schema: str = SCHEMA) -> None:
    """Create a projection's tables."""
    for row in projection.rows:
        await connection.execute(table_of(row).create(schema).encode())


async def create_indexes(connection: AsyncConnection[Any], projection: Projection, schema: str = SCHEMA) -> None:
    """Give a projection's tables their keys and indexes."""
    for row in projection.rows:
        for statement in table_of(row).create_indexes(schema):
            await connection.execute(statement.encode())


async def drop_tables(connection: AsyncConnection[Any], projection: Projection) -> None:
    """Drop a projection's tables, whatever their shape."""
    for row in projection.rows:
        await connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{row.table}".encode())


async def swap_tables(connection: AsyncConnection[Any], projection: Projection) -> None:
    """Put the tables that a rebuild made in the place of the old ones."""
    await drop_tables(connection, projection)
    for row in projection.rows:
        await connection.execute(f"ALTER TABLE {NEXT}.{row.table} SET SCHEMA {SCHEMA}".encode())
