"""V2: declared sums of sections and of whole bills, and what they do and do not say of their lines."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.bill import BillSection, Surcharge
from domain.experts.context import BillFacts, DeclaredBill
from domain.experts.orchestrator import Audit, audit
from domain.position import Position

D = Decimal
EARTH, BASE = ("SO 1", "1"), ("SO 1", "2")


def line(section: tuple[str, ...], total: str | None = "100", **fields: Any) -> Position:
    priced: dict[str, Any] = {"quantity": D(1), "unit": "m", "unit_price": D(total) if total else None}
    code = str(uuid4())
    return Position(position_id=uuid4(), code=code, description="Work", section=section, **priced | fields)


def heading(path: tuple[str, ...], total: str | None, **fields: Any) -> BillSection:
    return BillSection(path=path, declared_total=D(total) if total else None, **fields)


def sums(positions: list[Position], *sections: BillSection, total: str | None = None, **fields: Any) -> Audit:
    bill = DeclaredBill(sections=sections, declared_total=D(total) if total else None, **fields)
    return audit(positions, BillFacts(declared=(bill,)))


def said(result: Audit) -> dict[tuple[str, ...], str]:
    return {section.path: section.outcome for section in result.sections if section.rule == "V2"}


def test_sections_and_the_grand_total_agree_with_their_lines() -> None:
    result = sums([line(EARTH), line(EARTH), line(BASE)], heading(EARTH, "200"), heading(BASE, "100"), total="300")
    assert said(result) == {EARTH: "G", BASE: "G", (): "G"}
    assert result.rule_counts["V2"] == {"GREEN": 3, "AMBER": 0, "RED": 0, "NOT_CHECKED": 0}


@pytest.mark.parametrize(("declared", "outcome"), [("200.01", "G"), ("199.99", "G"), ("200.02", "R"), ("0", "R")])
def test_a_sum_may_be_off_by_one_hundredth(declared: str, outcome: str) -> None:
    assert said(sums([line(EARTH), line(EARTH)], heading(EARTH, declared)))[EARTH] == outcome


def test_a_wrong_sum_is_about_the_section_and_paints_no_line() -> None:
    lines = [line(EARTH), line(EARTH)]
    result = sums(lines, heading(EARTH, "250", sheet="SO 1", line=12))
    assert {result.verdicts[each.position_id] for each in lines} == {"GREEN"}
    assert {result.outcomes[each.position_id][result.rules.index("V2")] for each in lines} == {"0"}
    (finding,) = result.findings
    assert (finding.rule, finding.recommendation, finding.position_id, finding.section) == ("V2", "RED", None, EARTH)
    for figure in ("SO 1 / 1", "250 CZK", "2 lines", "200.00 CZK", "50.00 CZK"):
        assert figure in finding.reasoning
    assert finding.evidence["sheet"] == "SO 1"
    assert finding.evidence["row"] == "12"
    assert result.verdict == "RED"


def test_a_wrong_grand_total_is_about_the_bill() -> None:
    (finding,) = sums([line(EARTH)], total="101").findings
    assert (finding.recommendation, finding.position_id, finding.section) == ("RED", None, ())
    assert finding.reasoning.startswith("The bill declares 101 CZK")


def test_surcharges_belong_to_the_grand_total_and_to_no_section() -> None:
    overhead = Surcharge(label="Overhead", amount=D("12.50"))
    result = sums([line(EARTH)], heading(EARTH, "100"), total="112.50", surcharges=(overhead,))
    assert said(result) == {EARTH: "G", (): "G"}
    (finding,) = sums([line(EARTH)], total="113", surcharges=(overhead,)).findings
    assert "1 lines and 1 surcharges" in finding.reasoning


def test_a_file_may_add_its_lines_before_or_after_rounding_them() -> None:
    halves = [line(EARTH, "0.125") for _ in range(4)]
    assert said(sums(halves, heading(EARTH, "0.52")))[EARTH] == "G"
    assert said(sums(halves, heading(EARTH, "0.50")))[EARTH] == "G"
    assert said(sums(halves, heading(EARTH, "0.54")))[EARTH] == "R"
    assert said(sums(halves, heading(EARTH, "0.48")))[EARTH] == "R"


def test_only_the_lowest_headings_are_judged_and_count_what_lies_below_them() -> None:
    deep = line((*EARTH, "a"))
    result = sums([line(EARTH), deep], heading(("SO 1",), "999"), heading(EARTH, "200"), heading((), "5"))
    assert said(result) == {EARTH: "G", (): "1"}


def test_a_path_that_is_headed_twice_declares_both_sums() -> None:
    assert said(sums([line(EARTH), line(EARTH)], heading(EARTH, "150"), heading(EARTH, "50")))[EARTH] == "G"
    assert said(sums([line(EARTH)], heading(EARTH, "100"), heading(EARTH, None)))[EARTH] == "1"


def test_a_lump_sum_without_unit_price_counts_with_its_stated_total() -> None:
    lump = line(EARTH, None, quantity=None, declared_total=D("40.00"))
    assert said(sums([line(EARTH), lump], heading(EARTH, "140")))[EARTH] == "G"


def test_lines_without_a_price_add_nothing() -> None:
    assert said(sums([line(EARTH), line(EARTH, None)], heading(EARTH, "100")))[EARTH] == "G"


@pytest.mark.parametrize(
    ("lines", "declared", "outcome"),
    [
        ([line(EARTH)], None, "1"),
        ([line(EARTH, None)], "0", "2"),
        ([line(EARTH, "0")], "0", "2"),
        ([], "0", "2"),
        ([line(EARTH), line(EARTH, revision=2)], "100", "3"),
        ([line(EARTH, "NaN")], "100", "4"),
        ([line(EARTH, quantity=D("1e90"))], "100", "4"),
    ],
)
def test_a_sum_that_cannot_be_judged_says_why(lines: list[Position], declared: str | None, outcome: str) -> None:
    assert said(sums(lines, heading(EARTH, declared), total=declared)) == {EARTH: outcome, (): outcome}


def test_a_section_that_lost_a_line_since_import_is_not_judged_nor_is_its_bill() -> None:
    sections = (heading(EARTH, "200"), heading(BASE, "100"))
    result = sums([line(EARTH), line(BASE)], *sections, total="300", diminished=((*EARTH, "a"),))
    assert said(result) == {EARTH: "3", BASE: "G", (): "3"}


def test_an_edited_line_leaves_other_sections_judged() -> None:
    result = sums([line(EARTH, revision=2), line(BASE)], heading(EARTH, "1"), heading(BASE, "100"), total="1")
    assert said(result) == {EARTH: "3", BASE: "G", (): "3"}


def test_each_document_is_summed_for_itself_and_lines_added_by_hand_for_none() -> None:
    first, second = uuid4(), uuid4()

    def declared(document: UUID, total: str) -> DeclaredBill:
        return DeclaredBill(document_id=document, declared_total=D(total), sections=(heading(EARTH, total),))

    positions = [
        line(EARTH, "100", source_document_id=first),
        line(EARTH, "70", source_document_id=second),
        line(EARTH, "5", source="manual"),
    ]
    result = audit(positions, BillFacts(declared=(declared(first, "100"), declared(second, "71"))))
    outcomes = {
        (section.document_id, section.path): section.outcome for section in result.sections if section.rule == "V2"
    }
    assert outcomes == {(first, EARTH): "G", (first, ()): "G", (second, EARTH): "R", (second, ()): "R"}
    assert {finding.evidence["document"] for finding in result.findings} == {str(second)}


def test_a_budget_that_was_not_imported_has_no_sums_to_judge() -> None:
    result = audit([line(EARTH)], BillFacts())
    assert [section.rule for section in result.sections] == ["C4"]
    assert result.rule_counts["V2"] == {"GREEN": 0, "AMBER": 0, "RED": 0, "NOT_CHECKED": 0}
