"""Projects: what each is called, how far it has come, and what it comes to."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import structs

from domain import audit, budget, document, job, project
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.job import JobKind
from domain.project import Role, Workflow
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row, amount

NAME = "projects"

Status = Literal["draft", "parsing", "enriching", "auditing", "completed", "archived"]
Stage = Literal["parsing", "enriching", "auditing"]

STAGES: tuple[tuple[Stage, int], ...] = (("parsing", 10), ("enriching", 40), ("auditing", 60))
"""Earliest first: a project is at the earliest stage that anything is still at. With the progress that it means."""
IMPORTED = 60
AUDITED = 99
"""Progress of a budget that waits for its audit, and of an audit that has looked at everything."""


class ProjectRow(Row, frozen=True, kw_only=True):
    """A project. `status` and `progress` follow from what runs for it: `jobs`, and `audits` with how far each is."""

    table: ClassVar = "projects"
    key: ClassVar = ("project_id",)

    project_id: UUID
    name: str
    description: str
    workflow: Workflow
    status: Status = "draft"
    progress: int = 0
    archived: bool = False
    created_at: datetime
    created_position: int
    updated_at: datetime
    completed_at: datetime | None = None
    version: int = 0
    total_positions: int = 0
    total_cost: Decimal | None = None
    currency: str = ""
    roles: dict[UUID, Role] = {}
    documents: int = 0
    audit_id: UUID | None = None
    """The latest audit that was completed, of `audited_version`."""
    audited_version: int | None = None
    jobs: dict[UUID, Stage] = {}
    audits: dict[UUID, int] = {}
    audit_settings: AuditSettings = DEFAULTS
    """What the next audit will use."""


def _keys(seen: Seen) -> Touched:
    yield ProjectRow, (seen.event.project_id,)


def _fold(rows: Rows, seen: Seen) -> None:
    event = seen.event
    if isinstance(event, project.Created):
        rows.put(
            ProjectRow(
                project_id=event.project_id,
                name=event.name,
                description=event.description,
                workflow=event.workflow,
                created_at=seen.at,
                created_position=seen.position,
                updated_at=seen.at,
                roles={event.owner: "owner"},
            )
        )
    elif row := rows.get(ProjectRow, event.project_id):
        rows.put(standing(structs.replace(row, updated_at=seen.at, **_changes(row, event, seen))))


def _changes(row: ProjectRow, event: Any, seen: Seen) -> dict[str, Any]:
    """Say which fields an event changes."""
    match event:
        case project.Renamed(name=name):
            return {"name": name}
        case project.Described(description=description):
            return {"description": description}
        case project.MemberJoined(account_id=account_id, role=role):
            return {"roles": row.roles | {account_id: role}}
        case project.MemberRoleChanged(account_id=account_id, role=role):
            return {"roles": row.roles | {account_id: role}}
        case project.MemberRemoved(account_id=account_id):
            return {"roles": _without(row.roles, account_id)}
        case project.Archived() | project.Restored():
            return {"archived": isinstance(event, project.Archived)}
        case project.AuditConfigured(settings=settings):
            return {"audit_settings": settings}
        case document.Uploaded():
            return {"documents": row.documents + 1}
        case document.Removed() | document.Replaced():
            return {"documents": row.documents - 1}
        case budget.Versioned(version=version, total_positions=count, total_cost=cost, currency=currency):
            return {"version": version, "total_positions": count, "total_cost": amount(cost), "currency": currency}
        case job.Queued(job_id=job_id, kind=kind):
            return {"jobs": row.jobs | {job_id: stage}} if (stage := _stage(kind)) else {}
        case job.Completed(job_id=job_id) | job.Failed(job_id=job_id) | job.Cancelled(job_id=job_id):
            return {"jobs": _without(row.jobs, job_id)}
        case audit.AuditStarted(audit_id=audit_id):
            return {"audits": row.audits | {audit_id: 0}}
        case audit.FindingsRecorded(audit_id=audit_id, verdicts=verdicts):
            return {"audits": row.audits | {audit_id: row.audits.get(audit_id, 0) + len(verdicts)}}
        case audit.AuditCancelled(audit_id=audit_id):
            return {"audits": _without(row.audits, audit_id)}
        case audit.AuditCompleted(audit_id=audit_id, version=version):
            still = _without(row.audits, audit_id)
            return {"audits": still, "audit_id": audit_id, "audited_version": version, "completed_at": seen.at}
        case _:
            return {}


def _without(entries: dict[UUID, Any], key: UUID) -> dict[UUID, Any]:
    return {other: value for other, value in entries.items() if other != key}


def _stage(kind: JobKind) -> Stage | None:
    """Say what a project is at while a job of this kind goes on; `None` where it is none of its stages."""
    match kind:
        case "parse":
            return "parsing"
        case "import":
            return "enriching"
        case "audit":
            return "auditing"
        case "prices":
            return None  # it is about a catalogue
        case "export" | "analysis" | "clean_up":
            return None


def standing(row: ProjectRow) -> ProjectRow:
    """Derive status and progress. An archived project keeps its progress."""
    if row.archived:
        return structs.replace(row, status="archived")
    at = {*row.jobs.values(), *(("auditing",) if row.audits else ())}
    for stage, progress in STAGES:
        if stage in at:
            looked = max(row.audits.values(), default=0) if stage == "auditing" else 0
            share = min(looked / row.total_positions, 1) if row.total_positions else 0
            return structs.replace(row, status=stage, progress=progress + int(share * (AUDITED - progress)))
    if row.audit_id is not None:
        return structs.replace(row, status="completed", progress=100)
    return structs.replace(row, status="draft", progress=IMPORTED if row.version else 0)


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(ProjectRow,),
    events=(
        project.Created,
        project.Renamed,
        project.Described,
        project.MemberJoined,
        project.MemberRoleChanged,
        project.MemberRemoved,
        project.Archived,
        project.Restored,
        project.AuditConfigured,
        document.Uploaded,
        document.Replaced,
        document.Removed,
        budget.Versioned,
        job.Queued,
        job.Completed,
        job.Failed,
        job.Cancelled,
        audit.AuditStarted,
        audit.FindingsRecorded,
        audit.AuditCompleted,
        audit.AuditCancelled,
    ),
    keys=_keys,
    fold=_fold,
)
