"""What an audit says: verdicts, how they merge, and findings with their evidence."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Verdict = Literal["GREEN", "AMBER", "RED", "NOT_CHECKED"]
ExpertRole = Literal["structural", "concrete", "cost", "standards", "validator", "orchestrator"]
Severity = Literal["info", "warning", "error"]

VERDICTS: tuple[Verdict, ...] = ("NOT_CHECKED", "GREEN", "AMBER", "RED")
"""From the weakest to the strongest: the merge of several verdicts is the strongest of them."""

_PLAIN_DIGITS = 24
_PLAIN_TEXT = 80


class Issue(Struct, frozen=True, kw_only=True):
    """One thing that is wrong or doubtful. `type` is a permanent name, the rest is for people."""

    type: str
    severity: Severity
    description: str
    suggestion: str


class Suggestion(Struct, frozen=True, kw_only=True):
    """Something that could be done about a finding, what it brings and what it risks."""

    action: str
    benefit: str
    risk: str


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one rule says about one position, one section or the whole bill, and why.

    `rule` is a permanent id ("V1"). Without a `position_id` the finding is about the section at path `section`,
    or about the bill when that is empty too. A GREEN finding is a note. `confidence` 0..100 is how sure the rule is
    of what it observed; arithmetic is 100. `evidence` holds every input, threshold and table
    used, and the source document, sheet and 1-based row; numbers are decimal strings. `demand` is what it asks of the
    line: a thing and `+` or `-`.
    """

    rule: str
    expert_role: ExpertRole
    recommendation: Verdict
    reasoning: str
    position_id: UUID | None = None
    section: tuple[str, ...] = ()
    confidence: Annotated[int, Meta(ge=0, le=100)] = 100
    evidence: dict[str, str] = {}
    issues: tuple[Issue, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    demand: str = ""


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """Any RED is RED, else any AMBER is AMBER, else any GREEN is GREEN; nothing checked is NOT_CHECKED."""
    strongest = max(map(VERDICTS.index, verdicts), default=0)
    return VERDICTS[strongest]


def shown(number: Decimal | None) -> str:
    """Write a number as people and evidence read it: plain digits, scientific where those would be too many."""
    if number is None:
        return "none"
    if (
        not number.is_finite()
        or abs(number.adjusted()) > _PLAIN_DIGITS
        or len(number.as_tuple().digits) > _PLAIN_DIGITS
    ):
        return clipped(str(number))
    return format(number, "f")


def clipped(text: str) -> str:
    """Cut a text of the bill where it would drown the sentence or the evidence that it stands in."""
    return text if len(text) <= _PLAIN_TEXT else f"{text[: _PLAIN_TEXT - 1]}…"


def brief(number: Decimal, step: str) -> str:
    """Write a number rounded half up to `step` ("0.01"); one too large for that as it is."""
    quantized = number.quantize(Decimal(step), ROUND_HALF_UP)
    return shown(number if quantized.is_nan() else quantized)
