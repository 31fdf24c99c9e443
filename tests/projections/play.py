"""Random but lawful histories: people and workers send commands, some of which are refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from hashlib import sha256
from random import Random
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from domain.account import (
    ChangePassword,
    Credentials,
    Erase,
    GrantRole,
    IssueToken,
    Register,
    Reinstate,
    RevokeToken,
    Suspend,
)
from domain.analysis import (
    CompleteAnalysis,
    DetachAnalysis,
    EvictAnalysis,
    FailAnalysis,
    RequestUploaded,
    RetryAnalysis,
    analysis_id_of,
)
from domain.audit import (
    Audit,
    CancelAudit,
    CarryOverrides,
    CompleteAudit,
    Override,
    OverrideVerdict,
    RaiseConflict,
    RecordFindings,
    ResolveConflict,
    Scope,
    StartAudit,
)
from domain.budget import (
    Addition,
    AddPosition,
    ApproveVariation,
    Budget,
    BulkEdit,
    BulkItem,
    DraftVariation,
    Edit,
    EditPosition,
    ImportPositions,
    MovePosition,
    NameVersion,
    Omission,
    Proposal,
    Recalculate,
    RejectVariation,
    RemovePosition,
    RestoreVersion,
    ReviseVariation,
    SubmitVariation,
    Versioned,
    WithdrawVariation,
    evolve,
)
from domain.catalogue import (
    AttachCatalogue,
    CreateCatalogue,
    DetachCatalogue,
    ImportPrices,
    Price,
    RecordImportFailure,
    RecordPrices,
    RemoveCatalogue,
    RenameCatalogue,
)
from domain.comparison import AddComparison, RemoveComparison
from domain.document import (
    ParseDocument,
    RecordParsed,
    RecordParseFailure,
    RemoveDocument,
    ReplaceDocument,
    UploadDocument,
    document_id_of,
)
from domain.experts.finding import VERDICTS, Finding, Issue, Suggestion
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.job import CancelJob, CompleteJob, EnterPhase, FailJob, QueueJob, RequestCancel, StartJob
from domain.notification import MarkRead, SendNotification
from domain.operation import PHASES, CloseOperation, OpenOperation, ReportStep
from domain.position import Position
from domain.project import (
    AcceptInvitation,
    ArchiveProject,
    ChangeMemberRole,
    ConfigureAudit,
    CreateProject,
    DescribeProject,
    InviteMember,
    RemoveMember,
    RenameProject,
    RestoreProject,
)
from domain.thread import DeleteMessage, EditMessage, OpenThread, PostMessage, Surroundings, links_of
from runtime.ids import new_id
from tests.projections.world import BEGAN, World, account

TEXTS = ("", "Zdivo", "a\0b", "\\u0000", 'quo"te\t\n', "100 %_", "\ud7ff\U0001f3d7")
NUMBERS = ("0", "1", "-2.5", "12.3450", "99999.9999", "0.0001")
STRANGE_NUMBERS = (*NUMBERS, "NaN", "Infinity", "1E+200000", "1E-200000")
HASH = "sealed:hash:somebody"
HASH64 = "0" * 64
PASSWORD = "correct horse"  # noqa: S105 - a test's
PARAMETERS = (DEFAULTS, AuditSettings(profile="tkp17", design_life=100, priced_on=date(2023, 5, 1)))
ROLES = ("owner", "editor", "auditor", "viewer")


class Play:
    """A world with some people and projects in it, and what they may do next."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - plays, guards nothing
        self.world = World()
        self.people = [f"account:{new_id()}" for _ in range(3)]
        self.projects = [new_id() for _ in range(2)]
        self.things: dict[tuple[UUID, str], list[UUID]] = {}
        for person in self.people:
            self._register(person)
        for project in self.projects:
            self.world.do(CreateProject(project_id=project, name=self.name(), workflow="workflow_b"), self.people[0])

    def act(self, action: str, seed: int) -> bool:
        """Try something; say whether it was not refused."""
        self.random.seed(seed)
        busy, other = self.projects
        return ACTIONS[action](self, busy if self.random.random() < 0.8 else other)

    def name(self) -> str:
        return f"name {self.random.choice(TEXTS)}"

    def number(self, numbers: tuple[str, ...] = NUMBERS) -> Decimal | None:
        return Decimal(self.random.choice(numbers)) if self.random.random() < 0.9 else None

    def new(self, project: UUID, kind: str) -> UUID:
        self.things.setdefault((project, kind), []).append(new_id())
        return self.things[project, kind][-1]

    def some(self, project: UUID, kind: str) -> UUID:
        known = self.things.get((project, kind))
        return self.random.choice(known) if known else new_id()

    def audit(self, project: UUID, *statuses: str) -> UUID:
        """Choose an audit, rather one with one of these statuses."""
        known = self.things.get((project, "audit"), [])
        states = {audit_id: self.world.states.get(f"audit:{audit_id}") for audit_id in known}
        fitting = [audit_id for audit_id, state in states.items() if state and state.status in statuses]
        return self.random.choice(fitting or known or [new_id()])

    def position(self, project: UUID) -> UUID:
        known = list(self.budget(project).positions)
        return self.random.choice(known) if known else new_id()

    def budget(self, project: UUID) -> Budget:
        return self.world.states.get(f"budget:{project}") or Budget()

    def _register(self, person: str) -> None:
        given = Credentials(email_claim="claim", password_hash=HASH)
        command = Register(account_id=account(person), email="a@b", password=PASSWORD, name="Somebody")
        self.world.do(command, "", given, claims=("claim",))

    def edit(self) -> Edit:
        fields = {
            "description": self.random.choice(TEXTS),
            "code": self.random.choice(("1", "123456789", "%")),
            "section": self.random.choice(((), ("SO 01",), ("SO 01", "HSV"))),
            "quantity": self.number(),
            "unit_price": self.number(),
            "notes": (self.random.choice(TEXTS),),
            "metadata": {self.random.choice(TEXTS): [1, 1.5, None, {"deep": self.random.choice(TEXTS)}]},
        }
        return Edit(**dict(self.random.sample(sorted(fields.items()), self.random.randint(1, len(fields)))))


