"""The orchestrator: asks every rule about every position and section, and merges the answers into verdicts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import localcontext
from uuid import UUID

from msgspec import Struct

from domain.experts.conflicts import Conflict, conflicts_in
from domain.experts.context import AUDIT_ARITHMETIC, AuditContext, BillFacts
from domain.experts.finding import VERDICTS, Finding, Verdict, merge
from domain.experts.rule import Concern, Outcome, Rule, Section
from domain.experts.rules import RULES
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.experts.staleness import changes_between, repriced, stale_after
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
    is in `sections`. `findings` are the AMBER and RED ones, notes as GREEN, and remarks about the bill as NOT_CHECKED.
    `conflicts` are the pairs of findings that want opposite things of a line.
    `rule_counts` counts each rule's verdicts over what it judges: positions, or sections and the grand total.
    `verdict` merges all positions and sections: the bill's own.
    """

    rules: tuple[str, ...]
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Verdict]
    sections: tuple[SectionOutcome, ...]
    findings: tuple[Finding, ...]
    conflicts: tuple[Conflict, ...]
    rule_counts: dict[str, dict[Verdict, int]]
    verdict: Verdict


class Base(Struct, frozen=True, kw_only=True):
    """What a later audit of the same bill may build on: an audit, and everything that it was made from."""

    positions: dict[UUID, Position]
    facts: BillFacts
    settings: AuditSettings
    result: Audit

    def serves(self, facts: BillFacts, settings: AuditSettings, rules: Sequence[Rule]) -> bool:
        """Whether nothing changed that all positions are judged by."""
        ids = tuple(rule.id for rule in rules)
        same = _for_all(self.facts) == _for_all(facts)
        return same and self.settings == settings and self.result.rules == ids


class Reaudit(Struct, frozen=True, kw_only=True):
    """An audit, and how often a rule had to look at a position for it."""

    result: Audit
    judged: int


def audit(
    positions: Sequence[Position],
    facts: BillFacts,
    settings: AuditSettings = DEFAULTS,
    rules: Sequence[Rule] = RULES,
) -> Audit:
    """Judge a bill, in time linear in its positions, whose ids must be distinct. Never raises, reads no clock.

    The order of the positions decides the order of the findings and nothing else.
    """
    return reaudit(None, positions, facts, settings, rules).result


def reaudit(
    base: Base | None,
    positions: Sequence[Position],
    facts: BillFacts,
    settings: AuditSettings = DEFAULTS,
    rules: Sequence[Rule] = RULES,
) -> Reaudit:
    """Judge a bill again after edits: only what they made stale. The result is that of a whole audit."""
    with localcontext(AUDIT_ARITHMETIC):
        context = AuditContext(positions, facts, settings)
        judging = _Judging(context, rules)
        if base is not None and base.serves(facts, settings, rules):
            judging.again(base)
        else:
            judging.wholly()
        sections, section_findings = _judged_sections(context, rules)
        remarks = [_remark(rule, said, context) for rule in rules if (said := rule.remark(context)) is not None]
    patterns = Counter(judging.outcomes.values())
    merged: dict[str, Verdict] = {pattern: merge(verdict_of(outcome) for outcome in pattern) for pattern in patterns}
    result = Audit(
        rules=tuple(rule.id for rule in rules),
        outcomes=judging.outcomes,
        verdicts={position_id: merged[pattern] for position_id, pattern in judging.outcomes.items()},
        sections=sections,
        findings=(*remarks, *section_findings, *judging.findings),
        conflicts=conflicts_in(judging.findings, rules),
        rule_counts=_counted(rules, patterns, sections),
        verdict=merge((*merged.values(), *(verdict_of(section.outcome) for section in sections))),
    )
    return Reaudit(result=result, judged=judging.judged)


def _for_all(facts: BillFacts) -> tuple[object, ...]:
    """Give the facts that every position is judged by."""
    return facts.currency, facts.rounding, facts.catalogues, facts.as_of


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


class _Judging:
    """Outcomes and findings about positions, as they come to be."""

    __slots__ = ("_context", "_rules", "findings", "judged", "outcomes")

    def __init__(self, context: AuditContext, rules: Sequence[Rule]) -> None:
        self._context = context
        self._rules = rules
        self.outcomes: dict[UUID, str] = {}
        self.findings: list[Finding] = []
        self.judged = 0

    def wholly(self) -> None:
        """Let every rule look at every position."""
        everything = (True,) * len(self._rules)
        for position in self._context.positions:
            self._judge(position, "", {}, everything)

    def again(self, base: Base) -> None:
        """Take from the base what is still true, and judge the rest."""
        positions = self._context.positions
        by_id = {position.position_id: position for position in positions}
        changes = changes_between(base.positions, by_id)
        changes += repriced(by_id, base.facts, self._context.facts)
        stale = stale_after(changes, positions, self._rules)
        everywhere, touched = stale.everywhere, stale.touched()
        known: defaultdict[UUID, dict[str, Finding]] = defaultdict(dict)
        for finding in base.result.findings:
            if finding.position_id is not None:
                known[finding.position_id][finding.rule] = finding
        for position in positions:
            position_id = position.position_id
            before = base.result.outcomes.get(position_id, "")
            found = known.get(position_id, {})
            if position_id in touched or not before:
                again = tuple(ids is None or not before or position_id in ids for ids in stale.by_rule)
                self._judge(position, before, found, again)
            elif any(everywhere):
                self._judge(position, before, found, everywhere)
            else:
                self.outcomes[position_id] = before
                self.findings += found.values()

    def _judge(self, position: Position, before: str, found: dict[str, Finding], again: tuple[bool, ...]) -> None:
        """Judge a position by the rules that have to look again; keep what the others said `before`."""
        characters = ""
        for at, (rule, looks) in enumerate(zip(self._rules, again, strict=True)):
            if not looks:
                characters += before[at]
                if rule.id in found:
                    self.findings.append(found[rule.id])
                continue
            outcome = rule.judge(position, self._context)
            characters += _character(outcome)
            if isinstance(outcome, Concern):
                section = Section(position.source_document_id, position.section)
                self.findings.append(_finding(rule, outcome, section, position))
        self.judged += sum(again)
        self.outcomes[position.position_id] = characters


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
        demand=concern.demand,
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
