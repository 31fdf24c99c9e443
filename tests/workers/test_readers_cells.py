"""Numbers, labels and codes as bills write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.readers.cells import (
    CENT_NOISE,
    currency,
    currency_code,
    decimal_mark,
    exact,
    label,
    money,
    number,
    parse,
    text,
)
from workers.readers.codes import code_systems

cents = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8 500,00", "8500"),
        ("8\u00a0500,00", "8500"),
        ("8\u202f500,00", "8500"),
        ("8.500,00", "8500"),
        ("8,500.00", "8500"),
        ("8'500.00", "8500"),
        ("1,23,456.78", "123456.78"),
        ("1.234.567", "1234567"),
        ("12,5", "12.5"),
        (",5", "0.5"),
        ("-12,50", "-12.5"),
        ("\u221212,50", "-12.5"),
        ("12,50-", "-12.5"),
        ("500,-", "500"),
        ("1 250 Kč", "1250"),
        ("€ 1.250,50", "1250.5"),
        ("+3", "3"),
        ("0,500", "0.5"),
        ("(1 000,00)", "-1000"),
        ("(12.50)", "-12.5"),
        ("85,30 Kč/m3", "85.3"),
        ("85,30 € / ks", "85.3"),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, value: str) -> None:
    assert parse(written) == Decimal(value)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-",
        "1.2.3",
        "1,2,3",
        "12 m2",
        "2*3",
        "1,5 + 2",
        "12 34",
        "8 50,0",
        "n/a",
        "#REF!",
        "1e5",
        "²",
        "--5",
        "-5-",
        "(5)",
        "(-5,00)",
        "Kč/m3",
    ],
)
def test_what_is_no_number_is_not_guessed(written: str) -> None:
    assert parse(written) is None


def test_three_digits_after_one_separator_are_decimals_only_behind_the_mark() -> None:
    assert parse("1.500", ",") == 1500
    assert parse("1.500", ".") == Decimal("1.5")
    assert parse("0.500", ",") == Decimal("0.5")


@given(cents)
def test_any_amount_survives_every_way_of_writing_it(amount: Decimal) -> None:
    plain = f"{amount:,.2f}"
    swapped = plain.translate(str.maketrans(",.", ".,"))
    assert parse(plain, ".") == parse(swapped, ",") == amount
    assert parse(plain.replace(",", " "), ".") == parse(swapped.replace(".", "\u00a0"), ",") == amount


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=4, allow_nan=False))
def test_a_float_gives_back_the_decimal_that_was_typed(typed: Decimal) -> None:
    assert exact(float(typed)) == typed


@given(st.floats())
def test_every_float_is_finite_or_none(value: float) -> None:
    found = exact(value)
    assert found is None or (found.is_finite() and abs(found) < 10**15)


@given(st.text(max_size=30))
def test_any_text_is_a_finite_number_or_none(written: str) -> None:
    for mark in (",", "."):
        found = parse(written, mark)
        assert found is None or found.is_finite()


def test_binary_noise_is_removed_and_stated_digits_are_kept() -> None:
    assert exact(62945.770000000004) == Decimal("62945.77")
    assert exact(4810986.279999999) == Decimal("4810986.28")
    assert exact(22.7482666666667) == Decimal("22.7482666666667")
    assert exact(5.551115123125783e-17) == 0


def test_a_cached_sum_of_cents_is_cents() -> None:
    assert money(8205797.7600000002) == Decimal("8205797.76")
    assert money(sum([0.1] * 100_000)) == 10_000
    assert money(12.345) == Decimal("12.345")


@given(st.one_of(st.floats(-1e12, 1e12), cents.map(float), st.lists(cents.map(float)).map(sum)))
def test_an_amount_is_its_cents_within_a_millionth(value: float) -> None:
    whole = round(float(value), 2)
    assert str(money(float(value))) == str(exact(whole if abs(value - whole) < CENT_NOISE else float(value)))


def test_cells_that_hold_no_number_are_none() -> None:
    assert number("") is None
    assert number(True) is None
    assert number(float("inf")) is None
    assert number(10**15) is None


def test_the_decimal_mark_shows_in_what_can_mean_only_one_thing() -> None:
    assert decimal_mark(["1.500", "12,50", "3.000"], ".") == ","
    assert decimal_mark(["1,500", "12.50"], ",") == "."
    assert decimal_mark(["1,234,567"], ",") == "."
    assert decimal_mark(["1.500", "17", "text"], ",") == ","


def test_cells_show_as_a_spreadsheet_shows_them() -> None:
    assert text(1.0) == "1"
    assert text(1.1) == "1.1"
    assert text("  a ") == "a"


def test_labels_fold_case_accents_brackets_and_punctuation() -> None:
    assert label("J.cena [CZK]") == "j cena"
    assert label("Množství") == label("MNOŽSTVÍ ") == "mnozstvi"
    assert label("Rate (₹)") == "rate"
    assert label("Sazba [bez konce") == "sazba"


@pytest.mark.parametrize(
    ("written", "found"),
    [("J.cena [EUR]", "EUR"), ("Cena (Kč)", "CZK"), ("Rate (₹)", "INR"), ("Total Rs.", "INR"), ("Cena celkem", "")],
)
def test_currencies_are_recognised_by_code_name_and_sign(written: str, found: str) -> None:
    assert currency(written) == found


@pytest.mark.parametrize(
    ("stated", "code"),
    [("CZK", "CZK"), (" sek", "SEK"), ("Kč", "CZK"), ("€", "EUR"), ("Koruna", ""), ("E1R", ""), ("", "")],
)
def test_a_stated_currency_is_a_code_or_none(stated: str, code: str) -> None:
    assert currency_code(stated) == code


def test_price_systems_are_named_or_recognised_by_the_shape_of_codes() -> None:
    named = [("113107222", "RTS 24/ II"), ("014101", "OTSKP 2025"), ("122151103", "CS ÚRS 2026 01"), ("1", "Vlastní")]
    assert code_systems(named) == ["rts", "otskp", "urs", "own"]
    shaped = [("122151103", ""), ("59245015", ""), ("113107222R00", ""), ("122151103R", ""), ("", "")]
    assert code_systems(shaped) == ["urs", "urs", "rts", "own", "own"]


def test_short_codes_are_otskp_only_where_they_are_the_rule() -> None:
    assert code_systems([("014101.a", ""), ("574C78", ""), ("9113B1", ""), ("02742R", "")]) == ["otskp"] * 3 + ["own"]
    assert code_systems([("12345", ""), ("122151103", ""), ("122151104", "")]) == ["own", "urs", "urs"]
