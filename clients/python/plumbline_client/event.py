"""An event as the application gets it: its data as a struct of its own."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from plumbline_client.events import EVENTS
from plumbline_client.messages import EventFrame
from plumbline_client.wire import Format


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened.

    `data` is one of the structs in `plumbline_client.events`; of a type that is not known here it is what the bytes
    say, as a dict. `raw` are those bytes, JSON or MessagePack as they travelled.
    """

    feed: str
    sequence: int
    position: int
    type: str
    at: datetime
    actor: str
    command_id: UUID | None
    data: Any
    raw: Raw


def typed(frame: EventFrame, wire: Format, report: Callable[..., None]) -> Event:
    """Read an event's data. What only a newer server knows is reported, and handed on as it is."""
    kind = EVENTS.get(frame.type)
    try:
        data = wire.read(frame.data, Any if kind is None else kind)
    except msgspec.ValidationError as error:
        report("unexpected event data", type=frame.type, feed=frame.feed, sequence=frame.sequence, why=str(error))
        data = wire.read(frame.data, Any)
    if kind is None:
        report("unknown event type", type=frame.type, feed=frame.feed, sequence=frame.sequence)
    return Event(
        feed=frame.feed,
        sequence=frame.sequence,
        position=frame.position,
        type=frame.type,
        at=frame.at,
        actor=frame.actor,
        command_id=frame.command_id,
        data=data,
        raw=frame.data,
    )
