"""Documents: files of a project, known by the SHA-256 of their raw bytes, and what reading them gave."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Name, Refused

ContentHash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Purpose = Literal["budget", "comparison"]
"""Whether what was read becomes positions of the budget, or prices that the budget is held against."""
ParseStatus = Literal["pending", "parsing", "completed", "failed"]

_DOCUMENTS = UUID("6f0b6c1e-56b1-4a8e-9f0e-2f4f0d7c9a11")


def document_id_of(project_id: UUID, content_hash: str) -> UUID:
    """Name a document after its project and bytes, so the same file is the same document, even in a race."""
    return uuid5(_DOCUMENTS, f"{project_id}:{content_hash}")


class UploadDocument(Command, frozen=True, kw_only=True, tag="document.upload"):
    """Add a file whose bytes are stored already. The same bytes again change nothing.

    A file for `comparison` is read, and nothing of it is imported: see `comparison.add`.
    """

    project_id: UUID
    document_id: UUID
    filename: Name
    content_hash: ContentHash
    size: Annotated[int, Meta(gt=0)]
    purpose: Purpose = "budget"


class ParseDocument(Command, frozen=True, kw_only=True, tag="document.parse"):
    """Ask for the document to be read again."""

    project_id: UUID
    document_id: UUID


class RecordParsed(Command, frozen=True, kw_only=True, tag="document.record_parsed"):
    """Say what a reader found. `bill_hash` names the stored bill."""

    project_id: UUID
    document_id: UUID
    bill_hash: ContentHash
    format: str
    confidence: int
    items: int
    priced: int
    currency: str
    declared_total: Decimal | None = None
    skipped: int = 0
    warnings: tuple[str, ...] = ()


class RecordParseFailure(Command, frozen=True, kw_only=True, tag="document.record_parse_failure"):
    """Say why the document could not be read, in words that its owner can act on."""

    project_id: UUID
    document_id: UUID
    error_code: str
    error: str


class ReplaceDocument(Command, frozen=True, kw_only=True, tag="document.replace"):
    """Say that another document of the project takes this one's place."""

    project_id: UUID
    document_id: UUID
    by: UUID


class RemoveDocument(Command, frozen=True, kw_only=True, tag="document.remove"):
    """Take the document out of the project. Its history and what was imported from it stay."""

    project_id: UUID
    document_id: UUID


class Uploaded(Event, frozen=True, kw_only=True, tag="document.uploaded"):
    """A file was added."""

    project_id: UUID
    document_id: UUID
    filename: str
    content_hash: str
    size: int
    purpose: Purpose = "budget"


class ParseRequested(Event, frozen=True, kw_only=True, tag="document.parse_requested"):
    """Somebody wants it read again."""

    project_id: UUID
    document_id: UUID


class Parsed(Event, frozen=True, kw_only=True, tag="document.parsed"):
    """A reader understood it."""

    project_id: UUID
    document_id: UUID
    bill_hash: str
    format: str
    confidence: int
    items: int
    priced: int
    currency: str
    declared_total: Decimal | None = None
    skipped: int = 0
    warnings: tuple[str, ...] = ()


class ParseFailed(Event, frozen=True, kw_only=True, tag="document.parse_failed"):
    """No reader understood it."""

    project_id: UUID
    document_id: UUID
    error_code: str
    error: str


class Replaced(Event, frozen=True, kw_only=True, tag="document.replaced"):
    """Another document took its place."""

    project_id: UUID
    document_id: UUID
    by: UUID


class Removed(Event, frozen=True, kw_only=True, tag="document.removed"):
    """It was taken out of the project."""

    project_id: UUID
    document_id: UUID


class Document(Struct, frozen=True, kw_only=True):
    """The state of one document. `content_hash` is empty before it is uploaded."""

    project_id: UUID | None = None
    filename: str = ""
    content_hash: str = ""
    size: int = 0
    purpose: Purpose = "budget"
    parse_status: ParseStatus = "pending"
    bill_hash: str = ""
    removed: bool = False

    @property
    def exists(self) -> bool:
        """Whether it is in the project now."""
        return bool(self.content_hash) and not self.removed


class UnknownDocument(Refused):
    """There is no such document in this project."""

    code = "document.unknown"
    kind = "unknown"


class NotTheSameFile(Refused):
    """This id belongs to another file: let the upload name it."""

    code = "document.not_the_same_file"
    kind = "invalid"


class AlreadyParsing(Refused):
    """The document is being read already: wait for that to end."""

    code = "document.already_parsing"


class ReplacedByItself(Refused):
    """A document cannot take its own place."""

    code = "document.replaced_by_itself"
    kind = "invalid"


DocumentCommand = UploadDocument | ParseDocument | RecordParsed | RecordParseFailure | ReplaceDocument | RemoveDocument
DocumentEvent = Uploaded | ParseRequested | Parsed | ParseFailed | Replaced | Removed


def decide(command: DocumentCommand, document: Document, context: Context) -> list[Event]:  # noqa: ARG001 - one shape
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, UploadDocument):
        return _upload(command, document)
    if not document.exists or document.project_id != command.project_id:  # a right in one project is none in another
        raise UnknownDocument
    ids = {"project_id": command.project_id, "document_id": command.document_id}
    match command:
        case ParseDocument():
            if document.parse_status in {"pending", "parsing"}:
                raise AlreadyParsing
            return [ParseRequested(**ids)]
        case RecordParsed():
            return [Parsed(**structs.asdict(command))]
        case RecordParseFailure(error_code=error_code, error=error):
            return [ParseFailed(**ids, error_code=error_code, error=error)]
        case ReplaceDocument(by=by):
            if by == command.document_id:
                raise ReplacedByItself
            return [Replaced(**ids, by=by)]
        case RemoveDocument():
            return [Removed(**ids)]


def _upload(command: UploadDocument, document: Document) -> list[Event]:
    if command.document_id != document_id_of(command.project_id, command.content_hash):
        raise NotTheSameFile
    return [] if document.exists else [Uploaded(**structs.asdict(command))]


def evolve(document: Document, event: DocumentEvent) -> Document:
    """Apply what happened. Never fails."""
    match event:
        case Uploaded():
            return Document(
                project_id=event.project_id,
                filename=event.filename,
                content_hash=event.content_hash,
                size=event.size,
                purpose=event.purpose,
            )
        case ParseRequested():
            return structs.replace(document, parse_status="parsing")
        case Parsed(bill_hash=bill_hash):
            return structs.replace(document, parse_status="completed", bill_hash=bill_hash)
        case ParseFailed():
            return structs.replace(document, parse_status="failed")
        case Replaced() | Removed():
            return structs.replace(document, removed=True)


DOCUMENT = Aggregate(
    name="document",
    key="document_id",
    feed="project",
    feed_key="project_id",
    commands=(UploadDocument, ParseDocument, RecordParsed, RecordParseFailure, ReplaceDocument, RemoveDocument),
    events=(Uploaded, ParseRequested, Parsed, ParseFailed, Replaced, Removed),
    state=Document,
    decide=decide,
    evolve=evolve,
)
