"""Promises of the projector: exactly once, one owner at a time, and an event that cannot be folded stops only one."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import pytest
from msgspec import structs
from psycopg import AsyncConnection

from domain.project import CreateProject, RenameProject
from eventstore import Append, EventStore, NewEvent, Write
from projections import members, positions, projects
from projections.checkpoints import Checkpoint, checkpoints
from projections.folding import Overtaken, advance
from projections.models import ALL
from projections.ownership import try_own
from projections.projection import Projection, Rows, Seen
from projections.projector import Projector
from projections.rebuild import fold_anew, rebuild
from runtime.broker import Message, open_broker
from runtime.database import Pool
from runtime.ids import new_id
from tests.projections.play import ACTIONS, Play
from tests.projections.tables import catch_up, contents, head
from tests.projections.world import World

NAMES = [projection.name for projection in ALL]
SOMEBODY = f"account:{new_id()}"


LINGER = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
    CREATE TRIGGER linger BEFORE UPDATE ON read.checkpoints FOR EACH ROW EXECUTE FUNCTION linger();
"""


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until something holds."""
    deadline = monotonic() + seconds
    while not await condition():
        assert monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[Projector]:
    """Run a projector for the length of the block."""
    stop = asyncio.Event()
    task = asyncio.create_task(projector.run(stop))
    try:
        yield projector
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def standing(connection: AsyncConnection[Any], projection: Projection) -> Checkpoint:
    return (await checkpoints(connection, [projection.name]))[projection.name]


def reached(connection: AsyncConnection[Any], position: int, *chosen: Projection) -> Callable[[], Any]:
    """Say whether these projections are at a position, for `until`."""

    async def check() -> bool:
        found = await checkpoints(connection, [projection.name for projection in chosen or ALL])
        return all(checkpoint.position >= position for checkpoint in found.values())

    return check


async def history(pool: Pool, acts: int, seed: int = 1) -> int:
    """Store a history; give the log's last position."""
    play, chance = Play(seed), random.Random(seed)  # noqa: S311 - plays
    for _ in range(acts):
        play.act(chance.choice(sorted(ACTIONS)), chance.randrange(2**32))
    return await play.world.store(pool)


async def make_project(pool: Pool, *names: str) -> int:
    world, project_id = World(), new_id()
    world.do(CreateProject(project_id=project_id, name="first"), SOMEBODY)
    for name in names:
        world.do(RenameProject(project_id=project_id, name=name), SOMEBODY)
    return await world.store(pool)


async def append_raw(pool: Pool, type_: str, data: bytes) -> int:
    """Append what no program of ours would write."""
    async with EventStore(pool) as store:
        event = Write(f"stray:{new_id()}", 0, (NewEvent(type_, data),))
        return (await store.append(Append(feed="project:stray", writes=(event,), actor="system"))).position


