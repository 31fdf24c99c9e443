"""Comparison: which documents a budget's prices are held against."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.comparison import (
    COMPARISON,
    MOST_DOCUMENTS,
    AddComparison,
    Comparison,
    ComparisonAdded,
    ComparisonRemoved,
    EstimateTaken,
    NotCompared,
    RemoveComparison,
    TooManyCompared,
)
from tests.domain.history import MACHINE, History, fold

P, A, B = (UUID(int=0xC0 + number) for number in range(3))
ESTIMATE = ComparisonAdded(project_id=P, document_id=A, compared_as="estimate")
BID = ComparisonAdded(project_id=P, document_id=B, compared_as="bid", bidder="Stavby s.r.o.")


def adding(event: ComparisonAdded, **other: Any) -> AddComparison:
    names = ("project_id", "document_id", "compared_as", "bidder")
    return AddComparison(**{name: getattr(event, name) for name in names} | other)


def test_an_estimate_and_bids_are_added_and_removed(given: Any) -> None:
    given(COMPARISON).when(adding(ESTIMATE)).then(ESTIMATE)
    given(COMPARISON, ESTIMATE).when(adding(BID)).then(BID)
    given(COMPARISON, ESTIMATE, BID).when(RemoveComparison(project_id=P, document_id=A)).then(
        ComparisonRemoved(project_id=P, document_id=A)
    )
    removed = fold(COMPARISON, [ESTIMATE, BID, ComparisonRemoved(project_id=P, document_id=A)])
    assert removed == Comparison(documents={B: BID})


def test_naming_a_document_again_changes_what_it_is(given: Any) -> None:
    given(COMPARISON, BID).when(adding(BID)).then()
    given(COMPARISON, BID).when(adding(BID, bidder="Other")).then(
        ComparisonAdded(project_id=P, document_id=B, compared_as="bid", bidder="Other")
    )
    given(COMPARISON, BID).when(adding(BID, compared_as="estimate")).then(
        ComparisonAdded(project_id=P, document_id=B, compared_as="estimate", bidder="Stavby s.r.o.")
    )


def test_there_is_one_estimate(given: Any) -> None:
    given(COMPARISON, ESTIMATE).when(adding(ESTIMATE, document_id=B)).refused(EstimateTaken)
    given(COMPARISON, ESTIMATE, BID).when(adding(BID, compared_as="estimate")).refused(EstimateTaken)


def test_so_many_documents_are_enough(given: Any) -> None:
    bids = [
        ComparisonAdded(project_id=P, document_id=UUID(int=number), compared_as="bid")
        for number in range(1, MOST_DOCUMENTS + 1)
    ]
    given(COMPARISON, *bids).when(adding(BID)).refused(TooManyCompared)
    given(COMPARISON, *bids).when(adding(bids[0], bidder="Named later")).then(
        ComparisonAdded(project_id=P, document_id=UUID(int=1), compared_as="bid", bidder="Named later")
    )


def test_what_is_not_compared_cannot_be_removed(given: Any) -> None:
    given(COMPARISON, BID).when(RemoveComparison(project_id=P, document_id=A)).refused(NotCompared)


class ComparisonHistory(History):
    aggregate = COMPARISON

    @rule(
        document=st.sampled_from([A, B, P]),
        compared_as=st.sampled_from(["estimate", "bid"]),
        bidder=st.sampled_from(["", "Stavby"]),
    )
    def add(self, document: UUID, compared_as: Any, bidder: str) -> None:
        self.command(AddComparison(project_id=P, document_id=document, compared_as=compared_as, bidder=bidder))
        estimates = [each for each in self.state.documents.values() if each.compared_as == "estimate"]
        assert document in self.state.documents or self.refusal is not None
        assert len(estimates) <= 1

    @rule(document=st.sampled_from([A, B, P]))
    def remove(self, document: UUID) -> None:
        self.command(RemoveComparison(project_id=P, document_id=document))
        assert document not in self.state.documents


TestComparisonHistory = ComparisonHistory.TestCase
TestComparisonHistory.settings = MACHINE
