"""What jobs do: read a document, import its positions, audit them."""

import asyncio
from sys import intern
from typing import Any
from uuid import UUID

import msgspec

from domain.bill import Bill, BillItem, Declared, Rounding
from domain.budget import ImportPositions
from domain.document import Document, RecordParsed, RecordParseFailure
from domain.position import Position
from workers.analysing import analyse
from workers.auditing import audit_budget
from workers.cleaning import clean_up_cache
from workers.exporting import export_budget
from workers.leases import Claim
from workers.pricing import import_prices
from workers.readers import Unreadable
from workers.work import Attempt, GaveUp, Work


async def parse_document(attempt: Attempt) -> dict[str, Any]:
    """Read a document's bytes into a bill, keep the bill beside it, and say what was found."""
    ids = {"project_id": attempt.claim.project_id, "document_id": attempt.claim.subject}
    document = await _document(attempt)
    await attempt.enter("reading")
    try:
        bill = await attempt.parser.parse(await attempt.blobs.get(document.content_hash))
    except Unreadable as reason:
        await attempt.execute(
            RecordParseFailure(**ids, error_code=reason.code, error=reason.detail),
            f"{attempt.claim.attempt}:unreadable",
        )
        raise GaveUp(reason.code, reason.detail) from reason
    stored = await attempt.blobs.put(msgspec.json.encode(bill))
    await attempt.execute(
        RecordParsed(
            **ids,
            bill_hash=stored.sha256,
            format=bill.format,
            confidence=bill.confidence,
            items=len(bill.items),
            priced=bill.priced,
            currency=bill.currency,
            declared_total=bill.declared_total,
            skipped=len(bill.skipped),
            warnings=bill.warnings,
        ),
        "parsed",
    )
    return {"format": bill.format, "items": len(bill.items), "priced": bill.priced}


async def import_document(attempt: Attempt) -> dict[str, Any]:
    """Add the positions of a document that was read to the budget, as one version."""
    document = await _document(attempt)
    await attempt.enter("importing")
    command = await asyncio.to_thread(_import_of, await attempt.blobs.get(document.bill_hash), attempt.claim)
    await attempt.execute(command, "import")
    return {"positions": len(command.positions)}


def _import_of(stored: bytes, claim: Claim) -> ImportPositions:
    """Make the command of a bill as it is stored. Of the bill itself, which is large, nothing stays in memory."""
    bill = msgspec.json.decode(stored, type=Bill)
    return ImportPositions(
        project_id=claim.project_id,
        document_id=claim.subject,
        positions=positions_of(bill, claim.job_id, claim.subject),
        declared=Declared(
            total=bill.declared_total, sections=bill.sections, surcharges=bill.surcharges, totals=bill.totals
        ),
        currency=bill.currency,
        rounding=bill.rounding.total,
    )


BESIDES = ("price_system", "unit_hours", "unit_mass", "unit_debris")
"""What an item states that no rule reads: kept as text in the position's metadata."""

KINDS: dict[str, Work] = {
    "parse": parse_document,
    "import": import_document,
    "audit": audit_budget,
    "prices": import_prices,
    "export": export_budget,
    "analysis": analyse,
    "clean_up": clean_up_cache,
}


async def _document(attempt: Attempt) -> Document:
    entry = await attempt.bus.states.get(f"document:{attempt.claim.subject}", fresh=True)
    if not entry.state.exists:
        raise GaveUp("document.unknown", "The document was removed before its job began.")
    return entry.state


def positions_of(bill: Bill, job_id: UUID, document_id: UUID) -> tuple[Position, ...]:
    """Make positions of a bill's items. Their ids follow from the job's, so that a second attempt makes the same."""
    rounding = None if bill.rounding == Rounding(total=bill.rounding.total) else bill.rounding
    paths: dict[tuple[str, ...], tuple[str, ...]] = {}  # one path for all lines of a section: they fill the memory
    return tuple(
        _position(
            item,
            UUID(int=job_id.int ^ (index + 1)),
            document_id,
            section=paths.setdefault(item.section, item.section),
            rounding=item.rounding or rounding,
        )
        for index, item in enumerate(bill.items)
    )


def _position(
    item: BillItem, position_id: UUID, document_id: UUID, *, section: tuple[str, ...], rounding: Rounding | None
) -> Position:
    return Position(
        position_id=position_id,
        number=item.number,
        code=item.code,
        code_system=item.code_system,
        description=item.description,
        category=item.category,
        kind=item.kind,
        role=item.role,
        section=section,
        quantity=item.quantity,
        unit=intern(item.unit),
        unit_price=item.unit_price,
        material_price=item.material_price,
        assembly_price=item.assembly_price,
        declared_total=item.declared_total,
        vat_rate=item.vat_rate,
        notes=item.notes,
        takeoff=item.takeoff,
        source_document_id=document_id,
        source_sheet=intern(item.sheet),
        source_line=item.line,
        rounding=rounding,
        metadata={name: f"{value}" for name in BESIDES if (value := getattr(item, name))},
    )
