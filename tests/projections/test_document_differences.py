"""Two documents compared: what their lines said when they came, across projects, for those who may read both."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.bill import Bill, BillItem, Rounding
from domain.budget import Edit, EditPosition, ImportPositions
from domain.document import Purpose, RecordParsed, UnknownDocument, UploadDocument, document_id_of
from domain.position import Position
from domain.project import UnknownProject
from projections.asking import BadCursor
from projections.document_differences import DiffDocuments, NotImported
from runtime.ids import new_id
from tests.projections.shelf import OWNER, Shelf, replaced
from workers.jobs import positions_of
from workers.readers import read_bill
from workers.sample_bill import sample_bill

TENDER = (
    {"number": "1", "code": "131", "description": "Hloubení jam", "unit": "m3", "quantity": 10, "unit_price": 5},
    {"number": "2", "code": "274", "description": "Základové pásy", "unit": "m3", "quantity": 2},
    {"number": "3", "code": "", "description": "Lešení pronájem měsíčně", "unit": "m2", "quantity": 7},
    {"number": "4", "code": "998", "description": "Přesun hmot", "unit": "t", "quantity": 1, "unit_price": 100},
)
BID = (
    {"number": "10", "code": "131", "description": "Hloubení jam", "unit": "m3", "quantity": 10, "unit_price": 5},
    {"number": "20", "code": "274", "description": "Základové pásy", "unit": "m3", "quantity": 2, "unit_price": 50},
    {"number": "40", "code": "998", "description": "Přesun hmot", "unit": "t", "quantity": 1, "unit_price": 100},
    {"number": "50", "code": "622", "description": "Omítka", "unit": "m2", "quantity": 3, "unit_price": "1.10"},
)  # fmt: skip


def uploaded(shelf: Shelf, project_id: UUID, sign: str, purpose: Purpose = "budget") -> UUID:
    document_id = document_id_of(project_id, sign * 64)
    command = UploadDocument(
        project_id=project_id,
        document_id=document_id,
        filename="bill",
        content_hash=sign * 64,
        size=1,
        purpose=purpose,
    )
    shelf.world.do(command, OWNER)
    return document_id


def imported(shelf: Shelf, project_id: UUID, lines: tuple[dict[str, Any], ...], sign: str) -> tuple[UUID, list[UUID]]:
    document_id = uploaded(shelf, project_id, sign)
    ids = [new_id() for _ in lines]
    positions = tuple(
        Position(
            **(line | {name: Decimal(line[name]) for name in ("quantity", "unit_price") if name in line}),
            position_id=position_id,
            section=("SO 1",),
            source_document_id=document_id,
        )
        for position_id, line in zip(ids, lines, strict=True)
    )
    shelf.world.do(ImportPositions(project_id=project_id, document_id=document_id, positions=positions, currency="CZK"))
    return document_id, ids


async def test_a_bid_is_held_against_its_tender_across_projects(shelf: Shelf) -> None:
    here, there = shelf.project(), shelf.project("Another")
    tender, asked = imported(shelf, here, TENDER, "a")
    bid, offered = imported(shelf, there, BID, "b")
    changes = Edit(unit_price=Decimal(999))
    shelf.world.do(EditPosition(project_id=there, position_id=offered[0], changes=changes), OWNER)
    await shelf.keep_up()
    query = DiffDocuments(project_id=here, document_id=tender, against=bid, against_project=there)
    told = await shelf.ask(query)
    assert [(each.change, each.code, each.before, each.after, each.cost_effect) for each in told.items] == [
        ("renumbered", "131", asked[0], offered[0], Decimal(0)),
        ("changed", "274", asked[1], offered[1], Decimal(100)),
        ("removed", "", asked[2], None, Decimal(0)),
        ("renumbered", "998", asked[3], offered[2], Decimal(0)),
        ("added", "622", None, offered[3], Decimal("3.30")),
    ]
    changed = told.items[1].changes["unit_price"]
    assert (changed.before, Decimal(changed.after)) == (None, 50)
    assert (told.total_before, told.total_after, told.delta) == (Decimal(150), Decimal("253.30"), Decimal("103.30"))
    assert (told.added, told.removed, told.changed, told.renumbered, told.moved) == (1, 1, 1, 3, 0)
    assert [(each.section, each.before, each.cost_effect) for each in told.sections.items] == [
        ((), Decimal(150), Decimal("103.30")),
        (("SO 1",), Decimal(150), Decimal("103.30")),
    ]
    first = await shelf.ask(replaced(query, limit=2))
    rest = await shelf.ask(replaced(query, limit=3, cursor=first.next_cursor))
    assert [*first.items, *rest.items] == told.items
    assert rest.next_cursor is None
    same = await shelf.ask(DiffDocuments(project_id=there, document_id=bid, against=bid))
    assert (same.items, same.unchanged, same.sections.items) == ([], 4, [])


async def read(shelf: Shelf, project_id: UUID, bill: Bill, sign: str) -> UUID:
    """Have a bill read that was uploaded for a comparison, as the job that reads it does."""
    document_id = uploaded(shelf, project_id, sign, "comparison")
    stored = await shelf.blobs.put(msgspec.json.encode(bill))
    counts = {"items": len(bill.items), "priced": bill.priced, "confidence": 100}
    told = {"bill_hash": stored.sha256, "format": bill.format, "currency": bill.currency, **counts}
    shelf.world.do(RecordParsed(project_id=project_id, document_id=document_id, **told))
    return document_id


def bill_of(lines: tuple[dict[str, Any], ...], **more: Any) -> Bill:
    items = tuple(
        BillItem(
            **(line | {name: Decimal(line[name]) for name in ("quantity", "unit_price") if name in line}),
            section=("SO 1",),
            sheet="Rozpočet",
            line=row,
        )
        for row, line in enumerate(lines, start=7)
    )
    return Bill(format="table", confidence=100, items=items, **more)


async def test_a_bid_that_was_only_read_is_held_against_its_tender(shelf: Shelf) -> None:
    project_id = shelf.project()
    tender, asked = imported(shelf, project_id, TENDER, "a")
    bid = await read(shelf, project_id, bill_of(BID), "b")
    await shelf.keep_up()
    told = await shelf.ask(DiffDocuments(project_id=project_id, document_id=tender, against=bid))
    assert [(each.change, each.code, each.before, each.cost_effect) for each in told.items] == [
        ("renumbered", "131", asked[0], Decimal(0)),
        ("changed", "274", asked[1], Decimal(100)),
        ("removed", "", asked[2], Decimal(0)),
        ("renumbered", "998", asked[3], Decimal(0)),
        ("added", "622", None, Decimal("3.30")),
    ]
    assert (told.total_before, told.total_after, told.delta) == (Decimal(150), Decimal("253.30"), Decimal("103.30"))
    named = [each.after for each in told.items if each.after is not None]
    assert len(set(named)) == len(named) == 4
    assert [each.after_at and (each.after_at.sheet, each.after_at.line) for each in told.items] == [
        *(("Rozpočet", 7), ("Rozpočet", 8), None),
        *(("Rozpočet", 9), ("Rozpočet", 10)),
    ]
    again = await shelf.ask(DiffDocuments(project_id=project_id, document_id=bid, against=tender))
    assert {each.before for each in again.items} - {None} == set(named)
    offered = await shelf.ask(DiffDocuments(project_id=project_id, document_id=bid, against=bid))
    assert (offered.items, offered.unchanged) == ([], 4)


async def test_a_bill_is_the_same_whether_it_was_imported_or_only_read(shelf: Shelf) -> None:
    bill = read_bill(sample_bill(items=60))
    here, there = shelf.project(), shelf.project("Another")
    only_read = await read(shelf, here, bill, "a")
    document_id = uploaded(shelf, there, "b")
    positions = positions_of(bill, new_id(), document_id)
    command = ImportPositions(
        project_id=there,
        document_id=document_id,
        positions=positions,
        currency=bill.currency,
        rounding=bill.rounding.total,
    )
    shelf.world.do(command)
    await shelf.keep_up()
    query = DiffDocuments(project_id=here, document_id=only_read, against=document_id, against_project=there)
    told = await shelf.ask(query)
    assert (told.items, told.unchanged, told.total_before) == ([], len(bill.items), told.total_after)
    assert told.total_after > 0


async def test_what_was_only_read_costs_what_it_would_in_a_budget_of_its_own(shelf: Shelf) -> None:
    lines: tuple[dict[str, Any], ...] = (
        {"number": "1", "description": "Jámy", "quantity": "1.25", "unit_price": "10.04"},
        {"number": "2", "description": "Rýhy", "quantity": "1.25", "unit_price": "10.04", "role": "alternative"},
        {"number": "3", "description": "Násyp"},
    )
    project_id = shelf.project()
    coarse = await read(shelf, project_id, bill_of(lines, rounding=Rounding(total=1, quantity=1)), "a")
    fine = await read(shelf, project_id, bill_of(lines, currency="EUR"), "b")
    await shelf.keep_up()
    told = await shelf.ask(DiffDocuments(project_id=project_id, document_id=coarse, against=fine))
    assert (told.total_before, told.total_after) == (Decimal("13.1"), Decimal("12.55"))  # 1.3 x 10.04, 1.25 x 10.04
    assert (told.currency_before, told.currency_after, told.delta) == ("CZK", "EUR", None)
    assert [(each.number, set(each.changes)) for each in told.items] == [("1", {"total_price"})]


async def test_what_cannot_be_compared_says_why(shelf: Shelf) -> None:
    here, there = shelf.project(), shelf.project("Another")
    tender, _ = imported(shelf, here, TENDER, "a")
    waiting, unread = uploaded(shelf, here, "c"), uploaded(shelf, here, "d", "comparison")
    await shelf.keep_up()
    query = DiffDocuments(project_id=here, document_id=tender, against=tender)
    for wrong, refusal in (
        (replaced(query, against=waiting), NotImported),
        (replaced(query, against=unread), NotImported),
        (replaced(query, against=new_id()), UnknownDocument),
        (replaced(query, against_project=there), UnknownDocument),
        (replaced(query, against_project=new_id()), UnknownProject),
        (replaced(query, cursor="-1"), BadCursor),
    ):
        with pytest.raises(refusal):
            await shelf.ask(wrong)
    with pytest.raises(UnknownProject):
        await shelf.ask(query, actor=f"account:{new_id()}")
