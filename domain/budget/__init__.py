"""Budgets: the positions of a project and every version they went through. One per project.

Every change makes exactly one version, closed by `budget.versioned`. Optimistic locking is per position:
edits of different positions never conflict.
"""

from domain.budget.commands import (
    MOST_EDITS,
    AddPosition,
    BudgetCommand,
    BulkEdit,
    BulkItem,
    Currency,
    Edit,
    EditPosition,
    ImportPositions,
    MovePosition,
    NameVersion,
    Recalculate,
    RemovePosition,
    RestoreVersion,
    Revision,
)
from domain.budget.decider import decide
from domain.budget.events import (
    MOST_POSITIONS_PER_EVENT,
    RANK_STEP,
    BudgetEvent,
    ChangeCounts,
    Changes,
    Imported,
    PositionAdded,
    PositionEdited,
    PositionMoved,
    PositionRemoved,
    Trigger,
    Versioned,
    VersionNamed,
)
from domain.budget.pricing import LARGEST
from domain.budget.refusals import (
    AlreadyImported,
    BadAmount,
    NothingToImport,
    OtherCurrency,
    PositionIdTaken,
    RevisionConflict,
    TwiceInBulk,
    UnknownPosition,
    UnknownVersion,
)
from domain.budget.state import Budget, ImportedDocument, evolve
from domain.budget.versions import difference
from domain.core import Aggregate

__all__ = [
    "BUDGET",
    "LARGEST",
    "MOST_EDITS",
    "MOST_POSITIONS_PER_EVENT",
    "RANK_STEP",
    "AddPosition",
    "AlreadyImported",
    "BadAmount",
    "Budget",
    "BudgetCommand",
    "BudgetEvent",
    "BulkEdit",
    "BulkItem",
    "ChangeCounts",
    "Changes",
    "Currency",
    "Edit",
    "EditPosition",
    "ImportPositions",
    "Imported",
    "ImportedDocument",
    "MovePosition",
    "NameVersion",
    "NothingToImport",
    "OtherCurrency",
    "PositionAdded",
    "PositionEdited",
    "PositionIdTaken",
    "PositionMoved",
    "PositionRemoved",
    "Recalculate",
    "RemovePosition",
    "RestoreVersion",
    "Revision",
    "RevisionConflict",
    "Trigger",
    "TwiceInBulk",
    "UnknownPosition",
    "UnknownVersion",
    "VersionNamed",
    "Versioned",
    "decide",
    "difference",
    "evolve",
]

BUDGET = Aggregate(
    name="budget",
    key="project_id",
    feed="project",
    feed_key="project_id",
    commands=(
        ImportPositions,
        AddPosition,
        EditPosition,
        RemovePosition,
        MovePosition,
        BulkEdit,
        Recalculate,
        RestoreVersion,
        NameVersion,
    ),
    events=(Imported, PositionAdded, PositionEdited, PositionRemoved, PositionMoved, Versioned, VersionNamed),
    state=Budget,
    decide=decide,
    evolve=evolve,
)
