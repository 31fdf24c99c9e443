"""Operations of outside engines: phases and milestones are events, everything within a phase is not."""

from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis.stateful import rule

from domain.core import Command
from domain.operation import (
    OPERATION,
    PHASES,
    Assembly4Phase,
    CloseOperation,
    MaterialPhase,
    MilestoneReached,
    OpenOperation,
    Operation,
    OperationClosed,
    OperationIdTaken,
    OperationOpened,
    OperationOver,
    OperationPhaseEntered,
    ReportStep,
    Stage,
    TopologyPhase,
    UnknownOperation,
    stage_named,
    stage_of,
)
from tests.domain.history import MACHINE, History, fold

P, OTHER, OPERATION_ID, J = (UUID(int=0x0B0 + number) for number in range(4))
IDS: dict[str, Any] = {"project_id": P, "operation_id": OPERATION_ID}
TOLD: dict[str, Any] = {**IDS, "job_id": J}
OPEN, OPENED = OpenOperation(**TOLD, name="Gym roof"), OperationOpened(**TOLD, name="Gym roof")
CLOSE, CLOSED = CloseOperation(**IDS), OperationClosed(**TOLD, outcome="completed")
SOLVING = OperationPhaseEntered(**TOLD, event_id=2, phase="solver_progress", stage=Stage.PROGRESS)


def report(event_id: int, phase: str = "solver_progress", **told: Any) -> ReportStep:
    return ReportStep(**IDS, event_id=event_id, phase=phase, **told)


def test_an_operation_is_opened_once(given: Any) -> None:
    given(OPERATION).when(OPEN).then(OPENED)
    given(OPERATION, OPENED).when(OPEN).refused(OperationIdTaken)


@pytest.mark.parametrize("command", [report(1), CLOSE])
def test_what_was_never_opened_or_belongs_to_another_project_is_unknown(given: Any, command: Command) -> None:
    given(OPERATION).when(command).refused(UnknownOperation)
    given(OPERATION, OPENED).when(msgspec.structs.replace(command, project_id=OTHER)).refused(UnknownOperation)


@pytest.mark.parametrize("command", [report(9), CLOSE])
def test_what_is_closed_stays_so(given: Any, command: Command) -> None:
    given(OPERATION, OPENED, CLOSED).when(command).refused(OperationOver)


def test_a_start_is_a_phase_and_a_milestone(given: Any) -> None:
    entered = {**TOLD, "event_id": 1, "phase": "solver_start", "stage": Stage.START, "step_index": 0, "step_total": 3}
    given(OPERATION, OPENED).when(report(1, "solver_start", step_index=0, step_total=3, items_total=40)).then(
        OperationPhaseEntered(**entered), MilestoneReached(**entered, items_total=40)
    )


def test_progress_within_a_phase_is_no_event(given: Any) -> None:
    given(OPERATION, OPENED).when(report(2)).then(SOLVING)
    given(OPERATION, OPENED, SOLVING).when(report(3, items_done=7, items_total=9)).then()


def test_a_report_may_make_a_milestone_or_unmake_one(given: Any) -> None:
    milestone = MilestoneReached(
        **TOLD, event_id=3, phase="solver_progress", stage=Stage.PROGRESS, items_done=50, items_total=100
    )
    given(OPERATION, OPENED, SOLVING).when(report(3, milestone=True, items_done=50, items_total=100)).then(milestone)
    ended = OperationPhaseEntered(**TOLD, event_id=4, phase="solver_end", stage=Stage.END)
    given(OPERATION, OPENED, SOLVING).when(report(4, "solver_end", milestone=False)).then(ended)


@pytest.mark.parametrize("event_id", [1, 2])
def test_what_comes_late_or_twice_changes_nothing(given: Any, event_id: int) -> None:
    given(OPERATION, OPENED, SOLVING).when(report(event_id, "solver_start", milestone=True)).then()


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled"])
def test_an_operation_ends_one_way_or_another(given: Any, outcome: Any) -> None:
    closed = OperationClosed(**TOLD, outcome=outcome, error="No licence.")
    given(OPERATION, OPENED, SOLVING).when(CloseOperation(**IDS, outcome=outcome, error="No licence.")).then(closed)
    assert fold(OPERATION, [OPENED, SOLVING, closed]).status == outcome


def test_an_unknown_phase_is_kept_and_counts_as_progress(given: Any) -> None:
    event = OperationPhaseEntered(**TOLD, event_id=1, phase="constraint_add_start", stage=Stage.PROGRESS)
    given(OPERATION, OPENED).when(report(1, "constraint_add_start")).then(event)


def test_every_phase_of_every_set_has_a_stage() -> None:
    every = [phase for kind in (Assembly4Phase, MaterialPhase, TopologyPhase) for phase in kind]
    assert {phase: stage_of(phase) for phase in every} == {phase: stage_named(phase.value) for phase in every}
    assert len(PHASES) == len(every), "two sets share a name"
    for phase in every:
        start, end = phase.value.endswith("_start"), phase.value.endswith("_end")
        assert not start or stage_of(phase) is Stage.START
        assert not end or stage_of(phase) is Stage.END


def test_a_phase_without_a_stage_is_an_error() -> None:
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        stage_of("bending_start")  # pyright: ignore[reportArgumentType] - what a forgotten member would be


class OperationHistory(History):
    aggregate = OPERATION

    @rule()
    def open(self) -> None:
        self.command(OPEN)

    @rule(
        event_id=st.integers(1, 20),
        phase=st.sampled_from([*PHASES, "unknown"]),
        milestone=st.sampled_from([None, True, False]),
    )
    def report(self, event_id: int, phase: str, milestone: bool | None) -> None:
        before: Operation = self.state
        events = self.command(report(event_id, phase, milestone=milestone))
        assert self.state.event_id >= before.event_id
        assert not events or event_id > before.event_id

    @rule(outcome=st.sampled_from(["completed", "failed", "cancelled"]))
    def close(self, outcome: Any) -> None:
        self.command(CloseOperation(**IDS, outcome=outcome))


TestOperationHistory = OperationHistory.TestCase
TestOperationHistory.settings = MACHINE
