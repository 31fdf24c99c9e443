"""C3: prices held against price catalogues. Which price belongs to which line is looked up before the rules run."""

from decimal import Decimal

from domain.experts.context import AuditContext, CataloguePrice
from domain.experts.finding import Issue, brief, clipped, shown
from domain.experts.prices import price_of
from domain.experts.rule import GREEN, Outcome, Rule, concern, issue, own
from domain.position import Position

MATCH = "catalogue_price"
"""The price that a line is held against counts as one of its fields: another one makes the line stale."""
LEAST_ALIKE = Decimal("0.6")
"""Similarity of texts (0 to 1) from which a price may be held against a line of another code."""


def judge_catalogue(position: Position, context: AuditContext) -> Outcome:
    """C3: the price is within the bands around the catalogue's, and that is not old."""
    price = price_of(position)
    if price is None:
        return "0"
    if not context.facts.catalogues:
        return "1"
    match = context.facts.prices.get(position.position_id)
    if match is None or match.unit_price <= 0:
        return "2"
    settings = context.settings
    deviation = price / match.unit_price - 1
    age = (context.facts.as_of - match.priced_on).days if context.facts.as_of else 0
    old = age > settings.price_age
    if -settings.catalogue_band <= deviation <= settings.catalogue_band and not old:
        return GREEN
    far = deviation > settings.catalogue_band_red
    red = far and match.by == "code"
    sentence = _sentence(price, match, deviation, context)
    issues: list[Issue] = []
    if abs(deviation) > settings.catalogue_band:
        kind, wish = (
            ("price_above_catalogue", "Ask for a calculation of this price, or negotiate it.")
            if deviation > 0
            else ("price_below_catalogue", "Check that nothing is left out: the price is suspiciously low.")
        )
        issues.append(issue(kind, "error" if red else "warning", sentence, wish))
    if old:
        told = f"The catalogue's price is {age} days old: past {settings.price_age} days it says little."
        issues.append(issue("old_catalogue_price", "warning", told, "Import a newer price list."))
        sentence = f"{sentence} {told}"
    return concern(
        "RED" if red and not old else "AMBER",
        sentence,
        *issues,
        evidence=_evidence(price, match, deviation, age)
        | {
            "threshold": shown(settings.catalogue_band),
            "red_threshold": shown(settings.catalogue_band_red),
            "most_days": str(settings.price_age),
        },
        confidence=match.confidence,
        demand="" if abs(deviation) <= settings.catalogue_band else "unit_price-" if deviation > 0 else "unit_price+",
    )


def _sentence(price: Decimal, match: CataloguePrice, deviation: Decimal, context: AuditContext) -> str:
    percent = brief(abs(deviation * 100), "0.1")
    how = f"code {clipped(match.code)}" if match.by == "code" else f"the text \u201c{clipped(match.description)}\u201d"
    where = "above" if deviation > 0 else "below"
    place = f"{percent} % {where}" if deviation else "at"
    return (
        f"{shown(price)} {context.facts.currency} is {place} the {shown(match.unit_price)} per {clipped(match.unit)} "
        f"that {match.catalogue} (version {match.version}) has for {how}."
    )


def _evidence(price: Decimal, match: CataloguePrice, deviation: Decimal, age: int) -> dict[str, str]:
    return {
        "unit_price": shown(price),
        "catalogue": match.catalogue,
        "catalogue_version": str(match.version),
        "catalogue_price": shown(match.unit_price),
        "catalogue_unit": clipped(match.unit),
        "matched_by": match.by,
        "matched_code": clipped(match.code),
        "matched_text": clipped(match.description),
        "similarity": shown(match.similarity),
        "priced_on": match.priced_on.isoformat(),
        "age_days": str(age),
        "deviation": brief(deviation, "0.001"),
    }


C3 = Rule(
    id="C3",
    expert_role="cost",
    title="The price is what catalogues say",
    source="Bands of 10 and 25 % around a catalogue's price; a quote past 90 days cannot be defended",
    judge=judge_catalogue,
    scope=own("unit_price", "unit", "code", "description", "role", MATCH),
    precedence="cost",
    not_checked=(
        "The line has no price.",
        "No catalogue in the bill's currency is attached to the project.",
        "The attached catalogues have no price for this code, or for a text like this, in this unit.",
    ),
)
