"""Lines of bills for tests of rules: sound ones, and what a rule says of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.experts.context import BillFacts
from domain.experts.finding import Finding
from domain.experts.orchestrator import Audit, audit
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.position import Position

D = Decimal
DOCUMENT = UUID(int=1)


def line(number: int = 1, /, **fields: Any) -> Position:
    """Make an ÚRS line of m², priced 100, in the object SO 01."""
    defaults: dict[str, Any] = {
        "number": str(number),
        "code": f"{622_000_000 + number}",
        "code_system": "urs",
        "description": f"Work {number}",
        "section": ("SO 01", "HSV"),
        "quantity": D(10),
        "unit": "m2",
        "unit_price": D(100),
    }
    return Position(position_id=UUID(int=number), **defaults | fields)


def judged(
    lines: Sequence[Position], settings: AuditSettings = DEFAULTS, facts: BillFacts | None = None
) -> tuple[Audit, dict[tuple[str, int], str]]:
    """Audit the lines; give the result, and each outcome by rule and number of the line."""
    result = audit(lines, facts or BillFacts(), settings)
    said = {
        (rule, position_id.int): outcome
        for position_id, outcomes in result.outcomes.items()
        for rule, outcome in zip(result.rules, outcomes, strict=True)
    }
    return result, said


def outcome(rule: str, *lines: Position, settings: AuditSettings = DEFAULTS, facts: BillFacts | None = None) -> str:
    """Give what a rule says of the first line."""
    return judged(lines, settings, facts)[1][rule, lines[0].position_id.int]


def finding(rule: str, *lines: Position, settings: AuditSettings = DEFAULTS) -> Finding:
    """Give a rule's finding about the first line."""
    result, _ = judged(lines, settings)
    return next(each for each in result.findings if (each.rule, each.position_id) == (rule, lines[0].position_id))
