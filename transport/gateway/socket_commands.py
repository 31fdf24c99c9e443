"""Commands and queries as they come over a socket: read like REST reads them, carried out on the same bus."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Union
from uuid import UUID

import msgspec
from msgspec import Raw, Struct, structs

from commands import Receipt
from commands.identities import Identity
from commands.rights import PUBLIC
from domain import account
from domain.core import Command, Refused
from projections.asking import Query, Viewer
from projections.queries import QUERIES
from runtime.ids import new_id
from transport.gateway.socket_messages import Ask, MessageId, Result, RunCommand
from transport.gateway.sockets import Sockets
from transport.rest.command_door import NEW_ID
from transport.rest.decoding import decoded, encoded
from transport.rest.doors import Doors

MOST_AT_ONCE = 32
"""Commands and queries of one socket that run at a time."""
MOST_IN_FLIGHT = 128
"""Those that run or wait for their turn."""


class TooManyInFlight(Refused):
    """Too many commands and queries of this socket wait for their answers: send the next after some of them came."""

    code = "too_many_in_flight"
    kind = "limit"


class Answering:
    """Carries out what one socket asks for, several at a time, and answers each by its id."""

    def __init__(
        self,
        doors: Doors,
        sockets: Sockets,
        answer: Callable[[Result], None],
        fail: Callable[[MessageId, Exception], None],
    ) -> None:
        """Give each outcome to `answer` or to `fail`. Commands go on among `sockets` when this one is gone."""
        self._doors = doors
        self._sockets = sockets
        self._answer = answer
        self._fail = fail
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._queries: set[asyncio.Task[None]] = set()
        self._stopped = False

    def start(self, message: RunCommand | Ask, identity: Identity) -> None:
        """Begin to answer a message. Raises `TooManyInFlight`."""
        if self._in_flight >= MOST_IN_FLIGHT:
            raise TooManyInFlight
        self._in_flight += 1
        self._idle.clear()
        work = self._run(message, identity)
        if isinstance(message, RunCommand):
            self._sockets.finish(work)
        else:
            query = asyncio.create_task(work, name="socket query")
            self._queries.add(query)
            query.add_done_callback(self._queries.discard)

    async def until_idle(self) -> None:
        """Wait until everything is answered."""
        while self._in_flight:
            await self._idle.wait()

    def stop(self) -> None:
        """Leave the queries unanswered."""
        self._stopped = True
        for query in self._queries:
            query.cancel()

    async def _run(self, message: RunCommand | Ask, identity: Identity) -> None:
        try:
            async with self._slots:
                if isinstance(message, RunCommand):
                    self._answer(await self._carried_out(message, identity))
                else:
                    self._answer(await self._asked(message, identity))
        except Exception as error:  # noqa: BLE001 - answered, and logged if nobody expected it
            self._fail(message.id, error)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _carried_out(self, message: RunCommand, identity: Identity) -> Result:
        command_id = message.command_id or new_id()
        command = _command(bytes(message.command), command_id)
        await self._count(command, identity.actor)
        receipt = await self._doors.write.bus.execute(command, actor=identity.actor, command_id=command_id)
        return Result(id=message.id, result=_with_new_id(receipt, command), position=receipt.position)

    async def _asked(self, message: Ask, identity: Identity) -> Result:
        query = decoded(_QUERY, bytes(message.query))
        await self._doors.limiter.take(self._doors.limits.account, identity.actor)
        if self._stopped:  # on Python 3.11 the Redis client now and then loses a cancellation
            raise asyncio.CancelledError
        viewer = Viewer(account_id=identity.account_id, admin=identity.admin)
        answer = await self._doors.queries.answer(query, viewer)
        return Result(
            id=message.id,
            result=answer.body,
            position=answer.position,
            sequence=answer.sequence,
            epoch=answer.epoch,
        )

    async def _count(self, command: Command, actor: str) -> None:
        limits, take = self._doors.limits, self._doors.limiter.take
        await take(limits.account, actor)
        if isinstance(command, account.Register):
            await take(limits.registration, actor)
        elif isinstance(command, account.ChangePassword | account.Erase):
            await take(limits.password, actor)


class _Typed(Struct):
    type: str


def _any_of(types: Iterable[type[Struct]]) -> Any:
    return Union[tuple(types)]  # noqa: UP007 - the members are known at run time only


_TYPED = msgspec.json.Decoder(_Typed)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_COMMAND: msgspec.json.Decoder[Command] = msgspec.json.Decoder(_any_of(PUBLIC.values()))
_QUERY: msgspec.json.Decoder[Query] = msgspec.json.Decoder(_any_of(QUERIES.values()))


def _command(body: bytes, command_id: UUID) -> Command:
    """Read a command. The id of what it creates is the command's own, where it names none."""
    kind = PUBLIC.get(decoded(_TYPED, body).type)
    name = None if kind is None else NEW_ID.get(kind)
    if name is not None:
        members = decoded(_MEMBERS, body)
        if name not in members:
            body = encoded({**members, name: command_id})
    return decoded(_COMMAND, body)


def _with_new_id(receipt: Receipt, command: Command) -> Receipt:
    name = NEW_ID.get(type(command))
    if name is None:
        return receipt
    return structs.replace(receipt, result=receipt.result | {name: getattr(command, name)})
