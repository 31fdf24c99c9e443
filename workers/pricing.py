"""Price lists: reads one into a catalogue, and finds the prices that a bill's audit is held against."""

from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from commands.lookups import MAY_PRICE
from domain.catalogue import Catalogue, Price, RecordImportFailure, RecordPrices, Wanted
from domain.experts.context import BillFacts
from domain.position import Position
from domain.project import Project
from projections.price_matches import counting, prices_for
from workers.readers import Unreadable
from workers.work import Attempt, GaveUp


async def import_prices(attempt: Attempt) -> dict[str, Any]:
    """Read the price lists that a catalogue waits for from this project, each as a version."""
    catalogue: Catalogue = (await attempt.bus.states.get(f"catalogue:{attempt.claim.subject}", fresh=True)).state
    if not catalogue.exists:
        raise GaveUp("catalogue.unknown", "The catalogue was removed before its prices were read.")
    await attempt.enter("reading")
    waiting = {
        request: wanted
        for request, wanted in sorted(catalogue.waiting.items())
        if wanted.project_id == attempt.claim.project_id
    }
    stored = 0
    for request, wanted in waiting.items():
        stored += await _import(attempt, catalogue, request, wanted)
    return {"price_lists": len(waiting), "prices": stored}


async def _import(attempt: Attempt, catalogue: Catalogue, request: int, wanted: Wanted) -> int:
    ids: dict[str, Any] = {
        "account_id": catalogue.account_id,
        "catalogue_id": attempt.claim.subject,
        "request": request,
    }
    try:
        prices, skipped = await _read(attempt, catalogue, wanted)
    except Unreadable as reason:
        failure = RecordImportFailure(**ids, error_code=reason.code, error=reason.detail)
        await attempt.execute(failure, f"prices:{request}:unreadable")
        raise GaveUp(reason.code, reason.detail) from reason
    await attempt.execute(RecordPrices(**ids, prices=prices, skipped=skipped), f"prices:{request}")
    return len(prices)


async def _read(attempt: Attempt, catalogue: Catalogue, wanted: Wanted) -> tuple[tuple[Price, ...], int]:
    listed = await attempt.parser.prices(await attempt.blobs.get(wanted.content_hash))
    if listed.currency not in {"", catalogue.currency}:
        raise Unreadable(
            "unreadable.other_currency",
            f"The price list is in {listed.currency}, the catalogue in {catalogue.currency}, and prices are never "
            "converted. Import it into a catalogue of its own currency.",
        )
    prices = tuple(
        Price(code=item.code, description=item.description, unit=item.unit, unit_price=item.unit_price)
        for item in listed.items
        if item.unit_price is not None
    )
    return prices, len(listed.skipped)


async def with_prices(attempt: Attempt, facts: BillFacts, positions: list[Position]) -> BillFacts:
    """Add what the project's catalogues have for these positions. A catalogue counts while its owner may edit here."""
    project: Project = (await attempt.bus.states.get(f"project:{attempt.claim.project_id}", fresh=True)).state
    accounts = [account_id for account_id, role in project.members.items() if role in MAY_PRICE]
    catalogues = await counting(attempt.pool, attempt.claim.project_id, facts.currency, accounts)
    return structs.replace(
        facts,
        catalogues=tuple(f"{each.name} {each.version}" for each in catalogues),
        prices=await prices_for(attempt.pool, catalogues, positions),
        as_of=datetime.now(UTC).date() if catalogues else None,
    )
