"""Two documents compared: what their lines said when they came, across projects, for those who may read both."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.budget import Edit, EditPosition, ImportPositions
from domain.document import UnknownDocument, UploadDocument, document_id_of
from domain.position import Position
from domain.project import UnknownProject
from projections.asking import BadCursor
from projections.document_differences import DiffDocuments, NotImported
from runtime.ids import new_id
from tests.projections.shelf import OWNER, Shelf, replaced

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


def uploaded(shelf: Shelf, project_id: UUID, sign: str) -> UUID:
    document_id = document_id_of(project_id, sign * 64)
    command = UploadDocument(
        project_id=project_id, document_id=document_id, filename="bill", content_hash=sign * 64, size=1
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


async def test_what_cannot_be_compared_says_why(shelf: Shelf) -> None:
    here, there = shelf.project(), shelf.project("Another")
    tender, _ = imported(shelf, here, TENDER, "a")
    waiting = uploaded(shelf, here, "c")
    await shelf.keep_up()
    query = DiffDocuments(project_id=here, document_id=tender, against=tender)
    for wrong, refusal in (
        (replaced(query, against=waiting), NotImported),
        (replaced(query, against=new_id()), UnknownDocument),
        (replaced(query, against_project=there), UnknownDocument),
        (replaced(query, against_project=new_id()), UnknownProject),
        (replaced(query, cursor="-1"), BadCursor),
    ):
        with pytest.raises(refusal):
            await shelf.ask(wrong)
    with pytest.raises(UnknownProject):
        await shelf.ask(query, actor=f"account:{new_id()}")
