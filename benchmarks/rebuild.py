"""Rebuilding a read model from the log, beside the eventsourcing library's `ProjectionRunner`.

Both fold a history of small imports and edits of positions into tables of positions. An event counts when the
projection has folded it and its rows are committed. Ours also keeps every past state of every position; the peer's
one table, as its documentation shows it, holds the present state only.
"""

import asyncio
import os
import tempfile
import time
from decimal import Decimal
from functools import singledispatchmethod
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import AsyncConnection
from psycopg.sql import SQL

from domain.budget import ChangeCounts, Changes, Imported, PositionEdited, Versioned
from domain.core import Event
from domain.position import Position
from domain.registry import EVENTS
from eventstore import Append, EventStore, Write
from eventstore.types import EventTypes
from projections import positions
from projections.rebuild import fold_anew
from projections.tables import ensure_tables
from runtime.database import open_pool
from runtime.embedded import embedded
from runtime.ids import new_id
from runtime.migrations import migrate

BUDGETS = 100
POSITIONS = 100
EDITS = 1_000
"""Of each budget: so many positions, imported in parts of 20, and so many edits, a version each."""
PEER_BUDGETS = 5
PEER_EDITS = 800
TYPES = EventTypes(EVENTS)


def run() -> dict[str, float]:
    """Measure both, and print a table. `rebuild.ratio_eventsourcing` is ours over theirs."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = asyncio.run(_measured(Path(folder)))
    print(f"{'':<36}{'events/s':>12}{'events':>12}")
    for name, (count, seconds) in {"plumbline": ours, "eventsourcing ProjectionRunner": theirs}.items():
        print(f"{name:<36}{count / seconds:>12,.0f}{count:>12,}")
    rate, peer = ours[0] / ours[1], theirs[0] / theirs[1]
    print(f"{'ratio':<36}{rate / peer:>12.1f}")
    return {"rebuild.events_per_s": rate, "rebuild.ratio_eventsourcing": rate / peer}


async def _measured(folder: Path) -> tuple[tuple[int, float], tuple[int, float]]:
    async with embedded(folder, temporary=True) as servers:
        await migrate(servers.database_url)
        ours = await _ours(servers.database_url)
        theirs = await asyncio.to_thread(_theirs, servers.database_url)
    return ours, theirs


async def _ours(conninfo: str) -> tuple[int, float]:
    async with open_pool(conninfo) as pool, EventStore(pool) as store:
        counts = [await asyncio.gather(*(_store_budget(store) for _ in range(10))) for _ in range(BUDGETS // 10)]
    stored = sum(map(sum, counts))
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await ensure_tables(connection)
        started = time.perf_counter()
        folded = await fold_anew(connection, positions.PROJECTION)
        seconds = time.perf_counter() - started
        assert folded == stored
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM read.positions), count(*) FROM read.past_positions"
        )
        ((current, past),) = await cursor.fetchall()
        assert (current, past) == (BUDGETS * POSITIONS, BUDGETS * EDITS)
    return stored, seconds


async def _store_budget(store: EventStore) -> int:
    project_id = new_id()
    events = list(_history(project_id))
    for start in range(0, len(events), 200):
        part = tuple(TYPES.encode(each) for each in events[start : start + 200])
        write = Write(f"budget:{project_id}", start, part)
        await store.append(Append(feed=f"project:{project_id}", writes=(write,), actor=f"account:{project_id}"))
    return len(events)


def _history(project_id: UUID) -> list[Event]:
    ids = [new_id() for _ in range(POSITIONS)]
    events: list[Event] = []
    for start in range(0, POSITIONS, 20):
        lines = tuple(_line(ids[index], index) for index in range(start, start + 20))
        events.append(
            Imported(
                project_id=project_id,
                document_id=project_id,
                part=start // 20 + 1,
                first_rank=(start + 1) * 1_000_000,
                positions=lines,
                currency="CZK",
            )
        )
    events.append(_version(project_id, 1))
    for edit in range(EDITS):
        changes = Changes(quantity=Decimal(edit), total_price=Decimal(edit) * 5230)
        revision = 2 + edit // POSITIONS
        edited = PositionEdited(
            project_id=project_id, position_id=ids[edit % POSITIONS], revision=revision, changes=changes
        )
        events += [edited, _version(project_id, edit + 2)]
    return events


def _line(position_id: UUID, index: int) -> Position:
    return Position(
        position_id=position_id,
        number=str(index + 1),
        code=f"31023{index:04}",
        code_system="urs",
        description="Masonry filling of openings up to 4 m2 in brick walls, lime-cement mortar",
        section=("SO 01", "HSV", "3"),
        quantity=Decimal("12.345"),
        unit="m3",
        unit_price=Decimal("5230.00"),
        total_price=Decimal("64564.35"),
        source_sheet="SO 01",
        source_line=index + 20,
    )


def _version(project_id: UUID, version: int) -> Versioned:
    return Versioned(
        project_id=project_id,
        version=version,
        trigger="user_edit",
        total_positions=POSITIONS,
        total_cost=Decimal("8205797.76"),
        delta_cost=Decimal("5230.00"),
        currency="CZK",
        summary="1 modified",
        changes=ChangeCounts(modified=1),
    )


class PeerBudget(Aggregate):
    """The peer's aggregate: positions imported 20 at a time, then edited."""

    @event("Imported")
    def import_positions(self, first: int, lines: list[dict[str, str]]) -> None:
        """Add positions, numbered from `first`."""

    @event("Edited")
    def edit(self, number: int, quantity: Decimal, total: Decimal) -> None:
        """Change a position's quantity and total."""


