"""Searching documents, positions and findings, and finding the uses of a code."""

from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from domain.audit import CompleteAudit, RecordFindings, Scope, StartAudit
from domain.bill import BillSection, Declared
from domain.budget import Edit, EditPosition, ImportPositions, MovePosition, RemovePosition
from domain.document import RemoveDocument, UploadDocument, document_id_of
from domain.experts.finding import Finding, Issue
from domain.position import Position
from domain.project import AcceptInvitation, InviteMember, UnknownProject
from projections.search_questions import FindByCode, Hit, Search, Use
from runtime.ids import new_id
from tests.projections.shelf import EDITOR, OUTSIDER, OWNER, Shelf
from tests.projections.world import account

LINES = (
    ("274321411", "Základy z betonu železového tř. C 25/30", ("SO 01", "2")),
    ("311234051", "Zdivo z cihel děrovaných Porotherm", ("SO 01", "3")),
    ("998011002", "Přesun hmot pro budovy zděné", ("SO 01", "99")),
    ("A-1 x", "Stahlbetonwände einschließlich Schalung", ("SO 02",)),
    ("", "Reinforced concrete walls, formwork both sides", ("SO 02",)),
)


class Budgeted:
    """A project with a document and some positions."""

    def __init__(self, shelf: Shelf, name: str = "Bridge") -> None:
        self.shelf = shelf
        self.project_id = shelf.project(name)
        self.ids = [new_id() for _ in LINES]
        content = sha256(self.project_id.bytes).hexdigest()
        self.document_id = document_id_of(self.project_id, content)
        self.do(UploadDocument, document_id=self.document_id, filename="výkaz mostu.xlsx", content_hash=content, size=9)
        positions = tuple(
            Position(
                position_id=position_id,
                code=code,
                description=description,
                section=section,
                notes=("včetně bednění",) if code.startswith("274") else (),
                quantity=Decimal(2),
                unit_price=Decimal(3),
            )
            for position_id, (code, description, section) in zip(self.ids, LINES, strict=True)
        )
        sections = (BillSection(path=("SO 01", "2"), title="Zakládání, zvláštní práce"),)
        self.do(
            ImportPositions,
            document_id=self.document_id,
            positions=positions,
            currency="CZK",
            declared=Declared(sections=sections),
        )

    def do(self, command: Any, **fields: Any) -> None:
        self.shelf.world.do(command(project_id=self.project_id, **fields), OWNER)

    def audit(self, *findings: Finding) -> UUID:
        audit_id = new_id()
        start = StartAudit(project_id=self.project_id, audit_id=audit_id)
        self.shelf.world.do(start, OWNER, Scope(version=1, rules=("V1",)))
        self.do(RecordFindings, audit_id=audit_id, part=1, outcomes={}, verdicts={}, findings=findings)
        self.do(CompleteAudit, audit_id=audit_id, rules={})
        return audit_id


def finding(reasoning: str, position_id: UUID | None = None) -> Finding:
    issue = Issue(type="sum", severity="error", description="the line is wrong", suggestion="Recalculate it.")
    return Finding(
        rule="V1",
        expert_role="validator",
        recommendation="RED",
        reasoning=reasoning,
        position_id=position_id,
        issues=(issue,),
    )


@pytest.fixture
async def bridge(shelf: Shelf) -> Budgeted:
    budgeted = Budgeted(shelf)
    await shelf.keep_up()
    return budgeted


async def found(shelf: Shelf, text: str, actor: str = OWNER, **fields: Any) -> list[Hit]:
    return (await shelf.ask(Search(text=text, **fields), actor)).items


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("základy", 0),
        ("ZAKLADU beton", 0),
        ("železobeton c25", None),
        ("c 25/30", 0),
        ("zdivem", 1),
        ("děrovaná cihla", None),
        ("budova", 2),
        ("stahlbetonwand", 3),
        ("wall formwork", 4),
        ("bednění", 0),
        ("prothrem", None),
        ("porothrm", 1),
        ("zdivo z cihel derovanych porotehrm", 1),
        ("274321411", 0),
        ("274 321 411", 0),
        ("99801", 2),
        ("a1x", 3),
    ],
)
async def test_words_in_any_form_typing_errors_and_codes_find_positions(
    shelf: Shelf, bridge: Budgeted, text: str, line: int | None
) -> None:
    hits = await found(shelf, text, kind="position")
    if line is None:
        assert hits == []
    else:
        assert hits[0].position_id == bridge.ids[line]
        assert (hits[0].project_id, hits[0].project_name) == (bridge.project_id, "Bridge")


@pytest.mark.usefixtures("bridge")
async def test_a_passage_shows_the_words(shelf: Shelf) -> None:
    (hit,) = await found(shelf, "betonem", kind="position")
    assert [hit.passage[start:end] for start, end in hit.marks] == ["betonu"]
    assert hit.title == LINES[0][1]


