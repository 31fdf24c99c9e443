"""Importing a document's lines: in parts, priced, in one currency, once."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from domain.bill import BillSection, Declared, Surcharge, TakeoffLine
from domain.budget import (
    BUDGET,
    MOST_POSITIONS_PER_EVENT,
    RANK_STEP,
    AddPosition,
    AlreadyImported,
    BadAmount,
    Edit,
    Imported,
    ImportedDocument,
    NothingToImport,
    OtherCurrency,
    PositionIdTaken,
    RemovePosition,
)
from tests.domain.budgets import BAD_AMOUNTS, FIRST, SECOND, D, P, bill, closing, history, key, last, line, numbers
from tests.domain.history import fold

DECLARED = Declared(
    total=D("14.00"),
    sections=(BillSection(path=("SO 01",), title="House", declared_total=D("14.00")),),
    surcharges=(Surcharge(label="Reserve", amount=D(1)),),
)


def test_a_document_becomes_the_first_version(given: Any) -> None:
    priced = tuple(structs.replace(line(number), total_price=D("7.00")) for number in (1, 2))
    given(BUDGET).when(bill(line(1), line(2), declared=DECLARED, currency="EUR")).then(
        Imported(
            project_id=P,
            document_id=FIRST,
            part=1,
            first_rank=RANK_STEP,
            positions=priced,
            declared=DECLARED,
            currency="EUR",
        ),
        closing(
            1, "initial", 2, "14.00", "14.00", added=2, currency="EUR", trigger_details={"document_id": str(FIRST)}
        ),
    )
    budget = fold(BUDGET, history(bill(line(1), line(2), declared=DECLARED, currency="EUR")))
    assert budget.documents == {FIRST: ImportedDocument(declared=DECLARED)}
    assert (budget.currency, budget.rounding) == ("EUR", 2)


def test_another_document_stands_behind_the_first(given: Any) -> None:
    given(BUDGET, *history(bill(line(1), line(2)))).when(bill(line(3), document=SECOND)).then(
        Imported(
            project_id=P,
            document_id=SECOND,
            part=1,
            first_rank=3 * RANK_STEP,
            positions=(structs.replace(line(3), total_price=D("7.00")),),
            declared=Declared(),
            currency="CZK",
        ),
        closing(2, "document_added", 3, "21.00", "7.00", added=1, trigger_details={"document_id": str(SECOND)}),
    )


def test_many_lines_come_in_parts_of_one_version() -> None:
    count = 2 * MOST_POSITIONS_PER_EVENT + 1
    events = history(bill(*(line(number) for number in range(count)), declared=DECLARED))
    parts = [event for event in events if isinstance(event, Imported)]
    assert [len(part.positions) for part in parts] == [MOST_POSITIONS_PER_EVENT, MOST_POSITIONS_PER_EVENT, 1]
    assert [part.part for part in parts] == [1, 2, 3]
    assert [part.declared for part in parts] == [DECLARED, None, None]
    assert last(events).total_positions == last(events).changes.added == count
    budget = fold(BUDGET, events)
    assert numbers(budget) == list(range(count))
    assert sorted(budget.ranks.values()) == [RANK_STEP * place for place in range(1, count + 1)]


def test_totals_and_revisions_are_the_budgets_own() -> None:
    boasting = structs.replace(line(1), total_price=D(1000), revision=9)
    position = fold(BUDGET, history(bill(boasting))).positions[key(1)]
    assert (position.total_price, position.revision) == (D("7.00"), 1)


def test_lines_are_rounded_as_their_own_file_rounds() -> None:
    whole = bill(line(2, "0.5", "1"), document=SECOND, rounding=0)
    budget = fold(BUDGET, history(bill(line(1, "0.125", "1"), rounding=2), whole))
    assert [position.total_price for position in budget.positions.values()] == [D("0.13"), D(1)]
    assert (budget.rounding, budget.total_cost) == (2, D("1.13"))


def test_the_first_document_settles_currency_and_rounding() -> None:
    by_hand = AddPosition(project_id=P, position_id=key(9), fields=Edit(quantity=D(1), unit_price=D("0.5")))
    budget = fold(BUDGET, history(by_hand, bill(line(1), currency="EUR", rounding=3)))
    assert (budget.currency, budget.rounding, budget.total_cost) == ("EUR", 3, D("7.50"))


def test_currencies_are_never_added_together(given: Any) -> None:
    euros = bill(line(2), document=SECOND, currency="EUR")
    refusal = given(BUDGET, *history(bill(line(1)))).when(euros).refused(OtherCurrency)
    assert refusal.detail == "The budget is kept in CZK, this document is in EUR."


def test_a_document_is_imported_once(given: Any) -> None:
    given(BUDGET, *history(bill(line(1)))).when(bill(line(2))).refused(AlreadyImported)


def test_a_document_has_positions(given: Any) -> None:
    given(BUDGET).when(bill()).refused(NothingToImport)


def test_no_two_positions_share_an_id(given: Any) -> None:
    gone = history(bill(line(1), line(2)), RemovePosition(project_id=P, position_id=key(1)))
    given(BUDGET, *gone).when(bill(line(2), document=SECOND)).refused(PositionIdTaken)
    given(BUDGET, *gone).when(bill(line(1), document=SECOND)).refused(PositionIdTaken)
    given(BUDGET).when(bill(line(3), line(4), line(3))).refused(PositionIdTaken)


@pytest.mark.parametrize("amount", BAD_AMOUNTS, ids=str)
@pytest.mark.parametrize(
    "field", ["quantity", "unit_price", "material_price", "assembly_price", "declared_total", "vat_rate"]
)
def test_a_line_with_an_impossible_number_is_named_and_refused(given: Any, field: str, amount: Decimal) -> None:
    impossible = structs.replace(line(2, source_sheet="SO 01", source_line=88), **{field: amount})
    refusal = given(BUDGET).when(bill(line(1), impossible)).refused(BadAmount, field=field)
    assert refusal.detail == f"Line 88 of SO 01: {field} must be a finite number below 1000000000000000."


@pytest.mark.parametrize("amount", BAD_AMOUNTS, ids=str)
def test_a_take_off_with_an_impossible_number_is_refused(given: Any, amount: Decimal) -> None:
    rows = (TakeoffLine(expression="2*3", value=D(6)), TakeoffLine(expression="note"))
    impossible = (*rows, TakeoffLine(expression="1/0", value=amount))
    given(BUDGET).when(bill(line(1, takeoff=impossible))).refused(BadAmount, field="takeoff")
    assert fold(BUDGET, history(bill(line(1, takeoff=rows)))).positions[key(1)].takeoff == rows


def test_a_file_keeps_every_decimal_that_it_states() -> None:
    budget = fold(BUDGET, history(bill(line(1, "0.333333333333333", "3"))))
    assert budget.positions[key(1)].quantity == D("0.333333333333333")
    assert budget.total_cost == D("1.00")
