"""Notifications: what somebody ought to know, numbered in their inbox, read once."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Refused

NotificationKind = Literal[
    "job_complete",
    "job_failed",
    "invited",
    "mentioned",
    "conflict_raised",
    "analysis_complete",
    "analysis_failed",
    "variation_submitted",
    "variation_approved",
    "variation_rejected",
]
Number = Annotated[int, Meta(ge=1)]


class SendNotification(Command, frozen=True, kw_only=True, tag="notification.send"):
    """Tell an account of something. `subject` is what it is about: a job, a project, a thread, an audit...

    `project_id` is where it happened, `None` outside of projects.
    """

    account_id: UUID
    kind: NotificationKind
    project_id: UUID | None = None
    subject: UUID
    details: dict[str, str] = {}


class MarkRead(Command, frozen=True, kw_only=True, tag="notification.mark_read"):
    """Count notifications as read: those with these numbers, and all up to and with `upto`."""

    account_id: UUID
    numbers: Annotated[tuple[Number, ...], Meta(max_length=1_000)] = ()
    upto: Annotated[int, Meta(ge=0)] = 0


class NotificationSent(Event, frozen=True, kw_only=True, tag="notification.sent"):
    """An account was told something: number `number` of its inbox."""

    account_id: UUID
    number: int
    kind: NotificationKind
    project_id: UUID | None = None
    subject: UUID
    details: dict[str, str] = {}


class NotificationsRead(Event, frozen=True, kw_only=True, tag="notification.read"):
    """These notifications count as read."""

    account_id: UUID
    numbers: tuple[int, ...]


class Inbox(Struct, frozen=True, kw_only=True):
    """The state of one account's notifications: how many there ever were, and the numbers of those not read."""

    count: int = 0
    unread: frozenset[int] = frozenset()


class UnknownNotification(Refused):
    """The inbox has no notification of this number."""

    code = "notification.unknown"
    kind = "unknown"


NotificationCommand = SendNotification | MarkRead
NotificationEvent = NotificationSent | NotificationsRead


def decide(command: NotificationCommand, inbox: Inbox, context: Context) -> list[Event]:  # noqa: ARG001 - one shape
    """Answer a command with what happens, or refuse it."""
    match command:
        case SendNotification():
            return [NotificationSent(**structs.asdict(command), number=inbox.count + 1)]
        case MarkRead(account_id=account_id, numbers=numbers, upto=upto):
            if max((upto, *numbers)) > inbox.count:
                raise UnknownNotification
            read = tuple(sorted(each for each in inbox.unread if each <= upto or each in set(numbers)))
            return [NotificationsRead(account_id=account_id, numbers=read)] if read else []


def evolve(inbox: Inbox, event: NotificationEvent) -> Inbox:
    """Apply what happened. Never fails."""
    match event:
        case NotificationSent(number=number):
            return Inbox(count=number, unread=inbox.unread | {number})
        case NotificationsRead(numbers=numbers):
            return structs.replace(inbox, unread=inbox.unread.difference(numbers))


INBOX = Aggregate(
    name="inbox",
    key="account_id",
    feed="account",
    feed_key="account_id",
    commands=(SendNotification, MarkRead),
    events=(NotificationSent, NotificationsRead),
    state=Inbox,
    decide=decide,
    evolve=evolve,
)
