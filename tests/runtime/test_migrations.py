"""Migrations: up, down, one at a time; and the schema that comes out is the committed one."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from runtime.drift import DumpError, drift, dump
from runtime.migrations import MigrationChanged, MigrationsMissing, check, migrate, missing, read_migrations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations of a small world."""
    _write(tmp_path, 1, "stones", "CREATE TABLE stones (id integer)", "DROP TABLE stones")
    _write(tmp_path, 2, "moss", "CREATE TABLE moss (stone integer); INSERT INTO stones VALUES (7)", "DROP TABLE moss")
    return tmp_path


def _write(folder: Path, number: int, name: str, up: str, down: str) -> None:
    (folder / f"{number:04d}_{name}.up.sql").write_text(up)
    (folder / f"{number:04d}_{name}.down.sql").write_text(down)


def _tables(database_url: str) -> set[str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in rows}


async def test_the_committed_schema_is_what_the_migrations_make_down_and_up_again(empty_database_url: str) -> None:
    taken = await migrate(empty_database_url)
    assert taken == [f"{migration} up" for migration in read_migrations()]
    assert await drift(empty_database_url) == "", "run `python -m runtime.drift --write` after adding a migration"
    undone = await migrate(empty_database_url, 0)
    assert undone == [f"{migration} down" for migration in reversed(read_migrations())]
    assert _tables(empty_database_url) == {"migrations"}
    await migrate(empty_database_url)
    assert await drift(empty_database_url) == ""


async def test_drift_shows_what_somebody_changed_by_hand(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE events ADD COLUMN secret text")
    assert "+    secret text" in await drift(database_url)


async def test_a_database_that_cannot_be_dumped_is_an_error(database_url: str) -> None:
    with pytest.raises(DumpError, match="nowhere"):
        await dump(database_url.replace("test_", "nowhere_"))


async def test_steps_go_up_and_down_to_a_target(empty_database_url: str, folder: Path) -> None:
    assert await migrate(empty_database_url, 1, folder=folder) == ["0001_stones up"]
    assert await missing(empty_database_url, folder=folder) == ["0002_moss"]
    assert await migrate(empty_database_url, folder=folder) == ["0002_moss up"]
    assert await migrate(empty_database_url, folder=folder) == []
    assert await missing(empty_database_url, folder=folder) == []
    assert await migrate(empty_database_url, 0, folder=folder) == ["0002_moss down", "0001_stones down"]
    assert _tables(empty_database_url) == {"migrations"}
    with pytest.raises(ValueError, match="no migration 3"):
        await migrate(empty_database_url, 3, folder=folder)


async def test_a_program_does_not_start_on_a_database_that_is_behind(empty_database_url: str, folder: Path) -> None:
    with pytest.raises(MigrationsMissing) as refusal:
        await check(empty_database_url, folder=folder)
    assert refusal.value.missing == ("0001_stones", "0002_moss")
    await migrate(empty_database_url, folder=folder)
    await check(empty_database_url, folder=folder)


async def test_a_failing_step_leaves_the_step_before_it(empty_database_url: str, folder: Path) -> None:
    _write(folder, 3, "fire", "CREATE TABLE fire (); SELECT 1/0", "DROP TABLE fire")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(empty_database_url, folder=folder)
    assert _tables(empty_database_url) == {"migrations", "stones", "moss"}
    assert await missing(empty_database_url, folder=folder) == ["0003_fire"]


async def test_a_changed_file_is_an_error(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder=folder)
    _write(folder, 1, "stones", "CREATE TABLE stones (id bigint)", "DROP TABLE stones")
    for refused in (migrate, missing, check):
        with pytest.raises(MigrationChanged, match="0001_stones"):
            await refused(empty_database_url, folder=folder)


async def test_a_database_ahead_of_the_program_is_an_error(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, folder=folder)
    for direction in ("up", "down"):
        (folder / f"0002_moss.{direction}.sql").unlink()
    with pytest.raises(MigrationChanged, match="2 migrations, this program 1"):
        await migrate(empty_database_url, folder=folder)


async def test_processes_that_start_together_migrate_once(empty_database_url: str, folder: Path) -> None:
    steps = await asyncio.gather(*(migrate(empty_database_url, folder=folder) for _ in range(5)))
    assert sorted(step for taken in steps for step in taken) == ["0001_stones up", "0002_moss up"]


@pytest.mark.parametrize("name", ["0004_gap", "0002_twice", "3_short", "unnumbered"])
def test_files_must_be_numbered_without_a_hole(folder: Path, name: str) -> None:
    (folder / f"{name}.up.sql").write_text("")
    (folder / f"{name}.down.sql").write_text("")
    with pytest.raises(ValueError, match=r"expected 000\d_<name>\.up\.sql"):
        read_migrations(folder)
