"""The cache tables of analyses, and who is shown what of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.analysis import (
    Analysis,
    AnalysisKind,
    CompleteAnalysis,
    DetachAnalysis,
    EvictAnalysis,
    FailAnalysis,
    RequestUploaded,
    UnknownAnalysis,
    analysis_id_of,
)
from projections.analyses import (
    AdministratorsOnly,
    GetAnalysis,
    GetCacheStats,
    ListAnalyses,
    unused_since,
)
from tests.projections.shelf import EDITOR, OUTSIDER, OWNER, Shelf
from tests.projections.world import BEGAN, account


def asked(shelf: Shelf, who: str, content: str, kind: AnalysisKind = "contract") -> UUID:
    content_hash = content * 64
    analysis_id = analysis_id_of("shared", kind, content_hash, account(who))
    command = RequestUploaded(account_id=account(who), kind=kind, content_hash=content_hash, analysis_id=analysis_id)
    shelf.world.do(command, who)
    return analysis_id


def job_of(shelf: Shelf, analysis_id: UUID) -> dict[str, Any]:
    state: Analysis = shelf.world.states[f"analysis:{analysis_id}"]
    return {"analysis_id": analysis_id, "job_id": state.job_id}


def completed(shelf: Shelf, analysis_id: UUID) -> None:
    found = {"party": 2, "term": 1}
    result = CompleteAnalysis(
        **job_of(shelf, analysis_id), result_hash="f" * 64, found=found, missing=("retention",), language="cs", pages=4
    )
    shelf.world.do(result)


async def test_those_attached_see_an_analysis_and_nobody_else(shelf: Shelf) -> None:
    first, other = asked(shelf, OWNER, "a"), asked(shelf, EDITOR, "b", "property")
    completed(shelf, first)
    asked(shelf, EDITOR, "a")
    await shelf.keep_up()
    (own,) = (await shelf.ask(ListAnalyses())).items
    assert (own.analysis_id, own.kind, own.status, own.content_hash) == (first, "contract", "completed", "a" * 64)
    assert (own.found, own.missing, own.language, own.pages) == ({"party": 2, "term": 1}, ("retention",), "cs", 4)
    assert {each.analysis_id for each in await shelf.pages(ListAnalyses(limit=1), EDITOR)} == {first, other}
    (only,) = await shelf.pages(ListAnalyses(kind="property", status="running"), EDITOR)
    assert only.analysis_id == other
    assert (await shelf.ask(ListAnalyses(), OUTSIDER)).items == []
    assert (await shelf.ask(GetAnalysis(analysis_id=first), EDITOR)).status == "completed"
    with pytest.raises(UnknownAnalysis):
        await shelf.ask(GetAnalysis(analysis_id=other))
    assert (await shelf.answer(GetAnalysis(analysis_id=other), OUTSIDER, admin=True)).body.kind == "property"


async def test_who_detached_sees_it_no_more_and_a_failure_says_why(shelf: Shelf) -> None:
    stopped, failed = asked(shelf, OWNER, "a"), asked(shelf, OWNER, "b")
    shelf.world.do(DetachAnalysis(account_id=account(OWNER), analysis_id=stopped), OWNER)
    failure = FailAnalysis(**job_of(shelf, failed), error_code="unreadable.needs_ocr", error="It was scanned.")
    shelf.world.do(failure)
    await shelf.keep_up()
    (item,) = (await shelf.ask(ListAnalyses())).items
    assert (item.analysis_id, item.status, item.error_code) == (failed, "failed", "unreadable.needs_ocr")
    assert (await shelf.answer(GetAnalysis(analysis_id=stopped), admin=True)).body.status == "stopped"


async def test_statistics_follow_from_what_happened_and_outlive_a_clean_up(shelf: Shelf) -> None:
    contract, paper = asked(shelf, OWNER, "a"), asked(shelf, OWNER, "a", "property")
    completed(shelf, contract)
    for who in (EDITOR, EDITOR, OUTSIDER):
        asked(shelf, who, "a")
    await shelf.keep_up()
    stats = (await shelf.answer(GetCacheStats(), admin=True)).body
    assert (stats.contracts.total, stats.contracts.completed, stats.properties.completed) == (1, 1, 0)
    assert (stats.contracts.hits, stats.contracts.misses, stats.contracts.accesses) == (3, 1, 4)
    assert (stats.contracts.hit_rate, stats.properties.hit_rate, stats.efficiency.hit_rate) == (75.0, 0.0, 60.0)
    assert (stats.efficiency.total, stats.efficiency.saved) == (2, 3)
    assert BEGAN <= stats.properties.last_updated < stats.contracts.last_updated == stats.last_updated

    moment = stats.last_updated + timedelta(days=1)
    (stale,) = await unused_since(shelf.pool, moment)
    assert (stale.analysis_id, stale.kind, stale.uses) == (contract, "contract", 4)
    assert await unused_since(shelf.pool, BEGAN - timedelta(days=1)) == []
    shelf.world.do(EvictAnalysis(analysis_id=contract, uses=stale.uses), OWNER)
    await shelf.keep_up()
    stats = (await shelf.answer(GetCacheStats(), admin=True)).body
    assert (stats.contracts.total, stats.contracts.hits, stats.contracts.evicted) == (0, 3, 1)
    assert [each.analysis_id for each in (await shelf.ask(ListAnalyses())).items] == [paper]
    assert asked(shelf, OWNER, "a") == contract
    await shelf.keep_up()
    again = await shelf.ask(GetAnalysis(analysis_id=contract))
    assert (again.status, again.found) == ("running", {})


async def test_an_empty_cache_has_no_rates_and_no_time(shelf: Shelf) -> None:
    await shelf.keep_up()
    stats = (await shelf.answer(GetCacheStats(), admin=True)).body
    assert (stats.contracts.total, stats.efficiency.hit_rate, stats.last_updated) == (0, 0.0, None)


async def test_caches_are_the_administrators_business(shelf: Shelf) -> None:
    await shelf.keep_up()
    with pytest.raises(AdministratorsOnly):
        await shelf.ask(GetCacheStats())
