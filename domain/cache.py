"""Clean-ups of the caches of analyses: asked for by an administrator, done by a job, and told with their counts."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.core import Aggregate, Command, Context, Event, Refused

UnusedDays = Annotated[int, Meta(ge=0, le=36_500)]
Count = Annotated[int, Meta(ge=0)]


class CleanUpCache(Command, frozen=True, kw_only=True, tag="cache.clean_up"):
    """Take out of the caches what nobody asked for in `unused_days` days. Its end is told on your account's feed."""

    account_id: UUID
    clean_up_id: UUID
    unused_days: UnusedDays = 90


class RecordCleanUp(Command, frozen=True, kw_only=True, tag="cache.record_clean_up"):
    """Say how many analyses of each kind were taken out."""

    account_id: UUID
    clean_up_id: UUID
    contracts: Count
    properties: Count


class CleanUpRequested(Event, frozen=True, kw_only=True, tag="cache.clean_up_requested"):
    """A job takes out what nobody asked for since `unused_since`."""

    account_id: UUID
    clean_up_id: UUID
    unused_since: datetime


class CleanedUp(Event, frozen=True, kw_only=True, tag="cache.cleaned_up"):
    """So many analyses of each kind were taken out."""

    account_id: UUID
    clean_up_id: UUID
    contracts: int
    properties: int


class CleanUp(Struct, frozen=True, kw_only=True):
    """The state of one clean-up: who asked for it, up to which moment, and what it came to."""

    account_id: UUID | None = None
    unused_since: datetime | None = None
    done: CleanedUp | None = None


class NotYourself(Refused):
    """A clean-up is asked for, and told, under your own account."""

    code = "cache.not_yourself"
    kind = "forbidden"


class CleanUpIdTaken(Refused):
    """Another clean-up has this id."""

    code = "cache.clean_up_id_taken"


class UnknownCleanUp(Refused):
    """There is no such clean-up under way."""

    code = "cache.unknown_clean_up"
    kind = "unknown"


CacheCommand = CleanUpCache | RecordCleanUp
CacheEvent = CleanUpRequested | CleanedUp


def decide(command: CacheCommand, clean_up: CleanUp, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it."""
    match command:
        case CleanUpCache(account_id=account_id, clean_up_id=clean_up_id, unused_days=unused_days):
            if context.actor != f"account:{account_id}":
                raise NotYourself
            if clean_up.account_id is not None:
                raise CleanUpIdTaken
            since = context.now - timedelta(days=unused_days)
            return [CleanUpRequested(account_id=account_id, clean_up_id=clean_up_id, unused_since=since)]
        case RecordCleanUp(account_id=account_id):
            if clean_up.account_id != account_id:
                raise UnknownCleanUp
            return [] if clean_up.done else [CleanedUp(**structs.asdict(command))]


def evolve(clean_up: CleanUp, event: CacheEvent) -> CleanUp:
    """Apply what happened. Never fails."""
    match event:
        case CleanUpRequested(account_id=account_id, unused_since=unused_since):
            return CleanUp(account_id=account_id, unused_since=unused_since)
        case CleanedUp():
            return structs.replace(clean_up, done=event)


CACHE = Aggregate(
    name="cache",
    key="clean_up_id",
    feed="account",
    feed_key="account_id",
    commands=(CleanUpCache, RecordCleanUp),
    events=(CleanUpRequested, CleanedUp),
    state=CleanUp,
    decide=decide,
    evolve=evolve,
)
