"""The orchestrator's laws: total, monotone, independent of order, and finding every planted fault."""

import random
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bill import BillSection, StatedTotal, Surcharge, TakeoffLine
from domain.experts.context import AuditContext, BillFacts, DeclaredBill
from domain.experts.finding import VERDICTS, Finding, Verdict, clipped, merge, shown
from domain.experts.orchestrator import Audit, audit, verdict_of
from domain.experts.rule import GREEN, Concern, Rule, issue
from domain.experts.rules import RULES, registered
from domain.position import Position

D = Decimal
DOCUMENT = UUID(int=1)

verdicts = st.sampled_from(VERDICTS)
numbers = st.none() | st.decimals() | st.decimals(min_value=-10, max_value=1000, places=2)
texts = st.sampled_from(["", " ", "1", "2", "m", "m2", "Work"]) | st.text(max_size=8)
codes = st.sampled_from(["274321411", "274361821", "274351121", "274351122", "272325", "272365", "998011001"]) | texts
descriptions = texts | st.sampled_from(
    ["Železobeton C25/30 XF4", "Výztuž pasů", "Bednění pasů", "Beton C26/30", "ŽB stěn C30/37 provzdušněný XF3, XA2"]
)
units = st.sampled_from(["m3", "M3", "t", "kg", "m2", "kpl", "kus"]) | texts
sections = st.lists(st.sampled_from(["a", "711"]), max_size=3).map(tuple)
takeoffs = st.lists(
    st.builds(
        TakeoffLine,
        expression=texts | st.sampled_from(["2*3", "1/0", '5 "x"']),
        value=numbers,
        kind=st.sampled_from(["row", "subtotal", "total"]),
    ),
    max_size=3,
).map(tuple)
positions = st.builds(
    Position,
    position_id=st.uuids(),
    number=texts,
    code=codes,
    code_system=st.sampled_from(["urs", "otskp", "own"]),
    description=descriptions,
    role=st.sampled_from(["base", "base", "optional"]),
    section=sections,
    quantity=numbers,
    unit=units,
    unit_price=numbers,
    vat_rate=st.sampled_from([None, D(21), D(15), D(19), D("NaN")]),
    declared_total=numbers,
    takeoff=takeoffs,
    source=st.sampled_from(["uploaded", "manual"]),
    source_document_id=st.sampled_from([None, DOCUMENT]),
    source_sheet=texts,
    source_line=st.integers(0, 9),
    revision=st.integers(1, 2),
    enrichment=st.sampled_from([{}, {"reference_price": {"unit_price": "10"}}, {"reference_price": "much"}]),
)
bills = st.lists(positions, max_size=8, unique_by=lambda position: position.position_id)
declared = st.builds(
    DeclaredBill,
    document_id=st.sampled_from([None, DOCUMENT]),
    declared_total=numbers,
    sections=st.lists(st.builds(BillSection, path=sections, declared_total=numbers), max_size=4).map(tuple),
    surcharges=st.lists(st.builds(Surcharge, label=texts, amount=st.decimals()), max_size=1).map(tuple),
    totals=st.lists(
        st.builds(
            StatedTotal,
            kind=st.sampled_from(["net", "vat", "gross", "rounding"]),
            amount=st.decimals(),
            path=sections,
            rate=numbers,
            base=numbers,
        ),
        max_size=5,
    ).map(tuple),
    rounding=st.none() | st.integers(0, 6),
    diminished=st.lists(sections, max_size=2).map(tuple),
)
facts = st.builds(BillFacts, rounding=st.integers(0, 6), declared=st.lists(declared, max_size=2).map(tuple))


@given(bills, facts)
def test_any_bill_is_judged_wholly(lines: list[Position], known: BillFacts) -> None:
    result = audit(lines, known)
    assert result.rules == tuple(rule.id for rule in RULES)
    assert result.outcomes.keys() == result.verdicts.keys() == {line.position_id for line in lines}
    for outcome in result.outcomes.values():
        assert len(outcome) == len(RULES)
        for rule, character in zip(RULES, outcome, strict=True):
            assert character in "GAR" or rule.not_checked[int(character)]
    for section in result.sections:
        rule = next(rule for rule in RULES if rule.id == section.rule)
        assert section.outcome in "GAR" or rule.not_checked[int(section.outcome)]


@given(bills, facts)
def test_every_objection_has_a_finding_and_every_finding_an_objection(lines: list[Position], known: BillFacts) -> None:
    result = audit(lines, known)
    objections = [
        (rule, position_id, verdict_of(character))
        for position_id, outcome in result.outcomes.items()
        for rule, character in zip(result.rules, outcome, strict=True)
    ]
    objections += [(section.rule, None, verdict_of(section.outcome)) for section in result.sections]
    expected = sorted((each for each in objections if each[2] in {"AMBER", "RED"}), key=str)
    found = [(each.rule, each.position_id, each.recommendation) for each in result.findings]
    assert sorted((each for each in found if each[2] in {"AMBER", "RED"}), key=str) == expected
    for finding in result.findings:
        assert finding.reasoning
        assert finding.recommendation == "NOT_CHECKED" or (finding.issues and finding.evidence)