def _import(play: Play, project: UUID) -> bool:
    numbers = play.random.choice((NUMBERS, NUMBERS, STRANGE_NUMBERS))
    positions = tuple(
        Position(
            position_id=new_id(),
            number=str(index),
            description=play.random.choice(TEXTS),
            quantity=play.number(numbers),
            unit_price=play.number(numbers),
            declared_total=play.number(numbers),
            kind=play.random.choice(("work", "material", "other")),
        )
        for index in range(play.random.choice((1, 3, 3, 5, 8, 205)))
    )
    return play.world.attempt(
        ImportPositions(project_id=project, document_id=new_id(), positions=positions, currency="CZK")
    )


def _add(play: Play, project: UUID) -> bool:
    after = play.position(project) if play.random.random() < 0.5 else None
    command = AddPosition(project_id=project, position_id=new_id(), fields=play.edit(), after=after)
    return play.world.attempt(command, play.people[0])


def _edit(play: Play, project: UUID) -> bool:
    command = EditPosition(project_id=project, position_id=play.position(project), changes=play.edit())
    return play.world.attempt(command, play.people[1])


def _bulk(play: Play, project: UUID) -> bool:
    known = list(play.budget(project).positions)
    chosen = play.random.sample(known, min(len(known), 5)) or [new_id()]
    edits = tuple(BulkItem(position_id=position_id, changes=play.edit()) for position_id in chosen)
    return play.world.attempt(BulkEdit(project_id=project, edits=edits, trigger="chat_modification"), play.people[1])


def _move(play: Play, project: UUID) -> bool:
    after = play.position(project) if play.random.random() < 0.7 else None
    section = play.random.choice((None, ("SO 02",)))
    command = MovePosition(project_id=project, position_id=play.position(project), after=after, section=section)
    return play.world.attempt(command, play.people[0])


def _remove(play: Play, project: UUID) -> bool:
    return play.world.attempt(RemovePosition(project_id=project, position_id=play.position(project)), play.people[0])


def _recalculate(play: Play, project: UUID) -> bool:
    return play.world.attempt(Recalculate(project_id=project, rounding=play.random.randint(0, 3)), play.people[0])


