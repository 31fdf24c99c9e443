"""Questions about positions: as they stand, or in any earlier version."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.bill import ItemKind
from domain.experts.finding import Verdict
from projections import audits, versions
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading, contains, place_of
from projections.moments import Moment
from projections.positions import LINES, NAME, Line, in_version
from projections.rows import encode

SOURCES = (MEMBERS, NAME, versions.NAME, audits.NAME)


class ListPositions(Listing, frozen=True, kw_only=True, tag="positions.list"):
    """A budget's positions in their order: of the newest version, of `version`, or as they were `at` a moment.

    `section` keeps those in or below a section: its path; as text a single heading, or a path as JSON array. `text`
    keeps those with these words in code or description, `verdict` those judged so by the latest completed audit of that
    version or an earlier one. All pages show the first page's version.
    """

    project_id: UUID
    version: Annotated[int, Meta(ge=1)] | None = None
    at: Moment | None = None
    section: tuple[str, ...] | str | None = None
    text: str | None = None
    verdict: Verdict | None = None
    kind: ItemKind | None = None
    document_id: UUID | None = None


class PositionItem(Line, frozen=True, kw_only=True):
    """A position in `version`, with what the audit `audit_id` says of it."""

    version: int
    audit_id: UUID | None
    verdict: Verdict | None
    outcomes: str | None


LATEST_AUDIT = """
SELECT audit_id FROM read.audits WHERE project_id = %(project_id)s AND status = 'completed' AND version <= %(version)s
ORDER BY version DESC, started_position DESC LIMIT 1
"""
POSITIONS = f"""
SELECT p.*, %(version)s::bigint AS version, v.audit_id, v.verdict, v.outcomes FROM {LINES} p
LEFT JOIN read.verdicts v ON v.position_id = p.position_id AND v.audit_id = ({LATEST_AUDIT})
WHERE {in_version("p", "version")}
"""  # noqa: S608 - our own text
ORDER = Order(fields=("rank", "position_id"), table="p", pinned=("version",))
IN_SECTION = "jsonb_path_query_array(p.section, '$[0 to $last]', %(section_end)s::jsonb) = %(section)s::jsonb"
"""Whether a section's path begins with another's."""


async def _list_positions(reading: Reading, query: ListPositions) -> Page[PositionItem]:
    pinned = place_of(query.cursor, PositionItem, ORDER.cursor)[0] if query.cursor else query.version
    at = None if query.cursor else query.at
    version = await versions.version_at(reading, query.project_id, version=pinned, at=at)
    section = _path(query.section)
    pattern = None if query.text is None else contains(query.text)
    return await reading.page(
        query,
        PositionItem,
        POSITIONS,
        ORDER,
        ("section", IN_SECTION, encode(section) if section else None),
        ("text", "(p.code ILIKE %(text)s OR p.description ILIKE %(text)s)", pattern),
        ("verdict", "v.verdict = %(verdict)s", query.verdict),
        ("kind", "p.kind = %(kind)s", query.kind),
        ("document_id", "p.source_document_id = %(document_id)s", query.document_id),
        project_id=query.project_id,
        version=version,
        section_end=encode({"last": len(section) - 1}),
    )


def _path(section: tuple[str, ...] | str | None) -> tuple[str, ...]:
    if not isinstance(section, str):
        return section or ()
    try:
        return msgspec.json.decode(section, type=tuple[str, ...])
    except msgspec.DecodeError:
        return (section,)


QUESTIONS = (
    Question(query=ListPositions, result=Page[PositionItem], sources=SOURCES, answer=_list_positions, cached=True),
)
