"""What the client makes of messages: a query's answer, what passes by without a number, what it does not understand."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from plumbline_client.messages import Presence, Progress

Passing = Progress | Presence
"""What comes by on a feed without a number."""


class Unknown(Struct, frozen=True):
    """A message that is not understood here: of a newer server, perhaps."""

    message: Any
    why: str


class Answer(Struct, frozen=True, kw_only=True):
    """A query's answer. It knows everything up to `position` of the log.

    One about a project that is true at one sequence of the project's feed tells that too, with the life of the log.
    """

    body: Any
    position: int
    sequence: int | None = None
    epoch: UUID | None = None
