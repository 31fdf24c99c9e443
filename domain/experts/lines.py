"""The validator's rules about a single line: its total (V1), its texts (V4), its numbers (V5) and its price (V6)."""

from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from domain.experts.context import AuditContext, finite
from domain.experts.finding import Issue, Suggestion, clipped, shown
from domain.experts.rule import GREEN, Objection, Outcome, Rule, Scope, concern, issue, own
from domain.position import Position, line_total

TOTAL_TOLERANCE = Decimal("0.01")
"""In the bill's currency. Public estimating tools use 0.01 to 0.02; on real bills nothing exceeds 0.01."""


def judge_total(position: Position, context: AuditContext) -> Outcome:
    """V1: quantity times unit price, rounded as the file rounds, is the line total that the file states."""
    quantity, price, declared = finite(position.quantity), finite(position.unit_price), finite(position.declared_total)
    if quantity is None:
        return "0"
    if price is None:
        return "1"
    if declared is None:
        return "2"
    if not price and not declared:
        return "3"
    rounding = context.facts.rounding if position.rounding is None else position.rounding
    computed = finite(line_total(quantity, price, rounding))
    if computed is None:
        return "4"
    if abs(computed - declared) <= TOTAL_TOLERANCE:
        return GREEN
    currency = context.facts.currency
    difference = shown(declared - computed)
    return concern(
        "RED",
        f"{shown(quantity)} x {shown(price)} makes {shown(computed)} {currency}, but the file states "
        f"{shown(declared)} {currency}: a difference of {difference} {currency}.",
        issue(
            "total_mismatch",
            "error",
            f"The stated line total differs from quantity times unit price by {difference} {currency}.",
            "Find out which of quantity, unit price and total is meant.",
        ),
        evidence={
            "quantity": shown(quantity),
            "unit_price": shown(price),
            "computed_total": shown(computed),
            "declared_total": shown(declared),
            "rounding_decimals": str(rounding if isinstance(rounding, int) else rounding.total),
            "threshold": shown(TOTAL_TOLERANCE),
        },
        suggestions=(
            Suggestion(
                action="Recalculate the line from quantity and unit price",
                benefit="The total follows from its own figures",
                risk="If the stated total was agreed, the unit price is what is wrong",
            ),
        ),
    )


class Texts(Struct):
    """How many lines a document has, and how many of them have a description and a unit."""

    lines: int = 0
    described: int = 0
    measured: int = 0

    def usual(self, having: int) -> bool:
        """Whether a line of this document should have what `having` lines of it have."""
        return self.lines == 1 or having * 2 >= self.lines


def texts_of_documents(context: AuditContext) -> dict[UUID | None, Texts]:
    """Count what the lines of each document say."""
    found: dict[UUID | None, Texts] = {}
    for position in context.positions:
        texts = found.get(position.source_document_id) or found.setdefault(position.source_document_id, Texts())
        texts.lines += 1
        texts.described += 1 if position.description.strip() else 0
        texts.measured += 1 if position.unit.strip() else 0
    return found


def judge_texts(position: Position, context: AuditContext) -> Outcome:
    """V4: a line says what is to be done and in which unit; a code ties it to a price system.

    AMBER where most lines of the document lack the same: some files (prices of a bid) leave texts to another one.
    """
    texts = context.once(texts_of_documents)[position.source_document_id]
    issues: list[Issue] = []
    if position.code_system == "gaeb" and not (position.description.strip() or position.unit.strip()):
        return "0"
    red = False
    if not position.description.strip():
        red |= texts.usual(texts.described)
        issues.append(issue("missing_description", "error", "The line has no description.", "Describe the work."))
    if not position.unit.strip():
        red |= texts.usual(texts.measured)
        issues.append(issue("missing_unit", "error", "The line has no unit.", "State the unit of the quantity."))
    verdict: Objection = "RED" if red else "AMBER"
    if not position.code.strip():
        issues.append(
            issue("missing_code", "warning", "The line has no code.", "Add the code of a price system, or an own one.")
        )
    if not issues:
        return GREEN
    return concern(
        verdict,
        " ".join(found.description for found in issues),
        *issues,
        evidence={
            "code": clipped(position.code),
            "description": clipped(position.description),
            "unit": clipped(position.unit),
            "lines_of_document": str(texts.lines),
            "described": str(texts.described),
            "with_unit": str(texts.measured),
            "threshold": "half of the lines",
        },
    )


