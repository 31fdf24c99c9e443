"""Projects, their members, and the accounts behind them, as queries show them."""

from uuid import UUID

import pytest
from msgspec import structs

from domain.account import Credentials, Erase, GrantRole, IssueToken, Register, RevokeToken, Suspend, UnknownAccount
from domain.audit import CompleteAudit, RecordFindings, Scope, StartAudit
from domain.budget import ImportPositions
from domain.document import RemoveDocument, UploadDocument, document_id_of
from domain.job import CompleteJob, FailJob, QueueJob, StartJob
from domain.position import Position
from domain.project import (
    AcceptInvitation,
    ArchiveProject,
    ChangeMemberRole,
    InviteMember,
    RemoveMember,
    RenameProject,
    RestoreProject,
    UnknownProject,
)
from eventstore.personal import Vault
from projections.accounts import GetAccount
from projections.asking import NotSignedIn, Viewer
from projections.members import ListInvitations, ListMembers
from projections.moments import BadMoment
from projections.project_questions import GetProject, ListProjects
from runtime.ids import new_id
from tests.projections.shelf import EDITOR, OUTSIDER, OWNER, Shelf
from tests.projections.world import account


def invite(shelf: Shelf, project_id: UUID, who: str = EDITOR, *, join: bool = True) -> None:
    shelf.world.do(InviteMember(project_id=project_id, account_id=account(who), role="editor"), OWNER)
    if join:
        shelf.world.do(AcceptInvitation(project_id=project_id), who)


def imported(shelf: Shelf, project_id: UUID, count: int = 4) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    positions = tuple(Position(position_id=position_id) for position_id in ids)
    command = ImportPositions(project_id=project_id, document_id=new_id(), positions=positions, currency="CZK")
    shelf.world.do(command)
    return ids


async def standing(shelf: Shelf, project_id: UUID) -> tuple[str, int]:
    await shelf.keep_up()
    project = await shelf.ask(GetProject(project_id=project_id))
    return project.status, project.progress


async def test_everybody_lists_the_projects_that_they_joined_newest_first(shelf: Shelf) -> None:
    first, second, third = (shelf.project(name) for name in ("one", "two", "three"))
    invite(shelf, first)
    invite(shelf, second, join=False)
    invite(shelf, third)
    await shelf.keep_up()
    assert [item.name for item in await shelf.pages(ListProjects(limit=2))] == ["three", "two", "one"]
    mine = await shelf.pages(ListProjects(limit=1), EDITOR)
    assert [(item.name, item.role, item.members) for item in mine] == [("three", "editor", 2), ("one", "editor", 2)]
    assert await shelf.pages(ListProjects(), OUTSIDER) == []


async def test_projects_are_found_by_words_and_by_status(shelf: Shelf) -> None:
    for name in ("100 % bridge", "100 bridges", "house_1", "houseX1"):
        shelf.project(name)
    closed = shelf.project("closed")
    shelf.world.do(ArchiveProject(project_id=closed), OWNER)
    await shelf.keep_up()
    assert [item.name for item in await shelf.pages(ListProjects(text="100 %"))] == ["100 % bridge"]
    assert [item.name for item in await shelf.pages(ListProjects(text="HOUSE_"))] == ["house_1"]
    assert [item.name for item in await shelf.pages(ListProjects(status="archived"))] == ["closed"]


async def test_a_project_of_others_looks_like_none_at_all(shelf: Shelf) -> None:
    project_id = shelf.project()
    await shelf.keep_up()
    refusals = []
    for query in (GetProject(project_id=project_id), GetProject(project_id=new_id())):
        with pytest.raises(UnknownProject) as refused:
            await shelf.ask(query, OUTSIDER)
        refusals.append((refused.value.code, refused.value.detail, refused.value.extra))
    assert refusals[0] == refusals[1]
    assert (await shelf.answer(GetProject(project_id=project_id), OUTSIDER, admin=True)).body.role is None


async def test_somebody_removed_reads_the_project_no_more(shelf: Shelf) -> None:
    project_id = shelf.project()
    invite(shelf, project_id)
    await shelf.keep_up()
    await shelf.ask(GetProject(project_id=project_id), EDITOR)
    shelf.world.do(RemoveMember(project_id=project_id, account_id=account(EDITOR)), OWNER)
    await shelf.keep_up()
    with pytest.raises(UnknownProject):
        await shelf.ask(GetProject(project_id=project_id), EDITOR)


async def test_nobody_is_answered_without_signing_in(shelf: Shelf) -> None:
    with pytest.raises(NotSignedIn):
        await shelf.queries.answer(ListProjects(), Viewer(account_id=None))


