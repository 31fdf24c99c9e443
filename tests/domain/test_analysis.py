"""Analyses: asked for, shared or not, given up by each for itself, tried again, cleaned up."""

from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.analysis import (
    ANALYSIS,
    Analysis,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisNotRunning,
    Attached,
    CompleteAnalysis,
    DetachAnalysis,
    Detached,
    EvictAnalysis,
    Evicted,
    FailAnalysis,
    Requested,
    RequestUploaded,
    Retried,
    RetryAnalysis,
    UnknownAnalysis,
    analysis_id_of,
)
from tests.domain.history import ALICE, BOB, CAROL, MACHINE, History

HASH, RESULT = "a" * 64, "b" * 64
A = analysis_id_of("shared", "contract", HASH, ALICE)
FIRST, SECOND = uuid5(A, "run:1"), uuid5(A, "run:2")
IDS: dict[str, Any] = {"analysis_id": A, "kind": "contract"}
REQUESTED = Requested(**IDS, account_id=ALICE, content_hash=HASH, job_id=FIRST)
FOUND: dict[str, Any] = {
    "result_hash": RESULT,
    "found": {"party": 2},
    "missing": ("term",),
    "language": "cs",
    "pages": 3,
}
COMPLETED = AnalysisCompleted(**IDS, job_id=FIRST, **FOUND)
FAILED = AnalysisFailed(**IDS, job_id=FIRST, error_code="unreadable.needs_ocr", error="Scanned.")


def attached(account_id: UUID, *, hit: bool = False) -> Attached:
    return Attached(**IDS, account_id=account_id, hit=hit)


def asking(account_id: UUID) -> RequestUploaded:
    return RequestUploaded(account_id=account_id, kind="contract", content_hash=HASH, analysis_id=A)


def retried(account_id: UUID) -> Retried:
    return Retried(**IDS, account_id=account_id, content_hash=HASH, job_id=SECOND)


RUNNING = (REQUESTED, attached(ALICE))
DONE = (*RUNNING, COMPLETED)


def test_an_analysis_is_named_after_what_is_shared() -> None:
    shared = {analysis_id_of("shared", "contract", HASH, each) for each in (ALICE, BOB)}
    own = {analysis_id_of("per_account", "contract", HASH, each) for each in (ALICE, BOB)}
    assert (len(shared), len(own), len(shared | own)) == (1, 2, 3)
    assert analysis_id_of("shared", "property", HASH, ALICE) not in shared
    assert analysis_id_of("shared", "contract", RESULT, ALICE) not in shared


def test_the_first_request_begins_the_work_and_the_next_ones_join(given: Any) -> None:
    given(ANALYSIS).when(asking(ALICE)).then(REQUESTED, attached(ALICE))
    given(ANALYSIS, *RUNNING).when(asking(ALICE)).then()
    given(ANALYSIS, *RUNNING).when(asking(BOB)).then(attached(BOB, hit=True))
    given(ANALYSIS, *DONE).when(asking(BOB)).then(attached(BOB, hit=True))
    given(ANALYSIS, *DONE).when(asking(ALICE)).then(attached(ALICE, hit=True))


def test_a_request_that_nobody_addressed_is_refused(given: Any) -> None:
    unnamed = RequestUploaded(account_id=ALICE, kind="contract", content_hash=HASH)
    given(ANALYSIS).when(unnamed).refused(UnknownAnalysis)


def test_a_request_after_a_failure_begins_anew(given: Any) -> None:
    again = Requested(**IDS, account_id=BOB, content_hash=HASH, job_id=SECOND)
    given(ANALYSIS, *RUNNING, FAILED).when(asking(BOB)).then(again, attached(BOB))


def test_detaching_touches_ones_own_claim_and_the_last_one_stops_the_work(given: Any) -> None:
    detach = DetachAnalysis(account_id=ALICE, analysis_id=A)
    both = (*RUNNING, attached(BOB, hit=True))
    given(ANALYSIS, *both).when(detach).then(Detached(**IDS, account_id=ALICE))
    left = (*both, Detached(**IDS, account_id=BOB))
    given(ANALYSIS, *left).when(detach).then(Detached(**IDS, account_id=ALICE, stops=FIRST))
    given(ANALYSIS, *left).when(DetachAnalysis(account_id=BOB, analysis_id=A)).refused(UnknownAnalysis)
    given(ANALYSIS, *DONE).when(detach).then(Detached(**IDS, account_id=ALICE))
    given(ANALYSIS).when(detach).refused(UnknownAnalysis)


