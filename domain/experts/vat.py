"""The rule about VAT (C5): rates exist, an amount of tax is its rate of what is taxed, a total with VAT is the sum.

Lines are judged by their rate alone. Amounts are those that a document states of itself, for the whole and for its
objects: each is held against what the same document states beside it, so that edits change nothing about them.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from domain.bill import StatedTotal
from domain.experts.context import AuditContext, finite
from domain.experts.finding import clipped, shown
from domain.experts.rule import GREEN, Concern, Objection, Outcome, Rule, Section, concern, issue, own
from domain.position import Position

REFORM = date(2024, 1, 1)
"""When the Czech rates 15 and 10 % became 12 %."""

RATES_NOW = frozenset(map(Decimal, (21, 12, 0)))
RATES_BEFORE = frozenset(map(Decimal, (21, 15, 10, 0)))

CENTS = 2
TOLERANCE = Decimal("0.01")
"""By so much, in the bill's currency, an amount may be rounded otherwise than half up, which is doubtful, not wrong."""
WHOLE = Decimal("0.5")
"""By so much an amount without decimals may be off that was rounded to whole units."""

_Path = tuple[str, ...]


class _Place(Struct):
    """What a document states of one object, or of the whole, and what the nearest objects below it state of VAT."""

    nets: list[Decimal] = []
    taxes: list[StatedTotal] = []
    grosses: list[StatedTotal] = []
    roundings: list[Decimal] = []
    tax: Decimal = Decimal(0)
    below: dict[Decimal | None, Decimal] = {}
    """The tax of each rate; of all rates under `None`."""

    @property
    def net(self) -> Decimal | None:
        """What is taxed: the last total without VAT (discounts are taken off one by one), else the sum of bases."""
        if self.nets:
            return finite(self.nets[-1])
        bases = [base for tax in self.taxes if (base := finite(tax.base)) is not None]
        return sum(bases, Decimal(0)) if bases else None


def judge_rate(position: Position, context: AuditContext) -> Outcome:
    """C5 about a line: its VAT rate is one that Czech law had on the day of the prices."""
    rate = finite(position.vat_rate)
    if rate is None:
        return "0"
    if context.facts.currency != "CZK":
        return "1"
    return _impossible(rate, context) or GREEN


def _impossible(rate: Decimal, context: AuditContext) -> Concern | None:
    day = context.settings.priced_on
    before = day is not None and day < REFORM
    rates, others = (RATES_BEFORE, RATES_NOW) if before else (RATES_NOW, RATES_BEFORE)
    if rate in rates:
        return None
    outdated = rate in others
    since = "until the end of 2023" if before else "since 2024"
    listed = ", ".join(shown(each) for each in sorted(rates, reverse=True))
    sentence = f"A VAT rate of {shown(rate)} % does not exist: the Czech rates {since} are {listed} %."
    return concern(
        "AMBER" if outdated and day is None else "RED",
        sentence,
        issue(
            "vat_rate", "warning" if outdated else "error", sentence, "Correct the rate, or set the day of the prices."
        ),
        evidence={
            "vat_rate": shown(rate),
            "priced_on": "" if day is None else day.isoformat(),
            "threshold": listed,
            "table": "Act 235/2004 on VAT, section 47",
        },
    )


def judge_amounts(context: AuditContext) -> Iterable[tuple[Section, Outcome]]:
    """C5 about each amount of VAT and each total with VAT that a document states, under the path that it speaks of."""
    for bill in context.facts.declared:
        places = _places(bill.totals)
        decimals = context.facts.rounding if bill.rounding is None else bill.rounding
        if not any(place.taxes or place.grosses for place in places.values()):
            yield Section(bill.document_id, ()), "2"
        for path, place in places.items():
            section = Section(bill.document_id, path)
            for total in place.taxes:
                yield section, _tax(total, place, decimals, context)
                if (wrong := _stated_rate(total, context)) is not None:
                    yield section, wrong
            for total in place.grosses:
                yield section, _gross(total, place, context)


def _places(totals: Iterable[StatedTotal]) -> dict[_Path, _Place]:
    """Put what is stated of each path together, and hand taxes up to the paths above, as far as those state none."""
    places: defaultdict[_Path, _Place] = defaultdict(_Place)
    for total in totals:
        place = places[total.path]
        match total.kind:
            case "net":
                place.nets.append(total.amount)
            case "vat":
                place.taxes.append(total)
                place.tax += total.amount
            case "gross":
                place.grosses.append(total)
            case "rounding":
                place.roundings.append(total.amount)
    own = {path: _by_rate(place) for path, place in places.items() if place.taxes}
    for path, taxes in own.items():
        for rate, tax in taxes.items():
            for depth in range(len(path) - 1, -1, -1):
                if (above := places.get(path[:depth])) is not None:
                    above.below[rate] = above.below.get(rate, Decimal(0)) + tax
                    if rate in own.get(path[:depth], ()):
                        break
    return places


