"""The rules on real bills of good quality: what they find there must be true, and planted faults must be found."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from domain.bill import BillItem
from domain.experts.context import BillFacts, DeclaredBill
from domain.experts.finding import Verdict
from domain.experts.orchestrator import Audit, audit
from domain.position import Position, line_total
from workers.readers import read_bill

DOCUMENT = UUID(int=1)
VALCHA = "kros_rd_valcha_PRICED.xlsx"
DALIBOROVA = "kros_daliborova_material_montaz_PRICED.xlsx"
BRIDGE = "kros_so202_most_d6_single_sheet_blank.xlsx"
CALCULATION = "kalkulace_SO201_most_PRICED.xls"
ESTICON = "esticon_D6_SO202_blank.xlsx"
SALT_HALL = "rtsrozp_hala_na_sul_rozmital_blank.xlsx"

Imported = tuple[list[Position], BillFacts]


def position_of(item: BillItem, rounding: int) -> Position:
    fields = {field: getattr(item, field) for field in set(item.__struct_fields__) & set(Position.__struct_fields__)}
    return Position(
        position_id=uuid4(),
        total_price=line_total(item.quantity, item.unit_price, rounding),
        source_document_id=DOCUMENT,
        source_sheet=item.sheet,
        source_line=item.line,
        **fields,
    )


def imported(folder: Path, name: str) -> Imported:
    bill = read_bill((folder / name).read_bytes())
    declared = DeclaredBill(
        document_id=DOCUMENT,
        declared_total=bill.declared_total,
        sections=bill.sections,
        surcharges=bill.surcharges,
        totals=bill.totals,
    )
    facts = BillFacts(currency=bill.currency, rounding=bill.rounding.total, declared=(declared,))
    return [position_of(item, bill.rounding) for item in bill.items], facts


def audited(folder: Path, name: str) -> Audit:
    return audit(*imported(folder, name))


def said(result: Audit, rule: str) -> dict[Verdict, int]:
    return {verdict: count for verdict, count in result.rule_counts[rule].items() if count}


def objections(result: Audit) -> Counter[tuple[str, Verdict]]:
    said = ((finding.rule, finding.recommendation) for finding in result.findings)
    return Counter((rule, verdict) for rule, verdict in said if verdict in {"AMBER", "RED"})


def test_a_priced_house_is_green_in_every_line_sum_and_takeoff(bills: Path) -> None:
    result = audited(bills, VALCHA)
    assert said(result, "V1") == {"GREEN": 298}
    assert said(result, "V3") == {"GREEN": 154, "NOT_CHECKED": 144}
    assert set(said(result, "V2")) == {"GREEN"}
    assert next(section.outcome for section in result.sections if section.path == ()) == "G"
    assert result.verdict == "AMBER"
    assert objections(result) == {("C1", "AMBER"): 4, ("S3", "AMBER"): 1, ("N3", "AMBER"): 3}


def test_a_bill_with_split_prices_is_green_but_for_a_repeated_line(bills: Path) -> None:
    result = audited(bills, DALIBOROVA)
    assert said(result, "V1") == {"GREEN": 72}
    assert said(result, "V3") == {"GREEN": 25, "NOT_CHECKED": 47}
    assert set(said(result, "V2")) == {"GREEN"}
    assert objections(result) == {("V7", "AMBER"): 2}


@pytest.mark.parametrize(
    ("name", "amounts"), [(VALCHA, 12), (DALIBOROVA, 4), ("realistic.x84", 2), (BRIDGE, 0), (SALT_HALL, 0)]
)
def test_every_amount_of_vat_and_total_with_it_is_what_it_comes_to(bills: Path, name: str, amounts: int) -> None:
    said = [section.outcome for section in audited(bills, name).sections if section.rule == "C5"]
    assert said == (["G"] * amounts or ["2"])


@pytest.mark.parametrize(("name", "lines"), [(BRIDGE, 99), (SALT_HALL, 210)])
def test_a_blank_tender_has_nothing_red_and_its_missing_prices_are_said_once(
    bills: Path, name: str, lines: int
) -> None:
    result = audited(bills, name)
    for rule in ("V1", "V2", "V6"):
        assert set(said(result, rule)) == {"NOT_CHECKED"}
    assert [finding.recommendation for finding in result.findings if finding.rule == "V6"] == ["NOT_CHECKED"]
    assert len(result.verdicts) == lines
    assert "RED" not in result.verdicts.values()


@pytest.mark.parametrize("name", [VALCHA, DALIBOROVA, BRIDGE, SALT_HALL, CALCULATION, ESTICON])
def test_nothing_in_a_real_bill_is_red(bills: Path, name: str) -> None:
    result = audited(bills, name)
    assert [finding for finding in result.findings if finding.recommendation == "RED"] == []


def test_few_prices_of_real_bills_are_called_unusual(bills: Path) -> None:
    said_of = [said(audited(bills, name), "C2") for name in (VALCHA, DALIBOROVA, CALCULATION)]
    looked = sum(counts.get("GREEN", 0) + counts.get("AMBER", 0) for counts in said_of)
    assert sum(counts.get("AMBER", 0) for counts in said_of) / looked < 0.015


def test_concrete_of_real_bills_has_its_rebar_and_formwork(bills: Path) -> None:
    assert said(audited(bills, VALCHA), "S1") == {"GREEN": 3, "NOT_CHECKED": 295}
    assert said(audited(bills, SALT_HALL), "S1") == {"GREEN": 2, "NOT_CHECKED": 208}
    assert said(audited(bills, BRIDGE), "S2") == {"GREEN": 12, "NOT_CHECKED": 87}


def test_a_takeoff_is_checked_on_every_line_of_a_blank_bridge(bills: Path) -> None:
    assert said(audited(bills, BRIDGE), "V3") == {"GREEN": 99}


@pytest.mark.parametrize(
    ("rule", "name", "factor"),
    [("V1", "declared_total", "1.001"), ("V2", "unit_price", "1.001"), ("V3", "quantity", "1.01")],
)
def test_a_fault_planted_in_a_real_bill_is_found(bills: Path, rule: str, name: str, factor: str) -> None:
    positions, facts = imported(bills, VALCHA)
    sound = audit(positions, facts)
    at = next(
        index
        for index, position in enumerate(positions)
        if position.takeoff and position.declared_total > Decimal(5000)
    )
    value = getattr(positions[at], name) * Decimal(factor)
    positions[at] = replace(positions[at], **{name: value})
    result = audit(positions, facts)
    assert said(result, rule)["RED"] >= 1
    new = [finding for finding in result.findings if finding not in sound.findings]
    assert {finding.position_id for finding in new} <= {None, positions[at].position_id}
