"""Database migrations: numbered SQL files, applied and undone one transaction each, under one lock."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

SCHEMA = Path(__file__).parent / "schema"
LOCK = 7_586_255_104_113
"""Advisory lock key: processes that start together migrate one after the other."""

FILE_NAME = re.compile(r"(\d{4})_(\w+)\.up\.sql")


class MigrationsMissing(Exception):  # noqa: N818 - says what is wrong
    """The database is behind this program."""

    def __init__(self, missing: Sequence[str]) -> None:
        """Name the migrations that have not been applied."""
        self.missing = tuple(missing)
        super().__init__(f"migrations not applied: {', '.join(missing)}; run `plumbline migrate`")


class MigrationChanged(Exception):  # noqa: N818 - says what is wrong
    """A migration that the database has applied is no longer what the files say."""


class Migration(Struct, frozen=True, kw_only=True):
    """One numbered step: how to take it and how to undo it."""

    id: int
    name: str
    up: str
    down: str

    @property
    def sha256(self) -> bytes:
        """What the database remembers of an applied step."""
        return hashlib.sha256(self.up.encode()).digest()

    def __str__(self) -> str:
        return f"{self.id:04d}_{self.name}"


def read_migrations(folder: Path = SCHEMA) -> list[Migration]:
    """All migrations of `folder`, numbered 1, 2, 3 … without a hole; `ValueError` when they are not."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.up.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ValueError(f"{path.name}: expected {len(found) + 1:04d}_<name>.up.sql")
        down = path.with_name(path.name.replace(".up.sql", ".down.sql"))
        found.append(Migration(id=int(match[1]), name=match[2], up=path.read_text(), down=down.read_text()))
    return found


async def migrate(conninfo: str, target: int | None = None, *, folder: Path = SCHEMA) -> list[str]:
    """Move the database to migration `target` (default: the newest), up or down; answer the steps taken.

    Each step is one transaction, so a failing one leaves the database at the step before it.
    Raises `MigrationChanged` when an applied file has changed since.
    """
    migrations = read_migrations(folder)
    goal = len(migrations) if target is None else target
    if not 0 <= goal <= len(migrations):
        raise ValueError(f"no migration {goal}: there are {len(migrations)}")
    steps: list[str] = []
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        while step := await _step(connection, migrations, goal):
            steps.append(step)
    return steps


async def missing(conninfo: str, *, folder: Path = SCHEMA) -> list[str]:
    """List the migrations that the database lacks, oldest first; a program must not start while there are any."""
    migrations = read_migrations(folder)
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        applied = await _applied(connection, migrations)
    return [str(migration) for migration in migrations[applied:]]


async def check(conninfo: str, *, folder: Path = SCHEMA) -> None:
    """Refuse to go on with a database that is behind: raises `MigrationsMissing`."""
    if lacking := await missing(conninfo, folder=folder):
        raise MigrationsMissing(lacking)


async def _step(connection: AsyncConnection[TupleRow], migrations: list[Migration], goal: int) -> str | None:
    """Take one step towards `goal`, or none when the database is there."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (id integer PRIMARY KEY, name text NOT NULL,"
            " sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
        )
        applied = await _applied(connection, migrations)
        if applied == goal:
            return None
        if applied < goal:
            migration = migrations[applied]
            await connection.execute(migration.up.encode())
            await connection.execute(
                "INSERT INTO migrations (id, name, sha256) VALUES (%s, %s, %s)",
                (migration.id, migration.name, migration.sha256),
            )
            return f"{migration} up"
        migration = migrations[applied - 1]
        await connection.execute(migration.down.encode())
        await connection.execute("DELETE FROM migrations WHERE id = %s", (migration.id,))
        return f"{migration} down"


async def _applied(connection: AsyncConnection[TupleRow], migrations: list[Migration]) -> int:
    """How many migrations the database has; raises `MigrationChanged` unless they are the first ones of ours."""
    try:
        async with connection.transaction():
            cursor = await connection.execute("SELECT name, sha256 FROM migrations ORDER BY id")
    except psycopg.errors.UndefinedTable:
        return 0
    rows = await cursor.fetchall()
    if len(rows) > len(migrations):
        raise MigrationChanged(f"the database has {len(rows)} migrations, this program {len(migrations)}")
    for migration, (name, sha256) in zip(migrations, rows, strict=False):
        if (migration.name, migration.sha256) != (name, bytes(sha256)):
            raise MigrationChanged(f"{migration} was applied in another form, named {name}")
    return len(rows)
