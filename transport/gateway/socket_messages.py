"""What a client and the server say to each other over a socket: the same in every format."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from transport.gateway.socket_formats import Text
from transport.rest.decoding import decoded

MessageId = Annotated[int, Meta(ge=0, lt=2**53)] | Annotated[str, Meta(max_length=100)]
"""The client's own name for a message; the answer carries it."""
FeedName = Annotated[str, Meta(max_length=100, description="`project:<id>`, or `account:<id>` for one's own account")]
TypePattern = Annotated[str, Meta(max_length=100)]
Abouts = Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=50)]
Time = int | float
Moment = Annotated[datetime, Meta(tz=True)]
STATE_BYTES = 1024
"""What somebody present may tell of itself, as JSON."""


class _Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """Something a client says."""


class Subscribe(_Said, frozen=True, kw_only=True, tag="subscribe"):
    """Send a feed's events: all behind sequence `after`, then live. Without `after`, live only.

    `epoch` is the life of the log that `after` belongs to, as an earlier `subscribed` told it. `types` wants only
    events of these types: names, or prefixes such as `position.*`. `about` wants only what names one of these ids: of
    documents, positions, threads, jobs or audits. With `window`, at most so many events travel without an `ack`.
    """

    id: MessageId
    feed: FeedName
    after: Annotated[int, Meta(ge=0)] | None = None
    epoch: UUID | None = None
    types: Annotated[tuple[TypePattern, ...], Meta(max_length=50)] = ()
    about: UUID | Abouts | None = None
    window: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class Unsubscribe(_Said, frozen=True, kw_only=True, tag="unsubscribe"):
    """Send a feed's events no longer."""

    id: MessageId
    feed: FeedName


class RunCommand(_Said, frozen=True, kw_only=True, tag="command"):
    """Carry out a command, once: with the same `command_id` it is answered by its first receipt."""

    id: MessageId
    command: Raw
    command_id: UUID | None = None


class Ask(_Said, frozen=True, kw_only=True, tag="query"):
    """Answer a query."""

    id: MessageId
    query: Raw


class Acknowledge(_Said, frozen=True, kw_only=True, tag="ack"):
    """The client is done with a feed's events up to `sequence`: more may travel."""

    feed: FeedName
    sequence: Annotated[int, Meta(ge=0)]
    id: MessageId | None = None


class BePresent(_Said, frozen=True, kw_only=True, tag="presence"):
    """Show everybody on a feed that this socket follows that somebody is here, and what they do: `state`, or `null`."""

    feed: FeedName
    state: dict[str, Any] | None
    id: MessageId | None = None


class Authenticate(_Said, frozen=True, kw_only=True, tag="auth"):
    """Sign in with a bearer token or a one-time ticket, or go on under fresh ones of the same account."""

    id: MessageId | None = None
    token: Annotated[str, Meta(max_length=500)] | None = None
    ticket: Annotated[str, Meta(max_length=100)] | None = None

    def __post_init__(self) -> None:
        """Refuse both, and neither."""
        if (self.token is None) == (self.ticket is None):
            raise ValueError("send either a token or a ticket")


class ClientPing(_Said, frozen=True, kw_only=True, tag="ping"):
    """Answer with a pong that carries the same `t`."""

    t: Time | None = None


class ClientPong(_Said, frozen=True, kw_only=True, tag="pong"):
    """Answer to the server's ping."""

    t: Time | None = None


Said = Subscribe | Unsubscribe | Acknowledge | BePresent | RunCommand | Ask | Authenticate | ClientPing | ClientPong


