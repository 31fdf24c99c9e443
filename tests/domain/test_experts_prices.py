"""C1, C2, C4: prices beside each other, shares of the bill."""

from decimal import Decimal
from typing import Any

import pytest

from domain.experts.settings import DEFAULTS, AuditSettings
from domain.position import Position
from tests.domain.lines import finding, judged, line, outcome

D = Decimal


def repeated(*prices: str, **fields: Any) -> list[Position]:
    same = {"code": "713131141", "description": "Izolace"}
    return [line(number, unit_price=D(price), **same | fields) for number, price in enumerate(prices, start=1)]


@pytest.mark.parametrize(
    ("prices", "said"), [(("100",), "2"), (("100", "110"), "G"), (("100", "111"), "A"), (("100", "201"), "R")]
)
def test_one_code_has_one_price(prices: tuple[str, ...], said: str) -> None:
    assert outcome("C1", *repeated(*prices)) == said


def test_a_spread_names_both_ends() -> None:
    found = finding("C1", *repeated("250", "100"))
    assert (found.recommendation, found.demand) == ("RED", "unit_price-")
    assert (found.evidence["lowest"], found.evidence["highest"], found.evidence["ratio"]) == ("100", "250", "2.50")


@pytest.mark.parametrize(
    "other",
    [{"description": "Other"}, {"section": ("SO 02", "HSV")}],
)
def test_prices_of_different_works_or_objects_differ_without_being_red(other: dict[str, Any]) -> None:
    (one,), (two,) = repeated("100"), repeated("900", **other)
    assert (
        outcome(
            "C1",
            one,
            line(2, **{field: getattr(two, field) for field in ("code", "description", "section", "unit_price")}),
        )
        == "A"
    )


@pytest.mark.parametrize("fields", [{"unit": "kpl"}, {"code": "02911", "unit": "HM"}])
def test_lump_sums_and_general_items_are_never_red(fields: dict[str, Any]) -> None:
    assert outcome("C1", *repeated("100", "900", **fields)) == "A"


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"unit_price": None}, "0"), ({"unit_price": D(0)}, "0"), ({"code": ""}, "1"), ({"unit": ""}, "1")],
)
def test_a_line_without_price_code_or_unit_is_not_compared(fields: dict[str, Any], said: str) -> None:
    assert outcome("C1", line(**fields), *repeated("1", "2")[1:]) == said


def spread_out(count: int = 25) -> list[Position]:
    return [line(number, unit_price=D(100 + 7 * number)) for number in range(2, count + 2)]


@pytest.mark.parametrize(("price", "said", "demand"), [("150", "G", ""), ("90000", "A", "-"), ("0.5", "A", "+")])
def test_a_price_far_from_those_of_its_unit_is_looked_at(price: str, said: str, demand: str) -> None:
    odd = line(1, unit_price=D(price))
    assert outcome("C2", odd, *spread_out()) == said
    if demand:
        assert finding("C2", odd, *spread_out()).demand == f"unit_price{demand}"


def test_too_few_or_too_equal_prices_say_nothing() -> None:
    odd = line(1, unit_price=D(90000))
    assert outcome("C2", odd, *spread_out(10)) == "2"
    assert outcome("C2", odd, *spread_out(10), settings=AuditSettings(outlier_prices=5)) == "A"
    assert outcome("C2", line(1, unit="kpl"), *spread_out()) == "1"
    assert outcome("C2", line(1, unit_price=None), *spread_out()) == "0"
    assert outcome("C2", odd, *[line(n, unit_price=D(5)) for n in range(2, 30)]) == "2"


def test_half_of_the_prices_being_one_leaves_nothing_to_measure_by() -> None:
    settings = AuditSettings(outlier_prices=3)
    nearly = [line(number, unit_price=D(number)) for number in (1, 2, 3)]
    assert outcome("C2", *nearly, settings=settings) == "G"


@pytest.mark.parametrize("price", ["1E-400", "1E+400"])
def test_absurd_prices_are_outliers_and_break_nothing(price: str) -> None:
    assert outcome("C2", line(1, unit_price=D(price)), *spread_out()) == "A"


def test_a_line_that_is_most_of_the_bill_is_looked_at() -> None:
    lines = [line(number) for number in range(2, 13)]
    assert outcome("C4", line(1, unit_price=D(700)), *lines) == "G"
    found = finding("C4", line(1, unit_price=D(800)), *lines)
    assert (found.recommendation, found.evidence["share"]) == ("AMBER", "0.421")
    assert outcome("C4", line(1, unit_price=D(800)), *lines[:5]) == "1"
    assert outcome("C4", line(1, unit_price=None), *lines) == "0"


@pytest.mark.parametrize(("lumps", "said"), [(3, "G"), (4, "A")])
def test_many_lump_sums_are_said_of_the_bill(lumps: int, said: str) -> None:
    lines = [line(number, unit="kpl" if number <= lumps else "m2") for number in range(1, 11)]
    result, _ = judged(lines)
    assert [each.outcome for each in result.sections if each.rule == "C4"] == [said]
    assert [each.position_id for each in result.findings if each.rule == "C4"] == ([None] if said == "A" else [])


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"price_spread": D("0.5")}, "price_spread"),
        ({"price_spread": D(3)}, "price_spread"),
        ({"lump_share": D("1.5")}, "lump_share"),
        ({"rebar_least": D("NaN")}, "rebar_least"),
        ({"formwork_least": D(50)}, "formwork_least"),
        ({"outlier_score": D(-1)}, "outlier_score"),
    ],
)
def test_settings_that_no_rule_could_work_with_are_named(fields: dict[str, Any], word: str) -> None:
    assert DEFAULTS.fault() is None
    assert word in (AuditSettings(**fields).fault() or "")
