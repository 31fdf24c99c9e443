"""Threads as their readers see them: messages as they read now, how they came to, and what erasure leaves."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.write_side import WriteSide
from domain.budget import AddPosition, Edit
from domain.core import Command
from domain.project import AcceptInvitation, InviteMember, UnknownProject
from domain.thread import (
    DeleteMessage,
    EditMessage,
    MentionsStrangers,
    OpenThread,
    PostMessage,
    UnknownLink,
    UnknownMessage,
    UnknownThread,
)
from eventstore.personal import Vault
from projections.asking import Listing
from projections.history import ListHistory
from projections.thread_questions import ListMessages, ListRevisions, ListThreads
from runtime.database import Pool
from runtime.ids import new_id
from tests.acting import create_project, open_write_side, register, write
from tests.projections.shelf import OUTSIDER, Shelf, replaced
from tests.projections.world import account

__all__ = ["open_write_side", "write"]

ASKED = "Kolik stojí lešení?"
ASKED_AGAIN = "Kolik stojí bednění?"


class Talk:
    """A project with an owner and a viewer, a thread in it, and its read models."""

    def __init__(self, shelf: Shelf, write: WriteSide) -> None:
        self.shelf, self.write = shelf, write
        self.thread_id, self.message_id = new_id(), new_id()

    async def begin(self) -> "Talk":
        self.owner, self.author = await register(self.write), await register(self.write)
        self.project_id = await create_project(self.write, self.owner)
        self.of_thread: dict[str, Any] = {"project_id": self.project_id, "thread_id": self.thread_id}
        self.ids: dict[str, Any] = {**self.of_thread, "message_id": self.message_id}
        invite = InviteMember(project_id=self.project_id, account_id=account(self.author), role="viewer")
        await self.do(invite, self.owner)
        await self.do(AcceptInvitation(project_id=self.project_id), self.author)
        await self.do(OpenThread(**self.of_thread, title="Scaffold"), self.author)
        return self

    async def do(self, command: Command, actor: str) -> None:
        await self.write.bus.execute(command, actor=actor)

    async def post(self, text: str, actor: str, **other: Any) -> UUID:
        message_id = new_id()
        said = PostMessage(**self.of_thread, message_id=message_id, text=text, message_type="question", **other)
        await self.do(said, actor)
        return message_id

    async def pages(self, query: Listing) -> Sequence[Any]:
        await self.shelf.keep_up()
        return await self.shelf.pages(query, self.owner)

    async def messages(self, **other: Any) -> Sequence[Any]:
        return await self.pages(ListMessages(**self.of_thread, **other))

    async def history(self, message_id: UUID, **other: Any) -> Sequence[Any]:
        return await self.pages(ListRevisions(**self.of_thread, message_id=message_id, **other))


@pytest.fixture
async def talk(shelf: Shelf, write: WriteSide) -> Talk:
    return await Talk(shelf, write).begin()


async def log_of(pool: Pool) -> bytes:
    """Give everything that is kept: the log, snapshots and the read model's texts."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT string_agg(data, '') || coalesce((SELECT string_agg(state, '') FROM snapshots), '')"
            " || coalesce((SELECT convert_to(string_agg(text, ''), 'UTF8') FROM read.messages), '') FROM events"
        )
        ((kept,),) = await cursor.fetchall()
    return bytes(kept)


async def test_messages_are_shown_as_they_read_now_page_by_page(talk: Talk) -> None:
    first, second, third = [await talk.post(text, talk.author) for text in ("one", "two", "three")]
    await talk.do(EditMessage(**talk.of_thread, message_id=second, text="zwei", expected_revision=1), talk.author)
    shown = await talk.messages(limit=1)
    assert [(each.message_id, each.text, each.revision) for each in shown] == [
        (first, "one", 1),
        (second, "zwei", 2),
        (third, "three", 1),
    ]
    assert [each.edited_at is not None for each in shown] == [False, True, False]
    assert {(each.role, each.message_type, each.account_id) for each in shown} == {
        ("user", "question", account(talk.author))
    }
    newest = await talk.messages(order="newest", limit=2)
    assert [each.message_id for each in newest] == [third, second, first]


