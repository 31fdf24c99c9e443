"""Answers from the cache are the answers that would be made now, whatever happened, and for whoever may read them."""

from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CollectorRegistry
from redis.asyncio import Redis

from domain.budget import AddPosition, Edit, EditPosition
from domain.core import Refused
from domain.project import AcceptInvitation, InviteMember, RemoveMember, UnknownProject
from projections import positions
from projections.asking import Query
from projections.differences import DiffVersions
from projections.findings import ListFindings
from projections.members import ListMembers
from projections.models import ALL
from projections.position_questions import ListPositions
from projections.queries import _BY_TYPE, Queries  # pyright: ignore[reportPrivateUsage] - which questions are cached
from projections.rebuild import fold_anew
from projections.variation_details import GetVariation
from projections.watermarks import StaleRead
from runtime.cache import AnswerCache
from runtime.ids import new_id
from runtime.telemetry import REGISTRY
from tests.projections.play import THROUGH_THE_DATABASE, Play, steps
from tests.projections.shelf import EDITOR, OUTSIDER, OWNER, Shelf
from tests.projections.tables import catch_up
from tests.projections.world import account

CACHED = {ListPositions, ListFindings, DiffVersions, GetVariation}


@pytest.fixture
def cached(shelf: Shelf, valkey: Redis) -> Shelf:
    """Read models that are kept up by hand, with a cache beside their queries."""
    shelf.queries = Queries(shelf.pool, shelf.queries.vault, shelf.blobs, cache=AnswerCache(valkey))
    return shelf


def hits(registry: CollectorRegistry = REGISTRY) -> float:
    return registry.get_sample_value("answer_cache_lookups_total", {"outcome": "hit"}) or 0


async def told(shelf: Shelf, query: Query, actor: str = OWNER, *, admin: bool = False) -> tuple[Any, ...]:
    """Give all that a query comes to, a refusal as well, as it is sent."""
    try:
        answer = await shelf.answer(query, actor, admin=admin)
    except Refused as refusal:
        return (type(refusal), refusal.extra)
    return msgspec.json.encode(answer.body), answer.position, answer.sequence, answer.epoch


def asked(play: Play, project_id: UUID) -> list[Query]:
    """Ask everything that is cached, some of it in several ways."""
    version = play.budget(project_id).version
    variations = list(play.budget(project_id).variations)
    project: dict[str, Any] = {"project_id": project_id}
    return [
        ListPositions(**project),
        ListPositions(**project, limit=2, version=max(1, version)),
        ListPositions(**project, verdict="RED"),
        ListFindings(**project),
        DiffVersions(**project, a=1, b=max(1, version)),
        GetVariation(**project, variation_id=play.random.choice(variations) if variations else new_id()),
    ]


def test_the_test_below_asks_everything_that_is_cached() -> None:
    assert {query for query, question in _BY_TYPE.items() if question.cached} == CACHED
    play = Play(0)
    assert {type(query) for query in asked(play, play.projects[0])} == CACHED


@THROUGH_THE_DATABASE
@given(chosen=steps, seed=st.integers(0, 2**32))
async def test_a_cached_answer_is_the_one_that_would_be_made_now(
    cached: Shelf, chosen: list[tuple[str, int]], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While projections come behind one by one, and tables are made anew."""
    monkeypatch.setattr("projections.watermarks.PATIENCE", 0.01)  # who waits for one that lags is refused soon
    random, play = Random(seed), Play(0)  # noqa: S311 - plays, guards nothing
    cached.world = play.world
    plain = Shelf(cached.connection, cached.pool, cached.queries.vault, cached.blobs)
    before = hits()
    while chosen:
        for action, step_seed in chosen[:10]:
            play.act(action, step_seed)
        del chosen[:10]
        await play.world.store(cached.pool)
        for projections in (random.sample(ALL, len(ALL) // 2), ALL):
            await catch_up(cached.connection, projections)
            if random.random() < 0.2:
                await fold_anew(cached.connection, random.choice(ALL))
            for project_id in play.projects:
                for query in asked(play, project_id):
                    for person in (*play.people, play.people[0]):
                        kept, made = await told(cached, query, person), await told(plain, query, person)
                        assert kept == made or StaleRead in {kept[0], made[0]}
    assert hits() > before


async def some_position(shelf: Shelf) -> tuple[UUID, UUID]:
    """Make a project with one position and a second member."""
    project_id, position_id = shelf.project(), new_id()
    fields = Edit(description="Concrete")
    shelf.world.do(AddPosition(project_id=project_id, position_id=position_id, fields=fields), OWNER)
    shelf.world.do(InviteMember(project_id=project_id, account_id=account(EDITOR), role="editor"), OWNER)
    shelf.world.do(AcceptInvitation(project_id=project_id), EDITOR)
    await shelf.keep_up()
    return project_id, position_id


async def test_one_members_answer_serves_the_others_until_something_happens(cached: Shelf) -> None:
    project_id, position_id = await some_position(cached)
    query = ListPositions(project_id=project_id)
    before = hits()
    first = await told(cached, query)
    assert hits() == before
    assert await told(cached, query, EDITOR) == first
    assert await told(cached, query, OUTSIDER, admin=True) == first
    assert hits() == before + 2
    changes = Edit(description="Reinforced concrete")
    cached.world.do(EditPosition(project_id=project_id, position_id=position_id, changes=changes), EDITOR)
    position = await cached.keep_up()
    body, reached, *_ = await told(cached, ListPositions(project_id=project_id, after=position))
    assert b"Reinforced" in body
    assert reached == position
    assert hits() == before + 2


async def test_what_is_kept_shows_nothing_to_whoever_may_not_read_it(cached: Shelf) -> None:
    project_id, _ = await some_position(cached)
    query = ListPositions(project_id=project_id)
    for member in (OWNER, EDITOR):
        await cached.ask(query, member)
    with pytest.raises(UnknownProject):
        await cached.ask(query, OUTSIDER)
    cached.world.do(RemoveMember(project_id=project_id, account_id=account(EDITOR)), OWNER)
    await cached.keep_up()
    await cached.ask(query)
    with pytest.raises(UnknownProject):
        await cached.ask(query, EDITOR)


async def test_other_projects_events_leave_a_projects_answers_alone(cached: Shelf) -> None:
    project_id, _ = await some_position(cached)
    query = ListPositions(project_id=project_id, snapshot=True)
    first = await told(cached, query)
    await some_position(cached)
    before = hits()
    body, position, *place = await told(cached, query)
    assert (body, place) == (first[0], list(first[2:]))
    assert position > first[1]
    assert hits() == before + 1


async def test_tables_made_anew_are_read_anew(cached: Shelf) -> None:
    project_id, _ = await some_position(cached)
    query = ListPositions(project_id=project_id)
    await cached.connection.execute("UPDATE read.positions SET description = 'damaged'")
    assert b"damaged" in (await told(cached, query))[0]
    assert b"damaged" in (await told(cached, query))[0]
    await fold_anew(cached.connection, positions.PROJECTION)
    assert b"damaged" not in (await told(cached, query))[0]


async def test_texts_of_persons_are_not_kept(cached: Shelf, valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id, _ = await some_position(cached)
    personal = msgspec.structs.replace(_BY_TYPE[ListMembers], cached=True)
    monkeypatch.setitem(_BY_TYPE, ListMembers, personal)
    for _ in range(2):
        assert len((await cached.ask(ListMembers(project_id=project_id))).items) == 2
    assert not await valkey.exists(f"answers:project:{project_id}")
