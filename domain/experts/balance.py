"""The rule about unbalanced bids (C6): prices beside the estimate's and the bidders' average, at the bill's level."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from domain.comparison import ComparedAs
from domain.experts.context import AuditContext, Offer, finite
from domain.experts.finding import brief, clipped, shown
from domain.experts.prices import PRICED, price_of
from domain.experts.rule import GREEN, Outcome, Rule, Scope, concern, issue
from domain.position import Position

LEAST_REFERENCES = 5
"""Lines with a reference price from which a bill's own level can be told."""
MOST_NAMED = 10
"""So many offers are written out in the evidence of a line."""

OFFERS = "offers"
"""What documents ask for a line counts as one of its fields: other offers make it stale."""

_STEP = Decimal("0.0001")

Kind = Literal["estimate", "bidders"]
COMPARED_AS: dict[Kind, ComparedAs] = {"estimate": "estimate", "bidders": "bid"}
"""What the documents are from which each kind of reference comes."""


class ReferencePrice(Struct, frozen=True, kw_only=True):
    """What a line should cost: an estimate, or the average of several bids, in the bill's currency per its unit."""

    unit_price: Decimal
    kind: Kind = "estimate"
    source: str = ""


class Reference(Struct, frozen=True):
    """The price that a line is held against, and the documents that it is from."""

    kind: Kind
    unit_price: Decimal
    offers: tuple[Offer, ...] = ()
    source: str = ""


class Level(Struct):
    """How many lines have a price and a reference of one kind, and what they come to at either."""

    lines: int = 0
    priced: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)

    @property
    def ratio(self) -> Decimal:
        """How many times its references the bill costs."""
        return self.priced / self.expected


def references_of(position: Position, context: AuditContext) -> Iterator[Reference]:
    """Give the estimate and the bidders' average of a line, from documents, else from what is attached to it."""
    offers = context.facts.offers.get(position.position_id, ())
    attached = _attached(position)
    for kind, compared_as in COMPARED_AS.items():
        own = tuple(offer for offer in offers if offer.compared_as == compared_as and _usable(offer.unit_price))
        if own and _usable(average := _average(own)):
            yield Reference(kind, average, own)
        elif not own and attached is not None and attached.kind == kind:
            yield Reference(kind, attached.unit_price, source=attached.source)


def _usable(price: Decimal) -> bool:
    return price.is_finite() and price > 0


def _average(offers: tuple[Offer, ...]) -> Decimal:
    if len(offers) == 1:
        return offers[0].unit_price
    return (sum((offer.unit_price for offer in offers), Decimal(0)) / len(offers)).quantize(_STEP, ROUND_HALF_UP)


def _attached(position: Position) -> ReferencePrice | None:
    """Read the reference price that is attached to the position as `enrichment["reference_price"]`, if it is usable."""
    attached = position.enrichment.get("reference_price")
    if attached is None:
        return None
    try:
        price = msgspec.convert(attached, ReferencePrice, strict=False)
    except msgspec.ValidationError:
        return None
    return price if _usable(price.unit_price) else None


def levels(context: AuditContext) -> dict[Kind, Level]:
    """Add up the lines that have a reference, for each kind of it."""
    found: dict[Kind, Level] = {"estimate": Level(), "bidders": Level()}
    for position in context.positions:
        price, quantity = price_of(position), finite(position.quantity)
        if price is None or quantity is None or quantity <= 0:
            continue
        for reference in references_of(position, context):
            level = found[reference.kind]
            level.lines += 1
            level.priced += quantity * price
            level.expected += quantity * reference.unit_price
    return found


class _Beside(Struct, frozen=True):
    """A price beside one reference: `balance` is 1 where it is to its reference as the whole bill is to its own."""

    reference: Reference
    level: Level
    balance: Decimal

    @property
    def off(self) -> Decimal:
        """How many times too much or too little it is."""
        return max(self.balance, 1 / self.balance)


