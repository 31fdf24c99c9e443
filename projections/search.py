"""What can be searched: the texts of documents, positions and findings.

Only changes of text touch this read model: a new price moves nothing here. Messages are not in it: an index of their
words would say in the clear what is sealed, and outlive its author's key.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, structs

from domain.audit import FindingsRecorded
from domain.budget import Changes, Imported, PositionAdded, PositionEdited, PositionMoved, PositionRemoved
from domain.document import Removed, Uploaded
from domain.experts.finding import Finding
from domain.position import Position
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

NAME = "search"

Kind = Literal["document", "position", "finding"]
SearchEvent = (
    Uploaded | Removed | Imported | PositionAdded | PositionEdited | PositionMoved | PositionRemoved | FindingsRecorded
)


class SearchRow(Row, frozen=True, kw_only=True):
    """Something that can be found: its `title`, which weighs more, where it stands (`place`), and what else it says.

    `ref` tells things of one kind apart inside their project.
    """

    table: ClassVar = "search"
    key: ClassVar = ("project_id", "kind", "ref")
    generated: ClassVar = (
        "vector tsvector NOT NULL GENERATED ALWAYS AS (public.search_vector(title, code, place, notes)) STORED",
        "folded text NOT NULL GENERATED ALWAYS AS (public.search_fold(title)) STORED",
        "code_key text NOT NULL GENERATED ALWAYS AS (public.search_code(code)) STORED",
    )
    indexes: ClassVar = (
        "USING gin (vector)",
        "USING gin (folded public.gin_trgm_ops)",
        "USING gin (code_key public.gin_trgm_ops)",
    )

    project_id: UUID
    kind: Kind
    ref: str
    code: str = ""
    title: str
    place: str = ""
    notes: str = ""
    document_id: UUID | None = None
    position_id: UUID | None = None
    audit_id: UUID | None = None


def _keys(seen: Seen) -> Touched:
    event: SearchEvent = seen.event
    match event:
        case PositionEdited(changes=changes) if _texts(changes):
            yield SearchRow, (event.project_id, "position", str(event.position_id))
        case PositionMoved(section=section) if section is not None:
            yield SearchRow, (event.project_id, "position", str(event.position_id))
        case Imported(declared=declared) if declared is not None:
            yield SearchRow, (event.project_id, "document", str(event.document_id))
        case _:
            pass


def _fold(rows: Rows, seen: Seen) -> None:
    event: SearchEvent = seen.event
    match event:
        case Uploaded(project_id=project_id, document_id=document_id):
            rows.put(
                SearchRow(
                    project_id=project_id,
                    kind="document",
                    ref=str(document_id),
                    title=event.filename,
                    document_id=document_id,
                )
            )
        case Removed(project_id=project_id, document_id=document_id):
            rows.delete(SearchRow, project_id, "document", str(document_id))
        case Imported(project_id=project_id):
            _headings(rows, event)
            for position in event.positions:
                rows.put(_of_position(project_id, position))
        case PositionAdded(project_id=project_id, position=position):
            rows.put(_of_position(project_id, position))
        case PositionEdited(changes=changes):
            _retell(rows, event, _texts(changes))
        case PositionMoved(section=section):
            _retell(rows, event, {} if section is None else {"section": section})
        case PositionRemoved(project_id=project_id, position_id=position_id):
            rows.delete(SearchRow, project_id, "position", str(position_id))
        case FindingsRecorded():
            for place, finding in enumerate(event.findings):
                rows.put(_of_finding(event, place, finding))


def _headings(rows: Rows, event: Imported) -> None:
    """Let a document be found by the titles of its sections, too."""
    if event.declared is None:
        return
    row = rows.get(SearchRow, event.project_id, "document", str(event.document_id))
    if row is not None:
        said = [text for section in event.declared.sections for text in (section.title, *section.notes)]
        rows.put(structs.replace(row, notes="\n".join(filter(None, said))))


def _of_position(project_id: UUID, position: Position) -> SearchRow:
    return SearchRow(
        project_id=project_id,
        kind="position",
        ref=str(position.position_id),
        code=position.code,
        title=position.description,
        place=" ".join(position.section),
        notes="\n".join(position.notes),
        document_id=position.source_document_id,
        position_id=position.position_id,
    )


def _of_finding(event: FindingsRecorded, place: int, finding: Finding) -> SearchRow:
    said = [text for issue in finding.issues for text in (issue.description, issue.suggestion)]
    return SearchRow(
        project_id=event.project_id,
        kind="finding",
        ref=f"{event.audit_id}:{event.part}:{place}",
        code=finding.rule,
        title=finding.reasoning,
        place=" ".join(finding.section),
        notes="\n".join(said),
        position_id=finding.position_id,
        audit_id=event.audit_id,
    )


def _texts(changes: Changes) -> dict[str, Any]:
    """Give the fields of a position that can be searched and that change."""
    return {name: value for name in _FIELDS if (value := getattr(changes, name)) is not UNSET}


def _retell(rows: Rows, event: PositionEdited | PositionMoved, texts: dict[str, Any]) -> None:
    if not texts:
        return
    row = rows.get(SearchRow, event.project_id, "position", str(event.position_id))
    if row is not None:
        rows.put(structs.replace(row, **{_FIELDS[name][0]: _FIELDS[name][1](value) for name, value in texts.items()}))


_FIELDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "code": ("code", str),
    "description": ("title", str),
    "section": ("place", " ".join),
    "notes": ("notes", "\n".join),
}
"""Which fields of a position become which of ours, and how."""

PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(SearchRow,),
    events=(
        Uploaded,
        Removed,
        Imported,
        PositionAdded,
        PositionEdited,
        PositionMoved,
        PositionRemoved,
        FindingsRecorded,
    ),
    keys=_keys,
    fold=_fold,
)
