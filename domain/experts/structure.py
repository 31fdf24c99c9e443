"""The structural rules: what belongs together is there (S1, S2, S4), in plausible amounts (S3, S5)."""

import re
from collections.abc import Iterable
from uuid import UUID

from domain.experts.context import AuditContext
from domain.experts.elements import OTHER, Element, Family, Piece, families, family_key, object_of, piece_of
from domain.experts.finding import Issue, brief, clipped, shown
from domain.experts.rule import GREEN, Outcome, Rule, Scope, Section, concern, issue, note
from domain.position import Position

_TRADE_PART = re.compile(r"7[1-9]\d(?!\d)")
_LONG_CODE = re.compile(r"\d{9}")
_SCOPE = Scope(
    name="object",
    fields=frozenset({"code", "code_system", "description", "unit", "quantity", "section", "role"}),
    keys=(family_key,),
)


def _family_of(position: Position, context: AuditContext) -> Family:
    key = family_key(position)
    return context.once(families).get(key, Family()) if key is not None else Family()


def judge_completeness(position: Position, context: AuditContext) -> Outcome:
    """S1: reinforced concrete of ÚRS or RTS has rebar and formwork of its family in the same object."""
    piece = piece_of(position)
    if piece is None or piece.trade != "concrete" or not piece.reinforced or position.role != "base":
        return "0"
    if position.code_system not in {"urs", "rts"}:
        return "1"
    found = _family_of(position, context)
    issues: list[Issue] = []
    if not (found.rebar_lines or piece.with_rebar):
        sentence = f"The object has no reinforcement line of family {piece.family} for this concrete."
        issues.append(
            issue("missing_rebar", "warning", sentence, f"Add the rebar ({piece.family}36…), or say why not.")
        )
    if not (found.formwork_lines or piece.with_formwork):
        sentence = f"The object has no formwork line of family {piece.family} for this concrete."
        advice = f"Add the formwork ({piece.family}35…), or say that it is cast without."
        issues.append(issue("missing_formwork", "warning", sentence, advice))
    if not issues:
        return GREEN
    return concern(
        "AMBER",
        " ".join(each.description for each in issues),
        *issues,
        evidence={
            "code": clipped(position.code),
            "family": piece.family,
            "object": object_of(position),
            "element": piece.element.name,
            "rebar_lines": str(found.rebar_lines),
            "formwork_lines": str(found.formwork_lines),
            "threshold": "1",
        },
    )


def judge_double_formwork(position: Position, context: AuditContext) -> Outcome:
    """S2: concrete of OTSKP includes its formwork, so that a formwork line beside it would be paid twice."""
    piece = piece_of(position)
    if piece is None or piece.trade != "concrete" or position.role != "base":
        return "0"
    if position.code_system != "otskp":
        return "1"
    found = _family_of(position, context)
    if not found.formwork_lines:
        return GREEN
    sentence = (
        f"Concrete items of OTSKP include their formwork, but the object has {found.formwork_lines} formwork lines of "
        f"family {piece.family} besides."
    )
    return concern(
        "AMBER",
        sentence,
        issue("formwork_twice", "warning", sentence, "Remove the formwork lines, or say what they are for."),
        evidence={
            "code": clipped(position.code),
            "family": piece.family,
            "formwork_lines": str(found.formwork_lines),
            "threshold": "0",
        },
    )


def judge_rebar(position: Position, context: AuditContext) -> Outcome:
    """S3: the rebar of an element, in kg per m³ of its concrete, lies where such elements have it."""
    piece = piece_of(position)
    if piece is None or piece.trade != "rebar" or position.role != "base":
        return "0"
    found = _family_of(position, context)
    if found.incomplete:
        return "1"
    if found.reinforced <= 0:
        return "2"
    element = _element_beside(piece, position, context)
    settings = context.settings
    ratio = found.rebar / found.reinforced
    if not ratio.is_finite():
        return "1"
    if element.least <= ratio <= element.most:
        return GREEN
    absurd = (ratio < settings.rebar_least and element.least > 0) or ratio > settings.rebar_most
    least, most = element.least, element.most
    sentence = (
        f"{brief(ratio, '0.1')} kg of rebar per m³ of concrete ({shown(found.rebar)} kg in {shown(found.reinforced)} "
        f"m³) is {'little' if ratio < least else 'much'} for {element.name}: usual are {least} to {most} kg/m³."
    )
    return concern(
        "RED" if absurd else "AMBER",
        sentence,
        issue("rebar_ratio", "error" if absurd else "warning", sentence, "Check both quantities against the drawings."),
        evidence={
            "element": element.name,
            "family": piece.family,
            "object": object_of(position),
            "rebar_kg": shown(found.rebar),
            "concrete_m3": shown(found.reinforced),
            "kg_per_m3": brief(ratio, "0.1"),
            "threshold": f"{least} to {most}",
            "red_threshold": f"{shown(settings.rebar_least)} to {shown(settings.rebar_most)}",
            "table": "STAVAGENT catalogue of elements",
        },
        confidence=90 if element is not OTHER else 70,
        demand="quantity+" if ratio < least else "quantity-",
    )


