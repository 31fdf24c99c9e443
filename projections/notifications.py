"""Notifications: each account's inbox, and how much of it is not read."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.notification import NotificationEvent, NotificationKind, NotificationSent, NotificationsRead
from projections.asking import Listing, Order, Page, Query, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

NAME = "notifications"


class NotificationRow(Row, frozen=True, kw_only=True):
    """A notification. `sequence` is its place on the account's feed."""

    table: ClassVar = "notifications"
    key: ClassVar = ("account_id", "number")

    account_id: UUID
    number: int
    kind: NotificationKind
    project_id: UUID | None
    subject: UUID
    details: dict[str, str]
    sequence: int
    sent_at: datetime
    read_at: datetime | None = None


def _keys(seen: Seen) -> Touched:
    event: NotificationEvent = seen.event
    if isinstance(event, NotificationsRead):
        for number in event.numbers:
            yield NotificationRow, (event.account_id, number)


def _fold(rows: Rows, seen: Seen) -> None:
    event: NotificationEvent = seen.event
    match event:
        case NotificationSent():
            rows.put(NotificationRow(**structs.asdict(event), sequence=seen.sequence, sent_at=seen.at))
        case NotificationsRead(account_id=account_id, numbers=numbers):
            for number in numbers:
                if row := rows.get(NotificationRow, account_id, number):
                    rows.put(structs.replace(row, read_at=seen.at))


PROJECTION = Projection(
    name=NAME, version=1, rows=(NotificationRow,), events=(NotificationSent, NotificationsRead), keys=_keys, fold=_fold
)


class ListNotifications(Listing, frozen=True, kw_only=True, tag="notifications.list"):
    """The asking account's notifications, newest first; by whether they are read, or by kind."""

    unread: bool | None = None
    kind: NotificationKind | None = None


class CountNotifications(Query, frozen=True, kw_only=True, tag="notifications.count"):
    """How many notifications the asking account has, and has not read."""


class NotificationItem(Struct, frozen=True, kw_only=True):
    """A notification: event `sequence` of the account's feed."""

    number: int
    kind: NotificationKind
    project_id: UUID | None
    subject: UUID
    details: dict[str, str]
    sequence: int
    sent_at: datetime
    read_at: datetime | None


class NotificationCount(Struct, frozen=True, kw_only=True):
    """Both numbers; `latest` is the number of the newest, which `notification.mark_read` takes as `upto`."""

    total: int
    unread: int
    latest: int


async def _list_notifications(reading: Reading, query: ListNotifications) -> Page[NotificationItem]:
    return await reading.page(
        query,
        NotificationItem,
        "SELECT n.* FROM read.notifications n WHERE n.account_id = %(viewer)s",
        Order(fields=("number",), table="n", descending=True),
        ("unread", "(n.read_at IS NULL) = %(unread)s", query.unread),
        ("kind", "n.kind = %(kind)s", query.kind),
    )


async def _count_notifications(reading: Reading, query: CountNotifications) -> NotificationCount:  # noqa: ARG001 - it asks about oneself
    (found,) = await reading.select(
        NotificationCount,
        "SELECT count(*) AS total, count(*) FILTER (WHERE read_at IS NULL) AS unread,"
        " coalesce(max(number), 0) AS latest"
        " FROM read.notifications WHERE account_id = %(viewer)s",
        {},
    )
    return found


QUESTIONS = (
    Question(query=ListNotifications, result=Page[NotificationItem], sources=(NAME,), answer=_list_notifications),
    Question(query=CountNotifications, result=NotificationCount, sources=(NAME,), answer=_count_notifications),
)
