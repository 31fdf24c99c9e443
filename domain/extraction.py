"""What an analysis found in a paper: facts, each with its place and the passage that it stands in."""

from decimal import Decimal

from msgspec import Struct

from domain.analysis import AnalysisKind


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value. `field` is permanent; `value` is normal form: ISO dates, amounts and areas with a decimal point.

    `page` counts from 1, `offset` are characters from the beginning of the page's text. `source` says who found it:
    a pattern, or a model.
    """

    field: str
    value: str
    label: str = ""
    amount: Decimal | None = None
    unit: str = ""
    page: int
    offset: int
    passage: str
    source: str = "pattern"


class Extraction(Struct, frozen=True, kw_only=True):
    """All facts of a paper in the order of its text, and the fields that nothing was found for.

    `language` is `cs`, `en`, or empty where it is neither. `dropped` counts facts beyond the bound.
    """

    kind: AnalysisKind
    language: str
    pages: int
    characters: int
    facts: tuple[Fact, ...]
    missing: tuple[str, ...]
    dropped: int = 0

    def counts(self) -> dict[str, int]:
        """How many facts there are of each field."""
        counts: dict[str, int] = {}
        for fact in self.facts:
            counts[fact.field] = counts.get(fact.field, 0) + 1
        return counts
