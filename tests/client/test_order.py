from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from plumbline_client.messages import EventFrame
from plumbline_client.order import MOST_EARLY, Order


def event(sequence: int) -> EventFrame:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return EventFrame(feed="f", sequence=sequence, position=sequence, type="t", at=at, actor="a", data=Raw(b"{}"))


def passed(order: Order, *sequences: int) -> list[int]:
    return [each.sequence for sequence in sequences for each in order.accept(event(sequence))]


def test_what_is_early_waits_and_what_is_late_is_dropped() -> None:
    order = Order(4, filtered=False)
    assert passed(order, 5, 4, 7, 7, 8) == [5]
    assert not order.whole
    assert passed(order, 6, 5) == [6, 7, 8]
    assert order.whole


def test_with_a_filter_numbers_may_be_left_out() -> None:
    order = Order(0, filtered=True)
    assert passed(order, 3, 3, 2, 9) == [3, 9]
    order.promise(12)
    assert order.whole
    assert passed(order, 12, 13) == [13]


def test_a_promise_shows_that_something_is_missing() -> None:
    order = Order(0, filtered=False)
    order.promise(2)
    assert not order.whole
    assert passed(order, 1, 2) == [1, 2]
    assert order.whole


def test_what_waits_is_bounded() -> None:
    order = Order(0, filtered=False)
    assert passed(order, *range(2, MOST_EARLY + 100)) == []
    assert passed(order, 1)[-1] == MOST_EARLY + 1
    assert not order.whole


@given(st.permutations(range(1, 15)), st.lists(st.integers(1, 14)))
def test_any_arrival_comes_out_in_order_and_once(arrival: list[int], repeats: list[int]) -> None:
    order = Order(0, filtered=False)
    assert passed(order, *repeats, *arrival, *repeats) == list(range(1, 15))
