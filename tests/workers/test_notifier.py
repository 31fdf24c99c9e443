"""Who is told what: by the notifier, on the account's own feed, once however often it reads an event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from commands.write_side import WriteSide
from domain.account import Erase
from domain.audit import RaiseConflict, RecordFindings, StartAudit
from domain.budget import (
    Addition,
    AddPosition,
    ApproveVariation,
    DraftVariation,
    Edit,
    Proposal,
    RejectVariation,
    SubmitVariation,
)
from domain.document import UploadDocument, document_id_of
from domain.job import CompleteJob, EnterPhase, FailJob, QueueJob, StartJob
from domain.notification import MarkRead
from domain.project import AcceptInvitation, InviteMember, RemoveMember
from domain.thread import EditMessage, OpenThread, PostMessage
from runtime.ids import new_id
from tests.acting import create_project, register
from workers.following import Following
from workers.notifier import notifier
from workers.reactor import reactor

Told = dict[str, Any]


@asynccontextmanager
async def following(database_url: str, write: WriteSide, *, after: int | None = 0) -> AsyncIterator[None]:
    """Run reactor and notifier, without workers; the notifier from behind a position, or from wherever it was."""
    if after is not None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO followers (name, position) VALUES ('notifier', %s)"
                " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
                (after,),
            )
    followers = (reactor(write.bus, write.vault, lambda _nudges: None), notifier(write.bus))
    tasks = [asyncio.create_task(Following(database_url, each).run()) for each in followers]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def told(write: WriteSide, actor: str, count: int) -> list[Told]:
    """Wait until an account was told as much; give all of it."""
    async with asyncio.timeout(30):
        while True:
            events = [event for event in await write.store.feed(actor) if event.type == "notification.sent"]
            if len(events) >= count:
                return [msgspec.json.decode(event.data) for event in events]
            await asyncio.sleep(0.02)


async def queued(write: WriteSide, project_id: UUID) -> Told:
    """Wait until the reactor has queued a job of a project."""
    async with asyncio.timeout(30):
        while True:
            for event in await write.store.feed(f"project:{project_id}"):
                if event.type == "job.queued":
                    return msgspec.json.decode(event.data)
            await asyncio.sleep(0.02)


def account(actor: str) -> UUID:
    return UUID(actor.removeprefix("account:"))


async def join(write: WriteSide, project_id: UUID, owner: str, role: Any) -> str:
    actor = await register(write)
    await write.bus.execute(InviteMember(project_id=project_id, account_id=account(actor), role=role), actor=owner)
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=actor)
    return actor


async def test_whose_upload_a_job_is_for_hears_how_it_ended(database_url: str, write: WriteSide) -> None:
    owner = await register(write)
    project_id = await create_project(write, owner)
    editor = await join(write, project_id, owner, "editor")
    document = {"project_id": project_id, "document_id": document_id_of(project_id, "0" * 64)}
    upload = UploadDocument(**document, filename="bill.xlsx", content_hash="0" * 64, size=7)
    await write.bus.execute(upload, actor=editor)
    async with following(database_url, write):
        job = await queued(write, project_id)
        assert job["requested_by"] == editor
        ids = {"project_id": project_id, "job_id": UUID(job["job_id"]), "attempt": 1}
        await write.bus.execute(StartJob(**ids), actor="system")
        await write.bus.execute(EnterPhase(**ids, phase="reading"), actor="system")
        await write.bus.execute(FailJob(**ids, error_code="unreadable.scanned", error="Only pictures."), actor="system")
        invited, failed = await told(write, editor, 2)
    assert (invited["kind"], invited["details"]) == ("invited", {"role": "editor", "by": owner})
    assert (failed["number"], failed["kind"], failed["subject"]) == (2, "job_failed", job["job_id"])
    about = {"job": "parse", "about": str(document["document_id"])}
    assert failed["details"] == about | {"error_code": "unreadable.scanned", "error": "Only pictures."}
    assert await told(write, owner, 0) == []


async def test_what_follows_from_a_job_is_on_the_wish_of_whoever_asked_for_that(
    database_url: str, write: WriteSide
) -> None:
    owner = await register(write)
    project_id, audit_id, first = await create_project(write, owner), new_id(), new_id()
    await write.bus.execute(AddPosition(project_id=project_id, position_id=new_id(), fields=Edit()), actor=owner)
    ask = QueueJob(project_id=project_id, job_id=first, kind="import", subject=new_id(), requested_by=owner)
    await write.bus.execute(ask, actor="system")
    start = StartAudit(project_id=project_id, audit_id=audit_id)
    await write.bus.execute(start, actor="system", correlation_id=first)  # as the import's consequence does
    async with following(database_url, write), asyncio.timeout(30):
        jobs: list[Told] = []
        while len(jobs) < 2:
            events = await write.store.feed(f"project:{project_id}")
            jobs = [msgspec.json.decode(event.data) for event in events if event.type == "job.queued"]
            await asyncio.sleep(0.02)
        assert (jobs[1]["kind"], jobs[1]["requested_by"]) == ("audit", owner)
        ids = {"project_id": project_id, "job_id": UUID(jobs[1]["job_id"]), "attempt": 1}
        await write.bus.execute(StartJob(**ids), actor="system")
        await write.bus.execute(CompleteJob(**ids), actor="system")
        (complete,) = await told(write, owner, 1)
    assert (complete["kind"], complete["details"]) == ("job_complete", {"job": "audit", "about": str(audit_id)})


async def test_a_conflict_is_told_to_those_who_may_resolve_it_and_once(database_url: str, write: WriteSide) -> None:
    owner = await register(write)
    project_id, audit_id, position_id = await create_project(write, owner), new_id(), new_id()
    auditor = await join(write, project_id, owner, "auditor")
    viewer = await join(write, project_id, owner, "viewer")
    await write.bus.execute(AddPosition(project_id=project_id, position_id=position_id, fields=Edit()), actor=owner)
    ids = {"project_id": project_id, "audit_id": audit_id}
    await write.bus.execute(StartAudit(**ids), actor=owner)
    findings = RecordFindings(**ids, part=1, outcomes={position_id: ""}, verdicts={position_id: "RED"}, findings=())
    await write.bus.execute(findings, actor="system")
    conflict = {"conflict_id": new_id(), "position_id": position_id, "rules": ("V1", "C1"), "description": "Both."}
    await write.bus.execute(RaiseConflict(**ids, **conflict), actor="system")
    for _ in range(2):  # the second time from the start, as after a crash before the checkpoint moved
        async with following(database_url, write):
            (of_owner,) = await told(write, owner, 1)
            kinds = [each["kind"] for each in await told(write, auditor, 2)]
            await reached(write)
    assert (of_owner["kind"], of_owner["subject"]) == ("conflict_raised", str(audit_id))
    assert of_owner["details"]["rules"] == "V1, C1"
    assert kinds == ["invited", "conflict_raised"]
    assert [each["kind"] for each in await told(write, viewer, 0)] == ["invited"]
    await write.bus.execute(MarkRead(account_id=account(owner), upto=1), actor=owner)


async def test_the_first_start_tells_nothing_of_before_and_any_other_all_that_was_missed(
    database_url: str, write: WriteSide
) -> None:
    owner = await register(write)
    before, missed = await create_project(write, owner), await create_project(write, owner)
    guest = await join(write, before, owner, "viewer")
    async with following(database_url, write, after=None):
        await reached(write)
    invitation = InviteMember(project_id=missed, account_id=account(guest), role="viewer")
    await write.bus.execute(invitation, actor=owner)
    async with following(database_url, write, after=None):
        await reached(write)
    assert [each["project_id"] for each in await told(write, guest, 0)] == [str(missed)]


async def test_whom_a_message_mentions_is_told_once_and_its_author_never(database_url: str, write: WriteSide) -> None:
    owner = await register(write)
    project_id, thread_id, message_id = await create_project(write, owner), new_id(), new_id()
    author = await join(write, project_id, owner, "viewer")
    gone = await join(write, project_id, owner, "viewer")
    ids = {"project_id": project_id, "thread_id": thread_id}
    await write.bus.execute(OpenThread(**ids, title="Concrete"), actor=owner)
    said = {**ids, "message_id": message_id, "text": "Why C30/37?"}
    mentions = (account(owner), account(gone), account(owner), account(author))
    await write.bus.execute(PostMessage(**said, message_type="question", mentions=mentions), actor=author)
    await write.bus.execute(EditMessage(**said), actor=author)
    await write.bus.execute(EditMessage(**said, mentions=(account(owner),)), actor=author)
    late = await join(write, project_id, owner, "editor")
    await write.bus.execute(EditMessage(**said, mentions=(account(owner), account(late))), actor=author)
    await write.bus.execute(RemoveMember(project_id=project_id, account_id=account(gone)), actor=owner)
    for _ in range(2):  # the second time from the start, as after a crash before the checkpoint moved
        async with following(database_url, write):
            await reached(write)
    (notice,) = await told(write, owner, 1)
    assert (notice["kind"], notice["project_id"], notice["subject"]) == ("mentioned", str(project_id), str(thread_id))
    assert notice["details"] == {"message_id": str(message_id), "by": author}
    assert [each["kind"] for each in await told(write, late, 0)] == ["invited", "mentioned"]
    for other in (author, gone):
        assert [each["kind"] for each in await told(write, other, 0)] == ["invited"]


async def vary(write: WriteSide, project_id: UUID, editor: str) -> dict[str, UUID]:
    """Draft and submit a variation of one more line; give what names it."""
    ids = {"project_id": project_id, "variation_id": new_id()}
    proposal = Proposal(additions=(Addition(position_id=new_id(), fields=Edit(description="Skirting")),))
    await write.bus.execute(DraftVariation(**ids, name="Skirting", proposal=proposal), actor=editor)
    await write.bus.execute(SubmitVariation(**ids), actor=editor)
    return ids


async def test_a_variation_is_told_to_those_who_may_approve_it_and_its_end_to_whoever_submitted_it(
    database_url: str, write: WriteSide
) -> None:
    owner = await register(write)
    project_id = await create_project(write, owner)
    people = {role: await join(write, project_id, owner, role) for role in ("editor", "auditor", "viewer")}
    editor, auditor = people["editor"], people["auditor"]
    approved, rejected = await vary(write, project_id, editor), await vary(write, project_id, editor)
    await write.bus.execute(ApproveVariation(**approved), actor=auditor)
    await write.bus.execute(RejectVariation(**rejected, reason="Too dear"), actor=owner)
    own = await vary(write, project_id, owner)
    await write.bus.execute(ApproveVariation(**own), actor=owner)
    gone = await join(write, project_id, owner, "editor")
    left = await vary(write, project_id, gone)
    await write.bus.execute(RemoveMember(project_id=project_id, account_id=account(gone)), actor=owner)
    await write.bus.execute(RejectVariation(**left, reason="Nobody asks any more"), actor=owner)
    for _ in range(2):  # the second time from the start, as after a crash before the checkpoint moved
        async with following(database_url, write):
            await reached(write)
    sent = {name: await told(write, who, 0) for name, who in (("owner", owner), *people.items(), ("gone", gone))}
    news = {
        name: [(each["kind"], each["subject"], each["details"]) for each in notices if each["kind"] != "invited"]
        for name, notices in sent.items()
    }
    submitted = [
        ("variation_submitted", str(ids["variation_id"]), {"number": number, "by": by})
        for ids, number, by in ((approved, "1", editor), (rejected, "2", editor), (own, "3", owner), (left, "4", gone))
    ]
    assert news["auditor"] == submitted
    assert news["owner"] == [each for each in submitted if each[2]["by"] != owner]
    assert news["editor"] == [
        ("variation_approved", str(approved["variation_id"]), {"number": "1", "by": auditor, "version": "1"}),
        ("variation_rejected", str(rejected["variation_id"]), {"number": "2", "by": owner, "reason": "Too dear"}),
    ]
    assert news["viewer"] == news["gone"] == []
    assert {each["project_id"] for each in sent["editor"]} == {str(project_id)}


async def reached(write: WriteSide) -> None:
    """Wait until the notifier has read everything that there is."""
    async with asyncio.timeout(30), write.store._pool.connection() as connection:
        while True:
            cursor = await connection.execute(
                "SELECT f.position >= h.position FROM followers f, log_head h WHERE f.name = 'notifier'"
            )
            if (await cursor.fetchone()) == (True,):
                return
            await asyncio.sleep(0.02)


async def test_nobody_writes_to_an_account_that_was_erased(database_url: str, write: WriteSide) -> None:
    owner, erased, other = [await register(write) for _ in range(3)]
    project_id = await create_project(write, owner)
    await write.bus.execute(Erase(account_id=account(erased)), actor="system")
    for actor in (erased, other):
        invitation = InviteMember(project_id=project_id, account_id=account(actor), role="viewer")
        await write.bus.execute(invitation, actor=owner)
    async with following(database_url, write):
        await told(write, other, 1)  # which comes after
    assert not [event for event in await write.store.feed(erased) if event.type == "notification.sent"]


async def test_the_key_of_who_was_erased_is_destroyed_also_by_a_reactor_that_starts_over(
    database_url: str, write: WriteSide
) -> None:
    actors = [await register(write) for _ in range(2)]
    kept = await register(write)
    head = 0
    for actor in actors:
        await write.bus.execute(Erase(account_id=account(actor)), actor="system")
        async with following(database_url, write), asyncio.timeout(30):  # from the start of the log, as after a crash
            while not await destroyed(database_url, actor):
                await asyncio.sleep(0.02)
        head = head or await write.store.head()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("UPDATE followers SET position = 0 WHERE name = 'reactor'")
    assert not await destroyed(database_url, kept)
    assert await write.store.head() == head + 2  # the second erasure with its address, and nothing of the reactor's


async def destroyed(database_url: str, actor: str) -> bool:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        cursor = await connection.execute("SELECT wrapped IS NULL FROM person_keys WHERE person = %s", (actor,))
        ((gone,),) = await cursor.fetchall()
    return gone
