"""Variations: what is proposed for each budget, how it stands, and what it would cost."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.budget import (
    Proposal,
    VariationApproved,
    VariationDrafted,
    VariationEvent,
    VariationRejected,
    VariationRevised,
    VariationStatus,
    VariationSubmitted,
    VariationWithdrawn,
)
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row, amount

NAME = "variations"


class VariationRow(Row, frozen=True, kw_only=True):
    """A variation: what it says, and what became of it, last at `position` of the log."""

    table: ClassVar = "variations"
    key: ClassVar = ("project_id", "variation_id")
    indexes: ClassVar = ("project_id, number",)

    project_id: UUID
    variation_id: UUID
    number: int
    name: str
    reason: str
    status: VariationStatus = "draft"
    revision: int = 1
    proposal: Proposal
    cost_effect: Decimal | None
    drafted_by: str
    drafted_at: datetime
    submitted_by: str | None = None
    submitted_at: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    rejection: str | None = None
    version: int | None = None
    position: int


def _keys(seen: Seen) -> Touched:
    if not isinstance(seen.event, VariationDrafted):
        yield VariationRow, (seen.event.project_id, seen.event.variation_id)


def _fold(rows: Rows, seen: Seen) -> None:
    event: VariationEvent = seen.event
    if isinstance(event, VariationDrafted):
        rows.put(
            VariationRow(
                project_id=event.project_id,
                variation_id=event.variation_id,
                number=event.number,
                name=event.name,
                reason=event.reason,
                proposal=event.proposal,
                cost_effect=amount(event.cost_effect),
                drafted_by=seen.actor,
                drafted_at=seen.at,
                position=seen.position,
            )
        )
    elif row := rows.get(VariationRow, event.project_id, event.variation_id):
        rows.put(structs.replace(row, position=seen.position, **_changes(event, seen)))


def _changes(event: VariationEvent, seen: Seen) -> dict[str, Any]:
    closed = {"closed_by": seen.actor, "closed_at": seen.at}
    match event:
        case VariationDrafted():
            return {}
        case VariationRevised(revision=revision, name=name, reason=reason, proposal=proposal, cost_effect=cost):
            said = {"revision": revision, "name": name, "reason": reason, "proposal": proposal}
            return said | {
                "status": "draft",
                "cost_effect": amount(cost),
                "submitted_by": None,
                "submitted_at": None,
            }
        case VariationSubmitted():
            return {"status": "submitted", "submitted_by": seen.actor, "submitted_at": seen.at}
        case VariationApproved(version=version, cost_effect=cost):
            return closed | {"status": "approved", "version": version, "cost_effect": amount(cost)}
        case VariationRejected(reason=reason):
            return closed | {"status": "rejected", "rejection": reason}
        case VariationWithdrawn():
            return closed | {"status": "withdrawn"}


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(VariationRow,),
    events=(
        VariationDrafted,
        VariationRevised,
        VariationSubmitted,
        VariationApproved,
        VariationRejected,
        VariationWithdrawn,
    ),
    keys=_keys,
    fold=_fold,
)


class ListVariations(Listing, frozen=True, kw_only=True, tag="variations.list"):
    """The variations of a project's budget, newest first; with `status`, those that stand so."""

    project_id: UUID
    status: VariationStatus | None = None


class VariationItem(Struct, frozen=True, kw_only=True):
    """A variation. `version` is the one that it became when it was approved, `rejection` why it was not.

    `cost_effect` is what it adds to the total: of the budget that it saw when it was drafted or last revised, or of the
    one that it was approved for.
    """

    variation_id: UUID
    number: int
    name: str
    reason: str
    status: VariationStatus
    revision: int
    cost_effect: Decimal | None
    drafted_by: str
    drafted_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    rejection: str | None
    version: int | None


COLUMNS = ", ".join(f"v.{name}" for name in VariationItem.__struct_fields__)
VARIATIONS = f"SELECT {COLUMNS} FROM read.variations v WHERE v.project_id = %(project_id)s"  # noqa: S608 - our own text


async def _list_variations(reading: Reading, query: ListVariations) -> Page[VariationItem]:
    return await reading.page(
        query,
        VariationItem,
        VARIATIONS,
        Order(fields=("number",), table="v", descending=True),
        ("status", "v.status = %(status)s", query.status),
        project_id=query.project_id,
    )


QUESTIONS = (
    Question(query=ListVariations, result=Page[VariationItem], sources=(MEMBERS, NAME), answer=_list_variations),
)
