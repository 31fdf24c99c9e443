"""Analyses over HTTP: files in, results out, and the caches' clean-up."""

import asyncio
from http import HTTPStatus
from typing import Any, get_args
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from commands import Receipt
from domain.analysis import AnalysisKind, AnalysisNotReady, RequestUploaded
from domain.cache import CleanedUp, CleanUpCache, UnusedDays
from domain.cache import CleanUp as CleanUpState
from domain.core import Refused
from projections.analyses import GetAnalysis
from runtime.ids import new_id
from transport.gateway.hub_rights import claimed
from transport.rest.command_door import header_id, headers_of_receipt, status_of_receipt
from transport.rest.decoding import decoded, encoded
from transport.rest.doors import Doors
from transport.rest.multipart_file import MultipartFile
from transport.rest.query_door import litestar_path, query_of
from transport.rest.upload_door import stored
from transport.visit import json_body, visit_of

UPLOADS: dict[AnalysisKind, str] = {kind: f"/api/analyses/{kind}" for kind in get_args(AnalysisKind)}
RESULT = "/api/analyses/{analysis_id}/result"
CLEAN_UP = "/api/admin/cache/clean_up"
JSON = "application/json"
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.1
"""How long a request waits for a clean-up, and how often it looks."""


class Asked(Struct, frozen=True, kw_only=True):
    """An analysis that the account is attached to now: follow `feed`. The same bytes again are the same analysis."""

    analysis_id: UUID
    feed: str
    content_hash: str
    size: int
    receipt: Receipt


class CleanUp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which analyses go: those that nobody asked for in as many days."""

    unused_days: UnusedDays = 90


class Cleaned(Struct, frozen=True, kw_only=True):
    """How many analyses of each kind were taken out."""

    contracts: int
    properties: int


class CleanUpAnswer(Struct, frozen=True, kw_only=True):
    """What a clean-up came to."""

    data: Cleaned


class StillCleaning(Refused):
    """The clean-up goes on: ask again under the same Idempotency-Key, or follow your account's feed."""

    code = "cache.still_cleaning"
    kind = "unavailable"


_CLEAN_UP = msgspec.json.Decoder(CleanUp)


def analysis_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Make the routes."""

    async def analyse(request: Request[Any, Any, Any], kind: AnalysisKind) -> Response[bytes]:
        visit = visit_of(request.scope)
        session = await doors.admission.account(visit)
        command_id = header_id(visit, "idempotency-key") or new_id()
        blob = await stored(doors, MultipartFile(visit, request.receive, doors.settings.upload_limit_bytes))
        command = RequestUploaded(account_id=session.identity.account_id, kind=kind, content_hash=blob.sha256)
        receipt = await doors.write.bus.execute(command, actor=session.actor, command_id=command_id)
        answer = Asked(
            analysis_id=UUID(receipt.feed.partition(":")[2]),
            feed=receipt.feed,
            content_hash=blob.sha256,
            size=blob.size,
            receipt=receipt,
        )
        headers = headers_of_receipt(receipt)
        return Response(encoded(answer), status_code=status_of_receipt(receipt), media_type=JSON, headers=headers)

    @post(UPLOADS["contract"])
    async def contract(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await analyse(request, "contract")

    @post(UPLOADS["property"])
    async def property_paper(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await analyse(request, "property")

    @get(litestar_path(RESULT))
    async def result(request: Request[Any, Any, Any]) -> Response[bytes]:
        session = await doors.admission.account(visit_of(request.scope))
        asked = query_of(GetAnalysis, request.path_params, request.scope["query_string"])
        analysis = await claimed(doors.write.bus.states, asked.analysis_id, session.identity)
        if analysis.status != "completed":
            raise AnalysisNotReady(status_of_analysis=analysis.status)
        return Response(await doors.blobs.get(analysis.result_hash), media_type=JSON)

    @post(CLEAN_UP, name="cache.clean_up", status_code=HTTPStatus.OK)
    async def clean_up(request: Request[Any, Any, Any]) -> Response[bytes]:
        visit = visit_of(request.scope)
        session = await doors.admission.account(visit)
        command_id = header_id(visit, "idempotency-key") or new_id()
        asked = decoded(_CLEAN_UP, await json_body(visit, request.receive) or b"{}")
        command = CleanUpCache(
            account_id=session.identity.account_id, clean_up_id=command_id, unused_days=asked.unused_days
        )
        receipt = await doors.write.bus.execute(command, actor=session.actor, command_id=command_id)
        done = await _done(doors, command.clean_up_id)
        cleaned = Cleaned(contracts=done.contracts, properties=done.properties)
        return Response(encoded(CleanUpAnswer(data=cleaned)), media_type=JSON, headers=headers_of_receipt(receipt))

    return [contract, property_paper, result, clean_up]


async def _done(doors: Doors, clean_up_id: UUID) -> CleanedUp:
    """Wait for the end of a clean-up. Raises `StillCleaning`."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found: CleanUpState = (await doors.write.bus.states.get(f"cache:{clean_up_id}", fresh=True)).state
                if found.done is not None:
                    return found.done
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise StillCleaning from None
