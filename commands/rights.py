"""Who may do what: one table, checked against the write model before every decision."""

from functools import lru_cache
from typing import Literal
from uuid import UUID

from commands.refusals import Forbidden, NotSignedIn
from domain import (
    account,
    analysis,
    audit,
    budget,
    cache,
    catalogue,
    comparison,
    document,
    job,
    notification,
    operation,
    project,
    thread,
)
from domain.account import Account
from domain.core import SYSTEM, Command
from domain.project import Project, ProjectArchived, Role, UnknownProject
from domain.registry import COMMANDS, name_of

Right = Literal["anyone", "signed_in", "self", "self_or_admin", "admin", "system"] | frozenset[Role]

OWNER: frozenset[Role] = frozenset({"owner"})
EDITOR: frozenset[Role] = frozenset({"owner", "editor"})
AUDITOR: frozenset[Role] = frozenset({"owner", "auditor"})
READER: frozenset[Role] = frozenset({"owner", "editor", "auditor", "viewer"})
CONTRIBUTOR: frozenset[Role] = frozenset({"owner", "editor", "auditor"})

RIGHTS: dict[type[Command], Right] = {
    account.Register: "anyone",
    account.ChangePassword: "self",
    account.IssueToken: "self",
    account.RevokeToken: "self",
    account.GrantRole: "admin",
    account.Suspend: "admin",
    account.Reinstate: "admin",
    account.Erase: "self_or_admin",
    project.CreateProject: "signed_in",
    project.AcceptInvitation: "signed_in",
    project.RenameProject: OWNER,
    project.DescribeProject: EDITOR,
    project.InviteMember: OWNER,
    project.ChangeMemberRole: OWNER,
    project.RemoveMember: OWNER,
    project.ArchiveProject: OWNER,
    project.RestoreProject: OWNER,
    project.ConfigureAudit: AUDITOR,
    comparison.AddComparison: CONTRIBUTOR,
    comparison.RemoveComparison: CONTRIBUTOR,
    document.UploadDocument: EDITOR,
    document.ParseDocument: EDITOR,
    document.ReplaceDocument: EDITOR,
    document.RemoveDocument: EDITOR,
    document.RecordParsed: "system",
    document.RecordParseFailure: "system",
    budget.ImportPositions: "system",
    budget.AddPosition: EDITOR,
    budget.EditPosition: EDITOR,
    budget.RemovePosition: EDITOR,
    budget.MovePosition: EDITOR,
    budget.BulkEdit: EDITOR,
    budget.Recalculate: EDITOR,
    budget.RestoreVersion: EDITOR,
    budget.NameVersion: EDITOR,
    budget.DraftVariation: EDITOR,
    budget.ReviseVariation: EDITOR,
    budget.SubmitVariation: EDITOR,
    budget.WithdrawVariation: EDITOR,
    budget.ApproveVariation: AUDITOR,
    budget.RejectVariation: AUDITOR,
    audit.StartAudit: CONTRIBUTOR,
    audit.CancelAudit: CONTRIBUTOR,
    audit.OverrideVerdict: AUDITOR,
    audit.ResolveConflict: AUDITOR,
    audit.RaiseConflict: "system",
    audit.CarryOverrides: "system",
    audit.RecordFindings: "system",
    audit.CompleteAudit: "system",
    job.RequestExport: READER,
    job.RequestCancel: CONTRIBUTOR,
    job.QueueJob: "system",
    job.StartJob: "system",
    job.EnterPhase: "system",
    job.CompleteJob: "system",
    job.FailJob: "system",
    job.CancelJob: "system",
    catalogue.CreateCatalogue: "self",
    catalogue.RenameCatalogue: "self",
    catalogue.RemoveCatalogue: "self",
    catalogue.AttachCatalogue: "self",
    catalogue.DetachCatalogue: "self",
    catalogue.ImportPrices: "self",
    catalogue.RecordPrices: "system",
    catalogue.RecordImportFailure: "system",
    analysis.RequestAnalysis: "self",
    analysis.RequestUploaded: "self",
    analysis.DetachAnalysis: "self",
    analysis.RetryAnalysis: "self",
    analysis.CompleteAnalysis: "system",
    analysis.FailAnalysis: "system",
    analysis.EvictAnalysis: "admin",
    cache.CleanUpCache: "admin",
    cache.RecordCleanUp: "system",
    notification.SendNotification: "system",
    notification.MarkRead: "self",
    operation.OpenOperation: EDITOR,
    operation.ReportStep: EDITOR,
    operation.CloseOperation: EDITOR,
    thread.OpenThread: READER,
    thread.PostMessage: READER,
    thread.EditMessage: READER,
    thread.DeleteMessage: READER,
}

FOR_ADMINS: frozenset[type[Command]] = frozenset({project.ChangeMemberRole, project.ArchiveProject})
"""What administrators of the installation may do in any project, so that none depends on an owner who went away."""

_without_right = sorted(set(COMMANDS) - {name_of(command) for command in RIGHTS})
if _without_right:
    raise TypeError(f"no right is declared for {', '.join(_without_right)}")

PUBLIC: dict[str, type[Command]] = {
    name: command
    for name, command in COMMANDS.items()
    if RIGHTS[command] != "system" and command not in {document.UploadDocument, analysis.RequestUploaded}
}
"""What the doors accept from outside. The two left out follow from uploads, which store the bytes first."""


def authorise(command: Command, actor: str, account_state: Account | None, project_state: Project | None) -> None:
    """Let the command pass or refuse it.

    `account_state` is the actor's account, `None` for the system or nobody; `project_state` the project whose
    feed the command writes to, `None` for other feeds. Raises `NotSignedIn`, `Forbidden`, `UnknownProject`
    (also for a project that the actor has no part in, so that its existence stays private), `ProjectArchived`.
    """
    if actor == SYSTEM:
        return
    right = RIGHTS[type(command)]
    if right == "anyone":
        return
    if account_state is None or not account_state.exists or account_state.status == "erased":
        raise NotSignedIn
    if account_state.status != "active":
        raise Forbidden("This account is suspended.")
    itself = f"account:{getattr(command, 'account_id', None)}" == actor
    if isinstance(right, frozenset):
        if not (account_state.admin and type(command) in FOR_ADMINS):
            _authorise_member(command, right, _account_id(actor), project_state)
    elif right == "admin" and not account_state.admin:
        raise Forbidden("This needs the right to administer the installation.")
    elif right == "self" and not itself:
        raise Forbidden("Only the account itself may do this.")
    elif right == "self_or_admin" and not (itself or account_state.admin):
        raise Forbidden("Only the account itself or an administrator of the installation may do this.")
    elif right == "system":
        raise Forbidden("Only the service itself does this.")


def _authorise_member(
    command: Command, roles: frozenset[Role], account_id: UUID, project_state: Project | None
) -> None:
    if project_state is None or account_id not in project_state.members:
        raise UnknownProject
    if project_state.members[account_id] not in roles:
        raise Forbidden(f"This needs one of the roles {', '.join(sorted(roles))}.")
    if project_state.archived and not isinstance(command, project.ProjectCommand):
        raise ProjectArchived


@lru_cache(maxsize=10_000)
def _account_id(actor: str) -> UUID:
    return UUID(actor.removeprefix("account:"))
