"""What every aggregate shares: commands, events, refusals, and the context a decision is made in."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

ShortText = Annotated[str, Meta(min_length=1, max_length=200)]
LongText = Annotated[str, Meta(max_length=20_000)]
Personal = Annotated[str, Meta(extra={"personal": True})]
"""Text about a person: encrypted inside the stored event, `None` once the person's key is destroyed."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """An intention, imperative: `position.edit`. The tag is permanent."""


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A fact, past tense: `position.edited`. The tag is permanent once stored."""


class Context(Struct, frozen=True, kw_only=True):
    """Who decides, and when; what a pure decision may know besides command and state."""

    actor: str
    now: datetime
    past: Any = None
    """The aggregate as it was at the version a command names (`Command.recalls`), else `None`."""


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The command was refused."""

    code: ClassVar[str] = "refused"
    kind: ClassVar[str] = "conflict"
    """How doors answer: `invalid`, `unauthenticated`, `forbidden`, `unknown`, `conflict` or `limit`."""

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        """Refuse with `detail`; the docstring is the default message, `extra` goes to the caller as it is."""
        self.detail = detail or (self.__doc__ or "").strip().splitlines()[0]
        self.extra = extra
        super().__init__(self.detail)
