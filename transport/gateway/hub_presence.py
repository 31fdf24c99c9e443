"""Who is present on a feed, over all processes: told, never stored, and forgotten when the process that told it dies.

Processes tell each other through the feed's own channel: changes at once, everything again every few seconds. What the
broker loses is right again after the next telling, and a process that tells nothing any more is taken for dead.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from time import monotonic
from uuid import UUID

import msgspec
from msgspec import Struct

from commands.frames import Batch
from transport.gateway.hub_pace import Paced
from transport.gateway.socket_messages import Presence, Present

NEWS = -1
"""The `first` of a batch in which a process tells others who is here."""
TELL_SECONDS = 10.0
LEASE_SECONDS = 30.0
"""How long somebody is believed to be here whose process falls silent."""


class _News(Struct, frozen=True, omit_defaults=True):
    """What a process tells of its own sockets. `whole`: there are no others. `ask`: the others are to answer."""

    process: UUID
    here: Sequence[Present] = ()
    left: Sequence[UUID] = ()
    whole: bool = False
    ask: bool = False


class _Elsewhere(Struct):
    """Who is here by another process, believed until a time of the monotonic clock."""

    until: float
    here: dict[UUID, Present]


_NEWS = msgspec.json.Decoder(_News)
_encode = msgspec.json.Encoder().encode


class Presences:
    """Who is present on one feed."""

    def __init__(
        self, feed: str, process: UUID, publish: Callable[[bytes], object], show: Callable[[bytes], None]
    ) -> None:
        """Tell other processes through `publish`, and followers here through `show`."""
        self._feed = feed
        self._process = process
        self._publish = publish
        self._show = show
        self._own: dict[UUID, Present] = {}
        self._elsewhere: dict[UUID, _Elsewhere] = {}
        self._untold: set[UUID] = set()
        """Own connections that other processes have to hear of."""
        self._unshown: set[UUID] = set()
        """Connections that the followers have to hear of."""
        self._moved = False
        """Whether anything changed since everybody was shown everything."""
        self._asked = False
        """Whether other processes were asked who is here: somebody wants to know."""
        self._pace = Paced(self._tell)

    def come(self, present: Present) -> None:
        """Show that somebody is here, or does something else now."""
        self._own[present.connection_id] = present
        self._change(present.connection_id)

    def leave(self, connection_id: UUID) -> None:
        """Show that a connection is here no longer, if it was."""
        if self._own.pop(connection_id, None) is not None:
            self._change(connection_id)

    def hear(self, batch: Batch, now: float | None = None) -> None:
        """Hear what a process tells. Raises `msgspec.DecodeError`."""
        news = _NEWS.decode(batch.frames)
        if news.process == self._process:
            return
        if news.ask and self._own:
            self._tell_all()
        known = self._elsewhere.setdefault(news.process, _Elsewhere(0.0, {}))
        known.until = (monotonic() if now is None else now) + LEASE_SECONDS
        here = {each.connection_id: each for each in news.here}
        gone = known.here.keys() - here.keys() if news.whole else known.here.keys() & set(news.left)
        changed = {name for name, present in here.items() if known.here.get(name) != present}
        known.here = {name: each for name, each in known.here.items() if name not in gone} | here
        if not known.here:
            del self._elsewhere[news.process]
        self._notice(gone | changed)

    def everybody(self) -> bytes | None:
        """Give the frame that shows everybody who is known to be here; `None` where nobody is.

        Other processes are asked when somebody first wants to know; what they answer is shown when it comes.
        """
        if not self._asked:
            self._asked = True
            self._tell_all(ask=True)
        here = [*self._own.values(), *(each for other in self._elsewhere.values() for each in other.here.values())]
        return _encode(Presence(feed=self._feed, complete=True, here=here)) if here else None

    def ask_again(self) -> None:
        """Make up for what may have been lost on the way, in both directions."""
        if self._asked or self._own:
            self._tell_all(ask=True)

    def beat(self, now: float) -> None:
        """Forget who is believed no longer, tell everything again, show everything again that somebody may have missed.

        Whoever was too slow for a change learns of it here.
        """
        for process in [process for process, other in self._elsewhere.items() if other.until < now]:
            self._notice(self._elsewhere.pop(process).here.keys())
        if self._own:
            self._tell_all()
        if self._moved:
            self._pace.hurry()
            self._moved = False
            frame = self.everybody()
            if frame is not None:
                self._show(frame)

    def stop(self) -> None:
        """Tell what is untold, because the feed is followed here no longer."""
        self._pace.stop()

    def _tell_all(self, *, ask: bool = False) -> None:
        self._send(_News(self._process, here=list(self._own.values()), whole=True, ask=ask))

    def _change(self, connection_id: UUID) -> None:
        self._untold.add(connection_id)
        self._notice({connection_id})

    def _notice(self, connections: AbstractSet[UUID]) -> None:
        if connections:
            self._unshown |= connections
            self._moved = True
            self._pace.ask()

    def _tell(self) -> None:
        if self._untold:
            here, left = self._sorted(self._untold)
            self._send(_News(self._process, here=here, left=left))
            self._untold = set()
        here, left = self._sorted(self._unshown)
        self._unshown = set()
        self._show(_encode(Presence(feed=self._feed, complete=False, here=here, left=left)))

    def _sorted(self, connections: set[UUID]) -> tuple[list[Present], list[UUID]]:
        """Tell those who are here from those who left."""
        found = {name: self._find(name) for name in sorted(connections)}
        return [each for each in found.values() if each], [name for name, each in found.items() if each is None]

    def _find(self, connection_id: UUID) -> Present | None:
        if connection_id in self._own:
            return self._own[connection_id]
        return next((o.here[connection_id] for o in self._elsewhere.values() if connection_id in o.here), None)

    def _send(self, news: _News) -> None:
        self._publish(Batch(NEWS, NEWS, 0, _encode(news)).encode())
