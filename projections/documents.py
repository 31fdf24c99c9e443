"""Documents: the files of a project, and what reading them gave."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.comparison import ComparedAs, ComparisonAdded, ComparisonRemoved
from domain.document import (
    Parsed,
    ParseFailed,
    ParseRequested,
    ParseStatus,
    Purpose,
    Removed,
    Replaced,
    UnknownDocument,
    Uploaded,
)
from projections.asking import MEMBERS, Listing, Order, Page, Query, Question, Reading, contains
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row, amount

NAME = "documents"

DocumentEvent = (
    Uploaded | ParseRequested | Parsed | ParseFailed | Replaced | Removed | ComparisonAdded | ComparisonRemoved
)


class DocumentRow(Row, frozen=True, kw_only=True):
    """A document. `items`, `priced` and `skipped` count lines of the bill that was read, `declared_total` is its sum.

    Removed documents stay, since positions point to them; `replaced_by` names the one that took its place. The budget's
    prices are held against one that is `compared_as` something; `bidder` is whose bid it is, if that was said.
    """

    table: ClassVar = "documents"
    key: ClassVar = ("document_id",)
    indexes: ClassVar = ("project_id, uploaded_position",)

    document_id: UUID
    project_id: UUID
    filename: str
    content_hash: str
    size: int
    purpose: Purpose = "budget"
    compared_as: ComparedAs | None = None
    bidder: str = ""
    uploaded_by: str
    uploaded_at: datetime
    uploaded_position: int
    parse_status: ParseStatus = "pending"
    parse_error_code: str | None = None
    parse_error: str | None = None
    parsed_at: datetime | None = None
    bill_hash: str | None = None
    format: str | None = None
    confidence: int | None = None
    items: int = 0
    priced: int = 0
    skipped: int = 0
    currency: str | None = None
    declared_total: Decimal | None = None
    warnings: tuple[str, ...] = ()
    removed: bool = False
    replaced_by: UUID | None = None


def _keys(seen: Seen) -> Touched:
    yield DocumentRow, (seen.event.document_id,)


def _fold(rows: Rows, seen: Seen) -> None:
    event: DocumentEvent = seen.event
    if isinstance(event, Uploaded):
        rows.put(
            DocumentRow(
                document_id=event.document_id,
                project_id=event.project_id,
                filename=event.filename,
                content_hash=event.content_hash,
                size=event.size,
                purpose=event.purpose,
                uploaded_by=seen.actor,
                uploaded_at=seen.at,
                uploaded_position=seen.position,
            )
        )
    elif row := rows.get(DocumentRow, event.document_id):
        rows.put(structs.replace(row, **_changes(event, seen)))


def _changes(event: DocumentEvent, seen: Seen) -> dict[str, Any]:
    match event:
        case Uploaded():
            return {}
        case ParseRequested():
            return {"parse_status": "parsing", "parse_error_code": None, "parse_error": None}
        case Parsed():
            return {
                "parse_status": "completed",
                "parse_error_code": None,
                "parse_error": None,
                "parsed_at": seen.at,
                "bill_hash": event.bill_hash,
                "format": event.format,
                "confidence": event.confidence,
                "items": event.items,
                "priced": event.priced,
                "skipped": event.skipped,
                "currency": event.currency,
                "declared_total": amount(event.declared_total),
                "warnings": event.warnings,
            }
        case ParseFailed(error_code=error_code, error=error):
            return {
                "parse_status": "failed",
                "parse_error_code": error_code,
                "parse_error": error,
                "parsed_at": seen.at,
            }
        case Replaced(by=by):
            return {"removed": True, "replaced_by": by}
        case Removed():
            return {"removed": True}
        case ComparisonAdded(compared_as=compared_as, bidder=bidder):
            return {"compared_as": compared_as, "bidder": bidder}
        case ComparisonRemoved():
            return {"compared_as": None, "bidder": ""}


PROJECTION = Projection(
    name=NAME,
    version=2,
    rows=(DocumentRow,),
    events=(Uploaded, ParseRequested, Parsed, ParseFailed, Replaced, Removed, ComparisonAdded, ComparisonRemoved),
    keys=_keys,
    fold=_fold,
)


class ListDocuments(Listing, frozen=True, kw_only=True, tag="documents.list"):
    """A project's documents, oldest first; removed ones only where `removed` asks for them.

    `compared_as` asks for the estimate or the bids that the budget's prices are held against.
    """

    project_id: UUID
    compared_as: ComparedAs | None = None
    parse_status: ParseStatus | None = None
    text: str | None = None
    removed: bool = False


class GetDocument(Query, frozen=True, kw_only=True, tag="documents.get"):
    """One document, even if it was removed."""

    project_id: UUID
    document_id: UUID


class DocumentItem(Struct, frozen=True, kw_only=True):
    """A document, see `DocumentRow`. `declared_total` is in `currency`; `parse_error` says what its owner can do."""

    document_id: UUID
    filename: str
    content_hash: str
    size: int
    purpose: Purpose
    compared_as: ComparedAs | None
    bidder: str
    uploaded_by: str
    uploaded_at: datetime
    uploaded_position: int
    parse_status: ParseStatus
    parse_error_code: str | None
    parse_error: str | None
    parsed_at: datetime | None
    bill_hash: str | None
    format: str | None
    confidence: int | None
    items: int
    priced: int
    skipped: int
    currency: str | None
    declared_total: Decimal | None
    warnings: tuple[str, ...]
    removed: bool
    replaced_by: UUID | None


DOCUMENTS = "SELECT d.* FROM read.documents d WHERE d.project_id = %(project_id)s"


async def _list_documents(reading: Reading, query: ListDocuments) -> Page[DocumentItem]:
    pattern = None if query.text is None else contains(query.text)
    return await reading.page(
        query,
        DocumentItem,
        DOCUMENTS,
        Order(fields=("uploaded_position",), table="d"),
        ("parse_status", "d.parse_status = %(parse_status)s", query.parse_status),
        ("compared_as", "d.compared_as = %(compared_as)s", query.compared_as),
        ("text", "d.filename ILIKE %(text)s", pattern),
        ("removed", "d.removed = %(removed)s", query.removed),
        project_id=query.project_id,
    )


async def _get_document(reading: Reading, query: GetDocument) -> DocumentItem:
    found = await reading.select(
        DocumentItem,
        f"{DOCUMENTS} AND d.document_id = %(document_id)s",
        {"document_id": query.document_id},
        project_id=query.project_id,
    )
    if not found:
        raise UnknownDocument
    return found[0]


QUESTIONS = (
    Question(query=ListDocuments, result=Page[DocumentItem], sources=(MEMBERS, NAME), answer=_list_documents),
    Question(query=GetDocument, result=DocumentItem, sources=(MEMBERS, NAME), answer=_get_document),
)
