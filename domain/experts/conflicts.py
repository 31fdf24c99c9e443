"""Conflicts: two roles want opposite things of one line. A rule settles what it can, a person the rest."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from domain.experts.finding import Finding, Verdict, merge
from domain.experts.rule import Precedence, Rule

PRECEDENCE: tuple[Precedence, ...] = ("safety", "code", "durability", "practicality", "cost")
"""Which of two rules that contradict each other is followed: the one that stands for the earlier of these."""


class Conflict(Struct, frozen=True, kw_only=True):
    """Two findings on one position that want opposite things: `rules` in the order of the findings.

    `verdict` is the stricter of the two. `resolution` says which of them is followed and why; empty where both stand
    for the same, so that a person has to decide.
    """

    position_id: UUID
    rules: tuple[str, str]
    description: str
    verdict: Verdict
    resolution: str = ""


def conflicts_in(findings: Iterable[Finding], rules: Sequence[Rule]) -> tuple[Conflict, ...]:
    """Find the pairs of findings of different roles that want opposite things of a position."""
    demanding: defaultdict[UUID, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.demand and finding.position_id is not None:
            demanding[finding.position_id].append(finding)
    stands_for: dict[str, Precedence] = {rule.id: rule.precedence for rule in rules}
    return tuple(
        _conflict(position_id, one, other, stands_for)
        for position_id, found in demanding.items()
        for at, one in enumerate(found)
        for other in found[at + 1 :]
        if one.expert_role != other.expert_role and _opposite(one.demand, other.demand)
    )


def _opposite(one: str, other: str) -> bool:
    return one[:-1] == other[:-1] and one[-1] != other[-1]


def _conflict(position_id: UUID, one: Finding, other: Finding, stands_for: dict[str, Precedence]) -> Conflict:
    thing = one.demand[:-1].replace("_", " ")
    more, less = (one, other) if one.demand.endswith("+") else (other, one)
    ranked = sorted((one, other), key=lambda finding: PRECEDENCE.index(stands_for[finding.rule]))
    first, second = (stands_for[finding.rule] for finding in ranked)
    return Conflict(
        position_id=position_id,
        rules=(one.rule, other.rule),
        description=f"{more.rule} wants a higher {thing}, {less.rule} a lower one.",
        verdict=merge((one.recommendation, other.recommendation)),
        resolution=f"{ranked[0].rule} is followed: {first} comes before {second}." if first != second else "",
    )
