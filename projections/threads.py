"""Threads and their messages as they read now. Texts stay sealed in the table, and leave it with their message."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import structs

from domain.thread import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    MessageRole,
    MessageType,
    ThreadEvent,
    ThreadOpened,
)
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

NAME = "threads"


class ThreadRow(Row, frozen=True, kw_only=True):
    """A thread. `messages` are those that were not deleted."""

    table: ClassVar = "threads"
    key: ClassVar = ("thread_id",)
    indexes: ClassVar = ("project_id, opened_position",)

    thread_id: UUID
    project_id: UUID
    title: str
    about_position: UUID | None = None
    about_document: UUID | None = None
    messages: int = 0
    opened_by: str
    opened_at: datetime
    opened_position: int
    last_posted_at: datetime | None = None


class MessageRow(Row, frozen=True, kw_only=True):
    """A message at its newest revision. `text` is a sealed token, readable only with its author's key."""

    table: ClassVar = "messages"
    key: ClassVar = ("thread_id", "message_id")
    indexes: ClassVar = ("thread_id, posted_position",)

    thread_id: UUID
    message_id: UUID
    account_id: UUID
    role: MessageRole
    message_type: MessageType
    text: str | None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()
    revision: int = 1
    posted_at: datetime
    posted_position: int
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by: str | None = None


def _keys(seen: Seen) -> Touched:
    event: ThreadEvent = seen.event
    if isinstance(event, MessagePosted | MessageDeleted):
        yield ThreadRow, (event.thread_id,)
    if isinstance(event, MessageEdited | MessageDeleted):
        yield MessageRow, (event.thread_id, event.message_id)


def _fold(rows: Rows, seen: Seen) -> None:
    event: ThreadEvent = seen.event
    match event:
        case ThreadOpened():
            rows.put(_thread(event, seen))
        case MessagePosted():
            rows.put(_posted(event, seen))
            if thread := rows.get(ThreadRow, event.thread_id):
                rows.put(structs.replace(thread, messages=thread.messages + 1, last_posted_at=seen.at))
        case MessageEdited():
            if message := rows.get(MessageRow, event.thread_id, event.message_id):
                rows.put(_edited(message, event, seen))
        case MessageDeleted():
            if message := rows.get(MessageRow, event.thread_id, event.message_id):
                rows.put(_deleted(message, seen))
            if thread := rows.get(ThreadRow, event.thread_id):
                rows.put(structs.replace(thread, messages=thread.messages - 1))


def _thread(event: ThreadOpened, seen: Seen) -> ThreadRow:
    return ThreadRow(
        thread_id=event.thread_id,
        project_id=event.project_id,
        title=event.title,
        about_position=event.about_position,
        about_document=event.about_document,
        opened_by=seen.actor,
        opened_at=seen.at,
        opened_position=seen.position,
    )


def _posted(event: MessagePosted, seen: Seen) -> MessageRow:
    return MessageRow(
        thread_id=event.thread_id,
        message_id=event.message_id,
        account_id=event.account_id,
        role=event.role,
        message_type=event.message_type,
        text=event.text,
        positions=event.positions,
        documents=event.documents,
        mentions=event.mentions,
        posted_at=seen.at,
        posted_position=seen.position,
    )


def _edited(message: MessageRow, event: MessageEdited, seen: Seen) -> MessageRow:
    return structs.replace(
        message,
        text=event.text,
        positions=event.positions,
        documents=event.documents,
        mentions=event.mentions,
        revision=event.revision,
        edited_at=seen.at,
    )


def _deleted(message: MessageRow, seen: Seen) -> MessageRow:
    """Leave that there was a message, and whose it was."""
    return structs.replace(
        message, text=None, positions=(), documents=(), mentions=(), deleted_at=seen.at, deleted_by=seen.actor
    )


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(ThreadRow, MessageRow),
    events=(ThreadOpened, MessagePosted, MessageEdited, MessageDeleted),
    keys=_keys,
    fold=_fold,
)
