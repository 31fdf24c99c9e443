"""Moments of the past: a position of the log, a time, or a version of the budget; and read models as of then."""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from domain.budget import UnknownVersion
from domain.core import Event, Refused
from domain.registry import name_of
from eventstore.reading import EVENT, read_events
from projections.asking import Reading
from projections.projection import Projection, Rows
from projections.seeing import seen_from

Moment = Annotated[str, Meta(description="a position of the log, an RFC 3339 timestamp, or v<version of the budget>")]

LOG_HEAD = "SELECT position FROM log_head"
OF_VERSION = "SELECT position FROM read.versions WHERE project_id = %(project_id)s AND version = %(version)s"
OF_TIME = (
    "WITH RECURSIVE bisect (low, high) AS ("
    " SELECT 0::bigint, position FROM log_head"
    " UNION ALL"
    " SELECT CASE WHEN e.recorded_at <= %(time)s THEN e.position ELSE low END,"
    " CASE WHEN e.recorded_at <= %(time)s THEN high ELSE e.position - 1 END"
    " FROM bisect JOIN events e ON e.position = (low + high + 1) / 2 WHERE low < high"
    ") SELECT low AS position FROM bisect WHERE low = high"
)
"""Positions and times rise together and positions have no gaps, so halving finds the last event at or before a time."""
OF_FEED = f"{EVENT} WHERE feed = %s AND position <= %s AND type = ANY(%s) ORDER BY sequence"


class BadMoment(Refused):
    """`at` is a position of the log that exists, an RFC 3339 timestamp with its offset, or v<version>."""

    code = "bad_moment"
    kind = "invalid"


class _At(Struct, frozen=True):
    position: int


async def position_at(reading: Reading, project_id: UUID, at: str) -> int:
    """Give the position of the log that a moment means; the answer will be true as of then.

    Checks the viewer's right to the project. Raises `BadMoment`, or `UnknownVersion` for a version that is not there.
    """
    if version := re.fullmatch(r"v(\d{1,9})", at):
        found = await reading.select(_At, OF_VERSION, {"version": int(version[1])}, project_id=project_id)
        if not found:
            raise UnknownVersion
        position = found[0].position
    elif re.fullmatch(r"\d{1,18}", at):
        position = int(at)
        ((head),) = await reading.select(_At, LOG_HEAD, {}, project_id=project_id)
        if position > head.position:
            raise BadMoment(f"The log has {head.position} positions.")
    else:
        (found_at,) = await reading.select(_At, OF_TIME, {"time": _time(at)}, project_id=project_id)
        position = found_at.position
    reading.as_of = position
    return position


async def as_of(
    reading: Reading, projection: Projection, feed: str, position: int, *, without: tuple[type[Event], ...] = ()
) -> Rows:
    """Fold what happened in a feed up to a position: the projection's rows about that feed as they were then.

    Events of the types in `without` are left out: the caller knows what they come to, and there are many of them.
    """
    types = [name for name in projection.types if name not in {name_of(event) for event in without}]
    async with reading.pool.connection() as connection:
        events = await read_events(connection, OF_FEED, (feed, position, types))
    rows = Rows(projection.rows, complete=True)
    for recorded in events:
        projection.fold(rows, seen_from(recorded))
    return rows


def _time(text: str) -> datetime:
    try:
        return msgspec.convert(text, Annotated[datetime, Meta(tz=True)])
    except msgspec.ValidationError as error:
        raise BadMoment from error
