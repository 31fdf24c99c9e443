"""The feeds that one socket follows: how many, by which right, and how each ends."""

from collections.abc import Callable
from uuid import UUID

from domain.core import Refused
from runtime.telemetry import get_logger
from transport.gate import refusal_of
from transport.gateway.hub import Hub
from transport.gateway.hub_rights import check_follower
from transport.gateway.socket_connection import Connection
from transport.gateway.socket_credentials import Credentials
from transport.gateway.socket_messages import (
    STATE_BYTES,
    Acknowledge,
    BePresent,
    MessageId,
    Subscribe,
    Unsubscribe,
    Unsubscribed,
    told,
)
from transport.gateway.socket_metrics import SUBSCRIPTIONS
from transport.gateway.socket_subscription import Subscription, Terms
from transport.rest.decoding import encoded
from transport.rest.doors import Doors

MOST_FEEDS = 100

_log = get_logger(__name__)


class TooManyFeeds(Refused):
    """This socket follows as many feeds as it may: unsubscribe from one first."""

    code = "too_many_feeds"
    kind = "limit"


class AlreadySubscribed(Refused):
    """This socket follows that feed already."""

    code = "already_subscribed"


class NotSubscribed(Refused):
    """This socket does not follow that feed."""

    code = "not_subscribed"
    kind = "unknown"


class StateTooLarge(Refused):
    """What is shown of somebody present is too large: show less."""

    code = "state_too_large"


class Feeds:
    """One socket's subscriptions."""

    def __init__(
        self,
        doors: Doors,
        hub: Hub,
        credentials: Credentials,
        connection: Connection,
        fail: Callable[[MessageId, Exception], None],
    ) -> None:
        """Send over `connection` what feeds of `hub` bring, as far as `credentials` allow; refusals go to `fail`."""
        self._doors = doors
        self._hub = hub
        self._credentials = credentials
        self._connection_id = connection.id
        self._outbox = connection.outbox
        self._fail = fail
        self._subscriptions: dict[str, Subscription] = {}

    def join(self, message: Subscribe, account_id: UUID) -> None:
        """Follow a feed. Raises `AlreadySubscribed`, `TooManyFeeds`; whatever comes up later goes to `fail`."""
        if message.feed in self._subscriptions:
            raise AlreadySubscribed
        if len(self._subscriptions) >= MOST_FEEDS:
            raise TooManyFeeds
        terms = Terms(
            hub=self._hub,
            outbox=self._outbox,
            connection_id=self._connection_id,
            account_id=account_id,
            replay_limit=self._doors.settings.replay_limit,
            check=self._check,
            ended=self._ended,
        )
        subscription = self._subscriptions[message.feed] = Subscription(message, terms)
        SUBSCRIPTIONS.inc()
        subscription.start()

    def part(self, message: Unsubscribe) -> None:
        """Follow a feed no longer. Raises `NotSubscribed`."""
        subscription = self._at(message.feed)
        self._forget(subscription)
        self._outbox.put(told(Unsubscribed(feed=message.feed, id=message.id)))

    def acknowledge(self, message: Acknowledge) -> None:
        """Hear up to where the client is done with a feed. Raises `NotSubscribed`, `NotSent`."""
        self._at(message.feed).acknowledge(message.sequence)

    def show(self, message: BePresent) -> None:
        """Show on a feed what the socket's owner does. Raises `NotSubscribed`, `StateTooLarge`."""
        subscription = self._at(message.feed)
        if len(encoded(message.state)) > STATE_BYTES:
            raise StateTooLarge(limit_bytes=STATE_BYTES)
        subscription.show(message.state)

    def doubt(self) -> None:
        """Look at every right to follow once more."""
        for subscription in self._subscriptions.values():
            subscription.doubt()

    def leave(self) -> None:
        """Follow nothing any more."""
        for subscription in list(self._subscriptions.values()):
            self._forget(subscription)

    def _at(self, feed: str) -> Subscription:
        subscription = self._subscriptions.get(feed)
        if subscription is None:
            raise NotSubscribed
        return subscription

    def _forget(self, subscription: Subscription) -> None:
        feed = subscription.asked.feed
        if self._subscriptions.get(feed) is subscription:
            del self._subscriptions[feed]
            SUBSCRIPTIONS.dec()
        subscription.end()

    async def _check(self, feed: str) -> None:
        await check_follower(self._doors.write.bus.states, feed, self._credentials.identity)

    def _ended(self, subscription: Subscription, error: Exception | None) -> None:
        """Forget a subscription that ended by itself, and tell why if that is not told yet."""
        feed = subscription.asked.feed
        self._forget(subscription)
        if error is None:
            return
        if subscription.begun:
            self._outbox.put(told(Unsubscribed(feed=feed, code=code_of(error, feed))))
        else:
            self._fail(subscription.asked.id, error)


def code_of(error: Exception, feed: str) -> str:
    """Say in a word why a subscription to `feed` ended; what nobody expected is logged."""
    refusal = refusal_of(error)
    if refusal is None:
        _log.error("a subscription failed", feed=feed, exc_info=error)
        return "internal"
    return "forbidden" if refusal.kind in {"unknown", "forbidden"} else refusal.code