async def test_the_status_follows_from_what_runs_for_the_project(shelf: Shelf) -> None:
    project_id = shelf.project()
    assert await standing(shelf, project_id) == ("draft", 0)
    for kind, status, progress in (("parse", "parsing", 10), ("import", "enriching", 40)):
        job_id = new_id()
        shelf.world.do(QueueJob(project_id=project_id, job_id=job_id, kind=kind, subject=new_id()))
        assert await standing(shelf, project_id) == (status, progress)
        shelf.world.do(StartJob(project_id=project_id, job_id=job_id, attempt=1))
        shelf.world.do(CompleteJob(project_id=project_id, job_id=job_id, attempt=1))
    ids = imported(shelf, project_id)
    assert await standing(shelf, project_id) == ("draft", 60)
    audit = {"project_id": project_id, "audit_id": new_id()}
    shelf.world.do(StartAudit(**audit), OWNER, Scope(version=1, rules=("V1",)))
    assert await standing(shelf, project_id) == ("auditing", 60)
    half = ids[:2]
    shelf.world.do(
        RecordFindings(
            **audit, part=1, outcomes=dict.fromkeys(half, "G"), verdicts=dict.fromkeys(half, "GREEN"), findings=()
        )
    )
    assert await standing(shelf, project_id) == ("auditing", 79)
    shelf.world.do(CompleteAudit(**audit, rules={}))
    assert await standing(shelf, project_id) == ("completed", 100)
    shelf.world.do(ArchiveProject(project_id=project_id), OWNER)
    assert await standing(shelf, project_id) == ("archived", 100)
    shelf.world.do(RestoreProject(project_id=project_id), OWNER)
    assert await standing(shelf, project_id) == ("completed", 100)


async def test_a_failed_job_leaves_no_trace_in_the_status(shelf: Shelf) -> None:
    project_id, job_id = shelf.project(), new_id()
    job = {"project_id": project_id, "job_id": job_id}
    shelf.world.do(QueueJob(**job, kind="parse", subject=new_id()))
    shelf.world.do(StartJob(**job, attempt=1))
    shelf.world.do(FailJob(**job, attempt=1, error_code="bad", error="It is not a bill.", retry=True))
    assert await standing(shelf, project_id) == ("parsing", 10)
    shelf.world.do(StartJob(**job, attempt=2))
    shelf.world.do(FailJob(**job, attempt=2, error_code="bad", error="It is not a bill."))
    assert await standing(shelf, project_id) == ("draft", 0)


async def test_a_removed_document_is_not_counted(shelf: Shelf) -> None:
    project_id = shelf.project()
    for number in range(2):
        content_hash = f"{number:064}"
        document_id = document_id_of(project_id, content_hash)
        ids = {"project_id": project_id, "document_id": document_id}
        shelf.world.do(UploadDocument(**ids, filename="bill.xlsx", content_hash=content_hash, size=1), OWNER)
    shelf.world.do(RemoveDocument(**ids), OWNER)
    await shelf.keep_up()
    assert (await shelf.ask(GetProject(project_id=project_id))).documents == 1


async def test_a_project_is_shown_as_it_was_at_a_position_a_time_and_a_version(shelf: Shelf) -> None:
    project_id = shelf.project("first")
    invite(shelf, project_id)
    before = await shelf.keep_up()
    shelf.world.do(RenameProject(project_id=project_id, name="second"), OWNER)
    imported(shelf, project_id)
    between = await shelf.keep_up()
    shelf.world.do(RenameProject(project_id=project_id, name="third"), OWNER)
    shelf.world.do(ChangeMemberRole(project_id=project_id, account_id=account(EDITOR), role="viewer"), OWNER)
    await shelf.keep_up()
    moment = (await shelf.ask(GetProject(project_id=project_id, at=str(between)))).updated_at
    shown = {
        at: await shelf.answer(GetProject(project_id=project_id, at=at), EDITOR)
        for at in (str(before), str(between), "v1", moment.isoformat())
    }
    names = {at: (answer.body.name, answer.body.role, answer.position) for at, answer in shown.items()}
    assert names == {
        str(before): ("first", "editor", before),
        str(between): ("second", "editor", between),
        "v1": ("second", "editor", between),
        moment.isoformat(): ("second", "editor", between),
    }
    assert (await shelf.ask(GetProject(project_id=project_id), EDITOR)).role == "viewer"


@pytest.mark.parametrize("at", ["", "v", "v0x", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "-1", "9" * 30])
async def test_a_moment_must_be_a_position_a_time_or_a_version(shelf: Shelf, at: str) -> None:
    project_id = shelf.project()
    await shelf.keep_up()
    with pytest.raises(BadMoment):
        await shelf.ask(GetProject(project_id=project_id, at=at))


