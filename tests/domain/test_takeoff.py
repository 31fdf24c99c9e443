"""Take-off expressions: what is arithmetic, what it gives, and what is left alone as a comment."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.experts.takeoff import MAX_DEPTH, MAX_EXPONENT, MAX_LENGTH, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2,5*3,2", "8"),
        ("2.5*3,2", "8"),
        (" ( 14 + 1 ) * ( 7,2 + 1 ) ", "123"),
        ("10-2-3", "5"),
        ("100/10/2", "5"),
        ("2+3*4", "14"),
        ("2*3^2", "18"),
        ("4^0,5", "2"),
        ("2^-1", "0.5"),
        ("-(2^2)", "-4"),
        ("5*-3", "-15"),
        ("5--3", "8"),
        ("-+-3", "3"),
        ("+3", "3"),
        (",5*2", "1"),
        ("1 200,5*2", "2401"),
        ("1\u00a0200", "1200"),
        ("1\u202f234\u202f567", "1234567"),
        ("((2))", "2"),
    ],
)
def test_arithmetic_gives_its_value(text: str, value: str) -> None:
    assert evaluate(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('2*3 "floor" +1', "7"),
        ('2*3 "floor, 2nd part', "6"),
        ('"pit, 2x" 100,8*0,2', "20.16"),
        ('"item 13173.A965 "290,793', "290.793"),
        ("16*1,15 'with a factor", "18.4"),
        ("'room 1' 4*5", "20"),
    ],
)
def test_quoted_text_is_a_comment_inside_the_row(text: str, value: str) -> None:
    assert evaluate(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        '"only a comment"',
        "floor of the hall",
        "7,2*14/cos 14",
        "5*",
        "*5",
        "(5",
        "5)",
        "()",
        "2 3",
        "1 2345",
        "(2)(3)",
        '1"x"2',
        "1.234,5",
        "1..2",
        "5.",
        "1e5",
        "0x10",
        "__import__",
        "5;3",
        "\u0661+\u0662",
    ],
)
def test_what_is_not_arithmetic_is_a_comment(text: str) -> None:
    assert evaluate(text) is None


@pytest.mark.parametrize("text", ["1/0", "0/0", "1/(1/0)", "0^-1", "0^0", "(-8)^0,5", "(1/0)*0"])
def test_what_has_no_value_is_a_comment(text: str) -> None:
    assert evaluate(text) is None


@pytest.mark.parametrize("text", ["-2^2", "5*-2^2", "2^3^2"])
def test_what_spreadsheets_and_mathematics_read_differently_is_not_judged(text: str) -> None:
    assert evaluate(text) is None


def test_length_depth_and_exponent_are_bounded() -> None:
    assert evaluate("1" + "+1" * ((MAX_LENGTH - 1) // 2)) == (MAX_LENGTH + 1) // 2
    assert evaluate("1" + "+1" * (MAX_LENGTH // 2)) is None
    assert evaluate("(" * MAX_DEPTH + "7" + ")" * MAX_DEPTH) == 7
    assert evaluate("(" * (MAX_DEPTH + 1) + "7" + ")" * (MAX_DEPTH + 1)) is None
    assert evaluate(f"1^{MAX_EXPONENT}") == 1
    assert evaluate(f"1^{MAX_EXPONENT + 1}") is None


@dataclass
class Tree:
    """An expression in two independent forms: as an estimator might write it, and as an exact fraction.

    `size` is the value with every sign taken as plus: what rounding errors are proportional to.
    """

    text: str
    value: Fraction
    size: Fraction
    depth: int = 0


def _number(units: int, decimals: int, mark: str) -> Tree:
    digits = f"{units:0{decimals + 1}d}"
    text = digits if not decimals else f"{digits[:-decimals]}{mark}{digits[-decimals:]}"
    return Tree(text, Fraction(units, 10**decimals), Fraction(units, 10**decimals))


def _joined(left: Tree, operator: str, right: Tree, space: str) -> Tree:
    value, size = {
        "+": (left.value + right.value, left.size + right.size),
        "-": (left.value - right.value, left.size + right.size),
        "*": (left.value * right.value, left.size * right.size),
    }[operator]
    return Tree(f"({left.text}){space}{operator}{space}({right.text})", value, size, 1 + max(left.depth, right.depth))


def _divided(tree: Tree, divisor: Tree) -> Tree:
    value, size = tree.value / divisor.value, tree.size / divisor.value
    return Tree(f"({tree.text})/{divisor.text}", value, size, tree.depth + 1)


def _negated(tree: Tree) -> Tree:
    return Tree(f"-({tree.text})", -tree.value, tree.size, tree.depth + 1)


def _raised(tree: Tree, exponent: int) -> Tree:
    return Tree(f"({tree.text})^{exponent}", tree.value**exponent, tree.size**exponent, tree.depth + 1)


numbers = st.builds(_number, st.integers(1, 99_999), st.integers(0, 4), st.sampled_from(",."))
trees = st.recursive(
    numbers | st.just(Tree("0", Fraction(0), Fraction(0))),
    lambda inner: (
        st.builds(_joined, inner, st.sampled_from("+-*"), inner, st.sampled_from(["", " ", ' "note" ']))
        | st.builds(_divided, inner, numbers)
        | st.builds(_negated, inner)
        | st.builds(_raised, inner.filter(lambda tree: tree.size > 0), st.integers(1, 3))
    ),
    max_leaves=8,
)


@given(trees.filter(lambda tree: tree.depth < MAX_DEPTH and len(tree.text) <= MAX_LENGTH))
def test_values_agree_with_exact_fractions(tree: Tree) -> None:
    value = evaluate(tree.text)
    assert value is not None
    assert abs(Fraction(value) - tree.value) <= Fraction(1, 10**30) * tree.size


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 999)), max_size=12), st.integers(0, 999))
def test_operators_bind_as_in_school(rest: list[tuple[str, int]], first: int) -> None:
    terms, sign = [[first]], [1]
    for operator, number in rest:
        if operator == "*":
            terms[-1].append(number)
        else:
            terms.append([number])
            sign.append(1 if operator == "+" else -1)
    expected = 0
    for each_sign, factors in zip(sign, terms, strict=True):
        product = each_sign
        for factor in factors:
            product *= factor
        expected += product
    assert evaluate(str(first) + "".join(f"{operator}{number}" for operator, number in rest)) == expected


@given(st.text(alphabet="0123456789,.+-*/^() \"'ax\n", max_size=60) | st.text())
def test_any_text_gives_a_finite_number_or_nothing(text: str) -> None:
    value = evaluate(text)
    assert value is None or value.is_finite()
