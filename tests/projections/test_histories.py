"""Laws of every read model, over histories as they really come about."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from projections.models import ALL
from projections.projection import Rows
from projections.rebuild import fold_anew
from projections.seeing import seen_from
from runtime.database import Pool
from tests.projections.play import THROUGH_THE_DATABASE, played, steps
from tests.projections.tables import catch_up, contents


@THROUGH_THE_DATABASE
@given(chosen=steps, limit=st.sampled_from((1, 2, 7, 1000)))
async def test_tables_kept_up_batch_by_batch_equal_rebuilt_ones(
    connection: AsyncConnection[Any], pool: Pool, chosen: list[tuple[str, int]], limit: int
) -> None:
    await played(chosen).world.store(pool)
    await catch_up(connection, limit=limit)
    kept = await contents(connection)
    for projection in ALL:
        await fold_anew(connection, projection)
    assert await contents(connection) == kept


@THROUGH_THE_DATABASE
@given(chosen=steps)
async def test_a_rebuild_that_spills_ends_like_one_in_memory(
    connection: AsyncConnection[Any], pool: Pool, chosen: list[tuple[str, int]]
) -> None:
    await played(chosen).world.store(pool)
    for projection in ALL:
        await fold_anew(connection, projection)
    in_memory = await contents(connection)
    for projection in ALL:
        await fold_anew(connection, projection, most_events=3, most_rows=2)
    assert await contents(connection) == in_memory


@settings(max_examples=25, deadline=None)
@given(chosen=steps)
def test_a_fold_reads_only_rows_that_its_keys_name_and_never_fails(chosen: list[tuple[str, int]]) -> None:
    for recorded in played(chosen).world.recorded():
        for projection in ALL:
            if recorded.type in projection.types:
                seen = seen_from(recorded)
                rows = Rows(projection.rows)
                for row_type, key in projection.keys(seen):
                    rows.loaded(row_type, [key], ())
                projection.fold(rows, seen)
