"""Tables follow from row structs, and rows survive the way there and back."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from psycopg import AsyncConnection

from projections.folding import write
from projections.models import ALL
from projections.ownership import locks
from projections.projection import Rows
from projections.rebuild import copy_rows
from projections.rows import Row, amount, table_of


class Inner(Struct, frozen=True):
    text: str
    number: Decimal | None = None


class Sample(Row, frozen=True, kw_only=True):
    table: ClassVar = "samples"
    key: ClassVar = ("one", "two")
    indexes: ClassVar = ("name, at",)

    one: UUID
    two: int
    name: str
    maybe: str | None = None
    flag: bool = False
    price: Decimal | None = None
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    kind: Literal["small", "big"] = "small"
    path: tuple[str, ...] = ()
    part: Inner | None = None
    parts: tuple[Inner, ...] = ()
    anything: dict[str, Any] = {}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)
inners = st.builds(Inner, texts, st.none() | amounts)
samples = st.builds(
    Sample,
    one=st.uuids(),
    two=st.integers(-(2**63), 2**63 - 1),
    name=texts,
    maybe=st.none() | texts,
    flag=st.booleans(),
    price=st.none() | amounts,
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    kind=st.sampled_from(("small", "big")),
    path=st.lists(texts, max_size=3).map(tuple),
    part=st.none() | inners,
    parts=st.lists(inners, max_size=2).map(tuple),
    anything=st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=3),
)


@pytest.fixture
async def table(connection: AsyncConnection[Any]) -> AsyncConnection[Any]:
    for schema in ("read", "read_next"):
        for statement in (table_of(Sample).create(schema), *table_of(Sample).create_indexes(schema)):
            await connection.execute(statement.encode())
    return connection


async def stored(connection: AsyncConnection[Any], rows: list[Sample], schema: str = "read") -> list[Sample]:
    keys = [(row.one, row.two) for row in rows]
    loading, table = table_of(Sample).load(schema).encode(), table_of(Sample)
    ((text,),) = await (await connection.execute(loading, (table.encode_keys(keys),))).fetchall()
    return sorted(table.decode(text), key=lambda row: (row.one, row.two))


def without_nul(value: Any) -> Any:
    """PostgreSQL keeps no NUL: what stands for it, wherever it stood."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, tuple | list):
        return type(value)(map(without_nul, value))
    if isinstance(value, dict):
        return {without_nul(key): without_nul(each) for key, each in value.items()}
    if isinstance(value, Inner):
        return Inner(without_nul(value.text), value.number)
    return value


def kept(row: Sample) -> Sample:
    return Sample(**{name: without_nul(getattr(row, name)) for name in Sample.__struct_fields__})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(samples, max_size=4, unique_by=lambda row: (row.one, row.two)))
async def test_rows_come_back_as_they_were_upserted_and_copied(table: AsyncConnection[Any], rows: list[Sample]) -> None:
    expected = sorted(map(kept, rows), key=lambda row: (row.one, row.two))
    put = Rows([Sample])
    for row in rows:
        put.put(row)
    await write(table, put)
    assert await stored(table, rows) == expected
    await table.execute("TRUNCATE read_next.samples")
    await copy_rows(table, Sample, rows)
    assert await stored(table, rows, "read_next") == expected


async def test_a_value_that_its_type_does_not_name_is_refused(table: AsyncConnection[Any]) -> None:
    rows = Rows([Sample])
    rows.put(Sample(one=UUID(int=1), two=1, name="x", kind="huge"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(psycopg.errors.CheckViolation):
        await write(table, rows)


async def test_only_changed_rows_are_written_and_deleted_ones_go(table: AsyncConnection[Any]) -> None:
    old = [Sample(one=UUID(int=1), two=number, name="old") for number in range(3)]
    rows = Rows([Sample])
    for row in old:
        rows.put(row)
    await write(table, rows)
    rows = Rows([Sample])
    rows.loaded(Sample, [(row.one, row.two) for row in old], old)
    rows.put(Sample(one=UUID(int=1), two=1, name="new"))
    rows.delete(Sample, UUID(int=1), 2)
    assert [(put, gone) for _, put, gone in rows.changes()] == [
        ([Sample(one=UUID(int=1), two=1, name="new")], [(UUID(int=1), 2)])
    ]
    await write(table, rows)
    assert [row.name for row in await stored(table, old)] == ["old", "new"]


def test_a_row_that_keys_did_not_name_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        Rows([Sample]).get(Sample, UUID(int=1), 1)


def test_a_key_must_name_fields() -> None:
    class Wrong(Row, frozen=True, kw_only=True):
        table: ClassVar = "wrong"
        key: ClassVar = ("missing",)

        there: int

    with pytest.raises(TypeError, match="missing"):
        table_of(Wrong)


@pytest.mark.parametrize(
    ("number", "stored_as"),
    [("12.50", "12.50"), ("NaN", None), ("-Infinity", None), ("1E+2000", None), ("1E-2000", None), ("0E-7", "0E-7")],
)
def test_only_amounts_are_kept_as_amounts(number: str, stored_as: str | None) -> None:
    assert amount(Decimal(number)) == (None if stored_as is None else Decimal(stored_as))


def test_names_of_projections_tables_and_locks_are_distinct() -> None:
    tables = [row.table for projection in ALL for row in projection.rows]
    keys = {locks(projection.name)["key"] for projection in ALL}
    assert len({projection.name for projection in ALL}) == len(keys) == len(ALL)
    assert len(set(tables)) == len(tables)
