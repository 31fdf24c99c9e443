"""What contracts and papers about properties say, found by patterns: bytes in, an `Extraction` out.

A new field is one entry in `FIELDS` of its kind's module. `enriched` is where a model may add to it.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from domain.analysis import AnalysisKind
from domain.extraction import Extraction, Fact
from workers.extraction import contracts, properties
from workers.extraction.passages import find, squeezed
from workers.extraction.texts import language_of, pages_of

__all__ = ["Model", "enriched", "extract"]

MOST_FACTS = 1_000
"""Of one paper. More are counted only."""

FIELDS = {"contract": contracts.FIELDS, "property": properties.FIELDS}

Model = Callable[[Sequence[str], Extraction], Iterable[Fact]]
"""Sees the pages and what the patterns found, and answers further facts."""


def extract(data: bytes, kind: AnalysisKind) -> Extraction:
    """Find what a paper says: PDF with a text layer, DOCX, or plain text, in Czech or English.

    Raises `Unreadable`: `needs_ocr` for scans, `no_text` for what is no such file.
    """
    pages = pages_of(data)
    found = [fact for number, page in enumerate(pages, 1) for fact in find(page, number, FIELDS[kind])]
    found.sort(key=lambda fact: (fact.page, fact.offset))
    there = {fact.field for fact in found}
    return Extraction(
        kind=kind,
        language=language_of(pages),
        pages=len(pages),
        characters=sum(map(len, pages)),
        facts=tuple(found[:MOST_FACTS]),
        missing=tuple(field for field in FIELDS[kind] if field not in there),
        dropped=max(0, len(found) - MOST_FACTS),
    )


def enriched(extraction: Extraction, pages: Sequence[str], model: Model) -> Extraction:
    """Add what a model found. It never removes a fact, and what it quotes must stand where it says."""
    known = {(fact.field, fact.value, fact.page) for fact in extraction.facts}
    added = tuple(
        structs.replace(fact, source="model")
        for fact in model(pages, extraction)
        if (fact.field, fact.value, fact.page) not in known and _stands(fact, pages)
    )
    there = {fact.field for fact in added}
    missing = tuple(field for field in extraction.missing if field not in there)
    return structs.replace(extraction, facts=extraction.facts + added, missing=missing)


def _stands(fact: Fact, pages: Sequence[str]) -> bool:
    if not 1 <= fact.page <= len(pages) or fact.offset < 0 or not fact.passage.strip():
        return False
    return squeezed(fact.passage) in squeezed(pages[fact.page - 1])
