"""What is said on the wire, as structs. Members that are not known here are passed over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct, field


class _Said(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """Something the client says."""


class Subscribe(_Said, frozen=True, kw_only=True, tag="subscribe"):
    """Send a feed's events behind `after`, or from now on."""

    id: int
    feed: str
    after: int | None = None
    epoch: UUID | None = None
    types: Sequence[str] = ()
    about: Sequence[UUID] | None = None
    window: int | None = None


class Unsubscribe(_Said, frozen=True, kw_only=True, tag="unsubscribe"):
    """Send them no longer."""

    id: int
    feed: str


class Acknowledge(_Said, frozen=True, kw_only=True, tag="ack"):
    """Everything up to `sequence` was taken: more may travel."""

    feed: str
    sequence: int


class RunCommand(_Said, frozen=True, kw_only=True, tag="command"):
    """Carry out a command, once."""

    id: int
    command: Raw | dict[str, Any]
    command_id: UUID


class Ask(_Said, frozen=True, kw_only=True, tag="query"):
    """Answer a query."""

    id: int
    query: dict[str, Any]


class BePresent(_Said, frozen=True, kw_only=True, omit_defaults=False, tag="presence"):
    """Show everybody on a feed that somebody is here; `None` takes that back."""

    feed: str
    state: dict[str, Any] | None


class Authenticate(_Said, frozen=True, kw_only=True, tag="auth"):
    """Sign in, or go on under fresh credentials."""

    id: int
    token: str | None = None
    ticket: str | None = None


class ClientPong(_Said, frozen=True, kw_only=True, omit_defaults=False, tag="pong"):
    """Answer to the server's ping."""

    t: float | None


Said = Subscribe | Unsubscribe | Acknowledge | RunCommand | Ask | BePresent | Authenticate | ClientPong


class _Told(Struct, frozen=True, kw_only=True, tag_field="op"):
    """Something the server tells."""


class Allowance(Struct, frozen=True, kw_only=True):
    """What one socket may do."""

    message_bytes: int = 65536
    messages_per_second: float = 50.0
    burst: int = 100
    feeds: int = 100
    in_flight: int = 128


class Welcome(_Told, frozen=True, kw_only=True, tag="welcome"):
    """The server has let us in, until `expires_at` if our credentials end. Times are seconds, jitter milliseconds."""

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
    """The feed's events follow: those we asked for if `recovered`, else those behind `head`."""

    id: int
    feed: str
    epoch: UUID
    head: int
    recovered: bool


class EventFrame(_Told, frozen=True, kw_only=True, gc=False, tag="event"):
    """An event, its data not read yet."""

    feed: str
    sequence: int
    position: int
    type: str
    at: datetime
    actor: str
    data: Raw
    command_id: UUID | None = None


class CaughtUp(_Told, frozen=True, kw_only=True, tag="caught_up"):
    """Everything up to `sequence` was sent; what follows is live."""

    feed: str
    sequence: int


class Advanced(_Told, frozen=True, kw_only=True, tag="advanced"):
    """Nothing that we want came up to `sequence`."""

    feed: str
    sequence: int


class Reset(_Told, frozen=True, kw_only=True, tag="reset"):
    """The feed cannot be resumed: read a snapshot, and subscribe from its sequence.

    `reason`: `too_far` behind, `ahead` of the feed's end, or of another `epoch`.
    """

    feed: str
    epoch: UUID
    head: int
    reason: str
    id: int | None = None


class Unsubscribed(_Told, frozen=True, kw_only=True, tag="unsubscribed"):
    """The feed's events end: as we asked, or for the reason in `code`."""

    feed: str
    id: int | None = None
    code: str = ""


class Present(Struct, frozen=True, kw_only=True):
    """A connection whose owner is here, and what they told of themselves."""

    connection_id: UUID
    account_id: UUID
    state: dict[str, Any]


class Presence(_Told, frozen=True, kw_only=True, tag="presence"):
    """Who came to a feed or changed, and which connections left. `complete`: nobody else is here."""

    feed: str
    complete: bool
    here: tuple[Present, ...]
    left: tuple[UUID, ...] = ()


class Progress(_Told, frozen=True, kw_only=True, tag="progress"):
    """How far a job (`job.progress`) or an outside engine's operation is. Neither numbered nor replayed.

    `event_id` rises within the job. `eta_ms`: milliseconds still to go with this phase.
    """

    feed: str
    type: str = "job.progress"
    job_id: str
    operation_id: UUID | None = None
    event_id: int = 0
    phase: str = ""
    stage: str | None = None
    step_index: int | None = None
    step_total: int | None = None
    items_done: int | None = None
    items_total: int | None = None
    eta_ms: int | None = None


class Result(_Told, frozen=True, kw_only=True, tag="result"):
    """A command's receipt, or a query's answer, which knows everything up to `position` of the log."""

    id: int
    result: Raw
    position: int
    sequence: int | None = None
    epoch: UUID | None = None


class SignedIn(_Told, frozen=True, kw_only=True, tag="signed_in"):
    """The credentials are accepted, and good until `expires_at` if they end."""

    id: int | None = None
    expires_at: datetime | None = None


class Error(_Told, frozen=True, kw_only=True, tag="error"):
    """A message was refused, the one with this `id` if it has one."""

    problem: dict[str, Any]
    id: int | None = None


class ServerPing(_Told, frozen=True, kw_only=True, tag="ping"):
    """Answer, or be taken for dead."""

    t: float | None = None


class ServerPong(_Told, frozen=True, kw_only=True, tag="pong"):
    """Answer to a ping of ours."""

    t: float | None = None


class Bye(_Told, frozen=True, kw_only=True, tag="bye"):
    """The connection is closed now, with this code; whether coming back makes sense, and when."""

    code: int
    reason: str = ""
    reconnect: bool = True
    retry_after_ms: int = 0


Told = (
    Welcome
    | Subscribed
    | EventFrame
    | CaughtUp
    | Advanced
    | Reset
    | Unsubscribed
    | Presence
    | Progress
    | Result
    | SignedIn
    | Error
    | ServerPing
    | ServerPong
    | Bye
)
Passing = Progress | Presence
"""What comes by on a feed without a number."""


class Unknown(Struct, frozen=True):
    """A message that is not understood here: of a newer server, perhaps."""

    message: Any
    why: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What a command came to: its last event is number `sequence` of `feed`, at `position` of the log.

    `replayed`: it had been carried out before. `unchanged`: nothing was to do. `result`: what only the caller may know.
    """

    command_id: UUID
    feed: str
    sequence: int
    position: int
    replayed: bool = False
    unchanged: bool = False
    result: dict[str, Any] = field(default_factory=dict[str, Any])


class Answer(Struct, frozen=True, kw_only=True):
    """A query's answer. It knows everything up to `position` of the log.

    One about a project that is true at one sequence of the project's feed tells that too, with the life of the log.
    """

    body: Any
    position: int
    sequence: int | None = None
    epoch: UUID | None = None
