"""The validator's rule about take-offs (V3): the quantity follows from its rows, and each row from its expression."""

from decimal import Decimal

from domain.bill import TakeoffLine
from domain.experts.context import AuditContext, finite
from domain.experts.finding import Issue, quoted, shown
from domain.experts.rule import GREEN, Outcome, Rule, concern, issue
from domain.experts.takeoff import evaluate
from domain.position import Position

QUANTITY_TOLERANCE = Decimal("0.0015")
"""In the line's unit: quantities are kept to three decimals, so half of the last one, and as much again in the sum."""

ROW_TOLERANCE = Decimal("0.005")
"""In the line's unit: rows are shown to two or three decimals."""

_MOST_ROWS_SHOWN = 5


def judge_takeoff(position: Position, _context: AuditContext) -> Outcome:
    """V3: the quantity is one of the take-off's values or the sum of its rows, and expressions give their values."""
    rows = [(row, value) for row in position.takeoff if (value := finite(row.value)) is not None]
    if not rows:
        return "1" if position.takeoff else "0"
    quantity = finite(position.quantity)
    strays = _strays(rows)
    if quantity is None and not strays:
        return "2"
    total = sum((value for row, value in rows if row.kind == "row"), Decimal(0))
    departs = quantity is not None and not _follows(quantity, total, rows)
    if not (departs or strays):
        return GREEN
    issues = [_stray_issue(*stray) for stray in strays[:_MOST_ROWS_SHOWN]]
    if departs:
        sentence = f"The quantity {shown(quantity)} {position.unit} is no value of its take-off, whose rows sum to "
        advice = "Correct the quantity or its take-off."
        issues.insert(0, issue("quantity_not_in_takeoff", "error", f"{sentence}{shown(total)}.", advice))
    return concern(
        "RED",
        " ".join(found.description for found in issues),
        *issues,
        evidence={
            "quantity": shown(quantity),
            "sum_of_rows": shown(total),
            "rows_with_value": str(len(rows)),
            "rows_that_differ": str(len(strays)),
            "threshold": shown(QUANTITY_TOLERANCE),
            "row_threshold": shown(ROW_TOLERANCE),
        },
    )


def _follows(quantity: Decimal, total: Decimal, rows: list[tuple[TakeoffLine, Decimal]]) -> bool:
    if abs(quantity - total) <= QUANTITY_TOLERANCE:
        return True
    return any(abs(quantity - value) <= QUANTITY_TOLERANCE for _, value in rows)


def _strays(rows: list[tuple[TakeoffLine, Decimal]]) -> list[tuple[TakeoffLine, Decimal, Decimal]]:
    """Find rows whose expression is arithmetic but gives another value: row, stated value, computed value."""
    return [
        (row, value, computed)
        for row, value in rows
        if (computed := evaluate(row.expression)) is not None and abs(computed - value) > ROW_TOLERANCE
    ]


def _stray_issue(row: TakeoffLine, value: Decimal, computed: Decimal) -> Issue:
    where = f" in row {row.line}" if row.line else ""
    return issue(
        "takeoff_row_mismatch",
        "error",
        f"The take-off {quoted(row.expression)}{where} makes {shown(computed)}, but the file states {shown(value)}.",
        "Correct the expression, or let it be computed again.",
    )


V3 = Rule(
    id="V3",
    expert_role="validator",
    title="The quantity follows from its take-off",
    source="All of 3,203 quantities with a take-off and all of 5,716 expressions in real Czech bills hold",
    judge=judge_takeoff,
    not_checked=(
        "The line has no take-off.",
        "No row of the take-off states a value.",
        "The line has no quantity that is a number.",
    ),
)
