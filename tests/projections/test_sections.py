"""Sums by section: exact, whole, in the bill's order, and bounded from the deepest level up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from projections.sections import MOST_SECTIONS, Path, SectionSum, differences_of

PATHS = st.lists(st.sampled_from(("A", "B", "C")), max_size=3).map(tuple)
AMOUNTS = st.decimals(-(10**14), 10**14, places=6)
SUMS = st.lists(st.builds(SectionSum, section=PATHS, before=AMOUNTS, after=AMOUNTS), max_size=20)


@given(sums=SUMS)
def test_a_section_is_the_sum_of_all_in_and_below_it(sums: list[SectionSum]) -> None:
    told = differences_of(sums)
    for each in told.items:
        below = [one for one in sums if one.section[: len(each.section)] == each.section]
        assert each.before == sum((one.before for one in below), Decimal(0))
        assert each.after == sum((one.after for one in below), Decimal(0))
        assert each.cost_effect == each.after - each.before
    effect = sum((one.after - one.before for one in sums), Decimal(0))
    assert (told.items[0].cost_effect if told.items else 0) == effect
    paths = [each.section for each in told.items]
    assert all(path[:-1] in paths[:place] for place, path in enumerate(paths) if path)
    assert told.left_out == 0


def test_exactness_outlasts_thirty_digits() -> None:
    large, small = Decimal(10) ** 33, Decimal("0.01")
    told = differences_of([summed(("A",), large), summed(("A",), small)])
    assert {str(each.after) for each in told.items} == {f"1{'0' * 33}.01"}


def test_sections_stand_in_the_bills_order_each_before_those_below_it() -> None:
    order: list[Path] = [("B", "2"), ("A",), ("B", "1"), ("B",)]
    told = differences_of(summed(path, Decimal(1)) for path in order)
    assert [each.section for each in told.items] == [(), ("B",), ("B", "2"), ("B", "1"), ("A",)]


def test_more_than_can_be_told_leaves_the_deepest_out() -> None:
    deep = [summed((f"{top}", f"{low}"), Decimal(1)) for top in range(30) for low in range(30)]
    told = differences_of(deep)
    assert (len(told.items), told.left_out) == (31, 900)
    assert {each.after for each in told.items} == {Decimal(900), Decimal(30)}
    flat = differences_of(summed((f"{top}",), Decimal(1)) for top in range(2 * MOST_SECTIONS))
    assert (len(flat.items), flat.left_out) == (MOST_SECTIONS, MOST_SECTIONS + 1)


def summed(section: Path, after: Decimal) -> SectionSum:
    return SectionSum(section=section, before=Decimal(0), after=after)