def _restore_version(play: Play, project: UUID) -> bool:
    version = play.random.randint(1, play.budget(project).version + 1)
    past = Budget()
    for event in play.world.events.get(f"budget:{project}", ()):
        past = evolve(past, event)
        if isinstance(event, Versioned) and event.version == version:
            break
    return play.world.attempt(RestoreVersion(project_id=project, version=version), play.people[0], past)


def _name_version(play: Play, project: UUID) -> bool:
    version = play.random.randint(1, play.budget(project).version + 1)
    return play.world.attempt(NameVersion(project_id=project, version=version, name=play.name()), play.people[0])


def _vary(play: Play, project: UUID) -> bool:
    """Propose something, or do something to what is proposed."""
    variations = play.budget(project).variations
    pending = [each for each, variation in variations.items() if variation.status in {"draft", "submitted"}]
    if not pending or play.random.random() < 0.3:
        ids = {"project_id": project, "variation_id": new_id()}
        draft = DraftVariation(
            **ids, name=play.name(), reason=play.random.choice(TEXTS), proposal=_proposal(play, project)
        )
        return play.world.attempt(draft, play.people[1])
    variation_id = play.random.choice(pending)
    ids = {"project_id": project, "variation_id": variation_id}
    drafted = (
        SubmitVariation(**ids),
        SubmitVariation(**ids),
        ReviseVariation(**ids),
        ReviseVariation(**ids, name=play.name(), proposal=_proposal(play, project)),
    )
    submitted = (ApproveVariation(**ids), ApproveVariation(**ids), RejectVariation(**ids, reason=play.name()))
    likely = drafted if variations[variation_id].status == "draft" else submitted
    command = play.random.choice((*likely, *likely, WithdrawVariation(**ids), ReviseVariation(**ids)))
    return play.world.attempt(command, play.people[0])


def _proposal(play: Play, project: UUID) -> Proposal:
    known = list(play.budget(project).positions)
    chosen = play.random.sample(known, min(len(known), play.random.randint(0, 4)))
    omitted = set(chosen[: play.random.randint(0, 1)])
    after = play.random.choice([None, *known])
    return Proposal(
        additions=tuple(
            Addition(position_id=new_id(), fields=play.edit(), after=after) for _ in range(play.random.randint(0, 2))
        ),
        changes=tuple(BulkItem(position_id=each, changes=play.edit()) for each in chosen if each not in omitted),
        omissions=tuple(Omission(position_id=each) for each in omitted),
    )


def _project(play: Play, project: UUID) -> bool:
    state = play.world.states[f"project:{project}"]
    owner = next(f"account:{member}" for member, role in state.members.items() if role == "owner")
    other = play.random.choice(play.people)
    role = play.random.choice(ROLES)
    joining = [AcceptInvitation(project_id=project)] if account(other) in state.invited else []
    if state.archived:
        return play.world.attempt(RestoreProject(project_id=project), owner)
    if joining and play.random.random() < 0.7:
        return play.world.attempt(joining[0], other)
    command = play.random.choice(
        (
            RenameProject(project_id=project, name=play.name()),
            DescribeProject(project_id=project, description=play.random.choice(TEXTS)),
            ConfigureAudit(project_id=project, settings=play.random.choice(PARAMETERS)),
            InviteMember(project_id=project, account_id=account(other), role=role),
            InviteMember(project_id=project, account_id=account(other), role=role),
            ChangeMemberRole(project_id=project, account_id=account(other), role=role),
            RemoveMember(project_id=project, account_id=account(other)),
            *([ArchiveProject(project_id=project)] if play.random.random() < 0.2 else ()),
        )
    )
    return play.world.attempt(command, owner)


def _upload(play: Play, project: UUID) -> bool:
    content_hash = sha256(bytes([play.random.randint(0, 5)])).hexdigest()
    document = document_id_of(project, content_hash)
    play.things.setdefault((project, "document"), []).append(document)
    command = UploadDocument(
        project_id=project, document_id=document, filename=play.name(), content_hash=content_hash, size=7
    )
    return play.world.attempt(command, play.people[0])


