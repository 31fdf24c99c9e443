"""What waits for an answer on a socket: commands and queries, by the number of the message that asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from plumbline_client.answers import Answer
from plumbline_client.errors import Refusal, refused
from plumbline_client.feed import Link
from plumbline_client.messages import Allowance, Ask, Receipt, Result, RunCommand
from plumbline_client.outbox import Outbox, Pending


class LinkLost(Exception):  # noqa: N818 - says what happened
    """The connection ended before the answer came."""


class Asking:
    """Questions on one connection. Commands come from the outbox, which keeps them if the connection ends."""

    def __init__(
        self, link: Link, outbox: Outbox, limits: Allowance, next_id: Callable[[], int], postponed: Callable[..., None]
    ) -> None:
        """Ask over `link`; `postponed(seconds)` hears that the outbox has to wait."""
        self._link = link
        self._outbox = outbox
        self._limits = limits
        self._next_id = next_id
        self._postponed = postponed
        self._commands: dict[int, Pending] = {}
        self._queries: dict[int, asyncio.Future[Result]] = {}

    @property
    def width(self) -> int:
        """How many commands may be under way: bursts of so many do not exhaust what the server grants."""
        return max(1, min(self._limits.in_flight, self._limits.burst) // 4)

    def command(self, pending: Pending) -> bool:
        """Send a command; `False` if it is larger than the server takes here."""
        number = self._next_id()
        message = RunCommand(id=number, command=pending.command, command_id=pending.command_id)
        encoded = self._link.format.encode(message)
        if len(encoded) > self._limits.message_bytes:
            return False
        self._commands[number] = pending
        self._link.send(encoded)
        return True

    async def query(self, query: dict[str, Any]) -> Answer:
        """Ask a query. Raises `Refusal`, `LinkLost`."""
        number = self._next_id()
        answer = self._queries[number] = asyncio.get_running_loop().create_future()
        self._link.say(Ask(id=number, query=query))
        try:
            told = await answer
        finally:
            self._queries.pop(number, None)
        body = self._link.format.read(told.result, Any)
        return Answer(body=body, position=told.position, sequence=told.sequence, epoch=told.epoch)

    def result(self, message: Result) -> None:
        """Hear an answer."""
        pending = self._commands.pop(message.id, None)
        if pending is not None:
            self._outbox.succeed(pending, self._link.format.read(message.result, Receipt))
            return
        query = self._queries.get(message.id)
        if query is not None and not query.done():
            query.set_result(message)

    def error(self, number: int, problem: dict[str, Any]) -> bool:
        """Hear that something was refused; answer whether it was asked here."""
        pending = self._commands.pop(number, None)
        if pending is not None:
            self._refuse(pending, refused(problem, pending.command))
            return True
        query = self._queries.get(number)
        if query is not None and not query.done():
            query.set_exception(refused(problem))
        return query is not None

    def end(self) -> None:
        """Give up on answers: the connection is gone."""
        self._commands.clear()
        for query in self._queries.values():
            if not query.done():
                query.set_exception(LinkLost())

    def _refuse(self, pending: Pending, refusal: Refusal) -> None:
        if refusal.transient and self._outbox.postpone(pending):
            self._postponed(refusal.retry_after)
        else:
            self._outbox.fail(pending, refusal)
