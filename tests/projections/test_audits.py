"""Audits, findings, documents and jobs, as queries show them."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from domain.audit import (
    CancelAudit,
    CarryOverrides,
    CompleteAudit,
    Override,
    OverrideVerdict,
    RaiseConflict,
    RecordFindings,
    ResolveConflict,
    Scope,
    StartAudit,
    UnknownAudit,
)
from domain.budget import Edit, EditPosition, ImportPositions
from domain.document import (
    ParseDocument,
    RecordParsed,
    RecordParseFailure,
    ReplaceDocument,
    UnknownDocument,
    UploadDocument,
    document_id_of,
)
from domain.experts.finding import Finding, Issue, Verdict
from domain.experts.rules import RULES
from domain.experts.settings import AuditSettings
from domain.job import CompleteJob, EnterPhase, FailJob, QueueJob, RequestCancel, StartJob, UnknownJob
from domain.position import Position
from domain.project import ConfigureAudit
from projections.audit_questions import GetAudit, ListAudits
from projections.documents import GetDocument, ListDocuments
from projections.findings import ListFindings
from projections.jobs import GetJob, ListJobs
from projections.position_details import GetPosition
from projections.position_questions import ListPositions
from projections.project_questions import GetProject
from runtime.ids import new_id
from tests.projections.shelf import OWNER, Shelf
from tests.projections.world import BEGAN

AUDITOR_SAYS = "It was checked on the site."


def imported(shelf: Shelf, project_id: UUID, count: int = 4) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    positions = tuple(
        Position(
            position_id=position_id,
            number=str(number),
            code=f"31{number}",
            description=f"Wall {number}",
            quantity=Decimal(2),
            unit_price=Decimal(3),
            source_sheet="SO 01",
            source_line=10 + number,
        )
        for number, position_id in enumerate(ids)
    )
    shelf.world.do(ImportPositions(project_id=project_id, document_id=new_id(), positions=positions, currency="CZK"))
    return ids


def finding(position_id: UUID | None, verdict: str = "RED", rule: str = "V1") -> Finding:
    return Finding(
        rule=rule,
        expert_role="validator",
        recommendation=verdict,  # pyright: ignore[reportArgumentType]
        reasoning="It does not add up.",
        position_id=position_id,
        evidence={"total": "6"},
        issues=(Issue(type="sum", severity="error", description="d", suggestion="s"),),
    )


def audited(shelf: Shelf, project_id: UUID, ids: list[UUID]) -> UUID:
    """Run an audit that finds the first position RED, the second AMBER, and the others GREEN; not completed."""
    audit = {"project_id": project_id, "audit_id": new_id()}
    version = shelf.world.states[f"budget:{project_id}"].version
    shelf.world.do(StartAudit(**audit), OWNER, Scope(version=version, rules=(RULES[0].id, RULES[1].id, "V99")))
    half = len(ids) // 2
    shelf.world.do(
        RecordFindings(
            **audit,
            part=1,
            outcomes={ids[0]: "RG0", ids[1]: "GA9"},
            verdicts={ids[0]: "RED", ids[1]: "AMBER"},
            findings=(finding(None, "NOT_CHECKED"), finding(ids[0]), finding(ids[1], "AMBER", "V2")),
        )
    )
    rest = ids[half:]
    shelf.world.do(
        RecordFindings(
            **audit, part=2, outcomes=dict.fromkeys(rest, "GG0"), verdicts=dict.fromkeys(rest, "GREEN"), findings=()
        )
    )
    return audit["audit_id"]


async def test_an_audit_counts_verdicts_as_they_stand(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit_id = audited(shelf, project_id, ids)
    audit = {"project_id": project_id, "audit_id": audit_id}
    await shelf.keep_up()
    running = await shelf.ask(GetAudit(**audit))
    assert (running.status, running.looked, running.ended_at) == ("running", 4, None)
    shelf.world.do(CompleteAudit(**audit, rules={RULES[0].id: {"RED": 1, "GREEN": 3}}))
    shelf.world.do(OverrideVerdict(**audit, position_id=ids[0], verdict="GREEN", reason=AUDITOR_SAYS), OWNER)
    await shelf.keep_up()
    done = await shelf.ask(GetAudit(**audit))
    assert (done.status, done.version, done.overrides, done.started_by) == ("completed", 1, 1, OWNER)
    assert done.verdicts == {"GREEN": 3, "AMBER": 1, "RED": 0, "NOT_CHECKED": 0}
    assert [(rule.rule, rule.title, rule.counts) for rule in done.rules] == [
        (RULES[0].id, RULES[0].title, {"RED": 1, "GREEN": 3}),
        (RULES[1].id, RULES[1].title, {}),
        ("V99", None, {}),
    ]


async def test_an_audit_is_shown_as_it_stood(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit_id = audited(shelf, project_id, ids)
    audit = {"project_id": project_id, "audit_id": audit_id}
    while_running = await shelf.keep_up()
    shelf.world.do(CompleteAudit(**audit, rules={}))
    completed = await shelf.keep_up()
    shelf.world.do(OverrideVerdict(**audit, position_id=ids[0], verdict="GREEN", reason=AUDITOR_SAYS), OWNER)
    second = audited(shelf, project_id, ids)
    shelf.world.do(CancelAudit(project_id=project_id, audit_id=second))
    await shelf.keep_up()
    seen = [await shelf.ask(GetAudit(**audit, at=str(at))) for at in (while_running, completed)]
    assert [(each.status, each.verdicts["RED"], each.overrides) for each in seen] == [
        ("running", 1, 0),
        ("completed", 1, 0),
    ]
    listed = await shelf.pages(ListAudits(project_id=project_id, limit=1))
    assert [(item.audit_id, item.status) for item in listed] == [(second, "cancelled"), (audit_id, "completed")]
    then = await shelf.pages(ListAudits(project_id=project_id, limit=1, at=str(while_running)))
    assert [(item.audit_id, item.status) for item in then] == [(audit_id, "running")]
    (completed_ones,) = await shelf.pages(ListAudits(project_id=project_id, status="completed"))
    assert completed_ones.audit_id == audit_id
    with pytest.raises(UnknownAudit):
        await shelf.ask(GetAudit(project_id=project_id, audit_id=second, at=str(completed)))


async def test_what_people_decided_and_which_parameters_held_is_shown(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    strict = AuditSettings(profile="tkp17", priced_on=date(2023, 5, 1))
    shelf.world.do(ConfigureAudit(project_id=project_id, settings=strict), OWNER)
    earlier = audited(shelf, project_id, ids)
    override = Override(
        position_id=ids[0], verdict="GREEN", reason=AUDITOR_SAYS, revision=1, by="account:auditor", at=BEGAN
    )
    audit = {"project_id": project_id, "audit_id": new_id()}
    scope = Scope(version=1, rules=("V1",), settings=strict, previous=earlier)
    shelf.world.do(StartAudit(**audit), OWNER, scope)
    verdicts: dict[UUID, Verdict] = dict.fromkeys(ids, "RED")
    shelf.world.do(RecordFindings(**audit, part=1, outcomes=dict.fromkeys(ids, "R"), verdicts=verdicts, findings=()))
    shelf.world.do(CarryOverrides(**audit, overrides=(override,)))
    shelf.world.do(CompleteAudit(**audit, rules={}))
    await shelf.keep_up()
    shown = await shelf.ask(GetAudit(**audit))
    assert (shown.settings, shown.previous, shown.overrides) == (strict, earlier, 1)
    assert shown.verdicts == {"GREEN": 1, "AMBER": 0, "RED": 3, "NOT_CHECKED": 0}
    assert (await shelf.ask(GetProject(project_id=project_id))).audit_settings == strict


async def test_a_project_shows_the_verdicts_of_its_latest_completed_audit(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit = {"project_id": project_id, "audit_id": audited(shelf, project_id, ids)}
    running = await shelf.keep_up()
    shelf.world.do(CompleteAudit(**audit, rules={}))
    completed = await shelf.keep_up()
    shelf.world.do(OverrideVerdict(**audit, position_id=ids[0], verdict="AMBER", reason=AUDITOR_SAYS), OWNER)
    await shelf.keep_up()
    moments = (str(running), str(completed), None)
    seen = [(await shelf.ask(GetProject(project_id=project_id, at=at))).verdicts for at in moments]
    assert seen == [
        None,
        {"GREEN": 2, "AMBER": 1, "RED": 1, "NOT_CHECKED": 0},
        {"GREEN": 2, "AMBER": 2, "RED": 0, "NOT_CHECKED": 0},
    ]


async def test_pages_of_past_audits_follow_each_other(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audits = [audited(shelf, project_id, ids) for _ in range(3)]
    end = await shelf.keep_up()
    listed = await shelf.pages(ListAudits(project_id=project_id, limit=1, at=str(end)))
    assert [item.audit_id for item in listed] == audits[::-1]


async def test_conflicts_are_shown_with_their_resolution(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit = {"project_id": project_id, "audit_id": audited(shelf, project_id, ids)}
    conflict_id = new_id()
    shelf.world.do(
        RaiseConflict(
            **audit, conflict_id=conflict_id, position_id=ids[0], rules=("V1", "V2"), description="They disagree."
        )
    )
    shelf.world.do(
        ResolveConflict(**audit, conflict_id=conflict_id, verdict="AMBER", by="person", resolution="V2 is right."),
        OWNER,
    )
    await shelf.keep_up()
    seen = await shelf.ask(GetAudit(**audit))
    (conflict,) = seen.conflicts
    assert (conflict.rules, conflict.verdict, conflict.by, conflict.resolved_by) == (
        ("V1", "V2"),
        "AMBER",
        "person",
        OWNER,
    )
    assert seen.verdicts == {"GREEN": 2, "AMBER": 2, "RED": 0, "NOT_CHECKED": 0}


async def test_a_position_shows_its_judgement_rule_by_rule(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit = {"project_id": project_id, "audit_id": audited(shelf, project_id, ids)}
    shelf.world.do(CompleteAudit(**audit, rules={}))
    shelf.world.do(OverrideVerdict(**audit, position_id=ids[0], verdict="GREEN", reason=AUDITOR_SAYS), OWNER)
    await shelf.keep_up()
    judgement = (await shelf.ask(GetPosition(project_id=project_id, position_id=ids[0]))).judgement
    assert (judgement.found, judgement.verdict) == ("RED", "GREEN")
    assert (judgement.overridden_by, judgement.override_reason) == (OWNER, AUDITOR_SAYS)
    assert [(said.rule, said.verdict, said.reason) for said in judgement.rules] == [
        (RULES[0].id, "RED", None),
        (RULES[1].id, "GREEN", None),
        ("V99", "NOT_CHECKED", None),
    ]
    details = await shelf.ask(GetPosition(project_id=project_id, position_id=ids[0]))
    assert [each.rule for each in details.findings] == ["V1"]


async def test_a_rule_that_did_not_check_says_why(shelf: Shelf) -> None:
    silent = next(rule for rule in RULES if rule.not_checked)
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit = {"project_id": project_id, "audit_id": new_id()}
    shelf.world.do(StartAudit(**audit), OWNER, Scope(version=1, rules=(silent.id,)))
    shelf.world.do(
        RecordFindings(**audit, part=1, outcomes={ids[0]: "0"}, verdicts={ids[0]: "NOT_CHECKED"}, findings=())
    )
    shelf.world.do(CompleteAudit(**audit, rules={}))
    await shelf.keep_up()
    judgement = (await shelf.ask(GetPosition(project_id=project_id, position_id=ids[0]))).judgement
    (said,) = judgement.rules
    assert (said.verdict, said.reason) == ("NOT_CHECKED", silent.not_checked[0])


async def test_positions_are_found_by_the_verdict_of_the_latest_completed_audit(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    first = audited(shelf, project_id, ids)
    shelf.world.do(CompleteAudit(project_id=project_id, audit_id=first, rules={}))
    shelf.world.do(EditPosition(project_id=project_id, position_id=ids[0], changes=Edit(number="x")), OWNER)
    audited(shelf, project_id, ids[::-1])
    await shelf.keep_up()
    (red,) = await shelf.pages(ListPositions(project_id=project_id, verdict="RED"))
    assert (red.position_id, red.audit_id, red.outcomes, red.number) == (ids[0], first, "RG0", "x")
    assert len(await shelf.pages(ListPositions(project_id=project_id, verdict="GREEN", limit=1))) == 2


async def test_findings_are_shown_beside_the_line_that_was_audited(shelf: Shelf) -> None:
    project_id = shelf.project()
    ids = imported(shelf, project_id)
    audit_id = audited(shelf, project_id, ids)
    shelf.world.do(CompleteAudit(project_id=project_id, audit_id=audit_id, rules={}))
    shelf.world.do(EditPosition(project_id=project_id, position_id=ids[0], changes=Edit(number="later")), OWNER)
    await shelf.keep_up()
    found = await shelf.pages(ListFindings(project_id=project_id, limit=1))
    assert [(each.rule, each.recommendation, each.number, each.source_line) for each in found] == [
        ("V1", "NOT_CHECKED", None, None),
        ("V1", "RED", "0", 10),
        ("V2", "AMBER", "1", 11),
    ]
    assert (found[1].total_price, found[1].evidence, found[1].issues[0].type) == (
        Decimal("6.00"),
        {"total": "6"},
        "sum",
    )
    chosen = {"audit_id": audit_id, "project_id": project_id}
    assert [each.place for each in await shelf.pages(ListFindings(**chosen, verdict="AMBER"))] == [2]
    assert [each.place for each in await shelf.pages(ListFindings(**chosen, rule="V1"))] == [0, 1]
    assert [each.place for each in await shelf.pages(ListFindings(**chosen, position_id=ids[1]))] == [2]
    assert await shelf.pages(ListFindings(**chosen, expert_role="cost")) == []


async def test_without_an_audit_there_are_no_findings_but_one_that_is_not_there_is_refused(shelf: Shelf) -> None:
    project_id = shelf.project()
    await shelf.keep_up()
    assert await shelf.pages(ListFindings(project_id=project_id)) == []
    with pytest.raises(UnknownAudit):
        await shelf.ask(ListFindings(project_id=project_id, audit_id=new_id()))
    with pytest.raises(UnknownAudit):
        await shelf.ask(GetAudit(project_id=project_id, audit_id=new_id()))


async def test_an_audit_of_another_project_is_not_shown(shelf: Shelf) -> None:
    project_id, other = shelf.project(), shelf.project()
    audit_id = audited(shelf, other, imported(shelf, other))
    await shelf.keep_up()
    for query in (
        GetAudit(project_id=project_id, audit_id=audit_id),
        ListFindings(project_id=project_id, audit_id=audit_id),
    ):
        with pytest.raises(UnknownAudit):
            await shelf.ask(query)


def uploaded(shelf: Shelf, project_id: UUID, number: int) -> dict[str, UUID]:
    content_hash = f"{number:064}"
    ids = {"project_id": project_id, "document_id": document_id_of(project_id, content_hash)}
    command = UploadDocument(**ids, filename=f"bill {number}.xlsx", content_hash=content_hash, size=7)
    shelf.world.do(command, OWNER)
    return ids


async def test_documents_say_how_reading_them_went(shelf: Shelf) -> None:
    project_id = shelf.project()
    read, broken, replaced = (uploaded(shelf, project_id, number) for number in range(3))
    parsed = {"bill_hash": "0" * 64, "format": "kros", "confidence": 90, "items": 4, "priced": 3, "currency": "CZK"}
    shelf.world.do(RecordParseFailure(**read, error_code="bad", error="Save it as XLSX."))
    shelf.world.do(ParseDocument(**read), OWNER)
    await shelf.keep_up()
    assert (await shelf.ask(GetDocument(**read))).parse_status == "parsing"
    shelf.world.do(RecordParsed(**read, **parsed, declared_total=Decimal("8205797.76"), warnings=("two sheets",)))
    shelf.world.do(RecordParseFailure(**broken, error_code="bad", error="Save it as XLSX."))
    shelf.world.do(ReplaceDocument(**replaced, by=read["document_id"]), OWNER)
    await shelf.keep_up()
    document = await shelf.ask(GetDocument(**read))
    assert (document.parse_status, document.parse_error, document.format) == ("completed", None, "kros")
    assert (document.declared_total, document.warnings, document.uploaded_by) == (
        Decimal("8205797.76"),
        ("two sheets",),
        OWNER,
    )
    listed = await shelf.pages(ListDocuments(project_id=project_id, limit=1))
    assert [(item.filename, item.parse_status) for item in listed] == [
        ("bill 0.xlsx", "completed"),
        ("bill 1.xlsx", "failed"),
    ]
    (failed,) = await shelf.pages(ListDocuments(project_id=project_id, parse_status="failed"))
    assert (failed.parse_error_code, failed.parse_error) == ("bad", "Save it as XLSX.")
    (gone,) = await shelf.pages(ListDocuments(project_id=project_id, removed=True, text="BILL 2"))
    assert gone.replaced_by == read["document_id"]
    with pytest.raises(UnknownDocument):
        await shelf.ask(GetDocument(project_id=project_id, document_id=new_id()))


async def test_jobs_say_how_they_stand(shelf: Shelf) -> None:
    project_id, subject = shelf.project(), new_id()
    jobs = [{"project_id": project_id, "job_id": new_id()} for _ in range(3)]
    for job, kind in zip(jobs, ("parse", "import", "audit"), strict=True):
        shelf.world.do(QueueJob(**job, kind=kind, subject=subject, queue="high"))
    shelf.world.do(StartJob(**jobs[0], attempt=1))
    shelf.world.do(FailJob(**jobs[0], attempt=1, error_code="lost", error="Try again.", retry=True))
    await shelf.keep_up()
    waiting = await shelf.ask(GetJob(**jobs[0]))
    assert (waiting.status, waiting.error_code, waiting.progress) == ("waiting", "lost", 0)
    assert waiting.due_at > BEGAN + timedelta(seconds=1)
    shelf.world.do(StartJob(**jobs[0], attempt=2))
    shelf.world.do(EnterPhase(**jobs[0], attempt=2, phase="reading"))
    await shelf.keep_up()
    running = await shelf.ask(GetJob(**jobs[0]))
    assert (running.status, running.attempt, running.phase, running.progress) == ("running", 2, "reading", 50)
    shelf.world.do(CompleteJob(**jobs[0], attempt=2, result={"items": 4}))
    shelf.world.do(RequestCancel(**jobs[1]), OWNER)
    await shelf.keep_up()
    done = await shelf.ask(GetJob(**jobs[0]))
    assert (done.status, done.progress, done.result, done.error) == ("completed", 100, {"items": 4}, None)
    listed = await shelf.pages(ListJobs(project_id=project_id, limit=2))
    assert [(item.kind, item.status) for item in listed] == [
        ("audit", "queued"),
        ("import", "cancelled"),
        ("parse", "completed"),
    ]
    assert listed[1].cancel_requested
    assert [item.kind for item in await shelf.pages(ListJobs(project_id=project_id, status="queued"))] == ["audit"]
    assert [item.kind for item in await shelf.pages(ListJobs(project_id=project_id, kind="parse"))] == ["parse"]
    assert len(await shelf.pages(ListJobs(project_id=project_id, subject=subject))) == 3
    with pytest.raises(UnknownJob):
        await shelf.ask(GetJob(project_id=project_id, job_id=new_id()))