async def test_the_future_is_not_told(shelf: Shelf) -> None:
    project_id = shelf.project()
    end = await shelf.keep_up()
    with pytest.raises(BadMoment):
        await shelf.ask(GetProject(project_id=project_id, at=str(end + 1)))
    with pytest.raises(UnknownProject):
        await shelf.ask(GetProject(project_id=project_id, at="0"))


async def registered(shelf: Shelf, vault: Vault, who: str, name: str) -> None:
    sealed = {"email": await vault.seal(who, f"{name}@localhost"), "name": await vault.seal(who, name)}
    command = Register(account_id=account(who), email="a@b", name="N", password="correct horse")  # noqa: S106 - a test's
    given = Credentials(email_claim="claim", password_hash="sealed:x:y")  # noqa: S106 - a test's
    (event,) = shelf.world.decide(command, "", given, claims=("claim",))
    shelf.world.record(who, who, [structs.replace(event, **sealed)], "anyone")


async def test_members_are_listed_with_names_until_they_are_erased(shelf: Shelf, vault: Vault) -> None:
    await registered(shelf, vault, OWNER, "Olga")
    await registered(shelf, vault, EDITOR, "Emil")
    project_id = shelf.project()
    invite(shelf, project_id, join=False)
    await shelf.keep_up()
    found = {member.name: member for member in await shelf.pages(ListMembers(project_id=project_id, limit=1))}
    assert found.keys() == {"Olga", "Emil"}
    assert (found["Olga"].email, found["Olga"].role, found["Olga"].joined) == ("Olga@localhost", "owner", True)
    assert (found["Emil"].joined, found["Emil"].invited_by) == (False, OWNER)
    (invited,) = await shelf.pages(ListMembers(project_id=project_id, joined=False))
    assert invited.account_id == account(EDITOR)
    await vault.destroy(EDITOR)
    (erased,) = await shelf.pages(ListMembers(project_id=project_id, joined=False))
    assert (erased.name, erased.email) == (None, None)


async def test_an_invitation_is_shown_until_it_is_accepted(shelf: Shelf) -> None:
    projects = [shelf.project(name) for name in ("one", "two")]
    for project_id in projects:
        invite(shelf, project_id, join=False)
    await shelf.keep_up()
    found = await shelf.pages(ListInvitations(limit=1), EDITOR)
    assert [(item.project_id, item.project_name) for item in found] == list(zip(projects, ("one", "two"), strict=True))
    shelf.world.do(AcceptInvitation(project_id=projects[0]), EDITOR)
    await shelf.keep_up()
    assert [item.project_id for item in await shelf.pages(ListInvitations(), EDITOR)] == projects[1:]


@pytest.mark.parametrize("joined", [False, True])
async def test_an_erased_account_stays_a_nameless_member(shelf: Shelf, vault: Vault, *, joined: bool) -> None:
    await registered(shelf, vault, EDITOR, "Emil")
    project_id = shelf.project()
    invite(shelf, project_id, join=joined)
    mine = {"account_id": account(EDITOR)}
    shelf.world.do(IssueToken(**mine, token_id=new_id(), name="robot"), EDITOR, Credentials(token_sha256="f" * 64))
    shelf.world.do(GrantRole(**mine, plan="pro", admin=True))
    shelf.world.do(Erase(**mine))
    await shelf.keep_up()
    members = {each.account_id: each for each in await shelf.pages(ListMembers(project_id=project_id, joined=joined))}
    erased = members[account(EDITOR)]
    assert (erased.name, erased.email) == (None, None)
    seen = await shelf.ask(GetAccount(), EDITOR)  # nobody can ask so any more; it is what the table holds
    assert (seen.status, seen.name, seen.email, seen.plan, seen.admin, seen.tokens) == (
        "erased",
        None,
        None,
        "user",
        False,
        (),
    )


async def test_an_account_sees_itself(shelf: Shelf, vault: Vault) -> None:
    await registered(shelf, vault, OWNER, "Olga")
    kept, revoked = new_id(), new_id()
    mine = {"account_id": account(OWNER)}
    for token_id in (kept, revoked):
        shelf.world.do(IssueToken(**mine, token_id=token_id, name="robot"), OWNER, Credentials(token_sha256="f" * 64))
    shelf.world.do(RevokeToken(**mine, token_id=revoked), OWNER)
    shelf.world.do(GrantRole(**mine, plan="pro", admin=True), OWNER)
    shelf.world.do(Suspend(**mine, reason="unpaid"), OWNER)
    await shelf.keep_up()
    seen = await shelf.ask(GetAccount())
    assert (seen.name, seen.email, seen.plan, seen.admin) == ("Olga", "Olga@localhost", "pro", True)
    assert (seen.status, seen.suspended_because) == ("suspended", "unpaid")
    assert [token.token_id for token in seen.tokens] == [kept]
    with pytest.raises(UnknownAccount):
        await shelf.ask(GetAccount(), OUTSIDER)
