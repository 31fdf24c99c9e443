"""What jobs do: read a document, import its positions, audit them."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import UUID

import msgspec

from commands.lookups import past_budget
from domain.audit import MOST_POSITIONS_PER_EVENT, Audit, CompleteAudit, RecordFindings
from domain.bill import Bill, BillItem, Declared, Rounding
from domain.budget import Budget, ImportPositions
from domain.document import Document, RecordParsed, RecordParseFailure
from domain.experts.context import BillFacts, DeclaredBill
from domain.experts.finding import Finding
from domain.experts.orchestrator import audit
from domain.position import Position
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
    bill = msgspec.json.decode(await attempt.blobs.get(document.bill_hash), type=Bill)
    document_id = attempt.claim.subject
    positions = await asyncio.to_thread(positions_of, bill, attempt.claim.job_id, document_id)
    await attempt.execute(
        ImportPositions(
            project_id=attempt.claim.project_id,
            document_id=document_id,
            positions=positions,
            declared=Declared(total=bill.declared_total, sections=bill.sections, surcharges=bill.surcharges),
            currency=bill.currency,
            rounding=bill.rounding.total,
        ),
        "import",
    )
    return {"positions": len(positions)}


async def audit_budget(attempt: Attempt) -> dict[str, Any]:
    """Have every rule judge a version of the budget, and record what they say in parts."""
    project_id, audit_id = attempt.claim.project_id, attempt.claim.subject
    under_way: Audit = (await attempt.bus.states.get(f"audit:{audit_id}", fresh=True)).state
    await attempt.enter("judging")
    budget = await _budget_at(attempt, project_id, under_way.version)
    positions = sorted(budget.positions.values(), key=lambda position: budget.ranks[position.position_id])
    judged = await asyncio.to_thread(audit, positions, facts_of(budget))
    findings: defaultdict[UUID | None, list[Finding]] = defaultdict(list)
    for finding in judged.findings:
        findings[finding.position_id].append(finding)
    await attempt.enter("recording")
    for part, start in enumerate(range(0, len(positions), MOST_POSITIONS_PER_EVENT), start=1):
        ids = [position.position_id for position in positions[start : start + MOST_POSITIONS_PER_EVENT]]
        whom = [None, *ids] if part == 1 else ids  # what is said of the bill as a whole comes first
        await attempt.execute(
            RecordFindings(
                project_id=project_id,
                audit_id=audit_id,
                part=part,
                outcomes={position_id: judged.outcomes[position_id] for position_id in ids},
                verdicts={position_id: judged.verdicts[position_id] for position_id in ids},
                findings=tuple(finding for position_id in whom for finding in findings[position_id]),
            ),
            f"part:{part}",
        )
        await attempt.progress(start + len(ids), len(positions))
    await attempt.execute(CompleteAudit(project_id=project_id, audit_id=audit_id, rules=judged.rule_counts), "complete")
    return {"audit_id": str(audit_id), "positions": len(positions), "findings": len(judged.findings)}


BESIDES = ("price_system", "unit_hours", "unit_mass", "unit_debris")
"""What an item states that no rule reads: kept as text in the position's metadata."""

KINDS: dict[str, Work] = {"parse": parse_document, "import": import_document, "audit": audit_budget}


async def _document(attempt: Attempt) -> Document:
    entry = await attempt.bus.states.get(f"document:{attempt.claim.subject}", fresh=True)
    if not entry.state.exists:
        raise GaveUp("document.unknown", "The document was removed before its job began.")
    return entry.state


async def _budget_at(attempt: Attempt, project_id: UUID, version: int) -> Budget:
    """Give the budget at a version: from memory where that is the present one."""
    present: Budget = (await attempt.bus.states.get(f"budget:{project_id}", fresh=True)).state
    return present if present.version == version else await past_budget(attempt.bus.states, project_id, version)


def positions_of(bill: Bill, job_id: UUID, document_id: UUID) -> tuple[Position, ...]:
    """Make positions of a bill's items. Their ids follow from the job's, so that a second attempt makes the same."""
    rounding = None if bill.rounding == Rounding(total=bill.rounding.total) else bill.rounding
    return tuple(
        _position(item, UUID(int=job_id.int ^ (index + 1)), document_id, rounding)
        for index, item in enumerate(bill.items)
    )


def _position(item: BillItem, position_id: UUID, document_id: UUID, rounding: Rounding | None) -> Position:
    return Position(
        position_id=position_id,
        number=item.number,
        code=item.code,
        code_system=item.code_system,
        description=item.description,
        category=item.category,
        kind=item.kind,
        role=item.role,
        section=item.section,
        quantity=item.quantity,
        unit=item.unit,
        unit_price=item.unit_price,
        material_price=item.material_price,
        assembly_price=item.assembly_price,
        declared_total=item.declared_total,
        vat_rate=item.vat_rate,
        notes=item.notes,
        takeoff=item.takeoff,
        source_document_id=document_id,
        source_sheet=item.sheet,
        source_line=item.line,
        rounding=rounding,
        metadata={name: f"{value}" for name in BESIDES if (value := getattr(item, name))},
    )


def facts_of(budget: Budget) -> BillFacts:
    """Say what is known of the budget besides its positions: above all what its documents declare."""
    return BillFacts(
        currency=budget.currency,
        rounding=budget.rounding,
        declared=tuple(
            DeclaredBill(
                document_id=document_id,
                declared_total=document.declared.total,
                sections=document.declared.sections,
                surcharges=document.declared.surcharges,
                diminished=tuple(sorted(document.diminished)),
            )
            for document_id, document in budget.documents.items()
        ),
    )
