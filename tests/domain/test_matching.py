"""Lines are found again after renumbering, moving and editing; the answer is the same every time, and fast."""

import random
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.bill import BillItem
from domain.matching import Pair, pairs_of

LINES = (
    BillItem(number="1", code="121151113", description="Sejmutí ornice strojně", unit="m2", section=("SO 1", "1")),
    BillItem(number="2", code="132151253", description="Hloubení rýh nezapažených", unit="m3", section=("SO 1", "1")),
    BillItem(number="3", code="", description="Základové pásy z betonu C 20/25", unit="m3", section=("SO 1", "2")),
    BillItem(number="4", code="", description="Bednění základových pasů zřízení", unit="m2", section=("SO 1", "2")),
)


def told(before: Sequence[BillItem], after: Sequence[BillItem]) -> list[tuple[int | None, int | None, bool]]:
    return [(pair.before, pair.after, pair.moved) for pair in pairs_of(before, after)]


def test_renumbering_hides_nothing() -> None:
    after = [replace(line, number=str(10 * at), section=("A", line.section[1])) for at, line in enumerate(LINES)]
    assert told(LINES, after) == [(0, 0, False), (1, 1, False), (2, 2, False), (3, 3, False)]


def test_codes_that_only_repeat_the_number_say_nothing() -> None:
    before = [replace(line, number=f"01.{at}", code=f"01.{at}") for at, line in enumerate(LINES)]
    shifted = [replace(line, number=f"01.{at + 1}", code=f"01.{at + 1}") for at, line in enumerate(LINES)]
    assert told(before, [*shifted]) == [(0, 0, False), (1, 1, False), (2, 2, False), (3, 3, False)]


def test_added_removed_and_moved_are_told_apart() -> None:
    new = BillItem(number="9", description="Lešení", unit="m2", section=("SO 1", "2"))
    assert told(LINES, [LINES[0], new, LINES[3], LINES[2]]) == [
        (0, 0, False),
        (1, None, False),
        (None, 1, False),
        (3, 2, False),
        (2, 3, True),
    ]
    to_other = replace(LINES[1], section=("SO 1", "2"))
    assert told([*LINES, replace(LINES[0], code="5")], [LINES[0], to_other, *LINES[2:], replace(LINES[0], code="5")])[
        1
    ] == (
        1,
        1,
        True,
    )


def test_a_changed_text_is_found_by_its_code_and_by_likeness() -> None:
    by_code = replace(LINES[1], description="Výkop rýh")
    by_words = replace(LINES[2], description="Základové pásy z betonu C 25/25")
    pairs = pairs_of(LINES, [LINES[0], by_code, by_words, LINES[3]])
    assert [pair.by for pair in pairs] == ["everything", "code", "likeness", "everything"]
    other_unit = replace(LINES[3], unit="kg")
    assert Pair(3, 0, "text") in pairs_of(LINES, [other_unit])


def test_of_equal_lines_those_of_the_same_amounts_belong_together() -> None:
    five, seven = (replace(LINES[0], quantity=Decimal(n)) for n in (5, 7))
    assert told([five, seven], [seven]) == [(0, None, False), (1, 0, False)]


lines = st.builds(
    BillItem,
    number=st.sampled_from(("1", "2", "")),
    code=st.sampled_from(("", "A", "B", "1")),
    description=st.lists(st.sampled_from(("beton", "zeď", "strop", "z", "C25")), max_size=4).map(" ".join),
    unit=st.sampled_from(("m2", "m3")),
    section=st.sampled_from(((), ("1",), ("2",))),
    quantity=st.sampled_from((None, Decimal(1), Decimal(2))),
)


@settings(deadline=None)
@given(before=st.lists(lines, max_size=12), after=st.lists(lines, max_size=12))
def test_every_line_of_both_is_told_once_and_always_the_same(before: list[BillItem], after: list[BillItem]) -> None:
    pairs = pairs_of(before, after)
    assert sorted(pair.before for pair in pairs if pair.before is not None) == list(range(len(before)))
    assert [pair.after for pair in pairs if pair.after is not None] == list(range(len(after)))
    assert pairs == pairs_of(before, after)
    assert all((pair.by is None) == (pair.before is None or pair.after is None) for pair in pairs)


@settings(deadline=None)
@given(before=st.lists(lines, max_size=12))
def test_a_document_does_not_differ_from_itself(before: list[BillItem]) -> None:
    assert told(before, before) == [(at, at, False) for at in range(len(before))]


def test_four_times_the_lines_are_matched_with_about_four_times_the_calls() -> None:
    def bill(count: int) -> list[BillItem]:
        chance = random.Random(7)  # noqa: S311 - a test's
        words = [f"slovo{n}" for n in range(3_000)]
        return [
            BillItem(
                number=str(n), description=" ".join(chance.choices(words, k=7)), unit="m2", section=(str(n // 50),)
            )
            for n in range(count)
        ]

    def calls(count: int) -> int:
        before = bill(count)
        after = [replace(line, number=f"x{line.number}", description=f"{line.description} nově") for line in before]
        called = Counter[str]()
        sys.setprofile(lambda _frame, what, _argument: called.update((what,)))
        try:
            pairs = pairs_of(before, after)
        finally:
            sys.setprofile(None)
        assert all(pair.before == pair.after and not pair.moved for pair in pairs)
        return called["call"] + called["c_call"]

    few = calls(1_000)
    assert calls(4_000) < 8 * few
