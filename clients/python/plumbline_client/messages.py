"""What is said on the wire, as structs. Generated: `make types`.

Members that a newer server adds are passed over, and where it may add a value, any text will do. This client numbers
its messages, so their ids are whole numbers.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct


class _Said(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """Something the client says."""


class _Told(Struct, frozen=True, kw_only=True, tag_field="op"):
    """Something the server tells."""


class Subscribe(_Said, frozen=True, kw_only=True, tag="subscribe"):
    """Send a feed's events: all behind sequence `after`, then live. Without `after`, live only.

    `epoch` is the life of the log that `after` belongs to, as an earlier `subscribed` told it. `types` wants only
    events of these types: names, or prefixes such as `position.*`. `about` wants only what names one of these ids: of
    documents, positions, threads, jobs or audits. With `window`, at most so many events travel without an `ack`.
    """

    id: int
    feed: str
    after: int | None = None
    epoch: UUID | None = None
    types: tuple[str, ...] = ()
    about: UUID | tuple[UUID, ...] | None = None
    window: int | None = None


class Unsubscribe(_Said, frozen=True, kw_only=True, tag="unsubscribe"):
    """Send a feed's events no longer."""

    id: int
    feed: str


class Acknowledge(_Said, frozen=True, kw_only=True, tag="ack"):
    """The client is done with a feed's events up to `sequence`: more may travel."""

    feed: str
    sequence: int
    id: int | None = None


class BePresent(_Said, frozen=True, kw_only=True, tag="presence"):
    """Show everybody on a feed that this socket follows that somebody is here, and what they do: `state`, or `null`."""

    feed: str
    state: dict[str, Any] | None
    id: int | None = None


class RunCommand(_Said, frozen=True, kw_only=True, tag="command"):
    """Carry out a command, once: with the same `command_id` it is answered by its first receipt."""

    id: int
    command: Raw | dict[str, Any]
    command_id: UUID | None = None


class Ask(_Said, frozen=True, kw_only=True, tag="query"):
    """Answer a query."""

    id: int
    query: Raw | dict[str, Any]


class Authenticate(_Said, frozen=True, kw_only=True, tag="auth"):
    """Sign in with a bearer token or a one-time ticket, or go on under fresh ones of the same account."""

    id: int | None = None
    token: str | None = None
    ticket: str | None = None


class ClientPong(_Said, frozen=True, kw_only=True, tag="pong"):
    """Answer to the server's ping."""

    t: int | float | None = None


class EventFrame(_Told, frozen=True, kw_only=True, gc=False, tag="event"):
    """Something happened: event `sequence` of its feed, at `position` of the whole log.

    `actor` did it: `account:<id>`, `system`, or nobody known yet where it is empty. `command_id` is the command that it
    came of. In `data`, what is personal is null.
    """

    feed: str
    sequence: int
    position: int
    type: str
    at: datetime
    actor: str
    command_id: UUID | None = None
    data: Raw


class Progress(_Told, frozen=True, kw_only=True, tag="progress"):
    """How far a job (`job.progress`) or an outside engine's operation is. Neither numbered nor replayed.

    `event_id` rises within the job; a frame with a lower one is old. `eta_ms`: the milliseconds still to go with this
    phase. `kind` is that of a job; `stage` and `operation_id` are of operations.
    """

    feed: str
    type: str
    job_id: UUID
    kind: str | None = None
    operation_id: UUID | None = None
    event_id: int
    phase: str
    stage: str | None = None
    step_index: int | None = None
    step_total: int | None = None
    items_done: int | None = None
    items_total: int | None = None
    eta_ms: int | None = None


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
    server_time: datetime
    epoch: UUID
    heartbeat_interval: float
    heartbeat_timeout: float
    reconnect_jitter_max_ms: int
    limits: Allowance
    expires_at: datetime | None = None


class Subscribed(_Told, frozen=True, kw_only=True, tag="subscribed"):
    """The feed's events follow. `recovered`: from where the client asked for; else only those behind `head`."""

    id: int
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
    reason: str
    id: int | None = None


class Unsubscribed(_Told, frozen=True, kw_only=True, tag="unsubscribed"):
    """The feed's events end here: because the client said so (with its `id`), or for the reason in `code`."""

    feed: str
    id: int | None = None
    code: str = ""


class Present(Struct, frozen=True, kw_only=True):
    """A socket whose owner is here, and what they told of themselves."""

    connection_id: UUID
    account_id: UUID
    state: dict[str, Any]


class Presence(_Told, frozen=True, kw_only=True, tag="presence"):
    """Who came to a feed or changed, and which connections left it. `complete`: nobody else is here."""

    feed: str
    complete: bool
    here: tuple[Present, ...]
    left: tuple[UUID, ...] = ()


class Result(_Told, frozen=True, kw_only=True, tag="result"):
    """A command's receipt, or a query's answer, which knows everything up to `position` of the log.

    An answer about a project that is true at one sequence of the project's feed tells it, with the life of the log.
    """

    id: int
    result: Raw
    position: int
    sequence: int | None = None
    epoch: UUID | None = None


class SignedIn(_Told, frozen=True, kw_only=True, tag="signed_in"):
    """The socket goes on under the new credentials, until `expires_at` if they end."""

    id: int | None = None
    expires_at: datetime | None = None


class Error(_Told, frozen=True, kw_only=True, tag="error"):
    """A message was refused; `problem` is what REST would answer. Without `id` if the message had none to be read."""

    problem: dict[str, Any]
    id: int | None = None


class ServerPing(_Told, frozen=True, kw_only=True, tag="ping"):
    """Answer with a pong, or be taken for dead. `t`: the server's time in milliseconds."""

    t: int


class ServerPong(_Told, frozen=True, kw_only=True, tag="pong"):
    """Answer to the client's ping."""

    t: int | float | None = None


class Bye(_Told, frozen=True, kw_only=True, tag="bye"):
    """The socket closes now, with `code`. `reconnect` tells whether coming back makes sense, and when."""

    code: int
    reason: str
    reconnect: bool
    retry_after_ms: int


class Receipt(Struct, frozen=True, kw_only=True):
    """What a command came to: its last event is number `sequence` of `feed`, at `position` of the log.

    `replayed`: the command had been carried out before; this is its first receipt. `unchanged`: things were already as
    the command wants them, so nothing was stored; the numbers say where its feed and stream stand. `result` holds
    what only the caller may learn, such as a new token's secret.
    """

    command_id: UUID
    feed: str
    sequence: int
    position: int
    replayed: bool = False
    unchanged: bool = False
    result: dict[str, Any] = {}


Said = Subscribe | Unsubscribe | Acknowledge | BePresent | RunCommand | Ask | Authenticate | ClientPong
Told = (
    EventFrame
    | Progress
    | Welcome
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
