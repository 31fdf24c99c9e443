"""Comparison: the documents that a budget's prices are held against, an estimate and what bidders offer."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Refused

ComparedAs = Literal["estimate", "bid"]
Bidder = Annotated[str, Meta(max_length=200)]

MOST_DOCUMENTS = 30
"""Each is read and matched line by line at every audit."""


class AddComparison(Command, frozen=True, kw_only=True, tag="comparison.add"):
    """Hold the budget's prices against a document of the project: its estimate, or what a bidder offers.

    Without a `bidder`, a bid is called by its file's name. Naming a document again changes what it is.
    """

    project_id: UUID
    document_id: UUID
    compared_as: ComparedAs
    bidder: Bidder = ""


class RemoveComparison(Command, frozen=True, kw_only=True, tag="comparison.remove"):
    """Hold the budget's prices against this document no more. The document stays."""

    project_id: UUID
    document_id: UUID


class ComparisonAdded(Event, frozen=True, kw_only=True, tag="comparison.added"):
    """The budget's prices are held against a document from now on."""

    project_id: UUID
    document_id: UUID
    compared_as: ComparedAs
    bidder: str = ""


class ComparisonRemoved(Event, frozen=True, kw_only=True, tag="comparison.removed"):
    """The budget's prices are held against this document no more."""

    project_id: UUID
    document_id: UUID


class Compared(Struct, frozen=True, kw_only=True):
    """A document that an audit compares prices with: what it is, who offers it, and the bill that was read from it."""

    document_id: UUID
    compared_as: ComparedAs
    name: str
    bill_hash: str


class Comparison(Struct, frozen=True, kw_only=True):
    """The state of a project's comparison: its documents, and what each is."""

    documents: dict[UUID, ComparisonAdded] = {}


class EstimateTaken(Refused):
    """The budget is compared with an estimate already: remove that one first."""

    code = "comparison.estimate_taken"


class TooManyCompared(Refused):
    """The budget is compared with as many documents as may be: remove one first."""

    code = "comparison.too_many"
    kind = "limit"


class NotCompared(Refused):
    """The budget is not compared with this document."""

    code = "comparison.unknown"
    kind = "unknown"


ComparisonCommand = AddComparison | RemoveComparison
ComparisonEvent = ComparisonAdded | ComparisonRemoved


def decide(command: ComparisonCommand, comparison: Comparison, context: Context) -> list[Event]:  # noqa: ARG001 - as all
    """Answer a command with what happens, or refuse it. That the document is there was looked up before."""
    documents = comparison.documents
    match command:
        case AddComparison(document_id=document_id, compared_as=compared_as):
            added = ComparisonAdded(**structs.asdict(command))
            if documents.get(document_id) == added:
                return []
            others = [each for key, each in documents.items() if key != document_id]
            if compared_as == "estimate" and any(each.compared_as == "estimate" for each in others):
                raise EstimateTaken
            if len(others) >= MOST_DOCUMENTS:
                raise TooManyCompared(f"The budget is compared with {MOST_DOCUMENTS} documents: remove one first.")
            return [added]
        case RemoveComparison(project_id=project_id, document_id=document_id):
            if document_id not in documents:
                raise NotCompared
            return [ComparisonRemoved(project_id=project_id, document_id=document_id)]


def evolve(comparison: Comparison, event: ComparisonEvent) -> Comparison:
    """Apply what happened. Never fails."""
    match event:
        case ComparisonAdded(document_id=document_id):
            return Comparison(documents=comparison.documents | {document_id: event})
        case ComparisonRemoved(document_id=document_id):
            return Comparison(documents={key: each for key, each in comparison.documents.items() if key != document_id})


COMPARISON = Aggregate(
    name="comparison",
    key="project_id",
    feed="project",
    feed_key="project_id",
    commands=(AddComparison, RemoveComparison),
    events=(ComparisonAdded, ComparisonRemoved),
    state=Comparison,
    decide=decide,
    evolve=evolve,
)
