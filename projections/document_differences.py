"""Differences of documents: the tender against the bid, a bill against its revision, in one project or in two.

What a document said are its lines as its import made them, whatever was edited since; where it was uploaded for a
comparison, and so never imported, the lines of the bill that was read from it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.bill import Rounding
from domain.core import Refused
from domain.document import Purpose, UnknownDocument
from domain.matching import MatchedBy, Pair, pairs_of
from domain.position import EXACT, line_total
from projections import documents, positions, versions
from projections.asking import MEMBERS, BadCursor, Listing, Question, Reading
from projections.differences import Change, changes_between
from projections.positions import LINES
from projections.sections import SectionDifferences, SectionSum, differences_of

COMPARED = (
    *("number", "code", "description", "category", "kind", "role", "section", "quantity", "unit"),
    *("unit_price", "material_price", "assembly_price", "total_price", "vat_rate", "notes"),
)
"""The fields that make a difference."""
COLUMNS = ", ".join(f"l.{name}" for name in ("position_id", *COMPARED, "source_sheet AS sheet", "source_line AS line"))

Kind = Literal["added", "removed", "changed", "moved", "renumbered"]


class DiffDocuments(Listing, frozen=True, kw_only=True, tag="documents.diff"):
    """How what the document `against` said differs from what `document_id` said.

    `against` may be in another project that the viewer may read, `against_project`. A document that was uploaded for a
    comparison says what was read from it; a line of it has an id of its own, which no position has.
    """

    project_id: UUID
    document_id: UUID
    against: UUID
    against_project: UUID | None = None


class Place(Struct, frozen=True, kw_only=True):
    """Where a document states a line: a sheet or page, empty where it has none, and the row in it, from 1."""

    sheet: str
    line: int


class LineDifference(Struct, frozen=True, kw_only=True):
    """A line that differs; what it was in each document is named by `before` and `after`, its places by `.._at`.

    `change` is the weightiest of what happened to it; `changes` are by field. `matched_by` says how it was recognised.
    `cost_effect` is what it adds to the total.
    """

    change: Kind
    before: UUID | None
    after: UUID | None
    before_at: Place | None
    after_at: Place | None
    number: str
    code: str
    description: str
    moved: bool
    renumbered: bool
    matched_by: MatchedBy | None
    changes: dict[str, Change]
    cost_effect: Decimal


class DocumentsDifference(Struct, frozen=True, kw_only=True):
    """How two documents differ: counts, totals, sections, and a page of lines in the order of the second document.

    A line that was changed, moved and renumbered counts in all three.
    """

    total_before: Decimal
    total_after: Decimal
    delta: Decimal | None
    """`None` where the documents have different currencies: those are never added up."""
    currency_before: str
    currency_after: str
    unchanged: int
    added: int
    removed: int
    changed: int
    moved: int
    renumbered: int
    sections: SectionDifferences
    items: list[LineDifference]
    next_cursor: str | None


class NotImported(Refused):
    """The document was not imported yet: wait for its job, or have it read again."""

    code = "document.not_imported"


class _Item(Struct, frozen=True, kw_only=True, gc=False):
    """What is needed of an item of a stored bill, see `domain.bill.BillItem`, or of the position that it became."""

    number: str = ""
    code: str = ""
    description: str = ""
    category: str = ""
    kind: str = "work"
    role: str = "base"
    section: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    material_price: Decimal | None = None
    assembly_price: Decimal | None = None
    vat_rate: Decimal | None = None
    notes: tuple[str, ...] = ()
    sheet: str = ""
    line: int = 0
    rounding: Rounding | None = None


class _Line(_Item, frozen=True, kw_only=True, gc=False):
    position_id: UUID
    total_price: Decimal | None


class _Bill(Struct, frozen=True):
    currency: str = "CZK"
    rounding: Rounding = Rounding()
    items: tuple[_Item, ...] = ()


class _Import(Struct, frozen=True, kw_only=True):
    version: int | None
    position: int | None
    currency: str
    purpose: Purpose
    bill_hash: str | None


IMPORTED = """
SELECT v.version, v.position, coalesce(v.currency, '') AS currency, d.purpose, d.bill_hash
FROM read.documents d LEFT JOIN read.versions v
    ON v.project_id = d.project_id AND v.trigger_details ->> 'document_id' = d.document_id::text
WHERE d.project_id = %(project_id)s AND d.document_id = %(document_id)s
"""
SAID = f"""
SELECT {COLUMNS} FROM {LINES} l WHERE l.project_id = %(project_id)s AND l.source_document_id = %(document_id)s
    AND l.since = %(version)s ORDER BY l.rank, l.position_id
