"""Sample bills agree with themselves, read back as planned, and carry the faults that were asked for."""

import io
from decimal import Decimal
from typing import get_args

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.bill import Bill, BillItem
from domain.experts.takeoff import evaluate
from domain.position import line_total
from workers.readers import read_bill
from workers.sample_bill import sample_bill
from workers.sample_plan import Fault, plan

FAULTS: tuple[Fault, ...] = get_args(Fault)


def planned_items(**wanted: int | bool) -> list[BillItem]:
    objects = plan(**{"objects": 2, "items": 120, "seed": 7, "priced": True, "faults": (), **wanted})
    return [item for planned in objects for group in planned.groups for part in group.parts for item in part.items]


def without_places(item: BillItem) -> BillItem:
    return replace(item, sheet="", line=0, takeoff=tuple(replace(row, line=0) for row in item.takeoff))


@settings(deadline=None, max_examples=25)
@given(objects=st.integers(1, 4), items=st.integers(4, 90), seed=st.integers(0, 10**6), priced=st.booleans())
def test_any_sample_reads_back_as_planned(objects: int, items: int, seed: int, priced: bool) -> None:
    bill = read_bill(sample_bill(objects=objects, items=items, seed=seed, priced=priced))
    planned = planned_items(objects=objects, items=items, seed=seed, priced=priced)
    if not priced:
        planned = [replace(item, unit_price=None, declared_total=None) for item in planned]
    assert [without_places(item) for item in bill.items] == planned
    assert len(bill.items) == items
    assert bill.skipped == ()


def test_lines_sections_and_totals_agree_to_the_cent() -> None:
    bill = read_bill(sample_bill(items=200))
    lines = [line_total(item.quantity, item.unit_price) for item in bill.items]
    assert lines == [item.declared_total for item in bill.items]
    assert sum(line or 0 for line in lines) == bill.declared_total
    objects = [section.declared_total or 0 for section in bill.sections if len(section.path) == 1]
    assert sum(objects) == bill.declared_total
    for section in bill.sections:
        inside = [item for item in bill.items if item.section[: len(section.path)] == section.path]
        assert sum(item.declared_total or 0 for item in inside) == section.declared_total


def test_every_expression_evaluates_to_its_value_and_the_rows_to_the_quantity() -> None:
    measured = [item for item in read_bill(sample_bill(items=200)).items if item.takeoff]
    assert len(measured) > 100
    for item in measured:
        rows = [row for row in item.takeoff if row.kind == "row"]
        assert [evaluate(row.expression) for row in rows] == [row.value for row in rows]
        assert abs(sum(row.value or Decimal(0) for row in rows) - (item.quantity or 0)) <= Decimal("0.0005")


def test_formulas_carry_the_values_that_they_compute() -> None:
    content = sample_bill(items=40)
    formulas = openpyxl.load_workbook(io.BytesIO(content))
    for item in read_bill(content).items:
        cell = formulas[item.sheet].cell(item.line, 10)
        assert cell.value == f"=ROUND(I{item.line}*H{item.line},2)"


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert sample_bill(items=30, seed=5) == sample_bill(items=30, seed=5)
    assert sample_bill(items=30, seed=5) != sample_bill(items=30, seed=6)


def test_no_item_repeats_another_of_its_section_and_no_code_changes_its_price() -> None:
    items = planned_items(items=3000)
    assert len({(item.section, item.code, item.description) for item in items}) == len(items)
    prices: dict[str, tuple[str, Decimal | None]] = {}
    for item in items:
        assert prices.setdefault(item.code, (item.unit, item.unit_price)) == (item.unit, item.unit_price)


def test_reinforced_concrete_comes_with_formwork_and_rebar() -> None:
    families = {item.code[:5] for item in planned_items(objects=1)}
    assert {"27432", "27435", "27436", "41132", "41135", "41136"} <= families


def with_fault(fault: Fault) -> tuple[Bill, Bill]:
    return read_bill(sample_bill(items=60)), read_bill(sample_bill(items=60, faults=[fault]))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_changes_one_thing(fault: Fault) -> None:
    good, bad = with_fault(fault)
    assert len(good.items) == len(bad.items)
    changed = [
        after
        for before, after in zip(good.items, bad.items, strict=True)
        if without_places(before) != without_places(after)
    ]
    assert len(changed) == (0 if fault == "wrong_section_sum" else 1)


def test_faults_are_what_they_are_called() -> None:
    bill = read_bill(sample_bill(items=200, faults=FAULTS))
    items = bill.items
    assert sum(1 for item in items if item.declared_total != line_total(item.quantity, item.unit_price)) == 1
    assert sum(1 for item in items if not item.unit) == 1
    assert sum(1 for item in items if not item.code) == 1
    assert sum(1 for item in items if (item.quantity or 0) < 0) == 1
    assert sum(1 for item in items if item.unit_price == 0) == 1
    assert len(items) - len({(item.section, item.code, item.description) for item in items}) == 1
    assert sum(item.declared_total or 0 for item in items) == (bill.declared_total or 0) - 500
    units: dict[str, set[str]] = {}
    for item in items:
        if item.code and item.unit:
            units.setdefault(item.code, set()).add(item.unit)
    assert sum(1 for found in units.values() if len(found) > 1) == 1
    mismatched = [
        item
        for item in items
        if item.takeoff
        and abs(sum(row.value or 0 for row in item.takeoff if row.kind == "row") - (item.quantity or 0)) > 1
    ]
    assert len(mismatched) == 1


def test_too_many_faults_for_a_small_bill_are_refused() -> None:
    with pytest.raises(ValueError, match="plan more items"):
        sample_bill(objects=1, items=6, faults=FAULTS)