def _document(play: Play, project: UUID) -> bool:
    ids = {"project_id": project, "document_id": play.some(project, "document")}
    parsed = RecordParsed(
        **ids,
        bill_hash="0" * 64,
        format="kros",
        confidence=90,
        items=4,
        priced=3,
        currency="CZK",
        declared_total=play.number(STRANGE_NUMBERS),
        warnings=(play.random.choice(TEXTS),),
    )
    command = play.random.choice(
        (
            ParseDocument(**ids),
            parsed,
            RecordParseFailure(**ids, error_code="bad", error=play.name()),
            ReplaceDocument(**ids, by=play.some(project, "document")),
            RemoveDocument(**ids),
            AddComparison(**ids, compared_as="bid", bidder=play.name()),
            AddComparison(**ids, compared_as="estimate"),
            RemoveComparison(**ids),
        )
    )
    return play.world.attempt(command)


def _start_audit(play: Play, project: UUID) -> bool:
    scope = Scope(version=play.budget(project).version, rules=("V1", "V2", "V99"))
    command = StartAudit(project_id=project, audit_id=play.new(project, "audit"))
    return play.world.attempt(command, play.people[2], scope)


def _record(play: Play, project: UUID) -> bool:
    audit_id = play.audit(project, "running")
    state = play.world.states.get(f"audit:{audit_id}")
    chosen = [position_id for position_id in play.budget(project).positions if play.random.random() < 0.5]
    findings = tuple(
        Finding(
            rule="V1",
            expert_role="validator",
            recommendation=play.random.choice(VERDICTS),
            reasoning=play.name(),
            position_id=position_id,
            evidence={"text": play.random.choice(TEXTS)},
            issues=(Issue(type="t", severity="error", description="d", suggestion="s"),),
            suggestions=(Suggestion(action="a", benefit="b", risk=""),),
        )
        for position_id in (*chosen[:3], None)
    )
    command = RecordFindings(
        project_id=project,
        audit_id=audit_id,
        part=1 + (state.parts if state else 0),
        outcomes=dict.fromkeys(chosen, "GR0"),
        verdicts={position_id: play.random.choice(VERDICTS) for position_id in chosen},
        findings=findings,
    )
    return play.world.attempt(command)


def _judge(play: Play, project: UUID) -> bool:
    audit_id = play.audit(project, "running", "completed")
    audited = play.world.states.get(f"audit:{audit_id}") or Audit()
    ids = {"project_id": project, "audit_id": audit_id}
    position_id = play.random.choice([*audited.verdicts, new_id()])
    conflict_id = play.random.choice([*audited.open_conflicts, new_id()])
    verdict = play.random.choice(VERDICTS)
    raised = {"conflict_id": new_id(), "position_id": position_id, "rules": ("V1", "V2"), "description": play.name()}
    resolve = ResolveConflict(**ids, conflict_id=conflict_id, verdict=verdict, by="person", resolution="so")
    override = OverrideVerdict(**ids, position_id=position_id, verdict=verdict, reason=play.name())
    end = CancelAudit(**ids) if play.random.random() < 0.2 else CompleteAudit(**ids, rules={"V1": {"GREEN": 1}})
    carried = Override(
        position_id=position_id, verdict=verdict, reason=play.name(), revision=1, by=play.people[0], at=BEGAN
    )
    carry = CarryOverrides(**ids, overrides=(carried,))
    under_way = (RaiseConflict(**ids, **raised), resolve, carry, end)
    command = play.random.choice(under_way if audited.status == "running" else (override, resolve))
    return play.world.attempt(command, play.people[2])


def _job(play: Play, project: UUID) -> bool:
    if play.random.random() < 0.3:
        kind = play.random.choice(("parse", "import", "audit"))
        queue = QueueJob(project_id=project, job_id=play.new(project, "job"), kind=kind, subject=new_id())
        return play.world.attempt(queue)
    job_id = play.some(project, "job")
    state = play.world.states.get(f"job:{job_id}")
    ids = {"project_id": project, "job_id": job_id}
    begun = state.attempt if state else 0
    attempt = {**ids, "attempt": begun}
    command = play.random.choice(
        (
            EnterPhase(**attempt, phase=play.name()),
            CompleteJob(**attempt, result={"text": play.random.choice(TEXTS)}),
            FailJob(**attempt, error_code="e", error=play.name(), retry=play.random.random() < 0.5),
            CancelJob(**attempt),
            RequestCancel(**ids),
        )
        if state and state.status == "running"
        else (StartJob(**ids, attempt=begun + 1),)
    )
    return play.world.attempt(command)