class _Told(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """Something the server tells."""


class Allowance(Struct, frozen=True, kw_only=True):
    """What one socket may do."""

    message_bytes: int
    messages_per_second: float
    burst: int
    feeds: int
    in_flight: int


class Welcome(_Told, frozen=True, kw_only=True, tag="welcome"):
    """The socket is open and its sender known. Times are seconds, jitter is milliseconds.

    `expires_at`: when the credentials end, if they do; a fresh `auth` before that keeps the socket open.
    """

    connection_id: UUID
    account_id: UUID
    server_time: Moment
    epoch: UUID
    heartbeat_interval: float
    heartbeat_timeout: float
    reconnect_jitter_max_ms: int
    limits: Allowance
    expires_at: Moment | None = None


class Subscribed(_Told, frozen=True, kw_only=True, omit_defaults=False, tag="subscribed"):
    """The feed's events follow. `recovered`: from where the client asked for; else only those behind `head`."""

    id: MessageId
    feed: str
    epoch: UUID
    head: int
    recovered: bool


class CaughtUp(_Told, frozen=True, kw_only=True, tag="caught_up"):
    """Everything up to `sequence` was sent, as far as it was wanted; what follows is live."""

    feed: str
    sequence: int


class Advanced(_Told, frozen=True, kw_only=True, tag="advanced"):
    """Nothing that is wanted came up to `sequence`: subscribing again from there misses nothing."""

    feed: str
    sequence: int


class Reset(_Told, frozen=True, kw_only=True, tag="reset"):
    """The feed is not followed: read the snapshot, and subscribe from the sequence that it is true at.

    `too_far`: more events are missing than the server replays. `ahead`: the feed has not got that far.
    `epoch`: the log was restored to an earlier point; positions in it mean nothing any more.
    """

    feed: str
    epoch: UUID
    head: int
    reason: Literal["too_far", "ahead", "epoch"]
    id: MessageId | None = None


class Unsubscribed(_Told, frozen=True, kw_only=True, tag="unsubscribed"):
    """The feed's events end here: because the client said so (with its `id`), or for the reason in `code`."""

    feed: str
    id: MessageId | None = None
    code: str = ""


class Present(Struct, frozen=True, kw_only=True):
    """A socket whose owner is here, and what they told of themselves."""

    connection_id: UUID
    account_id: UUID
    state: dict[str, Any]


class Presence(_Told, frozen=True, kw_only=True, omit_defaults=False, tag="presence"):
    """Who came to a feed or changed, and which connections left it. `complete`: nobody else is here."""

    feed: str
    complete: bool
    here: Sequence[Present]
    left: Sequence[UUID] = ()


class Result(_Told, frozen=True, kw_only=True, tag="result"):
    """A command's receipt, or a query's answer, which knows everything up to `position` of the log.

    An answer about a project that is true at one sequence of the project's feed tells it, with the life of the log.
    """

    id: MessageId
    result: Any
    position: int
    sequence: int | None = None
    epoch: UUID | None = None


class SignedIn(_Told, frozen=True, kw_only=True, tag="signed_in"):
    """The socket goes on under the new credentials, until `expires_at` if they end."""

    id: MessageId | None = None
    expires_at: Moment | None = None


class Error(_Told, frozen=True, kw_only=True, tag="error"):
    """A message was refused; `problem` is what REST would answer. Without `id` if the message had none to be read."""

    problem: dict[str, Any]
    id: MessageId | None = None


class ServerPing(_Told, frozen=True, kw_only=True, tag="ping"):
    """Answer with a pong, or be taken for dead. `t`: the server's time in milliseconds."""

    t: int


class ServerPong(_Told, frozen=True, kw_only=True, tag="pong"):
    """Answer to the client's ping."""

    t: Time | None = None


class Bye(_Told, frozen=True, kw_only=True, omit_defaults=False, tag="bye"):
    """The socket closes now, with `code`. `reconnect` tells whether coming back makes sense, and when."""

    code: int
    reason: str
    reconnect: bool
    retry_after_ms: int


Told = (
    Welcome
    | Subscribed
    | CaughtUp
    | Advanced
    | Reset
    | Unsubscribed
    | Presence
    | Result
    | SignedIn
    | Error
    | ServerPing
    | ServerPong
    | Bye
)


class _Named(Struct):
    id: MessageId | None = None


_SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_NAMED = msgspec.json.Decoder(_Named)
_encode = msgspec.json.Encoder().encode


def said(line: bytes) -> Said:
    """Read a message. Raises `MalformedJson` or `InvalidBody`."""
    return decoded(_SAID, line)


def id_of(line: bytes) -> MessageId | None:
    """Read the id of a message that could not be read as a whole, if it has one."""
    try:
        return _NAMED.decode(line).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def told(message: Told) -> Text:
    """Write a message ready to be sent."""
    return Text(_encode(message))
