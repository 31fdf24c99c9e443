"""C3: prices held against price catalogues."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.experts.context import BillFacts, CataloguePrice
from domain.experts.orchestrator import Base, audit, reaudit
from domain.experts.settings import DEFAULTS
from tests.domain.history import LAW
from tests.domain.lines import line, outcome

D = Decimal
TODAY = date(2026, 6, 1)


def price(amount: str = "100", by: Any = "code", age: int = 10, similarity: str = "1") -> CataloguePrice:
    return CataloguePrice(
        catalogue="Own prices",
        version=3,
        code="622000001",
        description="Work 1",
        unit="m2",
        unit_price=D(amount),
        priced_on=TODAY - timedelta(days=age),
        by=by,
        similarity=D(similarity),
    )


def facts(*prices: CataloguePrice | None, catalogues: tuple[str, ...] = ("Own prices 3",)) -> BillFacts:
    matches = {line(number).position_id: found for number, found in enumerate(prices, 1) if found is not None}
    return BillFacts(catalogues=catalogues, prices=matches, as_of=TODAY)


@pytest.mark.parametrize(
    ("amount", "match", "said"),
    [
        ("100", price(), "G"),
        ("110", price(), "G"),
        ("110.01", price(), "A"),
        ("125", price(), "A"),
        ("125.01", price(), "R"),
        ("125.01", price(by="text", similarity="0.8"), "A"),
        ("90", price(), "G"),
        ("89.99", price(), "A"),
        ("1", price(), "A"),
        ("100", price(age=90), "G"),
        ("100", price(age=91), "A"),
        ("200", price(age=91), "A"),
        ("100", price(age=-5), "G"),
        ("100", None, "2"),
        ("0", price(), "0"),
    ],
)
def test_bands_age_and_the_way_of_matching_decide(amount: str, match: CataloguePrice | None, said: str) -> None:
    assert outcome("C3", line(1, unit_price=D(amount)), facts=facts(match)) == said


def test_without_a_catalogue_nothing_is_checked() -> None:
    assert outcome("C3", line(1), facts=facts(price(), catalogues=())) == "1"
    assert outcome("C3", line(1, unit_price=None), facts=facts(price())) == "0"


def test_the_evidence_names_catalogue_version_match_price_and_age() -> None:
    found = next(
        each
        for each in audit([line(1, unit_price=D(150))], facts(price(by="text", age=100, similarity="0.75"))).findings
        if each.rule == "C3"
    )
    assert (found.recommendation, found.confidence) == ("AMBER", 63)
    assert {each.type for each in found.issues} == {"price_above_catalogue", "old_catalogue_price"}
    told = {"catalogue": "Own prices", "catalogue_version": "3", "catalogue_price": "100", "matched_by": "text"}
    told |= {
        "similarity": "0.75",
        "age_days": "100",
        "deviation": "0.500",
        "priced_on": "2026-02-21",
        "most_days": "90",
    }
    assert told.items() <= found.evidence.items()
    assert "50.0 % above the 100 per m2" in found.reasoning


matches = st.lists(st.none() | st.sampled_from(("50", "100", "140")).map(price), min_size=5, max_size=5)


@LAW
@given(matches, matches, st.sampled_from((TODAY, TODAY + timedelta(days=200))), st.integers(0, 4))
def test_other_matches_judged_in_part_are_what_they_are_judged_in_whole(
    before: list[CataloguePrice | None], after: list[CataloguePrice | None], day: date, edited: int
) -> None:
    lines = [line(number) for number in range(1, 6)]
    base = Base(
        positions={each.position_id: each for each in lines},
        facts=facts(*before),
        settings=DEFAULTS,
        result=audit(lines, facts(*before)),
    )
    lines[edited] = structs.replace(lines[edited], unit_price=D(130))
    now = structs.replace(facts(*after), as_of=day)
    assert reaudit(base, lines, now).result == audit(lines, now)


def test_another_match_lets_only_this_rule_run_on_this_line() -> None:
    lines = [line(number) for number in range(1, 6)]
    before, after = facts(price(), price()), facts(price(), price("70"))
    positions = {each.position_id: each for each in lines}
    base = Base(positions=positions, facts=before, settings=DEFAULTS, result=audit(lines, before))
    assert reaudit(base, lines, after).judged == 1
