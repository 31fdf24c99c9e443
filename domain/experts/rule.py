"""A rule: a permanent id, a pure function, and the reasons for which it may stay silent."""

from collections.abc import Callable, Hashable, Iterable
from typing import Literal
from uuid import UUID

from msgspec import Struct

from domain.experts.context import AuditContext
from domain.experts.finding import ExpertRole, Issue, Severity, Suggestion
from domain.position import Position

GREEN = "G"
"""The outcome of a rule that looked and found nothing wrong."""

_MOST_REASONS = 10


Objection = Literal["AMBER", "RED"]
Precedence = Literal["safety", "code", "durability", "practicality", "cost"]
"""What a rule stands for. Of two rules that ask for opposite things, the earlier in this order is followed."""

ScopeName = Literal["position", "section", "object", "code", "bill"]


class Scope(Struct, frozen=True, kw_only=True):
    """What a rule's answer about a position rests on, so that an edit lets run again what it may change and no more.

    `fields` are the fields of positions that the rule reads. An answer rests on the position itself and on those that
    share one of `keys` with it; in scope `bill`, on all positions. Where a line stands in bill and file counts for
    every rule, since findings name it.
    """

    name: ScopeName
    fields: frozenset[str] | None = None
    keys: tuple[Callable[[Position], Hashable | None], ...] = ()


ANYTHING = Scope(name="bill")
"""The rule may read anything of any position: it runs again after every edit."""


def own(*fields: str) -> Scope:
    """Scope of a rule that reads these fields of the one position, and nothing of others."""
    return Scope(name="position", fields=frozenset(fields))


class Concern(Struct, frozen=True, kw_only=True):
    """What a rule has to say. The orchestrator makes a `Finding` of it: ids and sources are not the rule's affair.

    A GREEN one is a note: nothing is wrong, but somebody may want to know. `demand` names what the rule wants of the
    line, a thing and `+` or `-` ("quantity+"): two roles that want opposite things are in conflict.
    """

    verdict: Objection | Literal["GREEN"]
    reasoning: str
    issues: tuple[Issue, ...]
    evidence: dict[str, str] = {}
    suggestions: tuple[Suggestion, ...] = ()
    confidence: int = 100
    demand: str = ""


Outcome = str | Concern
"""`GREEN`, a digit (not checked: index into the rule's `not_checked`), or a concern."""


class Section(Struct, frozen=True):
    """A section of an imported document; at the path `()`, the document's bill as a whole."""

    document_id: UUID | None
    path: tuple[str, ...]


def judged_as_a_whole(_position: Position, _context: AuditContext) -> Outcome:
    """Not checked, reason 0: the rule judges sections or the bill, so it says nothing about a single line."""
    return "0"


def no_sections(_context: AuditContext) -> Iterable[tuple[Section, Outcome]]:
    """No section is judged: the rule judges positions."""
    return ()


def no_remark(_context: AuditContext) -> str | None:
    """Nothing to say about the bill as a whole."""
    return None


class Rule(Struct, frozen=True, kw_only=True):
    """One check. Its functions are pure and total: they answer for any input and never raise.

    `id` and the order of `not_checked` are permanent, because audits store the id and a reason's index; a new
    reason goes to the end. `source` says where the rule and its thresholds come from. A rule judges positions
    (`judge`), sections (`judge_sections`), or the one and the bill as a whole. `remark` is one sentence
    about the bill, reported as NOT_CHECKED and not counted, where the rule could judge nothing of it.
    `scope` says what `judge` rests on, `precedence` what the rule stands for when another one contradicts it.
    """

    id: str
    expert_role: ExpertRole
    title: str
    source: str
    not_checked: tuple[str, ...] = ()
    judge: Callable[[Position, AuditContext], Outcome] = judged_as_a_whole
    judge_sections: Callable[[AuditContext], Iterable[tuple[Section, Outcome]]] = no_sections
    remark: Callable[[AuditContext], str | None] = no_remark
    scope: Scope = ANYTHING
    precedence: Precedence = "practicality"

    def __post_init__(self) -> None:
        """Refuse a rule whose outcomes could not be stored.

        Raises:
            ValueError: more than ten reasons, or a rule without `judge` that lacks reason 0.

        """
        if len(self.not_checked) > _MOST_REASONS:
            raise ValueError(f"rule {self.id} has more than {_MOST_REASONS} reasons: an outcome is one digit")
        if not (self.judges_positions or self.not_checked):
            raise ValueError(f"rule {self.id} judges no position and gives no reason for that")

    @property
    def judges_positions(self) -> bool:
        """Whether the rule judges single positions."""
        return self.judge is not judged_as_a_whole


def issue(kind: str, severity: Severity, description: str, suggestion: str) -> Issue:
    """Make an issue of the permanent type `kind`, in one line."""
    return Issue(type=kind, severity=severity, description=description, suggestion=suggestion)


def concern(
    verdict: Objection | Literal["GREEN"],
    reasoning: str,
    *issues: Issue,
    evidence: dict[str, str],
    suggestions: tuple[Suggestion, ...] = (),
    confidence: int = 100,
    demand: str = "",
) -> Concern:
    """Raise a concern, by default one that the rule is sure of."""
    return Concern(
        verdict=verdict,
        reasoning=reasoning,
        issues=issues,
        evidence=evidence,
        suggestions=suggestions,
        confidence=confidence,
        demand=demand,
    )


def note(reasoning: str, kind: str, suggestion: str, evidence: dict[str, str]) -> Concern:
    """Say something about what is all right, under the permanent type `kind`."""
    return concern("GREEN", reasoning, issue(kind, "info", reasoning, suggestion), evidence=evidence)
