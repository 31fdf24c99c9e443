"""The validator's rule about take-offs (V3): the quantity follows from its rows, and each row from its expression."""

from decimal import Decimal

from msgspec import Struct

from domain.bill import TakeoffLine
from domain.experts.context import AuditContext, finite
from domain.experts.finding import Issue, clipped, shown
from domain.experts.rule import GREEN, Outcome, Rule, concern, issue, own
from domain.experts.takeoff import evaluate
from domain.position import Position

QUANTITY_TOLERANCE = Decimal("0.0015")
"""In the line's unit: quantities are kept to three decimals, so half of the last one, and as much again in the sum."""

ROW_TOLERANCE = Decimal("0.005")
"""In the line's unit: rows are shown to two or three decimals."""

_MOST_ROWS_SHOWN = 5


class _Row(Struct):
    """A row with a value: as the file states it, and as its expression computes it (`None`: a comment)."""

    source: TakeoffLine
    stated: Decimal
    computed: Decimal | None

    @property
    def strays(self) -> bool:
        """Whether the expression is arithmetic, but gives another value than the row states."""
        return self.computed is not None and abs(self.computed - self.stated) > ROW_TOLERANCE

    @property
    def full(self) -> Decimal:
        """The value before the file rounded it for show, where the expression tells."""
        return self.stated if self.computed is None or self.strays else self.computed


def judge_takeoff(position: Position, _context: AuditContext) -> Outcome:
    """V3: the quantity is one of the take-off's values or the sum of its rows, and expressions give their values."""
    rows = [
        _Row(row, stated, evaluate(row.expression))
        for row in position.takeoff
        if (stated := finite(row.value)) is not None
    ]
    if not rows:
        return "1" if position.takeoff else "0"
    quantity = finite(position.quantity)
    strays = [row for row in rows if row.strays]
    if quantity is None and not strays:
        return "2"
    departs = quantity is not None and not _follows(quantity, rows)
    if not (departs or strays):
        return GREEN
    total = sum((row.full for row in rows if row.source.kind == "row"), Decimal(0))
    issues = [_stray_issue(row) for row in strays[:_MOST_ROWS_SHOWN]]
    if departs:
        sentence = f"The quantity {shown(quantity)} {clipped(position.unit)} is no value of its take-off"
        advice = "Correct the quantity or its take-off."
        found = issue("quantity_not_in_takeoff", "error", f"{sentence}, whose rows sum to {shown(total)}.", advice)
        issues.insert(0, found)
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
        demand=("quantity+" if total > quantity else "quantity-") if departs and quantity is not None else "",
    )


def _follows(quantity: Decimal, rows: list[_Row]) -> bool:
    """Tell whether the quantity is a row's value or the sum of the rows that are no sums, as stated or in full."""
    if any(_same(quantity, row.stated) or _same(quantity, row.full) for row in rows):
        return True
    summands = [row for row in rows if row.source.kind == "row"]
    stated = sum((row.stated for row in summands), Decimal(0))
    full = sum((row.full for row in summands), Decimal(0))
    return _same(quantity, stated) or _same(quantity, full)


def _same(quantity: Decimal, value: Decimal) -> bool:
    return abs(quantity - value) <= QUANTITY_TOLERANCE


def _stray_issue(row: _Row) -> Issue:
    text = clipped(row.source.expression)
    where = f" in row {row.source.line}" if row.source.line else ""
    return issue(
        "takeoff_row_mismatch",
        "error",
        f'The take-off "{text}"{where} makes {shown(row.computed)}, but the file states {shown(row.stated)}.',
        "Correct the expression, or let it be computed again.",
    )


V3 = Rule(
    id="V3",
    expert_role="validator",
    title="The quantity follows from its take-off",
    source="All of 3,203 quantities with a take-off and all of 5,716 expressions in real Czech bills hold",
    judge=judge_takeoff,
    scope=own("quantity", "unit", "takeoff"),
    not_checked=(
        "The line has no take-off.",
        "No row of the take-off states a value.",
        "The line has no quantity that is a number.",
    ),
)