def judge_balance(position: Position, context: AuditContext) -> Outcome:
    """C6: the price is to its references as the whole bill is to its own: nothing is loaded onto single lines."""
    references = list(references_of(position, context))
    if not references:
        return "0"
    price = price_of(position)
    if price is None:
        return "1"
    known = context.once(levels)
    beside = [
        _Beside(each, level, price / (each.unit_price * level.ratio))
        for each in references
        if (level := known[each.kind]).lines >= LEAST_REFERENCES
    ]
    if not beside:
        return "2"
    threshold = context.settings.unbalance
    wrong = [each for each in beside if not 1 - threshold <= each.balance <= 1 + threshold]
    if not wrong:
        return GREEN
    worst = max(wrong, key=lambda each: each.off)
    sentences = [_sentence(price, each, context) for each in sorted(wrong, key=lambda each: each is not worst)]
    above = [each.balance > 1 for each in wrong]
    return concern(
        "AMBER",
        " ".join(sentences),
        *(
            issue("unbalanced_price", "warning", sentence, "Ask the bidder what the price contains.")
            for sentence in sentences
        ),
        evidence={
            "unit_price": shown(price),
            "reference": worst.reference.kind,
            "reference_price": shown(worst.reference.unit_price),
            "level": brief(worst.level.ratio, "0.001"),
            "balance": brief(worst.balance, "0.001"),
            "lines": str(worst.level.lines),
            "threshold": shown(threshold),
        }
        | {name: said for each in beside for name, said in _told(each)},
        confidence=60 if any(offer.by == "likeness" for offer in worst.reference.offers) else 80,
        demand="unit_price-" if all(above) else "" if any(above) else "unit_price+",
    )


def _sentence(price: Decimal, beside: _Beside, context: AuditContext) -> str:
    reference, level = beside.reference, beside.level
    percent = brief(abs(beside.balance * 100 - 100), "1")
    where = "above" if beside.balance > 1 else "below"
    bids = len(reference.offers)
    what = (
        "the estimate" if reference.kind == "estimate" else f"the average of {bids} bids" if bids > 1 else "the bidders"
    )
    return (
        f"{shown(price)} {context.facts.currency} lies {percent} % {where} {what} of {shown(reference.unit_price)} at "
        f"the level of the bill's {level.lines} lines with such a reference ({brief(level.ratio, '0.01')})."
    )


def _told(beside: _Beside) -> Iterator[tuple[str, str]]:
    """Name the price of a reference, the balance with it, and what each document asks, with its sheet and row."""
    reference = beside.reference
    yield f"{reference.kind}_price", shown(reference.unit_price)
    yield f"{reference.kind}_balance", brief(beside.balance, "0.001")
    offers = reference.offers
    if not offers:
        yield f"{reference.kind}_source", clipped(reference.source)
        return
    said = [f"{clipped(offer.name)} ({offer.place}, by {offer.by}): {shown(offer.unit_price)}" for offer in offers]
    more = f"; and {len(said) - MOST_NAMED} more" if len(said) > MOST_NAMED else ""
    yield f"{reference.kind}_source", "; ".join(said[:MOST_NAMED]) + more
    yield f"{reference.kind}_documents", ", ".join(str(offer.document_id) for offer in offers)


def remark_on_documents(context: AuditContext) -> str | None:
    """Say which documents could not be compared with, and why."""
    return " ".join(context.facts.uncompared) or None


C6 = Rule(
    id="C6",
    expert_role="cost",
    title="No line is priced out of balance with the others",
    source="Literature on unbalanced bids: each line beside the estimate and the bidders' average; no common threshold",
    judge=judge_balance,
    remark=remark_on_documents,
    scope=Scope(name="bill", fields=PRICED | {"quantity", "enrichment", OFFERS}),
    precedence="cost",
    not_checked=(
        "No estimate and no average of bids is attached to the line.",
        "The line has no price.",
        "Too few lines of the bill have a reference price to tell the bill's own level.",
    ),
)
