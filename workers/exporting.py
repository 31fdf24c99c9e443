"""The export job: a version of a budget, with what the latest audit says of it, as a file."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from msgspec import structs

from domain.audit import Audit, AuditCompleted, FindingsRecorded
from domain.bill import Bill, BillItem, BillSection, Rounding, Surcharge
from domain.budget import Budget
from domain.experts.finding import Finding, Verdict
from domain.job import EXPORT_TYPES, Job
from domain.position import Position
from domain.project import Project
from workers.auditing import budget_at
from workers.work import Attempt, GaveUp
from workers.writers import WRITERS, Statement, Unwritable, Written
from workers.writers.statement import Judgement, Overridden

MEASURES = ("unit_hours", "unit_mass", "unit_debris")


async def export_budget(attempt: Attempt) -> dict[str, Any]:
    """Write a version of the budget in the format that was asked for, and say which stored blob it is."""
    project_id = attempt.claim.project_id
    job: Job = (await attempt.bus.states.get(f"job:{attempt.claim.job_id}", fresh=True)).state
    if job.export is None:
        raise GaveUp("export.without_format", "This job does not say what to write. Ask for the export again.")
    await attempt.enter("gathering")
    project: Project = (await attempt.bus.states.get(f"project:{project_id}", fresh=True)).state
    budget = _copy(await budget_at(attempt, project_id, job.export.version))
    found = await _audit_at(attempt, project_id, job.export.version)
    audit = found[1] if found else None
    judgement = await _judgement(attempt, project_id, *found) if found else None
    await attempt.enter("writing")
    writer = WRITERS[job.export.format]

    def write() -> Written:
        positions = sorted(budget.positions.values(), key=lambda position: budget.ranks[position.position_id])
        return writer.write(
            Statement(
                project_id=project_id,
                project=project.name,
                version=budget.version,
                asked_at=asked_at,
                bill=bill_of(project.name, budget, positions),
                position_ids=tuple(position.position_id for position in positions),
                verdicts=tuple(verdict_of(position, audit) for position in positions),
                judgement=judgement,
            )
        )

    asked_at = job.export.asked_at
    try:
        written = await asyncio.to_thread(write)
    except Unwritable as reason:
        raise GaveUp(reason.code, reason.detail) from reason
    await attempt.enter("storing")
    blob = await attempt.blobs.put(written.data)
    return {
        "format": job.export.format,
        "version": budget.version,
        "content_hash": blob.sha256,
        "size": blob.size,
        "filename": f"{_plain(project.name)} v{budget.version}.{writer.extension}",
        "media_type": EXPORT_TYPES[job.export.format],
        "positions": len(budget.positions),
        "total": f"{budget.total_cost:f}",
        "currency": budget.currency,
        "audit_id": None if found is None else str(found[0]),
        "notes": list(written.notes),
    }


def _copy(budget: Budget) -> Budget:
    """Keep a budget as it is: the one in memory goes on with every command."""
    return structs.replace(
        budget, positions=dict(budget.positions), ranks=dict(budget.ranks), documents=dict(budget.documents)
    )


def _plain(name: str) -> str:
    """Make a name that every file system takes."""
    kept = "".join(sign if sign.isalnum() or sign in " -_.,()" else "_" for sign in name).strip(" .")
    return kept[:100] or "budget"


def bill_of(title: str, budget: Budget, positions: Sequence[Position]) -> Bill:
    """Make a bill of a budget's positions. Line totals are ours, not what their files once said."""
    sections: dict[tuple[str, ...], BillSection] = {}
    surcharges: list[Surcharge] = []
    for document in budget.documents.values():
        for section in document.declared.sections:
            sections.setdefault(section.path, section)
        surcharges.extend(document.declared.surcharges)
    own = Rounding(total=budget.rounding)
    common = _common_rounding(own, positions)
    return Bill(
        format="plumbline",
        confidence=100,
        title=title,
        currency=budget.currency or "CZK",
        rounding=common,
        sections=tuple(structs.replace(section, declared_total=None) for section in sections.values()),
        items=tuple(item_of(position, own, common) for position in positions),
        surcharges=tuple(surcharges),
    )


def _common_rounding(own: Rounding, positions: Sequence[Position]) -> Rounding:
    """Find the rounding that most lines have: that of the bill. The others state theirs."""
    counts = Counter(own if position.rounding is None else position.rounding for position in positions)
    return max(counts, key=lambda rounding: (counts[rounding], rounding == own), default=own)


def item_of(position: Position, own: Rounding, common: Rounding) -> BillItem:
    """Make an item of a position; `own` is its budget's rounding, `common` the bill's."""
    rounding = own if position.rounding is None else position.rounding
    return BillItem(
        number=position.number,
        code=position.code,
        code_system=position.code_system,
        price_system=str(position.metadata.get("price_system", "")),
        description=position.description,
        category=position.category,
        kind=position.kind,
        role=position.role,
        section=position.section,
        quantity=position.quantity,
        unit=position.unit,
        unit_price=position.unit_price,
        material_price=position.material_price,
        assembly_price=position.assembly_price,
        declared_total=position.total_price,
        vat_rate=position.vat_rate,
        notes=position.notes,
        takeoff=position.takeoff,
        rounding=None if rounding == common else rounding,
        sheet=position.source_sheet,
        line=position.source_line,
        **{name: _measure(position.metadata.get(name)) for name in MEASURES},
    )


def _measure(stated: object) -> Decimal | None:
    """Read what an import kept as text."""
    try:
        return None if stated is None else Decimal(str(stated))
    except InvalidOperation:
        return None


def verdict_of(position: Position, audit: Audit | None) -> Verdict | None:
    """Give what the audit says of a position, `None` where it saw it otherwise or not at all."""
    if audit is None or audit.revisions.get(position.position_id, 1) != position.revision:
        return None
    return audit.verdicts.get(position.position_id)


async def _audit_at(attempt: Attempt, project_id: UUID, version: int) -> tuple[UUID, Audit] | None:
    """Find the latest completed audit of this version or an earlier one, from the latest of all backwards."""
    completed = await attempt.bus.states.latest(f"project:{project_id}", AuditCompleted)
    audit_id = completed.audit_id if completed else None
    while audit_id is not None:
        audit: Audit = (await attempt.bus.states.get(f"audit:{audit_id}", fresh=True)).state
        if audit.version <= version:
            return audit_id, audit
        audit_id = audit.previous
    return None


async def _judgement(attempt: Attempt, project_id: UUID, audit_id: UUID, audit: Audit) -> Judgement:
    """Gather what an audit said, and seal the project's history up to its last word."""
    recorded = await attempt.store.stream(f"audit:{audit_id}")
    findings: list[Finding] = []
    rules: dict[str, dict[Verdict, int]] = {}
    for each in recorded:
        match await attempt.bus.states.opened(each):
            case FindingsRecorded(findings=some):
                findings.extend(finding for finding in some if finding.recommendation != "GREEN")
            case AuditCompleted(rules=counts):
                rules = counts
            case _:
                pass
    last = recorded[-1]
    digest = await attempt.store.feed_digest(f"project:{project_id}", last.sequence)
    if digest is None:
        raise ValueError(f"the project's feed has gaps up to {last.sequence}")
    return Judgement(
        audit_id=audit_id,
        version=audit.version,
        rules=rules,
        settings=audit.settings,
        findings=tuple(findings),
        overridden=tuple(
            Overridden(position_id=each.position_id, verdict=each.verdict, reason=each.reason)
            for each in audit.overrides.values()
        ),
        sequence=last.sequence,
        position=last.position,
        feed_digest=digest.hex(),
    )
