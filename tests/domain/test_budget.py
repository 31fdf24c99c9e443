"""Positions: added, edited one by one and in bulk, and removed."""

from decimal import Decimal
from typing import Any

import pytest

from domain.budget import (
    BUDGET,
    RANK_STEP,
    AddPosition,
    BadAmount,
    BulkEdit,
    BulkItem,
    Changes,
    Edit,
    EditPosition,
    PositionAdded,
    PositionEdited,
    PositionIdTaken,
    PositionRemoved,
    RemovePosition,
    RevisionConflict,
    TwiceInBulk,
    UnknownPosition,
    difference,
)
from domain.position import Position
from tests.domain.budgets import BAD_AMOUNTS, D, P, bill, closing, history, key, line, numbers
from tests.domain.history import fold

IMPORT = bill(line(1), line(2, declared_total=D("7.00"), material_price=D(3), assembly_price=D("0.5")))
TWO = history(IMPORT)
FINER = [("quantity", "0.00001"), ("unit_price", "3.12345"), ("vat_rate", "21.005")]


def edit(number: int, expected: int | None = None, **changes: Any) -> EditPosition:
    return EditPosition(project_id=P, position_id=key(number), changes=Edit(**changes), expected_revision=expected)


def bulk(*items: tuple[int, dict[str, Any]], expected: int | None = None, **fields: Any) -> BulkEdit:
    edits = tuple(
        BulkItem(position_id=key(number), changes=Edit(**changes), expected_revision=expected)
        for number, changes in items
    )
    return BulkEdit(project_id=P, edits=edits, **fields)


def edited(number: int, revision: int = 2, **changes: Any) -> PositionEdited:
    return PositionEdited(project_id=P, position_id=key(number), revision=revision, changes=Changes(**changes))


def add(number: int, after: int | None = None, **fields: Any) -> AddPosition:
    behind = None if after is None else key(after)
    return AddPosition(project_id=P, position_id=key(number), fields=Edit(**fields), after=behind)


def remove(number: int, expected: int | None = None) -> RemovePosition:
    return RemovePosition(project_id=P, position_id=key(number), expected_revision=expected)


def test_a_position_is_added_behind_the_last_and_priced(given: Any) -> None:
    fields: dict[str, Any] = {"description": "Skirting", "quantity": D("0.5"), "unit_price": D("0.25"), "unit": "m"}
    position = Position(position_id=key(3), source="manual", total_price=D("0.13"), **fields)
    given(BUDGET, *TWO).when(add(3, **fields)).then(
        PositionAdded(project_id=P, position=position, rank=3 * RANK_STEP),
        closing(2, "user_edit", positions=3, total="14.13", delta="0.13", added=1),
    )


def test_a_budget_may_begin_with_a_position_made_by_hand(given: Any) -> None:
    given(BUDGET).when(add(1)).then(
        PositionAdded(project_id=P, position=Position(position_id=key(1), source="manual"), rank=RANK_STEP),
        closing(1, "user_edit", positions=1, total="0", added=1, currency=""),
    )


def test_a_position_is_added_between_two_others() -> None:
    assert numbers(fold(BUDGET, history(IMPORT, add(3, after=1)))) == [1, 3, 2]


def test_a_position_is_added_behind_one_that_is_there(given: Any) -> None:
    given(BUDGET, *TWO).when(add(3, after=9)).refused(UnknownPosition)


def test_the_id_of_a_position_is_never_used_again(given: Any) -> None:
    given(BUDGET, *TWO).when(add(1)).refused(PositionIdTaken)
    given(BUDGET, *history(IMPORT, remove(1))).when(add(1)).refused(PositionIdTaken)


def test_other_numbers_give_another_total_and_end_what_the_file_said_of_the_old(given: Any) -> None:
    given(BUDGET, *TWO).when(edit(2, quantity=D("0.5"), unit_price=D("0.25"))).then(
        edited(
            2,
            quantity=D("0.5"),
            unit_price=D("0.25"),
            total_price=D("0.13"),
            declared_total=None,
            material_price=None,
            assembly_price=None,
        ),
        closing(2, "user_edit", positions=2, total="7.13", delta="-6.87", modified=1),
    )


