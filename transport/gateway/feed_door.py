"""Feeds without sockets, for clients behind proxies that break those: server-sent events, and pages to poll.

The same frames in the same order, from the same subscription as a socket's.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp
from msgspec import Meta, Struct

from commands import NotSignedIn
from transport.errors import FieldError, InvalidParameter, MalformedHeader, Unavailable
from transport.gateway.feed_following import Follower, Following
from transport.gateway.hub_rights import check_follower
from transport.gateway.socket import SocketDoor
from transport.gateway.socket_messages import Bye, FeedName, Subscribe
from transport.rest.decoding import encoded
from transport.rest.doors import Doors
from transport.rest.query_door import litestar_path, query_of
from transport.visit import ClientGone, Receive, Send, Visit, visit_of

STREAM = "/api/feeds/{feed}/stream"
EVENTS = "/api/feeds/{feed}/events"
MOST_EVENTS = 1_000
LONGEST_WAIT = 30
PATIENCE_SECONDS = 5.0
"""How long a page waits for the log, besides waiting for something new."""
FAREWELL_SECONDS = 3.0
"""How long a reader may take for what waits at the end: one that was too slow, or when the server ends."""
LEAST_RETRY_MS = 500
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"x-accel-buffering", b"no"),  # asks nginx not to collect it
]
SILENCE = b":\n\n"
"""A comment: keeps proxies from closing, and tells a client that the stream lives."""
_NUMBERED = re.compile(rb'\{"op":"(?:event|advanced|caught_up)","feed":"[^"]*","sequence":([0-9]+)')
_LAST_EVENT_ID = re.compile(r"[0-9]{1,18}")


class FollowFeed(Struct, frozen=True, kw_only=True):
    """What the address of a feed says: what `Subscribe` says on a socket."""

    feed: FeedName
    after: Annotated[int, Meta(ge=0, description="The sequence to go on behind; without it, live only.")] | None = None
    epoch: Annotated[UUID, Meta(description="The life of the log that `after` belongs to.")] | None = None
    types: Annotated[str, Meta(description="Types that are wanted, or `prefix.*`, joined by commas.")] | None = None
    about: Annotated[str, Meta(description="Ids that events must name one of, joined by commas.")] | None = None


class PollFeed(FollowFeed, frozen=True, kw_only=True):
    """At most `limit` events behind `after`; where there are none, wait for some, for up to `wait` seconds."""

    limit: Annotated[int, Meta(ge=1, le=MOST_EVENTS)] = 100
    wait: Annotated[int, Meta(ge=0, le=LONGEST_WAIT)] = 20


class FeedPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Events of a feed, in order. The next page is `after` the `sequence`, which counts events that were not wanted.

    `head` is where the feed ends, as far as is known. With `reset` there are no events: it says what to do.
    """

    epoch: UUID
    head: int
    sequence: int
    events: Sequence[msgspec.Raw]
    reset: msgspec.Raw | None = None


def feed_routes(doors: Doors, sockets: SocketDoor) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @get(litestar_path(STREAM), name="feeds.stream")
    async def stream(request: Request[Any, Any, Any]) -> ASGIApp:
        visit = visit_of(request.scope)
        asked = query_of(FollowFeed, request.path_params, request.scope["query_string"])
        following = await _following(doors, sockets, visit, _subscription(asked, after=_last_event_id(visit)))

        async def answer(_scope: Any, receive: Receive, send: Send) -> None:
            async with _place(doors, sockets, visit, following):
                await _tell(following, receive, send, doors.settings.heartbeat_interval)

        return answer

    @get(litestar_path(EVENTS), name="feeds.events")
    async def events(request: Request[Any, Any, Any]) -> Response[bytes]:
        visit = visit_of(request.scope)
        asked = query_of(PollFeed, request.path_params, request.scope["query_string"])
        following = await _following(doors, sockets, visit, _subscription(asked, window=asked.limit))
        page = await _page(following, asked, sockets)
        return Response(encoded(page), media_type="application/json")

    return [stream, events]


def _subscription(asked: FollowFeed, *, after: int | None = None, window: int | None = None) -> Subscribe:
    given: dict[str, Any] = {"id": 0, "feed": asked.feed, "epoch": asked.epoch, "window": window}
    given["after"] = asked.after if after is None else after
    for name in ("types", "about"):
        if (joined := getattr(asked, name)) is not None:
            given[name] = joined.split(",")
    try:
        return msgspec.convert(given, Subscribe)
    except msgspec.ValidationError as error:
        name = "about" if "about" in str(error) else "types"
        raise InvalidParameter(f"{name}: {error}", errors=(FieldError(name, str(error)),)) from error


