"""Prices compared with an estimate and bids: real files, named and taken away again, and the audits that follow."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from commands import Forbidden
from commands.write_side import WriteSide
from domain.audit import StartAudit
from domain.bill import Bill, BillItem
from domain.comparison import AddComparison, Compared, NotCompared, RemoveComparison
from domain.core import Command
from domain.document import Purpose, RemoveDocument, UnknownDocument, UploadDocument, document_id_of
from domain.experts.rules import RULES
from domain.job import ExportFormat
from domain.position import line_total
from domain.project import AcceptInvitation, InviteMember, Role, UnknownProject
from runtime.blobs import Blobs
from runtime.ids import new_id
from tests.acting import create_project, register
from tests.workers.test_jobs import Start, blobs, of, start_worker
from workers.comparing import offers_of
from workers.jobs import positions_of
from workers.readers import read_bill
from workers.sample_bill import sample_bill
from workers.writers import WRITERS, Statement

__all__ = ["blobs", "start_worker"]

D = Decimal
LOADED = 7
"""The line whose price is three times what everybody else asks."""

Price = Callable[[int, BillItem], Decimal]


def priced(bill: Bill, price: Price) -> Bill:
    """Give the bill with other prices, as another bidder would."""
    items = [replace(item, unit_price=price(at, item).quantize(D("0.01"))) for at, item in enumerate(bill.items)]
    totalled = tuple(replace(item, declared_total=line_total(item.quantity, item.unit_price)) for item in items)
    sections = tuple(replace(section, declared_total=None) for section in bill.sections)
    return replace(bill, items=totalled, sections=sections, totals=(), declared_total=None, surcharges=())


def file_of(bill: Bill, name: ExportFormat) -> bytes:
    statement = Statement(
        project_id=new_id(),
        project="Sample",
        version=1,
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
        bill=bill,
        position_ids=tuple(new_id() for _ in bill.items),
        verdicts=(None,) * len(bill.items),
    )
    return WRITERS[name].write(statement).data


def times(factor: str) -> Price:
    return lambda _, item: (item.unit_price or D(0)) * D(factor)


def loaded(at: int, item: BillItem) -> Decimal:
    return (item.unit_price or D(0)) * (3 if at == LOADED else 1)


class World:
    """A project with its owner: files put into it, and its audits one after the other."""

    def __init__(self, write: WriteSide, blobs: Blobs, owner: str, project_id: UUID) -> None:
        self._write = write
        self._blobs = blobs
        self._owner = owner
        self._project_id = project_id

    @classmethod
    async def made(cls, write: WriteSide, blobs: Blobs) -> "World":
        owner = await register(write)
        return cls(write, blobs, owner, await create_project(write, owner))

    async def upload(self, data: bytes, name: str, purpose: Purpose = "comparison") -> UUID:
        blob = await self._blobs.put(data)
        document_id = document_id_of(self._project_id, blob.sha256)
        command = UploadDocument(
            project_id=self._project_id,
            document_id=document_id,
            filename=name,
            content_hash=blob.sha256,
            size=blob.size,
            purpose=purpose,
        )
        await self._write.bus.execute(command, actor=self._owner)
        return document_id

    async def do(self, command: type[Command], **fields: Any) -> None:
        await self._write.bus.execute(command(project_id=self._project_id, **fields), actor=self._owner)

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (event.type, msgspec.json.decode(event.data))
            for event in await self._write.store.feed(f"project:{self._project_id}")
        ]

    async def until(self, count: int, name: str) -> list[dict[str, Any]]:
        async with asyncio.timeout(90):
            while len(found := of(await self.events(), name)) < count:
                await asyncio.sleep(0.05)
        return found

    async def audit(self, number: int) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]:
        """Wait for the end of the audit with this number; give its start, findings and outcomes."""
        started = (await self.until(number, "audit.started"))[number - 1]
        async with asyncio.timeout(90):
            while not any(
                each["audit_id"] == started["audit_id"] for each in of(await self.events(), "audit.completed")
            ):
                await asyncio.sleep(0.05)
        parts = [
            each
            for each in of(await self.events(), "audit.findings_recorded")
            if each["audit_id"] == started["audit_id"]
        ]
        findings = [found for part in parts for found in part["findings"]]
        outcomes = {key: value for part in parts for key, value in part["outcomes"].items()}
        return started, findings, outcomes

    async def judged(self, started: dict[str, Any]) -> int:
        """Say how often a rule looked at a position in an audit."""
        async with asyncio.timeout(90):
            while True:
                for each in of(await self.events(), "job.completed"):
                    if each["result"].get("audit_id") == started["audit_id"]:
                        return each["result"]["judged"]
                await asyncio.sleep(0.05)


def about(findings: list[dict[str, Any]], rule: str) -> list[dict[str, Any]]:
    return [found for found in findings if found["rule"] == rule]


async def test_an_estimate_and_bids_are_files_that_the_budget_is_audited_against(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    worker = await start_worker()
    world = await World.made(write, blobs)
    bill = read_bill(sample_bill(items=40, faults=()))
    await world.upload(file_of(priced(bill, loaded), "xlsx"), "offer.xlsx", "budget")
    first, findings, _ = await world.audit(1)
    assert (first.get("compared", []), about(findings, "C6")) == ([], [])

    estimate = await world.upload(file_of(priced(bill, times("0.9")), "unixml"), "estimate.xml")
    bid = await world.upload(file_of(priced(bill, times("1.1")), "csv"), "a.csv")
    other = await world.upload(file_of(priced(bill, times("1.2")), "xlsx"), "b.xlsx")
    await world.until(4, "document.parsed")
    await world.do(AddComparison, document_id=estimate, compared_as="estimate")
    second, findings, _ = await world.audit(2)
    assert [each["name"] for each in second["compared"]] == ["estimate.xml"]
    (found,) = about(findings, "C6")
    assert found["recommendation"] == "AMBER"
    assert found["evidence"]["estimate_source"].startswith("estimate.xml (row ")
    assert found["evidence"]["estimate_documents"] == str(estimate)
    assert await world.judged(second) == 40  # of all rules, C6 alone looked again

    await world.do(AddComparison, document_id=bid, compared_as="bid", bidder="Alfa")
    await world.audit(3)
    await world.do(AddComparison, document_id=other, compared_as="bid")
    fourth, findings, outcomes = await world.audit(4)
    assert await world.judged(fourth) == 40
    (found,) = about(findings, "C6")
    evidence = found["evidence"]
    assert evidence["bidders_documents"] == f"{bid}, {other}"
    assert "Alfa (" in evidence["bidders_source"]
    assert "b.xlsx (Bill, row " in evidence["bidders_source"]
    assert D(2) < D(evidence["bidders_balance"]) < D(3)
    assert len(of(await world.events(), "budget.imported")) == 1

    worker.terminate()
    assert await worker.wait() == 0
    await start_worker()  # it remembers nothing, so that it judges everything
    await world.do(StartAudit, audit_id=new_id())
    whole, everything, all_outcomes = await world.audit(5)
    assert await world.judged(whole) == 40 * len(RULES)
    assert (all_outcomes, everything) == (outcomes, findings)

    await world.do(RemoveDocument, document_id=estimate)
    sixth, findings, _ = await world.audit(6)
    assert [each["name"] for each in sixth["compared"]] == ["Alfa", "b.xlsx"]
    assert "estimate_source" not in about(findings, "C6")[0]["evidence"]
    for document_id in (bid, other):
        await world.do(RemoveComparison, document_id=document_id)
    last, findings, _ = await world.audit(8)
    assert (last.get("compared", []), about(findings, "C6")) == ([], [])


async def test_a_bid_that_is_read_after_it_was_named_is_compared_then_and_one_in_another_currency_never(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    world = await World.made(write, blobs)
    bill = read_bill(sample_bill(items=40, faults=()))
    foreign = await world.upload(file_of(replace(priced(bill, times("1")), currency="EUR"), "xlsx"), "eur.xlsx")
    await world.do(AddComparison, document_id=foreign, compared_as="bid")
    await start_worker()
    await world.until(1, "document.parsed")
    await world.upload(file_of(priced(bill, loaded), "xlsx"), "offer.xlsx", "budget")
    started, findings, _ = await world.audit(1)
    assert [each["document_id"] for each in started["compared"]] == [str(foreign)]
    (remark,) = about(findings, "C6")
    assert remark["recommendation"] == "NOT_CHECKED"
    assert remark["reasoning"].startswith("eur.xlsx is in EUR, the budget in CZK")

    late = await world.upload(file_of(priced(bill, times("1.5")), "csv"), "late.csv")
    await world.do(AddComparison, document_id=late, compared_as="bid")
    second, findings, _ = await world.audit(2)
    assert [each["document_id"] for each in second["compared"]] == [str(foreign), str(late)]
    assert [found["evidence"]["bidders_documents"] for found in about(findings, "C6")[1:]] == [str(late)]


async def test_lines_that_a_compared_document_brought_into_the_budget_are_not_compared(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    await start_worker()
    world = await World.made(write, blobs)
    bill = read_bill(sample_bill(items=40, faults=()))
    await world.upload(file_of(priced(bill, loaded), "xlsx"), "offer.xlsx", "budget")
    _, _, offered = await world.audit(1)
    bid = await world.upload(file_of(priced(bill, times("1.5")), "csv"), "bid.csv", "budget")
    await world.audit(2)
    await world.do(AddComparison, document_id=bid, compared_as="bid")
    third, _, outcomes = await world.audit(3)
    at = third["rules"].index("C6")
    assert len(outcomes) == 80
    said = Counter((position_id in offered, outcome[at]) for position_id, outcome in outcomes.items())
    assert said == {(True, "G"): 39, (True, "A"): 1, (False, "0"): 40}


@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("auditor", True), ("editor", True), (None, False)])
async def test_who_works_on_a_project_may_say_what_it_is_compared_with(
    write: WriteSide, blobs: Blobs, role: Role | None, allowed: bool
) -> None:
    owner, other = await register(write), await register(write)
    project_id, elsewhere = await create_project(write, owner), await create_project(write, owner)
    document_id = await World(write, blobs, owner, project_id).upload(b"a bid", "bid.csv")
    if role is not None:
        member = UUID(other.removeprefix("account:"))
        await write.bus.execute(InviteMember(project_id=project_id, account_id=member, role=role), actor=owner)
        await write.bus.execute(AcceptInvitation(project_id=project_id), actor=other)
    adding = AddComparison(project_id=project_id, document_id=document_id, compared_as="bid")
    removing = RemoveComparison(project_id=project_id, document_id=document_id)
    if allowed:
        await write.bus.execute(adding, actor=other)
        await write.bus.execute(removing, actor=other)
        with pytest.raises(NotCompared):
            await write.bus.execute(removing, actor=other)
    else:
        for command in (adding, removing):
            with pytest.raises(UnknownProject if role is None else Forbidden):
                await write.bus.execute(command, actor=other)
    with pytest.raises(UnknownDocument):
        await write.bus.execute(replace(adding, project_id=elsewhere), actor=owner)


def test_bids_are_matched_by_what_lines_are_and_prices_in_other_units_do_not_count() -> None:
    bill = read_bill(sample_bill(items=200, faults=()))
    positions = positions_of(bill, new_id(), new_id())
    renumbered = tuple(replace(item, number=f"9{item.number}") for item in bill.items)
    other_unit = replace(renumbered[3], unit="km")
    unpriced = replace(renumbered[4], unit_price=None)
    optional = replace(renumbered[5], role="optional")
    items = (*renumbered[:3], other_unit, unpriced, optional, *renumbered[6:])
    compared = Compared(document_id=new_id(), compared_as="bid", name="Bid", bill_hash="")
    found = offers_of(compared, msgspec.json.encode(replace(bill, items=items)), positions, "CZK")
    assert isinstance(found, list)
    assert {position_id for position_id, _ in found} == {
        position.position_id for at, position in enumerate(positions) if at not in {3, 4, 5}
    }
    by_id = {position.position_id: position for position in positions}
    assert all(by_id[position_id].unit_price == offer.unit_price for position_id, offer in found)
