"""What a project may set about its audits: thresholds of rules, and the profile that concrete is held against."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

ProfileName = Literal["cz", "en206", "tkp17"]
DesignLife = Literal[50, 100]


class AuditSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of the rules. Every audit records those that it used, defaults included.

    `profile` names the table of exposure classes (`domain.experts.exposures`), `design_life` is in years.
    `priced_on` says which VAT rates held; without it, those of today. `price_spread` and `price_spread_red` are
    highest by lowest price of one code. `outlier_score` is a modified z-score, looked at from `outlier_prices`
    different prices of a unit on. `dominant_share` and `lump_share` are parts of 1. `unbalance` is how far a
    price may be from where its reference and the whole bill's level put it, as a part of 1. `catalogue_band` is how far
    it may be from a catalogue's, `catalogue_band_red` how far above, and `price_age` how many days old that may be.
    Rebar is in kg, formwork in m² per m³ of concrete.
    """

    profile: ProfileName = "cz"
    design_life: DesignLife = 50
    priced_on: date | None = None
    price_spread: Decimal = Decimal("1.10")
    price_spread_red: Decimal = Decimal(2)
    outlier_score: Decimal = Decimal("3.5")
    outlier_prices: Annotated[int, Meta(ge=3, le=10_000)] = 20
    dominant_share: Decimal = Decimal("0.40")
    lump_share: Decimal = Decimal("0.30")
    unbalance: Decimal = Decimal("0.50")
    catalogue_band: Decimal = Decimal("0.10")
    catalogue_band_red: Decimal = Decimal("0.25")
    price_age: Annotated[int, Meta(ge=1, le=10_000)] = 90
    rebar_least: Decimal = Decimal(15)
    rebar_most: Decimal = Decimal(450)
    formwork_least: Decimal = Decimal("0.1")
    formwork_most: Decimal = Decimal(20)

    def fault(self) -> str | None:
        """Say in words what no rule could work with, `None` if all is well."""
        for name in self.__struct_fields__:
            number = getattr(self, name)
            if isinstance(number, Decimal) and not (number.is_finite() and 0 < number < _TOO_MUCH):
                return f"{name} must be a number between 0 and {_TOO_MUCH}, not {number}."
        for low, high in _ORDERED:
            if getattr(self, low) > getattr(self, high):
                return f"{low} must not be above {high}."
        for name, least, most in _BOUNDS:
            if not least <= getattr(self, name) <= most:
                return f"{name} must be between {least} and {most}, not {getattr(self, name)}."
        return None

    def told(self) -> dict[str, str]:
        """Give every parameter as text, for people and reports."""
        return {name: "" if value is None else str(value) for name, value in structs.asdict(self).items()}


DEFAULTS = AuditSettings()

_TOO_MUCH = 1_000_000
_ORDERED = (
    ("price_spread", "price_spread_red"),
    ("catalogue_band", "catalogue_band_red"),
    ("rebar_least", "rebar_most"),
    ("formwork_least", "formwork_most"),
)
_ONE = Decimal(1)
_BOUNDS = (
    ("price_spread", _ONE, _TOO_MUCH),
    ("dominant_share", Decimal(0), _ONE),
    ("lump_share", Decimal(0), _ONE),
    ("unbalance", Decimal(0), _ONE),
    ("catalogue_band", Decimal(0), _ONE),
)
