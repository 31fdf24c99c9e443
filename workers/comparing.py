"""Comparison of prices: what the estimate and the bidders ask for each line of the budget, and when that changes."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from commands.states import States
from domain import comparison
from domain.comparison import Compared, Comparison
from domain.core import Event
from domain.document import Document, Parsed, Removed, Replaced
from domain.experts.context import BillFacts, Offer
from domain.experts.units import normalised_unit
from domain.matching import pairs_of
from domain.position import Position
from workers.work import Attempt

CHANGING = (comparison.ComparisonAdded, comparison.ComparisonRemoved, Parsed, Removed, Replaced)
"""Events after which a budget may be compared with something else."""


class _Line(Struct, frozen=True, kw_only=True, gc=False):
    """What is needed of an item of a stored bill, see `domain.bill.BillItem`."""

    number: str = ""
    code: str = ""
    description: str = ""
    role: str = "base"
    section: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    sheet: str = ""
    line: int = 0


class _Offered(Struct, frozen=True):
    currency: str = "CZK"
    items: tuple[_Line, ...] = ()


async def calls_for_audit(states: States, event: Event) -> bool:
    """Whether an event changes what a project's budget is compared with."""
    match event:
        case comparison.ComparisonAdded(document_id=document_id):
            return bool((await _document(states, document_id)).bill_hash)
        case comparison.ComparisonRemoved():
            return True
        case (
            Parsed(project_id=project_id, document_id=document_id)
            | Removed(project_id=project_id, document_id=document_id)
            | Replaced(project_id=project_id, document_id=document_id)
        ):
            compared: Comparison = (await states.get(f"comparison:{project_id}", fresh=True)).state
            return document_id in compared.documents
        case _:
            return False


async def is_imported(states: States, event: Parsed) -> bool:
    """Whether what was read becomes positions of the budget."""
    return (await _document(states, event.document_id)).purpose == "budget"


async def _document(states: States, document_id: UUID) -> Document:
    return (await states.get(f"document:{document_id}", fresh=True)).state


async def with_offers(
    attempt: Attempt, facts: BillFacts, positions: Sequence[Position], compared: Sequence[Compared]
) -> BillFacts:
    """Add what the documents ask for these positions. Those that came from one of them are not compared."""
    if not compared:
        return facts
    documents = {each.document_id for each in compared}
    own = [position for position in positions if position.source_document_id not in documents]
    offers: defaultdict[UUID, list[Offer]] = defaultdict(list)
    uncompared: list[str] = []
    for each in compared:
        stored = await attempt.blobs.get(each.bill_hash)
        found = await asyncio.to_thread(offers_of, each, stored, own, facts.currency)
        if isinstance(found, str):
            uncompared.append(found)
            continue
        for position_id, offer in found:
            offers[position_id].append(offer)
    return structs.replace(
        facts, offers={key: tuple(several) for key, several in offers.items()}, uncompared=tuple(uncompared)
    )


def offers_of(
    compared: Compared, stored: bytes, positions: Sequence[Position], currency: str
) -> list[tuple[UUID, Offer]] | str:
    """Match a stored bill with positions, as documents are compared; or say why it cannot be compared.

    A price counts for a line in the same unit that is not an alternative or optional.
    """
    offered = msgspec.json.decode(stored, type=_Offered)
    if offered.currency != currency:
        return (
            f"{compared.name} is in {offered.currency}, the budget in {currency}: it is not compared with, since "
            "prices are never converted."
        )
    return list(_matched(compared, offered.items, positions))


def _matched(compared: Compared, items: Sequence[_Line], positions: Sequence[Position]) -> Iterable[tuple[UUID, Offer]]:
    for pair in pairs_of(items, positions):
        if pair.before is None or pair.after is None or pair.by is None:
            continue
        item, position = items[pair.before], positions[pair.after]
        same = item.role == "base" and normalised_unit(item.unit) == normalised_unit(position.unit)
        if same and item.unit_price is not None and item.unit_price > 0:
            yield (
                position.position_id,
                Offer(
                    compared_as=compared.compared_as,
                    document_id=compared.document_id,
                    name=compared.name,
                    unit_price=item.unit_price,
                    by=pair.by,
                    sheet=item.sheet,
                    line=item.line,
                ),
            )
