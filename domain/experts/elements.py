"""What a line builds: concrete, its reinforcement or its formwork, and of which element; by code family, else by words.

Families are the first three digits of the public Czech classification of building work, which ÚRS, RTS and OTSKP share;
the two digits behind them say what it is: 31 plain, 32 reinforced, 33 prestressed concrete, 35 formwork, 36 rebar.
Only foundations, vertical and horizontal structures (2 to 4) count: floors need hardly any formwork.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from domain.bill import CodeSystem
from domain.experts.context import AuditContext, finite
from domain.experts.units import normalised_unit
from domain.position import Position

Trade = Literal["concrete", "rebar", "formwork"]

_LONG = re.compile(r"([2-4]\d\d)(31|32|33|35|36)\d{4}(?!\d)")
_SHORT = re.compile(r"([2-4]\d\d)(31|32|33|35|36)[0-9A-Z]?(?![0-9A-Z])")
_FAMILIES = {"331": "330", "332": "330", "333": "330", "312": "311", "341": "311", "342": "311", "431": "430"}
"""Families that bill their rebar and formwork together: columns 330 with 331 to 333, walls 311 with 341."""

_UNITS: dict[Trade, frozenset[str]] = {
    "concrete": frozenset({"m3"}),
    "rebar": frozenset({"t", "kg"}),
    "formwork": frozenset({"m2"}),
}
_REMOVAL = re.compile(r"odstran|odbed|demont|strik|remov|ausschal|entfern", re.IGNORECASE)
_REBAR = re.compile(r"výztuž|vystuž|rebar|reinforc|bewehr|betonstahl", re.IGNORECASE)
_FORMWORK = re.compile(r"bedně|debnen|formwork|shutter|schalung", re.IGNORECASE)
_REINFORCED = re.compile(r"železobet|železov\w+ beton|\bžb\b|stahlbeton|reinforced concrete", re.IGNORECASE)
_INCLUDES_REBAR = re.compile(
    r"v[čc]et\w*\.?\s+výztuže|vč\.\s+výztuže|drátkobet|vláknobet|incl\w*\.?\s+rebar", re.IGNORECASE
)
_INCLUDES_FORMWORK = re.compile(
    r"v[čc]\w*\.?\s+bednění|ztracen\w+\s+bednění|bez\s+bednění|do\s+rýhy|incl\w*\.?\s+(?:formwork|shuttering)",
    re.IGNORECASE,
)


class Element(Struct, frozen=True):
    """A kind of structural element, and how much rebar it usually has, in kg per m³ (STAVAGENT catalogue)."""

    name: str
    least: int
    most: int
    words: str = ""
    families: frozenset[str] = frozenset()


def _element(name: str, least: int, most: int, words: str, *families: str) -> tuple[Element, re.Pattern[str]]:
    return Element(name, least, most, words, frozenset(families)), re.compile(words, re.IGNORECASE)


_ELEMENTS = (
    _element("blinding", 0, 0, r"podkladn|podkl\b|blinding|lean concrete|sauberkeit", "451"),
    _element("pile", 40, 100, r"pilot|\bpiles?\b|pfahl|pfähle", "224"),
    _element("stairs", 100, 170, r"schod|\bstairs?|treppe", "430", "431"),
    _element("retaining wall", 60, 120, r"opěrn\w+ (?:zd|stěn)|retaining wall|stützwand|stützmauer", "327"),
    _element("footing", 60, 120, r"patk|patek|pad footing|einzelfundament", "275"),
    _element("strip foundation", 50, 110, r"pas[yůu]\b|pasech|strip found|streifenfundament", "274"),
    _element("raft", 80, 140, r"základov\w+ des[ek]|\braft\b|bodenplatte", "273"),
    _element("foundation", 50, 140, r"základ[yůu]\b|\bfoundation|fundament", "272"),
    _element("approach slab", 80, 160, r"přechodov\w+ des[ek]|prechodov\w+ des[ek]|approach slab", "420"),
    _element("abutment", 120, 180, r"opěr|oper[ya]?\b|abutment|widerlager"),
    _element("deck", 120, 180, r"mostovk|mostn\w+ (?:nosn|trám|desk)|bridge deck|überbau"),
    _element("column", 120, 220, r"sloup|pilíř|\bcolumn|stützen?\b", "330"),
    _element("ring beam", 40, 220, r"věnc|věnec|ztužující pás|ring beam|ringanker", "417"),
    _element("beam", 100, 180, r"trám|průvlak|\bbeams?\b|balken|unterzug", "413"),
    _element("wall", 50, 120, r"stěn|\bzd[ií]|\bwalls?\b|wänd|wand\b", "311", "279"),
    _element("slab", 80, 160, r"strop|des[ek]|\bslabs?\b|decken?\b", "411"),
)
OTHER = Element("other reinforced concrete", 40, 220)


class Piece(Struct, frozen=True):
    """What a line is in concrete work. `family` groups what belongs together; `strikes` is formwork that is removed."""

    trade: Trade
    family: str
    element: Element
    reinforced: bool = False
    strikes: bool = False
    with_rebar: bool = False
    with_formwork: bool = False


def piece_of(position: Position) -> Piece | None:
    """Say what the line is in concrete work, `None` if it is something else."""
    return _piece(position.code, position.code_system, position.description, normalised_unit(position.unit))


@lru_cache(maxsize=16_384)
def _piece(code: str, system: CodeSystem, description: str, unit: str) -> Piece | None:
    if system in {"urs", "rts", "otskp"}:
        return _by_code(code, system, description, unit)
    return _by_words(description, unit)


def _by_code(code: str, system: CodeSystem, description: str, unit: str) -> Piece | None:
    found = (_SHORT if system == "otskp" else _LONG).match(code)
    if found is None:
        return None
    family, kind = found.groups()
    trade: Trade = "formwork" if kind == "35" else "rebar" if kind == "36" else "concrete"
    if unit not in _UNITS[trade]:
        return None
    together = family if system == "otskp" else _FAMILIES.get(family, family)
    return _made(trade, together, description, reinforced=kind in {"32", "33"}, coded=system != "otskp")


def _by_words(description: str, unit: str) -> Piece | None:
    reinforced = bool(_REINFORCED.search(description))
    if unit in _UNITS["concrete"] and reinforced:
        trade: Trade = "concrete"
    elif unit in _UNITS["rebar"] and _REBAR.search(description):
        trade = "rebar"
    elif unit in _UNITS["formwork"] and _FORMWORK.search(description):
        trade = "formwork"
    else:
        return None
    piece = _made(trade, "", description, reinforced=reinforced, coded=False)
    return None if piece.element is OTHER else piece


def _made(trade: Trade, family: str, description: str, *, reinforced: bool, coded: bool) -> Piece:
    element = _element_of(family if coded else "", description)
    return Piece(
        trade=trade,
        family=family or element.name,
        element=element,
        reinforced=reinforced,
        strikes=trade == "formwork" and bool(_REMOVAL.search(description)),
        with_rebar=bool(_INCLUDES_REBAR.search(description)),
        with_formwork=bool(_INCLUDES_FORMWORK.search(description)),
    )


def _element_of(family: str, description: str) -> Element:
    """Find the element by the family of its code, else by its words."""
    for element, _ in _ELEMENTS:
        if family in element.families:
            return element
    for element, words in _ELEMENTS:
        if words.search(description):
            return element
    return OTHER


def object_of(position: Position) -> str:
    """Name the object that the line belongs to; where sections are not nested, the bill is one object."""
    return position.section[0] if len(position.section) > 1 else ""


def family_key(position: Position) -> tuple[str, str] | None:
    """Object and family of a line of concrete work: what S1, S2, S3 and S5 compare with each other."""
    piece = piece_of(position)
    return None if piece is None else (object_of(position), piece.family)


class Family(Struct):
    """The concrete work of one family in one object: m³ of concrete, kg of rebar, m² of formwork put up.

    `incomplete` where a quantity is missing: then the sums say nothing.
    """

    concrete: Decimal = Decimal(0)
    reinforced: Decimal = Decimal(0)
    rebar: Decimal = Decimal(0)
    formwork: Decimal = Decimal(0)
    rebar_lines: int = 0
    formwork_lines: int = 0
    incomplete: bool = False

    def add(self, piece: Piece, quantity: Decimal | None, unit: str) -> None:
        """Count a line in."""
        if quantity is None:
            self.incomplete = True
            quantity = Decimal(0)
        match piece.trade:
            case "concrete":
                self.concrete += quantity
                self.reinforced += quantity if piece.reinforced else 0
            case "rebar":
                self.rebar += quantity * (1000 if unit == "t" else 1)
                self.rebar_lines += 1
            case "formwork":
                self.formwork += 0 if piece.strikes else quantity
                self.formwork_lines += 0 if piece.strikes else 1


def families(context: AuditContext) -> dict[tuple[str, str], Family]:
    """Add up the concrete work of the bill, by object and family. Optional and alternative lines are left out."""
    found: dict[tuple[str, str], Family] = {}
    for position in context.positions:
        piece = piece_of(position)
        if piece is None or position.role != "base":
            continue
        key = (object_of(position), piece.family)
        family = found.get(key) or found.setdefault(key, Family())
        family.add(piece, finite(position.quantity), normalised_unit(position.unit))
    return found
