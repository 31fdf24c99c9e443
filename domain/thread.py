"""Threads: what people of a project say to each other about it, its positions and its documents.

Texts are personal: they are stored sealed with their author's key, and this state holds none of them.
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Name, Personal, Refused
from domain.project import Role, account_of

MOST_MENTIONS = 50
MOST_LINKS = 50
MOST_MESSAGES = 5_000
"""Of one thread, deleted ones with them: whoever posts loads what is known of each."""

MessageText = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=r"\S")]
Links = Annotated[tuple[UUID, ...], Meta(max_length=MOST_LINKS)]
Mentions = Annotated[tuple[UUID, ...], Meta(max_length=MOST_MENTIONS)]
MessageRole = Literal["user", "assistant", "system"]
MessageType = Literal["question", "answer", "clarification", "command"]
Link = tuple[Literal["position", "document"], UUID]


class OpenThread(Command, frozen=True, kw_only=True, tag="thread.open"):
    """Open a thread, about a position of the budget, a document, both or the project as such.

    Unlike messages, the title is no personal text: it stays when its author is erased.
    """

    project_id: UUID
    thread_id: UUID
    title: Name
    about_position: UUID | None = None
    about_document: UUID | None = None


class PostMessage(Command, frozen=True, kw_only=True, tag="message.post"):
    """Say something in a thread, with links to positions and documents; members who are mentioned are notified."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    text: MessageText
    message_type: MessageType
    positions: Links = ()
    documents: Links = ()
    mentions: Mentions = ()


class EditMessage(Command, frozen=True, kw_only=True, tag="message.edit"):
    """Say how your message reads from now on: text, links and mentions as a whole, what is left out is taken out.

    `expected_revision` is the revision that you saw; without it, whichever there is.
    """

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    text: MessageText
    positions: Links = ()
    documents: Links = ()
    mentions: Mentions = ()
    expected_revision: Annotated[int, Meta(ge=1)] | None = None


class DeleteMessage(Command, frozen=True, kw_only=True, tag="message.delete"):
    """Take a message out of its thread: your own, or anybody's as an owner of the project. Its history stays."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID


class ThreadOpened(Event, frozen=True, kw_only=True, tag="thread.opened"):
    """People may talk about something."""

    project_id: UUID
    thread_id: UUID
    title: str
    about_position: UUID | None = None
    about_document: UUID | None = None


class MessagePosted(Event, frozen=True, kw_only=True, tag="message.posted"):
    """An account said something."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    account_id: UUID
    role: MessageRole
    message_type: MessageType
    text: Personal | None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()


class MessageEdited(Event, frozen=True, kw_only=True, tag="message.edited"):
    """A message reads like this now. `newly_mentioned` are those whom no earlier revision mentioned."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    account_id: UUID
    revision: int
    text: Personal | None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()
    newly_mentioned: tuple[UUID, ...] = ()


class MessageDeleted(Event, frozen=True, kw_only=True, tag="message.deleted"):
    """A message of `account_id` is in the thread no more; the event's actor deleted it."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    account_id: UUID


class Message(Struct, frozen=True, kw_only=True):
    """What is known of a message: whose it is, and what its revisions linked to and whom they mentioned."""

    account_id: UUID
    revision: int = 1
    deleted: bool = False
    links: frozenset[Link] = frozenset()
    mentioned: frozenset[UUID] = frozenset()


class Thread(Struct, frozen=True, kw_only=True):
    """The state of one thread. `project_id` is `None` before it is opened."""

    project_id: UUID | None = None
    messages: dict[UUID, Message] = {}


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the bus looks up for a decision: the project's members, and which of the links lead somewhere in it."""

    members: dict[UUID, Role] = {}
    links: frozenset[Link] = frozenset()


class UnknownThread(Refused):
    """There is no such thread in this project."""

    code = "thread.unknown"
    kind = "unknown"


class ThreadIdTaken(Refused):
    """Another thread has this id."""

    code = "thread.id_taken"


class ThreadFull(Refused):
    """The thread has as many messages as may be: open another one."""

    code = "thread.full"
    kind = "limit"


class UnknownLink(Refused):
    """These are no positions of the budget and no documents of the project: leave them out."""

    code = "thread.unknown_link"
    kind = "invalid"


class UnknownMessage(Refused):
    """There is no such message in this thread, or it was deleted."""

    code = "message.unknown"
    kind = "unknown"


class MessageIdTaken(Refused):
    """Another message of this thread has this id."""

    code = "message.id_taken"


class MessageNotYours(Refused):
    """Only its author may edit a message; its author and owners of the project may delete it."""

    code = "message.not_yours"
    kind = "forbidden"


class MessageChanged(Refused):
    """The message was edited since: look at its newest revision and decide again."""

    code = "message.revision_conflict"


class MentionsStrangers(Refused):
    """These accounts are no members of the project: invite them first, or leave them out."""

    code = "message.mentions_strangers"
    kind = "invalid"


