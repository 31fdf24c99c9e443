"""A feed as this process knows it: the last event that it has seen, and the followers who have seen it too.

Whatever brings events (the broker, a read of the log) hands them to `accept`, which keeps them in order: the next ones
go to the followers, old ones are dropped, and those behind a hole wait until somebody fills it from the log.
"""

from collections import deque
from typing import Protocol

from transport.gateway.hub_stretch import Stretch

TAIL_BYTES = 16 * 1024
"""How much a feed remembers of what passed, so that whoever reads the log can catch up with a busy feed."""
MOST_AHEAD = 100
"""Stretches kept behind a hole. What is dropped beyond them is read from the log."""


class Follower(Protocol):
    """Somebody who is to get every event of a feed behind `position`, once and in order."""

    position: int

    async def ready(self) -> None:
        """Wait until it can take more of a backlog. Raises a `Refused` when it may not follow any longer."""
        ...

    def deliver(self, stretch: Stretch) -> bool:
        """Take the events that follow `position`, and move it; answer whether to go on.

        Must neither wait nor fail. `False`: it took a part at most, and will start again from there by itself.
        """
        ...

    def pass_by(self, frames: Stretch) -> None:
        """Take frames without number, which may be dropped. Must neither wait nor fail."""
        ...

    def restart(self, head: int) -> None:
        """Hear that the log was restored to an earlier point, where the feed ends at `head`. It follows no longer."""
        ...


class Feed:
    """One feed. `last` is `None` until it is known where the feed stands."""

    def __init__(self, name: str) -> None:
        """Know nothing yet of the feed called `name`."""
        self.name = name
        self.last: int | None = None
        self.wanted = 0
        """The highest sequence that anybody has heard of."""
        self._followers: dict[Follower, None] = {}
        self._ahead: dict[int, Stretch] = {}
        self._tail: deque[Stretch] = deque()
        self._tail_bytes = 0

    @property
    def behind(self) -> bool:
        """Whether events are known to exist that have not been seen here."""
        return self.last is not None and self.last < self.wanted

    @property
    def followers(self) -> int:
        """How many follow it live."""
        return len(self._followers)

    def begin(self, head: int) -> None:
        """Learn where the feed stands. What came earlier has waited, and is looked at now."""
        self.last = head
        early, self._ahead = self._ahead, {}
        for first in sorted(early):
            self.accept(early[first])

    def accept(self, stretch: Stretch) -> None:
        """Take events, from wherever they come. Leaves the feed `behind` when some are missing before them."""
        self.wanted = max(self.wanted, stretch.last)
        if self.last is None or stretch.first > self.last + 1:
            if len(self._ahead) < MOST_AHEAD:
                self._ahead[stretch.first] = stretch
            return
        following: Stretch | None = stretch
        while following is not None:
            if following.last > self.last:
                self._pass_on(following.after(self.last))
            following = self._ahead.pop(self.last + 1, None)
        if not self.behind:
            self._ahead.clear()

    def pass_by(self, frames: Stretch) -> None:
        """Hand frames without number to everybody who is here."""
        for follower in list(self._followers):
            follower.pass_by(frames)

    def attach(self, follower: Follower) -> bool:
        """Let a follower go live, if what it misses is still remembered; answer whether it did.

        Nothing can come between: this neither waits nor yields.
        """
        if self.last is None or follower.position < self._forgotten:
            return False
        for stretch in self._tail:
            if stretch.last > follower.position and not follower.deliver(stretch.after(follower.position)):
                return False
        self._followers[follower] = None
        return True

    def detach(self, follower: Follower) -> None:
        """Let a follower go. It may have gone before."""
        self._followers.pop(follower, None)

    def restart(self, head: int) -> None:
        """Start anew at `head`, because the log was restored to an earlier point; everybody has to follow anew."""
        followers, self._followers = self._followers, {}
        self._ahead.clear()
        self._tail.clear()
        self._tail_bytes = 0
        self.last = self.wanted = head
        for follower in followers:
            follower.restart(head)

    @property
    def _forgotten(self) -> int:
        """The last sequence that is not remembered any more."""
        return self._tail[0].first - 1 if self._tail else self.last or 0

    def _pass_on(self, stretch: Stretch) -> None:
        self.last = stretch.last
        self._tail.append(stretch)
        self._tail_bytes += stretch.size
        while self._tail_bytes > TAIL_BYTES:
            self._tail_bytes -= self._tail.popleft().size
        for follower in list(self._followers):
            if follower.position < stretch.last and not follower.deliver(stretch.after(follower.position)):
                self.detach(follower)
