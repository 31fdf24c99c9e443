"""Audits after edits: whatever is edited, judging only what became stale gives what a whole audit gives."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.bill import TakeoffLine
from domain.experts.context import BillFacts, Offer
from domain.experts.orchestrator import Base, audit, reaudit
from domain.experts.rules import RULES
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.position import Position
from tests.domain.lines import line

D = Decimal
FACTS = BillFacts()

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.sampled_from(["1", "2", ""]),
    "code": st.sampled_from(
        ["274321411", "274361821", "274351121", "311321411", "272325", "713131141", "998711101", ""]
    ),
    "code_system": st.sampled_from(["urs", "otskp", "own"]),
    "description": st.sampled_from(
        ["Pasy ze ŽB C25/30 XC2", "Pasy ze ŽB C25/30 XF4", "Výztuž pasů", "Bednění pasů", "Stěny ze ŽB C26/30", ""]
    ),
    "role": st.sampled_from(["base", "base", "optional"]),
    "section": st.sampled_from([("SO 01", "HSV"), ("SO 02", "HSV"), ("SO 01", "PSV", "711"), ("2",)]),
    "quantity": st.sampled_from([D(1), D(10), D(0), D(-1), D("NaN"), None]),
    "unit": st.sampled_from(["m3", "t", "m2", "kpl", ""]),
    "unit_price": st.sampled_from([D(100), D(105), D(250), D(90000), D(0), None]),
    "declared_total": st.sampled_from([D(100), D(1000), None]),
    "vat_rate": st.sampled_from([D(21), D(15), D(19), None]),
    "takeoff": st.sampled_from([(), (TakeoffLine(expression="2*5", value=D(10)),)]),
    "notes": st.sampled_from([(), ("provzdušněný",)]),
    "enrichment": st.sampled_from([{}, {"reference_price": {"unit_price": "100"}}]),
    "source_sheet": st.sampled_from(["", "SO 01"]),
    "source_line": st.sampled_from([0, 7]),
}
FIELDS = st.fixed_dictionaries(VALUES)
BILLS = st.lists(FIELDS, min_size=1, max_size=14).map(
    lambda lines: [line(number, **fields) for number, fields in enumerate(lines, start=1)]
)
EDITS = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from(["edit", "edit", "edit", "remove", "add"]),
        FIELDS,
        st.sets(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=4,
)
LOW = AuditSettings(outlier_prices=3)
OFFERED = st.builds(
    Offer,
    compared_as=st.sampled_from(["estimate", "bid"]),
    document_id=st.sampled_from([UUID(int=1), UUID(int=2)]),
    name=st.just("Bidder"),
    unit_price=st.sampled_from([D(100), D(40), D(0)]),
    by=st.just("code"),
)
COMPARED = st.dictionaries(
    st.integers(1, 14).map(lambda number: UUID(int=number)), st.lists(OFFERED, max_size=3).map(tuple), max_size=14
).map(lambda offers: BillFacts(offers=offers))


def edited(lines: list[Position], edits: list[tuple[int, str, dict[str, Any], set[str]]]) -> list[Position]:
    """Apply edits as the budget does: what changes gets another revision, everything else is the same object."""
    after = list(lines)
    for at, action, fields, names in edits:
        if action == "add":
            after.insert(at % (len(after) + 1), line(100 + len(after) + at, **fields))
        elif after and action == "remove":
            after.pop(at % len(after))
        elif after:
            old = after[at % len(after)]
            after[at % len(after)] = replace(old, revision=old.revision + 1, **{name: fields[name] for name in names})
    return list({position.position_id: position for position in after}.values())


def based(lines: list[Position], parameters: AuditSettings = LOW) -> Base:
    result = audit(lines, FACTS, parameters)
    positions = {position.position_id: position for position in lines}
    return Base(positions=positions, facts=FACTS, settings=parameters, result=result)


@settings(max_examples=300, deadline=None)
@given(BILLS, EDITS)
def test_any_edits_judged_in_part_are_what_they_are_judged_in_whole(
    lines: list[Position], edits: list[tuple[int, str, dict[str, Any], set[str]]]
) -> None:
    after = edited(lines, edits)
    assert reaudit(based(lines), after, FACTS, LOW).result == audit(after, FACTS, LOW)


def sound(count: int = 40) -> list[Position]:
    return [line(number, section=("SO 01", str(number % 4))) for number in range(1, count + 1)]


def judged_after(**changes: Any) -> int:
    lines = sound()
    after = [replace(lines[0], revision=2, **changes), *lines[1:]]
    return reaudit(based(lines), after, FACTS, LOW).judged


@settings(max_examples=200, deadline=None)
@given(BILLS, EDITS, COMPARED, COMPARED)
def test_other_bids_beside_any_edits_are_judged_in_part_as_in_whole(
    lines: list[Position],
    edits: list[tuple[int, str, dict[str, Any], set[str]]],
    before: BillFacts,
    after: BillFacts,
) -> None:
    priced = [replace(each, enrichment={}) for each in lines]
    base = Base(
        positions={position.position_id: position for position in priced},
        facts=before,
        settings=LOW,
        result=audit(priced, before, LOW),
    )
    now = edited(priced, edits)
    assert reaudit(base, now, after, LOW).result == audit(now, after, LOW)


def test_a_new_bid_lets_one_rule_run_again() -> None:
    lines = sound()
    bid = Offer(compared_as="bid", document_id=UUID(int=1), name="Bidder", unit_price=D(100), by="code")
    new = BillFacts(offers={lines[0].position_id: (bid,)})
    assert reaudit(based(lines), lines, new, LOW).judged == len(lines)


def test_what_no_rule_reads_lets_none_run() -> None:
    assert judged_after(category="Earthworks") == 0


def test_an_edit_lets_run_only_the_rules_that_read_what_changed() -> None:
    reading_notes = [rule for rule in RULES if rule.scope.fields and "notes" in rule.scope.fields]
    assert judged_after(notes=("provzdušněný",)) == len(reading_notes) == 4
    assert judged_after(vat_rate=D(21)) == 1


def test_an_edit_of_a_code_reaches_the_lines_that_share_it() -> None:
    by_code = sum(1 for rule in RULES if rule.scope.fields and "code" in rule.scope.fields)
    others = 39 + 2  # all other lines by V4, and the one that has this code by C1 and V8
    assert judged_after(code="622000002") == by_code + others


def test_a_price_reaches_what_is_measured_over_the_whole_bill() -> None:
    over_all = sum(1 for rule in RULES if rule.scope.name == "bill" and "unit_price" in (rule.scope.fields or ()))
    assert judged_after(unit_price=D(7)) == over_all * 40 + 4  # and V1, V5, C1, C3 at the line itself


def test_other_parameters_or_facts_let_everything_run() -> None:
    lines = sound()
    everything = len(RULES) * len(lines)
    assert reaudit(based(lines), lines, FACTS, DEFAULTS).judged == everything
    assert reaudit(based(lines), lines, BillFacts(rounding=0), LOW).judged == everything
    assert reaudit(based(lines), lines, FACTS, LOW, RULES[:3]).judged == 3 * len(lines)
    assert reaudit(based(lines), lines, FACTS, LOW).judged == 0


def test_a_line_that_came_is_judged_by_all_and_one_that_left_is_forgotten() -> None:
    lines = sound()
    result = reaudit(based(lines), [*lines[1:], line(99)], FACTS, LOW).result
    assert UUID(int=99) in result.outcomes
    assert lines[0].position_id not in result.outcomes