@given(bills, facts)
def test_verdicts_merge_what_the_rules_said(lines: list[Position], known: BillFacts) -> None:
    result = audit(lines, known)
    for position_id, outcome in result.outcomes.items():
        assert result.verdicts[position_id] == merge(map(verdict_of, outcome))
    everything = [*result.verdicts.values(), *(verdict_of(section.outcome) for section in result.sections)]
    assert result.verdict == merge(everything)


@given(bills, facts)
def test_each_rule_counts_what_it_judges(lines: list[Position], known: BillFacts) -> None:
    result = audit(lines, known)
    for rule, counts in result.rule_counts.items():
        judged = sum(1 for section in result.sections if section.rule == rule)
        judged += 0 if rule in {"V2", "S4"} else len(lines)
        assert (set(counts), sum(counts.values())) == (set(VERDICTS), judged)


@given(bills, facts, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing_but_the_order(
    lines: list[Position], known: BillFacts, dice: random.Random
) -> None:
    shuffled = dice.sample(lines, len(lines))
    one, other = audit(lines, known), audit(shuffled, known)
    assert one.outcomes == other.outcomes
    assert (one.verdicts, one.sections, one.rule_counts) == (other.verdicts, other.sections, other.rule_counts)
    assert _sorted(one) == _sorted(other)


def _sorted(result: Audit) -> list[bytes]:
    return sorted(msgspec.json.encode(finding) for finding in result.findings)


@given(bills, facts)
def test_an_audit_survives_storage(lines: list[Position], known: BillFacts) -> None:
    result = audit(lines, known)
    assert msgspec.json.decode(msgspec.json.encode(result), type=Audit) == result


def test_the_verdicts_are_those_of_the_type() -> None:
    assert set(VERDICTS) == set(get_args(Verdict))


@given(st.lists(verdicts))
def test_the_merge_is_red_amber_green_in_that_order_and_never_green_from_nothing(said: list[Verdict]) -> None:
    expected = next((verdict for verdict in ("RED", "AMBER", "GREEN") if verdict in said), "NOT_CHECKED")
    assert merge(said) == expected


@given(st.lists(verdicts), st.lists(verdicts))
def test_hearing_more_never_improves_a_verdict_that_was_checked(said: list[Verdict], more: list[Verdict]) -> None:
    assert VERDICTS.index(merge(said + more)) >= VERDICTS.index(merge(said))
    assert merge(said + more) == merge([merge(said), merge(more)]) == merge(more + said)
    assert merge([*said, "RED"]) == "RED"


def sound(number: int) -> Position:
    """A line that every rule finds nothing wrong with."""
    quantity, price = D(number % 97 + 1), D("12.50")
    return Position(
        position_id=uuid4(),
        number=str(number),
        code=f"1211511{number:06d}",
        description="Topsoil stripping",
        section=("SO 1", str(number % 50)),
        quantity=quantity,
        unit="m2",
        unit_price=price,
        declared_total=quantity * price,
        takeoff=(TakeoffLine(expression=f'({quantity}+3)*2/2-3 "area"', value=quantity),),
        source_document_id=DOCUMENT,
        source_sheet="SO 1",
        source_line=number + 100,
    )


def declaring(lines: list[Position]) -> BillFacts:
    """What a file with these lines declares."""
    sums: dict[tuple[str, ...], Decimal] = {}
    for line in lines:
        sums[line.section] = sums.get(line.section, D(0)) + (line.declared_total or 0)
    headings = tuple(BillSection(path=path, declared_total=total) for path, total in sums.items())
    bill = DeclaredBill(document_id=DOCUMENT, declared_total=sum(sums.values(), D(0)), sections=headings)
    return BillFacts(declared=(bill,))


def test_a_sound_bill_is_green_throughout() -> None:
    lines = [sound(number) for number in range(200)]
    result = audit(lines, declaring(lines))
    assert {outcome[:8] for outcome in result.outcomes.values()} == {"G0GGGGGG"}
    assert (set(result.verdicts.values()), result.findings, result.verdict) == ({"GREEN"}, (), "GREEN")


FAULTS: list[tuple[str, Verdict, dict[str, Any]]] = [
    ("V1", "RED", {"declared_total": D(1)}),
    ("V3", "RED", {"takeoff": (TakeoffLine(expression="1", value=D("0.001")),)}),
    ("V4", "RED", {"unit": ""}),
    ("V4", "AMBER", {"code": ""}),
    ("V5", "RED", {"quantity": D("NaN")}),
    ("V5", "AMBER", {"quantity": D(0)}),
    ("V6", "AMBER", {"unit_price": None}),
    ("V7", "AMBER", {"number": "3"}),
    ("V8", "AMBER", {"code": "1211511000003", "unit": "t", "description": "Other"}),
]


@pytest.mark.parametrize(("rule", "verdict", "fault"), FAULTS)
def test_a_planted_fault_is_found_at_its_line(rule: str, verdict: Verdict, fault: dict[str, Any]) -> None:
    lines = [sound(number) for number in range(50)]
    known = declaring(lines)
    lines[20] = msgspec.structs.replace(lines[20], **fault)
    result = audit(lines, known)
    found = {(each.rule, each.recommendation) for each in result.findings if each.position_id == lines[20].position_id}
    assert (rule, verdict) in found
    touched = {lines[20].position_id, lines[3].position_id}
    assert {each.position_id for each in result.findings if each.position_id} <= touched


def test_a_line_that_is_lost_is_missed_in_its_section_and_in_the_bill() -> None:
    lines = [sound(number) for number in range(60)]
    result = audit(lines[1:], declaring(lines))
    assert [(each.rule, each.section) for each in result.findings] == [("V2", ("SO 1", "0")), ("V2", ())]


def test_a_new_rule_needs_nothing_but_itself() -> None:
    def lines_per_unit(context: AuditContext) -> dict[str, int]:
        calls.append("derived")
        return {"m2": len(context.positions)}

    def judge(position: Position, context: AuditContext) -> str | Concern:
        if context.once(lines_per_unit)[position.unit] < 3:
            return GREEN
        found = issue("crowded", "info", "Crowded.", "Thin out.")
        return Concern(verdict="AMBER", reasoning="Crowded.", issues=(found,), confidence=70)

    calls: list[str] = []
    crowded = Rule(id="X1", expert_role="cost", title="Not too many lines", source="a test", judge=judge)
    result = audit([sound(number) for number in range(3)], BillFacts(), rules=(crowded,))
    assert set(result.outcomes.values()) == {"A"}
    assert {(each.rule, each.expert_role, each.confidence) for each in result.findings} == {("X1", "cost", 70)}
    assert calls == ["derived"]


def test_ids_of_rules_are_permanent_and_taken_once() -> None:
    assert " ".join(rule.id for rule in RULES) == (
        "V1 V2 V3 V4 V5 V6 V7 V8 C1 C2 C3 C4 C5 C6 S1 S2 S3 S4 S5 N1 N2 N3 N4"
    )
    with pytest.raises(ValueError, match="V1"):
        registered(RULES, RULES[:1])


def test_a_rule_whose_outcomes_could_not_be_stored_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 10 reasons"):
        msgspec.structs.replace(RULES[0], not_checked=("why",) * 11)
    with pytest.raises(ValueError, match="no reason"):
        Rule(id="X2", expert_role="cost", title="", source="")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "none"),
        (D("1E+3"), "1000"),
        (D("12.50"), "12.50"),
        (D("-0.003"), "-0.003"),
        (D("NaN"), "NaN"),
        (D("1E+999999"), "1E+999999"),
        (D("1E-999999"), "1E-999999"),
    ],
)
def test_numbers_are_shown_as_people_read_them(number: Decimal | None, text: str) -> None:
    assert shown(number) == text


def test_long_texts_are_cut() -> None:
    assert clipped("short") == "short"
    assert len(shown(D("1" * 500))) <= 80
    assert clipped("x" * 500) == "x" * 79 + "…"


def test_a_finding_keeps_its_figures_as_text() -> None:
    finding = Finding(rule="V1", expert_role="validator", recommendation="RED", reasoning="x", evidence={"q": "1.50"})
    assert msgspec.json.decode(msgspec.json.encode(finding)) == {
        "rule": "V1",
        "expert_role": "validator",
        "recommendation": "RED",
        "reasoning": "x",
        "evidence": {"q": "1.50"},
    }


def test_findings_stay_small_however_many_lines_are_alike() -> None:
    twin = msgspec.structs.replace(sound(1), code="c" * 5000, description="d" * 5000, unit="u" * 5000)
    lines = [msgspec.structs.replace(twin, position_id=uuid4(), unit=f"{number}{twin.unit}") for number in range(2000)]
    result = audit(lines, declaring(lines))
    assert result.rule_counts["V7"]["AMBER"] == result.rule_counts["V8"]["AMBER"] == 2000
    assert max(len(msgspec.json.encode(finding)) for finding in result.findings) < 3000
