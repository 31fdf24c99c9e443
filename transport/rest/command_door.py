"""`POST /api/commands/<name>`: one address for each command that may come from outside, generated from the registry.

Written against bare ASGI and reached without routing, because these addresses carry the load.
"""

import re
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from commands import Receipt
from commands.rights import PUBLIC, RIGHTS
from domain import account, audit, budget, cache, catalogue, job, operation, project, thread
from domain.core import Command
from runtime.ids import new_id
from transport.errors import MalformedHeader, MethodNotAllowed
from transport.limits import Limit
from transport.rest.decoding import decoded, encoded
from transport.rest.doors import Doors
from transport.visit import ASGIApp, Message, Receive, Send, Visit, json_body, visit_of

NEW_ID: dict[type[Command], str] = {
    account.Register: "account_id",
    account.IssueToken: "token_id",
    project.CreateProject: "project_id",
    budget.AddPosition: "position_id",
    budget.DraftVariation: "variation_id",
    audit.StartAudit: "audit_id",
    cache.CleanUpCache: "clean_up_id",
    catalogue.CreateCatalogue: "catalogue_id",
    job.RequestExport: "job_id",
    operation.OpenOperation: "operation_id",
    thread.OpenThread: "thread_id",
    thread.PostMessage: "message_id",
}
"""The id of what a command creates. Where the body leaves it out, it is the command's own id (the Idempotency-Key,
or a UUIDv7 made here): so the same request under the same key creates the same thing. The receipt tells it."""

_REVISION = re.compile(r'"?([1-9][0-9]{0,8})"?')
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def command_apps(doors: Doors) -> dict[str, ASGIApp]:
    """Make an ASGI application for each command, by its path."""
    return {f"/api/commands/{name}": CommandDoor(doors, command) for name, command in PUBLIC.items()}


class CommandDoor:
    """Carries out commands of one type."""

    def __init__(self, doors: Doors, command: type[Command]) -> None:
        """Carry out `command` on the bus of `doors`."""
        self._doors = doors
        self._decoder = msgspec.json.Decoder(command)
        self._new_id = NEW_ID.get(command, "")
        self._has_revision = "expected_revision" in command.__struct_fields__
        self._for_anyone = RIGHTS[command] == "anyone"
        self._strict = _strict_limit(doors, command)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request. Raises a `Refused`."""
        visit = visit_of(scope)
        if visit.method != "POST":
            raise MethodNotAllowed(allowed=("POST",))
        actor = await self._admitted(visit)
        command_id = header_id(visit, "idempotency-key") or new_id()
        command = self._command(visit, await json_body(visit, receive), command_id)
        receipt = await self._doors.write.bus.execute(
            command, actor=actor, command_id=command_id, correlation_id=header_id(visit, "x-correlation-id")
        )
        if self._new_id:
            created = {self._new_id: getattr(command, self._new_id)}
            receipt = structs.replace(receipt, result=receipt.result | created)
        for message in _answer(receipt):
            await send(message)

    async def _admitted(self, visit: Visit) -> str:
        if self._for_anyone:
            await self._doors.admission.anyone(visit)
        else:
            await self._doors.admission.account(visit)
        if self._strict is not None:
            await self._doors.limiter.take(self._strict, visit.account or visit.client)
        return visit.account

    def _command(self, visit: Visit, body: bytes, command_id: UUID) -> Command:
        if self._new_id:
            body = self._with_id(body, command_id)
        command = decoded(self._decoder, body)
        revision = visit.headers.get("if-match")
        return command if revision is None else self._at_revision(command, revision)

    def _with_id(self, body: bytes, command_id: UUID) -> bytes:
        members = decoded(_MEMBERS, body)
        if self._new_id in members:
            return body
        return encoded(members | {self._new_id: command_id})

    def _at_revision(self, command: Command, text: str) -> Command:
        found = _REVISION.fullmatch(text)
        if not self._has_revision or found is None:
            raise MalformedHeader('If-Match takes a revision such as "3", with commands that have `expected_revision`.')
        revision = int(found[1])
        if getattr(command, "expected_revision") not in {None, revision}:  # noqa: B009 - not every command has one
            raise MalformedHeader("If-Match and `expected_revision` name different revisions.")
        return structs.replace(command, expected_revision=revision)


def _strict_limit(doors: Doors, command: type[Command]) -> Limit | None:
    if command is account.Register:
        return doors.limits.registration
    return doors.limits.password if command in {account.ChangePassword, account.Erase} else None


def header_id(visit: Visit, name: str) -> UUID | None:
    """Read a header that holds a UUID, if it is there. Raises `MalformedHeader`."""
    text = visit.headers.get(name)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise MalformedHeader(f"{name} must be a UUID.") from None


def status_of_receipt(receipt: Receipt) -> HTTPStatus:
    """Give 201 where the command did something, 200 where it had done it before or there was nothing to do."""
    return HTTPStatus.OK if receipt.replayed or receipt.unchanged else HTTPStatus.CREATED


def headers_of_receipt(receipt: Receipt) -> dict[str, str]:
    """Give the headers of an answer that carries a receipt."""
    replay = {"idempotent-replay": "true"} if receipt.replayed else {}
    return {"plumbline-position": str(receipt.position)} | replay


def _answer(receipt: Receipt) -> tuple[Message, Message]:
    body = encoded(receipt)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(name.encode(), value.encode()) for name, value in headers_of_receipt(receipt).items()]
    return (
        {"type": "http.response.start", "status": int(status_of_receipt(receipt)), "headers": headers},
        {"type": "http.response.body", "body": body},
    )
