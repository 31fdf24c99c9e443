"""Every aggregate, command and event there is, by its permanent name. A duplicate or missing name fails at import."""

from collections.abc import Iterable
from typing import TypeVar, get_args, get_type_hints

from msgspec import Meta, Struct

from domain.account import ACCOUNT
from domain.analysis import ANALYSIS
from domain.audit import AUDIT
from domain.budget import BUDGET
from domain.cache import CACHE
from domain.catalogue import CATALOGUE
from domain.comparison import COMPARISON
from domain.core import Aggregate, ClaimReleased, ClaimTaken, Command, Event
from domain.document import DOCUMENT
from domain.job import JOB
from domain.notification import INBOX
from domain.operation import OPERATION
from domain.project import PROJECT
from domain.thread import THREAD

S = TypeVar("S", bound=Struct)

AGGREGATES: tuple[Aggregate, ...] = (
    ACCOUNT,
    PROJECT,
    DOCUMENT,
    BUDGET,
    AUDIT,
    JOB,
    OPERATION,
    THREAD,
    INBOX,
    CATALOGUE,
    ANALYSIS,
    COMPARISON,
    CACHE,
)


def name_of(struct: type[Struct]) -> str:
    """Read the permanent name of a command or event type."""
    tag = struct.__struct_config__.tag
    if not isinstance(tag, str) or "." not in tag:
        raise TypeError(f"{struct.__qualname__} needs a tag such as 'noun.verb'")
    return tag


def _by_name(structs: Iterable[type[S]]) -> dict[str, type[S]]:
    named: dict[str, type[S]] = {}
    for struct in structs:
        if named.setdefault(name_of(struct), struct) is not struct:
            raise TypeError(f"{name_of(struct)!r} names both {named[name_of(struct)]} and {struct}")
    return named


COMMANDS: dict[str, type[Command]] = _by_name(command for each in AGGREGATES for command in each.commands)
EVENTS: dict[str, type[Event]] = _by_name(
    [event for each in AGGREGATES for event in each.events] + [ClaimTaken, ClaimReleased]
)
AGGREGATE_OF: dict[type[Command], Aggregate] = {
    command: aggregate for aggregate in AGGREGATES for command in aggregate.commands
}


def _personal_fields(event: type[Event]) -> tuple[str, ...]:
    """Find the fields annotated `Personal`."""
    return tuple(name for name, hint in get_type_hints(event, include_extras=True).items() if _is_personal(hint))


def _is_personal(hint: object) -> bool:
    marked = any(
        isinstance(meta, Meta) and (meta.extra or {}).get("personal") for meta in getattr(hint, "__metadata__", ())
    )
    return marked or any(_is_personal(part) for part in get_args(hint))


PERSONAL_FIELDS: dict[type[Event], tuple[str, ...]] = {
    event: fields for event in EVENTS.values() if (fields := _personal_fields(event))
}
"""Which fields of which events are encrypted in the log."""
