"""What a budget is, and how what happens changes it."""

from decimal import Decimal
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, structs

from domain.bill import Declared
from domain.budget.commands import Edit, Proposal
from domain.budget.events import (
    RANK_STEP,
    BudgetEvent,
    Imported,
    PositionAdded,
    PositionEdited,
    PositionMoved,
    PositionRemoved,
    VariationApproved,
    VariationDrafted,
    VariationEvent,
    VariationRejected,
    VariationRevised,
    VariationSubmitted,
    VariationWithdrawn,
    Versioned,
    VersionNamed,
)
from domain.position import Position


class ImportedDocument(Struct, kw_only=True):
    """What a document declared about the positions that came from it; `rounding` is that of its line totals.

    `diminished` are its sections that lost a position since: declared sums no longer speak of what is left there.
    """

    declared: Declared
    rounding: int = 2
    diminished: set[tuple[str, ...]] = set()


VariationStatus = Literal["draft", "submitted", "approved", "rejected", "withdrawn"]


class Variation(Struct, frozen=True, kw_only=True):
    """Changes that are proposed. Once it is decided on, what it proposed is only in the log.

    `submitted_by` is the actor who last submitted it, empty where nobody did.
    """

    number: int
    name: str
    reason: str
    proposal: Proposal
    status: VariationStatus = "draft"
    revision: int = 1
    submitted_by: str = ""


class Budget(Struct, kw_only=True):
    """The state of a budget.

    Mutable on purpose: `evolve` updates the maps in place, because copying 100,000 positions for each event
    would cost the square. Whoever folds owns the state; `decide` only reads it.
    """

    version: int = 0
    currency: str = ""
    rounding: int = 2
    total_cost: Decimal = Decimal(0)
    positions: dict[UUID, Position] = {}
    ranks: dict[UUID, int] = {}
    last_rank: int = 0
    removed: dict[UUID, int] = {}
    """Revisions of removed positions: one that comes back goes on counting."""
    documents: dict[UUID, ImportedDocument] = {}
    names: dict[int, str] = {}
    variations: dict[UUID, Variation] = {}


def evolve(budget: Budget, event: BudgetEvent) -> Budget:
    """Apply what happened, in place. Never fails."""
    match event:
        case Imported():
            _take_in(budget, event)
        case PositionAdded(position=position, rank=rank):
            _put(budget, position, rank)
            budget.removed.pop(position.position_id, None)
        case PositionEdited(position_id=position_id, revision=revision, changes=changes):
            position = budget.positions[position_id]
            if changes.section is not UNSET:
                _diminish(budget, position)
            budget.positions[position_id] = structs.replace(with_edit(position, changes), revision=revision)
            if changes.rank is not UNSET:
                budget.ranks[position_id] = changes.rank
        case PositionMoved(position_id=position_id, revision=revision, rank=rank, section=section):
            position = structs.replace(budget.positions[position_id], revision=revision)
            if section is not None:
                _diminish(budget, position)
                position = structs.replace(position, section=section)
            _put(budget, position, rank)
        case PositionRemoved(position_id=position_id):
            position = budget.positions.pop(position_id)
            _diminish(budget, position)
            budget.removed[position_id] = position.revision
            del budget.ranks[position_id]
        case Versioned():
            budget.version = event.version
            budget.total_cost = event.total_cost
            budget.currency = event.currency
            budget.rounding = event.rounding
        case VersionNamed(version=version, name=name):
            budget.names[version] = name
        case _:
            budget.variations[event.variation_id] = _varied(budget, event)
    return budget


def _varied(budget: Budget, event: VariationEvent) -> Variation:
    if isinstance(event, VariationDrafted):
        return Variation(number=event.number, name=event.name, reason=event.reason, proposal=event.proposal)
    variation = budget.variations[event.variation_id]
    match event:
        case VariationRevised(revision=revision, name=name, reason=reason, proposal=proposal):
            return structs.replace(
                variation, revision=revision, name=name, reason=reason, proposal=proposal, status="draft"
            )
        case VariationSubmitted(submitted_by=submitted_by):
            return structs.replace(variation, status="submitted", submitted_by=submitted_by)
        case VariationApproved():
            return structs.replace(variation, status="approved", proposal=Proposal())
        case VariationRejected():
            return structs.replace(variation, status="rejected", proposal=Proposal())
        case VariationWithdrawn():
            return structs.replace(variation, status="withdrawn", proposal=Proposal())


def _take_in(budget: Budget, event: Imported) -> None:
    for index, position in enumerate(event.positions):
        _put(budget, position, event.first_rank + index * RANK_STEP)
    if event.declared is not None:
        budget.documents[event.document_id] = ImportedDocument(declared=event.declared, rounding=event.rounding)


def _diminish(budget: Budget, position: Position) -> None:
    document = budget.documents.get(position.source_document_id) if position.source_document_id else None
    if document is not None:
        document.diminished.add(position.section)


def _put(budget: Budget, position: Position, rank: int) -> None:
    budget.positions[position.position_id] = position
    budget.ranks[position.position_id] = rank
    budget.last_rank = max(budget.last_rank, rank)


def with_edit(position: Position, edit: Edit) -> Position:
    """Give the position its new values; its rank is not part of it."""
    given = {
        field: value
        for field in edit.__struct_fields__
        if (value := getattr(edit, field)) is not UNSET and field != "rank"
    }
    return structs.replace(position, **given)