def judge_formwork(position: Position, context: AuditContext) -> Outcome:
    """S5: the formwork of an element, in m² per m³ of its concrete, is plausible."""
    piece = piece_of(position)
    if piece is None or piece.trade != "formwork" or piece.strikes or position.role != "base":
        return "0"
    found = _family_of(position, context)
    if found.incomplete:
        return "1"
    if found.concrete <= 0:
        return "2"
    least, most = context.settings.formwork_least, context.settings.formwork_most
    ratio = found.formwork / found.concrete
    if not ratio.is_finite():
        return "1"
    if least <= ratio <= most:
        return GREEN
    sentence = (
        f"{brief(ratio, '0.01')} m² of formwork per m³ of concrete ({shown(found.formwork)} m² for "
        f"{shown(found.concrete)} m³) is implausible: usual are {shown(least)} to {shown(most)} m²/m³."
    )
    return concern(
        "AMBER",
        sentence,
        issue("formwork_ratio", "warning", sentence, "Check both quantities against the drawings."),
        evidence={
            "family": piece.family,
            "object": object_of(position),
            "formwork_m2": shown(found.formwork),
            "concrete_m3": shown(found.concrete),
            "m2_per_m3": brief(ratio, "0.01"),
            "threshold": f"{shown(least)} to {shown(most)}",
        },
        demand="quantity+" if ratio < least else "quantity-",
    )


def elements_of_concrete(context: AuditContext) -> dict[tuple[str, str], Element]:
    """Find what the concrete of a family is, where that is clear: its words may say more than the rebar's."""
    named: dict[tuple[str, str], set[Element]] = {}
    for position in context.positions:
        piece = piece_of(position)
        if piece is not None and piece.trade == "concrete" and piece.reinforced and position.role == "base":
            named.setdefault((object_of(position), piece.family), set()).add(piece.element)
    return {key: elements.pop() for key, elements in named.items() if len(elements) == 1}


def _element_beside(piece: Piece, position: Position, context: AuditContext) -> Element:
    return context.once(elements_of_concrete).get((object_of(position), piece.family), piece.element)


def judge_moving(context: AuditContext) -> Iterable[tuple[Section, Outcome]]:
    """S4: a trade's section (711 to 799) ends with the moving of its materials (998…). A note, as half do without."""
    sections: dict[tuple[UUID | None, tuple[str, ...]], list[Position]] = {}
    for position in context.positions:
        if position.section and _TRADE_PART.match(position.section[-1]):
            sections.setdefault((position.source_document_id, position.section), []).append(position)
    for (document_id, path), lines in sorted(sections.items(), key=lambda each: (each[0][1], str(each[0][0]))):
        yield Section(document_id, path), _moved(path, lines)


def _moved(path: tuple[str, ...], lines: list[Position]) -> Outcome:
    if not any(line.code_system in {"urs", "rts"} and _LONG_CODE.match(line.code) for line in lines):
        return "1"
    if any(line.code.startswith("998") for line in lines):
        return GREEN
    sentence = f'Section "{" / ".join(path)}" has no line for moving its materials (998…).'
    evidence = {"section": " / ".join(path), "lines": str(len(lines)), "threshold": "1"}
    return note(sentence, "no_moving_of_materials", "Add it, unless prices include it.", evidence)


_NO_CONCRETE = "The line is no reinforced concrete of a known family."

S1 = Rule(
    id="S1",
    expert_role="structural",
    title="Reinforced concrete has its rebar and its formwork",
    source="ÚRS families NNN32, NNN35, NNN36: 49 of 50 have rebar and 47 of 50 formwork in real Czech bills",
    judge=judge_completeness,
    scope=_SCOPE,
    precedence="safety",
    not_checked=(
        _NO_CONCRETE,
        "Only ÚRS and RTS bill rebar and formwork under families of their own; rule S2 is OTSKP's.",
    ),
)

S2 = Rule(
    id="S2",
    expert_role="structural",
    title="Concrete of OTSKP is not paid for its formwork twice",
    source="OTSKP's technical conditions: 11 of 12 concrete items include formwork",
    judge=judge_double_formwork,
    scope=_SCOPE,
    not_checked=(
        "The line is no concrete of a known family.",
        "The line is not of OTSKP: formwork has lines of its own.",
    ),
)

S3 = Rule(
    id="S3",
    expert_role="structural",
    title="The rebar per m³ of concrete is usual for the element",
    source="STAVAGENT catalogue of elements; 43 groups of real Czech bills have 17 to 459 kg/m³, median about 100",
    judge=judge_rebar,
    scope=_SCOPE,
    precedence="safety",
    not_checked=(
        "The line is no reinforcement of a known element.",
        "A quantity of the element's concrete or rebar is missing or too large.",
        "The object has no reinforced concrete that this rebar belongs to.",
    ),
)

S4 = Rule(
    id="S4",
    expert_role="structural",
    title="A trade's section has the moving of its materials",
    source="Present in 43 of 99 trade sections of real Czech bills: worth a note, no objection",
    judge_sections=judge_moving,
    not_checked=(
        "The moving of materials is judged for a trade's section, not for a single line.",
        "The section has no lines of ÚRS or RTS, which alone bill it under 998.",
    ),
)

S5 = Rule(
    id="S5",
    expert_role="structural",
    title="The formwork per m³ of concrete is plausible",
    source="Real Czech bills have 0.14 to 13.6 m² per m³",
    judge=judge_formwork,
    scope=_SCOPE,
    not_checked=(
        "The line is no formwork of a known element.",
        "A quantity of the element's concrete or formwork is missing or too large.",
        "The object has no concrete that this formwork belongs to.",
    ),
)
