import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.checker import Broken, Seen, check


def history(count: int) -> list[Seen]:
    return [Seen(number, 10 + number, "project.renamed", b"%d" % number) for number in range(1, count + 1)]


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_whole_history_passes(count: int, after: int) -> None:
    check(history(count), history(count)[after:], after=after)


@given(st.data(), st.integers(2, 20))
def test_a_planted_gap_is_found(data: st.DataObject, count: int) -> None:
    delivered = history(count)
    del delivered[data.draw(st.integers(0, count - 1))]
    with pytest.raises(Broken, match=r"a gap|events came"):
        check(history(count), delivered)


@given(st.data(), st.integers(1, 20))
def test_a_planted_repeat_is_found(data: st.DataObject, count: int) -> None:
    delivered = history(count)
    place = data.draw(st.integers(0, count - 1))
    delivered.insert(data.draw(st.integers(place, count)), delivered[place])
    with pytest.raises(Broken, match=r"a repeat|a gap"):
        check(history(count), delivered)


@given(st.data(), st.integers(2, 20))
def test_a_planted_swap_is_found(data: st.DataObject, count: int) -> None:
    delivered = history(count)
    one, other = data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=2, unique=True))
    delivered[one], delivered[other] = delivered[other], delivered[one]
    with pytest.raises(Broken, match="a gap"):
        check(history(count), delivered)


def test_other_contents_and_an_early_end_are_found() -> None:
    delivered = history(3)
    delivered[1] = Seen(2, 12, "project.renamed", b"forged")
    with pytest.raises(Broken, match="is stored"):
        check(history(3), delivered)
    with pytest.raises(Broken, match="2 of 3"):
        check(history(3), history(2))
    with pytest.raises(Broken, match="the log itself"):
        check([*history(2), Seen(4, 14, "x", b"")], history(2))
