"""Questions about projects: as they stand, or as they were at a moment."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, structs

from domain.budget import Versioned
from domain.experts.settings import AuditSettings
from domain.project import Role, UnknownProject, Workflow
from projections import audits, versions
from projections.asking import MEMBERS, Listing, Order, Page, Query, Question, Reading, contains
from projections.audits import Counts
from projections.moments import Moment, as_of, position_at
from projections.projects import NAME, PROJECTION, ProjectRow, Status, standing

SOURCES = (MEMBERS, NAME, audits.NAME)


class ListProjects(Listing, frozen=True, kw_only=True, tag="projects.list"):
    """The asking account's projects, newest first; by status, or by words in name or description."""

    status: Status | None = None
    text: str | None = None


class GetProject(Query, frozen=True, kw_only=True, tag="projects.get"):
    """One project; with `at`, as it was then."""

    project_id: UUID
    at: Moment | None = None


class ProjectItem(Struct, frozen=True, kw_only=True):
    """A project. `progress` is 0..100, `total_cost` in `currency`, `role` the asking account's own.

    `audit_id` is the latest completed audit, of `audited_version`, and `verdicts` counts positions as it judges them
    now; null before the first one; `audit_settings` is what the next one will use. `members` and
    `documents` are counts.
    """

    project_id: UUID
    name: str
    description: str
    workflow: Workflow
    status: Status
    progress: int
    role: Role | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    version: int
    total_positions: int
    total_cost: Decimal | None
    currency: str
    members: int
    documents: int
    audit_id: UUID | None
    audited_version: int | None
    verdicts: Counts | None
    audit_settings: AuditSettings
    created_position: int


class _Version(Struct, frozen=True, kw_only=True):
    version: int
    total_positions: int
    total_cost: Decimal | None
    currency: str
    at: datetime


GET = (
    "SELECT p.project_id, p.name, p.description, p.workflow, p.status, p.progress, p.created_at, p.updated_at,"
    " p.completed_at, p.version, p.total_positions, p.total_cost, p.currency, p.documents, p.audit_id,"
    " p.audited_version, p.audit_settings, p.created_position, p.roles ->> %(viewer)s::text AS role,"
    " (SELECT count(*) FROM jsonb_object_keys(p.roles)) AS members,"
    " (SELECT a.verdicts FROM read.audits a WHERE a.audit_id = p.audit_id) AS verdicts"
    " FROM read.projects p WHERE p.project_id = %(project_id)s"
)
SHARED = tuple(name for name in ProjectItem.__struct_fields__ if name not in {"role", "members", "verdicts"})
FIGURES = ("version", "total_positions", "total_cost", "currency")
VERSION_AT = (
    "SELECT version, total_positions, total_cost, currency, at FROM read.versions"
    " WHERE project_id = %(project_id)s AND position <= %(position)s ORDER BY position DESC LIMIT 1"
)
MINE = GET.replace(
    "WHERE p.project_id = %(project_id)s",
    "JOIN read.members m USING (project_id) WHERE m.account_id = %(viewer)s AND m.joined",
)


async def _list_projects(reading: Reading, query: ListProjects) -> Page[ProjectItem]:
    pattern = None if query.text is None else contains(query.text)
    return await reading.page(
        query,
        ProjectItem,
        MINE,
        Order(fields=("created_position",), table="p", descending=True),
        ("status", "p.status = %(status)s", query.status),
        ("text", "(p.name ILIKE %(text)s OR p.description ILIKE %(text)s)", pattern),
    )


async def _get_project(reading: Reading, query: GetProject) -> ProjectItem:
    if query.at is not None:
        return await _past_project(reading, query.project_id, query.at)
    found = await reading.select(ProjectItem, GET, {}, project_id=query.project_id)
    if not found:
        raise UnknownProject
    return found[0]


async def _past_project(reading: Reading, project_id: UUID, at: str) -> ProjectItem:
    """Fold the project's own events again, up to then; what its budget came to is in the versions."""
    position = await position_at(reading, project_id, at)
    await reading.reach(position)
    then = await as_of(reading, PROJECTION, f"project:{project_id}", position, without=(Versioned,))
    row = then.get(ProjectRow, project_id)
    if row is None:
        raise UnknownProject("The project did not exist then.")
    for version in await reading.select(_Version, VERSION_AT, {"position": position}, project_id=project_id):
        updated_at = max(row.updated_at, version.at)
        figures = {name: getattr(version, name) for name in FIGURES}
        row = standing(structs.replace(row, **figures, updated_at=updated_at))
    audited = await as_of(reading, audits.PROJECTION, f"project:{project_id}", position)
    audit = audited.get(audits.AuditRow, row.audit_id)
    shared = {name: getattr(row, name) for name in SHARED}
    return ProjectItem(
        **shared,
        role=row.roles.get(reading.account_id),
        members=len(row.roles),
        verdicts=audit.verdicts if audit else None,
    )


QUESTIONS = (
    Question(query=ListProjects, result=Page[ProjectItem], sources=SOURCES, answer=_list_projects),
    Question(query=GetProject, result=ProjectItem, sources=(*SOURCES, versions.NAME), answer=_get_project),
)