def _operation(play: Play, project: UUID) -> bool:
    if play.random.random() < 0.3:
        operation_id = play.new(project, "operation")
        opening = OpenOperation(project_id=project, operation_id=operation_id, job_id=new_id(), name=play.name())
        return play.world.attempt(opening, play.people[1])
    ids = {"project_id": project, "operation_id": play.some(project, "operation")}
    phase = play.random.choice([*PHASES, play.name()])
    step = {"event_id": play.random.randint(1, 50), "items_done": 1, "milestone": play.random.choice((None, True))}
    outcome = play.random.choice(("completed", "failed", "cancelled"))
    closing = [CloseOperation(**ids, outcome=outcome, error=play.random.choice(TEXTS))]
    command = play.random.choice([ReportStep(**ids, phase=phase, **step), *(closing if step["event_id"] > 40 else [])])
    return play.world.attempt(command, play.people[1])


def _talk(play: Play, project: UUID) -> bool:
    """Open a thread, or say something in one, say it otherwise or take it back."""
    members = play.world.states[f"project:{project}"].members
    links = {"positions": (play.position(project),), "documents": (play.some(project, "document"),)}
    if (project, "thread") not in play.things:
        thread_id = play.new(project, "thread")
        opening = OpenThread(
            project_id=project, thread_id=thread_id, title=play.name(), about_document=links["documents"][0]
        )
        return play.world.attempt(opening, play.people[0], Surroundings(members=members, links=links_of(opening)))
    thread_id = play.some(project, "thread")
    ids = {"project_id": project, "thread_id": thread_id}
    said = {"text": play.name(), **links, "mentions": (play.random.choice([*members, account(play.people[1])]),)}
    post = PostMessage(**ids, message_id=new_id(), message_type=play.random.choice(("question", "answer")), **said)
    messages = play.world.states[f"thread:{thread_id}"].messages
    if not messages or play.random.random() < 0.4:
        return play.world.attempt(
            post, play.random.choice(play.people), Surroundings(members=members, links=links_of(post))
        )
    message_id = play.random.choice([*messages])
    author = f"account:{messages[message_id].account_id}"
    edit = EditMessage(**ids, message_id=message_id, **said)
    command = play.random.choice((edit, edit, DeleteMessage(**ids, message_id=message_id)))
    return play.world.attempt(command, author, Surroundings(members=members, links=links_of(edit)))


def _notify(play: Play, project: UUID) -> bool:
    person = play.random.choice(play.people)
    inbox = play.world.states.get(f"inbox:{account(person)}")
    if inbox is None or play.random.random() < 0.5:
        details = {"by": play.random.choice(TEXTS)}
        notice = SendNotification(
            account_id=account(person), kind="invited", project_id=project, subject=new_id(), details=details
        )
        return play.world.attempt(notice)
    numbers = (play.random.randint(1, inbox.count + 1),)
    upto = play.random.randint(0, inbox.count) if play.random.random() < 0.2 else 0
    return play.world.attempt(MarkRead(account_id=account(person), numbers=numbers, upto=upto), person)


def _account(play: Play, _project: UUID) -> bool:
    person = play.random.choice(play.people)
    ids = {"account_id": account(person)}
    given = Credentials(password_hash=HASH, password_matches=True, token_sha256="f" * 64)
    state = play.world.states[person]
    command = play.random.choice(
        (
            ChangePassword(**ids, old_password=PASSWORD, new_password=PASSWORD),
            IssueToken(**ids, token_id=new_id(), name=play.name()),
            RevokeToken(**ids, token_id=play.random.choice([*state.tokens, new_id()])),
            GrantRole(**ids, plan=play.random.choice(("user", "pro")), admin=play.random.random() < 0.5),
            Suspend(**ids, reason=play.name()),
            Reinstate(**ids),
        )
    )
    return play.world.attempt(command, person, given)


def _erase(play: Play, _project: UUID) -> bool:
    person = play.random.choice(play.people)
    given = Credentials(password_matches=play.random.random() < 0.5)
    return play.world.attempt(Erase(account_id=account(person)), play.random.choice((person, "system")), given)


