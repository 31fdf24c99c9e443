"""The queue before the log: what may share a batch, and in which order it is taken."""

from uuid import UUID

import pytest
from appending import append, write

from eventstore import Append
from eventstore.queue import MOST_APPENDS, Pending, Queue

COMMAND = UUID(int=1)


def _queue(*appends: Append) -> Queue:
    queue = Queue()
    for one in appends:
        queue.put(Pending(one, patience=1))
    return queue


def _streams(batch: list[Pending] | None) -> list[str]:
    return [write.stream for one in batch or [] for write in one.append.writes]


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
async def test_only_appends_that_do_not_meet_share_a_batch(first: Append, second: Append, together: bool) -> None:
    queue = _queue(first, second)
    batches = [[one.append for one in await queue.take() or []] for _ in range(1 if together else 2)]
    assert batches == ([[first, second]] if together else [[first], [second]])


async def test_nothing_overtakes_an_append_that_must_wait() -> None:
    queue = _queue(append(write("a")), append(write("a", 1)), append(write("b")))
    assert _streams(await queue.take()) == ["a"]
    assert _streams(await queue.take()) == ["a", "b"]


async def test_an_append_that_failed_in_company_is_taken_alone() -> None:
    queue = _queue(append(write("a")), append(write("b")), append(write("c")))
    queue._waiting[1].alone = True
    assert [_streams(await queue.take()) for _ in range(3)] == [["a"], ["b"], ["c"]]


async def test_callers_that_left_are_not_taken() -> None:
    queue = _queue(append(write("a")), append(write("b")))
    queue._waiting[0].future.cancel()
    assert _streams(await queue.take()) == ["b"]


async def test_batches_are_bounded() -> None:
    queue = _queue(*(append(write(str(number))) for number in range(3 * MOST_APPENDS)))
    assert len(_streams(await queue.take())) == MOST_APPENDS


async def test_batches_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstore.queue.MOST_BYTES", 30)
    queue = _queue(*(append(write(str(number), events=2)) for number in range(3)))
    assert [_streams(await queue.take()) for _ in range(3)] == [["0"], ["1"], ["2"]]


async def test_what_is_put_back_comes_first_and_in_its_order() -> None:
    queue = _queue(append(write("c")), append(write("d")))
    queue.put_back([Pending(append(write(stream)), patience=1) for stream in "ab"])
    assert _streams(await queue.take()) == ["a", "b", "c", "d"]


async def test_a_closed_queue_ends_once_it_is_empty() -> None:
    queue = _queue(append(write("a")))
    queue.close()
    assert _streams(await queue.take()) == ["a"]
    assert await queue.take() is None
