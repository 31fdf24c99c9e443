"""What passes by on a feed without a number comes a few times a second at most, and the newest of each kind counts."""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from transport.gateway.hub_feed import Feed
from transport.gateway.hub_stretch import Stretch

PACE_SECONDS = 0.25


class Paced:
    """Does something at once when asked, and then not again for a while, however often it is asked."""

    def __init__(self, work: Callable[[], None], seconds: float = PACE_SECONDS) -> None:
        """Do `work` at most every so many `seconds`."""
        self._work = work
        self._seconds = seconds
        self._asked = False
        self._resting: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have it done, now or soon."""
        if self._resting is not None:
            self._asked = True
            return
        self._resting = asyncio.get_running_loop().call_later(self._seconds, self._rested)
        self._work()

    def hurry(self) -> None:
        """Do now what was asked for, if anything was."""
        if self._asked:
            self._asked = False
            self._work()

    def stop(self) -> None:
        """Do now what was asked for, and nothing later."""
        self.hurry()
        if self._resting is not None:
            self._resting.cancel()

    def _rested(self) -> None:
        self._resting = None
        if self._asked:
            self._asked = False
            self.ask()


class _Subject(Struct):
    op: str = ""
    job_id: str = ""


_SUBJECT = msgspec.json.Decoder(_Subject)


class Passing:
    """Frames without a number on their way to a feed's followers: of each job, the newest."""

    def __init__(self, feed: Feed) -> None:
        """Hand them to whoever follows `feed`."""
        self.pace = Paced(self._pass)
        self._feed = feed
        self._newest: dict[tuple[str, str], bytes] = {}

    def add(self, frame: bytes) -> None:
        """Take a frame. Raises `msgspec.DecodeError` for what is no frame."""
        subject = _SUBJECT.decode(frame)
        self._newest[subject.op, subject.job_id] = frame
        self.pace.ask()

    def _pass(self) -> None:
        frames, self._newest = list(self._newest.values()), {}
        self._feed.pass_by(Stretch(0, b"\n".join(frames), len(frames)))
