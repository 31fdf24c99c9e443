"""Projects: what they are called, and who may do what in them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.core import SYSTEM, Command, Event
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.project import (
    PROJECT,
    AcceptInvitation,
    AlreadyCreated,
    AlreadyMember,
    Archived,
    ArchiveProject,
    AuditConfigured,
    BadAuditSettings,
    ChangeMemberRole,
    ConfigureAudit,
    Created,
    CreateProject,
    Described,
    DescribeProject,
    InviteMember,
    LastOwner,
    MemberInvited,
    MemberJoined,
    MemberRemoved,
    MemberRoleChanged,
    NotInvited,
    ProjectArchived,
    RemoveMember,
    Renamed,
    RenameProject,
    Restored,
    RestoreProject,
    Role,
    UnknownMember,
    UnknownProject,
    account_of,
)
from tests.domain.history import ALICE, BOB, CAROL, MACHINE, History, actor, context, fold

P = UUID(int=0x9701)
CREATE = CreateProject(project_id=P, name="School roof", description="New trusses", workflow="workflow_b")
CREATED = Created(project_id=P, name="School roof", owner=ALICE, description="New trusses", workflow="workflow_b")
ARCHIVED = Archived(project_id=P)
BOB_INVITED = MemberInvited(project_id=P, account_id=BOB, role="editor")
BOB_JOINED = MemberJoined(project_id=P, account_id=BOB, role="editor")
BOB_OWNS = MemberRoleChanged(project_id=P, account_id=BOB, role="owner")

CHANGES: list[Command] = [
    ConfigureAudit(project_id=P, settings=AuditSettings(profile="tkp17")),
    RenameProject(project_id=P, name="Gym roof"),
    DescribeProject(project_id=P, description="New tiles"),
    InviteMember(project_id=P, account_id=BOB, role="editor"),
    AcceptInvitation(project_id=P),
    ChangeMemberRole(project_id=P, account_id=ALICE, role="viewer"),
    RemoveMember(project_id=P, account_id=ALICE),
]


def test_whoever_creates_a_project_owns_it(given: Any) -> None:
    given(PROJECT).when(CREATE, acting=actor(BOB)).then(
        Created(project_id=P, name="School roof", owner=BOB, description="New trusses", workflow="workflow_b")
    )
    assert fold(PROJECT, [CREATED]).members == {ALICE: "owner"}


def test_a_project_is_created_once(given: Any) -> None:
    given(PROJECT, CREATED).when(CREATE).refused(AlreadyCreated)


def test_the_parameters_of_audits_are_the_projects(given: Any) -> None:
    strict = AuditSettings(profile="en206", design_life=100)
    configured = AuditConfigured(project_id=P, settings=strict)
    given(PROJECT, CREATED).when(ConfigureAudit(project_id=P, settings=strict)).then(configured)
    given(PROJECT, CREATED, configured).when(ConfigureAudit(project_id=P, settings=strict)).then()
    given(PROJECT, CREATED, configured).when(ConfigureAudit(project_id=P, settings=DEFAULTS)).then(
        AuditConfigured(project_id=P, settings=DEFAULTS)
    )
    assert fold(PROJECT, [CREATED, configured]).audit_settings == strict


def test_parameters_that_no_rule_could_work_with_are_refused(given: Any) -> None:
    settings = AuditSettings(rebar_least=Decimal(500))
    given(PROJECT, CREATED).when(ConfigureAudit(project_id=P, settings=settings)).refused(BadAuditSettings)


def test_nobody_is_no_owner(given: Any) -> None:
    given(PROJECT).when(CREATE, acting=SYSTEM).refused(UnknownMember)


@pytest.mark.parametrize("command", [*CHANGES, ArchiveProject(project_id=P), RestoreProject(project_id=P)])
def test_a_project_that_was_never_created_answers_nothing(given: Any, command: Command) -> None:
    given(PROJECT).when(command).refused(UnknownProject)


@pytest.mark.parametrize("command", CHANGES)
def test_an_archived_project_does_not_change(given: Any, command: Command) -> None:
    given(PROJECT, CREATED, ARCHIVED).when(command).refused(ProjectArchived)


def test_archiving_and_restoring_happen_once_each(given: Any) -> None:
    archive, restore = ArchiveProject(project_id=P), RestoreProject(project_id=P)
    given(PROJECT, CREATED).when(archive).then(ARCHIVED)
    given(PROJECT, CREATED, ARCHIVED).when(archive).then()
    given(PROJECT, CREATED, ARCHIVED).when(restore).then(Restored(project_id=P))
    given(PROJECT, CREATED, ARCHIVED, Restored(project_id=P)).when(restore).then()


def test_a_project_is_renamed_only_to_another_name(given: Any) -> None:
    given(PROJECT, CREATED).when(RenameProject(project_id=P, name="Gym roof")).then(
        Renamed(project_id=P, name="Gym roof")
    )
    given(PROJECT, CREATED).when(RenameProject(project_id=P, name="School roof")).then()
    assert fold(PROJECT, [CREATED, Renamed(project_id=P, name="Gym roof")]).name == "Gym roof"


def test_a_project_is_described_only_in_other_words(given: Any) -> None:
    described = Described(project_id=P, description="")
    given(PROJECT, CREATED).when(DescribeProject(project_id=P, description="")).then(described)
    given(PROJECT, CREATED).when(DescribeProject(project_id=P, description="New trusses")).then()
    assert fold(PROJECT, [CREATED, described]).description == ""


def test_an_account_is_invited_to_a_role(given: Any) -> None:
    invite = InviteMember(project_id=P, account_id=BOB, role="editor")
    given(PROJECT, CREATED).when(invite).then(BOB_INVITED)
    given(PROJECT, CREATED, BOB_INVITED).when(invite).then()
    given(PROJECT, CREATED, BOB_INVITED).when(InviteMember(project_id=P, account_id=BOB, role="viewer")).then(
        MemberInvited(project_id=P, account_id=BOB, role="viewer")
    )
    given(PROJECT, CREATED, BOB_INVITED, BOB_JOINED).when(invite).refused(AlreadyMember)


def test_who_was_invited_joins_in_the_role_that_was_offered_last(given: Any) -> None:
    accept = AcceptInvitation(project_id=P)
    better = MemberInvited(project_id=P, account_id=BOB, role="auditor")
    given(PROJECT, CREATED, BOB_INVITED, better).when(accept, acting=actor(BOB)).then(
        MemberJoined(project_id=P, account_id=BOB, role="auditor")
    )
    assert fold(PROJECT, [CREATED, BOB_INVITED, BOB_JOINED]).invited == {}


@pytest.mark.parametrize("acting", [actor(CAROL), actor(ALICE), SYSTEM])
def test_who_was_not_invited_does_not_join(given: Any, acting: str) -> None:
    given(PROJECT, CREATED, BOB_INVITED).when(AcceptInvitation(project_id=P), acting=acting).refused(NotInvited)


def test_a_member_gets_another_role(given: Any) -> None:
    promote = ChangeMemberRole(project_id=P, account_id=BOB, role="owner")
    given(PROJECT, CREATED, BOB_INVITED, BOB_JOINED).when(promote).then(BOB_OWNS)
    given(PROJECT, CREATED, BOB_INVITED, BOB_JOINED, BOB_OWNS).when(promote).then()
    given(PROJECT, CREATED, BOB_INVITED).when(promote).refused(UnknownMember)


def test_a_member_or_an_invitation_is_removed(given: Any) -> None:
    remove, removed = RemoveMember(project_id=P, account_id=BOB), MemberRemoved(project_id=P, account_id=BOB)
    given(PROJECT, CREATED, BOB_INVITED).when(remove).then(removed)
    given(PROJECT, CREATED, BOB_INVITED, BOB_JOINED).when(remove).then(removed)
    given(PROJECT, CREATED, BOB_INVITED, BOB_JOINED, removed).when(remove).refused(UnknownMember)
    assert fold(PROJECT, [CREATED, BOB_INVITED, removed]).invited == {}


@pytest.mark.parametrize("others", [(), (BOB_INVITED, BOB_JOINED)])
def test_the_last_owner_stays_one(given: Any, others: tuple[Event, ...]) -> None:
    demote, leave = CHANGES[-2:]
    given(PROJECT, CREATED, *others).when(demote).refused(LastOwner)
    given(PROJECT, CREATED, *others).when(leave).refused(LastOwner)


def test_one_of_two_owners_may_step_down(given: Any) -> None:
    demote, leave = CHANGES[-2:]
    given(PROJECT, CREATED, BOB_JOINED, BOB_OWNS).when(demote).then(
        MemberRoleChanged(project_id=P, account_id=ALICE, role="viewer")
    )
    given(PROJECT, CREATED, BOB_JOINED, BOB_OWNS).when(leave).then(MemberRemoved(project_id=P, account_id=ALICE))


def test_an_owner_who_was_erased_is_none(given: Any) -> None:
    demote, leave = CHANGES[-2:]
    two_owners = (CREATED, BOB_JOINED, BOB_OWNS)
    for command in (demote, leave):
        given(PROJECT, *two_owners).when(command, given=frozenset({BOB})).refused(LastOwner)
    away = RemoveMember(project_id=P, account_id=BOB)
    given(PROJECT, *two_owners).when(away, given=frozenset({BOB})).then(MemberRemoved(project_id=P, account_id=BOB))
    promote = ChangeMemberRole(project_id=P, account_id=BOB, role="owner")
    given(PROJECT, CREATED, BOB_JOINED).when(promote, given=frozenset({ALICE})).then(BOB_OWNS)


def test_an_actor_names_its_account() -> None:
    assert account_of(actor(BOB)) == BOB
    assert account_of(SYSTEM) is None


ACCOUNTS = st.sampled_from([ALICE, BOB, CAROL])
ROLES = st.sampled_from(["owner", "editor", "auditor", "viewer"])


class ProjectHistory(History):
    aggregate = PROJECT

    @rule(creator=ACCOUNTS)
    def create(self, creator: UUID) -> None:
        self.command(CREATE, context(actor(creator)))

    @rule(name=st.sampled_from(["School roof", "Gym roof", "ÚT 2. etapa"]))
    def rename(self, name: str) -> None:
        self.command(RenameProject(project_id=P, name=name))

    @rule(description=st.text(max_size=20))
    def describe(self, description: str) -> None:
        self.command(DescribeProject(project_id=P, description=description))

    @rule(account_id=ACCOUNTS, role=ROLES)
    def invite(self, account_id: UUID, role: Role) -> None:
        self.command(InviteMember(project_id=P, account_id=account_id, role=role))

    @rule(account_id=ACCOUNTS)
    def accept(self, account_id: UUID) -> None:
        self.command(AcceptInvitation(project_id=P), context(actor(account_id)))

    @rule(account_id=ACCOUNTS, role=ROLES)
    def change_role(self, account_id: UUID, role: Role) -> None:
        self.command(ChangeMemberRole(project_id=P, account_id=account_id, role=role))

    @rule(account_id=ACCOUNTS)
    def remove(self, account_id: UUID) -> None:
        self.command(RemoveMember(project_id=P, account_id=account_id))

    @rule(restore=st.booleans())
    def archive(self, restore: bool) -> None:
        self.command(RestoreProject(project_id=P) if restore else ArchiveProject(project_id=P))

    @invariant()
    def somebody_owns_it(self) -> None:
        assert self.state.exists == ("owner" in self.state.members.values())

    @invariant()
    def nobody_is_member_and_invited(self) -> None:
        assert not self.state.members.keys() & self.state.invited.keys()


TestProjectHistory = ProjectHistory.TestCase
TestProjectHistory.settings = MACHINE
