"""Line totals: rounded half up, exactly."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.position import line_total
from tests.domain.history import LAW

D = Decimal
QUANTITIES = st.decimals(min_value="-999999999999999.9999", max_value="999999999999999.9999", places=4)


def half_up(exact: Fraction, decimals: int) -> Fraction:
    """Round to the nearest, and halves away from zero."""
    units = floor(abs(exact) * 10**decimals + Fraction(1, 2))
    return Fraction(units if exact >= 0 else -units, 10**decimals)


@pytest.mark.parametrize(
    ("quantity", "unit_price", "decimals", "total"),
    [
        ("2", "3.50", 2, "7.00"),
        ("0.5", "0.01", 2, "0.01"),  # half even gives 0.00
        ("0.5", "0.25", 2, "0.13"),  # half even gives 0.12
        ("2.5", "0.65", 2, "1.63"),  # half even gives 1.62
        ("-0.5", "0.25", 2, "-0.13"),
        ("0.5", "1", 0, "1"),  # half even gives 0
        ("2.5", "1", 0, "3"),  # half even gives 2
        ("0.0001", "0.0001", 6, "0.000000"),
        ("0.0005", "0.001", 6, "0.000001"),  # half even gives 0
        ("33.3333", "17.29", 2, "576.33"),
        ("999999999999999.9999", "999999999999999.9999", 2, "999999999999999999800000000000.00"),
        ("0", "12.50", 2, "0.00"),
        ("0E-9999", "12.50", 2, "0.00"),
        ("0E+9999", "12.50", 2, "0.00"),
        ("1E-999999999", "12.50", 2, "0.00"),
        ("1e40", "1e-40", 0, "1"),
    ],
)
def test_a_line_total_is_rounded_half_up(quantity: str, unit_price: str, decimals: int, total: str) -> None:
    assert str(line_total(D(quantity), D(unit_price), decimals)) == total


def test_a_line_total_has_two_decimals_unless_its_bill_rounds_otherwise() -> None:
    assert str(line_total(D("0.5"), D("0.25"))) == "0.13"


@pytest.mark.parametrize("odd", [None, D("NaN"), D("sNaN"), D("Infinity"), D("1e41"), D("9e999999999")])
def test_a_line_without_two_sane_numbers_has_no_total(odd: Decimal | None) -> None:
    assert line_total(odd, D(1)) is None
    assert line_total(D(1), odd) is None


@LAW
@given(quantity=QUANTITIES, unit_price=QUANTITIES, decimals=st.integers(0, 6))
def test_a_line_total_is_the_exact_product_rounded_once(quantity: Decimal, unit_price: Decimal, decimals: int) -> None:
    total = line_total(quantity, unit_price, decimals)
    assert total is not None
    assert Fraction(total) == half_up(Fraction(quantity) * Fraction(unit_price), decimals)
    assert total.as_tuple().exponent == -decimals