def _price(play: Play, project: UUID) -> bool:
    """Do something to a catalogue of somebody's, which a project may use."""
    person = play.random.choice(play.people)
    kept = play.things.setdefault((account(person), "catalogue"), [])
    if not kept or play.random.random() < 0.1:
        kept.append(new_id())
        ids = {"account_id": account(person), "catalogue_id": kept[-1]}
        return play.world.attempt(CreateCatalogue(**ids, name=play.name(), currency="CZK"), person)
    ids = {"account_id": account(person), "catalogue_id": play.random.choice(kept)}
    request = play.random.randint(1, 3)
    command = play.random.choice(
        (
            RenameCatalogue(**ids, name=play.name()),
            AttachCatalogue(**ids, project_id=project),
            DetachCatalogue(**ids, project_id=project),
            ImportPrices(**ids, project_id=project, document_id=new_id(), priced_on=date(2026, 1, 2), source="us"),
            RecordPrices(**ids, request=request, prices=(_a_price(play), _a_price(play)), skipped=1),
            RecordImportFailure(**ids, request=request, error_code="unreadable.empty", error="empty"),
            *([RemoveCatalogue(**ids)] if play.random.random() < 0.1 else []),
        )
    )
    return play.world.attempt(command, person, HASH)


def _a_price(play: Play) -> Price:
    return Price(
        code=play.random.choice(("1", "27 43-2", "")),
        description=play.random.choice(TEXTS),
        unit="m3",
        unit_price=play.number(STRANGE_NUMBERS) or Decimal(1),
    )


def _analyse(play: Play, project: UUID) -> bool:
    """Do something to one of a few analyses, or to its job."""
    person = play.random.choice(play.people)
    kind = play.random.choice(("contract", "property"))
    content_hash = sha256(project.bytes + bytes([play.random.randint(0, 1)])).hexdigest()
    analysis_id = analysis_id_of("shared", kind, content_hash, account(person))
    state = play.world.states.get(f"analysis:{analysis_id}")
    ids = {"account_id": account(person), "analysis_id": analysis_id}
    job_id = state.job_id if state else new_id()
    ended = {"analysis_id": analysis_id, "job_id": job_id}
    found = {"result_hash": HASH64, "found": {"party": 2}, "missing": ("term",), "language": "cs", "pages": 1}
    job = {"project_id": analysis_id, "job_id": new_id(), "owner": "analysis"}
    command = play.random.choice(
        (
            RequestUploaded(**ids, kind=kind, content_hash=content_hash),
            RequestUploaded(**ids, kind=kind, content_hash=content_hash),
            DetachAnalysis(**ids),
            RetryAnalysis(**ids),
            CompleteAnalysis(**ended, **found),
            FailAnalysis(**ended, error_code="unreadable.needs_ocr", error=play.name()),
            EvictAnalysis(analysis_id=analysis_id, uses=play.random.randint(0, 3)),
            QueueJob(**job, kind="analysis", subject=project),
        )
    )
    return play.world.attempt(command, person)


ACTIONS: dict[str, Callable[[Play, UUID], bool]] = {
    "price": _price,
    "import": _import,
    "add": _add,
    "edit": _edit,
    "bulk": _bulk,
    "move": _move,
    "remove": _remove,
    "recalculate": _recalculate,
    "restore": _restore_version,
    "name": _name_version,
    "vary": _vary,
    "project": _project,
    "upload": _upload,
    "document": _document,
    "start audit": _start_audit,
    "record": _record,
    "judge": _judge,
    "job": _job,
    "operation": _operation,
    "notify": _notify,
    "talk": _talk,
    "account": _account,
    "erase": _erase,
    "analyse": _analyse,
}

OFTEN = ("analyse", "document", "job", "judge", "project", "record", "talk", "vary")
steps = st.lists(
    st.tuples(st.sampled_from([*sorted(ACTIONS), *OFTEN]), st.integers(0, 2**32)), min_size=30, max_size=80
)


THROUGH_THE_DATABASE = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
"""Shrinking such a history would take many minutes: the seed that is printed reproduces it."""


def played(chosen: list[tuple[str, int]]) -> Play:
    """Play the steps."""
    play = Play(0)
    for action, seed in chosen:
        play.act(action, seed)
    return play