def test_other_words_leave_the_numbers_alone(given: Any) -> None:
    given(BUDGET, *TWO).when(edit(2, description="Skirting", section=("SO 01",), notes=("Oak",))).then(
        edited(2, description="Skirting", section=("SO 01",), notes=("Oak",)),
        closing(2, "user_edit", positions=2, total="14.00", modified=1),
    )


def test_other_words_leave_the_total_as_the_files_own_rounding_made_it(given: Any) -> None:
    own = bill(line(3, "0.5", "1"), document=key(99), rounding=0)
    given(BUDGET, *history(IMPORT, own)).when(edit(3, description="Skirting")).then(
        edited(3, description="Skirting"), closing(3, "user_edit", positions=3, total="15.00", modified=1)
    )


def test_a_number_is_emptied_and_costs_nothing_then(given: Any) -> None:
    given(BUDGET, *TWO).when(edit(1, unit_price=None)).then(
        edited(1, unit_price=None, total_price=None),
        closing(2, "user_edit", positions=2, total="7.00", delta="-7.00", modified=1),
    )


def test_an_empty_number_is_filled_and_costs_something_then(given: Any) -> None:
    given(BUDGET, *history(bill(line(1, None), line(2)))).when(edit(1, quantity=D(3))).then(
        edited(1, quantity=D(3), total_price=D("10.50")),
        closing(2, "user_edit", positions=2, total="17.50", delta="10.50", modified=1),
    )


def test_an_edit_of_no_effect_is_no_event(given: Any) -> None:
    given(BUDGET, *TWO).when(edit(1)).then()
    given(BUDGET, *TWO).when(edit(1, quantity=D("2.0000"), code="1", unit="")).then()
    given(BUDGET, *TWO).when(bulk((1, {"code": "1"}), (2, {}))).then()


def test_an_edit_may_insist_on_the_revision_that_its_author_saw(given: Any) -> None:
    changed = history(IMPORT, edit(1, unit="m"))
    given(BUDGET, *changed).when(edit(1, expected=2, unit="m2")).then(
        edited(1, revision=3, unit="m2"), closing(3, "user_edit", positions=2, total="14.00", modified=1)
    )
    current = fold(BUDGET, changed).positions[key(1)]
    for command in (edit(1, expected=1, unit="m2"), remove(1, expected=1), bulk((1, {"unit": "m2"}), expected=1)):
        given(BUDGET, *changed).when(command).refused(RevisionConflict, current_revision=2, current=current)


def test_edits_of_different_positions_never_conflict(given: Any) -> None:
    changed = history(IMPORT, edit(1, unit="m"))
    given(BUDGET, *changed).when(edit(2, expected=1, unit="m")).then(
        edited(2, unit="m"), closing(3, "user_edit", positions=2, total="14.00", modified=1)
    )


def test_what_is_not_in_the_budget_is_neither_edited_nor_removed(given: Any) -> None:
    gone = history(IMPORT, remove(1))
    for command in (edit(1, unit="m"), remove(1), bulk((2, {"unit": "m"}), (1, {"unit": "m"}))):
        given(BUDGET, *gone).when(command).refused(UnknownPosition)


@pytest.mark.parametrize("field", ["quantity", "unit_price", "vat_rate"])
@pytest.mark.parametrize("amount", BAD_AMOUNTS, ids=str)
def test_a_number_must_be_finite_and_below_the_largest(given: Any, field: str, amount: Decimal) -> None:
    for command in (edit(1, **{field: amount}), add(3, **{field: amount}), bulk((1, {field: amount}))):
        refusal = given(BUDGET, *TWO).when(command).refused(BadAmount, field=field)
        assert "finite number below 1000000000000000" in refusal.detail


