"""Threads: opened about something; messages posted, edited and deleted by whom they belong to."""

from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis.stateful import rule

from domain.core import SYSTEM, Command, Event
from domain.registry import PERSONAL_FIELDS
from domain.thread import (
    MOST_MENTIONS,
    MOST_MESSAGES,
    THREAD,
    DeleteMessage,
    EditMessage,
    MentionsStrangers,
    Message,
    MessageChanged,
    MessageDeleted,
    MessageEdited,
    MessageIdTaken,
    MessageNotYours,
    MessagePosted,
    NoAuthor,
    OpenThread,
    PostMessage,
    Surroundings,
    Thread,
    ThreadFull,
    ThreadIdTaken,
    ThreadOpened,
    UnknownLink,
    UnknownMessage,
    UnknownThread,
)
from tests.domain.history import ALICE, BOB, CAROL, MACHINE, History, actor, context, fold

P, T, M, LINE, DOCUMENT, OTHER = (UUID(int=0x7E0 + number) for number in range(6))
IDS: dict[str, Any] = {"project_id": P, "thread_id": T}
MINE: dict[str, Any] = {**IDS, "message_id": M}
AROUND = Surroundings(
    members={ALICE: "viewer", BOB: "owner"}, links=frozenset({("position", LINE), ("document", DOCUMENT)})
)

OPENED = ThreadOpened(**IDS, title="Concrete", about_position=LINE)
SAID: dict[str, Any] = {"message_type": "question", "text": "Why C30/37?", "positions": (LINE,), "mentions": (BOB,)}
POST = PostMessage(**MINE, **SAID)
POSTED = MessagePosted(**MINE, **SAID, account_id=ALICE, role="user")
DELETED = MessageDeleted(**MINE, account_id=ALICE)


def edited(revision: int, text: str, **other: Any) -> MessageEdited:
    return MessageEdited(**MINE, account_id=ALICE, revision=revision, text=text, **other)


def test_a_thread_is_opened_about_a_position_or_a_document_or_neither(given: Any) -> None:
    given(THREAD).when(OpenThread(**IDS, title="Concrete", about_position=LINE), given=AROUND).then(OPENED)
    given(THREAD).when(OpenThread(**IDS, title="Bill", about_document=DOCUMENT), given=AROUND).then(
        ThreadOpened(**IDS, title="Bill", about_document=DOCUMENT)
    )
    given(THREAD).when(OpenThread(**IDS, title="House"), given=AROUND).then(ThreadOpened(**IDS, title="House"))
    given(THREAD, OPENED).when(OpenThread(**IDS, title="Again"), given=AROUND).refused(ThreadIdTaken)


def test_links_lead_to_what_the_project_has(given: Any) -> None:
    opening = OpenThread(
        **IDS, title="Odd", about_position=DOCUMENT, about_document=OTHER
    )  # a document's id is no line
    given(THREAD).when(opening, given=AROUND).refused(UnknownLink, positions=[DOCUMENT], documents=[OTHER])
    posting = PostMessage(**MINE, message_type="answer", text="so", positions=(LINE, OTHER))
    given(THREAD, OPENED).when(posting, given=AROUND).refused(UnknownLink, positions=[OTHER], documents=[])


def test_a_message_is_said_by_whoever_sends_it(given: Any) -> None:
    given(THREAD, OPENED).when(POST, given=AROUND).then(POSTED)
    given(THREAD, OPENED, POSTED).when(POST, given=AROUND).refused(MessageIdTaken)
    given(THREAD, OPENED, POSTED, DELETED).when(POST, given=AROUND).refused(MessageIdTaken)
    given(THREAD, OPENED).when(POST, given=AROUND, acting=SYSTEM).refused(NoAuthor)


def test_a_right_in_one_project_is_none_in_another(given: Any) -> None:
    for command in (
        PostMessage(**{**MINE, "project_id": OTHER}, **SAID),
        EditMessage(**{**MINE, "project_id": OTHER}, text="so"),
        DeleteMessage(**{**MINE, "project_id": OTHER}),
    ):
        given(THREAD, OPENED, POSTED).when(command, given=AROUND).refused(UnknownThread)
    given(THREAD).when(POST, given=AROUND).refused(UnknownThread)


def test_only_members_are_mentioned_and_the_refusal_names_the_others(given: Any) -> None:
    posting = PostMessage(**MINE, message_type="answer", text="so", mentions=(CAROL, BOB))
    given(THREAD, OPENED).when(posting, given=AROUND).refused(MentionsStrangers, accounts=[CAROL])
    editing = EditMessage(**MINE, text="so", mentions=(CAROL,))
    given(THREAD, OPENED, POSTED).when(editing, given=AROUND).refused(MentionsStrangers, accounts=[CAROL])


def test_an_edit_is_another_revision_and_tells_whom_none_before_mentioned(given: Any) -> None:
    editing = EditMessage(**MINE, text="Why?", mentions=(BOB, ALICE), documents=(DOCUMENT,), expected_revision=1)
    then = {"mentions": (BOB, ALICE), "documents": (DOCUMENT,)}
    given(THREAD, OPENED, POSTED).when(editing, given=AROUND).then(edited(2, "Why?", **then, newly_mentioned=(ALICE,)))
    silent = edited(2, "Why?")
    again = EditMessage(**MINE, text="Bob, why?", mentions=(BOB,))
    given(THREAD, OPENED, POSTED, silent).when(again, given=AROUND).then(edited(3, "Bob, why?", mentions=(BOB,)))


