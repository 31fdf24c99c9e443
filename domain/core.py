"""What every aggregate shares: commands, events, refusals, and the context that a decision is made in."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=10_000)]
Personal = Annotated[str, Meta(extra={"personal": True})]
"""Text about a person: encrypted inside the stored event, `None` once the person's key is destroyed."""

SYSTEM = "system"
"""The actor of what nobody asked for by hand: reactor, workers, operators at a console."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """An intention, imperative: `position.edit`. The tag is permanent."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """A fact, past tense: `position.edited`. The tag is permanent once stored."""


class Claim(Struct, frozen=True, kw_only=True):
    """Who holds a value that only one may hold (an e-mail address), and at which version of its stream."""

    holder: str | None = None
    version: int = 0


class ClaimTaken(Event, frozen=True, kw_only=True, tag="claim.taken"):
    """A unique value now belongs to `holder`. Written to the stream `claim:<claim>`, so two takers conflict."""

    claim: str
    holder: str


class ClaimReleased(Event, frozen=True, kw_only=True, tag="claim.released"):
    """A unique value is free again."""

    claim: str


class Context(Struct, frozen=True, kw_only=True):
    """What a pure decision may know besides command and state: who, when, and what the bus looked up for it."""

    actor: str
    now: datetime
    given: Any = None
    claims: Mapping[str, Claim] = {}


Kind = Literal["invalid", "unauthenticated", "forbidden", "unknown", "conflict", "limit", "unavailable"]


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The command was refused."""

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = "conflict"

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        """Refuse with `detail`, by default the class's docstring; `extra` reaches the caller as it is."""
        self.detail = detail or (self.__doc__ or "Refused.").strip().splitlines()[0]
        self.extra = extra
        super().__init__(self.detail)


class Aggregate(Struct, frozen=True, kw_only=True):
    """One kind of stream: where its commands go, and the decider that answers them.

    A command's stream is `<name>:<its key>`, its feed `<feed>:<its feed key>`; where `feed_kind` names a field of the
    command, that says the kind of the feed instead.
    """

    name: str
    key: str
    feed: str
    feed_key: str
    commands: tuple[type[Command], ...]
    events: tuple[type[Event], ...]
    state: type[Struct]
    decide: Callable[[Any, Any, Context], list[Event]]
    evolve: Callable[[Any, Any], Any]
    feed_kind: str = ""

    def stream_of(self, command: Command) -> str:
        """Name the stream that a command is decided on."""
        return f"{self.name}:{getattr(command, self.key)}"

    def feed_of(self, command: Command) -> str:
        """Name the feed that a command's events are published in."""
        kind = getattr(command, self.feed_kind, self.feed) if self.feed_kind else self.feed
        return f"{kind}:{getattr(command, self.feed_key)}"
