"""Commands on their way to the server: each with its id, in order, and kept until it is answered."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any
from uuid import UUID

from plumbline_client.errors import ClientError, Conflict, OutboxFull, Withdrawn
from plumbline_client.messages import Receipt

MOST_TRIES = 10
"""Times that a command is refused for the moment, before the caller hears of it."""


class Pending:
    """A command that waits for its receipt: await it. Giving up the wait does not withdraw the command."""

    def __init__(self, number: int, command_id: UUID, command: dict[str, Any]) -> None:
        """Keep what was asked for."""
        self.command_id = command_id
        self.command = command
        self.sent = False
        """Whether it may have reached the server."""
        self.tries = 0
        self.number = number
        self.answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.answer.add_done_callback(_look)

    def __await__(self) -> Generator[Any, Any, Receipt]:
        return asyncio.shield(self.answer).__await__()


def _look(answer: asyncio.Future[Receipt]) -> None:
    """Note that an outcome nobody awaits was no mistake: conflicts reach a hook of the client as well."""
    if not answer.cancelled():
        answer.exception()


class Outbox:
    """What waits, oldest first. `width` says how many may be under way at a time; 0: the server cannot be reached."""

    def __init__(self, most: int, send: Callable[[Pending], None], on_conflict: Callable[[Conflict], None]) -> None:
        """Keep at most so many commands; pass each to `send` when it is its turn."""
        self.width = 0
        self._most = most
        self._send = send
        self._on_conflict = on_conflict
        self._waiting: dict[UUID, Pending] = {}
        self._under_way: dict[UUID, Pending] = {}
        self._backlog: set[UUID] = set()
        """Those from before the connection: until they are answered, one goes at a time."""
        self._full_width = 0
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._under_way)

    @property
    def pending(self) -> list[Pending]:
        """Everything that is not answered, oldest first."""
        return sorted([*self._waiting.values(), *self._under_way.values()], key=lambda each: each.number)

    def add(self, command_id: UUID, command: dict[str, Any]) -> Pending:
        """Queue a command; the same id again is the same command. Raises `OutboxFull`."""
        there = self._waiting.get(command_id) or self._under_way.get(command_id)
        if there is not None:
            return there
        if len(self) >= self._most:
            raise OutboxFull
        self._count += 1
        pending = self._waiting[command_id] = Pending(self._count, command_id, command)
        self.pump()
        return pending

    def withdraw(self, pending: Pending) -> bool:
        """Take a command back, if it cannot have reached the server; answer whether it could be."""
        if pending.sent or self._waiting.pop(pending.command_id, None) is None:
            return False
        pending.answer.set_exception(Withdrawn())
        return True

    def open(self, width: int) -> None:
        """Send what waits one by one, and from then on so many at a time."""
        self._full_width = width
        self._backlog = set(self._waiting)
        self.width = 1 if self._backlog else width
        self.pump()

    def close(self) -> None:
        """Send nothing. What was under way waits again, for nobody knows what became of it."""
        self.width = 0
        everything = self.pending
        self._under_way.clear()
        self._waiting = {each.command_id: each for each in everything}

    def pump(self) -> None:
        """Send what may be sent."""
        while self._waiting and len(self._under_way) < self.width:
            pending = next(iter(self._waiting.values()))
            del self._waiting[pending.command_id]
            self._under_way[pending.command_id] = pending
            pending.sent = True
            self._send(pending)

    def succeed(self, pending: Pending, receipt: Receipt) -> None:
        """Answer a command."""
        if self._leave(pending):
            pending.answer.set_result(receipt)

    def fail(self, pending: Pending, error: ClientError) -> None:
        """Answer a command by what is wrong with it. A conflict reaches the application's hook, too."""
        if self._leave(pending):
            pending.answer.set_exception(error)
            if isinstance(error, Conflict):
                self._on_conflict(error)

    def postpone(self, pending: Pending) -> bool:
        """Let a command wait again, and everything behind it; answer whether it has tries left. `open` goes on."""
        pending.tries += 1
        if pending.tries >= MOST_TRIES or self._under_way.pop(pending.command_id, None) is None:
            return False
        self._waiting[pending.command_id] = pending
        self._waiting = {each.command_id: each for each in sorted(self._waiting.values(), key=lambda each: each.number)}
        self.width = 0
        return True

    def abandon(self, error: ClientError) -> None:
        """Answer everything by `error`."""
        for pending in self.pending:
            self._waiting.pop(pending.command_id, None)
            self._under_way.pop(pending.command_id, None)
            pending.answer.set_exception(error)

    def _leave(self, pending: Pending) -> bool:
        """Take an answered command out; `False` if it was answered before."""
        if self._under_way.pop(pending.command_id, None) is None:
            return False
        self._backlog.discard(pending.command_id)
        if self.width and not self._backlog:
            self.width = self._full_width
        self.pump()
        return True
