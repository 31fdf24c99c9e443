"""V1, V4, V5 and V6: what the validator says of a single line."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.experts.context import BillFacts
from domain.experts.finding import Finding
from domain.experts.orchestrator import Audit, audit
from domain.experts.rules import RULES
from domain.position import Position

D = Decimal


def line(**fields: Any) -> Position:
    whole: dict[str, Any] = {"code": "121151113", "description": "Topsoil", "unit": "m2", "quantity": D(123)}
    return Position(position_id=uuid4(), **whole | {"unit_price": D("29.10"), "declared_total": D("3579.30")} | fields)


def said(rule: str, position: Position, *others: Position, facts: BillFacts | None = None) -> str:
    result = audit([position, *others], facts or BillFacts())
    return result.outcomes[position.position_id][result.rules.index(rule)]


def reason(rule: str, outcome: str) -> str:
    return next(each for each in RULES if each.id == rule).not_checked[int(outcome)]


def only_finding(result: Audit) -> Finding:
    assert len(result.findings) == 1
    return result.findings[0]


def test_a_line_total_that_follows_from_its_figures_is_green() -> None:
    assert said("V1", line()) == "G"


@pytest.mark.parametrize(("off", "outcome"), [("0.01", "G"), ("-0.01", "G"), ("0.011", "R"), ("-0.02", "R")])
def test_a_line_total_may_be_off_by_one_hundredth(off: str, outcome: str) -> None:
    assert said("V1", line(declared_total=D("3579.30") + D(off))) == outcome


def test_the_line_total_is_rounded_half_up_as_the_file_rounds() -> None:
    priced = line(quantity=D("0.5"), unit_price=D(1), declared_total=D(1))
    assert said("V1", priced, facts=BillFacts(rounding=0)) == "G"
    assert said("V1", priced, facts=BillFacts(rounding=2)) == "R"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"quantity": None}, "no quantity"),
        ({"quantity": D("NaN")}, "no quantity"),
        ({"unit_price": None}, "no unit price"),
        ({"unit_price": D("Infinity")}, "no unit price"),
        ({"declared_total": None}, "states no total"),
        ({"declared_total": D("sNaN")}, "states no total"),
        ({"unit_price": D(0), "declared_total": D(0)}, "not priced"),
        ({"quantity": D("1e90")}, "too large"),
    ],
)
def test_a_line_total_without_its_figures_is_not_checked_and_says_why(fields: dict[str, Any], why: str) -> None:
    outcome = said("V1", line(**fields))
    assert outcome.isdigit()
    assert why in reason("V1", outcome)


def test_a_price_of_zero_does_not_explain_a_stated_total() -> None:
    assert said("V1", line(unit_price=D(0), declared_total=D(500))) == "R"


def test_a_wrong_total_is_reported_with_its_figures_and_its_place() -> None:
    document = uuid4()
    wrong = line(
        declared_total=D("3597.30"),
        section=("SO 1", "1"),
        source_document_id=document,
        source_sheet="SO 1",
        source_line=9,
    )
    finding = only_finding(audit([wrong], BillFacts(currency="EUR")))
    assert (finding.rule, finding.expert_role, finding.recommendation) == ("V1", "validator", "RED")
    assert (finding.position_id, finding.section, finding.confidence) == (wrong.position_id, ("SO 1", "1"), 100)
    for figure in ("123 x 29.10", "3579.30 EUR", "3597.30 EUR", "18.00 EUR"):
        assert figure in finding.reasoning
    assert finding.evidence == {
        "quantity": "123",
        "unit_price": "29.10",
        "computed_total": "3579.30",
        "declared_total": "3597.30",
        "rounding_decimals": "2",
        "threshold": "0.01",
        "document": str(document),
        "sheet": "SO 1",
        "row": "9",
    }
    assert [issue.type for issue in finding.issues] == ["total_mismatch"]
    assert finding.suggestions


@pytest.mark.parametrize(
    ("fields", "outcome", "issues"),
    [
        ({}, "G", []),
        ({"description": "  "}, "R", ["missing_description"]),
        ({"unit": ""}, "R", ["missing_unit"]),
        ({"code": " "}, "A", ["missing_code"]),
        ({"code": "", "unit": ""}, "R", ["missing_unit", "missing_code"]),
        ({"code_system": "gaeb", "description": "", "unit": ""}, "0", []),
        ({"code_system": "gaeb", "description": ""}, "R", ["missing_description"]),
    ],
)
def test_a_line_needs_description_and_unit_and_should_have_a_code(
    fields: dict[str, Any], outcome: str, issues: list[str]
) -> None:
    incomplete = line(**fields)
    assert said("V4", incomplete) == outcome
    found = [finding for finding in audit([incomplete], BillFacts()).findings if finding.rule == "V4"]
    assert [issue.type for finding in found for issue in finding.issues] == issues


@pytest.mark.parametrize(
    ("fields", "outcome", "issues"),
    [
        ({}, "G", []),
        ({"unit_price": None}, "G", []),
        ({"quantity": D(0)}, "A", ["zero_quantity"]),
        ({"quantity": D("-0.5")}, "A", ["negative_quantity"]),
        ({"quantity": D("NaN")}, "R", ["quantity_not_finite"]),
        ({"quantity": D("sNaN")}, "R", ["quantity_not_finite"]),
        ({"quantity": D("-Infinity")}, "R", ["quantity_not_finite"]),
        ({"unit_price": D("NaN")}, "R", ["unit_price_not_finite"]),
        ({"unit_price": D(-1)}, "A", ["negative_price"]),
        ({"quantity": None, "unit_price": D(-1)}, "A", ["negative_price"]),
        ({"quantity": D(-1), "unit_price": D("NaN")}, "R", ["unit_price_not_finite", "negative_quantity"]),
        ({"quantity": None}, "0", []),
    ],
)
def test_quantity_and_price_are_plausible_numbers(fields: dict[str, Any], outcome: str, issues: list[str]) -> None:
    odd = line(**fields)
    assert said("V5", odd) == outcome
    found = [finding for finding in audit([odd], BillFacts()).findings if finding.rule == "V5"]
    assert [issue.type for finding in found for issue in finding.issues] == issues


@pytest.mark.parametrize("price", [None, D(0), D("0.00")])
def test_a_gap_among_prices_is_amber(price: Decimal | None) -> None:
    gap = line(unit_price=price, declared_total=None)
    assert said("V6", gap, line()) == "A"
    assert said("V6", line(), gap) == "G"


@pytest.mark.parametrize("price", [None, D(0), D("NaN")])
def test_a_bill_without_prices_is_remarked_once_and_judged_nowhere(price: Decimal | None) -> None:
    blank = [line(unit_price=price, declared_total=None, code=str(n)) for n in range(3)]
    result = audit([*blank, line(unit_price=None, declared_total=None)], BillFacts())
    assert result.rule_counts["V6"] == {"GREEN": 0, "AMBER": 0, "RED": 0, "NOT_CHECKED": 4}
    remarks = [finding for finding in result.findings if finding.rule == "V6"]
    assert [(remark.recommendation, remark.position_id, remark.section) for remark in remarks] == [
        ("NOT_CHECKED", None, ())
    ]
    assert "4 lines" in remarks[0].reasoning


def test_a_price_that_is_no_number_is_left_to_the_rule_about_numbers() -> None:
    outcome = said("V6", line(unit_price=D("Infinity")), line())
    assert "V5" in reason("V6", outcome)


def test_an_empty_bill_is_not_checked_and_gives_no_remark() -> None:
    result = audit([], BillFacts())
    assert (result.verdict, result.findings, result.outcomes) == ("NOT_CHECKED", (), {})
