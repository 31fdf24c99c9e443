"""Searching all projects that somebody may see, and finding every use of a code."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from projections import audits, positions, projects, search
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading
from projections.search import Kind
from projections.search_words import passage, stems, tsquery


class Search(Listing, frozen=True, kw_only=True, tag="search.find"):
    """What matches `text`, the best first, in the projects that the asking account may see.

    All words must be there, each in any form, without regard to case and accents; typing errors in a title are
    forgiven. A text that is a code, or its beginning, finds that code. What people say in threads is not searched: it
    is encrypted.
    """

    text: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Kind | None = None
    project_id: UUID | None = None


class Hit(Struct, frozen=True, kw_only=True):
    """Something that was found. `passage` shows the words, `marks` where they start and end in it (in characters).

    `document_id`, `position_id` and `audit_id` say where it is; findings are those of a project's latest audit.
    """

    project_id: UUID
    project_name: str
    kind: Kind
    ref: str
    code: str
    title: str
    passage: str
    marks: tuple[tuple[int, int], ...]
    document_id: UUID | None
    position_id: UUID | None
    audit_id: UUID | None
    score: Decimal


class _Found(Struct, frozen=True, kw_only=True):
    project_id: UUID
    project_name: str
    kind: Kind
    ref: str
    code: str
    title: str
    place: str
    notes: str
    document_id: UUID | None
    position_id: UUID | None
    audit_id: UUID | None
    score: Decimal


class FindByCode(Listing, frozen=True, kw_only=True, tag="positions.using_code"):
    """Which positions use a code, whatever its blanks and dashes, in the projects that the asking account may see."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]


class Use(Struct, frozen=True, kw_only=True):
    """A position that uses the code."""

    project_id: UUID
    project_name: str
    position_id: UUID
    number: str
    code: str
    description: str
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None
    total_price: Decimal | None


VISIBLE = """
(%(admin)s OR EXISTS (SELECT FROM read.members m WHERE m.project_id = e.project_id AND m.account_id = %(viewer)s
    AND m.joined))
"""
LATEST = """
(e.audit_id IS NULL OR e.audit_id = (SELECT audit_id FROM read.audits a WHERE a.project_id = e.project_id
    AND a.status = 'completed' ORDER BY a.started_position DESC LIMIT 1))
"""
MATCHES = f"""
SELECT s.* FROM (
    SELECT e.project_id, p.name AS project_name, e.kind, e.ref, e.code, e.title, e.place, e.notes, e.document_id,
        e.position_id, e.audit_id, round((
            CASE WHEN e.vector @@ to_tsquery('public.plumbline', %(words)s)
                THEN 1 + ts_rank(e.vector, to_tsquery('public.plumbline', %(words)s))
                ELSE public.word_similarity(public.search_fold(%(text)s), e.folded) END
            + CASE WHEN e.code_key <> public.search_code(%(text)s) THEN 0 WHEN e.kind = 'position' THEN 2 ELSE 1 END
        )::numeric, 6) AS score
    FROM read.search e JOIN read.projects p USING (project_id)
    WHERE {VISIBLE} AND {LATEST} AND (
        e.vector @@ to_tsquery('public.plumbline', %(words)s)
        OR e.folded OPERATOR(public.%%>) public.search_fold(%(text)s)
        OR e.code_key LIKE public.search_code(%(code)s) || '%%'
    )
) s WHERE true
"""  # noqa: S608 - our own text
USES = f"""
SELECT e.project_id, o.name AS project_name, p.position_id, p.number, p.code, p.description, p.quantity, p.unit,
    p.unit_price, p.total_price
FROM read.search e JOIN read.projects o USING (project_id) JOIN read.positions p USING (project_id, position_id)
WHERE e.kind = 'position' AND e.code_key = public.search_code(%(code)s) AND {VISIBLE}
"""  # noqa: S608 - our own text

LEAST_CODE = 3
"""Signs that the beginning of a code must have to find it."""


async def _search(reading: Reading, query: Search) -> Page[Hit]:
    page = await reading.page(
        query,
        _Found,
        MATCHES,
        Order(fields=("score", "project_id", "kind", "ref"), table="s", descending=True),
        ("kind", "s.kind = %(kind)s", query.kind),
        ("within", "s.project_id = %(within)s", query.project_id),
        project_id=query.project_id,
        text=query.text,
        words=tsquery(query.text),
        code=query.text if sum(map(str.isalnum, query.text)) >= LEAST_CODE else None,
    )
    wanted = stems(query.text)
    return Page(items=[_hit(found, wanted) for found in page.items], next_cursor=page.next_cursor)


def _hit(found: _Found, wanted: Sequence[str]) -> Hit:
    text = "\n".join(filter(None, (found.title, found.place, found.notes)))
    shown, marks = passage(text, wanted)
    return Hit(
        project_id=found.project_id,
        project_name=found.project_name,
        kind=found.kind,
        ref=found.ref,
        code=found.code,
        title=found.title,
        passage=shown,
        marks=marks,
        document_id=found.document_id,
        position_id=found.position_id,
        audit_id=found.audit_id,
        score=found.score,
    )


async def _find_by_code(reading: Reading, query: FindByCode) -> Page[Use]:
    order = Order(fields=("project_id", "position_id"), table="p")
    return await reading.page(query, Use, USES, order, code=query.code)


QUESTIONS = (
    Question(
        query=Search, result=Page[Hit], sources=(MEMBERS, search.NAME, projects.NAME, audits.NAME), answer=_search
    ),
    Question(
        query=FindByCode,
        result=Page[Use],
        sources=(MEMBERS, search.NAME, projects.NAME, positions.NAME),
        answer=_find_by_code,
    ),
)
