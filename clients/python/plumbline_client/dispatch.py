"""Takes what the server says to whom it concerns."""

from collections.abc import Callable, Iterable, Mapping

from plumbline_client.answers import Unknown
from plumbline_client.asking import Asking
from plumbline_client.errors import refused
from plumbline_client.feed import Feed
from plumbline_client.messages import (
    Advanced,
    CaughtUp,
    Error,
    EventFrame,
    Presence,
    Progress,
    Reset,
    Result,
    Subscribed,
    Told,
    Unsubscribed,
)


class Dispatch:
    """Serves one connection. Neither waits nor fails: whoever consumes a feed slowly holds nobody up."""

    def __init__(self, feeds: Mapping[str, Feed], asking: Asking | None, report: Callable[..., None]) -> None:
        """Tell `feeds` and `asking`; what nobody understands goes to `report`."""
        self._feeds = feeds
        self._asking = asking
        self._report = report

    def hear(self, messages: Iterable[Told | Unknown]) -> None:
        """Hear what a frame told."""
        for message in messages:
            if isinstance(message, EventFrame):  # by far the most
                feed = self._feeds.get(message.feed)
                if feed is not None:
                    feed.event(message)
            else:
                self._hear_other(message)

    def _hear_other(self, message: Told | Unknown) -> None:
        match message:
            case Result() if self._asking is not None:
                self._asking.result(message)
            case Error():
                self._refuse(message)
            case Unknown(message=said, why=why):
                self._report("unknown message", message=said, why=why)
            case Subscribed() | CaughtUp() | Advanced() | Reset() | Unsubscribed() | Progress() | Presence():
                feed = self._feeds.get(message.feed)
                if feed is not None:
                    _tell(feed, message)
            case _:
                pass  # welcome, pong and the like: the connection has seen to them

    def _refuse(self, error: Error) -> None:
        if error.id is not None:
            if self._asking is not None and self._asking.error(error.id, error.problem):
                return
            for feed in self._feeds.values():
                if feed.joining == error.id:
                    feed.refused(refused(error.problem))
                    return
        self._report("message refused", id=error.id, problem=error.problem)


def _tell(feed: Feed, message: Subscribed | CaughtUp | Advanced | Reset | Unsubscribed | Progress | Presence) -> None:
    match message:
        case Subscribed():
            feed.subscribed(message)
        case CaughtUp():
            feed.caught_up(message)
        case Advanced():
            feed.advanced(message)
        case Reset():
            feed.reset(message)
        case Unsubscribed():
            feed.unsubscribed(message)
        case Progress() | Presence():
            feed.pass_by(message)
