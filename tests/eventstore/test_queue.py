"""The queue before the log: what may be on its way at the same time, and how a crowd is divided."""

import asyncio
from uuid import UUID

import pytest
from appending import append, write

from eventstore import Append
from eventstore.queue import MOST_APPENDS, SPLIT, Batch, Pending, Queue

COMMAND = UUID(int=1)


def _queue(*appends: Append) -> Queue:
    queue = Queue()
    for one in appends:
        queue.put(Pending(one, patience=1))
    return queue


def _streams(batch: Batch | None) -> list[str]:
    return [write.stream for one in batch.pending for write in one.append.writes] if batch else []


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (append(write("a")), append(write("b")), True),
        (append(write("a"), pins=(("p", 1),)), append(write("b"), pins=(("p", 1),)), True),
        (append(write("a")), append(write("a", 1)), False),
        (append(write("a")), append(write("b"), pins=(("a", 1),)), False),
        (append(write("b"), pins=(("a", 1),)), append(write("a", 1)), False),
        (append(write("a"), write("b")), append(write("c"), write("b", 1)), False),
        (append(write("a"), command_id=COMMAND), append(write("b"), command_id=COMMAND), False),
    ],
)
async def test_only_appends_that_do_not_meet_are_on_their_way_together(
    first: Append, second: Append, together: bool
) -> None:
    queue = _queue(first, second)
    batch = await queue.take()
    assert batch is not None
    assert [one.append for one in batch.pending] == ([first, second] if together else [first])
    if not together:
        later = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        assert not later.done()
        queue.finish(batch)
        taken = await later
        assert taken is not None
        assert [one.append for one in taken.pending] == [second]


async def test_nothing_overtakes_an_append_that_must_wait() -> None:
    queue = _queue(append(write("a")), append(write("a", 1)), append(write("b")))
    batch = await queue.take()
    assert _streams(batch) == ["a"]
    assert queue._gather() is None


async def test_a_crowd_is_taken_in_halves_and_a_few_at_once() -> None:
    few = _queue(*(append(write(str(number))) for number in range(SPLIT - 1)))
    assert len(_streams(await few.take())) == SPLIT - 1
    crowd = _queue(*(append(write(str(number))) for number in range(SPLIT)))
    first, second = await crowd.take(), await crowd.take()
    assert _streams(first) + _streams(second) == [str(number) for number in range(SPLIT)]
    assert len(_streams(first)) == SPLIT // 2


async def test_batches_are_bounded() -> None:
    queue = _queue(*(append(write(str(number))) for number in range(3 * MOST_APPENDS)))
    assert len(_streams(await queue.take())) == MOST_APPENDS


async def test_batches_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstore.queue.MOST_BYTES", 30)
    queue = _queue(*(append(write(str(number), events=2)) for number in range(3)))
    assert [len(_streams(await queue.take())) for _ in range(3)] == [1, 1, 1]


async def test_what_is_put_back_comes_first_and_in_its_order() -> None:
    queue = _queue(append(write("c")), append(write("d")))
    queue.put_back([Pending(append(write(stream)), patience=1) for stream in "ab"])
    assert _streams(await queue.take()) == ["a", "b", "c", "d"]


async def test_a_closed_queue_ends_once_it_is_empty() -> None:
    queue = _queue(append(write("a")))
    queue.close()
    assert _streams(await queue.take()) == ["a"]
    assert await queue.take() is None
