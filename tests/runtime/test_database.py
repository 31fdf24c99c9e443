from datetime import datetime
from decimal import Decimal
from uuid import UUID

from runtime.database import Pool


async def test_values_arrive_in_binary_with_their_types(pool: Pool) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT 1, gen_random_uuid(), now(), 1.50::numeric, '{\"a\": 1}'::jsonb")
        row = await cursor.fetchone()
    assert row is not None
    assert [type(value) for value in row] == [int, UUID, datetime, Decimal, dict]
