"""V7 and V8: lines that stand twice, and codes with several units."""

from typing import Any
from uuid import uuid4

import pytest

from domain.experts.context import BillFacts
from domain.experts.orchestrator import audit
from domain.experts.units import normalised_unit
from domain.position import Position


def line(code: str = "1", description: str = "Work", **fields: Any) -> Position:
    whole: dict[str, Any] = {"section": ("SO 1", "1"), "unit": "m"}
    return Position(position_id=uuid4(), code=code, description=description, **whole | fields)


def said(rule: str, *positions: Position) -> str:
    result = audit(positions, BillFacts())
    return "".join(result.outcomes[each.position_id][result.rules.index(rule)] for each in positions)


def issues(*positions: Position) -> list[str]:
    return [
        issue.type
        for finding in audit(positions, BillFacts()).findings
        if finding.rule == "V7"
        for issue in finding.issues
    ]


def test_the_same_work_twice_in_a_section_is_amber_at_each_of_its_lines() -> None:
    assert said("V7", line(), line(), line("2")) == "AAG"
    assert issues(line(), line()) == ["duplicate_work", "duplicate_work"]


@pytest.mark.parametrize(
    "other",
    [line(section=("SO 1", "2")), line(description="Other work"), line("2")],
    ids=["other section", "other description", "other code"],
)
def test_work_that_differs_is_no_duplicate(other: Position) -> None:
    assert said("V7", line(), other) == "GG"


@pytest.mark.parametrize("code", ["", " "])
def test_lines_without_code_are_no_duplicates_of_each_other(code: str) -> None:
    assert said("V7", line(code), line(code)) == "00"
    assert said("V7", line(code, number="1"), line(code, number="2")) == "GG"


def test_a_number_used_twice_in_a_sheet_is_amber() -> None:
    assert said("V7", line("1", number="7", source_sheet="S"), line("2", number="7", source_sheet="S")) == "AA"
    assert issues(line("1", number="7", source_sheet="S"), line("2", number="7", source_sheet="S")) == [
        "duplicate_number",
        "duplicate_number",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"number": "7", "source_sheet": "S"}, {"number": "7", "source_sheet": "T"}),
        ({"number": "7", "section": ("SO 1",)}, {"number": "7", "section": ("SO 2",)}),
        ({"number": "7", "source_document_id": uuid4()}, {"number": "7", "source_document_id": uuid4()}),
        ({"number": ""}, {"number": " "}),
    ],
    ids=["other sheet", "other object of a file without sheets", "other document", "no number"],
)
def test_a_number_may_return_elsewhere(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert said("V7", line("1", **first), line("2", **second)) == "GG"


def test_both_kinds_of_duplicate_are_told_in_one_finding_with_their_places() -> None:
    twins = [line(number="7", source_sheet="S", source_line=row) for row in (20, 10)]
    findings = [finding for finding in audit(twins, BillFacts()).findings if finding.rule == "V7"]
    assert [[issue.type for issue in finding.issues] for finding in findings] == [
        ["duplicate_work", "duplicate_number"],
        ["duplicate_work", "duplicate_number"],
    ]
    assert findings[0].evidence["lines_alike_at"] == "row 10, row 20"
    assert "row 10, row 20" in findings[1].reasoning


def test_a_crowd_of_duplicates_is_counted_but_not_all_told() -> None:
    finding = audit([line(number=str(n)) for n in range(100)], BillFacts()).findings[-1]
    assert finding.evidence["lines_alike"] == "100"
    assert finding.evidence["lines_alike_at"].count("number") == 5
    assert finding.evidence["lines_alike_at"].endswith("…")


def test_one_code_with_two_units_is_amber_at_each_of_its_lines() -> None:
    assert said("V8", line(unit="m2"), line(unit="m3"), line(unit="m2"), line("2", unit="t")) == "AAAG"
    result = audit([line(unit="m2"), line(unit="M³", description="Other")], BillFacts())
    finding = next(found for found in result.findings if found.rule == "V8")
    assert finding.evidence["units"] == "m2 on 1, m3 on 1"


@pytest.mark.parametrize(
    ("one", "other"),
    [("ks", "kus"), ("KUS", "ks."), ("m2", "m²"), ("M3", "m³"), ("m^2", "m 2"), ("bm", "m"), ("kpl", "Komplet")],
)
def test_spellings_of_one_unit_are_one_unit(one: str, other: str) -> None:
    assert normalised_unit(one) == normalised_unit(other)
    assert said("V8", line(unit=one), line(unit=other)) == "GG"


@pytest.mark.parametrize(("one", "other"), [("m", "km"), ("m2", "m3"), ("t", "kg"), ("kus", "kpl"), ("m", "m2")])
def test_units_of_different_size_stay_different(one: str, other: str) -> None:
    assert said("V8", line(unit=one), line(unit=other)) == "AA"


def test_lines_without_code_or_unit_take_no_part() -> None:
    assert said("V8", line("", unit="m2"), line("", unit="m3")) == "00"
    assert said("V8", line(unit="m2"), line(unit=" ")) == "G1"
