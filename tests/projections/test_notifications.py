"""Each account's inbox, as its owner sees it."""

from uuid import UUID

from domain.notification import MarkRead, SendNotification
from projections.notifications import CountNotifications, ListNotifications
from runtime.ids import new_id
from tests.projections.shelf import EDITOR, OWNER, Shelf
from tests.projections.world import account


def send(shelf: Shelf, to: str, kind: str, project_id: UUID) -> None:
    told = {"account_id": account(to), "kind": kind, "project_id": project_id, "subject": new_id()}
    shelf.world.do(SendNotification(**told, details={"by": OWNER}))


async def test_an_inbox_shows_what_is_read(shelf: Shelf) -> None:
    project_id = shelf.project()
    for kind in ("invited", "job_complete", "job_failed"):
        send(shelf, EDITOR, kind, project_id)
    send(shelf, OWNER, "job_complete", project_id)
    shelf.world.do(MarkRead(account_id=account(EDITOR), numbers=(2,)), EDITOR)
    await shelf.keep_up()
    everything = await shelf.pages(ListNotifications(limit=2), EDITOR)
    assert [(each.number, each.kind) for each in everything] == [(3, "job_failed"), (2, "job_complete"), (1, "invited")]
    assert [each.sequence for each in everything] == [3, 2, 1]
    assert everything[1].read_at is not None
    assert everything[2].details == {"by": OWNER}
    assert [each.number for each in await shelf.pages(ListNotifications(unread=True), EDITOR)] == [3, 1]
    assert [each.number for each in await shelf.pages(ListNotifications(unread=False), EDITOR)] == [2]
    assert [each.number for each in await shelf.pages(ListNotifications(kind="invited"), EDITOR)] == [1]
    counted = await shelf.ask(CountNotifications(), EDITOR)
    assert (counted.total, counted.unread, counted.latest) == (3, 2, 3)
    assert [each.kind for each in await shelf.pages(ListNotifications(), OWNER)] == ["job_complete"]


async def test_an_empty_inbox_counts_nothing(shelf: Shelf) -> None:
    counted = await shelf.ask(CountNotifications())
    assert (counted.total, counted.unread, counted.latest) == (0, 0, 0)
