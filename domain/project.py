"""Projects: a name, a workflow, and who may do what in it."""

from typing import Literal
from uuid import UUID

from msgspec import Struct, structs

from domain.core import Aggregate, Command, Context, Event, Name, Refused, Text
from domain.experts.settings import DEFAULTS, AuditSettings

Role = Literal["owner", "editor", "auditor", "viewer"]
Workflow = Literal["workflow_a", "workflow_b"]
"""`workflow_a` imports and audits a bill, `workflow_b` generates a budget from drawings."""


class CreateProject(Command, frozen=True, kw_only=True, tag="project.create"):
    """Start a project. Whoever creates it owns it."""

    project_id: UUID
    name: Name
    description: Text = ""
    workflow: Workflow = "workflow_a"


class RenameProject(Command, frozen=True, kw_only=True, tag="project.rename"):
    """Give the project another name."""

    project_id: UUID
    name: Name


class DescribeProject(Command, frozen=True, kw_only=True, tag="project.describe"):
    """Replace the project's description."""

    project_id: UUID
    description: Text


class InviteMember(Command, frozen=True, kw_only=True, tag="project.invite_member"):
    """Offer an account a role in the project. The account must accept."""

    project_id: UUID
    account_id: UUID
    role: Role


class AcceptInvitation(Command, frozen=True, kw_only=True, tag="project.accept_invitation"):
    """Accept the role that the acting account was offered."""

    project_id: UUID


class ChangeMemberRole(Command, frozen=True, kw_only=True, tag="project.change_member_role"):
    """Give a member another role. The last owner stays one. An administrator of the installation may do this, too."""

    project_id: UUID
    account_id: UUID
    role: Role


class RemoveMember(Command, frozen=True, kw_only=True, tag="project.remove_member"):
    """Take a member out, or withdraw an invitation. The last owner stays."""

    project_id: UUID
    account_id: UUID


class ArchiveProject(Command, frozen=True, kw_only=True, tag="project.archive"):
    """Close the project for changes; it stays readable. An administrator of the installation may do this, too."""

    project_id: UUID


class RestoreProject(Command, frozen=True, kw_only=True, tag="project.restore"):
    """Open an archived project again."""

    project_id: UUID


class ConfigureAudit(Command, frozen=True, kw_only=True, tag="project.configure_audit"):
    """Set the parameters of the rules and the profile for concrete; what is left out has its default.

    The next audit uses them, and records that it did.
    """

    project_id: UUID
    settings: AuditSettings


class Created(Event, frozen=True, kw_only=True, tag="project.created"):
    """A project was started."""

    project_id: UUID
    name: str
    owner: UUID
    description: str = ""
    workflow: Workflow = "workflow_a"


class Renamed(Event, frozen=True, kw_only=True, tag="project.renamed"):
    """The project has another name."""

    project_id: UUID
    name: str


class Described(Event, frozen=True, kw_only=True, tag="project.described"):
    """The project has another description."""

    project_id: UUID
    description: str


class MemberInvited(Event, frozen=True, kw_only=True, tag="project.member_invited"):
    """An account was offered a role."""

    project_id: UUID
    account_id: UUID
    role: Role


class MemberJoined(Event, frozen=True, kw_only=True, tag="project.member_joined"):
    """An account took a role."""

    project_id: UUID
    account_id: UUID
    role: Role


class MemberRoleChanged(Event, frozen=True, kw_only=True, tag="project.member_role_changed"):
    """A member has another role."""

    project_id: UUID
    account_id: UUID
    role: Role


class MemberRemoved(Event, frozen=True, kw_only=True, tag="project.member_removed"):
    """A member or an invitation is gone."""

    project_id: UUID
    account_id: UUID


class Archived(Event, frozen=True, kw_only=True, tag="project.archived"):
    """The project is closed for changes."""

    project_id: UUID


class Restored(Event, frozen=True, kw_only=True, tag="project.restored"):
    """The project is open again."""

    project_id: UUID


class AuditConfigured(Event, frozen=True, kw_only=True, tag="project.audit_configured"):
    """Audits have other parameters from now on."""

    project_id: UUID
    settings: AuditSettings


class Project(Struct, frozen=True, kw_only=True):
    """The state of one project. `name` is empty before it is created."""

    name: str = ""
    description: str = ""
    archived: bool = False
    members: dict[UUID, Role] = {}
    invited: dict[UUID, Role] = {}
    audit_settings: AuditSettings = DEFAULTS

    @property
    def exists(self) -> bool:
        """Whether it was created."""
        return bool(self.name)


class AlreadyCreated(Refused):
    """A project with this id exists already."""

    code = "project.already_created"


class UnknownProject(Refused):
    """There is no such project."""

    code = "project.unknown"
    kind = "unknown"


class ProjectArchived(Refused):
    """The project is archived: restore it before changing it."""

    code = "project.archived"


class AlreadyMember(Refused):
    """This account is a member already: change its role instead."""

    code = "project.already_member"


class NotInvited(Refused):
    """This account has no open invitation to the project."""

    code = "project.not_invited"
    kind = "forbidden"


class UnknownMember(Refused):
    """This account is neither a member nor invited."""

    code = "project.unknown_member"
    kind = "unknown"


class BadAuditSettings(Refused):
    """No rule could work with these parameters."""

    code = "project.bad_audit_settings"
    kind = "invalid"


class LastOwner(Refused):
    """A project needs an owner: make somebody else one first."""

    code = "project.last_owner"


