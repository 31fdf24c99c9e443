"""The orchestrator: asks every rule about every position and section, and merges the answers into verdicts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import localcontext
from uuid import UUID

from msgspec import Struct

from domain.experts.context import AUDIT_ARITHMETIC, AuditContext, BillFacts
from domain.experts.finding import VERDICTS, Finding, Verdict, merge
from domain.experts.rule import Concern, Outcome, Rule, Section
from domain.experts.rules import RULES
from domain.position import Position


class SectionOutcome(Struct, frozen=True, kw_only=True):
    """What a rule said about a document's section at `path`, or its bill at `()`: one character as in `Audit`."""

    rule: str
    document_id: UUID | None
    path: tuple[str, ...]
    outcome: str


class Audit(Struct, frozen=True, kw_only=True):
    """The outcome of an audit.

    `rules` are the ids in the order of `outcomes`' characters: `G`, `A`, `R` for a verdict, a digit for NOT_CHECKED
    with that index into the rule's reasons (`Rule.not_checked`). `verdicts` merges a position's characters.
    A rule that judges sections says reason 0 about positions, so that a wrong sum paints no line RED; what it said
    is in `sections`. `findings` are the AMBER and RED ones, and remarks about the bill as NOT_CHECKED.
    `rule_counts` counts each rule's verdicts over what it judges: positions, or sections and the grand total.
    `verdict` merges all positions and sections: the bill's own.
    """

    rules: tuple[str, ...]
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Verdict]
    sections: tuple[SectionOutcome, ...]
    findings: tuple[Finding, ...]
    rule_counts: dict[str, dict[Verdict, int]]
    verdict: Verdict


def audit(positions: Sequence[Position], facts: BillFacts, rules: Sequence[Rule] = RULES) -> Audit:
    """Judge a bill, in time linear in its positions, whose ids must be distinct. Never raises, reads no clock.

    The order of the positions decides the order of the findings and nothing else.
    """
    with localcontext(AUDIT_ARITHMETIC):
        context = AuditContext(positions, facts)
        outcomes, findings = _judged_positions(context, rules)
        sections, section_findings = _judged_sections(context, rules)
        remarks = [_remark(rule, said, context) for rule in rules if (said := rule.remark(context)) is not None]
    patterns = Counter(outcomes.values())
    merged: dict[str, Verdict] = {pattern: merge(verdict_of(outcome) for outcome in pattern) for pattern in patterns}
    return Audit(
        rules=tuple(rule.id for rule in rules),
        outcomes=outcomes,
        verdicts={position_id: merged[pattern] for position_id, pattern in outcomes.items()},
        sections=sections,
        findings=(*remarks, *section_findings, *findings),
        rule_counts=_counted(rules, patterns, sections),
        verdict=merge((*merged.values(), *(verdict_of(section.outcome) for section in sections))),
    )


def verdict_of(outcome: str) -> Verdict:
    """Read the verdict out of an outcome's character."""
    match outcome:
        case "G":
            return "GREEN"
        case "A":
            return "AMBER"
        case "R":
            return "RED"
        case _:
            return "NOT_CHECKED"


def _judged_positions(context: AuditContext, rules: Sequence[Rule]) -> tuple[dict[UUID, str], list[Finding]]:
    outcomes: dict[UUID, str] = {}
    findings: list[Finding] = []
    judges = [(rule, rule.judge) for rule in rules]
    for position in context.positions:
        characters = ""
        for rule, judge in judges:
            outcome = judge(position, context)
            characters += _character(outcome)
            if isinstance(outcome, Concern):
                section = Section(position.source_document_id, position.section)
                findings.append(_finding(rule, outcome, section, position))
        outcomes[position.position_id] = characters
    return outcomes, findings


def _judged_sections(context: AuditContext, rules: Sequence[Rule]) -> tuple[tuple[SectionOutcome, ...], list[Finding]]:
    sections: list[SectionOutcome] = []
    findings: list[Finding] = []
    for rule in rules:
        for section, outcome in rule.judge_sections(context):
            judged = SectionOutcome(
                rule=rule.id, document_id=section.document_id, path=section.path, outcome=_character(outcome)
            )
            sections.append(judged)
            if isinstance(outcome, Concern):
                findings.append(_finding(rule, outcome, section))
    return tuple(sections), findings


def _character(outcome: Outcome) -> str:
    return outcome if isinstance(outcome, str) else outcome.verdict[0]


def _finding(rule: Rule, concern: Concern, section: Section, position: Position | None = None) -> Finding:
    return Finding(
        rule=rule.id,
        expert_role=rule.expert_role,
        recommendation=concern.verdict,
        reasoning=concern.reasoning,
        position_id=position.position_id if position else None,
        section=section.path,
        confidence=concern.confidence,
        evidence=concern.evidence | _source(section, position),
        issues=concern.issues,
        suggestions=concern.suggestions,
    )


def _source(section: Section, position: Position | None) -> dict[str, str]:
    """Say where in which file it stands; nothing for a line that was never in one."""
    source = {"document": str(section.document_id or "")}
    if position is not None:
        source |= {"sheet": position.source_sheet, "row": str(position.source_line or "")}
    return {name: value for name, value in source.items() if value}


def _remark(rule: Rule, said: str, context: AuditContext) -> Finding:
    return Finding(
        rule=rule.id,
        expert_role=rule.expert_role,
        recommendation="NOT_CHECKED",
        reasoning=said,
        evidence={"lines": str(len(context.positions))},
    )


def _counted(
    rules: Sequence[Rule], patterns: Counter[str], sections: Iterable[SectionOutcome]
) -> dict[str, dict[Verdict, int]]:
    """How often each rule said what. `patterns` counts the positions by their outcomes, of which there are few."""
    counts = {rule.id: dict.fromkeys(VERDICTS, 0) for rule in rules}
    for pattern, times in patterns.items():
        for rule, outcome in zip(rules, pattern, strict=True):
            if rule.judges_positions:
                counts[rule.id][verdict_of(outcome)] += times
    for section in sections:
        counts[section.rule][verdict_of(section.outcome)] += 1
    return counts
