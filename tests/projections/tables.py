"""Looking into the read models' tables."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from projections.folding import MOST_EVENTS, advance
from projections.models import ALL
from projections.projection import Projection
from projections.rows import table_of


async def contents(connection: AsyncConnection[Any], projections: Sequence[Projection] = ALL) -> dict[str, Any]:
    """Give everything that the projections' tables hold, and where they stand."""
    held: dict[str, Any] = {}
    for projection in projections:
        for row in projection.rows:
            key = ", ".join(row.key)
            query = f"SELECT coalesce(json_agg(t ORDER BY {key}), '[]')::text FROM read.{row.table} t"  # noqa: S608 - ours
            cursor = await connection.execute(query.encode())
            ((text,),) = await cursor.fetchall()
            held[row.table] = table_of(row).decode(text)
    return held


async def head(connection: AsyncConnection[Any]) -> int:
    cursor = await connection.execute("SELECT position FROM log_head")
    ((position,),) = await cursor.fetchall()
    return position


async def catch_up(
    connection: AsyncConnection[Any],
    projections: Sequence[Projection] = ALL,
    limit: int = MOST_EVENTS,
    upto: int | None = None,
) -> None:
    """Advance the projections to the end of the log, or to a position, batch by batch."""
    end = await head(connection) if upto is None else upto
    for projection in projections:
        cursor = await connection.execute(
            "SELECT position FROM read.checkpoints WHERE projection = %s", (projection.name,)
        )
        ((position,),) = await cursor.fetchall()
        while position < end:
            position = await advance(connection, projection, position, end, limit)
