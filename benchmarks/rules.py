"""The rules' quality: what they find of planted faults, and what they say of clean and of real bills; and their speed.

`make bench ONLY=rules`. Real bills are read from the folder that PLUMBLINE_BILLS names, if it is there.
"""

import os
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter

from msgspec import Struct

from domain.experts.context import BillFacts, DeclaredBill
from domain.experts.orchestrator import audit
from domain.experts.rules import RULES
from workers.jobs import positions_of
from workers.readers import Unreadable, read_bill
from workers.sample_faults import DOCUMENT, FAULTS, JOB, clean_sample, told

ROUNDS = 50
SEEDS = range(5)
LARGE, SMALL = 100_000, 10_000
BILLS = Path(os.environ.get("PLUMBLINE_BILLS", Path(__file__).parents[2] / "shared/data/bills"))

TRUE_RED = {("nonconforming.x83", "V4"), ("disid_minimal.bc3", "V2")}
"""Faults that real files have: an item without a text; declared prices that are not the sums of their parts."""

Said = Counter[tuple[str, str]]
"""How often which rule gave which verdict."""


class Quality(Struct, kw_only=True):
    """What one rule is worth."""

    planted: int = 0
    found: int = 0

    @property
    def recall(self) -> float:
        """Part of the planted faults that were found."""
        return self.found / self.planted


def measured(rounds: int = ROUNDS) -> dict[str, Quality]:
    """Plant so many faults of each kind, one at a time, and see whether its rule finds them."""
    samples = [clean_sample(seed=seed) for seed in SEEDS]
    qualities = {rule: Quality() for rule in FAULTS}
    for rule, plant in FAULTS.items():
        own = tuple(each for each in RULES if each.id == rule)
        for turn in range(rounds):
            planted = plant(samples[turn % len(samples)], Random(f"{rule}/{turn}"))  # noqa: S311 - must be repeatable
            result = audit(planted.sample.lines, planted.sample.facts, rules=own)
            qualities[rule].planted += 1
            qualities[rule].found += told(planted, result.findings, rule)
    return qualities


def said_of_clean() -> Said:
    """Count what the rules object to in clean bills."""
    said: Said = Counter()
    for seed in SEEDS:
        sample = clean_sample(seed=seed, items=1_000, objects=3)
        said.update((each.rule, each.recommendation) for each in audit(sample.lines, sample.facts).findings)
    return said


def said_of_real() -> tuple[Said, int]:
    """Count what the rules object to in real bills, and their lines; faults that are known to be there do not count."""
    said: Said = Counter()
    lines = 0
    for path in sorted(BILLS.iterdir()) if BILLS.is_dir() else ():
        try:
            bill = read_bill(path.read_bytes())
        except Unreadable:
            continue
        positions = positions_of(bill, JOB, DOCUMENT)
        declared = DeclaredBill(
            document_id=DOCUMENT,
            declared_total=bill.declared_total,
            sections=bill.sections,
            surcharges=bill.surcharges,
            totals=bill.totals,
        )
        facts = BillFacts(currency=bill.currency, rounding=bill.rounding.total, declared=(declared,))
        lines += len(positions)
        for each in audit(positions, facts).findings:
            if each.recommendation != "RED" or (path.name, each.rule) not in TRUE_RED:
                said[each.rule, each.recommendation] += 1
    return said, lines


def seconds(items: int) -> float:
    """Audit a clean bill of so many lines."""
    sample = clean_sample(items=items, objects=20)
    began = perf_counter()
    audit(sample.lines, sample.facts)
    return perf_counter() - began


def run() -> dict[str, float]:
    """Print the table and answer the figures."""
    qualities = measured()
    clean, (real, lines) = said_of_clean(), said_of_real()
    print(
        f"{'rule':<6}{'planted':>8}{'found':>7}{'recall':>8}{'clean RED':>11}{'AMBER':>7}{'real RED':>10}{'AMBER':>7}"
    )
    for rule in RULES:
        quality = qualities[rule.id]
        counts = (clean[rule.id, "RED"], clean[rule.id, "AMBER"], real[rule.id, "RED"], real[rule.id, "AMBER"])
        print(
            f"{rule.id:<6}{quality.planted:>8}{quality.found:>7}{quality.recall:>8.2f}"
            f"{counts[0]:>11}{counts[1]:>7}{counts[2]:>10}{counts[3]:>7}"
        )
    print(f"real bills: {lines} lines" if lines else f"real bills: none in {BILLS}")
    small, large = seconds(SMALL), seconds(LARGE)
    growth = large / LARGE / (small / SMALL)
    print(f"audit of {LARGE} lines: {large:.2f} s, {growth:.2f} times the cost per line of {SMALL} lines")
    return {
        "rules.recall_min": min(quality.recall for quality in qualities.values()),
        "rules.false_red": sum(count for (_, verdict), count in (clean + real).items() if verdict == "RED"),
        "rules.audit_100k_seconds": large,
        "rules.audit_100k_growth": growth,
    }
