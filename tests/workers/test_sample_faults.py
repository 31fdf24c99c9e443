"""The rules' quality: faults of each kind are found by their own rule, and clean bills are not objected to."""

from random import Random

import pytest

from domain.experts.orchestrator import audit
from domain.experts.rules import RULES
from workers.sample_faults import FAULTS, Sample, clean_sample, told

ROUNDS = 8


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [clean_sample(seed=seed) for seed in range(2)]


def test_every_rule_has_a_fault_of_its_own_kind() -> None:
    assert list(FAULTS) == [rule.id for rule in RULES]


@pytest.mark.parametrize("items", [60, 120, 400, 1_000])
def test_clean_bills_are_green_but_for_notes(items: int) -> None:
    sample = clean_sample(items=items, objects=3)
    result = audit(sample.lines, sample.facts)
    assert [found for found in result.findings if found.recommendation not in {"GREEN", "NOT_CHECKED"}] == []
    assert (result.verdict, result.conflicts) == ("GREEN", ())


@pytest.mark.parametrize("rule", list(FAULTS))
def test_planted_faults_are_found_where_they_are(samples: list[Sample], rule: str) -> None:
    own = tuple(each for each in RULES if each.id == rule)
    for turn in range(ROUNDS):
        sample = samples[turn % len(samples)]
        planted = FAULTS[rule](sample, Random(f"{rule}/{turn}"))  # noqa: S311 - must be repeatable
        assert told(planted, audit(planted.sample.lines, planted.sample.facts, rules=own).findings, rule), turn
        assert not told(planted, audit(sample.lines, sample.facts, rules=own).findings, rule)
