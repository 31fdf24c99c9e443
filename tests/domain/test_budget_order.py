"""The order of positions: moves, and the room that they need."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.budget import (
    BUDGET,
    RANK_STEP,
    AddPosition,
    Budget,
    BudgetCommand,
    ChangeCounts,
    Edit,
    EditPosition,
    MovePosition,
    PositionMoved,
    RevisionConflict,
    UnknownPosition,
)
from domain.core import Event
from tests.domain.budgets import P, bill, closing, history, key, last, line, numbers
from tests.domain.history import context, decided, fold

FOUR = history(bill(*(line(number, section=("SO 01",)) for number in (1, 2, 3, 4))))


def move(number: int, after: int | None, section: tuple[str, ...] | None = None, **fields: Any) -> MovePosition:
    behind = None if after is None else key(after)
    return MovePosition(project_id=P, position_id=key(number), after=behind, section=section, **fields)


def moved(number: int, rank: int, revision: int = 2, section: tuple[str, ...] | None = None) -> PositionMoved:
    return PositionMoved(project_id=P, position_id=key(number), revision=revision, rank=rank, section=section)


def keep(command: BudgetCommand, budget: Budget) -> list[Event]:
    """Carry out a command on a budget that goes on."""
    events = decided(BUDGET, budget, command, context())
    fold(BUDGET, events, budget)
    return events


@pytest.mark.parametrize(
    ("number", "after", "rank"),
    [
        (3, None, RANK_STEP // 2),
        (1, 3, 3 * RANK_STEP + RANK_STEP // 2),
        (4, 1, RANK_STEP + RANK_STEP // 2),
        (1, 4, 5 * RANK_STEP),
    ],
)
def test_a_position_moves_between_its_new_neighbours(given: Any, number: int, after: int | None, rank: int) -> None:
    given(BUDGET, *FOUR).when(move(number, after)).then(
        moved(number, rank), closing(2, "user_edit", positions=4, total="28.00", modified=1)
    )


def test_a_position_moves_into_another_section(given: Any) -> None:
    budget = fold(BUDGET, [*FOUR, moved(2, 9 * RANK_STEP, section=("SO 02",))])
    assert budget.positions[key(2)].section == ("SO 02",)
    assert numbers(budget) == [1, 3, 4, 2]
    given(BUDGET, *FOUR).when(move(2, 4, ("SO 02",), expected_revision=1)).then(
        moved(2, 5 * RANK_STEP, section=("SO 02",)), closing(2, "user_edit", 4, "28.00", modified=1)
    )


@pytest.mark.parametrize("after", [1, 2])
def test_a_position_that_stays_may_still_change_its_section(given: Any, after: int) -> None:
    given(BUDGET, *FOUR).when(move(2, after, ("SO 02",))).then(
        moved(2, 2 * RANK_STEP, section=("SO 02",)), closing(2, "user_edit", 4, "28.00", modified=1)
    )


@pytest.mark.parametrize(("number", "after"), [(1, None), (1, 1), (2, 1), (2, 2), (4, 3), (4, 4)])
def test_a_move_to_where_a_position_stands_is_no_event(given: Any, number: int, after: int | None) -> None:
    given(BUDGET, *FOUR).when(move(number, after)).then()
    given(BUDGET, *FOUR).when(move(number, after, ("SO 01",))).then()


def test_only_what_is_there_moves_and_only_behind_what_is_there(given: Any) -> None:
    given(BUDGET, *FOUR).when(move(9, 1)).refused(UnknownPosition)
    given(BUDGET, *FOUR).when(move(1, 9)).refused(UnknownPosition)


def test_a_move_may_insist_on_the_revision_that_its_author_saw(given: Any) -> None:
    current = fold(BUDGET, FOUR).positions[key(1)]
    given(BUDGET, *FOUR).when(move(1, 3, expected_revision=4)).refused(
        RevisionConflict, current_revision=1, current=current
    )


def swap_first(_turn: int, standing: list[int]) -> tuple[BudgetCommand, int, int]:
    return move(standing[1], None), standing[1], 0


def rotate(_turn: int, standing: list[int]) -> tuple[BudgetCommand, int, int]:
    return move(standing[3], standing[0]), standing[3], 1


def insert_second(turn: int, standing: list[int]) -> tuple[BudgetCommand, int, int]:
    number = 100 + turn
    return AddPosition(project_id=P, position_id=key(number), fields=Edit(), after=key(standing[0])), number, 1


def insert_onwards(turn: int, standing: list[int]) -> tuple[BudgetCommand, int, int]:
    number, behind = 100 + turn, standing[turn]
    return AddPosition(project_id=P, position_id=key(number), fields=Edit(), after=key(behind)), number, turn + 1


@pytest.mark.parametrize("push", [swap_first, rotate, insert_second, insert_onwards])
def test_each_of_many_moves_to_one_place_shifts_a_handful(
    push: Callable[[int, list[int]], tuple[BudgetCommand, int, int]],
) -> None:
    budget = fold(BUDGET, history(bill(*(line(number) for number in range(60)))))
    turns, shifts = 300, 0
    for turn in range(turns):
        standing = numbers(budget)
        command, number, place = push(turn, standing)
        shifts += len(keep(command, budget)) - 2
        others = [each for each in standing if each != number]
        assert numbers(budget) == [*others[:place], number, *others[place:]]
        assert len(set(budget.ranks.values())) == len(budget.ranks)
    assert 0 < shifts < 6 * turns


def test_room_is_made_to_the_end_where_all_neighbours_stand_close() -> None:
    budget = fold(BUDGET, history(bill(line(0), line(1))))
    for turn in range(60):
        keep(insert_onwards(turn, numbers(budget))[0], budget)
    assert numbers(budget) == [0, *range(100, 160), 1]


def test_a_neighbour_that_makes_room_is_not_changed() -> None:
    budget, turn = fold(BUDGET, FOUR), 0
    while len(events := keep(insert_second(turn, numbers(budget))[0], budget)) == 2:
        turn += 1
    shifted = [event.position_id for event in events if isinstance(event, PositionMoved)]
    assert {budget.positions[position_id].revision for position_id in shifted} == {1}
    assert last(events).changes == ChangeCounts(added=1)
    edit = EditPosition(project_id=P, position_id=shifted[0], changes=Edit(unit="m"), expected_revision=1)
    assert keep(edit, budget)
