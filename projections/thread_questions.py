"""What people ask of threads: which there are, how their messages read now, and how a message came to read so."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, structs

from domain.thread import MessageRole, MessageType, UnknownMessage, UnknownThread
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading
from projections.threads import NAME


class ListThreads(Listing, frozen=True, kw_only=True, tag="threads.list"):
    """A project's threads, newest first; by the position or the document that they are about."""

    project_id: UUID
    about_position: UUID | None = None
    about_document: UUID | None = None


class ListMessages(Listing, frozen=True, kw_only=True, tag="threads.messages"):
    """A thread's messages as they read now, in the order in which they were posted, or the newest first."""

    project_id: UUID
    thread_id: UUID
    order: Literal["oldest", "newest"] = "oldest"


class ListRevisions(Listing, frozen=True, kw_only=True, tag="messages.history"):
    """All that happened to a message, from the log itself: how it was posted, each edit, and who deleted it."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID


class ThreadItem(Struct, frozen=True, kw_only=True):
    """A thread. `messages` are those that were not deleted."""

    thread_id: UUID
    title: str
    about_position: UUID | None
    about_document: UUID | None
    messages: int
    opened_by: str
    opened_at: datetime
    opened_position: int
    last_posted_at: datetime | None


class MessageItem(Struct, frozen=True, kw_only=True):
    """A message. `text` is null once the message was deleted (see `deleted_at`), or its author's data erased."""

    message_id: UUID
    account_id: UUID
    role: MessageRole
    message_type: MessageType
    text: str | None
    positions: tuple[UUID, ...]
    documents: tuple[UUID, ...]
    mentions: tuple[UUID, ...]
    revision: int
    posted_at: datetime
    posted_position: int
    edited_at: datetime | None
    deleted_at: datetime | None
    deleted_by: str | None


class _Act(Struct, frozen=True, kw_only=True):
    sequence: int
    position: int
    event_type: Literal["message.posted", "message.edited", "message.deleted"]
    at: datetime
    actor: str
    command_id: UUID | None


class RevisionItem(_Act, frozen=True, kw_only=True):
    """What `actor` did to a message: event `sequence` of the project's feed, by which `plumbline verify` proves it.

    `text`, links and mentions are those of this revision. `text` is null in a deletion, and everywhere once the
    author's data was erased.
    """

    text: str | None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()


class _Thread(Struct, frozen=True):
    thread_id: UUID


class _Told(Struct, frozen=True, kw_only=True):
    text: str | None = None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()


class _Happened(_Act, frozen=True, kw_only=True):
    data: _Told


THREADS = "SELECT t.* FROM read.threads t WHERE t.project_id = %(project_id)s"
MESSAGES = "SELECT m.* FROM read.messages m WHERE m.thread_id = %(thread_id)s"
HAPPENED = """
SELECT e.sequence, e.position, e.type AS event_type, e.recorded_at AS at, e.actor, e.command_id,
    convert_from(e.data, 'UTF8')::json AS data
FROM events e WHERE e.stream = 'thread:' || %(thread_id)s::text AND e.feed = 'project:' || %(project_id)s::text
    AND position(convert_to('"message_id":"' || %(message_id)s::text || '"', 'UTF8') IN e.data) > 0
"""


async def _list_threads(reading: Reading, query: ListThreads) -> Page[ThreadItem]:
    return await reading.page(
        query,
        ThreadItem,
        THREADS,
        Order(fields=("opened_position",), table="t", descending=True),
        ("about_position", "t.about_position = %(about_position)s", query.about_position),
        ("about_document", "t.about_document = %(about_document)s", query.about_document),
        project_id=query.project_id,
    )


async def _list_messages(reading: Reading, query: ListMessages) -> Page[MessageItem]:
    """Answer the query; of a thread that is not in the project, nothing is told."""
    thread = f"{THREADS} AND t.thread_id = %(thread_id)s"
    if not await reading.select(_Thread, thread, {"thread_id": query.thread_id}, project_id=query.project_id):
        raise UnknownThread
    found = await reading.page(
        query,
        MessageItem,
        MESSAGES,
        Order(fields=("posted_position",), table="m", descending=query.order == "newest"),
        project_id=query.project_id,
        thread_id=query.thread_id,
    )
    readable = [structs.replace(each, text=await reading.open(each.text)) for each in found.items]
    return structs.replace(found, items=readable)


async def _list_revisions(reading: Reading, query: ListRevisions) -> Page[RevisionItem]:
    found = await reading.page(
        query,
        _Happened,
        HAPPENED,
        Order(fields=("sequence",), table="e"),
        project_id=query.project_id,
        thread_id=query.thread_id,
        message_id=query.message_id,
    )
    if not found.items and query.cursor is None:
        raise UnknownMessage
    return Page(items=[await _opened(reading, each) for each in found.items], next_cursor=found.next_cursor)


async def _opened(reading: Reading, happened: _Happened) -> RevisionItem:
    return RevisionItem(
        sequence=happened.sequence,
        position=happened.position,
        event_type=happened.event_type,
        at=happened.at,
        actor=happened.actor,
        command_id=happened.command_id,
        text=await reading.open(happened.data.text),
        positions=happened.data.positions,
        documents=happened.data.documents,
        mentions=happened.data.mentions,
    )


QUESTIONS = (
    Question(query=ListThreads, result=Page[ThreadItem], sources=(MEMBERS, NAME), answer=_list_threads),
    Question(query=ListMessages, result=Page[MessageItem], sources=(MEMBERS, NAME), answer=_list_messages),
    Question(query=ListRevisions, result=Page[RevisionItem], sources=(MEMBERS,), answer=_list_revisions),
)
