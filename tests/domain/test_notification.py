"""Notifications: numbered in their inbox, read once."""

from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import rule

from domain.notification import (
    INBOX,
    Inbox,
    MarkRead,
    NotificationSent,
    NotificationsRead,
    SendNotification,
    UnknownNotification,
)
from tests.domain.history import ALICE, MACHINE, History, fold

P, JOB = UUID(int=0x701), UUID(int=0x702)
TOLD: dict[str, Any] = {
    "account_id": ALICE,
    "kind": "job_failed",
    "project_id": P,
    "subject": JOB,
    "details": {"error": "It holds only pictures."},
}
SEND = SendNotification(**TOLD)


def sent(number: int) -> NotificationSent:
    return NotificationSent(**TOLD, number=number)


def read(*numbers: int) -> NotificationsRead:
    return NotificationsRead(account_id=ALICE, numbers=numbers)


def mark(*numbers: int, upto: int = 0) -> MarkRead:
    return MarkRead(account_id=ALICE, numbers=numbers, upto=upto)


def test_notifications_are_numbered(given: Any) -> None:
    given(INBOX).when(SEND).then(sent(1))
    given(INBOX, sent(1), read(1)).when(SEND).then(sent(2))


def test_some_or_all_up_to_one_are_marked_as_read(given: Any) -> None:
    three = (sent(1), sent(2), sent(3))
    given(INBOX, *three).when(mark(3, 1, 3)).then(read(1, 3))
    given(INBOX, *three).when(mark(upto=2)).then(read(1, 2))
    given(INBOX, *three).when(mark(3, upto=1)).then(read(1, 3))
    assert fold(INBOX, [*three, read(1, 3)]) == Inbox(count=3, unread=frozenset({2}))


def test_what_is_read_already_is_not_read_again(given: Any) -> None:
    given(INBOX, sent(1), sent(2), read(1)).when(mark(1)).then()
    given(INBOX, sent(1), sent(2), read(1)).when(mark(upto=2)).then(read(2))
    given(INBOX).when(mark()).then()


def test_a_notification_that_was_never_sent_cannot_be_read(given: Any) -> None:
    given(INBOX, sent(1)).when(mark(2)).refused(UnknownNotification)
    given(INBOX, sent(1)).when(mark(upto=2)).refused(UnknownNotification)


class InboxHistory(History):
    aggregate = INBOX

    @rule()
    def send(self) -> None:
        self.command(SEND)

    @rule(numbers=st.lists(st.integers(1, 8)), upto=st.integers(0, 8))
    def mark(self, numbers: list[int], upto: int) -> None:
        before: Inbox = self.state
        events = self.command(mark(*numbers, upto=upto))
        assert len(self.state.unread) == len(before.unread) - sum(len(event.numbers) for event in events)


TestInboxHistory = InboxHistory.TestCase
TestInboxHistory.settings = MACHINE
