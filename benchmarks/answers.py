"""A team reads one bill of 20,000 positions: answers beside the cache, and the same made anew each time.

Ten members ask 2,000 questions, popular ones more often (Zipf): sections and searches of positions, differences of
versions, 40 in all. After every hundredth question somebody edits a position, which ends all that was kept. Every
question is put to both sides, which take turns in going first; both check the member's right and answer as of now.
"""

import asyncio
import tempfile
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
import uvloop
from psycopg import AsyncConnection

from commands.write_side import WriteSide, write_side
from domain.account import Register
from domain.budget import Edit, EditPosition, ImportPositions
from domain.position import Position
from domain.project import AcceptInvitation, CreateProject, InviteMember
from projections.asking import Query, Viewer
from projections.differences import DiffVersions
from projections.position_questions import ListPositions
from projections.projector import Projector
from projections.queries import Queries
from projections.tables import ensure_tables
from runtime.blobs import Blobs
from runtime.broker import open_broker, open_client
from runtime.cache import AnswerCache
from runtime.database import open_pool
from runtime.embedded import embedded
from runtime.ids import new_id
from runtime.migrations import migrate
from runtime.telemetry import REGISTRY

POSITIONS = 20_000
MEMBERS = 10
QUESTIONS = 2_000
ASKED_BETWEEN_EDITS = 100
VERSIONS = 15
"""Edits before the first question, a version each."""
KEY = bytes(range(32))


def run() -> dict[str, float]:
    """Measure, print a table, and answer `answers.hit_rate`, `answers.ratio_made_anew` and others."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    blobs = Blobs((folder / "blobs").as_uri())
    async with embedded(folder, temporary=True) as servers:
        await migrate(servers.database_url)
        async with await AsyncConnection.connect(servers.database_url, autocommit=True) as connection:
            await ensure_tables(connection)
        async with (
            open_pool(servers.database_url) as pool,
            open_broker(servers.redis_url) as broker,
            open_broker(servers.redis_url) as marks,
            open_broker(servers.redis_url) as other_marks,
            open_broker(servers.redis_url) as news,
            open_client(servers.redis_url) as valkey,
            write_side(pool, broker, KEY) as write,
            Queries(pool, write.vault, blobs, marks, cache=AnswerCache(valkey)) as beside,
            Queries(pool, write.vault, blobs, other_marks) as anew,
        ):
            stop = asyncio.Event()
            projector = asyncio.create_task(Projector(servers.database_url, news).run(stop))
            team = await _team(write)
            took = await _read(team, {"cache": beside, "anew": anew})
            stop.set()
            await projector
    return _told(took)


class _Team(msgspec.Struct):
    write: WriteSide
    project_id: UUID
    members: list[UUID]
    positions: list[UUID]
    position: int = 0

    async def edit(self, number: int) -> None:
        """Somebody edits a position."""
        actor = f"account:{self.members[number % MEMBERS]}"
        position_id = self.positions[number * 37 % POSITIONS]
        changes = Edit(quantity=Decimal(number))
        command = EditPosition(project_id=self.project_id, position_id=position_id, changes=changes)
        self.position = (await self.write.bus.execute(command, actor=actor)).position


async def _team(write: WriteSide) -> _Team:
    members = [new_id() for _ in range(MEMBERS)]
    for account_id in members:
        password = "benchmark"  # noqa: S105 - nobody's
        given = Register(account_id=account_id, email=f"{account_id}@localhost", password=password, name="B")
        await write.bus.execute(given, actor="")
    owner, *others = members
    project_id = new_id()
    await write.bus.execute(CreateProject(project_id=project_id, name="House"), actor=f"account:{owner}")
    for account_id in others:
        invitation = InviteMember(project_id=project_id, account_id=account_id, role="editor")
        await write.bus.execute(invitation, actor=f"account:{owner}")
        await write.bus.execute(AcceptInvitation(project_id=project_id), actor=f"account:{account_id}")
    lines = tuple(_line(index) for index in range(POSITIONS))
    bill = ImportPositions(project_id=project_id, document_id=new_id(), positions=lines, currency="CZK")
    await write.bus.execute(bill, actor="system")
    team = _Team(write, project_id, members, [line.position_id for line in lines])
    for number in range(VERSIONS):
        await team.edit(number)
    return team


def _line(index: int) -> Position:
    return Position(
        position_id=new_id(),
        number=str(index + 1),
        code=f"27{index:07d}",
        description=f"Foundations of reinforced concrete C25/30, part {index}",
        section=(f"Object {index // 2_000}", f"Part {index // 200}"),
        quantity=Decimal(index % 97),
        unit="m3",
        unit_price=Decimal("12.50"),
        total_price=Decimal("12.50") * (index % 97),
    )


async def _read(team: _Team, sides: dict[str, Queries]) -> dict[str, dict[str, list[float]]]:
    random = Random(1)  # noqa: S311 - a choice of questions
    questions = _questions(team)
    weights = [1 / rank for rank in range(1, len(questions) + 1)]
    took: dict[str, dict[str, list[float]]] = {side: defaultdict(list) for side in sides}
    for number in range(QUESTIONS):
        if number % ASKED_BETWEEN_EDITS == 0:
            await team.edit(VERSIONS + number)
        (query,) = random.choices(questions, weights)
        query = msgspec.structs.replace(query, after=team.position)
        viewer = Viewer(account_id=random.choice(team.members))
        bodies = set[bytes]()
        for side in sorted(sides, reverse=number % 2 == 0):
            started = time.perf_counter()
            body = msgspec.json.encode((await sides[side].answer(query, viewer)).body)
            took[side][type(query).__name__].append(time.perf_counter() - started)
            bodies.add(body)
        assert len(bodies) == 1, query
    return took


def _questions(team: _Team) -> list[Query]:
    """All that is asked, the most popular first."""
    project: dict[str, Any] = {"project_id": team.project_id}
    questions: list[Query] = [
        *(ListPositions(**project, section=("Object 0", f"Part {part}"), limit=100) for part in range(10)),
        *(ListPositions(**project, text=f"part {part}") for part in range(100, 115)),
        *(DiffVersions(**project, a=1, b=version) for version in range(2, 2 + VERSIONS)),
    ]
    Random(2).shuffle(questions)  # noqa: S311 - an order
    return questions


def _told(took: dict[str, dict[str, list[float]]]) -> dict[str, float]:
    hits, misses = (
        REGISTRY.get_sample_value("answer_cache_lookups_total", {"outcome": outcome}) or 0
        for outcome in ("hit", "miss")
    )
    rate = hits / (hits + misses)
    print(f"{'milliseconds':<24}{'asked':>8}{'cache, p50':>14}{'mean':>10}{'anew, p50':>14}{'mean':>10}")
    for kind in sorted(took["cache"]):
        _print(kind, took["cache"][kind], took["anew"][kind])
    cache, anew = ([each for times in side.values() for each in times] for side in (took["cache"], took["anew"]))
    _print("all", cache, anew)
    print(f"{'hits':<24}{rate:>8.0%}")
    return {"answers.hit_rate": rate, "answers.ratio_made_anew": sum(anew) / sum(cache)}


def _lookups(outcome: str) -> float:
    return REGISTRY.get_sample_value("answer_cache_lookups_total", {"outcome": outcome}) or 0


def _print(kind: str, cache: list[float], anew: list[float]) -> None:
    figures = [each * 1e3 for times in (cache, anew) for each in (median(times), sum(times) / len(times))]
    print(f"{kind:<24}{len(cache):>8}{figures[0]:>14.2f}{figures[1]:>10.2f}{figures[2]:>14.2f}{figures[3]:>10.2f}")