"""  # noqa: S608 - our own text


async def _diff_documents(reading: Reading, query: DiffDocuments) -> DocumentsDifference:
    start = _start(query.cursor)
    currency_before, before = await _said(reading, query.project_id, query.document_id)
    currency_after, after = await _said(reading, query.against_project or query.project_id, query.against)
    pairs = await asyncio.to_thread(pairs_of, before, after)
    differing = [told for pair in pairs if (told := _told(pair, before, after)) is not None]
    page = differing[start : start + query.limit]
    end = start + len(page)
    totals = _total(before), _total(after)
    return DocumentsDifference(
        total_before=totals[0],
        total_after=totals[1],
        delta=EXACT.subtract(totals[1], totals[0]) if currency_before == currency_after else None,
        currency_before=currency_before,
        currency_after=currency_after,
        unchanged=len(pairs) - len(differing),
        added=sum(1 for each in differing if each.before is None),
        removed=sum(1 for each in differing if each.after is None),
        changed=sum(1 for each in differing if each.change == "changed"),
        moved=sum(1 for each in differing if each.moved),
        renumbered=sum(1 for each in differing if each.renumbered),
        sections=differences_of(_sums(before, after)),
        items=page,
        next_cursor=str(end) if end < len(differing) else None,
    )


def _start(cursor: str | None) -> int:
    """Read a place in the list, which stays as it is: documents say what they said."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):  # noqa: PLR2004 - nine digits fit
        raise BadCursor
    return int(cursor)


async def _said(reading: Reading, project_id: UUID, document_id: UUID) -> tuple[str, list[_Line]]:
    """Give a document's currency and lines, see above. Checks the viewer's right to the project."""
    given: dict[str, Any] = {"document_id": document_id}
    found = await reading.select(_Import, IMPORTED, given, project_id=project_id)
    if not found:
        raise UnknownDocument
    (imported,) = found[:1]
    if imported.purpose == "comparison":
        if imported.bill_hash is None:
            raise NotImported("The document was not read yet: wait for its job, or have it read again.")
        return await asyncio.to_thread(_stated, await reading.blob(imported.bill_hash), document_id)
    if imported.version is None or imported.position is None:
        raise NotImported
    await reading.reach(imported.position)
    given["version"] = imported.version
    return imported.currency, await reading.select(_Line, SAID, given, project_id=project_id)


def _stated(stored: bytes, document_id: UUID) -> tuple[str, list[_Line]]:
    """Give a stored bill's currency and lines, with the totals that an import into an empty budget would give them.

    Their ids follow from the document's.
    """
    bill = msgspec.json.decode(stored, type=_Bill)
    return bill.currency, [
        _Line(
            position_id=UUID(int=document_id.int ^ number),
            total_price=_priced(item, bill.rounding),
            **structs.asdict(item),
        )
        for number, item in enumerate(bill.items, start=1)
    ]


def _priced(item: _Item, rounding: Rounding) -> Decimal | None:
    return line_total(item.quantity, item.unit_price, item.rounding or rounding) if item.role == "base" else None


def _told(pair: Pair, before: Sequence[_Line], after: Sequence[_Line]) -> LineDifference | None:
    old = None if pair.before is None else before[pair.before]
    new = None if pair.after is None else after[pair.after]
    line = new or old
    if line is None:
        raise AssertionError("a pair of nothing")
    changes = changes_between(old, new, COMPARED) if old and new else {}
    renumbered = "number" in changes
    if old and new and not changes and not pair.moved:
        return None
    return LineDifference(
        change=_kind(old, new, changes, moved=pair.moved),
        before=old.position_id if old else None,
        after=new.position_id if new else None,
        before_at=Place(sheet=old.sheet, line=old.line) if old else None,
        after_at=Place(sheet=new.sheet, line=new.line) if new else None,
        number=line.number,
        code=line.code,
        description=line.description,
        moved=pair.moved,
        renumbered=renumbered,
        matched_by=pair.by,
        changes=changes,
        cost_effect=EXACT.subtract(_total([new] if new else []), _total([old] if old else [])),
    )


def _kind(old: _Line | None, new: _Line | None, changes: dict[str, Change], *, moved: bool) -> Kind:
    if old is None or new is None:
        return "added" if old is None else "removed"
    own_code = {"code"} if old.code == old.number and new.code == new.number else set[str]()
    if changes.keys() - {"number", "section"} - own_code:
        return "changed"
    return "moved" if moved or "number" not in changes else "renumbered"


def _sums(before: Sequence[_Line], after: Sequence[_Line]) -> Iterator[SectionSum]:
    """Give what each line adds to its section, in the order of the second document, then of the first."""
    for line in after:
        yield SectionSum(section=line.section, before=Decimal(0), after=line.total_price or Decimal(0))
    for line in before:
        yield SectionSum(section=line.section, before=line.total_price or Decimal(0), after=Decimal(0))


def _total(lines: Sequence[_Line]) -> Decimal:
    return reduce(EXACT.add, (line.total_price for line in lines if line.total_price is not None), Decimal(0))


QUESTIONS = (
    Question(
        query=DiffDocuments,
        result=DocumentsDifference,
        sources=(MEMBERS, documents.NAME, positions.NAME, versions.NAME),
        answer=_diff_documents,
    ),
)