async def test_threads_are_listed_with_what_they_are_about(talk: Talk) -> None:
    line, other = new_id(), new_id()
    await talk.do(AddPosition(project_id=talk.project_id, position_id=line, fields=Edit()), talk.owner)
    opening = OpenThread(project_id=talk.project_id, thread_id=other, title="Line", about_position=line)
    await talk.do(opening, talk.author)
    kept, deleted = await talk.post("one", talk.author, positions=(line,)), await talk.post("two", talk.author)
    await talk.do(DeleteMessage(**talk.of_thread, message_id=deleted), talk.author)
    threads = await talk.pages(ListThreads(project_id=talk.project_id, limit=1))
    assert [(each.title, each.about_position, each.messages) for each in threads] == [
        ("Line", line, 0),
        ("Scaffold", None, 1),
    ]
    assert threads[0].last_posted_at is None
    assert (await talk.messages())[0].positions == (line,)
    (about,) = await talk.pages(ListThreads(project_id=talk.project_id, about_position=line))
    assert about.thread_id == other
    assert kept != deleted


async def test_a_deleted_text_is_gone_from_the_thread_and_in_the_history_with_every_revision(
    talk: Talk, pool: Pool
) -> None:
    message_id = await talk.post(ASKED, talk.author, mentions=(account(talk.owner),))
    await talk.post("another", talk.author)
    await talk.do(EditMessage(**talk.of_thread, message_id=message_id, text=ASKED_AGAIN), talk.author)
    await talk.do(DeleteMessage(**talk.of_thread, message_id=message_id), talk.owner)
    gone, left = await talk.messages()
    assert (gone.text, gone.mentions, gone.deleted_by, left.text) == (None, (), talk.owner, "another")
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM read.messages WHERE text IS NOT NULL")
        assert await cursor.fetchall() == [(1,)]
    happened = await talk.history(message_id, limit=1)
    assert [(each.event_type, each.text, each.actor) for each in happened] == [
        ("message.posted", ASKED, talk.author),
        ("message.edited", ASKED_AGAIN, talk.author),
        ("message.deleted", None, talk.owner),
    ]
    assert happened[0].mentions == (account(talk.owner),)
    listed = await talk.pages(ListHistory(project_id=talk.project_id, order="oldest", event_type="message.*"))
    told = {each.sequence: each.data.get("text") for each in listed if each.data["message_id"] == str(message_id)}
    assert told == {each.sequence: each.text for each in happened}


async def test_only_who_may_read_the_project_reads_its_threads(talk: Talk) -> None:
    message_id = await talk.post(ASKED, talk.author)
    await talk.shelf.keep_up()
    queries = (
        ListThreads(project_id=talk.project_id),
        ListMessages(**talk.of_thread),
        ListRevisions(**talk.of_thread, message_id=message_id),
    )
    for query in queries:
        with pytest.raises(UnknownProject):
            await talk.shelf.ask(query, OUTSIDER)
    other = await create_project(talk.write, talk.owner)  # a right in one project is none in another
    await talk.shelf.keep_up()
    assert await talk.pages(replaced(queries[0], project_id=other)) == []
    for query, refusal in ((queries[1], UnknownThread), (queries[2], UnknownMessage)):
        with pytest.raises(refusal):
            await talk.shelf.ask(replaced(query, project_id=other), talk.owner)


async def test_the_bus_looks_members_and_links_up(talk: Talk) -> None:
    invited, stranger = await register(talk.write), new_id()
    await talk.do(InviteMember(project_id=talk.project_id, account_id=account(invited), role="viewer"), talk.owner)
    with pytest.raises(MentionsStrangers) as refused:  # who was invited has not joined
        await talk.post("so", talk.author, mentions=(account(invited), stranger, account(talk.owner)))
    assert refused.value.extra == {"accounts": sorted((account(invited), stranger))}
    with pytest.raises(UnknownLink) as unknown:
        await talk.post("so", talk.author, positions=(stranger,), documents=(talk.project_id,))
    assert unknown.value.extra == {"positions": [stranger], "documents": [talk.project_id]}


async def test_no_text_is_in_the_log_and_after_erasure_nothing_opens_it(talk: Talk, pool: Pool, vault: Vault) -> None:
    message_id = await talk.post(ASKED, talk.author)
    await talk.do(EditMessage(**talk.of_thread, message_id=message_id, text=ASKED_AGAIN), talk.author)
    await talk.post("ours", talk.owner)
    assert [each.text for each in await talk.messages()] == [ASKED_AGAIN, "ours"]
    kept = await log_of(pool)
    for text in (ASKED, ASKED_AGAIN):
        assert text.encode() not in kept
        assert msgspec.json.encode(text)[1:-1] not in kept
    assert kept.count(b"sealed:1:") >= 5
    await vault.destroy(talk.author)
    erased, ours = await talk.messages()
    assert (erased.text, erased.deleted_at, ours.text) == (None, None, "ours")
    assert [each.text for each in await talk.history(message_id)] == [None, None]
    listed = await talk.pages(ListHistory(project_id=talk.project_id, event_type="message.*"))
    assert [each.data["text"] for each in listed] == ["ours", None, None]
