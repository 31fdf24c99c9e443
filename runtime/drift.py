"""Drift: whether a database looks like the migrations say. The committed `schema/schema.sql` is what they say.

`python -m runtime.drift` compares the database named by DATABASE_URL, or else one freshly made by the migrations;
`--write` makes `schema.sql` anew after a migration was added.
"""

import asyncio
import os
import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

from runtime.embedded import embedded
from runtime.migrations import SCHEMA, migrate
from runtime.servers import postgres_program

COMMITTED = SCHEMA / "schema.sql"
RANDOM = ("\\restrict ", "\\unrestrict ", "-- Dumped ")
"""Lines that differ between two dumps of the same schema, or between two releases of PostgreSQL."""


class DumpError(Exception):
    """pg_dump failed; the message is what it said."""


async def dump(conninfo: str) -> str:
    """Give the schema of a database as SQL, without the tables of read models, which make themselves."""
    process = await asyncio.create_subprocess_exec(
        postgres_program("pg_dump"),
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        "--exclude-schema=read*",
        f"--dbname={conninfo}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise DumpError(errors.decode())
    lines = output.decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(RANDOM))


async def drift(conninfo: str) -> str:
    """Compare a database's schema with the committed one; give the difference, empty when there is none."""
    committed = COMMITTED.read_text(encoding="utf-8")
    found = await dump(conninfo)
    return "".join(unified_diff(committed.splitlines(True), found.splitlines(True), "schema.sql", "database"))


async def _main(*, write: bool) -> int:
    """Answer 0 when there is no drift, else 1."""
    if not write and (url := os.environ.get("DATABASE_URL")):
        difference = await drift(url)
    else:
        with tempfile.TemporaryDirectory() as folder:
            async with embedded(Path(folder, "servers"), temporary=True) as servers:
                await migrate(servers.database_url)
                if write:
                    COMMITTED.write_text(await dump(servers.database_url), encoding="utf-8")
                difference = await drift(servers.database_url)
    sys.stdout.write(difference or "no drift\n")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(write="--write" in sys.argv)))
