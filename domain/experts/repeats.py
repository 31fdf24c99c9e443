"""The validator's rules about lines that resemble each other: duplicates (V7) and conflicting units (V8)."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from uuid import UUID

from domain.experts.context import AuditContext
from domain.experts.finding import Issue, clipped
from domain.experts.rule import GREEN, Outcome, Rule, Scope, concern, issue
from domain.experts.units import normalised_unit
from domain.position import Position

_MOST_SHOWN = 5

Groups = dict[UUID, list[Position]]
"""The group that a position belongs to; a position that stands alone is in none."""


def work_key(position: Position) -> Hashable | None:
    """Section, code and description; `None` without a code, since short descriptions repeat innocently."""
    code = position.code.strip()
    return (position.section, code, position.description.strip()) if code else None


def number_key(position: Position) -> Hashable | None:
    """Document, sheet and position number. Without a sheet the first part of the section stands for it."""
    number = position.number.strip()
    sheet = position.source_sheet or (position.section[0] if position.section else "")
    return (position.source_document_id, sheet, number) if number else None


def unit_key(position: Position) -> Hashable | None:
    """Give the code, if there is one."""
    return position.code.strip() or None


def repeated_work(context: AuditContext) -> Groups:
    """Group the lines that share section, code and description with another line."""
    return _repeated(context.positions, work_key)


def repeated_numbers(context: AuditContext) -> Groups:
    """Group the lines that share their number with another line of the same sheet."""
    return _repeated(context.positions, number_key)


def _repeated(positions: Iterable[Position], key_of: Callable[[Position], Hashable | None]) -> Groups:
    """Group two lines and more, each group sorted by place: evidence must not depend on the lines' order."""
    groups: dict[Hashable, list[Position]] = {}
    for position in positions:
        if (key := key_of(position)) is not None:
            groups.setdefault(key, []).append(position)
    repeated = [sorted(group, key=_place) for group in groups.values() if len(group) > 1]
    return {position.position_id: group for group in repeated for position in group}


def _place(position: Position) -> tuple[str, int, str, str]:
    return position.source_sheet, position.source_line, position.number, str(position.position_id)


def judge_duplicates(position: Position, context: AuditContext) -> Outcome:
    """V7: no other line of the section has this code and description, no other of the sheet this number."""
    alike = context.once(repeated_work).get(position.position_id)
    namesakes = context.once(repeated_numbers).get(position.position_id)
    if not (alike or namesakes):
        return GREEN if position.code.strip() or position.number.strip() else "0"
    issues: list[Issue] = []
    evidence: dict[str, str] = {}
    if alike:
        sentence = f"{len(alike)} lines of the section have code {clipped(position.code)} and this description"
        advice = "Keep them if they are meant (other storey, other stage); otherwise merge them."
        issues.append(issue("duplicate_work", "warning", f"{sentence} ({_listed(alike)}).", advice))
        evidence |= {"code": clipped(position.code), "lines_alike": str(len(alike)), "lines_alike_at": _listed(alike)}
    if namesakes:
        sentence = f"{len(namesakes)} lines of the sheet have number {clipped(position.number)}"
        issues.append(issue("duplicate_number", "warning", f"{sentence} ({_listed(namesakes)}).", "Number them anew."))
        evidence |= {"number": clipped(position.number), "lines_of_that_number": str(len(namesakes))}
    return concern(
        "AMBER",
        " ".join(found.description for found in issues),
        *issues,
        evidence=evidence | {"threshold": "1"},
    )


def _listed(positions: list[Position]) -> str:
    shown = ", ".join(_named(position) for position in positions[:_MOST_SHOWN])
    return shown if len(positions) <= _MOST_SHOWN else f"{shown}, …"


def _named(position: Position) -> str:
    if position.source_line:
        return f"row {position.source_line}"
    return f"number {clipped(position.number)}" if position.number else "a line without number"


def conflicting_units(context: AuditContext) -> dict[str, Counter[str]]:
    """Find the codes that stand with more than one unit: for each, how many lines have which normalised unit."""
    units: dict[str, Counter[str]] = {}
    for position in context.positions:
        code, unit = position.code.strip(), normalised_unit(position.unit)
        if code and unit:
            units.setdefault(code, Counter())[unit] += 1
    return {code: counts for code, counts in units.items() if len(counts) > 1}


def judge_unit(position: Position, context: AuditContext) -> Outcome:
    """V8: all lines of one code have one unit. Where they do not, each of them is named: any may be the wrong one."""
    code, unit = position.code.strip(), normalised_unit(position.unit)
    if not code:
        return "0"
    if not unit:
        return "1"
    counts = context.once(conflicting_units).get(code)
    if counts is None:
        return GREEN
    units = _counted(counts)
    return concern(
        "AMBER",
        f"Code {clipped(code)} has unit {clipped(position.unit)} here, but the bill's {counts.total()} lines of this "
        f"code do not agree: {units}.",
        issue(
            "unit_conflict",
            "warning",
            f"The lines of code {clipped(code)} have different units.",
            "Look the unit up in the price system and correct the lines that differ.",
        ),
        evidence={
            "code": clipped(code),
            "unit": clipped(position.unit),
            "normalised_unit": clipped(unit),
            "units": units,
            "threshold": "1",
        },
    )


def _counted(counts: Counter[str]) -> str:
    """List the units, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    told = ", ".join(f"{clipped(unit)} on {count}" for unit, count in ordered[:_MOST_SHOWN])
    return told if len(ordered) <= _MOST_SHOWN else f"{told}, …"


V7 = Rule(
    id="V7",
    expert_role="validator",
    title="No line stands twice",
    source="127 groups in 8,091 items of real bills, mostly meant: a hint, and never a reason to delete",
    judge=judge_duplicates,
    scope=Scope(name="section", fields=frozenset({"code", "description", "number"}), keys=(work_key, number_key)),
    not_checked=("The line has neither a code nor a number to compare.",),
)

V8 = Rule(
    id="V8",
    expert_role="validator",
    title="One code has one unit",
    source="21 of 3,552 codes of real bills have several units as written, some only in spelling (ks and kus)",
    judge=judge_unit,
    scope=Scope(name="code", fields=frozenset({"code", "unit"}), keys=(unit_key,)),
    not_checked=("The line has no code.", "The line has no unit."),
)
