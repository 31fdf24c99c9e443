"""The audit report as PDF, set by typst with the fonts that it brings along.

It says what was checked, by which rules and parameters, what came of it, the money at stake, and what of the log it
rests on: `plumbline verify --feed` proves that.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import typst
from msgspec import structs

from domain.experts.finding import VERDICTS, Finding, Verdict
from domain.experts.rules import RULES
from domain.experts.settings import DEFAULTS
from domain.position import EXACT
from workers.writers.statement import Judgement, Statement, Unwritable, Written

TEMPLATE = Path(__file__).with_name("report.typ").read_bytes()
MOST_FINDINGS = 40
MOST_OVERRIDDEN = 100
LONGEST = 600
WORST_FIRST: tuple[Verdict, ...] = ("RED", "AMBER", "GREEN", "NOT_CHECKED")


def write(statement: Statement) -> Written:
    """Write the report. Raises `Unwritable` where no audit of this version or an earlier one was completed."""
    judgement = statement.judgement
    if judgement is None:
        raise Unwritable(
            "export.not_audited",
            "No audit of this version, or of an earlier one, is completed: start one and ask again when it is over.",
        )
    content = msgspec.json.encode(_Report(statement, judgement).content()).decode()
    pdf = typst.compile(
        TEMPLATE,
        ignore_system_fonts=True,
        sys_inputs={"data": content},
        timestamp=statement.asked_at.replace(microsecond=0),
    )
    return Written(bytes(pdf))


class _Report:
    """What one report says."""

    def __init__(self, statement: Statement, judgement: Judgement) -> None:
        self._statement = statement
        self._bill = statement.bill
        self._judgement = judgement
        self._index = {position_id: index for index, position_id in enumerate(statement.position_ids)}

    def content(self) -> dict[str, Any]:
        """Gather everything, as the template wants it."""
        worst = self._worst()
        objections = [each for each in self._judgement.findings if each.recommendation in {"RED", "AMBER"}]
        return {
            "project": self._statement.project,
            "version": self._statement.version,
            "facts": list(self._facts()),
            "verdicts": list(self._verdicts()),
            "verdicts-note": self._verdicts_note(),
            "findings": [self._finding(finding) for finding in worst],
            "findings-note": f"{len(worst)} of {len(objections)} findings, RED before AMBER, the dearest lines first. "
            "The workbook export lists all of them.",
            "rules": list(self._rules()),
            "parameters": list(self._parameters()),
            "overridden": list(self._overridden()),
            **self._seal(),
        }

    def _facts(self) -> Iterator[tuple[str, str]]:
        judgement, statement = self._judgement, self._statement
        yield "Budget", f"version {statement.version}, {len(self._bill.items)} positions"
        yield "Total of the positions", self._money(_sum(item.declared_total for item in self._bill.items))
        audited = f"version {judgement.version}"
        if judgement.version != statement.version:
            audited += ", the latest audited one; lines that changed since count as not checked"
        yield "Audited", audited
        yield "Audit", str(judgement.audit_id)
        yield "Asked for", f"{statement.asked_at:%Y-%m-%d %H:%M} UTC"

    def _verdicts(self) -> Iterator[dict[str, Any]]:
        counts = Counter(verdict or "NOT_CHECKED" for verdict in self._statement.verdicts)
        amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        for item, verdict in zip(self._bill.items, self._statement.verdicts, strict=True):
            amounts[verdict or "NOT_CHECKED"] = EXACT.add(
                amounts[verdict or "NOT_CHECKED"], item.declared_total or Decimal(0)
            )
        for verdict in WORST_FIRST:
            yield {"verdict": verdict, "count": counts[verdict], "amount": self._money(amounts[verdict])}

    def _verdicts_note(self) -> str:
        at_stake = _sum(
            item.declared_total
            for item, verdict in zip(self._bill.items, self._statement.verdicts, strict=True)
            if verdict in {"RED", "AMBER"}
        )
        changed = sum(1 for verdict in self._statement.verdicts if verdict is None)
        note = f"Positions and what they cost. At stake in RED and AMBER lines: {self._money(at_stake)}."
        return f"{note} {changed} lines changed since the audit." if changed else note

    def _worst(self) -> list[Finding]:
        """Pick the findings to show: by verdict, then by the money of their line, then as audited."""
        some = [each for each in self._judgement.findings if each.recommendation in {"RED", "AMBER"}]
        some.sort(key=lambda each: (-VERDICTS.index(each.recommendation), -abs(self._amount(each) or Decimal(0))))
        return some[:MOST_FINDINGS]

    def _amount(self, finding: Finding) -> Decimal | None:
        index = self._index.get(finding.position_id) if finding.position_id else None
        return None if index is None else self._bill.items[index].declared_total

    def _finding(self, finding: Finding) -> dict[str, str]:
        index = self._index.get(finding.position_id) if finding.position_id else None
        amount = self._amount(finding)
        advice = " ".join(dict.fromkeys(issue.suggestion for issue in finding.issues if issue.suggestion))
        return {
            "verdict": finding.recommendation,
            "rule": finding.rule,
            "what": self._named(index, finding),
            "amount": "" if amount is None else self._money(amount),
            "place": self._place(index, finding),
            "reasoning": _cut(finding.reasoning, LONGEST),
            "advice": _cut(advice, LONGEST),
        }

    def _named(self, index: int | None, finding: Finding) -> str:
        if index is None:
            return " / ".join(finding.section) or ("A removed position" if finding.position_id else "The whole bill")
        item = self._bill.items[index]
        return _cut(" · ".join(filter(None, (item.number, item.code, item.description))), 110)

    def _place(self, index: int | None, finding: Finding) -> str:
        """Say where it stands in its file."""
        if index is None:
            return finding.evidence.get("source", "")
        item = self._bill.items[index]
        sheet = f"Sheet {item.sheet}, row {item.line}" if item.sheet else f"Line {item.line}" if item.line else ""
        measures = " \u00d7 ".join(
            text
            for text in (
                "" if item.quantity is None else f"{item.quantity.normalize(EXACT):f} {item.unit}".strip(),
                "" if item.unit_price is None else self._money(item.unit_price),
            )
            if text
        )
        return " · ".join(filter(None, (_cut(" / ".join(item.section), 90), sheet, measures)))

    def _rules(self) -> Iterator[list[str]]:
        known = {rule.id: rule for rule in RULES}
        for rule_id, counts in self._judgement.rules.items():
            rule = known.get(rule_id)
            title, source = (rule.title, rule.source) if rule else ("", "")
            yield [rule_id, title, source, *(str(counts.get(verdict, 0)) for verdict in WORST_FIRST)]

    def _parameters(self) -> Iterator[list[str]]:
        settings = self._judgement.settings or DEFAULTS
        for name, value in structs.asdict(settings).items():
            yield [name.replace("_", " "), "none" if value is None else str(value)]

    def _overridden(self) -> Iterator[dict[str, str]]:
        for each in self._judgement.overridden[:MOST_OVERRIDDEN]:
            index = self._index.get(each.position_id)
            what = "A removed position" if index is None else _cut(self._bill.items[index].description, 200)
            yield {"verdict": each.verdict, "what": what, "reason": each.reason}

    def _seal(self) -> dict[str, Any]:
        judgement = self._judgement
        feed = f"project:{self._statement.project_id}"
        return {
            "rests": f"Everything that happened in the project up to the audit's last word: its events 1 to "
            f"{judgement.sequence}. The digest is the SHA-256 over the SHA-256 of each of them, in their order, as the "
            "log stores them: every column in binary form. It is over the events alone: names and addresses in them "
            "are encrypted, so that it holds when a person's data are erased.",
            "seal": [
                ["Feed", feed],
                ["Events", f"1 to {judgement.sequence} (position {judgement.position} of the log)"],
                ["SHA-256", judgement.feed_digest],
            ],
            "command": f"plumbline verify --feed {feed} --sequence {judgement.sequence} --digest "
            f"{judgement.feed_digest}",
        }

    def _money(self, amount: Decimal) -> str:
        return f"{amount:,.2f}".replace(",", "\u202f") + f"\u00a0{self._bill.currency}"


def _sum(amounts: Any) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount or Decimal(0))
    return total


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
