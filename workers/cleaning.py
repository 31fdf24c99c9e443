"""The clean-up job: takes analyses that nobody asked for lately out of the caches, each on its own stream."""

from typing import Any

from domain.analysis import AnalysisKind, EvictAnalysis
from domain.cache import CleanUp, RecordCleanUp
from projections.analyses import unused_since
from workers.work import Attempt, GaveUp


async def clean_up_cache(attempt: Attempt) -> dict[str, Any]:
    """Evict what stands in the caches unused, unless somebody asked for it in between; say how many went."""
    clean_up_id = attempt.claim.subject
    asked: CleanUp = (await attempt.bus.states.get(f"cache:{clean_up_id}", fresh=True)).state
    if asked.account_id is None or asked.unused_since is None:
        raise GaveUp("cache.unknown_clean_up", "The clean-up was never asked for.")
    await attempt.enter("evicting")
    stale = await unused_since(attempt.pool, asked.unused_since)
    counts: dict[AnalysisKind, int] = {"contract": 0, "property": 0}
    for done, each in enumerate(stale, start=1):
        command = EvictAnalysis(analysis_id=each.analysis_id, uses=each.uses)
        receipt = await attempt.execute(command, f"evict:{each.analysis_id}:{each.uses}")
        counts[each.kind] += 0 if receipt.unchanged else 1
        await attempt.progress(done, len(stale))
    recorded = RecordCleanUp(
        account_id=asked.account_id,
        clean_up_id=clean_up_id,
        contracts=counts["contract"],
        properties=counts["property"],
    )
    await attempt.execute(recorded, "recorded")
    return {"contracts": counts["contract"], "properties": counts["property"]}