async def test_tables_follow_the_log_while_it_grows(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    async with running(Projector(database_url, None)):
        for seed in range(3):
            end = await history(pool, 30, seed)
        await until(reached(connection, end))
    kept = await contents(connection)
    for projection in ALL:
        await fold_anew(connection, projection)
    assert kept == await contents(connection)
    assert kept["projects"]


async def test_the_broker_tells_what_polling_would_find_later(
    database_url: str, redis_url: str, connection: AsyncConnection[Any], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.follower.IDLE", 60)
    heard: list[tuple[str, int]] = []
    async with open_broker(redis_url) as broker, open_broker(redis_url) as other:
        await other.subscribe(*(f"watermark:{projection.name}" for projection in ALL))
        async with running(Projector(database_url, broker)) as projector:
            await until(lambda: settled(projector))
            end = await make_project(pool)
            while "projects" not in dict(heard):
                other.publish("log", b"%d" % end)
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        async for item in other.messages():
                            assert isinstance(item, Message)
                            heard.append((item.channel.removeprefix("watermark:"), int(item.data)))
            await until(reached(connection, end))
    assert dict(heard)["projects"] == end


async def settled(projector: Projector) -> bool:
    """Whether all followers own their projection and have nothing left to do."""
    return all(follower.owned and follower.position == follower.head for follower in projector.followers)


async def test_a_projector_killed_again_and_again_folds_every_event_once(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    end = await history(pool, 120)
    await connection.execute("UPDATE read.checkpoints SET position = 0")
    await connection.execute(LINGER)  # else a quick projector is done before the first look at it
    kills = 0
    while not await reached(connection, end)():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.projections", database_url, "7"), stderr=asyncio.subprocess.DEVNULL
        )
        slowest = min(found.position for found in (await checkpoints(connection, NAMES)).values())
        await until(reached(connection, min(end, slowest + end // 4)))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        kills += 1
    assert kills > 1
    await connection.execute("DROP FUNCTION linger CASCADE")
    kept = await contents(connection)
    for projection in ALL:
        await fold_anew(connection, projection)
    assert kept == await contents(connection)


async def test_another_process_takes_over_when_the_owner_dies(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    async with await AsyncConnection.connect(database_url, autocommit=True) as owner:
        assert await try_own(owner, projects.PROJECTION.name)
        async with running(Projector(database_url, None, [projects.PROJECTION])) as projector:
            end = await make_project(pool)
            await asyncio.sleep(0.7)
            assert (await standing(connection, projects.PROJECTION)).position == 0
            assert not projector.followers[0].owned
            await owner.close()
            await until(reached(connection, end, projects.PROJECTION))


async def test_two_projectors_share_the_work_and_nothing_is_folded_twice(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    async with running(Projector(database_url, None)) as one, running(Projector(database_url, None)) as other:
        end = await history(pool, 40)
        await until(reached(connection, end))
        pairs = zip(one.followers, other.followers, strict=True)
        assert all(first.owned != second.owned for first, second in pairs)
    kept = await contents(connection)
    for projection in ALL:
        await fold_anew(connection, projection)
    assert kept == await contents(connection)


async def test_a_batch_that_was_stored_already_is_not_stored_again(
    connection: AsyncConnection[Any], pool: Pool
) -> None:
    end = await history(pool, 40)
    await catch_up(connection)
    kept = await contents(connection)
    for projection in ALL:
        with pytest.raises(Overtaken):
            await advance(connection, projection, 0, end)
    assert await contents(connection) == kept


async def test_an_event_that_cannot_be_decoded_stops_only_who_needs_it(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    before = await make_project(pool, "second")
    poison = await append_raw(pool, "project.renamed", b'{"project_id": 7}')
    end = await make_project(pool)
    async with running(Projector(database_url, None)) as projector:
        await until(reached(connection, end, members.PROJECTION, positions.PROJECTION))
        await until(lambda: poisoned(connection, projects.PROJECTION))
        stopped = await standing(connection, projects.PROJECTION)
        assert (stopped.position, stopped.poisoned_position) == (poison - 1, poison)
        assert stopped.error is not None
        assert f"event {poison}: Undecodable" in stopped.error
        assert [follower.projection.name for follower in projector.followers if follower.poisoned] == ["projects"]
        names = {row.name for row in (await contents(connection))["projects"]}
        assert before == poison - 1
        assert names == {"second"}


async def poisoned(connection: AsyncConnection[Any], projection: Projection) -> bool:
    return (await standing(connection, projection)).status == "poisoned"


def refusing(projection: Projection, name: str) -> Projection:
    """Give the projection with a bug: it cannot fold a project's renaming to `name`."""

    def fold(rows: Rows, seen: Seen) -> None:
        if getattr(seen.event, "name", "") == name:
            raise ZeroDivisionError("a bug")
        projection.fold(rows, seen)

    return structs.replace(projection, fold=fold)


async def test_a_poisoned_projection_goes_on_after_a_restart_with_a_fix(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    end = await make_project(pool, "second", "bad", "last")
    async with running(Projector(database_url, None, [refusing(projects.PROJECTION, "bad")])):
        await until(lambda: poisoned(connection, projects.PROJECTION))
    assert [row.name for row in (await contents(connection))["projects"]] == ["second"]
    async with running(Projector(database_url, None, [projects.PROJECTION])):
        await until(reached(connection, end, projects.PROJECTION))
    assert [row.name for row in (await contents(connection))["projects"]] == ["last"]
    assert (await standing(connection, projects.PROJECTION)).status == "running"


async def test_rows_that_the_database_refuses_are_poison_too_and_named_exactly(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    def fold(rows: Rows, seen: Seen) -> None:
        projects.PROJECTION.fold(rows, seen)
        row = rows.get(projects.ProjectRow, seen.event.project_id)
        if row is not None and row.name == "bad":
            rows.put(structs.replace(row, status="no such status"))

    end = await make_project(pool, *("good" if number % 2 else "fine" for number in range(20)), "bad")
    async with running(Projector(database_url, None, [structs.replace(projects.PROJECTION, fold=fold)])):
        await until(lambda: poisoned(connection, projects.PROJECTION))
    stopped = await standing(connection, projects.PROJECTION)
    assert (stopped.position, stopped.poisoned_position) == (end - 1, end)
    assert stopped.error is not None
    assert "CheckViolation" in stopped.error


async def test_a_rebuild_gets_its_turn_and_the_projector_goes_on_behind_it(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    async with running(Projector(database_url, None)):
        await until(reached(connection, await history(pool, 30)))
        await connection.execute("UPDATE read.projects SET name = 'spoilt'")
        told: list[tuple[str, int, int]] = []
        await asyncio.wait_for(rebuild(database_url, ["projects"], lambda *news: told.append(news)), 10)
        assert told[-1][0] == "projects"
        assert told[-1][1] == told[-1][2] == await head(connection)
        assert "spoilt" not in {row.name for row in (await contents(connection))["projects"]}
        end = await make_project(pool, "after the rebuild")
        await until(reached(connection, end))
        assert "after the rebuild" in {row.name for row in (await contents(connection))["projects"]}


async def test_a_rebuild_that_fails_leaves_the_tables_as_they_were(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    await make_project(pool, "good")
    await catch_up(connection)
    kept = await contents(connection)
    await make_project(pool, "bad")
    with pytest.raises(Exception, match="a bug"):
        await rebuild(database_url, projections=[refusing(projects.PROJECTION, "bad")])
    assert await contents(connection) == kept
    await rebuild(database_url, ["projects"])


async def test_a_rebuild_names_projections_that_are_not_there(database_url: str) -> None:
    with pytest.raises(Exception, match="no projection is named castles; there are accounts, members"):
        await rebuild(database_url, ["castles"])


async def test_tables_of_another_version_are_folded_anew(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    end = await make_project(pool, "renamed")
    await catch_up(connection)
    await connection.execute("ALTER TABLE read.projects DROP COLUMN name")
    changed = structs.replace(projects.PROJECTION, version=2)
    async with running(Projector(database_url, None, [changed])):

        async def refolded() -> bool:
            return (await standing(connection, changed)).fingerprint == changed.fingerprint

        await until(refolded)
    assert (await standing(connection, changed)).position == end
    assert [row.name for row in (await contents(connection))["projects"]] == ["renamed"]


async def test_a_lost_connection_is_made_again(database_url: str, connection: AsyncConnection[Any], pool: Pool) -> None:
    async with running(Projector(database_url, None)):
        await until(reached(connection, await history(pool, 20)))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'projection %'"
            " AND datname = current_database()"
        )
        await until(reached(connection, await history(pool, 20, seed=2)))


async def test_a_log_restored_to_an_earlier_point_is_folded_anew(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    end = await make_project(pool, "restored")
    await connection.execute("UPDATE read.checkpoints SET position = %s", (end + 5,))
    async with running(Projector(database_url, None)) as projector:
        await until(lambda: settled(projector))
    assert (await standing(connection, projects.PROJECTION)).position == end
    assert [row.name for row in (await contents(connection))["projects"]] == ["restored"]


async def test_a_changed_projection_that_meets_poison_keeps_its_old_tables(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    await make_project(pool, "bad")
    await catch_up(connection)
    changed = structs.replace(refusing(projects.PROJECTION, "bad"), version=2)
    async with running(Projector(database_url, None, [changed])):
        await until(lambda: poisoned(connection, changed))
    assert [row.name for row in (await contents(connection))["projects"]] == ["bad"]
    assert (await standing(connection, changed)).fingerprint == projects.PROJECTION.fingerprint


async def test_a_projection_whose_table_is_gone_lets_the_others_go_on_and_recovers(
    database_url: str, connection: AsyncConnection[Any], pool: Pool
) -> None:
    await connection.execute("ALTER TABLE read.projects RENAME TO elsewhere")
    async with running(Projector(database_url, None)):
        end = await make_project(pool)
        await until(reached(connection, end, members.PROJECTION))
        assert (await standing(connection, projects.PROJECTION)).position == 0
        await connection.execute("ALTER TABLE read.elsewhere RENAME TO projects")
        await until(reached(connection, end, projects.PROJECTION))