class NoAuthor(Refused):
    """Messages are said by accounts: log in as one."""

    code = "message.no_author"
    kind = "forbidden"


ThreadCommand = OpenThread | PostMessage | EditMessage | DeleteMessage
ThreadEvent = ThreadOpened | MessagePosted | MessageEdited | MessageDeleted


def decide(command: ThreadCommand, thread: Thread, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    around: Surroundings = context.given
    if isinstance(command, OpenThread):
        if thread.project_id is not None:
            raise ThreadIdTaken
        _lead_somewhere(links_of(command), around)
        return [ThreadOpened(**structs.asdict(command))]
    if thread.project_id != command.project_id:  # a right in one project is none in another
        raise UnknownThread
    author = account_of(context.actor)
    if author is None:
        raise NoAuthor
    match command:
        case PostMessage():
            return _post(command, thread, author, around)
        case EditMessage():
            return _edit(command, _message(thread, command.message_id), author, around)
        case DeleteMessage(message_id=message_id):
            message = _message(thread, message_id)
            if author != message.account_id and around.members.get(author) != "owner":
                raise MessageNotYours
            return [MessageDeleted(**structs.asdict(command), account_id=message.account_id)]


def links_of(event: OpenThread | PostMessage | EditMessage | MessagePosted | MessageEdited) -> frozenset[Link]:
    """Give all positions and documents that something links to."""
    if isinstance(event, OpenThread):
        positions = () if event.about_position is None else (event.about_position,)
        documents = () if event.about_document is None else (event.about_document,)
    else:
        positions, documents = event.positions, event.documents
    of_positions: set[Link] = {("position", each) for each in positions}
    return frozenset(of_positions.union(("document", each) for each in documents))


def _post(command: PostMessage, thread: Thread, author: UUID, around: Surroundings) -> list[Event]:
    if command.message_id in thread.messages:
        raise MessageIdTaken
    if len(thread.messages) >= MOST_MESSAGES:
        raise ThreadFull
    _lead_somewhere(links_of(command), around)
    _are_members(frozenset(command.mentions), around)
    return [MessagePosted(**structs.asdict(command), account_id=author, role="user")]


def _edit(command: EditMessage, message: Message, author: UUID, around: Surroundings) -> list[Event]:
    """Change a message. What an earlier revision had may stay, although that position or member has gone since."""
    if author != message.account_id:
        raise MessageNotYours
    if command.expected_revision not in {None, message.revision}:
        raise MessageChanged(revision=message.revision)
    _lead_somewhere(links_of(command) - message.links, around)
    new = frozenset(command.mentions) - message.mentioned
    _are_members(new, around)
    return [
        MessageEdited(
            project_id=command.project_id,
            thread_id=command.thread_id,
            message_id=command.message_id,
            account_id=author,
            revision=message.revision + 1,
            text=command.text,
            positions=command.positions,
            documents=command.documents,
            mentions=command.mentions,
            newly_mentioned=tuple(sorted(new)),
        )
    ]


def _message(thread: Thread, message_id: UUID) -> Message:
    message = thread.messages.get(message_id)
    if message is None or message.deleted:
        raise UnknownMessage
    return message


def _lead_somewhere(links: frozenset[Link], around: Surroundings) -> None:
    dead = sorted(links - around.links)
    if dead:
        positions, documents = ([each for kind, each in dead if kind == wanted] for wanted in ("position", "document"))
        raise UnknownLink(positions=positions, documents=documents)


def _are_members(mentioned: frozenset[UUID], around: Surroundings) -> None:
    if strangers := sorted(mentioned - around.members.keys()):
        raise MentionsStrangers(accounts=strangers)


def evolve(thread: Thread, event: ThreadEvent) -> Thread:
    """Apply what happened. Never fails."""
    match event:
        case ThreadOpened(project_id=project_id):
            return Thread(project_id=project_id)
        case MessagePosted(message_id=message_id, account_id=account_id):
            return _with(thread, message_id, _having(Message(account_id=account_id), event))
        case MessageEdited(message_id=message_id, account_id=account_id, revision=revision):
            message = thread.messages.get(message_id) or Message(account_id=account_id)
            return _with(thread, message_id, structs.replace(_having(message, event), revision=revision))
        case MessageDeleted(message_id=message_id, account_id=account_id):
            return _with(thread, message_id, Message(account_id=account_id, deleted=True))


def _having(message: Message, event: MessagePosted | MessageEdited) -> Message:
    return structs.replace(
        message,
        links=message.links | links_of(event),
        mentioned=message.mentioned.union(event.mentions),
    )


def _with(thread: Thread, message_id: UUID, message: Message) -> Thread:
    return structs.replace(thread, messages=thread.messages | {message_id: message})


THREAD = Aggregate(
    name="thread",
    key="thread_id",
    feed="project",
    feed_key="project_id",
    commands=(OpenThread, PostMessage, EditMessage, DeleteMessage),
    events=(ThreadOpened, MessagePosted, MessageEdited, MessageDeleted),
    state=Thread,
    decide=decide,
    evolve=evolve,
)
