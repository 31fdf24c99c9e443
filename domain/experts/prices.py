"""The cost rules that compare the prices of one bill: of one code (C1), and of one unit (C2)."""

from collections.abc import Callable, Hashable
from decimal import Decimal
from math import log
from statistics import median

from msgspec import Struct

from domain.experts.context import AuditContext, finite
from domain.experts.elements import object_of
from domain.experts.finding import brief, clipped, shown
from domain.experts.rule import GREEN, Outcome, Rule, Scope, concern, issue
from domain.experts.units import normalised_unit
from domain.position import Position

LUMP_SUMS = frozenset({"komplet", "soubor", "sb", "ls", "psch", "pauschal", "lumpsum", "lump", "job", "set", "celek"})
"""Units, normalised, of lines that stand for a whole: their prices say nothing about each other."""

_Z = 0.6745
PRICED = frozenset({"unit_price", "unit", "role"})
"""Fields that make a line's price count."""


def price_of(position: Position) -> Decimal | None:
    """Give a price above zero of a line that counts; `None` otherwise."""
    price = finite(position.unit_price)
    return price if price is not None and price > 0 and position.role == "base" else None


def code_key(position: Position) -> Hashable | None:
    """Code and unit, of a line that has both."""
    code, unit = position.code.strip(), normalised_unit(position.unit)
    return (code, unit) if code and unit else None


def text_key(position: Position) -> Hashable | None:
    """Code, unit, description and object: lines that are the same work in the same place.

    Lump sums and general items (code 0…: site set-up, surveys) are none: their prices follow what they contain.
    """
    key = code_key(position)
    if key is None or normalised_unit(position.unit) in LUMP_SUMS or position.code.strip().startswith("0"):
        return None
    return key, position.description.strip(), object_of(position)


def unit_key(position: Position) -> Hashable | None:
    """Give the unit, unless lines of it stand for a whole."""
    unit = normalised_unit(position.unit)
    return unit if unit and unit not in LUMP_SUMS else None


class Spread(Struct):
    """The lowest and the highest price of a group, and how many lines have one."""

    low: Decimal
    high: Decimal
    lines: int = 1

    def add(self, price: Decimal) -> None:
        """Count a line in."""
        self.low, self.high, self.lines = min(self.low, price), max(self.high, price), self.lines + 1

    @property
    def ratio(self) -> Decimal:
        """How many times the lowest price the highest is."""
        return self.high / self.low


def _spreads(context: AuditContext, key_of: Callable[[Position], Hashable | None]) -> dict[Hashable, Spread]:
    spreads: dict[Hashable, Spread] = {}
    for position in context.positions:
        price, key = price_of(position), key_of(position)
        if price is None or key is None:
            continue
        if spread := spreads.get(key):
            spread.add(price)
        else:
            spreads[key] = Spread(price, price)
    return spreads


def spreads_by_code(context: AuditContext) -> dict[Hashable, Spread]:
    """Find the prices of each code and unit."""
    return _spreads(context, code_key)


def spreads_by_text(context: AuditContext) -> dict[Hashable, Spread]:
    """Find the prices of each work in each object."""
    return _spreads(context, text_key)


def judge_spread(position: Position, context: AuditContext) -> Outcome:
    """C1: lines of one code and unit have one price. RED only where description and object are the same as well."""
    price, key = price_of(position), code_key(position)
    if price is None:
        return "0"
    if key is None:
        return "1"
    spread = context.once(spreads_by_code)[key]
    if spread.lines == 1:
        return "2"
    settings = context.settings
    if spread.ratio <= settings.price_spread:
        return GREEN
    alike = context.once(spreads_by_text).get(text_key(position))
    red = alike is not None and alike.ratio > settings.price_spread_red
    told = alike if red and alike is not None else spread
    factor, currency = brief(told.ratio, "0.01"), context.facts.currency
    sentence = (
        f"{told.lines} lines of code {clipped(position.code)} per {clipped(position.unit)} cost {shown(told.low)} to "
        f"{shown(told.high)} {currency}: the highest price is {factor} times the lowest; this line has {shown(price)}."
    )
    return concern(
        "RED" if red else "AMBER",
        sentence,
        issue("price_spread", "error" if red else "warning", sentence, "Take one price, or tell the works apart."),
        evidence={
            "code": clipped(position.code),
            "unit": clipped(position.unit),
            "unit_price": shown(price),
            "lowest": shown(told.low),
            "highest": shown(told.high),
            "lines": str(told.lines),
            "ratio": factor,
            "threshold": shown(settings.price_spread),
            "red_threshold": shown(settings.price_spread_red),
        },
        demand="unit_price-" if price == told.high else "unit_price+" if price == told.low else "",
    )


