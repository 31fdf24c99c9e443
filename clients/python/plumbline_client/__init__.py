"""Follow and command a Plumbline server: nothing missed, nothing seen twice, nothing done twice.

```python
async with Client("https://plumbline.example", token) as client:
    async for event in client.feed("project:0190...", after=remembered):
        match event.data:
            case PositionEdited(position_id=position_id, changes=changes):
                ...
        remembered = event.sequence
```
"""

from plumbline_client.answers import Answer
from plumbline_client.client import Client
from plumbline_client.connecting import State
from plumbline_client.credentials import Credentials
from plumbline_client.errors import (
    AlreadyFollowing,
    CircuitOpen,
    ClientError,
    Closed,
    Conflict,
    FeedEnded,
    FeedReset,
    GaveUp,
    OutboxFull,
    Refusal,
    Unreachable,
    Withdrawn,
)
from plumbline_client.event import Event
from plumbline_client.feed import Feed
from plumbline_client.http_link import Way
from plumbline_client.ids import new_id
from plumbline_client.messages import Presence, Progress, Receipt, Reset
from plumbline_client.outbox import Pending
from plumbline_client.timing import Clock, Timing

__all__ = [
    "AlreadyFollowing",
    "Answer",
    "CircuitOpen",
    "Client",
    "ClientError",
    "Clock",
    "Closed",
    "Conflict",
    "Credentials",
    "Event",
    "Feed",
    "FeedEnded",
    "FeedReset",
    "GaveUp",
    "OutboxFull",
    "Pending",
    "Presence",
    "Progress",
    "Receipt",
    "Refusal",
    "Reset",
    "State",
    "Timing",
    "Unreachable",
    "Way",
    "Withdrawn",
    "new_id",
]
