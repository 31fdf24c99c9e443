"""History: who changed what in a project, when, and why. Read from the log itself."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.registry import EVENTS, PERSONAL_FIELDS, name_of
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading

_PERSONAL = {name_of(event): PERSONAL_FIELDS[event] for event in EVENTS.values() if event in PERSONAL_FIELDS}


class ListHistory(Listing, frozen=True, kw_only=True, tag="history.list"):
    """What happened in a project, newest first or oldest first; by actor, kind of event, or position of the budget."""

    project_id: UUID
    order: Literal["newest", "oldest"] = "newest"
    actor: str | None = None
    event_type: (
        Annotated[str, Meta(description="a name such as position.edited, or a group such as position.*")] | None
    ) = None
    position_id: UUID | None = None


class HappenedItem(Struct, frozen=True, kw_only=True):
    """An event of the project's feed: its fields in `data`; texts about erased persons are null.

    `command_id` is the command that it came from, `correlation_id` the conversation, `causation_id` the event before.
    """

    sequence: int
    position: int
    event_type: str
    at: datetime
    actor: str
    command_id: UUID | None
    correlation_id: UUID | None
    causation_id: UUID | None
    data: dict[str, Any]


HAPPENED = """
SELECT e.sequence, e.position, e.type AS event_type, e.recorded_at AS at, e.actor, e.command_id, e.correlation_id,
    e.causation_id, convert_from(e.data, 'UTF8')::json AS data
FROM events e WHERE e.feed = 'project:' || %(project_id)s::text
"""
OF_POSITION = (
    "e.stream = 'budget:' || %(project_id)s::text AND position(convert_to(%(position_id)s::text, 'UTF8') IN e.data) > 0"
)
"""Events name the positions that they change by their ids, so looking for an id in their text finds them all."""


async def _list_history(reading: Reading, query: ListHistory) -> Page[HappenedItem]:
    group = query.event_type.removesuffix("*") if query.event_type and query.event_type.endswith(".*") else None
    found = await reading.page(
        query,
        HappenedItem,
        HAPPENED,
        Order(fields=("sequence",), table="e", descending=query.order == "newest"),
        ("actor", "e.actor = %(actor)s", query.actor),
        ("event_type", "e.type = %(event_type)s", None if group else query.event_type),
        ("group", "starts_with(e.type, %(group)s)", group),
        ("position_id", OF_POSITION, query.position_id),
        project_id=query.project_id,
    )
    return structs.replace(found, items=[await _opened(reading, item) for item in found.items])


async def _opened(reading: Reading, item: HappenedItem) -> HappenedItem:
    """Make its personal texts readable."""
    fields = [name for name in _PERSONAL.get(item.event_type, ()) if item.data.get(name) is not None]
    if not fields:
        return item
    opened = {name: await reading.open(item.data[name]) for name in fields}
    return structs.replace(item, data=item.data | opened)


QUESTIONS = (Question(query=ListHistory, result=Page[HappenedItem], sources=(MEMBERS,), answer=_list_history),)
