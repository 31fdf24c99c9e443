"""V3: quantities and the take-offs that they follow from."""

from decimal import Decimal
from typing import Literal
from uuid import uuid4

import pytest

from domain.bill import TakeoffLine
from domain.experts.context import BillFacts
from domain.experts.orchestrator import Audit, audit
from domain.position import Position

Kind = Literal["row", "subtotal", "total"]


def row(expression: str, value: str | None, kind: Kind = "row", line: int = 0) -> TakeoffLine:
    stated = Decimal(value) if value is not None else None
    return TakeoffLine(expression=expression, value=stated, kind=kind, line=line)


def measured(quantity: str | None, *takeoff: TakeoffLine) -> Position:
    stated = Decimal(quantity) if quantity is not None else None
    return Position(position_id=uuid4(), code="1", description="Work", unit="m3", quantity=stated, takeoff=takeoff)


def said(position: Position) -> str:
    result = audit([position], BillFacts())
    return result.outcomes[position.position_id][result.rules.index("V3")]


def issues(result: Audit) -> list[str]:
    return [issue.type for finding in result.findings if finding.rule == "V3" for issue in finding.issues]


@pytest.mark.parametrize(
    ("quantity", "takeoff"),
    [
        ("123", [row("(14+1)*(7,2+1)", "123"), row("Total", "123", "total")]),
        ("42.653", [row("100,8*0,2", "20.16"), row("68,16*0,33", "22.4928")]),
        ("30", [row("10", "10"), row("Sub", "10", "subtotal"), row("20", "20"), row("Sub", "20", "subtotal")]),
        ("6.997", [row("6,236*1,1", "6.8596"), row("6,86*1,02 'with waste", "6.997")]),
        ("21.2", [row("13,25*1,6", "21.200000000000003")]),
        ("198.165", [row("198,165", "198.16")]),
        ("1.332", [row("0,666", "0.67"), row("0,666", "0.67"), row("Total", "1.33", "total")]),
        ("5", [row("floor of the hall", None), row("5", "5")]),
    ],
)
def test_a_quantity_is_a_value_of_its_takeoff_or_the_sum_of_its_rows(quantity: str, takeoff: list[TakeoffLine]) -> None:
    assert said(measured(quantity, *takeoff)) == "G"


@pytest.mark.parametrize(("quantity", "outcome"), [("8.0015", "G"), ("7.9985", "G"), ("8.0016", "R"), ("80", "R")])
def test_a_quantity_may_be_off_by_its_rounding(quantity: str, outcome: str) -> None:
    assert said(measured(quantity, row("2,5*3,2", "8"))) == outcome


@pytest.mark.parametrize(("value", "outcome"), [("8.005", "G"), ("7.995", "G"), ("8.006", "R"), ("7.99", "R")])
def test_a_row_may_be_off_by_its_rounding(value: str, outcome: str) -> None:
    assert said(measured(value, row("2,5*3,2", value))) == outcome


def test_a_quantity_that_departs_from_its_takeoff_is_red_with_the_sum() -> None:
    result = audit([measured("80", row("2,5*3,2", "8"), row("1", "1"))], BillFacts())
    assert issues(result) == ["quantity_not_in_takeoff"]
    finding = next(finding for finding in result.findings if finding.rule == "V3")
    assert finding.recommendation == "RED"
    assert "80 m3" in finding.reasoning
    assert Decimal(finding.evidence["sum_of_rows"]) == 9


def test_a_row_that_gives_another_value_is_red_even_where_the_quantity_follows() -> None:
    result = audit([measured("9", row('2,5*3,2 "floor"', "9", line=17))], BillFacts())
    assert issues(result) == ["takeoff_row_mismatch"]
    finding = next(finding for finding in result.findings if finding.rule == "V3")
    for part in ("in row 17", "makes 8", "states 9"):
        assert part in finding.reasoning


def test_rows_are_judged_where_the_quantity_is_missing() -> None:
    assert said(measured(None, row("1+1", "3"))) == "R"


def test_a_crowd_of_wrong_rows_is_counted_but_not_all_told() -> None:
    result = audit([measured("9", *(row("1+1", "3") for _ in range(50)))], BillFacts())
    finding = next(finding for finding in result.findings if finding.rule == "V3")
    assert finding.evidence["rows_that_differ"] == "50"
    assert len(finding.issues) == 6


@pytest.mark.parametrize("text", ["7,2*14/cos 14", "A965*2", "-2^2", "1/0", "see drawing 5"])
def test_a_row_that_is_not_plain_arithmetic_is_no_error(text: str) -> None:
    assert said(measured("103.886", row(text, "103.886"))) == "G"


@pytest.mark.parametrize(
    ("position", "outcome"),
    [
        (measured("5"), "0"),
        (measured("5", row("note", None)), "1"),
        (measured("5", row("5", "NaN")), "1"),
        (measured(None, row("5", "5")), "2"),
        (measured("NaN", row("5", "5")), "2"),
    ],
)
def test_a_takeoff_without_values_is_not_checked(position: Position, outcome: str) -> None:
    assert said(position) == outcome
