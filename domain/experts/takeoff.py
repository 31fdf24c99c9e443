"""Take-off expressions: the arithmetic that an estimator writes beside a quantity, evaluated without `eval`."""

import re
from collections.abc import Callable
from decimal import Context, Decimal

MAX_LENGTH = 1_000
"""Characters. A longer text is taken for a comment."""

MAX_DEPTH = 30
"""Brackets and signs inside each other, which bounds the recursion."""

MAX_EXPONENT = 64

_COMMENT = re.compile(r'"[^"]*"?|\'[^\']*\'?')
_RESULT = re.compile(r"=[\s0-9.,-]+\[[A-Z]+\]\s*$")
"""What some programs write behind a row: its value, and the letter that other rows refer to it by."""

_FOREIGN = re.compile(r"[^\s0-9.,+*/^()-]")
_TOKEN = re.compile(
    r"""
    (?: [0-9]{1,3} (?: [\u0020\u00a0\u202f] [0-9]{3} )+ | [0-9]+ ) (?: [.,] [0-9]+ )?  # 1 200,5 or 1200.5
    | [.,] [0-9]+
    | \S  # an operator, a bracket, or a point that belongs to no number
    """,
    re.VERBOSE,
)
_END = "end"
_ARITHMETIC = Context(prec=40, traps=[])


def evaluate(expression: str) -> Decimal | None:
    """Compute a take-off row's text, or `None` where the text is not plain arithmetic but a comment.

    Understood: numbers with a decimal comma or point and with spaces between thousands, `+ - * / ^ ( )`, spaces
    anywhere between them. A quoted text (`"` or `'`, to the closing quote or to the end) is a comment inside the
    row, and a result stated at its end (`= 12,5 [A]`) is passed over. Not understood, hence `None`: anything else; a
    division by zero; and what spreadsheets and mathematics read differently (`-2^2`, `2^3^2`), since a check must not
    depend on whom it believes.
    """
    if len(expression) > MAX_LENGTH:
        return None
    text = _RESULT.sub("", _COMMENT.sub("\n", expression))
    if _FOREIGN.search(text):
        return None
    try:
        return _Reading(_TOKEN.findall(text)).whole()
    except _NotArithmeticError:
        return None


class _NotArithmeticError(Exception):
    """The text does not read as arithmetic, or its value does not exist."""


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if abs(exponent) > MAX_EXPONENT:
        raise _NotArithmeticError
    return _ARITHMETIC.power(base, exponent)


_OPERATIONS: dict[str, tuple[int, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": (1, _ARITHMETIC.add),
    "-": (1, _ARITHMETIC.subtract),
    "*": (2, _ARITHMETIC.multiply),
    "/": (2, _ARITHMETIC.divide),
    "^": (3, _power),
}
"""How strongly each operator binds, and what it does."""

_NO_OPERATION = (0, _power)


class _Reading:
    """Precedence climbing over the tokens."""

    __slots__ = ("_at", "_depth", "_tokens")

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [*tokens, _END]
        self._at = 0
        self._depth = 0

    def whole(self) -> Decimal:
        value = self._value(above=0)
        if self._tokens[self._at] != _END:
            raise _NotArithmeticError
        return value

    def _value(self, above: int) -> Decimal:
        """Read an operand, and whatever follows it that binds more strongly than `above`."""
        value = self._operand()
        while True:
            operator = self._tokens[self._at]
            strength, operation = _OPERATIONS.get(operator, _NO_OPERATION)
            if strength <= above:
                return value
            self._at += 1
            value = operation(value, self._value(strength))
            if not value.is_finite() or (operator == "^" == self._tokens[self._at]):
                raise _NotArithmeticError

    def _operand(self) -> Decimal:
        symbol = self._tokens[self._at]
        self._at += 1
        if symbol[-1].isdigit():
            return Decimal("".join(symbol.split()).replace(",", "."))
        if symbol == "(":
            return self._nested(self._bracket)
        if symbol not in {"+", "-"}:
            raise _NotArithmeticError
        value = self._nested(self._operand)
        if self._tokens[self._at] == "^":
            raise _NotArithmeticError
        return _ARITHMETIC.minus(value) if symbol == "-" else value

    def _bracket(self) -> Decimal:
        value = self._value(above=0)
        if self._tokens[self._at] != ")":
            raise _NotArithmeticError
        self._at += 1
        return value

    def _nested(self, read: Callable[[], Decimal]) -> Decimal:
        """Read something inside a bracket or behind a sign, unless it lies too deep."""
        if self._depth == MAX_DEPTH:
            raise _NotArithmeticError
        self._depth += 1
        value = read()
        self._depth -= 1
        return value