class Level(Struct, frozen=True):
    """Where the prices of a unit lie: median and median deviation of their natural logarithms, each price once."""

    middle: float
    deviation: float
    prices: int


def levels(context: AuditContext) -> dict[Hashable, Level]:
    """Find the level of each unit that has prices. A work that recurs at its price does not narrow what is usual."""
    prices: dict[Hashable, set[Decimal]] = {}
    for position in context.positions:
        price, unit = price_of(position), unit_key(position)
        if price is not None and unit is not None:
            prices.setdefault(unit, set()).add(price)
    return {unit: _level([_ln(price) for price in different]) for unit, different in prices.items()}


def _ln(price: Decimal) -> float:
    """Natural logarithm, also of prices that a float cannot hold."""
    exponent = price.adjusted()
    return log(float(price.scaleb(-exponent))) + exponent * log(10)


def _level(values: list[float]) -> Level:
    middle = median(values)
    return Level(middle, median([abs(value - middle) for value in values]), len(values))


def judge_outlier(position: Position, context: AuditContext) -> Outcome:
    """C2: the price is not far from the usual ones of its unit: modified z-score of its logarithm."""
    price, unit = price_of(position), unit_key(position)
    if price is None:
        return "0"
    if unit is None:
        return "1"
    level = context.once(levels)[unit]
    settings = context.settings
    if level.prices < settings.outlier_prices:
        return "2"
    if not level.deviation:
        return "3"
    score = _Z * (_ln(price) - level.middle) / level.deviation
    if abs(score) <= settings.outlier_score:
        return GREEN
    usual = brief(Decimal(10 ** min(level.middle / log(10), 30)), "0.01")
    sentence = (
        f"{shown(price)} {context.facts.currency} per {clipped(position.unit)} is far "
        f"{'above' if score > 0 else 'below'} the {level.prices} prices of this unit, whose middle is {usual}."
    )
    return concern(
        "AMBER",
        sentence,
        issue("price_outlier", "warning", sentence, "Look for a decimal point or a unit that slipped."),
        evidence={
            "unit_price": shown(price),
            "unit": clipped(position.unit),
            "median": usual,
            "prices": str(level.prices),
            "score": f"{score:.2f}",
            "threshold": shown(settings.outlier_score),
        },
        confidence=70,
        demand="unit_price-" if score > 0 else "unit_price+",
    )


C1 = Rule(
    id="C1",
    expert_role="cost",
    title="One code has one price",
    source="14 of 27 repeated codes of real Czech bills differ by over 10 %; by over 2 times only between objects",
    judge=judge_spread,
    scope=Scope(name="code", fields=PRICED | {"code", "description"}, keys=(code_key,)),
    precedence="cost",
    not_checked=(
        "The line has no price.",
        "The line has no code or no unit.",
        "No other priced line has this code and unit.",
    ),
)

C2 = Rule(
    id="C2",
    expert_role="cost",
    title="The price is usual for the unit",
    source="Iglewicz and Hoaglin's modified z-score on logarithms; flags 17 of 1,619 prices of real Czech bills",
    judge=judge_outlier,
    scope=Scope(name="bill", fields=PRICED),
    precedence="cost",
    not_checked=(
        "The line has no price.",
        "The line has no unit, or stands for a whole (lump sum).",
        "The bill has too few different prices for this unit.",
        "Half of the prices of this unit are the same, so that nothing can be called far.",
    ),
)
