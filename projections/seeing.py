"""From the log's bytes to what projections see."""

from domain.registry import EVENTS
from eventstore import Recorded
from eventstore.types import EventTypes
from projections.projection import Seen

TYPES = EventTypes(EVENTS)


def seen_from(recorded: Recorded) -> Seen:
    """Decode a recorded event; raises whatever is wrong with one that cannot be."""
    return Seen(
        event=TYPES.decode(recorded.type, recorded.data),
        position=recorded.position,
        sequence=recorded.sequence,
        feed=recorded.feed,
        actor=recorded.actor,
        at=recorded.recorded_at,
        command_id=recorded.command_id,
    )
