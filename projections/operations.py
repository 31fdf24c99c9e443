"""Operations of outside engines: what each came to, the milestones on the way, and how far it is right now."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct, structs

from domain.operation import (
    MilestoneReached,
    OperationClosed,
    OperationEvent,
    OperationOpened,
    OperationPhaseEntered,
    Stage,
    UnknownOperation,
)
from projections.asking import MEMBERS, Listing, Order, Page, Query, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row
from runtime.progress import Progress, engine_job

NAME = "operations"
MOST_MILESTONES = 100
"""Milestones that a row keeps, the newest of them; the log has them all."""

Status = Literal["open", "completed", "failed", "cancelled"]


class Milestone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something worth telling that an operation reached."""

    event_id: int
    phase: str
    stage: Stage
    items_done: int | None = None
    items_total: int | None = None
    at: datetime


class OperationRow(Row, frozen=True, kw_only=True):
    """An operation. `stage` is empty before its first phase; `milestones` counts all that there were."""

    table: ClassVar = "operations"
    key: ClassVar = ("operation_id",)
    indexes: ClassVar = ("project_id, opened_position", "project_id, job_id")

    operation_id: UUID
    project_id: UUID
    job_id: UUID
    name: str
    status: Status = "open"
    event_id: int = 0
    phase: str = ""
    stage: str = ""
    step_index: int | None = None
    step_total: int | None = None
    milestones: int = 0
    newest_milestones: tuple[Milestone, ...] = ()
    error: str | None = None
    opened_by: str
    opened_at: datetime
    opened_position: int
    changed_at: datetime
    closed_at: datetime | None = None


def _keys(seen: Seen) -> Touched:
    yield OperationRow, (seen.event.operation_id,)


def _fold(rows: Rows, seen: Seen) -> None:
    event: OperationEvent = seen.event
    if isinstance(event, OperationOpened):
        rows.put(
            OperationRow(
                operation_id=event.operation_id,
                project_id=event.project_id,
                job_id=event.job_id,
                name=event.name,
                opened_by=seen.actor,
                opened_at=seen.at,
                opened_position=seen.position,
                changed_at=seen.at,
            )
        )
    elif row := rows.get(OperationRow, event.operation_id):
        rows.put(structs.replace(row, changed_at=seen.at, **_changes(row, event, seen)))


def _changes(row: OperationRow, event: OperationEvent, seen: Seen) -> dict[str, Any]:
    match event:
        case OperationOpened():
            return {}
        case OperationPhaseEntered():
            return {
                "event_id": event.event_id,
                "phase": event.phase,
                "stage": event.stage.value,
                "step_index": event.step_index,
                "step_total": event.step_total,
            }
        case MilestoneReached():
            milestone = Milestone(
                event_id=event.event_id,
                phase=event.phase,
                stage=event.stage,
                items_done=event.items_done,
                items_total=event.items_total,
                at=seen.at,
            )
            newest = (*row.newest_milestones, milestone)[-MOST_MILESTONES:]
            return {"event_id": event.event_id, "milestones": row.milestones + 1, "newest_milestones": newest}
        case OperationClosed(outcome=outcome, error=error):
            return {"status": outcome, "error": error or None, "closed_at": seen.at}


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(OperationRow,),
    events=(OperationOpened, OperationPhaseEntered, MilestoneReached, OperationClosed),
    keys=_keys,
    fold=_fold,
)


class ListOperations(Listing, frozen=True, kw_only=True, tag="operations.list"):
    """A project's operations, newest first; by status, or by the engine's job that they belong to."""

    project_id: UUID
    status: Status | None = None
    job_id: UUID | None = None


class GetOperation(Query, frozen=True, kw_only=True, tag="operations.get"):
    """One operation, with its newest milestones and how far it is."""

    project_id: UUID
    operation_id: UUID


class OperationItem(Struct, frozen=True, kw_only=True):
    """An operation, see `OperationRow`."""

    operation_id: UUID
    job_id: UUID
    name: str
    status: Status
    phase: str
    stage: str
    step_index: int | None
    step_total: int | None
    milestones: int
    error: str | None
    opened_by: str
    opened_at: datetime
    opened_position: int
    changed_at: datetime
    closed_at: datetime | None


class OperationDetails(OperationItem, frozen=True, kw_only=True):
    """An operation with its newest milestones. `live`: the last step that was told, while it is open and remembered."""

    newest_milestones: tuple[Milestone, ...]
    live: Progress | None = None


OPERATIONS = "SELECT o.* FROM read.operations o WHERE o.project_id = %(project_id)s"


async def _list_operations(reading: Reading, query: ListOperations) -> Page[OperationItem]:
    return await reading.page(
        query,
        OperationItem,
        OPERATIONS,
        Order(fields=("opened_position",), table="o", descending=True),
        ("status", "o.status = %(status)s", query.status),
        ("job_id", "o.job_id = %(job_id)s", query.job_id),
        project_id=query.project_id,
    )


async def _get_operation(reading: Reading, query: GetOperation) -> OperationDetails:
    found = await reading.select(
        OperationDetails,
        f"{OPERATIONS} AND o.operation_id = %(operation_id)s",
        {"operation_id": query.operation_id},
        project_id=query.project_id,
    )
    if not found:
        raise UnknownOperation
    (operation,) = found
    if operation.status != "open":
        return operation
    live = await reading.progress(engine_job(query.project_id, operation.job_id))
    mine = live is not None and live.step.scope == str(operation.operation_id)
    return structs.replace(operation, live=live) if mine else operation


QUESTIONS = (
    Question(query=ListOperations, result=Page[OperationItem], sources=(MEMBERS, NAME), answer=_list_operations),
    Question(query=GetOperation, result=OperationDetails, sources=(MEMBERS, NAME), answer=_get_operation),
)