def test_what_was_linked_and_mentioned_may_stay_when_it_is_gone(given: Any) -> None:
    editing = EditMessage(**MINE, text="Why?", positions=(LINE,), mentions=(BOB,))
    alone = Surroundings(members={ALICE: "viewer"})
    then = edited(2, "Why?", positions=(LINE,), mentions=(BOB,))
    given(THREAD, OPENED, POSTED).when(editing, given=alone).then(then)
    as_document = EditMessage(**MINE, text="Why?", documents=(LINE,))
    given(THREAD, OPENED, POSTED).when(as_document, given=alone).refused(UnknownLink, positions=[], documents=[LINE])


def test_an_edit_of_what_was_edited_since_is_refused_with_the_newest_revision(given: Any) -> None:
    editing = EditMessage(**MINE, text="Why?", expected_revision=1)
    given(THREAD, OPENED, POSTED, edited(2, "Who?")).when(editing, given=AROUND).refused(MessageChanged, revision=2)


def test_nobody_edits_what_others_said_not_even_an_owner(given: Any) -> None:
    editing = EditMessage(**MINE, text="Yes.")
    given(THREAD, OPENED, POSTED).when(editing, given=AROUND, acting=actor(BOB)).refused(MessageNotYours)


def test_the_author_and_owners_delete(given: Any) -> None:
    delete = DeleteMessage(**MINE)
    around = Surroundings(members={ALICE: "viewer", BOB: "owner", CAROL: "editor"})
    for acting in (actor(ALICE), actor(BOB)):
        given(THREAD, OPENED, POSTED).when(delete, given=around, acting=acting).then(DELETED)
    given(THREAD, OPENED, POSTED).when(delete, given=around, acting=actor(CAROL)).refused(MessageNotYours)
    given(THREAD, OPENED, POSTED, DELETED).when(delete, given=around).refused(UnknownMessage)
    given(THREAD, OPENED, POSTED, DELETED).when(EditMessage(**MINE, text="so"), given=around).refused(UnknownMessage)
    given(THREAD, OPENED).when(delete, given=around).refused(UnknownMessage)


def test_so_many_messages_are_enough(given: Any) -> None:
    full = [OPENED, POSTED] + [
        MessagePosted(**{**MINE, "message_id": UUID(int=0x10000 + number)}, **SAID, account_id=BOB, role="user")
        for number in range(1, MOST_MESSAGES)
    ]
    another = PostMessage(**{**MINE, "message_id": OTHER}, **SAID)
    given(THREAD, *full).when(another, given=AROUND).refused(ThreadFull)
    given(THREAD, *full[:-1]).when(another, given=AROUND).then(
        MessagePosted(**{**MINE, "message_id": OTHER}, **SAID, account_id=ALICE, role="user")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": " \n"},
        {"text": "x" * 10_001},
        {"mentions": [str(UUID(int=number)) for number in range(MOST_MENTIONS + 1)]},
        {"message_type": "shout"},
    ],
)
def test_what_is_said_is_bounded(wrong: dict[str, Any]) -> None:
    said = {**msgspec.to_builtins(POST), **wrong}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(said, PostMessage)


def test_texts_are_personal_and_no_state_holds_one() -> None:
    assert {event.__name__: PERSONAL_FIELDS.get(event) for event in THREAD.events} == {
        "ThreadOpened": None,
        "MessagePosted": ("text",),
        "MessageEdited": ("text",),
        "MessageDeleted": None,
    }
    state = fold(THREAD, [OPENED, POSTED, edited(2, "Why not?", documents=(DOCUMENT,), mentions=(CAROL,))])
    links = frozenset({("position", LINE), ("document", DOCUMENT)})
    message = Message(account_id=ALICE, revision=2, links=links, mentioned=frozenset({BOB, CAROL}))
    assert state == Thread(project_id=P, messages={M: message})


PEOPLE = st.sampled_from([ALICE, BOB, CAROL])
MESSAGES = st.sampled_from([UUID(int=number) for number in range(1, 5)])
LINKS = st.lists(st.sampled_from([LINE, OTHER]), max_size=2).map(tuple)


class ThreadHistory(History):
    aggregate = THREAD

    def say(self, command: Command, person: UUID) -> list[Event]:
        return self.command(command, context(actor(person), looked_up=AROUND))

    @rule(person=PEOPLE)
    def open(self, person: UUID) -> None:
        self.say(OpenThread(**IDS, title="Concrete"), person)

    @rule(person=PEOPLE, message_id=MESSAGES, links=LINKS, other=PEOPLE)
    def post(self, person: UUID, message_id: UUID, links: tuple[UUID, ...], other: UUID) -> None:
        said = {"text": "so", "message_type": "answer", "positions": links, "mentions": (other,)}
        for event in self.say(PostMessage(**IDS, message_id=message_id, **said), person):
            assert other in AROUND.members
            assert isinstance(event, MessagePosted)
            assert event.account_id == person

    @rule(person=PEOPLE, message_id=MESSAGES, links=LINKS, others=st.lists(PEOPLE, max_size=3))
    def edit(self, person: UUID, message_id: UUID, links: tuple[UUID, ...], others: list[UUID]) -> None:
        before: Message | None = self.state.messages.get(message_id)
        command = EditMessage(**IDS, message_id=message_id, text="so", positions=links, mentions=tuple(others))
        for event in self.say(command, person):
            assert isinstance(event, MessageEdited)
            assert before is not None
            assert (before.account_id, before.revision) == (person, event.revision - 1)
            assert before.mentioned.isdisjoint(event.newly_mentioned)

    @rule(person=PEOPLE, message_id=MESSAGES)
    def delete(self, person: UUID, message_id: UUID) -> None:
        before: Message | None = self.state.messages.get(message_id)
        if self.say(DeleteMessage(**IDS, message_id=message_id), person):
            assert before is not None
            assert person in {before.account_id, BOB}
            assert self.state.messages[message_id].deleted


TestThreadHistory = ThreadHistory.TestCase
TestThreadHistory.settings = MACHINE
