"""The newest step of a job in Valkey: in one step, never backwards, forgotten in the end."""

import asyncio
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from runtime.ids import new_id
from runtime.progress import TTL_SECONDS, ProgressBoard, Step, engine_job, own_job

JOB = own_job(new_id())


@pytest.fixture
def board(valkey: Redis) -> ProgressBoard:
    return ProgressBoard(valkey)


def step(event_id: int, phase: str = "reading", scope: str = "1", **told: Any) -> Step:
    return Step(event_id=event_id, scope=scope, phase=phase, **told)


async def test_a_step_is_kept_field_by_field_within_its_phase(board: ProgressBoard) -> None:
    await board.tell(JOB, step(1, step_index=1, step_total=3, items_total=40, stage="start"))
    told = await board.tell(JOB, step(2, items_done=10, eta_ms=900))
    assert told is not None
    assert told.step == step(2, step_index=1, step_total=3, items_done=10, items_total=40, eta_ms=900, stage="start")
    assert await board.read(JOB) == told


async def test_another_phase_counts_its_own_items_and_another_scope_knows_nothing_yet(board: ProgressBoard) -> None:
    await board.tell(JOB, step(1, step_index=1, items_done=5, items_total=9, eta_ms=3))
    told = await board.tell(JOB, step(2, "writing"))
    assert told is not None
    assert told.step == step(2, "writing", step_index=1)
    told = await board.tell(JOB, step(3, "writing", "2"))
    assert told is not None
    assert told.step == step(3, "writing", "2")


@pytest.mark.parametrize("event_id", [1, 4, 5])
async def test_what_comes_late_or_twice_changes_nothing(board: ProgressBoard, event_id: int) -> None:
    kept = await board.tell(JOB, step(5, items_done=50))
    assert await board.tell(JOB, step(event_id, "writing", items_done=99)) is None
    assert await board.read(JOB) == kept


async def test_the_items_done_never_become_fewer_within_a_phase(board: ProgressBoard) -> None:
    await board.tell(JOB, step(1, items_done=50, items_total=100))
    told = await board.tell(JOB, step(2, items_done=40))
    assert told is not None
    assert told.step.items_done == 50


async def test_the_time_to_go_is_estimated_from_what_the_phase_took(board: ProgressBoard, valkey: Redis) -> None:
    await board.tell(JOB, step(1, items_done=0, items_total=100))
    await valkey.hincrby(JOB, "began_ms", -1000)  # it began a second ago
    told = await board.tell(JOB, step(2, items_done=50))
    assert told is not None
    assert told.step.eta_ms is not None
    assert 1000 <= told.step.eta_ms < 3000
    told = await board.tell(JOB, step(3, items_done=100))
    assert told is not None
    assert told.step.eta_ms == 0
    told = await board.tell(JOB, step(4, items_done=100, eta_ms=77))
    assert told is not None
    assert told.step.eta_ms == 77


async def test_a_crowd_of_tellers_in_any_order_leaves_the_newest(board: ProgressBoard) -> None:
    numbers = list(range(1, 101))
    Random(7).shuffle(numbers)  # noqa: S311 - a test's
    await asyncio.gather(*(board.tell(JOB, step(each, items_done=each, items_total=100)) for each in numbers))
    kept = await board.read(JOB)
    assert kept is not None
    assert (kept.step.event_id, kept.step.items_done) == (100, 100)


async def test_a_job_is_forgotten_a_day_after_its_last_step(board: ProgressBoard, valkey: Redis) -> None:
    await board.tell(JOB, step(1))
    assert TTL_SECONDS - 5 <= await valkey.ttl(JOB) <= TTL_SECONDS
    await valkey.delete(JOB)
    assert await board.read(JOB) is None
    assert await board.tell(JOB, step(1)) is not None


def test_an_engine_cannot_name_a_job_of_ours_nor_of_another_project() -> None:
    job_id = new_id()
    assert len({own_job(job_id), engine_job(new_id(), job_id), engine_job(new_id(), job_id)}) == 3
