"""The notifier: turns events into notifications for whom they concern, from when it was first started.

It has a checkpoint of its own, which begins at the head of the log: nobody is told what happened long ago.
Every notification has an id derived from its event and its account, so that reading an event again sends nothing twice.
"""

from collections.abc import Sequence
from uuid import UUID

from commands.bus import Bus
from commands.rights import AUDITOR
from commands.states import States
from domain.account import Account
from domain.analysis import Analysis, AnalysisCompleted, AnalysisFailed
from domain.audit import ConflictRaised
from domain.budget import Budget, Variation, VariationApproved, VariationRejected, VariationSubmitted
from domain.core import Event
from domain.job import Completed, Failed, Job
from domain.notification import SendNotification
from domain.project import MemberInvited, Project, account_of
from domain.thread import MessageEdited, MessagePosted
from eventstore import Recorded
from workers.following import Follower, Seen
from workers.following_up import follow_up

FOLLOWED: tuple[type[Event], ...] = (
    Completed,
    Failed,
    MemberInvited,
    ConflictRaised,
    AnalysisCompleted,
    AnalysisFailed,
    MessagePosted,
    MessageEdited,
    VariationSubmitted,
    VariationApproved,
    VariationRejected,
)
"""Whatever else somebody ought to hear of is added here, and gets a case in `notices`."""
LOCK = 7_586_255_104_202
"""Advisory lock key: one notifier works, the others stand by."""


async def notices(states: States, recorded: Recorded, event: Event) -> Sequence[SendNotification]:
    """Say who is told what of an event."""
    match event:
        case Completed(job_id=job_id):
            return await _to_requester(states, job_id, "job_complete", {})
        case Failed(job_id=job_id, error_code=error_code, error=error):
            return await _to_requester(states, job_id, "job_failed", {"error_code": error_code, "error": error})
        case MemberInvited(project_id=project_id, account_id=account_id, role=role):
            details = {"role": role, "by": recorded.actor}
            return [
                SendNotification(
                    account_id=account_id, kind="invited", project_id=project_id, subject=project_id, details=details
                )
            ]
        case ConflictRaised():
            return await _to_auditors(states, event)
        case AnalysisCompleted() | AnalysisFailed():
            return await _to_attached(states, event)
        case MessagePosted(mentions=mentions) | MessageEdited(newly_mentioned=mentions) if mentions:
            return await _to_mentioned(states, event, mentions)
        case VariationSubmitted():
            return await _to_approvers(states, recorded, event)
        case VariationApproved() | VariationRejected():
            return await _to_submitter(states, recorded, event)
        case _:
            return ()


async def _to_requester(states: States, job_id: UUID, kind: str, details: dict[str, str]) -> Sequence[SendNotification]:
    job: Job = (await states.get(f"job:{job_id}")).state
    prefix, _, account_id = job.requested_by.partition(":")
    if prefix != "account" or job.project_id is None:
        return ()
    return [
        SendNotification(
            account_id=UUID(account_id),
            kind="job_complete" if kind == "job_complete" else "job_failed",
            project_id=job.project_id,
            subject=job_id,
            details={"job": str(job.kind), "about": str(job.subject), **details},
        )
    ]


async def _to_auditors(states: States, event: ConflictRaised) -> Sequence[SendNotification]:
    """Tell everybody who may resolve it."""
    project = await _project(states, event.project_id)
    details = {
        "conflict_id": str(event.conflict_id),
        "position_id": str(event.position_id),
        "rules": ", ".join(event.rules),
    }
    return [
        SendNotification(
            account_id=account_id,
            kind="conflict_raised",
            project_id=event.project_id,
            subject=event.audit_id,
            details=details,
        )
        for account_id, role in project.members.items()
        if role in AUDITOR
    ]


async def _to_attached(states: States, event: AnalysisCompleted | AnalysisFailed) -> Sequence[SendNotification]:
    """Tell everybody who waits for it."""
    analysis: Analysis = (await states.get(f"analysis:{event.analysis_id}", fresh=True)).state
    failed = {"error_code": event.error_code, "error": event.error} if isinstance(event, AnalysisFailed) else {}
    return [
        SendNotification(
            account_id=account_id,
            kind="analysis_failed" if failed else "analysis_complete",
            subject=event.analysis_id,
            details={"kind": event.kind, **failed},
        )
        for account_id in sorted(analysis.attached)
    ]


async def _to_mentioned(
    states: States, event: MessagePosted | MessageEdited, mentions: Sequence[UUID]
) -> Sequence[SendNotification]:
    """Tell those mentioned who are members of the project now, but not whoever mentioned themselves."""
    project = await _project(states, event.project_id)
    return [
        SendNotification(
            account_id=account_id,
            kind="mentioned",
            project_id=event.project_id,
            subject=event.thread_id,
            details={"message_id": str(event.message_id), "by": f"account:{event.account_id}"},
        )
        for account_id in dict.fromkeys(mentions)
        if account_id in project.members and account_id != event.account_id
    ]


async def _to_approvers(states: States, recorded: Recorded, event: VariationSubmitted) -> Sequence[SendNotification]:
    """Tell everybody who may approve or reject it, but not whoever submitted it."""
    project = await _project(states, event.project_id)
    variation = await _variation(states, event)
    return [
        SendNotification(
            account_id=account_id,
            kind="variation_submitted",
            project_id=event.project_id,
            subject=event.variation_id,
            details={"number": str(variation.number), "by": recorded.actor},
        )
        for account_id, role in project.members.items()
        if role in AUDITOR and account_id != account_of(recorded.actor)
    ]


async def _to_submitter(
    states: States, recorded: Recorded, event: VariationApproved | VariationRejected
) -> Sequence[SendNotification]:
    """Tell whoever submitted it, as a member of the project still, unless the decision was theirs as well."""
    project = await _project(states, event.project_id)
    variation = await _variation(states, event)
    account_id = account_of(variation.submitted_by)
    if account_id is None or account_id not in project.members or variation.submitted_by == recorded.actor:
        return ()
    approved = isinstance(event, VariationApproved)
    decided = {"version": str(event.version)} if approved else {"reason": event.reason}
    return [
        SendNotification(
            account_id=account_id,
            kind="variation_approved" if approved else "variation_rejected",
            project_id=event.project_id,
            subject=event.variation_id,
            details={"number": str(variation.number), "by": recorded.actor, **decided},
        )
    ]


async def _variation(states: States, event: VariationSubmitted | VariationApproved | VariationRejected) -> Variation:
    budget: Budget = (await states.get(f"budget:{event.project_id}", fresh=True)).state
    return budget.variations[event.variation_id]


async def _project(states: States, project_id: UUID) -> Project:
    return (await states.get(f"project:{project_id}", fresh=True)).state


def notifier(bus: Bus) -> Follower:
    """Make the follower that sends notifications through `bus`."""

    async def react(seen: Seen) -> None:
        for recorded, event in seen:
            for notice in await notices(bus.states, recorded, event):
                account: Account = (await bus.states.get(f"account:{notice.account_id}", fresh=True)).state
                if account.status != "erased":
                    await follow_up(bus, recorded, notice, f"notify:{notice.account_id}")

    return Follower(name="notifier", lock=LOCK, events=FOLLOWED, react=react, from_now=True)
