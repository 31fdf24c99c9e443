"""The audit job: has the rules judge a version of a budget, wholly or only what changed, and records what they say."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from commands.lookups import past_budget
from domain.audit import (
    MOST_POSITIONS_PER_EVENT,
    Audit,
    CarryOverrides,
    CompleteAudit,
    RaiseConflict,
    RecordFindings,
    ResolveConflict,
)
from domain.budget import Budget
from domain.experts.conflicts import Conflict
from domain.experts.context import BillFacts, DeclaredBill
from domain.experts.finding import Finding
from domain.experts.orchestrator import Audit as Judged
from domain.experts.orchestrator import Base, reaudit
from domain.experts.settings import DEFAULTS
from domain.position import Position
from workers.comparing import with_offers
from workers.pricing import with_prices
from workers.work import Attempt


async def audit_budget(attempt: Attempt) -> dict[str, Any]:
    """Have the rules judge a version of the budget, and record what they say in parts.

    What this process audited last is where it starts: then only what changed since is judged again, to the same
    result. The answer says how often a rule looked at a position, as `judged`.
    """
    project_id, audit_id = attempt.claim.project_id, attempt.claim.subject
    under_way: Audit = await _audit(attempt, audit_id)
    await attempt.enter("judging")
    budget = await budget_at(attempt, project_id, under_way.version)
    positions = sorted(budget.positions.values(), key=lambda position: budget.ranks[position.position_id])
    facts = await with_prices(attempt, facts_of(budget), positions)
    facts = await with_offers(attempt, facts, positions, under_way.compared)
    settings = under_way.settings or DEFAULTS
    judging = await asyncio.to_thread(reaudit, attempt.bases.get(project_id), positions, facts, settings)
    judged = judging.result
    by_id = {position.position_id: position for position in positions}
    await attempt.enter("recording")
    for part, recorded in enumerate(parts_of(project_id, audit_id, positions, judged), start=1):
        await attempt.execute(recorded, f"part:{part}")
        await attempt.progress(min(part * MOST_POSITIONS_PER_EVENT, len(positions)), len(positions))
    await _carry(attempt, under_way)
    await _raise(attempt, judged.conflicts)
    await attempt.execute(CompleteAudit(project_id=project_id, audit_id=audit_id, rules=judged.rule_counts), "complete")
    attempt.bases.keep(project_id, Base(positions=by_id, facts=facts, settings=settings, result=judged))
    counts = {"positions": len(positions), "findings": len(judged.findings), "judged": judging.judged}
    return {"audit_id": str(audit_id), **counts}


def parts_of(
    project_id: UUID, audit_id: UUID, positions: Sequence[Position], judged: Judged
) -> Iterator[RecordFindings]:
    """Cut an audit into commands; what is said of the bill as a whole comes first."""
    findings: defaultdict[UUID | None, list[Finding]] = defaultdict(list)
    for finding in judged.findings:
        findings[finding.position_id].append(finding)
    for part, start in enumerate(range(0, len(positions), MOST_POSITIONS_PER_EVENT), start=1):
        some = positions[start : start + MOST_POSITIONS_PER_EVENT]
        ids = [position.position_id for position in some]
        whom = [None, *ids] if part == 1 else ids
        yield RecordFindings(
            project_id=project_id,
            audit_id=audit_id,
            part=part,
            outcomes={position_id: judged.outcomes[position_id] for position_id in ids},
            verdicts={position_id: judged.verdicts[position_id] for position_id in ids},
            findings=tuple(finding for position_id in whom for finding in findings[position_id]),
            revisions={position.position_id: position.revision for position in some if position.revision > 1},
        )


async def _carry(attempt: Attempt, under_way: Audit) -> None:
    """Let people's verdicts of the previous audit, as they are now, count in this one where lines are the same."""
    if under_way.previous is None:
        return
    previous: Audit = await _audit(attempt, under_way.previous)
    overrides = sorted(previous.overrides.values(), key=lambda override: str(override.position_id))
    for start in range(0, len(overrides), MOST_POSITIONS_PER_EVENT):
        some = tuple(overrides[start : start + MOST_POSITIONS_PER_EVENT])
        ids = {"project_id": attempt.claim.project_id, "audit_id": attempt.claim.subject}
        await attempt.execute(CarryOverrides(**ids, overrides=some), f"{attempt.claim.attempt}:carry:{start}")


async def _raise(attempt: Attempt, conflicts: Iterable[Conflict]) -> None:
    """Raise what the rules disagree on, and settle what a rule can. Where a person has decided, nothing is open."""
    audit_id = attempt.claim.subject
    decided = (await _audit(attempt, audit_id)).overrides
    ids = {"project_id": attempt.claim.project_id, "audit_id": audit_id}
    for conflict in conflicts:
        if conflict.position_id in decided:
            continue
        conflict_id = uuid5(audit_id, f"{conflict.position_id}:{':'.join(conflict.rules)}")
        raised = RaiseConflict(
            **ids,
            conflict_id=conflict_id,
            position_id=conflict.position_id,
            rules=conflict.rules,
            description=conflict.description,
        )
        await attempt.execute(raised, f"conflict:{conflict_id}")
        if conflict.resolution:
            settled = ResolveConflict(
                **ids, conflict_id=conflict_id, verdict=conflict.verdict, by="rule", resolution=conflict.resolution
            )
            await attempt.execute(settled, f"settled:{conflict_id}")


async def _audit(attempt: Attempt, audit_id: UUID) -> Audit:
    return (await attempt.bus.states.get(f"audit:{audit_id}", fresh=True)).state


async def budget_at(attempt: Attempt, project_id: UUID, version: int) -> Budget:
    """Give the budget at a version: from memory where that is the present one."""
    present: Budget = (await attempt.bus.states.get(f"budget:{project_id}", fresh=True)).state
    return present if present.version == version else await past_budget(attempt.bus.states, project_id, version)


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
                totals=document.declared.totals,
                rounding=document.rounding,
                diminished=tuple(sorted(document.diminished)),
            )
            for document_id, document in budget.documents.items()
        ),
    )
