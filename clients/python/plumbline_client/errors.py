"""What can go wrong, as the application sees it.

ClientError
├── Refusal            the server refused; `problem` is its RFC 9457 object
│   └── Conflict       because things have changed since: `mine` and `theirs`
├── GaveUp             the connection ended for good, or could not be had; `Client.retry` tries anew
├── Unreachable        an HTTP request got no answer, however often it was repeated
│   └── CircuitOpen    none was sent, because too many have failed just now
├── FeedEnded          the server sends a feed no longer; `code` says why
├── FeedReset          the feed cannot be resumed from where it was, and no snapshot hook was given
├── AlreadyFollowing   this client follows that feed already
├── OutboxFull         too many commands wait for the server
├── Withdrawn          the command was taken back before it was sent
└── Closed             the client was closed
"""

from typing import Any
from uuid import UUID

CONFLICT = 409
TRANSIENT = frozenset({429, 503})
"""Statuses after which the same may be accepted in a moment."""
BUSY = "busy"
"""The code of a refusal because too many others change the same thing just now."""


class ClientError(Exception):
    """Something that this client cannot do."""

    def __init__(self, message: str | None = None) -> None:
        """Say `message`, by default the class's docstring."""
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class Refusal(ClientError):  # noqa: N818 - an answer, not a fault
    """The server refused; `problem` is its RFC 9457 object."""

    def __init__(self, problem: dict[str, Any]) -> None:
        """Keep the problem object."""
        self.problem = problem
        self.code = str(problem.get("code", "unknown"))
        self.status = int(problem.get("status", 0))
        super().__init__(str(problem.get("detail") or problem.get("title") or self.code))

    @property
    def transient(self) -> bool:
        """Whether the same may be accepted in a moment."""
        return self.status in TRANSIENT or self.code == BUSY

    @property
    def retry_after(self) -> float | None:
        """Seconds after which the same may be accepted; `None` where the server said nothing of it."""
        given = self.problem.get("retry_after")
        return float(given) if isinstance(given, int | float) else None


class Conflict(Refusal):
    """What the command wants to change has changed since. `mine` is the command, `theirs` the server's state."""

    def __init__(self, problem: dict[str, Any], mine: dict[str, Any]) -> None:
        """Keep both versions."""
        super().__init__(problem)
        self.mine = mine
        self.theirs: dict[str, Any] | None = problem.get("current")
        self.current_revision: int | None = problem.get("current_revision")


def refused(problem: dict[str, Any], mine: dict[str, Any] | None = None) -> Refusal:
    """Make the error that a problem object stands for; `mine` is the command that it answers, if it answers one."""
    if mine is not None and problem.get("status") == CONFLICT and "current_revision" in problem:
        return Conflict(problem, mine)
    return Refusal(problem)


class GaveUp(ClientError):  # noqa: N818 - says what happened
    """There is no connection, and none is tried for. `Client.retry` does."""

    def __init__(self, code: int, reason: str) -> None:
        """Keep the last close code, 1006 where there was none, and what is known of why."""
        self.code = code
        self.reason = reason
        super().__init__(f"no connection ({code}): {reason}")


class Unreachable(ClientError):  # noqa: N818 - says what is wrong
    """The server does not answer."""


class CircuitOpen(Unreachable):
    """The server has not answered several times in a row: nothing is sent for a while."""


class FeedEnded(ClientError):  # noqa: N818 - says what happened
    """The server sends this feed's events no longer; `code` says why."""

    def __init__(self, feed: str, code: str) -> None:
        """Keep why."""
        self.code = code
        super().__init__(f"{feed} ended: {code}")


class FeedReset(ClientError):  # noqa: N818 - says what happened
    """The feed cannot be resumed from where it was: read a snapshot, and follow the feed from its sequence."""

    def __init__(self, feed: str, reason: str, head: int, epoch: UUID) -> None:
        """Keep what the server said."""
        self.reason = reason
        self.head = head
        self.epoch = epoch
        super().__init__(f"{feed} cannot be resumed ({reason}): read a snapshot, and follow it from there")


class AlreadyFollowing(ClientError):  # noqa: N818 - says what is wrong
    """This client follows that feed already."""


class OutboxFull(ClientError):  # noqa: N818 - says what is wrong
    """Too many commands wait for the server: wait for some of them, or withdraw them."""


class Withdrawn(ClientError):  # noqa: N818 - says what happened
    """The command was withdrawn before it was sent."""


class Closed(ClientError):  # noqa: N818 - says what is wrong
    """The client is closed."""