ProjectCommand = (
    CreateProject
    | RenameProject
    | DescribeProject
    | InviteMember
    | AcceptInvitation
    | ChangeMemberRole
    | RemoveMember
    | ArchiveProject
    | RestoreProject
    | ConfigureAudit
)
ProjectEvent = (
    Created
    | Renamed
    | Described
    | MemberInvited
    | MemberJoined
    | MemberRoleChanged
    | MemberRemoved
    | Archived
    | Restored
    | AuditConfigured
)


def decide(command: ProjectCommand, project: Project, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    if isinstance(command, CreateProject):
        return _create(command, project, context)
    if not project.exists:
        raise UnknownProject
    if project.archived and not isinstance(command, RestoreProject | ArchiveProject):
        raise ProjectArchived
    match command:
        case RenameProject(project_id=project_id, name=name):
            return [] if name == project.name else [Renamed(project_id=project_id, name=name)]
        case DescribeProject(project_id=project_id, description=description):
            changed = description != project.description
            return [Described(project_id=project_id, description=description)] if changed else []
        case InviteMember(project_id=project_id, account_id=account_id, role=role):
            if account_id in project.members:
                raise AlreadyMember
            if project.invited.get(account_id) == role:
                return []
            return [MemberInvited(project_id=project_id, account_id=account_id, role=role)]
        case AcceptInvitation(project_id=project_id):
            account_id = account_of(context.actor)
            if account_id is None or account_id not in project.invited:
                raise NotInvited
            return [MemberJoined(project_id=project_id, account_id=account_id, role=project.invited[account_id])]
        case ChangeMemberRole(project_id=project_id, account_id=account_id, role=role):
            if account_id not in project.members:
                raise UnknownMember
            if project.members[account_id] == role:
                return []
            _keep_an_owner(project, without=account_id, erased=context.given)
            return [MemberRoleChanged(project_id=project_id, account_id=account_id, role=role)]
        case RemoveMember(project_id=project_id, account_id=account_id):
            if account_id not in project.members and account_id not in project.invited:
                raise UnknownMember
            _keep_an_owner(project, without=account_id, erased=context.given)
            return [MemberRemoved(project_id=project_id, account_id=account_id)]
        case ArchiveProject(project_id=project_id):
            return [] if project.archived else [Archived(project_id=project_id)]
        case RestoreProject(project_id=project_id):
            return [Restored(project_id=project_id)] if project.archived else []
        case ConfigureAudit(project_id=project_id, settings=settings):
            if fault := settings.fault():
                raise BadAuditSettings(fault)
            changed = settings != project.audit_settings
            return [AuditConfigured(project_id=project_id, settings=settings)] if changed else []


def account_of(actor: str) -> UUID | None:
    """Read the account's id from an actor such as `account:<uuid>`; `None` for the system."""
    kind, _, key = actor.partition(":")
    return UUID(key) if kind == "account" else None


def _create(command: CreateProject, project: Project, context: Context) -> list[Event]:
    if project.exists:
        raise AlreadyCreated
    owner = account_of(context.actor)
    if owner is None:
        raise UnknownMember("A project is created by the account that will own it.")
    return [
        Created(
            project_id=command.project_id,
            name=command.name,
            owner=owner,
            description=command.description,
            workflow=command.workflow,
        )
    ]


def _keep_an_owner(project: Project, *, without: UUID, erased: frozenset[UUID] | None) -> None:
    """Refuse what takes away the last owner; those whose accounts were `erased` are none any more."""
    owners = {member for member, role in project.members.items() if role == "owner"}
    if without in owners and not owners - {without} - (erased or frozenset()):
        raise LastOwner


def evolve(project: Project, event: ProjectEvent) -> Project:
    """Apply what happened. Never fails."""
    match event:
        case Created(name=name, description=description, owner=owner):
            return Project(name=name, description=description, members={owner: "owner"})
        case Renamed(name=name):
            return structs.replace(project, name=name)
        case Described(description=description):
            return structs.replace(project, description=description)
        case MemberInvited(account_id=account_id, role=role):
            return structs.replace(project, invited=project.invited | {account_id: role})
        case MemberJoined(account_id=account_id, role=role) | MemberRoleChanged(account_id=account_id, role=role):
            invited = {key: offered for key, offered in project.invited.items() if key != account_id}
            return structs.replace(project, members=project.members | {account_id: role}, invited=invited)
        case MemberRemoved(account_id=account_id):
            members = {key: role for key, role in project.members.items() if key != account_id}
            invited = {key: role for key, role in project.invited.items() if key != account_id}
            return structs.replace(project, members=members, invited=invited)
        case Archived():
            return structs.replace(project, archived=True)
        case Restored():
            return structs.replace(project, archived=False)
        case AuditConfigured(settings=settings):
            return structs.replace(project, audit_settings=settings)


PROJECT = Aggregate(
    name="project",
    key="project_id",
    feed="project",
    feed_key="project_id",
    commands=(
        CreateProject,
        RenameProject,
        DescribeProject,
        InviteMember,
        AcceptInvitation,
        ChangeMemberRole,
        RemoveMember,
        ArchiveProject,
        RestoreProject,
        ConfigureAudit,
    ),
    events=(
        Created,
        Renamed,
        Described,
        MemberInvited,
        MemberJoined,
        MemberRoleChanged,
        MemberRemoved,
        Archived,
        Restored,
        AuditConfigured,
    ),
    state=Project,
    decide=decide,
    evolve=evolve,
)
