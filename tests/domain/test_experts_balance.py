"""C6: prices beside an estimate and the bidders' average, with the bill's own level divided out."""

from decimal import Decimal
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.comparison import ComparedAs
from domain.experts.context import BillFacts, Offer
from domain.experts.finding import Finding
from domain.experts.orchestrator import audit
from domain.matching import MatchedBy
from domain.position import Position
from tests.domain.lines import finding, judged, line, outcome

D = Decimal


def referenced(number: int, price: str, reference: str | None) -> Position:
    attached = {} if reference is None else {"reference_price": {"unit_price": reference, "kind": "bidders"}}
    return line(number, unit_price=D(price), enrichment=attached)


def test_a_price_out_of_balance_with_its_reference_is_looked_at() -> None:
    level = [referenced(number, "110", "100") for number in range(2, 12)]
    assert outcome("C6", referenced(1, "120", "100"), *level) == "G"
    found = finding("C6", referenced(1, "200", "100"), *level)
    assert (found.recommendation, found.demand) == ("AMBER", "unit_price-")
    assert found.evidence["level"] == "1.182"
    assert finding("C6", referenced(1, "20", "100"), *level).demand == "unit_price+"


@pytest.mark.parametrize(
    ("position", "said"),
    [
        (referenced(1, "100", None), "0"),
        (referenced(1, "100", "nothing"), "0"),
        (referenced(1, "100", "-1"), "0"),
        (referenced(1, "0", "100"), "1"),
        (referenced(1, "100", "100"), "2"),
    ],
)
def test_without_references_nothing_is_called_unbalanced(position: Position, said: str) -> None:
    assert outcome("C6", position) == said


def offer(compared_as: ComparedAs, price: str, *, document: int = 1, by: MatchedBy = "everything") -> Offer:
    name = "Estimate" if compared_as == "estimate" else f"Bidder {document}"
    return Offer(
        compared_as=compared_as,
        document_id=UUID(int=document),
        name=name,
        unit_price=D(price),
        by=by,
        sheet="SO 01",
        line=100 + document,
    )


def facts(offers: dict[int, tuple[Offer, ...]]) -> BillFacts:
    """Ten lines that estimate and bidders price at 100, and what they ask for others."""
    usual = (offer("estimate", "100", document=9), offer("bid", "90", document=1), offer("bid", "110", document=2))
    level = {UUID(int=number): usual for number in range(2, 12)}
    return BillFacts(offers=level | {UUID(int=number): each for number, each in offers.items()})


def lines(price: str, others: str = "100") -> list[Position]:
    return [line(1, unit_price=D(price)), *(line(number, unit_price=D(others)) for number in range(2, 12))]


def said(price: str, known: BillFacts, others: str = "100") -> tuple[str, Finding | None]:
    result, outcomes = judged(lines(price, others), facts=known)
    found = [each for each in result.findings if each.rule == "C6" and each.position_id == UUID(int=1)]
    return outcomes["C6", 1], found[0] if found else None


def test_a_line_is_held_against_the_estimate_and_the_average_of_the_bids() -> None:
    known = facts({1: (offer("estimate", "100", document=9), offer("bid", "80"), offer("bid", "120", document=2))})
    assert said("140", known) == ("G", None)
    character, found = said("300", known)
    assert (character, found is not None and found.demand) == ("A", "unit_price-")
    assert found is not None
    evidence = found.evidence
    assert (evidence["estimate_price"], evidence["bidders_price"]) == ("100", "100.0000")
    assert evidence["estimate_source"] == "Estimate (SO 01, row 109, by everything): 100"
    assert evidence["bidders_source"] == (
        "Bidder 1 (SO 01, row 101, by everything): 80; Bidder 2 (SO 01, row 102, by everything): 120"
    )
    assert evidence["bidders_documents"] == f"{UUID(int=1)}, {UUID(int=2)}"
    assert "the average of 2 bids" in found.reasoning
    assert len(found.issues) == 2


def test_a_bill_that_is_dear_as_a_whole_is_not_unbalanced() -> None:
    known = facts({1: (offer("estimate", "100", document=9),)})
    assert said("300", known, others="300")[0] == "G"
    assert said("100", known, others="300")[0] == "A"


def test_either_reference_may_be_what_a_price_is_out_of_balance_with() -> None:
    known = facts({1: (offer("estimate", "100", document=9), offer("bid", "30"))})
    character, found = said("100", known)
    assert (character, found and found.evidence["reference"]) == ("A", "bidders")
    assert found is not None
    assert (found.evidence["reference_price"], found.evidence["estimate_balance"]) == ("30", "1.000")
    opposite = facts({1: (offer("estimate", "40", document=9), offer("bid", "400"))})
    assert (said("100", opposite)[1] or found).demand == ""


def test_what_was_recognised_by_its_words_alone_is_less_sure() -> None:
    sure, unsure = (facts({1: (offer("bid", "30", by=by),)}) for by in ("code", "likeness"))
    assert [found.confidence for known in (sure, unsure) if (found := said("100", known)[1])] == [80, 60]


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "sNaN"])
def test_an_offer_that_is_no_price_counts_for_nothing(price: str) -> None:
    assert said("100", facts({1: (offer("bid", price),)}))[0] == "0"
    assert said("100", facts({1: (offer("bid", price), offer("bid", "100", document=2))}))[0] == "G"


def test_a_bid_counts_before_what_is_attached_to_the_line_and_an_estimate_beside_it() -> None:
    first, *others = lines("100")
    attached = {"reference_price": {"unit_price": "30", "kind": "bidders", "source": "A file"}}
    priced = replace(first, enrichment=attached)
    known = facts({1: (offer("bid", "100"),)})
    assert outcome("C6", priced, *others, facts=known) == "G"
    assert outcome("C6", priced, *others, facts=facts({})) == "A"


def test_documents_that_cannot_be_compared_with_are_told_once() -> None:
    result = audit(lines("100"), BillFacts(uncompared=("Bidder 1 is in EUR.", "Bidder 2 is in USD.")))
    (remark,) = [each for each in result.findings if each.rule == "C6"]
    assert (remark.recommendation, remark.position_id) == ("NOT_CHECKED", None)
    assert remark.reasoning == "Bidder 1 is in EUR. Bidder 2 is in USD."
