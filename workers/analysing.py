"""The analysis job: what a contract or a paper about a property says, stored for all who wait for it."""

from typing import Any

import msgspec

from domain.analysis import Analysis, AnalysisNotRunning, CompleteAnalysis
from workers.readers import Unreadable
from workers.work import Attempt, GaveUp, Stopped


async def analyse(attempt: Attempt) -> dict[str, Any]:
    """Read the paper in the limited child process, keep the result beside it, and say what was found.

    Where nobody waits any more, it stops.
    """
    claim = attempt.claim
    analysis: Analysis = (await attempt.bus.states.get(f"analysis:{claim.subject}", fresh=True)).state
    if analysis.kind is None or analysis.job_id != claim.job_id:
        raise Stopped
    await attempt.enter("reading")
    try:
        extraction = await attempt.parser.extract(await attempt.blobs.get(analysis.content_hash), analysis.kind)
    except Unreadable as reason:
        raise GaveUp(reason.code, reason.detail) from reason
    await attempt.enter("storing")
    blob = await attempt.blobs.put(msgspec.json.encode(extraction))
    command = CompleteAnalysis(
        analysis_id=claim.subject,
        job_id=claim.job_id,
        result_hash=blob.sha256,
        found=extraction.counts(),
        missing=extraction.missing,
        language=extraction.language,
        pages=extraction.pages,
    )
    try:
        await attempt.execute(command, "completed")
    except AnalysisNotRunning as late:
        raise Stopped from late
    return {"facts": len(extraction.facts), "pages": extraction.pages}
