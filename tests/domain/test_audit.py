"""Audits: findings in parts, conflicts between roles, and the last word of people."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.audit import (
    AUDIT,
    AuditCancelled,
    AuditCompleted,
    AuditIdTaken,
    AuditNotRunning,
    AuditRunning,
    AuditStarted,
    CancelAudit,
    CarryOverrides,
    CompleteAudit,
    ConflictRaised,
    ConflictResolved,
    FindingsRecorded,
    NothingToAudit,
    Override,
    OverridesCarried,
    OverrideVerdict,
    PartMissing,
    PositionNotAudited,
    RaiseConflict,
    RecordFindings,
    ResolveConflict,
    Scope,
    StartAudit,
    UnknownAudit,
    UnknownConflict,
    VerdictOverridden,
    counted,
)
from domain.core import Command, Event
from domain.experts.finding import Finding, Issue, Suggestion, Verdict
from domain.experts.settings import AuditSettings
from tests.domain.history import ALICE, MACHINE, NOW, History, actor, context, fold

P, OTHER_PROJECT, A, CONFLICT = (UUID(int=0xA0D1 + number) for number in range(4))
POSITIONS = tuple(UUID(int=0xB0B + number) for number in range(4))
OTHER_AUDIT = UUID(int=0xA0DF)
STRICT = AuditSettings(profile="en206", design_life=100)
SCOPE = Scope(version=7, rules=("V1", "V4"), settings=STRICT, previous=OTHER_AUDIT)

FINDING = Finding(
    rule="V1",
    expert_role="validator",
    recommendation="RED",
    reasoning="12 times 3.50 is 42.00, the file says 44.00.",
    position_id=POSITIONS[0],
    evidence={"quantity": "12", "unit_price": "3.50", "declared_total": "44.00"},
    issues=(Issue(type="wrong_total", severity="error", description="Off by 2.00.", suggestion="Correct the total."),),
    suggestions=(Suggestion(action="Take 42.00.", benefit="The sum is right.", risk="None known."),),
)


def part(number: int, *positions: UUID, verdict: Verdict = "RED") -> RecordFindings:
    return RecordFindings(
        project_id=P,
        audit_id=A,
        part=number,
        outcomes=dict.fromkeys(positions, "RG"),
        verdicts=dict.fromkeys(positions, verdict),
        findings=(FINDING,),
    )


def recorded_part(number: int, *positions: UUID) -> FindingsRecorded:
    return FindingsRecorded(**msgspec.structs.asdict(part(number, *positions)))


def decided(verdict: Verdict, reason: str, revision: int = 1) -> Override:
    return Override(
        position_id=POSITIONS[0], verdict=verdict, reason=reason, revision=revision, by=actor(ALICE), at=NOW
    )


START = StartAudit(project_id=P, audit_id=A)
STARTED = AuditStarted(project_id=P, audit_id=A, version=7, rules=("V1", "V4"), settings=STRICT, previous=OTHER_AUDIT)
COMPLETE = CompleteAudit(project_id=P, audit_id=A, rules={"V1": {"GREEN": 1, "RED": 1}})
COMPLETED = AuditCompleted(
    project_id=P,
    audit_id=A,
    version=7,
    verdicts={"GREEN": 0, "AMBER": 0, "RED": 2, "NOT_CHECKED": 0},
    rules={"V1": {"GREEN": 1, "RED": 1}},
)
CANCEL, CANCELLED = CancelAudit(project_id=P, audit_id=A), AuditCancelled(project_id=P, audit_id=A)
RAISE = RaiseConflict(
    project_id=P,
    audit_id=A,
    conflict_id=CONFLICT,
    position_id=POSITIONS[0],
    rules=("V1", "C2"),
    description="Right sum, but far off the usual price.",
)
RAISED = ConflictRaised(**msgspec.structs.asdict(RAISE))
RESOLVE = ResolveConflict(
    project_id=P, audit_id=A, conflict_id=CONFLICT, verdict="AMBER", by="person", resolution="The price is agreed."
)
RESOLVED = ConflictResolved(
    position_id=POSITIONS[0], override=decided("AMBER", "The price is agreed."), **msgspec.structs.asdict(RESOLVE)
)
OVERRIDE = OverrideVerdict(
    project_id=P, audit_id=A, position_id=POSITIONS[0], verdict="GREEN", reason="Checked on the drawing."
)
OVERRIDDEN = VerdictOverridden(override=decided("GREEN", "Checked on the drawing."), **msgspec.structs.asdict(OVERRIDE))
CARRY = CarryOverrides(project_id=P, audit_id=A, overrides=(decided("GREEN", "Checked on the drawing."),))
CARRIED = OverridesCarried(project_id=P, audit_id=A, overrides=CARRY.overrides)
WHILE_RUNNING: list[Command] = [part(1, *POSITIONS), RAISE, CARRY, COMPLETE, CANCEL]
LATER: list[Command] = [*WHILE_RUNNING, RESOLVE, OVERRIDE]
PARTS = (recorded_part(1, POSITIONS[0]), recorded_part(2, POSITIONS[1]))


def test_an_audit_looks_at_the_budget_as_it_is_now(given: Any) -> None:
    given(AUDIT).when(START, given=SCOPE).then(STARTED)


@pytest.mark.parametrize("version", [1, 3, 7])
def test_an_audit_looks_at_the_version_that_is_asked_for(given: Any, version: int) -> None:
    asked = msgspec.structs.replace(STARTED, version=version)
    given(AUDIT).when(StartAudit(project_id=P, audit_id=A, version=version), given=SCOPE).then(asked)


@pytest.mark.parametrize(("version", "scope"), [(8, SCOPE), (None, Scope(version=0, rules=("V1",)))])
def test_there_must_be_a_version_to_look_at(given: Any, version: int | None, scope: Scope) -> None:
    given(AUDIT).when(StartAudit(project_id=P, audit_id=A, version=version), given=scope).refused(NothingToAudit)


def test_two_audits_do_not_share_an_id(given: Any) -> None:
    given(AUDIT, STARTED).when(START, given=SCOPE).refused(AuditIdTaken)


@pytest.mark.parametrize("command", LATER)
def test_an_audit_that_was_never_started_answers_nothing(given: Any, command: Command) -> None:
    given(AUDIT).when(command).refused(UnknownAudit)


@pytest.mark.parametrize("command", LATER)
def test_another_project_cannot_command_the_audit(given: Any, command: Command) -> None:
    foreign = msgspec.structs.replace(command, project_id=OTHER_PROJECT)
    given(AUDIT, STARTED, *PARTS, RAISED).when(foreign).refused(UnknownAudit)


@pytest.mark.parametrize("command", WHILE_RUNNING)
@pytest.mark.parametrize("end", [COMPLETED, CANCELLED])
def test_an_audit_that_is_over_finds_no_more(given: Any, command: Command, end: Event) -> None:
    given(AUDIT, STARTED, *PARTS, end).when(command).refused(AuditNotRunning)


def test_findings_come_in_the_order_of_their_parts_and_each_counts_once(given: Any) -> None:
    second = part(2, POSITIONS[1])
    given(AUDIT, STARTED).when(part(1, POSITIONS[0])).then(PARTS[0])
    given(AUDIT, STARTED, PARTS[0]).when(second).then(PARTS[1])
    given(AUDIT, STARTED, *PARTS).when(second).then()
    given(AUDIT, STARTED).when(second).refused(PartMissing)


def test_a_conflict_is_about_a_position_that_was_looked_at(given: Any) -> None:
    given(AUDIT, STARTED, *PARTS).when(RAISE).then(RAISED)
    given(AUDIT, STARTED, *PARTS, RAISED).when(RAISE).then()
    given(AUDIT, STARTED, PARTS[0]).when(msgspec.structs.replace(RAISE, position_id=POSITIONS[3])).refused(
        PositionNotAudited
    )


@pytest.mark.parametrize("later", [(), (COMPLETED,)])
def test_a_conflict_is_resolved_once_during_the_audit_or_after(given: Any, later: tuple[Event, ...]) -> None:
    given(AUDIT, STARTED, *PARTS, RAISED, *later).when(RESOLVE).then(RESOLVED)
    given(AUDIT, STARTED, *PARTS, RAISED, *later, RESOLVED).when(RESOLVE).refused(UnknownConflict)
    assert fold(AUDIT, [STARTED, *PARTS, RAISED, *later, RESOLVED]).verdicts[POSITIONS[0]] == "AMBER"


def test_an_auditor_has_the_last_word_once_the_experts_are_done(given: Any) -> None:
    given(AUDIT, STARTED, *PARTS).when(OVERRIDE).refused(AuditRunning)
    given(AUDIT, STARTED, *PARTS, COMPLETED).when(OVERRIDE).then(OVERRIDDEN)
    given(AUDIT, STARTED, PARTS[0], CANCELLED).when(OVERRIDE).then(OVERRIDDEN)
    given(AUDIT, STARTED, CANCELLED).when(OVERRIDE).refused(PositionNotAudited)
    assert fold(AUDIT, [STARTED, *PARTS, COMPLETED, OVERRIDDEN]).verdicts[POSITIONS[0]] == "GREEN"


def test_an_audit_remembers_its_parameters_and_the_audit_before() -> None:
    state = fold(AUDIT, [STARTED])
    assert (state.settings, state.previous) == (STRICT, OTHER_AUDIT)


def test_an_override_speaks_of_the_position_as_it_was_audited(given: Any) -> None:
    edited = msgspec.structs.replace(PARTS[0], revisions={POSITIONS[0]: 3})
    override = decided("GREEN", "Checked on the drawing.", revision=3)
    given(AUDIT, STARTED, edited, COMPLETED).when(OVERRIDE).then(msgspec.structs.replace(OVERRIDDEN, override=override))


def test_an_override_is_carried_once_and_counts(given: Any) -> None:
    given(AUDIT, STARTED, *PARTS).when(CARRY).then(CARRIED)
    given(AUDIT, STARTED, *PARTS, CARRIED).when(CARRY).then()
    state = fold(AUDIT, [STARTED, *PARTS, CARRIED])
    assert (state.verdicts[POSITIONS[0]], state.overrides) == ("GREEN", {POSITIONS[0]: CARRY.overrides[0]})


def test_an_override_of_a_position_that_changed_or_is_gone_is_not_carried(given: Any) -> None:
    edited = msgspec.structs.replace(PARTS[0], revisions={POSITIONS[0]: 2})
    given(AUDIT, STARTED, edited).when(CARRY).then()
    given(AUDIT, STARTED, PARTS[1]).when(CARRY).then()


def test_what_a_rule_resolved_is_nobodys_override(given: Any) -> None:
    by_rule = msgspec.structs.replace(RESOLVE, by="rule")
    resolved = msgspec.structs.replace(RESOLVED, by="rule", override=None)
    given(AUDIT, STARTED, *PARTS, RAISED).when(by_rule).then(resolved)
    assert fold(AUDIT, [STARTED, *PARTS, RAISED, resolved]).overrides == {}


def test_a_conflict_that_was_resolved_is_not_raised_again(given: Any) -> None:
    given(AUDIT, STARTED, *PARTS, RAISED, RESOLVED).when(RAISE).then()


def test_a_completed_audit_counts_the_merged_verdicts(given: Any) -> None:
    given(AUDIT, STARTED, *PARTS).when(COMPLETE).then(COMPLETED)
    assert fold(AUDIT, [STARTED, *PARTS, COMPLETED]).status == "completed"


def test_an_audit_is_cancelled_while_it_runs(given: Any) -> None:
    given(AUDIT, STARTED).when(CANCEL).then(CANCELLED)
    assert fold(AUDIT, [STARTED, CANCELLED]).status == "cancelled"


def test_every_verdict_is_counted_even_where_there_is_none() -> None:
    assert counted([]) == {"GREEN": 0, "AMBER": 0, "RED": 0, "NOT_CHECKED": 0}
    assert counted(["RED", "GREEN", "RED"]) == {"GREEN": 1, "AMBER": 0, "RED": 2, "NOT_CHECKED": 0}


VERDICTS = st.sampled_from(["GREEN", "AMBER", "RED", "NOT_CHECKED"])
SOME = st.sets(st.sampled_from(POSITIONS), max_size=3)


class AuditHistory(History):
    aggregate = AUDIT

    @rule(version=st.none() | st.integers(1, 9))
    def start(self, version: int | None) -> None:
        self.command(StartAudit(project_id=P, audit_id=A, version=version), context(looked_up=SCOPE))

    @rule(number=st.integers(1, 5), positions=SOME, verdict=VERDICTS)
    def record(self, number: int, positions: set[UUID], verdict: Verdict) -> None:
        before = self.state.parts
        events = self.command(part(number, *sorted(positions), verdict=verdict))
        assert self.state.parts == before + len(events)

    @rule(conflict_id=st.sampled_from(POSITIONS), position_id=st.sampled_from(POSITIONS))
    def raise_conflict(self, conflict_id: UUID, position_id: UUID) -> None:
        self.command(msgspec.structs.replace(RAISE, conflict_id=conflict_id, position_id=position_id))

    @rule(conflict_id=st.sampled_from(POSITIONS), verdict=VERDICTS)
    def resolve(self, conflict_id: UUID, verdict: Verdict) -> None:
        for event in self.command(msgspec.structs.replace(RESOLVE, conflict_id=conflict_id, verdict=verdict)):
            assert self.state.verdicts[event.position_id] == verdict
        assert conflict_id not in self.state.open_conflicts

    @rule(position_id=st.sampled_from(POSITIONS), verdict=VERDICTS)
    def override(self, position_id: UUID, verdict: Verdict) -> None:
        if self.command(msgspec.structs.replace(OVERRIDE, position_id=position_id, verdict=verdict)):
            assert self.state.verdicts[position_id] == verdict

    @rule(command=st.sampled_from([COMPLETE, CANCEL]), sure=st.integers(0, 3))
    def end(self, command: Command, sure: int) -> None:
        if sure == 0:  # seldom, so that audits get somewhere
            for event in self.command(command):
                assert not isinstance(event, AuditCompleted) or sum(event.verdicts.values()) == len(self.state.verdicts)

    @invariant()
    def conflicts_are_about_positions_with_a_verdict(self) -> None:
        assert set(self.state.open_conflicts.values()) <= self.state.verdicts.keys()


TestAuditHistory = AuditHistory.TestCase
TestAuditHistory.settings = MACHINE