def test_retrying_joins_what_runs_and_begins_anew_otherwise(given: Any) -> None:
    retry = RetryAnalysis(account_id=ALICE, analysis_id=A)
    given(ANALYSIS, *RUNNING).when(retry).then()
    away = (*RUNNING, attached(BOB, hit=True), Detached(**IDS, account_id=ALICE))
    given(ANALYSIS, *away).when(retry).then(attached(ALICE, hit=True))
    given(ANALYSIS, *RUNNING, FAILED).when(retry).then(retried(ALICE))
    stopped = (*RUNNING, Detached(**IDS, account_id=ALICE, stops=FIRST))
    given(ANALYSIS, *stopped).when(retry).then(retried(ALICE), attached(ALICE))
    given(ANALYSIS, *DONE, Detached(**IDS, account_id=ALICE), Evicted(**IDS)).when(retry).then(
        retried(ALICE), attached(ALICE)
    )
    given(ANALYSIS, *DONE).when(RetryAnalysis(account_id=CAROL, analysis_id=A)).refused(UnknownAnalysis)


def test_only_the_present_job_ends_it(given: Any) -> None:
    complete = CompleteAnalysis(analysis_id=A, job_id=FIRST, **FOUND)
    fail = FailAnalysis(analysis_id=A, job_id=FIRST, error_code="unreadable.needs_ocr", error="Scanned.")
    given(ANALYSIS, *RUNNING).when(complete).then(COMPLETED)
    given(ANALYSIS, *RUNNING).when(fail).then(FAILED)
    newer = (*RUNNING, FAILED, retried(ALICE))
    for late in (complete, fail):
        given(ANALYSIS, *newer).when(late).refused(AnalysisNotRunning)
        given(ANALYSIS, *DONE).when(late).refused(AnalysisNotRunning)


def test_cleaning_up_spares_what_runs_and_what_was_used_since(given: Any) -> None:
    given(ANALYSIS, *DONE).when(EvictAnalysis(analysis_id=A, uses=1)).then(
        Detached(**IDS, account_id=ALICE), Evicted(**IDS)
    )
    given(ANALYSIS, *DONE, attached(BOB, hit=True)).when(EvictAnalysis(analysis_id=A, uses=1)).then()
    given(ANALYSIS, *RUNNING).when(EvictAnalysis(analysis_id=A, uses=9)).then()
    gone = (*DONE, Detached(**IDS, account_id=ALICE), Evicted(**IDS))
    given(ANALYSIS, *gone).when(EvictAnalysis(analysis_id=A, uses=9)).then()
    given(ANALYSIS, *gone).when(asking(BOB)).then(
        Requested(**IDS, account_id=BOB, content_hash=HASH, job_id=SECOND), attached(BOB)
    )


class AnalysisHistory(History):
    aggregate = ANALYSIS

    @rule(who=st.sampled_from((ALICE, BOB, CAROL)))
    def ask(self, who: UUID) -> None:
        self.command(asking(who))
        assert who in self.state.attached

    @rule(who=st.sampled_from((ALICE, BOB, CAROL)), retry=st.booleans())
    def go_and_come(self, who: UUID, retry: bool) -> None:
        before: Analysis = self.state
        self.command((RetryAnalysis if retry else DetachAnalysis)(account_id=who, analysis_id=A))
        assert before.attached - {who} == self.state.attached - {who}
        if self.state.status == "running":
            assert self.state.attached

    @rule(stale=st.booleans(), fails=st.booleans())
    def end(self, stale: bool, fails: bool) -> None:
        job_id = FIRST if stale or self.state.job_id is None else self.state.job_id
        if fails:
            self.command(FailAnalysis(analysis_id=A, job_id=job_id, error_code="x", error="y"))
        else:
            self.command(CompleteAnalysis(analysis_id=A, job_id=job_id, **FOUND))

    @rule(uses=st.integers(0, 5))
    def clean_up(self, uses: int) -> None:
        if self.command(EvictAnalysis(analysis_id=A, uses=uses)):
            assert (self.state.status, self.state.attached) == ("evicted", frozenset())


TestAnalysisHistory = AnalysisHistory.TestCase
TestAnalysisHistory.settings = MACHINE
