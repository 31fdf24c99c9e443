"""Analyses over HTTP: files in, results out, and the caches' clean-up."""

from http import HTTPStatus
from typing import Any, get_args
from uuid import UUID, uuid5

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from commands import Receipt
from domain.analysis import AnalysisKind, AnalysisNotReady, EvictAnalysis, RequestUploaded
from projections.analyses import AdministratorsOnly, GetAnalysis, ListStale, UnusedDays
from projections.asking import Viewer
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
        if not session.identity.admin:
            raise AdministratorsOnly
        conversation = header_id(visit, "idempotency-key") or new_id()
        asked = decoded(_CLEAN_UP, await json_body(visit, request.receive) or b"{}")
        viewer = Viewer(account_id=session.identity.account_id, admin=True)
        counts = await _evict(doors, session.actor, viewer, conversation, asked.unused_days)
        cleaned = Cleaned(contracts=counts["contract"], properties=counts["property"])
        return Response(encoded(CleanUpAnswer(data=cleaned)), media_type=JSON)

    return [contract, property_paper, result, clean_up]


async def _evict(
    doors: Doors, actor: str, viewer: Viewer, conversation: UUID, unused_days: int
) -> dict[AnalysisKind, int]:
    """Take out what nobody asked for lately, a command for each, so that every stream knows; count what went."""
    counts: dict[AnalysisKind, int] = {"contract": 0, "property": 0}
    reached = None
    while stale := (await doors.queries.answer(ListStale(unused_days=unused_days, after=reached), viewer)).body.items:
        before = reached
        for each in stale:
            receipt = await doors.write.bus.execute(
                EvictAnalysis(analysis_id=each.analysis_id, uses=each.uses),
                actor=actor,
                command_id=uuid5(conversation, f"{each.analysis_id}:{each.uses}"),
                correlation_id=conversation,
            )
            if not receipt.unchanged:
                counts[each.kind] += 1
                reached = receipt.position
        if reached == before:  # all of them have been asked for since
            break
    return counts
