"""The registry: every rule there is, in the order in which audits store their outcomes."""

from collections.abc import Iterable

from domain.experts.balance import C6
from domain.experts.catalogue import C3
from domain.experts.durability import N1, N2, N3, N4
from domain.experts.lines import V1, V4, V5, V6
from domain.experts.prices import C1, C2
from domain.experts.quantities import V3
from domain.experts.repeats import V7, V8
from domain.experts.rule import Rule
from domain.experts.shares import C4
from domain.experts.structure import S1, S2, S3, S4, S5
from domain.experts.sums import V2
from domain.experts.vat import C5


def registered(*experts: Iterable[Rule]) -> tuple[Rule, ...]:
    """Join the experts' rules into one tuple.

    Raises:
        ValueError: two rules share an id.

    """
    rules = tuple(rule for expert in experts for rule in expert)
    ids = [rule.id for rule in rules]
    if repeated := sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1}):
        raise ValueError(f"rule ids are taken twice: {', '.join(repeated)}")
    return rules


VALIDATOR = (V1, V2, V3, V4, V5, V6, V7, V8)
"""Arithmetic and completeness: what needs no table, no price list and no model."""

COST = (C1, C2, C3, C4, C5, C6)
"""Prices, held against each other and against what is attached to them."""

STRUCTURAL = (S1, S2, S3, S4, S5)
"""Whether what belongs together is there, in usual amounts."""

DURABILITY = (N1, N2, N3, N4)
"""Concrete, held against the standards' tables under the project's profile."""

RULES = registered(VALIDATOR, COST, STRUCTURAL, DURABILITY)
