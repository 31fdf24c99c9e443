"""Versions: recalculated, restored, named."""

from typing import Any

import pytest
from msgspec import structs

from domain.bill import Rounding
from domain.budget import (
    BUDGET,
    RANK_STEP,
    BudgetCommand,
    Changes,
    Edit,
    EditPosition,
    MovePosition,
    NameVersion,
    PositionAdded,
    PositionEdited,
    PositionRemoved,
    Recalculate,
    RemovePosition,
    RestoreVersion,
    UnknownVersion,
    VersionNamed,
)
from tests.domain.budgets import SECOND, D, P, at_version, bill, closing, history, key, line, numbers
from tests.domain.history import fold

IMPORT = bill(line(1, "0.125", "1"), line(2, "0.5", "1"), line(3, None, "1"))
NAME, NAMED = NameVersion(project_id=P, version=1, name="Tender"), VersionNamed(project_id=P, version=1, name="Tender")


def edit(number: int, **changes: Any) -> EditPosition:
    return EditPosition(project_id=P, position_id=key(number), changes=Edit(**changes))


def remove(number: int) -> RemovePosition:
    return RemovePosition(project_id=P, position_id=key(number))


def restore(version: int) -> RestoreVersion:
    return RestoreVersion(project_id=P, version=version)


def edited(number: int, revision: int, **changes: Any) -> PositionEdited:
    return PositionEdited(project_id=P, position_id=key(number), revision=revision, changes=Changes(**changes))


def test_every_total_is_computed_again_to_other_decimals(given: Any) -> None:
    given(BUDGET, *history(IMPORT)).when(Recalculate(project_id=P, rounding=0)).then(
        edited(1, 2, total_price=D(0)),
        edited(2, 2, total_price=D(1)),
        closing(2, "recalculation", positions=3, total="1", delta="0.37", modified=2, rounding=0),
    )


def test_computing_again_what_is_right_is_no_event(given: Any) -> None:
    for rounding in (None, 2):
        given(BUDGET, *history(IMPORT)).when(Recalculate(project_id=P, rounding=rounding)).then()


def test_another_rounding_is_a_version_even_where_no_total_differs(given: Any) -> None:
    given(BUDGET, *history(bill(line(1)))).when(Recalculate(project_id=P, rounding=4)).then(
        closing(2, "recalculation", positions=1, total="7.00", summary="nothing but its rounding", rounding=4)
    )


def test_lines_of_a_document_that_rounds_otherwise_keep_to_its_rounding(given: Any) -> None:
    whole = bill(line(4, "0.5", "1"), document=SECOND, rounding=0)
    edits = history(IMPORT, whole, edit(4, quantity=D("1.5")))
    given(BUDGET, *edits).when(Recalculate(project_id=P)).then()
    assert fold(BUDGET, edits).positions[key(4)].total_price == D(2)


def test_computing_again_brings_all_lines_to_the_rounding_that_is_named(given: Any) -> None:
    whole = bill(line(4, "0.5", "1"), document=SECOND, rounding=0)
    given(BUDGET, *history(IMPORT, whole)).when(Recalculate(project_id=P, rounding=2)).then(
        edited(4, 2, total_price=D("0.50"), rounding=None),
        closing(3, "recalculation", positions=4, total="1.13", delta="-0.50", modified=1),
    )


def test_the_factors_of_a_line_are_rounded_where_its_document_does(given: Any) -> None:
    stated = line(1, "1.0005", "0.125", rounding=Rounding(quantity=3, unit_price=2))
    budget = fold(BUDGET, history(bill(stated)))
    assert budget.positions[key(1)].total_price == D("0.13")
    given(BUDGET, *history(bill(stated))).when(Recalculate(project_id=P, rounding=6)).then(
        edited(1, 2, total_price=D("0.125063"), rounding=None),
        closing(2, "recalculation", positions=1, total="0.125063", delta="-0.004937", modified=1, rounding=6),
    )


