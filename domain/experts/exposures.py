"""Exposure classes of concrete (EN 206) and the least strength class that each profile asks for.

`cz` is the Czech table for 50 years (ČSN EN 206, national annex), `en206` the informative table F.1 of EN 206-1,
`tkp17` the Czech railways' technical conditions, chapter 17, which name some classes and leave the others to the Czech
table.
"""

from decimal import Decimal

from msgspec import Struct

from domain.experts.settings import AuditSettings, DesignLife, ProfileName

NORMAL = (
    *("8/10", "12/15", "16/20", "20/25", "25/30", "30/37", "35/45", "40/50", "45/55", "50/60", "55/67", "60/75"),
    *("70/85", "80/95", "90/105", "100/115"),
)
LIGHT = (
    *("8/9", "12/13", "16/18", "20/22", "25/28", "30/33", "35/38", "40/44", "45/50", "50/55", "55/60", "60/66"),
    *("70/77", "80/88"),
)
CLASSES = frozenset({f"C{name}" for name in NORMAL} | {f"LC{name}" for name in LIGHT} | {"C-/5", "C-/7.5"})
"""Every strength class that there is: normal and light concrete, and the two low ones of the Czech annex."""


class Requirement(Struct, frozen=True):
    """What an exposure class asks for: strength class, water by cement, cement in kg/m³, air in %, or `SR` cement."""

    strength: str
    water_cement: str = ""
    cement: str = ""
    special: str = ""


_CZ = {
    "X0": Requirement("12/15"),
    "XC1": Requirement("16/20", "0.65", "260"),
    "XC2": Requirement("16/20", "0.60", "280"),
    "XC3": Requirement("20/25", "0.55", "280"),
    "XC4": Requirement("25/30", "0.50", "300"),
    "XS1": Requirement("30/37", "0.50", "300"),
    "XS2": Requirement("35/45", "0.45", "320"),
    "XS3": Requirement("35/45", "0.45", "340"),
    "XD1": Requirement("25/30", "0.55", "300"),
    "XD2": Requirement("25/30", "0.55", "300"),
    "XD3": Requirement("30/37", "0.45", "320"),
    "XF1": Requirement("25/30", "0.55", "300"),
    "XF2": Requirement("25/30", "0.55", "300", "4"),
    "XF3": Requirement("25/30", "0.50", "320", "4"),
    "XF4": Requirement("30/37", "0.45", "340", "4"),
    "XA1": Requirement("25/30", "0.55", "300"),
    "XA2": Requirement("25/30", "0.50", "320", "SR"),
    "XA3": Requirement("30/37", "0.45", "360", "SR"),
}


def _with(strengths: dict[str, str]) -> dict[str, Requirement]:
    """Give the Czech table with other strength classes for some exposures."""
    others = {
        name: Requirement(strength, _CZ[name].water_cement, _CZ[name].cement, _CZ[name].special)
        for name, strength in strengths.items()
    }
    return _CZ | others


TABLES: dict[ProfileName, dict[str, Requirement]] = {
    "cz": _CZ,
    "en206": _with(
        {
            "XC1": "20/25",
            "XC2": "25/30",
            "XC3": "30/37",
            "XC4": "30/37",
            "XD1": "30/37",
            "XD2": "30/37",
            "XD3": "35/45",
            "XF1": "30/37",
            "XF3": "30/37",
            "XA1": "30/37",
            "XA2": "30/37",
            "XA3": "35/45",
        }
    ),
    "tkp17": _with({"XC2": "20/25", "XC3": "25/30", "XD2": "30/37", "XF3": "30/37", "XF4": "25/30", "XA2": "30/37"}),
}
NAMES: dict[ProfileName, str] = {
    "cz": "ČSN EN 206, Czech table, 50 years",
    "en206": "EN 206-1, table F.1, 50 years",
    "tkp17": "TKP 17 of the Czech railways, 50 years",
}
AIR = frozenset({"XF2", "XF3", "XF4"})
SULFATE = frozenset({"XA2", "XA3"})


def cylinder(strength: str) -> Decimal:
    """Give the characteristic cylinder strength in MPa that a class is ordered by; 0 where it names none."""
    first = strength.removeprefix("L").removeprefix("C").partition("/")[0]
    return Decimal(0) if first == "-" else Decimal(first)


def required(exposures: tuple[str, ...], settings: AuditSettings) -> tuple[str, str] | None:
    """Give the strictest exposure and the strength class that it asks for; `None` where the table has none of them."""
    table = TABLES[settings.profile]
    known = [(cylinder(table[name].strength), name) for name in exposures if name in table]
    if not known:
        return None
    _, strictest = max(known, key=lambda each: each[0])
    return strictest, f"C{_longer(table[strictest].strength, settings.design_life)}"


def _longer(strength: str, design_life: DesignLife) -> str:
    """Raise a class by one for 100 years."""
    at = NORMAL.index(strength) + (1 if design_life == 100 else 0)  # noqa: PLR2004 - years
    return NORMAL[min(at, len(NORMAL) - 1)]


def profile_named(settings: AuditSettings) -> str:
    """Name the profile for people and evidence."""
    return f"{NAMES[settings.profile]}" + (", raised by one class for 100 years" if settings.design_life > 50 else "")  # noqa: PLR2004 - years
