"""What people and programs may ask of a budget."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.bill import Declared, ItemKind
from domain.core import Command, Name, Text
from domain.position import Position

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Revision = Annotated[int, Meta(ge=1)]

MOST_EDITS = 5_000
MOST_PROPOSED = 1_000
"""Of each kind in one variation."""


class Edit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """New values for some fields of a position; fields left out stay as they are, `null` empties a number."""

    number: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    code: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    category: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    kind: ItemKind | UnsetType = UNSET
    section: tuple[str, ...] | UnsetType = UNSET
    quantity: Decimal | UnsetType | None = UNSET
    unit: Annotated[str, Meta(max_length=50)] | UnsetType = UNSET
    unit_price: Decimal | UnsetType | None = UNSET
    vat_rate: Decimal | UnsetType | None = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    enrichment: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class ImportPositions(Command, frozen=True, kw_only=True, tag="budget.import_positions"):
    """Add the positions of a document that was read, as one version. Once per document."""

    project_id: UUID
    document_id: UUID
    positions: tuple[Position, ...]
    declared: Declared = Declared()
    currency: Currency
    rounding: Annotated[int, Meta(ge=0, le=6)] = 2


class AddPosition(Command, frozen=True, kw_only=True, tag="position.add"):
    """Add a position behind the last one, or behind `after`."""

    project_id: UUID
    position_id: UUID
    fields: Edit
    after: UUID | None = None


class EditPosition(Command, frozen=True, kw_only=True, tag="position.edit"):
    """Change some fields of a position. With `expected_revision`, only if nobody changed it since."""

    project_id: UUID
    position_id: UUID
    changes: Edit
    expected_revision: Revision | None = None


class RemovePosition(Command, frozen=True, kw_only=True, tag="position.remove"):
    """Take a position out. With `expected_revision`, only if nobody changed it since."""

    project_id: UUID
    position_id: UUID
    expected_revision: Revision | None = None


class MovePosition(Command, frozen=True, kw_only=True, tag="position.move"):
    """Put a position behind another, or first where `after` is null; into another section if one is named."""

    project_id: UUID
    position_id: UUID
    after: UUID | None = None
    section: tuple[str, ...] | None = None
    expected_revision: Revision | None = None


class BulkItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of many edits made together."""

    position_id: UUID
    changes: Edit
    expected_revision: Revision | None = None


class BulkEdit(Command, frozen=True, kw_only=True, tag="budget.bulk_edit"):
    """Change many positions as one version: all of them, or none."""

    project_id: UUID
    edits: Annotated[tuple[BulkItem, ...], Meta(min_length=1, max_length=MOST_EDITS)]
    trigger: Literal["user_edit", "chat_modification"] = "user_edit"


class Recalculate(Command, frozen=True, kw_only=True, tag="budget.recalculate"):
    """Compute every line total again, as its document rounds; all to one number of decimals if that is named."""

    project_id: UUID
    rounding: Annotated[int, Meta(ge=0, le=6)] | None = None


class RestoreVersion(Command, frozen=True, kw_only=True, tag="budget.restore_version"):
    """Make the budget what it was at a version. That is a new version; nothing is forgotten."""

    project_id: UUID
    version: Annotated[int, Meta(ge=1)]


class NameVersion(Command, frozen=True, kw_only=True, tag="budget.name_version"):
    """Give a version a name that people can find it by."""

    project_id: UUID
    version: Annotated[int, Meta(ge=1)]
    name: Name


class Addition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A position to add behind the last one, or behind `after`, which may be an addition before it."""

    position_id: UUID
    fields: Edit
    after: UUID | None = None


class Omission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A position to take out."""

    position_id: UUID
    expected_revision: Revision | None = None


class Proposal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a variation would do to a budget; each position is named once.

    An `expected_revision` is the one that the author saw; where it is left out, the present one counts as seen.
    """

    additions: Annotated[tuple[Addition, ...], Meta(max_length=MOST_PROPOSED)] = ()
    changes: Annotated[tuple[BulkItem, ...], Meta(max_length=MOST_PROPOSED)] = ()
    omissions: Annotated[tuple[Omission, ...], Meta(max_length=MOST_PROPOSED)] = ()


class DraftVariation(Command, frozen=True, kw_only=True, tag="variation.draft"):
    """Begin a variation, also called change order: changes that count only once they are approved. It gets a number."""

    project_id: UUID
    variation_id: UUID
    name: Name
    reason: Text = ""
    proposal: Proposal = Proposal()


class ReviseVariation(Command, frozen=True, kw_only=True, tag="variation.revise"):
    """Change what is given, and see the budget as it is now: that also renews an outdated one. It is a draft again."""

    project_id: UUID
    variation_id: UUID
    name: Name | UnsetType = UNSET
    reason: Text | UnsetType = UNSET
    proposal: Proposal | UnsetType = UNSET
    expected_revision: Revision | None = None


class SubmitVariation(Command, frozen=True, kw_only=True, tag="variation.submit"):
    """Put a draft before those who approve."""

    project_id: UUID
    variation_id: UUID


class ApproveVariation(Command, frozen=True, kw_only=True, tag="variation.approve"):
    """Carry a submitted variation out, all of it, as one version of its name.

    With `expected_revision`, only if nobody revised it since.
    """

    project_id: UUID
    variation_id: UUID
    expected_revision: Revision | None = None


class RejectVariation(Command, frozen=True, kw_only=True, tag="variation.reject"):
    """Say no to a submitted variation, and why."""

    project_id: UUID
    variation_id: UUID
    reason: Annotated[str, Meta(min_length=1, max_length=10_000, pattern=r"\S")]


class WithdrawVariation(Command, frozen=True, kw_only=True, tag="variation.withdraw"):
    """Take a variation back that nobody decided on yet."""

    project_id: UUID
    variation_id: UUID


VariationCommand = (
    DraftVariation | ReviseVariation | SubmitVariation | ApproveVariation | RejectVariation | WithdrawVariation
)
BudgetCommand = (
    ImportPositions
    | AddPosition
    | EditPosition
    | RemovePosition
    | MovePosition
    | BulkEdit
    | Recalculate
    | RestoreVersion
    | NameVersion
    | VariationCommand
)