def test_alternatives_and_optional_lines_cost_nothing() -> None:
    budget = fold(BUDGET, history(bill(line(1, role="alternative"), line(2, role="optional"), line(3))))
    assert [budget.positions[key(at)].total_price is None for at in (1, 2, 3)] == [True, True, False]
    assert budget.total_cost == budget.positions[key(3)].total_price


def test_a_restored_version_is_a_new_version_of_the_same_positions(given: Any) -> None:
    move = MovePosition(project_id=P, position_id=key(3), after=None)
    events = history(IMPORT, remove(1), edit(2, quantity=D(4)), move, bill(line(4), document=SECOND))
    priced = structs.replace(line(1, "0.125", "1"), total_price=D("0.13"), revision=2)
    given(BUDGET, *events).when(restore(1), given=at_version(events, 1)).then(
        PositionRemoved(project_id=P, position_id=key(4)),
        PositionAdded(project_id=P, position=priced, rank=RANK_STEP),
        edited(2, 3, quantity=D("0.5"), total_price=D("0.50")),
        edited(3, 3, rank=3 * RANK_STEP),
        closing(6, "restore", 3, "0.63", "-10.37", added=1, removed=1, modified=2, trigger_details={"version": 1}),
    )


def test_what_a_file_said_of_the_old_numbers_comes_back_with_them() -> None:
    stated = line(1, declared_total=D("7.00"), material_price=D(3), assembly_price=D("0.5"))
    budget = fold(BUDGET, history(bill(stated), edit(1, quantity=D(4)), restore(1)))
    assert budget.positions[key(1)] == structs.replace(stated, total_price=D("7.00"), revision=3)


def test_a_rounding_comes_back_even_where_no_total_differs(given: Any) -> None:
    events = history(bill(line(1)), Recalculate(project_id=P, rounding=4))
    given(BUDGET, *events).when(restore(1), given=at_version(events, 1)).then(
        closing(3, "restore", 1, "7.00", summary="nothing but its rounding", trigger_details={"version": 1}, rounding=2)
    )


def test_restoring_an_order_that_is_there_is_no_event(given: Any) -> None:
    away_and_back = (
        MovePosition(project_id=P, position_id=key(2), after=key(3)),
        MovePosition(project_id=P, position_id=key(3), after=key(2)),
    )
    events = history(IMPORT, *away_and_back)
    assert fold(BUDGET, events).ranks != at_version(events, 1).ranks
    given(BUDGET, *events).when(restore(1), given=at_version(events, 1)).then()


def test_restoring_what_is_there_is_no_event(given: Any) -> None:
    undone = history(IMPORT, edit(1, unit="m"), edit(1, unit=""))
    for version in (1, 3):
        given(BUDGET, *undone).when(restore(version), given=at_version(undone, version)).then()


def test_a_position_counts_its_revisions_on_through_removal_and_return() -> None:
    events = history(IMPORT, edit(1, unit="m"), remove(1), restore(1), remove(1), restore(2))
    budget = fold(BUDGET, events)
    assert budget.positions[key(1)].revision == 4
    assert budget.positions[key(1)].unit == "m"
    assert numbers(budget) == [1, 2, 3]
    assert budget.removed == {}


@pytest.mark.parametrize("command", [restore(2), structs.replace(NAME, version=2)])
def test_a_version_that_never_was_is_neither_restored_nor_named(given: Any, command: BudgetCommand) -> None:
    events = history(IMPORT)
    refusal = given(BUDGET, *events).when(command, given=fold(BUDGET, events)).refused(UnknownVersion)
    assert refusal.detail == "The budget has the versions 1 to 1."


def test_a_version_gets_a_name_and_later_another(given: Any) -> None:
    events = history(IMPORT)
    given(BUDGET, *events).when(NAME).then(NAMED)
    given(BUDGET, *events, NAMED).when(NAME).then()
    given(BUDGET, *events, NAMED).when(structs.replace(NAME, name="Contract")).then(
        VersionNamed(project_id=P, version=1, name="Contract")
    )
    assert fold(BUDGET, [*events, NAMED]).names == {1: "Tender"}
