"""Jobs: attempts fenced off from each other, retries with growing pauses, and cancelling."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from domain.core import Command, Event
from domain.job import (
    FIRST_PAUSE,
    JOB,
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    WORKER_LOST,
    CancelJob,
    Cancelled,
    CancelRequested,
    Completed,
    CompleteJob,
    EnterPhase,
    Failed,
    FailJob,
    Fenced,
    Job,
    JobIdTaken,
    JobOver,
    PhaseEntered,
    Queued,
    QueueJob,
    RequestCancel,
    RetryScheduled,
    Started,
    StartJob,
    UnknownJob,
    pause_before,
)
from tests.domain.history import LAW, MACHINE, NOW, History, fold

P, OTHER_PROJECT, J, DOCUMENT = (UUID(int=0x10B + number) for number in range(4))
IDS: dict[str, Any] = {"project_id": P, "job_id": J}

QUEUE = QueueJob(**IDS, kind="parse", subject=DOCUMENT, queue="high")
QUEUED = Queued(**IDS, kind="parse", subject=DOCUMENT, queue="high")
START, STARTED = StartJob(**IDS, attempt=1), Started(**IDS, attempt=1)
ENTER, ENTERED = EnterPhase(**IDS, attempt=1, phase="reading"), PhaseEntered(**IDS, attempt=1, phase="reading")
COMPLETE = CompleteJob(**IDS, attempt=1, result={"items": 412})
COMPLETED = Completed(**IDS, attempt=1, result={"items": 412})
FAIL = FailJob(**IDS, attempt=1, error_code="document.scanned", error="It holds only pictures.")
FAILED = Failed(**IDS, attempt=1, error_code="document.scanned", error="It holds only pictures.")
WISH, WISHED = RequestCancel(**IDS), CancelRequested(**IDS)
CANCEL, CANCELLED = CancelJob(**IDS, attempt=1), Cancelled(**IDS)
OF_AN_ATTEMPT: list[Command] = [ENTER, COMPLETE, FAIL, CANCEL]
LATER: list[Command] = [START, *OF_AN_ATTEMPT, WISH]


def waiting(attempt: int) -> RetryScheduled:
    return RetryScheduled(**IDS, attempt=attempt, error_code="internal", error="It broke.", due_at=NOW)


def test_work_is_asked_for_once(given: Any) -> None:
    given(JOB).when(QUEUE).then(QUEUED)
    given(JOB, QUEUED).when(QUEUE).refused(JobIdTaken)
    assert fold(JOB, [QUEUED]) == Job(status="queued", project_id=P, kind="parse", subject=DOCUMENT)


@pytest.mark.parametrize("command", LATER)
def test_a_job_that_was_never_queued_answers_nothing(given: Any, command: Command) -> None:
    given(JOB).when(command).refused(UnknownJob)


@pytest.mark.parametrize("command", LATER)
def test_another_project_cannot_command_the_job(given: Any, command: Command) -> None:
    foreign = msgspec.structs.replace(command, project_id=OTHER_PROJECT)
    given(JOB, QUEUED, STARTED).when(foreign).refused(UnknownJob)


@pytest.mark.parametrize("command", LATER)
@pytest.mark.parametrize("end", [COMPLETED, FAILED, CANCELLED])
def test_a_job_that_is_over_stays_so(given: Any, command: Command, end: Event) -> None:
    given(JOB, QUEUED, STARTED, end).when(command).refused(JobOver)


@pytest.mark.parametrize("before", [(), (STARTED,), (STARTED, waiting(1))])
def test_an_attempt_begins_where_no_later_one_has(given: Any, before: tuple[Event, ...]) -> None:
    given(JOB, QUEUED, *before).when(StartJob(**IDS, attempt=2)).then(Started(**IDS, attempt=2))
    given(JOB, QUEUED, *before, Started(**IDS, attempt=2)).when(StartJob(**IDS, attempt=2)).refused(Fenced)
    given(JOB, QUEUED, *before, Started(**IDS, attempt=2)).when(START).refused(Fenced)


def test_a_job_that_kills_its_workers_is_given_up(given: Any) -> None:
    last = Started(**IDS, attempt=MOST_ATTEMPTS)
    lost = Failed(**IDS, attempt=MOST_ATTEMPTS, error_code="job.worker_lost", error=WORKER_LOST)
    given(JOB, QUEUED, last).when(StartJob(**IDS, attempt=MOST_ATTEMPTS + 1)).then(lost)


@pytest.mark.parametrize("command", OF_AN_ATTEMPT)
@pytest.mark.parametrize("before", [(), (STARTED, Started(**IDS, attempt=2)), (STARTED, waiting(1))])
def test_only_the_running_attempt_has_a_say(given: Any, command: Command, before: tuple[Event, ...]) -> None:
    given(JOB, QUEUED, *before).when(command).refused(Fenced)


def test_an_attempt_enters_each_phase_once(given: Any) -> None:
    given(JOB, QUEUED, STARTED).when(ENTER).then(ENTERED)
    given(JOB, QUEUED, STARTED, ENTERED).when(ENTER).then()
    assert fold(JOB, [QUEUED, STARTED, ENTERED, Started(**IDS, attempt=2)]).phase == ""


def test_an_attempt_does_the_work(given: Any) -> None:
    given(JOB, QUEUED, STARTED).when(COMPLETE).then(COMPLETED)
    given(JOB, QUEUED, STARTED, WISHED).when(COMPLETE).then(COMPLETED)


def test_what_cannot_succeed_later_is_given_up(given: Any) -> None:
    given(JOB, QUEUED, STARTED).when(FAIL).then(FAILED)


def test_what_may_succeed_later_is_tried_again(given: Any) -> None:
    failure = FailJob(**IDS, attempt=1, error_code="internal", error="It broke.", retry=True, jitter=0.5)
    due = RetryScheduled(
        **IDS, attempt=1, error_code="internal", error="It broke.", due_at=NOW + timedelta(seconds=1.5)
    )
    given(JOB, QUEUED, STARTED).when(failure).then(due)


def test_the_last_attempt_is_not_tried_again(given: Any) -> None:
    failure = FailJob(**IDS, attempt=MOST_ATTEMPTS, error_code="internal", error="It broke.", retry=True)
    failed = Failed(**IDS, attempt=MOST_ATTEMPTS, error_code="internal", error="It broke.")
    given(JOB, QUEUED, Started(**IDS, attempt=MOST_ATTEMPTS)).when(failure).then(failed)


@pytest.mark.parametrize("before", [(), (STARTED, waiting(1))])
def test_a_job_that_does_not_run_is_cancelled_at_once(given: Any, before: tuple[Event, ...]) -> None:
    given(JOB, QUEUED, *before).when(WISH).then(WISHED, CANCELLED)


def test_a_running_job_is_asked_once_and_stops_at_its_next_step(given: Any) -> None:
    given(JOB, QUEUED, STARTED).when(WISH).then(WISHED)
    given(JOB, QUEUED, STARTED, WISHED).when(WISH).then()
    given(JOB, QUEUED, STARTED, WISHED).when(CANCEL).then(CANCELLED)


def test_a_job_that_fails_after_it_was_asked_to_stop_is_cancelled(given: Any) -> None:
    given(JOB, QUEUED, STARTED, WISHED).when(msgspec.structs.replace(FAIL, retry=True)).then(CANCELLED)


def test_pauses_double_from_two_seconds_to_ten_minutes() -> None:
    pauses = [pause_before(attempt, 1.0) for attempt in range(2, 13)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == pauses[-2] == LONGEST_PAUSE


@LAW
@hypothesis.given(attempt=st.integers(2, 30), jitter=st.floats(0, 1))
def test_jitter_spreads_a_pause_over_its_second_half(attempt: int, jitter: float) -> None:
    assert pause_before(attempt, 0.0) <= pause_before(attempt, jitter) <= pause_before(attempt, 1.0)
    assert pause_before(attempt, 0.0) * 2 == pause_before(attempt, 1.0)


class JobHistory(History):
    aggregate = JOB

    @rule(kind=st.sampled_from(["parse", "import", "audit"]))
    def queue(self, kind: Any) -> None:
        self.command(QueueJob(**IDS, kind=kind, subject=DOCUMENT))

    @precondition(lambda self: self.events)
    @rule(ahead=st.integers(0, 2))
    def start(self, ahead: int) -> None:
        attempt = max(1, self.state.attempt + ahead)
        fresh = not self.state.over and self.state.attempt < attempt <= MOST_ATTEMPTS
        self.command(StartJob(**IDS, attempt=attempt))
        assert (self.state.status == "running" and self.state.attempt == attempt) or not fresh

    @precondition(lambda self: self.events)
    @rule(behind=st.integers(0, 1), phase=st.sampled_from(["reading", "importing"]))
    def enter(self, behind: int, phase: str) -> None:
        self.in_attempt(EnterPhase(**IDS, attempt=self.state.attempt - behind, phase=phase))

    @precondition(lambda self: self.events)
    @rule(behind=st.integers(0, 1), retry=st.booleans(), jitter=st.floats(0, 1))
    def fail(self, behind: int, retry: bool, jitter: float) -> None:
        attempt = self.state.attempt - behind
        failure = FailJob(**IDS, attempt=attempt, error_code="internal", error="It broke.", retry=retry, jitter=jitter)
        self.in_attempt(failure)

    @precondition(lambda self: self.state.attempt > 1)
    @rule(ending=st.sampled_from([CompleteJob, CancelJob]), behind=st.integers(0, 1))
    def end(self, ending: Any, behind: int) -> None:
        self.in_attempt(ending(**IDS, attempt=self.state.attempt - behind))

    @rule()
    def request_cancel(self) -> None:
        self.command(WISH)
        assert self.refusal is not None or self.state.cancel_requested

    def in_attempt(self, command: Any) -> None:
        """Only the attempt that runs is heard."""
        heard = self.state.status == "running" and command.attempt == self.state.attempt
        over = self.state.over
        self.command(command)
        assert heard == (self.refusal is None)
        assert heard or type(self.refusal) is (JobOver if over else Fenced)


TestJobHistory = JobHistory.TestCase
TestJobHistory.settings = MACHINE
