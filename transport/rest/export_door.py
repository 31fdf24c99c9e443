"""Files that export jobs wrote, for those who may read the project."""

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from domain.core import Refused
from domain.job import UnknownJob
from projections.asking import Viewer
from projections.jobs import GetJob
from transport.rest.doors import Doors
from transport.rest.query_door import PROJECT, litestar_path, query_of
from transport.rest.upload_door import attachment
from transport.visit import visit_of

EXPORT = f"{PROJECT}/exports/{{job_id}}"


class ExportNotReady(Refused):
    """The file is not written yet: wait for the job to be completed."""

    code = "export.not_ready"


def export_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Make the route."""

    @get(litestar_path(EXPORT))
    async def download(request: Request[Any, Any, Any]) -> Response[bytes]:
        session = await doors.admission.account(visit_of(request.scope))
        asked = query_of(GetJob, request.path_params, request.scope["query_string"])
        viewer = Viewer(account_id=session.identity.account_id, admin=session.identity.admin)
        job = (await doors.queries.answer(asked, viewer)).body
        if job.kind != "export":
            raise UnknownJob("This job writes no file.")
        if job.status != "completed":
            raise ExportNotReady(job.error and f"The file was not written: {job.error}", status_of_job=job.status)
        return Response(
            await doors.blobs.get(job.result["content_hash"]),
            media_type=job.result["media_type"],
            headers={"content-disposition": attachment(job.result["filename"])},
        )

    return [download]
