"""The queue before the log: appends that wait, and the batches they are taken in."""

import asyncio
from collections import deque
from collections.abc import Iterable

from eventstore.batch import Answer, Encoded, encode
from eventstore.records import Append, Appended

MOST_APPENDS = 512
MOST_BYTES = 4 * 2**20
"""A batch is closed at either: it bounds what one commit, one lost connection or one bad append can hold up."""


class Pending:
    """An append whose caller waits until `give_up_at`, in the event loop's time.

    `doubtful` once it was sent and no answer came; `alone` once a batch with it was refused as a whole.
    """

    __slots__ = ("alone", "append", "doubtful", "encoded", "future", "give_up_at")

    def __init__(self, append: Append, patience: float) -> None:
        """Encode `append`; raises `UnicodeEncodeError` or `struct.error` when that is impossible."""
        loop = asyncio.get_running_loop()
        self.append = append
        self.encoded: Encoded = encode(append)
        self.future: asyncio.Future[Appended] = loop.create_future()
        self.give_up_at = loop.time() + patience
        self.doubtful = False
        self.alone = False

    def answer(self, answer: Answer | Exception) -> None:
        """Tell the caller, unless it has gone."""
        if self.future.done():
            return
        if isinstance(answer, Appended):
            self.future.set_result(answer)
        else:
            self.future.set_exception(answer)


class Batch:
    """Appends that may share a transaction.

    No two write the same stream, or write what another one pins, or are the same command.
    """

    __slots__ = ("_commands", "_pinned", "_written", "pending", "size")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pending: list[Pending] = []
        self.size = 0
        self._written: set[str] = set()
        self._pinned: set[str] = set()
        self._commands: set[bytes] = set()

    def admits(self, pending: Pending) -> bool:
        """Whether an append touches nothing that this batch writes, writes nothing that it touches, and is no loner."""
        if self.pending and (pending.alone or self.pending[0].alone):
            return False
        if pending.encoded.command in self._commands:
            return False
        for write in pending.append.writes:
            if write.stream in self._written or write.stream in self._pinned:
                return False
        return all(stream not in self._written for stream, _ in pending.append.pins)

    def add(self, pending: Pending) -> None:
        """Take one in."""
        append = pending.append
        self.pending.append(pending)
        self.size += len(pending.encoded.event_data)
        self._written.update([write.stream for write in append.writes])
        self._pinned.update([stream for stream, _ in append.pins])
        if append.command_id is not None:
            self._commands.add(pending.encoded.command)


class Queue:
    """Appends in the order in which they came; those that contend for a stream are stored in that order."""

    def __init__(self) -> None:
        """Begin open and empty."""
        self._waiting: deque[Pending] = deque()
        self._changed = asyncio.Event()
        self.closed = False

    def put(self, pending: Pending) -> None:
        """Queue an append at the end."""
        self._waiting.append(pending)
        self._changed.set()

    def put_back(self, batch: Iterable[Pending]) -> None:
        """Queue appends at the front, in their order."""
        self._waiting.extendleft(reversed(list(batch)))
        self._changed.set()

    def close(self) -> None:
        """Let `take` answer `None` once everything was taken."""
        self.closed = True
        self._changed.set()

    async def take(self) -> list[Pending] | None:
        """Wait for appends, and take as many as may share a transaction; `None` when the queue is closed and empty."""
        while True:
            if batch := self._gather():
                return batch.pending
            if self.closed:
                return None
            self._changed.clear()
            await self._changed.wait()

    def drain(self) -> list[Pending]:
        """Take everything that waits, to tell it that it is over."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _gather(self) -> Batch | None:
        """Take from the front up to the first that must not be in one batch with those before it."""
        batch = Batch()
        while self._waiting and len(batch.pending) < MOST_APPENDS and batch.size < MOST_BYTES:
            pending = self._waiting[0]
            if not pending.future.done():
                if not batch.admits(pending):
                    break
                batch.add(pending)
            self._waiting.popleft()
        return batch if batch.pending else None
