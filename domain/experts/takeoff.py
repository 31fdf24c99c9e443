"""Take-off expressions: the arithmetic that an estimator writes beside a quantity, evaluated without `eval`."""

import re
from decimal import Context, Decimal

MAX_LENGTH = 1_000
"""Characters. A longer text is taken for a comment."""

MAX_DEPTH = 30
"""Brackets inside each other, which bounds the recursion."""

MAX_EXPONENT = 64

_COMMENT = re.compile(r'"[^"]*"?|\'[^\']*\'?')
_TOKEN = re.compile(
    r"""\s* (?:
        ( (?: [0-9]{1,3} (?: [\u0020\u00a0\u202f] [0-9]{3} )+ | [0-9]+ ) (?: [.,] [0-9]+ )? | [.,] [0-9]+ )  # a number
        | ( [-+*/^()] )  # or an operator
    ) \s*""",
    re.VERBOSE,
)
_NO_DIGIT_SPACES = str.maketrans({",": ".", " ": None, "\u00a0": None, "\u202f": None})
_ARITHMETIC = Context(prec=40, traps=[])
_END = ""


def evaluate(expression: str) -> Decimal | None:
    """Compute a take-off row's text, or `None` where the text is not plain arithmetic but a comment.

    Understood: numbers with a decimal comma or point and with spaces between thousands, `+ - * / ^ ( )`, spaces
    anywhere between them. A quoted text (`"` or `'`, to the closing quote or to the end) is a comment inside the
    row. Not understood, hence `None`: anything else; a division by zero; and what spreadsheets and mathematics
    read differently (`-2^2`, `2^3^2`), since a check must not depend on whom it believes.
    """
    if len(expression) > MAX_LENGTH:
        return None
    tokens = _tokens(_COMMENT.sub("\n", expression))
    if not tokens:
        return None
    try:
        return _Reading(tokens).whole()
    except _NotArithmeticError:
        return None


class _NotArithmeticError(Exception):
    """The text does not read as arithmetic, or its value does not exist."""


def _tokens(text: str) -> list[str | Decimal]:
    """Operators as they are, numbers as decimals; empty where anything else stands in the text."""
    tokens: list[str | Decimal] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return []
        number, operator = match.groups()
        tokens.append(operator or Decimal(number.translate(_NO_DIGIT_SPACES)))
        at = match.end()
    return tokens


class _Reading:
    """Recursive descent over the tokens: sum, product, sign, power, atom."""

    def __init__(self, tokens: list[str | Decimal]) -> None:
        self._tokens = [*tokens, _END]
        self._at = 0
        self._depth = 0

    def whole(self) -> Decimal:
        value = self._sum()
        if self._tokens[self._at] != _END:
            raise _NotArithmeticError
        return value

    def _takes(self, operators: str) -> str:
        """Step over the next token if it is one of `operators`, and return it; otherwise return nothing."""
        token = self._tokens[self._at]
        if not isinstance(token, str) or token == _END or token not in operators:
            return ""
        self._at += 1
        return token

    def _sum(self) -> Decimal:
        value = self._product()
        while operator := self._takes("+-"):
            right = self._product()
            value = _existing((_ARITHMETIC.add if operator == "+" else _ARITHMETIC.subtract)(value, right))
        return value

    def _product(self) -> Decimal:
        value = self._signed()
        while operator := self._takes("*/"):
            right = self._signed()
            value = _existing((_ARITHMETIC.multiply if operator == "*" else _ARITHMETIC.divide)(value, right))
        return value

    def _signed(self) -> Decimal:
        sign = self._takes("+-")
        while following := self._takes("+-"):
            sign = "-" if sign != following else "+"
        value = self._atom()
        if not self._takes("^"):
            return _ARITHMETIC.minus(value) if sign == "-" else value
        if sign:
            raise _NotArithmeticError
        return self._power(value)

    def _power(self, base: Decimal) -> Decimal:
        sign = self._takes("+-")
        exponent = self._atom()
        if exponent > MAX_EXPONENT or self._takes("^"):
            raise _NotArithmeticError
        return _existing(_ARITHMETIC.power(base, -exponent if sign == "-" else exponent))

    def _atom(self) -> Decimal:
        token = self._tokens[self._at]
        if isinstance(token, Decimal):
            self._at += 1
            return token
        if not self._takes("(") or self._depth == MAX_DEPTH:
            raise _NotArithmeticError
        self._depth += 1
        value = self._sum()
        self._depth -= 1
        if not self._takes(")"):
            raise _NotArithmeticError
        return value


def _existing(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise _NotArithmeticError
    return value