@pytest.mark.parametrize(("field", "amount"), [*FINER, ("quantity", "1e-999999999")])
def test_a_number_must_not_have_more_decimals_than_a_budget_keeps(given: Any, field: str, amount: str) -> None:
    for command in (edit(1, **{field: D(amount)}), add(3, **{field: D(amount)}), bulk((1, {field: D(amount)}))):
        refusal = given(BUDGET, *TWO).when(command).refused(BadAmount, field=field)
        assert "decimals" in refusal.detail


@pytest.mark.parametrize("amount", ["999999999999999.9999", "-0.0001", "2.500000000", "0E+999999", "0E-999999"])
def test_a_number_of_four_decimals_is_taken_as_it_is(amount: str) -> None:
    events = history(IMPORT, edit(1, quantity=D(amount), unit_price=D(amount)))
    assert fold(BUDGET, events).positions[key(1)].quantity == D(amount)


def test_totals_are_exact_however_far_apart_the_numbers_lie() -> None:
    huge = {"quantity": D("999999999999999.9999"), "unit_price": D("999999999999999.9999")}
    small = {"quantity": D("0.1"), "unit_price": D("0.1")}
    budget = fold(BUDGET, history(bill(line(1, "0.1", "0.1")), add(2, **huge), add(3, **small), remove(2)))
    assert budget.total_cost == D("0.02")
    bulky = fold(BUDGET, history(IMPORT, bulk((1, huge), (2, small)), bulk((1, small))))
    assert bulky.total_cost == D("0.02")


def test_a_bulk_edit_is_one_version(given: Any) -> None:
    several = bulk((1, {"unit": "m"}), (2, {"quantity": D(3)}), trigger="chat_modification")
    given(BUDGET, *history(bill(line(1), line(2), line(3)))).when(several).then(
        edited(1, unit="m"),
        edited(2, quantity=D(3), total_price=D("10.50")),
        closing(2, "chat_modification", positions=3, total="24.50", delta="3.50", modified=2),
    )


def test_a_bulk_edit_is_done_whole_or_not_at_all(given: Any) -> None:
    good = (1, {"unit": "m"})
    given(BUDGET, *TWO).when(bulk(good, (9, {"unit": "m"}))).refused(UnknownPosition)
    given(BUDGET, *TWO).when(bulk(good, (2, {"quantity": D("NaN")}))).refused(BadAmount, field="quantity")
    given(BUDGET, *TWO).when(bulk(good, (2, {"unit": "m"}), (1, {"unit": "m2"}))).refused(TwiceInBulk)


def test_a_bulk_edit_counts_only_what_it_changed(given: Any) -> None:
    given(BUDGET, *TWO).when(bulk((1, {"code": "1"}), (2, {"unit": "m"}))).then(
        edited(2, unit="m"), closing(2, "user_edit", positions=2, total="14.00", modified=1)
    )


def test_a_removed_position_takes_its_cost_with_it(given: Any) -> None:
    given(BUDGET, *TWO).when(remove(1, expected=1)).then(
        PositionRemoved(project_id=P, position_id=key(1)),
        closing(2, "user_edit", positions=1, total="7.00", delta="-7.00", removed=1),
    )


def test_a_removed_position_without_a_price_costs_nothing(given: Any) -> None:
    given(BUDGET, *history(bill(line(1, None), line(2)))).when(remove(1)).then(
        PositionRemoved(project_id=P, position_id=key(1)),
        closing(2, "user_edit", positions=1, total="7.00", removed=1),
    )


def test_a_section_that_lost_a_position_is_remembered_for_its_document() -> None:
    lines = [line(number, section=("SO 01", str(number))) for number in range(5)]
    budget = fold(BUDGET, history(bill(*lines), add(9), remove(1), edit(2, section=("SO 02",)), remove(9)))
    (document,) = budget.documents.values()
    assert document.diminished == {("SO 01", "1"), ("SO 01", "2")}


def test_the_difference_of_two_positions_says_only_what_changed() -> None:
    before = line(1, notes=("Oak",))
    assert difference(before, before) == Changes()
    assert difference(before, line(1, None, notes=())) == Changes(quantity=None, notes=())
