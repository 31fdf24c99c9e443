"""What can happen to a budget."""

from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from domain.bill import CodeSystem, Declared, Rounding, TakeoffLine
from domain.budget.commands import Edit, Proposal
from domain.core import Event
from domain.position import Position, PositionSource

Trigger = Literal[
    "initial", "document_added", "user_edit", "chat_modification", "recalculation", "restore", "variation"
]

MOST_POSITIONS_PER_EVENT = 200
RANK_STEP = 1_000_000
"""Distance between neighbours' ranks: leaves room to move positions between them."""


class Changes(Edit, frozen=True, kw_only=True, omit_defaults=True):
    """What an event changes: an edit, what follows from it, and what only a restore brings back."""

    code_system: CodeSystem | UnsetType = UNSET
    material_price: Decimal | UnsetType | None = UNSET
    assembly_price: Decimal | UnsetType | None = UNSET
    total_price: Decimal | UnsetType | None = UNSET
    declared_total: Decimal | UnsetType | None = UNSET
    takeoff: tuple[TakeoffLine, ...] | UnsetType = UNSET
    source: PositionSource | UnsetType = UNSET
    source_document_id: UUID | UnsetType | None = UNSET
    source_sheet: str | UnsetType = UNSET
    source_line: int | UnsetType = UNSET
    rounding: Rounding | UnsetType | None = UNSET
    rank: int | UnsetType = UNSET


class Imported(Event, frozen=True, kw_only=True, tag="budget.imported"):
    """Up to 200 positions of a document, ranked from `first_rank` on; the first part says what it declares."""

    project_id: UUID
    document_id: UUID
    part: int
    first_rank: int
    positions: tuple[Position, ...]
    declared: Declared | None = None
    currency: str
    rounding: int = 2


class PositionAdded(Event, frozen=True, kw_only=True, tag="position.added"):
    """A position is new, or back."""

    project_id: UUID
    position: Position
    rank: int


class PositionEdited(Event, frozen=True, kw_only=True, tag="position.edited"):
    """Fields of a position have other values."""

    project_id: UUID
    position_id: UUID
    revision: int
    changes: Changes


class PositionRemoved(Event, frozen=True, kw_only=True, tag="position.removed"):
    """A position is gone from this version on."""

    project_id: UUID
    position_id: UUID


class PositionMoved(Event, frozen=True, kw_only=True, tag="position.moved"):
    """A position stands elsewhere. One that only made room for another keeps its revision."""

    project_id: UUID
    position_id: UUID
    revision: int
    rank: int
    section: tuple[str, ...] | None = None


class ChangeCounts(Struct, frozen=True, kw_only=True):
    """How many positions a version added, removed and modified."""

    added: int = 0
    removed: int = 0
    modified: int = 0


class Versioned(Event, frozen=True, kw_only=True, tag="budget.versioned"):
    """A change is complete: this is what the budget comes to now."""

    project_id: UUID
    version: int
    trigger: Trigger
    trigger_details: dict[str, Any] = {}
    total_positions: int
    total_cost: Decimal
    delta_cost: Decimal
    currency: str = ""
    rounding: int = 2
    summary: str = ""
    changes: ChangeCounts


class VersionNamed(Event, frozen=True, kw_only=True, tag="budget.version_named"):
    """A version can be found by a name."""

    project_id: UUID
    version: int
    name: str


class VariationDrafted(Event, frozen=True, kw_only=True, tag="variation.drafted"):
    """A variation was begun; `cost_effect` is what it adds to the total of the budget that it saw.

    The revisions in its proposal are those of the positions that it saw.
    """

    project_id: UUID
    variation_id: UUID
    number: int
    name: str
    reason: str
    proposal: Proposal
    cost_effect: Decimal


class VariationRevised(Event, frozen=True, kw_only=True, tag="variation.revised"):
    """A variation reads like this now, and has seen the budget as it was then. It is a draft."""

    project_id: UUID
    variation_id: UUID
    revision: int
    name: str
    reason: str
    proposal: Proposal
    cost_effect: Decimal


class VariationSubmitted(Event, frozen=True, kw_only=True, tag="variation.submitted"):
    """A variation waits for a decision, which `submitted_by` will hear of: an actor, empty in older events."""

    project_id: UUID
    variation_id: UUID
    submitted_by: str = ""


class VariationApproved(Event, frozen=True, kw_only=True, tag="variation.approved"):
    """A variation was carried out: it is this version of the budget."""

    project_id: UUID
    variation_id: UUID
    version: int
    cost_effect: Decimal


class VariationRejected(Event, frozen=True, kw_only=True, tag="variation.rejected"):
    """A variation will not be carried out."""

    project_id: UUID
    variation_id: UUID
    reason: str


class VariationWithdrawn(Event, frozen=True, kw_only=True, tag="variation.withdrawn"):
    """A variation was taken back."""

    project_id: UUID
    variation_id: UUID


VariationEvent = (
    VariationDrafted
    | VariationRevised
    | VariationSubmitted
    | VariationApproved
    | VariationRejected
    | VariationWithdrawn
)
BudgetEvent = (
    Imported
    | PositionAdded
    | PositionEdited
    | PositionRemoved
    | PositionMoved
    | Versioned
    | VersionNamed
    | VariationEvent
)