async def test_documents_are_found_by_their_names_and_headings_while_they_are_there(
    shelf: Shelf, bridge: Budgeted
) -> None:
    for text in ("mostu", "zvláštní zakládání"):
        (hit,) = await found(shelf, text)
        assert (hit.kind, hit.document_id) == ("document", bridge.document_id)
    bridge.do(RemoveDocument, document_id=bridge.document_id)
    await shelf.keep_up()
    assert await found(shelf, "mostu") == []


async def test_findings_of_the_latest_audit_are_found(shelf: Shelf, bridge: Budgeted) -> None:
    bridge.audit(finding("Quantity times price is 6, not 7.", bridge.ids[0]))
    latest = bridge.audit(finding("Quantity times price is 6, not 8.", bridge.ids[1]))
    await shelf.keep_up()
    (hit,) = await found(shelf, "quantity price", kind="finding")
    assert (hit.audit_id, hit.position_id, hit.code) == (latest, bridge.ids[1], "V1")
    assert [hit.title for hit in await found(shelf, "recalculated")] == ["Quantity times price is 6, not 8."]


async def test_what_changes_is_found_by_its_new_text_only(shelf: Shelf, bridge: Budgeted) -> None:
    edited, moved, removed = bridge.ids[:3]
    bridge.do(EditPosition, position_id=edited, changes=Edit(description="Piloty vrtané", notes=("pažené",)))
    bridge.do(EditPosition, position_id=edited, changes=Edit(unit_price=Decimal(9)))
    bridge.do(MovePosition, position_id=moved, section=("Přístavba",))
    bridge.do(RemovePosition, position_id=removed)
    await shelf.keep_up()
    assert await found(shelf, "základy", kind="position") == []
    assert await found(shelf, "přesun hmot") == []
    for text, position_id in (("pilota", edited), ("pažená", edited), ("přístavba zdivo", moved)):
        (hit,) = await found(shelf, text)
        assert hit.position_id == position_id


async def test_only_what_one_may_see_is_found(shelf: Shelf, bridge: Budgeted) -> None:
    bridge.do(InviteMember, account_id=account(EDITOR), role="viewer")
    await shelf.keep_up()
    query = Search(text="zdivo", kind="position")
    for stranger in (OUTSIDER, EDITOR):
        assert await found(shelf, "zdivo", stranger) == []
        assert (await shelf.ask(FindByCode(code="311234051"), stranger)).items == []
        with pytest.raises(UnknownProject):
            await found(shelf, "zdivo", stranger, project_id=bridge.project_id)
    assert len((await shelf.answer(query, OUTSIDER, admin=True)).body.items) == 1
    shelf.world.do(AcceptInvitation(project_id=bridge.project_id), EDITOR)
    await shelf.keep_up()
    assert len(await found(shelf, "zdivo", EDITOR, project_id=bridge.project_id)) == 1


async def test_hits_come_best_first_in_pages_over_all_projects(shelf: Shelf, bridge: Budgeted) -> None:
    others = [Budgeted(shelf, f"House {number}") for number in range(3)]
    others[0].do(EditPosition, position_id=others[0].ids[1], changes=Edit(notes=("vedle základů",)))
    await shelf.keep_up()
    hits = await shelf.pages(Search(text="základy", kind="position", limit=2))
    assert len(hits) == 5
    assert hits[-1].position_id == others[0].ids[1]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.project_id for hit in hits} == {bridge.project_id, *(other.project_id for other in others)}
    only = await found(shelf, "základy", kind="position", project_id=others[0].project_id)
    assert {hit.project_id for hit in only} == {others[0].project_id}


async def test_uses_of_a_code_are_found_in_all_projects(shelf: Shelf, bridge: Budgeted) -> None:
    other = Budgeted(shelf, "House")
    other.do(EditPosition, position_id=other.ids[2], changes=Edit(code="27432-1411"))
    await shelf.keep_up()
    uses: list[Use] = await shelf.pages(FindByCode(code="274 321 411", limit=1))
    assert {use.position_id for use in uses} == {bridge.ids[0], other.ids[0], other.ids[2]}
    assert (uses[0].quantity, uses[0].unit_price, uses[0].total_price) == (Decimal(2), Decimal(3), Decimal(6))


@pytest.mark.usefixtures("bridge")
@pytest.mark.parametrize("text", ["' & |", "!!", "%", "q:*", "\\", "x" * 200, "🏗", "() <->"])
async def test_signs_of_the_query_language_are_only_text(shelf: Shelf, text: str) -> None:
    assert await found(shelf, text) == []


async def test_an_enormous_note_is_kept_and_found_by_its_beginning(shelf: Shelf, bridge: Budgeted) -> None:
    note = "začátek " + " ".join(f"slovo{number}" for number in range(200_000))
    bridge.do(EditPosition, position_id=bridge.ids[4], changes=Edit(notes=(note,)))
    await shelf.keep_up()
    (hit,) = await found(shelf, "zacatek")
    assert hit.position_id == bridge.ids[4]
