"""The cost rule about a bill as a whole (C4): lines that outweigh it, and lump sums."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from domain.experts.context import AuditContext, finite
from domain.experts.finding import brief, shown
from domain.experts.prices import LUMP_SUMS
from domain.experts.rule import GREEN, Outcome, Rule, Scope, Section, concern, issue
from domain.experts.sums import worth
from domain.experts.units import normalised_unit
from domain.position import Position

LEAST_LINES = 10
"""Below so many lines, a share of the bill says nothing."""


class Whole(Struct):
    """What a bill comes to: its total, its lines that are worth something, and those of them that are lump sums."""

    total: Decimal = Decimal(0)
    lines: int = 0
    lumps: int = 0


def whole(context: AuditContext) -> Whole:
    """Add the bill up."""
    found = Whole()
    for position in context.positions:
        amount = finite(_worth(position, context))
        if amount is not None and amount > 0:
            found.total += amount
            found.lines += 1
            found.lumps += 1 if normalised_unit(position.unit) in LUMP_SUMS else 0
    return found


def _worth(position: Position, context: AuditContext) -> Decimal:
    return worth(position, context.facts.rounding if position.rounding is None else position.rounding)


def judge_share(position: Position, context: AuditContext) -> Outcome:
    """C4 about a line: it is not most of the bill."""
    amount = finite(_worth(position, context))
    if amount is None or amount <= 0:
        return "0"
    bill = context.once(whole)
    if bill.lines < LEAST_LINES:
        return "1"
    share, threshold = amount / bill.total, context.settings.dominant_share
    if share <= threshold:
        return GREEN
    percent = brief(share * 100, "0.1")
    sentence = (
        f"The line is {percent} % of the bill ({shown(amount)} of {shown(bill.total)} {context.facts.currency}), more "
        f"than {shown(threshold * 100)} %."
    )
    return concern(
        "AMBER",
        sentence,
        issue("dominant_line", "warning", sentence, "Break it down, or check its quantity and price."),
        evidence={
            "amount": shown(amount),
            "total": shown(bill.total),
            "lines": str(bill.lines),
            "share": brief(share, "0.001"),
            "threshold": shown(threshold),
        },
        demand="quantity-",
    )


def judge_lumps(context: AuditContext) -> Iterable[tuple[Section, Outcome]]:
    """C4 about the bill: not too many of its lines are lump sums."""
    bill = context.once(whole)
    yield Section(None, ()), _lumps(bill, context)


def _lumps(bill: Whole, context: AuditContext) -> Outcome:
    if bill.lines < LEAST_LINES:
        return "1"
    share, threshold = Decimal(bill.lumps) / bill.lines, context.settings.lump_share
    if share <= threshold:
        return GREEN
    percent = brief(share * 100, "0.1")
    sentence = (
        f"{bill.lumps} of {bill.lines} priced lines are lump sums: {percent} %, more than {shown(threshold * 100)} %."
    )
    return concern(
        "AMBER",
        sentence,
        issue("many_lump_sums", "warning", sentence, "Ask for quantities where work can be measured."),
        evidence={
            "lump_sums": str(bill.lumps),
            "lines": str(bill.lines),
            "share": brief(share, "0.001"),
            "threshold": shown(threshold),
        },
    )


C4 = Rule(
    id="C4",
    expert_role="cost",
    title="No line and no lump sums outweigh the bill",
    source="OpenConstructionERP's limits of 40 % and 30 %; a priced bridge of 91 lines has 7.3 % and 7.7 %",
    judge=judge_share,
    judge_sections=judge_lumps,
    scope=Scope(
        name="bill", fields=frozenset({"quantity", "unit_price", "declared_total", "unit", "role", "rounding"})
    ),
    precedence="cost",
    not_checked=("The line is not worth anything yet.", "The bill has too few priced lines for shares to mean much."),
)
