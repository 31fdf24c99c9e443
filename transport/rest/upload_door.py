"""Documents in and out: a file is stored while it arrives, under its SHA-256, and then told to the bus."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from commands import Receipt
from commands.rights import authorise
from domain.document import Purpose, UploadDocument, document_id_of
from projections.asking import Viewer
from projections.documents import GetDocument
from runtime.blobs import Blob, BlobTooLarge
from runtime.ids import new_id
from transport.errors import InvalidBody, invalid
from transport.rest.command_door import header_id, headers_of_receipt, status_of_receipt
from transport.rest.decoding import encoded
from transport.rest.doors import Doors
from transport.rest.multipart_file import MultipartFile
from transport.rest.query_door import PROJECT, litestar_path, query_of
from transport.visit import visit_of

DOCUMENTS = f"{PROJECT}/documents"
CONTENT = f"{DOCUMENTS}/{{document_id}}/content"


class Upload(Struct, frozen=True, kw_only=True):
    """A file that is in the project now. The same bytes again are the same document."""

    document_id: UUID
    content_hash: str
    size: int
    receipt: Receipt


class InProject(Struct, frozen=True):
    """What the address of an upload says."""

    project_id: UUID
    purpose: Purpose = "budget"


def upload_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @post(litestar_path(DOCUMENTS))
    async def upload(request: Request[Any, Any, Any]) -> Response[bytes]:
        visit = visit_of(request.scope)
        session = await doors.admission.account(visit)
        asked = query_of(InProject, request.path_params, request.scope["query_string"])
        command_id = header_id(visit, "idempotency-key") or new_id()
        await _check_right(doors, session.actor, asked.project_id)
        file = MultipartFile(visit, request.receive, doors.settings.upload_limit_bytes)
        blob = await stored(doors, file)
        command = _command(asked, file.name, blob)
        receipt = await doors.write.bus.execute(command, actor=session.actor, command_id=command_id)
        answer = Upload(
            document_id=command.document_id, content_hash=command.content_hash, size=command.size, receipt=receipt
        )
        return Response(
            encoded(answer),
            status_code=status_of_receipt(receipt),
            media_type="application/json",
            headers=headers_of_receipt(receipt),
        )

    @get(litestar_path(CONTENT))
    async def download(request: Request[Any, Any, Any]) -> Response[bytes]:
        session = await doors.admission.account(visit_of(request.scope))
        asked = query_of(GetDocument, request.path_params, request.scope["query_string"])
        viewer = Viewer(account_id=session.identity.account_id, admin=session.identity.admin)
        document = (await doors.queries.answer(asked, viewer)).body
        return Response(
            await doors.blobs.get(document.content_hash),
            media_type="application/octet-stream",
            headers={"content-disposition": attachment(document.filename)},
        )

    return [upload, download]


async def _check_right(doors: Doors, actor: str, project_id: UUID) -> None:
    """Refuse before a body of megabytes is read what the bus would refuse behind it."""
    states = doors.write.bus.states
    intended = UploadDocument(project_id=project_id, document_id=project_id, filename="", content_hash="", size=0)
    account = await states.get(actor)
    project = await states.get(f"project:{project_id}", fresh=True)
    authorise(intended, actor, account.state, project.state)


async def stored(doors: Doors, file: MultipartFile) -> Blob:
    """Store a file while it arrives. Raises `TooLarge`, and what `MultipartFile.chunks` does."""
    try:
        return await doors.blobs.put_stream(file.chunks(), doors.settings.upload_limit_bytes)
    except BlobTooLarge:
        raise file.too_large() from None


def _command(asked: InProject, filename: str, blob: Blob) -> UploadDocument:
    given = {
        "project_id": asked.project_id,
        "document_id": document_id_of(asked.project_id, blob.sha256),
        "filename": filename,
        "content_hash": blob.sha256,
        "size": blob.size,
        "purpose": asked.purpose,
    }
    try:
        return msgspec.convert(given, UploadDocument)
    except msgspec.ValidationError as error:
        raise invalid(InvalidBody, error) from error


def attachment(filename: str) -> str:
    """Name a download, as RFC 6266 wants it: in ASCII for old programs, in UTF-8 for others."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
