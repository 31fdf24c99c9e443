"""C5: VAT rates of the day, amounts of tax that are their rate of what is taxed, and totals with VAT."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.bill import StatedTotal
from domain.experts.context import BillFacts, DeclaredBill
from domain.experts.finding import Finding
from domain.experts.orchestrator import audit
from domain.experts.settings import DEFAULTS, AuditSettings
from tests.domain.lines import DOCUMENT, line, outcome

D = Decimal
OBJECT = ("SO 01",)


@pytest.mark.parametrize(
    ("rate", "day", "said"),
    [
        ("21", None, "G"),
        ("12", None, "G"),
        ("0", None, "G"),
        ("15", None, "A"),
        ("19", None, "R"),
        ("15", date(2023, 12, 31), "G"),
        ("12", date(2023, 12, 31), "R"),
        ("15", date(2024, 1, 1), "R"),
        (None, None, "0"),
    ],
)
def test_vat_rates_are_those_of_the_day(rate: str | None, day: date | None, said: str) -> None:
    taxed = line(vat_rate=None if rate is None else D(rate))
    assert outcome("C5", taxed, settings=AuditSettings(priced_on=day)) == said


def test_vat_rates_of_other_countries_are_not_judged() -> None:
    assert outcome("C5", line(vat_rate=D(19)), facts=BillFacts(currency="EUR")) == "1"


def net(amount: str, **more: Any) -> StatedTotal:
    return StatedTotal(kind="net", amount=D(amount), **more)


def vat(amount: str, rate: str | None = "21", base: str | None = None, **more: Any) -> StatedTotal:
    stated = {"rate": None if rate is None else D(rate), "base": None if base is None else D(base)}
    return StatedTotal(kind="vat", amount=D(amount), **stated, **more)


def gross(amount: str, **more: Any) -> StatedTotal:
    return StatedTotal(kind="gross", amount=D(amount), **more)


def rounding(amount: str) -> StatedTotal:
    return StatedTotal(kind="rounding", amount=D(amount))


def judged(
    *totals: StatedTotal, decimals: int | None = None, currency: str = "CZK", settings: AuditSettings = DEFAULTS
) -> tuple[list[tuple[tuple[str, ...], str]], list[Finding]]:
    """Give what C5 says of each amount that a document states, and its findings."""
    declared = DeclaredBill(document_id=DOCUMENT, totals=totals, rounding=decimals)
    result = audit((), BillFacts(currency=currency, declared=(declared,)), settings)
    said = [(section.path, section.outcome) for section in result.sections if section.rule == "C5"]
    return said, [each for each in result.findings if each.rule == "C5"]


def said_of(*totals: StatedTotal, **more: Any) -> str:
    """Give the outcomes in one word."""
    return "".join(outcome for _, outcome in judged(*totals, **more)[0])


@pytest.mark.parametrize(
    ("amount", "base", "decimals", "said"),
    [
        ("21.11", "100.50", 2, "G"),  # 21.105: half up
        ("21.10", "100.50", 2, "A"),  # half even, or down: by less than a cent
        ("21.12", "100.50", 2, "R"),
        ("21", "100.50", 0, "G"),
        ("21.11", "100.50", 0, "G"),  # whole lines, and cents of tax
        ("21.1", "100.50", 1, "G"),
        ("21.105", "100.50", 3, "G"),
        ("21", "100.50", 2, "A"),
        ("22", "100.50", 2, "R"),
        ("0", "100.50", 2, "R"),
        ("-21.11", "-100.50", 2, "G"),  # a deduction
    ],
)
def test_an_amount_of_vat_is_its_rate_of_what_is_taxed_rounded_half_up(
    amount: str, base: str, decimals: int, said: str
) -> None:
    assert said_of(vat(amount, base=base), decimals=decimals) == said


def test_each_rate_is_held_against_its_own_base() -> None:
    right = (vat("21.00", base="100"), vat("6.00", "12", "50"), vat("0", "0", "7"))
    assert said_of(net("157"), *right, gross("184")) == "GGGG"
    assert said_of(net("157"), right[0], vat("7.50", "12", "50"), right[2], gross("185.50")) == "GRGG"


def test_a_wrong_tax_says_what_it_should_be_and_where_it_stands() -> None:
    said, (found,) = judged(vat("20", base="100", label="základní", path=OBJECT, sheet="SO 01", line=33))
    assert said == [(OBJECT, "R")]
    assert (found.position_id, found.section, found.recommendation) == (None, OBJECT, "RED")
    assert found.reasoning == (
        '"základní" of SO 01 is stated as 20 CZK, but 21 % of 100 is 21.00: a difference of -1.00.'
    )
    assert {name: found.evidence[name] for name in ("declared_vat", "vat_rate", "base", "expected_vat")} == {
        "declared_vat": "20",
        "vat_rate": "21",
        "base": "100",
        "expected_vat": "21.00",
    }
    assert (found.evidence["sheet"], found.evidence["row"]) == ("SO 01", "33")
    assert [each.type for each in found.issues] == ["vat_amount"]


def test_a_lone_tax_without_a_base_is_taken_from_the_total_without_vat() -> None:
    assert said_of(net("100"), vat("21"), gross("121")) == "GG"
    assert said_of(net("100"), vat("20"), gross("120")) == "RG"
    assert said_of(net("150"), vat("21"), vat("6", "12"), gross("177")) == "44G"


def test_a_stated_rate_must_exist_where_the_law_is_known() -> None:
    assert said_of(vat("19", "19", "100")) == "GR"
    assert said_of(vat("15", "15", "100")) == "GA"
    assert said_of(vat("15", "15", "100"), settings=AuditSettings(priced_on=date(2023, 6, 1))) == "G"
    assert said_of(vat("19", "19", "100"), currency="EUR") == "G"
    assert said_of(vat("18", "19", "100"), currency="EUR") == "R"


@pytest.mark.parametrize(
    ("stated", "said"), [("121", "G"), ("121.01", "G"), ("121.02", "R"), ("122", "R"), ("100", "R")]
)
def test_a_total_with_vat_is_what_is_taxed_and_its_tax(stated: str, said: str) -> None:
    assert said_of(net("100"), vat("21", base="100"), gross(stated)) == f"G{said}"


def test_what_makes_a_total_round_stands_in_a_row_of_its_own() -> None:
    assert said_of(net("100.50"), vat("21", base="100.50"), rounding("0.50"), gross("122")) == "GG"
    assert said_of(net("100.50"), vat("21.11", base="100.50"), rounding("0"), gross("121.61")) == "GG"
    assert said_of(net("100.50"), vat("21.11", base="100.50"), gross("122")) == "GA"


def test_the_last_of_several_nets_is_taxed() -> None:
    assert said_of(net("9649.00"), net("9166.55"), vat("1741.64", "19"), gross("10908.19"), currency="EUR") == "GG"


def test_the_whole_may_state_the_sum_of_what_its_objects_state() -> None:
    objects = [
        stated
        for number in (1, 2, 3)
        for stated in (net("0.02", path=(f"SO {number}",)), vat("0.00", base="0.02", path=(f"SO {number}",)))
    ]
    assert said_of(net("0.06"), vat("0.01", base="0.06"), *objects) == "GGGG"
    assert said_of(net("0.06"), vat("0.00", base="0.06"), *objects) == "GGGG"
    assert said_of(net("0.06"), gross("0.06"), *objects) == "GGGG"
    inner = vat("5", base="0", path=("SO 1", "inner"))
    assert said_of(net("0.06"), vat("0.00", base="0.06"), *objects, inner) == "GGGGR"


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        ((), "2"),
        ((net("100"),), "2"),
        ((vat("21", rate=None, base="100"),), "3"),
        ((vat("21"),), "4"),
        ((gross("121"),), "4"),
        ((net("100"), gross("121")), "6"),
        ((net("100"), gross("100")), "G"),
        ((vat("NaN", base="100"),), "5"),
        ((vat("21", base="1E+999999"),), "5"),
    ],
)
def test_what_is_not_stated_is_not_checked(totals: tuple[StatedTotal, ...], said: str) -> None:
    assert said_of(*totals) == said


def test_each_document_is_judged_by_what_it_states_itself() -> None:
    bills = tuple(DeclaredBill(document_id=DOCUMENT, totals=(vat(amount, base="100"),)) for amount in ("21", "20"))
    result = audit((), BillFacts(declared=bills))
    assert [section.outcome for section in result.sections if section.rule == "C5"] == ["G", "R"]