class PeerBudgets(Application[UUID]):
    """The peer's application."""


class PeerView(PostgresTrackingRecorder):
    """The peer's one table. Each event's rows and its tracking are one transaction."""

    def __init__(self, datastore: Any, **kwargs: Any) -> None:
        """Declare the table beside the recorder's own."""
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS peer_positions (budget uuid, number integer, description text,"
                " quantity numeric, total numeric, PRIMARY KEY (budget, number))"
            )
        )

    def insert(self, rows: list[tuple[Any, ...]], tracking: Tracking) -> None:
        """Insert positions."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.executemany("INSERT INTO peer_positions VALUES (%s, %s, %s, %s, %s)", rows)
            self._insert_tracking(cursor, tracking)

    def update(self, budget: UUID, number: int, quantity: Decimal, total: Decimal, tracking: Tracking) -> None:
        """Change a position."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "UPDATE peer_positions SET quantity = %s, total = %s WHERE budget = %s AND number = %s",
                (quantity, total, budget, number),
                prepare=True,
            )
            self._insert_tracking(cursor, tracking)


class PeerPositions(Projection[PeerView]):
    """The peer's projection."""

    name = "peer_positions"

    @singledispatchmethod
    def process_event(self, _event: Any, tracking: Tracking) -> None:
        """Note that an event of no interest was seen."""
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, imported: PeerBudget.Imported, tracking: Tracking) -> None:
        rows = [
            (imported.originator_id, imported.first + index, line["description"], line["quantity"], line["total"])
            for index, line in enumerate(imported.lines)
        ]
        self.view.insert(rows, tracking)

    @process_event.register
    def _(self, edited: PeerBudget.Edited, tracking: Tracking) -> None:
        self.view.update(edited.originator_id, edited.number, edited.quantity, edited.total, tracking)


def _theirs(conninfo: str) -> tuple[int, float]:
    parts = urlsplit(conninfo)
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or os.environ.get("PGPASSWORD", "none"),
    }
    line = {"description": "Masonry filling of openings up to 4 m2", "quantity": "12.345", "total": "64564.35"}
    count, last = 0, 0
    with PeerBudgets(env=env) as app:
        for _ in range(PEER_BUDGETS):
            budget = PeerBudget()
            for first in range(0, POSITIONS, 20):
                budget.import_positions(first, [line] * 20)
            for edit in range(PEER_EDITS):
                budget.edit(edit % POSITIONS, Decimal(edit), Decimal(edit) * 5230)
            notifications = app.save(budget)
            count += len(notifications)
            last = notifications[-1].notification.id
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=PeerBudgets, projection_class=PeerPositions, view_class=PeerView, env=env
    ) as runner:
        runner.wait(last, timeout=600)
    return count, time.perf_counter() - started


if __name__ == "__main__":
    run()