def _last_event_id(visit: Visit) -> int | None:
    """Read what a browser sends when it comes back: it counts more than the address of its first time."""
    given = visit.headers.get("last-event-id")
    if given is None:
        return None
    if not _LAST_EVENT_ID.fullmatch(given):
        raise MalformedHeader("Last-Event-ID must be the id of the last event that arrived: a sequence.")
    return int(given)


async def _following(doors: Doors, sockets: SocketDoor, visit: Visit, asked: Subscribe) -> Following:
    """Let an account follow a feed, or refuse it before an answer begins."""
    session = await doors.admission.account(visit)
    states = doors.write.bus.states
    await check_follower(states, asked.feed, session.identity)

    async def may_follow(feed: str) -> None:
        await check_follower(states, feed, session.identity)

    async def is_still_known() -> None:
        found = await doors.recognise(visit.headers)
        if found is None or found.identity.account_id != session.identity.account_id:
            raise NotSignedIn

    follower = Follower(
        account_id=session.identity.account_id,
        session_id=session.session_id,
        may_follow=may_follow,
        is_still_known=is_still_known,
    )
    return Following(sockets.hub, asked, follower, doors.settings.replay_limit)


@asynccontextmanager
async def _place(doors: Doors, sockets: SocketDoor, visit: Visit, following: Following) -> AsyncGenerator[None]:
    """Count a stream among the sockets of its account and address while it lasts."""
    account_id = following.follower.account_id
    sockets.sockets.add(following)
    try:
        if sockets.sockets.draining:
            raise Unavailable
        await doors.places.for_address(visit.client, following.id)
        await doors.places.for_account(account_id, following.id)
        sockets.sockets.admit(following, account_id)
        yield
    finally:
        following.end()
        sockets.sockets.remove(following)
        doors.places.give_back(following.id, account_id, visit.client)


async def _tell(following: Following, receive: Receive, send: Send, interval: float) -> None:
    """Send events until the subscription ends, or the client."""
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": STREAM_HEADERS})
    await send({"type": "http.response.body", "body": SILENCE, "more_body": True})
    following.start()
    leaving = asyncio.create_task(_end_with_client(following, receive), name=f"stream {following.id} leaves")
    clock = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(None) as patience:
            following.lines.ended = lambda: patience.reschedule(clock() + FAREWELL_SECONDS)
            async for lines in following.told(interval):
                body = b"".join(map(_event, lines)) or SILENCE
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        raise ClientGone from None  # it does not read
    finally:
        following.lines.ended = None
        leaving.cancel()


async def _end_with_client(following: Following, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    following.end()


def _event(line: bytes) -> bytes:
    """Write a message as an event of the stream. Its id is where to come back to; a goodbye says when."""
    if numbered := _NUMBERED.match(line):
        return b"id: %b\ndata: %b\n\n" % (numbered[1], line)
    if line.startswith(b'{"op":"bye"'):
        return b"retry: %d\ndata: %b\n\n" % (max(_BYE.decode(line).retry_after_ms, LEAST_RETRY_MS), line)
    return b"data: %b\n\n" % line


async def _page(following: Following, asked: PollFeed, sockets: SocketDoor) -> FeedPage:
    """Collect a page: what there is, or else what comes within `wait` seconds."""
    events: list[msgspec.Raw] = []
    reset: msgspec.Raw | None = None
    head, caught_up = 0, False
    until = monotonic() + asked.wait
    following.start()
    try:
        while reset is None and len(events) < asked.limit and not (caught_up and (events or monotonic() >= until)):
            lines = await following.next(until - monotonic() if caught_up else PATIENCE_SECONDS)
            if not lines:
                break
            for line in lines:
                match _OP.decode(line).op:
                    case "event":
                        events.append(msgspec.Raw(line))
                    case "subscribed":
                        head = _SUBSCRIBED.decode(line).head
                    case "caught_up":
                        caught_up = True
                    case "reset":
                        reset, head = msgspec.Raw(line), _SUBSCRIBED.decode(line).head
                    case "unsubscribed":
                        await following.follower.may_follow(asked.feed)
                        raise Unavailable
                    case _:
                        pass
    finally:
        following.end()
    position = following.position
    return FeedPage(
        epoch=sockets.hub.epoch,
        head=head if reset else max(head, position),
        sequence=position,
        events=events,
        reset=reset,
    )


class _Op(Struct, frozen=True):
    op: str


class _Headed(Struct, frozen=True):
    head: int


_OP = msgspec.json.Decoder(_Op)
_SUBSCRIBED = msgspec.json.Decoder(_Headed)
_BYE = msgspec.json.Decoder(Bye)
