"""Audits that follow edits: started by themselves, judging only what changed, keeping what people decided."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from commands.write_side import WriteSide
from domain.audit import OverrideVerdict, StartAudit
from domain.bill import TakeoffLine
from domain.budget import AddPosition, Edit, EditPosition, ImportPositions
from domain.experts.context import BillFacts
from domain.experts.orchestrator import Base, audit
from domain.experts.rules import RULES
from domain.experts.settings import DEFAULTS, AuditSettings
from domain.position import Position
from domain.project import AcceptInvitation, ConfigureAudit, InviteMember
from runtime.ids import new_id
from tests.acting import create_project, register
from tests.domain.lines import line
from tests.workers.test_jobs import Start, of, start_worker
from workers.bases import Bases

__all__ = ["start_worker"]

D = Decimal
STRICT = AuditSettings(profile="en206", design_life=100)


def bill() -> list[Position]:
    """Thirty sound lines, one without a unit, and rebar whose takeoff and weight contradict each other."""
    sound = [line(number) for number in range(1, 31)]
    lines = [
        line(31, unit=""),
        line(32, code="274321411", unit="m3", description="Základové pasy ze železobetonu C25/30 XC4"),
        line(
            33,
            code="274361821",
            unit="t",
            quantity=D(5),
            description="Výztuž základových pasů",
            takeoff=(TakeoffLine(expression="3*4", value=D(12)),),
        ),
    ]
    return [msgspec.structs.replace(each, position_id=new_id()) for each in (*sound, *lines)]


async def completed(write: WriteSide, feed: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Wait for so many completed jobs; give the feed."""
    async with asyncio.timeout(90):
        while True:
            events = [(event.type, msgspec.json.decode(event.data)) for event in await write.store.feed(feed)]
            if len(of(events, "job.completed")) >= count:
                return events
            await asyncio.sleep(0.05)


async def test_an_edit_leads_to_an_audit_of_what_it_touched_and_overrides_last_until_their_line_changes(
    write: WriteSide, start_worker: Start
) -> None:
    await start_worker()
    owner, auditor = await register(write), await register(write)
    project_id = await create_project(write, owner)
    feed = f"project:{project_id}"
    member = UUID(auditor.removeprefix("account:"))
    await write.bus.execute(InviteMember(project_id=project_id, account_id=member, role="auditor"), actor=owner)
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=auditor)
    lines = bill()
    faulty, rebar = lines[30].position_id, lines[32].position_id
    await write.bus.execute(
        ImportPositions(project_id=project_id, document_id=new_id(), positions=tuple(lines), currency="CZK"),
        actor="system",
    )
    first = await completed(write, feed, 1)
    assert of(first, "job.completed")[0]["result"]["judged"] == len(RULES) * len(lines)
    (conflict,) = of(first, "audit.conflict_raised")
    assert (conflict["position_id"], conflict["rules"]) == (str(rebar), ["V3", "S3"])
    (resolved,) = of(first, "audit.conflict_resolved")
    assert (resolved["by"], resolved["verdict"]) == ("rule", "RED")
    (started,) = of(first, "audit.started")
    assert msgspec.convert(started["settings"], AuditSettings, strict=False) == DEFAULTS

    override = OverrideVerdict(
        project_id=project_id,
        audit_id=UUID(started["audit_id"]),
        position_id=faulty,
        verdict="GREEN",
        reason="The unit is on the drawing.",
    )
    await write.bus.execute(override, actor=auditor)
    other = EditPosition(project_id=project_id, position_id=lines[0].position_id, changes=Edit(vat_rate=D(21)))
    await write.bus.execute(other, actor=owner)
    second = await completed(write, feed, 2)
    assert of(second, "audit.started")[1]["previous"] == started["audit_id"]
    assert of(second, "job.completed")[1]["result"]["judged"] == 1
    (carried,) = of(second, "audit.overrides_carried")
    assert [(each["position_id"], each["verdict"], each["by"]) for each in carried["overrides"]] == [
        (str(faulty), "GREEN", auditor)
    ]
    assert of(second, "audit.completed")[1]["verdicts"]["RED"] == of(first, "audit.completed")[0]["verdicts"]["RED"] - 1

    await write.bus.execute(ConfigureAudit(project_id=project_id, settings=STRICT), actor=auditor)
    changed = EditPosition(project_id=project_id, position_id=faulty, changes=Edit(notes=("seen",)))
    await write.bus.execute(changed, actor=owner)
    third = await completed(write, feed, 3)
    assert len(of(third, "audit.overrides_carried")) == 1
    assert of(third, "job.completed")[2]["result"]["judged"] == len(RULES) * len(lines)
    assert of(third, "audit.started")[2]["settings"]["profile"] == "en206"
    weak = [found for data in of(third, "audit.findings_recorded")[2:] for found in data["findings"]]
    assert [found["evidence"]["threshold"] for found in weak if found["rule"] == "N2"] == ["C35/45"]


async def test_edits_of_a_project_that_was_never_audited_start_nothing(write: WriteSide, start_worker: Start) -> None:
    await start_worker()
    owner = await register(write)
    quiet, audited = await create_project(write, owner), await create_project(write, owner)
    lines = bill()
    importing = ImportPositions(project_id=audited, document_id=new_id(), positions=tuple(lines), currency="CZK")
    await write.bus.execute(
        AddPosition(project_id=quiet, position_id=new_id(), fields=Edit(description="By hand")), actor=owner
    )
    await write.bus.execute(importing, actor="system")
    await completed(write, f"project:{audited}", 1)
    edit = EditPosition(project_id=audited, position_id=lines[0].position_id, changes=Edit(vat_rate=D(21)))
    await write.bus.execute(edit, actor=owner)
    await completed(write, f"project:{audited}", 2)
    assert [event.type for event in await write.store.feed(f"project:{quiet}")][-1] == "budget.versioned"
    again = await write.bus.execute(StartAudit(project_id=quiet, audit_id=new_id()), actor=owner)
    assert again.sequence == 4


def base_of(count: int) -> Base:
    lines = [line(number) for number in range(1, count + 1)]
    result = audit(lines, BillFacts())
    positions = {position.position_id: position for position in lines}
    return Base(positions=positions, facts=BillFacts(), settings=DEFAULTS, result=result)


def test_the_audits_that_were_used_longest_ago_are_forgotten() -> None:
    bases = Bases(most_positions=10)
    one, two, three = (new_id() for _ in range(3))
    bases.keep(one, base_of(4))
    bases.keep(two, base_of(4))
    assert bases.get(one) is not None
    bases.keep(three, base_of(4))
    assert (bases.get(two), bases.get(one) is None, bases.get(three) is None) == (None, False, False)
    bases.keep(three, base_of(6))
    assert bases.get(one) is not None
    bases.keep(three, base_of(11))
    assert [bases.get(each) for each in (one, two, three)] == [None, None, None]