def _by_rate(place: _Place) -> dict[Decimal | None, Decimal]:
    taxes: dict[Decimal | None, Decimal] = {None: place.tax}
    for total in place.taxes:
        if (rate := finite(total.rate)) is not None:
            taxes[rate] = taxes.get(rate, Decimal(0)) + total.amount
    return taxes


def _stated_rate(total: StatedTotal, context: AuditContext) -> Concern | None:
    """Object to a rate that an amount of VAT is stated for and that does not exist."""
    rate = finite(total.rate)
    if rate is None or context.facts.currency != "CZK" or (wrong := _impossible(rate, context)) is None:
        return None
    return concern(wrong.verdict, wrong.reasoning, *wrong.issues, evidence=wrong.evidence | _source(total))


def _tax(total: StatedTotal, place: _Place, decimals: int, context: AuditContext) -> Outcome:
    """Hold an amount of VAT against its rate of what is taxed, rounded half up, and what the objects below state."""
    rate, base = finite(total.rate), finite(total.base)
    if base is None and len(place.taxes) == 1:
        base = place.net
    if rate is None:
        return "3"
    if base is None:
        return "4"
    exact = base * rate / 100
    rounded = _half_up(exact, decimals)
    if not (rounded.is_finite() and total.amount.is_finite()):
        return "5"
    right = [rounded, _half_up(exact, CENTS), place.below.get(rate)]
    if place.roundings:
        right.append(_half_up(exact, 0))  # what the tax lacks to whole units stands in a row of its own
    if total.amount in right:
        return GREEN
    sentence = (
        f"{_name(total)} is stated as {shown(total.amount)} {context.facts.currency}, but {shown(rate)} % of "
        f"{shown(base)} is {shown(rounded)}: a difference of {shown(total.amount - rounded)}."
    )
    return concern(
        _weight(total.amount, exact),
        sentence,
        issue("vat_amount", "error", sentence, "Compute the tax again from what is taxed."),
        evidence={
            "declared_vat": shown(total.amount),
            "vat_rate": shown(rate),
            "base": shown(base),
            "expected_vat": shown(rounded),
            "decimals": str(decimals),
            "threshold": shown(TOLERANCE),
        }
        | _source(total),
    )


def _gross(total: StatedTotal, place: _Place, context: AuditContext) -> Outcome:
    """Hold a total with VAT against what is taxed, its taxes, and what is added to make it round."""
    net = place.net
    tax = place.tax if place.taxes else place.below.get(None)
    if net is None:
        return "4"
    if tax is None and total.amount != net:
        return "6"
    expected = net + (tax or 0) + sum(place.roundings, Decimal(0))
    difference = total.amount - expected
    if not difference.is_finite():
        return "5"
    if abs(difference) <= TOLERANCE:
        return GREEN
    sentence = (
        f"{_name(total)} is stated as {shown(total.amount)} {context.facts.currency}, but {shown(net)} and VAT of "
        f"{shown(tax or Decimal(0))} make {shown(expected)}: a difference of {shown(difference)}."
    )
    return concern(
        _weight(total.amount, expected),
        sentence,
        issue("gross_total", "error", sentence, "Add what is taxed and its tax again."),
        evidence={
            "declared_total_with_vat": shown(total.amount),
            "net": shown(net),
            "vat": shown(tax or Decimal(0)),
            "expected": shown(expected),
            "threshold": shown(TOLERANCE),
        }
        | _source(total),
    )


def _weight(stated: Decimal, exact: Decimal) -> Objection:
    """RED, unless rounding otherwise explains the difference: to another side, or to whole units."""
    tolerance = WHOLE if stated == stated.to_integral_value() else TOLERANCE
    return "AMBER" if abs(stated - exact) <= tolerance else "RED"


def _half_up(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _name(total: StatedTotal) -> str:
    label = f'"{clipped(total.label)}"' if total.label else "VAT" if total.kind == "vat" else "The total with VAT"
    return f"{label} of {clipped(' / '.join(total.path))}" if total.path else label


def _source(total: StatedTotal) -> dict[str, str]:
    return {"sheet": total.sheet, "row": str(total.line)} if total.line else {}


C5 = Rule(
    id="C5",
    expert_role="cost",
    title="VAT rates exist, and taxes and totals with VAT are what they come to",
    source="Czech VAT Act: 21, 12 and 0 % since 2024, 21, 15, 10 and 0 % before; all amounts of two priced KROS bills "
    "and a GAEB bid are their rate of what is taxed, rounded half up to cents",
    judge=judge_rate,
    judge_sections=judge_amounts,
    scope=own("vat_rate"),
    precedence="code",
    not_checked=(
        "The line states no VAT rate.",
        "Only Czech rates are known, and the bill is in another currency.",
        "The file states no VAT and no total with VAT.",
        "The file states an amount of VAT, but not its rate.",
        "The file states VAT, but not what it is taken from.",
        "An amount is not a number, or is too large to be computed exactly.",
        "The file states a total with VAT, but no VAT that would lead to it.",
    ),
)
