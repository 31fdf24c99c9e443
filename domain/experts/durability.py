"""The rules about concrete: its class exists (N1) and suits its exposure (N2), which is named (N3), air too (N4)."""

from domain.experts.context import AuditContext
from domain.experts.elements import piece_of
from domain.experts.exposures import AIR, CLASSES, SULFATE, TABLES, cylinder, profile_named, required
from domain.experts.finding import clipped
from domain.experts.mixes import Mix, Said, read_mixes
from domain.experts.rule import GREEN, Concern, Outcome, Rule, concern, issue, note, own
from domain.experts.units import normalised_unit
from domain.position import Position

_SURE = 100
_LIKELY = 85
_TEXTS = ("description", "notes")


def _said(position: Position) -> Said:
    return read_mixes(position.description, position.notes)


def judge_class(position: Position, _context: AuditContext) -> Outcome:
    """N1: every strength class that the text names is one of EN 206."""
    said = _said(position)
    if not said.mixes:
        return "0"
    if not (said.concrete or said.exposures or piece_of(position)):
        return "1"
    wrong = [mix.strength for mix in said.mixes if mix.strength not in CLASSES]
    if not wrong:
        return GREEN
    names = ", ".join(dict.fromkeys(wrong))
    sentence = f"EN 206 knows no concrete of class {names}."
    advice = f"Did you mean {_nearest(wrong[0])}? Take the class from the drawings."
    return concern(
        "RED",
        sentence,
        issue("unknown_class", "error", sentence, advice),
        evidence={
            "text": clipped(position.description),
            "class": names,
            "nearest": _nearest(wrong[0]),
            "table": "strength classes of EN 206, with C-/5 and C-/7.5 of the Czech annex",
            "threshold": "a class of the table",
        },
    )


def _nearest(strength: str) -> str:
    """Name the class of the same kind whose cylinder strength is nearest."""
    light = strength.startswith("L")
    there = [name for name in CLASSES if name.startswith("L") == light]
    return min(there, key=lambda name: (abs(cylinder(name) - cylinder(strength)), cylinder(name), name))


def judge_exposure(position: Position, context: AuditContext) -> Outcome:
    """N2: the class is at least what the strictest of the named exposures asks for, under the project's profile."""
    mixes = [mix for mix in _said(position).mixes if mix.strength in CLASSES]
    if not mixes:
        return "0"
    judged = [mix for mix in mixes if mix.exposures]
    if not judged:
        return "1"
    weak = [found for mix in judged if (found := _weakness(mix, position, context)) is not None]
    return weak[0] if weak else GREEN


def _weakness(mix: Mix, position: Position, context: AuditContext) -> Concern | None:
    settings = context.settings
    demanded = required(mix.exposures, settings)
    if demanded is None or cylinder(mix.strength) >= cylinder(demanded[1]):
        return None
    strictest, least = demanded
    profile = profile_named(settings)
    sentence = f"Concrete {mix.strength} is too weak for {strictest}: {profile} asks for {least} at least."
    row = TABLES[settings.profile][strictest]
    return concern(
        "RED",
        sentence,
        issue("class_too_low", "error", sentence, f"Order {least}, or correct the exposure class."),
        evidence={
            "text": clipped(position.description),
            "class": mix.strength,
            "exposures": ", ".join(mix.exposures),
            "strictest": strictest,
            "threshold": least,
            "profile": settings.profile,
            "design_life": str(settings.design_life),
            "table": profile,
            "water_cement": row.water_cement,
            "cement_kg_per_m3": row.cement,
        },
        confidence=_SURE if mix.sure else _LIKELY,
    )


def judge_stated_exposure(position: Position, _context: AuditContext) -> Outcome:
    """N3: structural reinforced concrete that names its class names its exposure too."""
    said, piece = _said(position), piece_of(position)
    coded = piece is not None and piece.trade == "concrete" and piece.reinforced
    if not (coded or said.reinforced) or normalised_unit(position.unit) != "m3":
        return "0"
    if piece is not None and piece.element.name == "blinding":
        return "1"
    if not said.mixes:
        return "2"
    if said.exposures:
        return GREEN
    names = ", ".join(dict.fromkeys(mix.strength for mix in said.mixes))
    sentence = f"The text names the class {names} of reinforced concrete, but no exposure class."
    return concern(
        "AMBER",
        sentence,
        issue("no_exposure", "warning", sentence, "Add the exposure classes from the drawings (XC2, XF1, …)."),
        evidence={
            "text": clipped(position.description),
            "class": names,
            "watertight": "yes" if said.watertight else "no",
            "threshold": "one exposure class",
        },
    )


def judge_ingredients(position: Position, context: AuditContext) -> Outcome:
    """N4: frost with salt or water needs entrained air, attack by sulfates a cement that resists them. A note."""
    said = _said(position)
    if not (said.mixes and said.exposures):
        return "0"
    frost, attack = AIR & set(said.exposures), SULFATE & set(said.exposures)
    if not (frost or attack):
        return "1"
    missing: list[str] = []
    if frost and not said.air:
        missing.append(f"entrained air for {', '.join(sorted(frost))}")
    if attack and not said.sulfate:
        missing.append(f"sulfate-resisting cement for {', '.join(sorted(attack))}")
    if not missing:
        return GREEN
    evidence = {
        "text": clipped(position.description),
        "exposures": ", ".join(said.exposures),
        "profile": context.settings.profile,
        "table": profile_named(context.settings),
        "threshold": "named in the text",
    }
    sentence = f"The text does not mention {' and '.join(missing)}."
    return note(sentence, "ingredient_not_named", "The supplier will need to know: name it.", evidence)


_SCOPE = own(*_TEXTS, "code", "code_system", "unit")

N1 = Rule(
    id="N1",
    expert_role="standards",
    title="The concrete's strength class exists",
    source="EN 206, strength classes of normal and light concrete; ČSN EN 206 adds C-/5 and C-/7.5",
    judge=judge_class,
    scope=_SCOPE,
    precedence="code",
    not_checked=("The text names no strength class.", "Nothing says that the line is about concrete."),
)

N2 = Rule(
    id="N2",
    expert_role="standards",
    title="The strength class suits the exposure",
    source="ČSN EN 206 national table (1 of 65 texts of real bills is below it), EN 206-1 F.1 (7), TKP 17 (3)",
    judge=judge_exposure,
    scope=_SCOPE,
    precedence="durability",
    not_checked=("The text names no known strength class.", "No exposure class can be tied to the strength class."),
)

N3 = Rule(
    id="N3",
    expert_role="concrete",
    title="Reinforced concrete names its exposure",
    source="EN 206, 6.2: a specification of concrete holds its exposure classes",
    judge=judge_stated_exposure,
    scope=_SCOPE,
    precedence="durability",
    not_checked=(
        "The line is no reinforced concrete that is measured in m³.",
        "Blinding is no structure: it needs no exposure class.",
        "The text names no strength class.",
    ),
)

N4 = Rule(
    id="N4",
    expert_role="concrete",
    title="Air and sulfate resistance are named where they are needed",
    source="EN 206-1, table F.1: 4 % air for XF2 to XF4, sulfate-resisting cement for XA2 and XA3",
    judge=judge_ingredients,
    scope=_SCOPE,
    precedence="durability",
    not_checked=("The text names no class with an exposure.", "The exposure needs neither air nor special cement."),
)