def judge_numbers(position: Position, _context: AuditContext) -> Outcome:
    """V5: quantity and unit price are numbers, the quantity is above zero, the price is not below it."""
    quantity, price = position.quantity, position.unit_price
    issues: list[Issue] = []
    for name, number in (("quantity", quantity), ("unit price", price)):
        if number is not None and not number.is_finite():
            kind = f"{name.replace(' ', '_')}_not_finite"
            issues.append(issue(kind, "error", f"The {name} is {shown(number)}, not a number.", f"Enter the {name}."))
    verdict: Objection = "RED" if issues else "AMBER"
    if (number := finite(quantity)) is not None and number <= 0:
        kind = "negative_quantity" if number < 0 else "zero_quantity"
        advice = "Confirm that this is a credit." if number < 0 else "Enter the quantity, or remove the line."
        issues.append(issue(kind, "warning", f"The quantity is {shown(number)}.", advice))
    if (number := finite(price)) is not None and number < 0:
        sentence = f"The unit price is {shown(number)}."
        issues.append(issue("negative_price", "warning", sentence, "Confirm that this is a credit."))
    if not issues:
        return "0" if quantity is None else GREEN
    return concern(
        verdict,
        " ".join(found.description for found in issues),
        *issues,
        evidence={"quantity": shown(quantity), "unit_price": shown(price), "threshold": "0"},
    )


def priced_lines(context: AuditContext) -> int:
    """How many lines carry a unit price that is a number other than zero."""
    return sum(1 for position in context.positions if finite(position.unit_price))


def judge_price(position: Position, context: AuditContext) -> Outcome:
    """V6: in a bill that is being priced, every line has a price. A bill without any price is a blank tender."""
    price = position.unit_price
    if price is not None and not price.is_finite():
        return "1"
    if price:
        return GREEN
    priced = context.once(priced_lines)
    if not priced:
        return "0"
    stated = "no unit price" if price is None else "a unit price of zero"
    return concern(
        "AMBER",
        f"The line has {stated}, while {priced} of {len(context.positions)} lines of the bill are priced.",
        issue("missing_price", "warning", f"The line has {stated}.", "Enter the price, or say that it is included."),
        evidence={
            "unit_price": shown(price),
            "priced_lines": str(priced),
            "lines": str(len(context.positions)),
            "threshold": "0",
        },
    )


def remark_on_prices(context: AuditContext) -> str | None:
    """V6 about a bill in which nothing is priced: said once, instead of at every line."""
    count = len(context.positions)
    if not count or context.once(priced_lines):
        return None
    return f"None of the {count} lines has a unit price yet, so missing prices are not judged."


V1 = Rule(
    id="V1",
    expert_role="validator",
    title="The line total is quantity times unit price",
    source="Arithmetic, rounded half up; none of 2,162 priced lines of real Czech bills differs by more than 0.01",
    judge=judge_total,
    scope=own("quantity", "unit_price", "declared_total", "rounding"),
    not_checked=(
        "The line has no quantity that is a number.",
        "The line has no unit price that is a number.",
        "The file states no total for the line, or its numbers were edited since.",
        "The line is not priced: unit price and total are zero.",
        "The total is too large to be computed exactly.",
    ),
)

V4 = Rule(
    id="V4",
    expert_role="validator",
    title="The line has a description, a unit and a code",
    source="Without description or unit a line can be neither priced nor measured; own items often lack a code",
    judge=judge_texts,
    scope=Scope(name="bill", fields=frozenset({"description", "unit", "code", "code_system"})),
    not_checked=("A bid of GAEB states prices only: description and unit are those of its request.",),
)

V5 = Rule(
    id="V5",
    expert_role="validator",
    title="Quantity and price are plausible numbers",
    source="10 of 8,091 items of real bills have quantity zero and none a negative one: worth a look, not an error",
    judge=judge_numbers,
    scope=own("quantity", "unit_price"),
    not_checked=("The line has no quantity.",),
)

V6 = Rule(
    id="V6",
    expert_role="validator",
    title="Every line of a priced bill has a price",
    source="Tenders are published without any price; only a gap among prices is worth a look",
    judge=judge_price,
    scope=Scope(name="bill", fields=frozenset({"unit_price"})),
    remark=remark_on_prices,
    not_checked=(
        "No line of the bill has a unit price yet.",
        "The unit price is not a number; rule V5 says so.",
    ),
)
