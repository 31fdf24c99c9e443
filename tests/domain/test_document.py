"""Documents: known by their bytes, read, replaced and removed."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.bill import Bill, BillItem
from domain.core import Command, Event
from domain.document import (
    DOCUMENT,
    AlreadyParsing,
    NotTheSameFile,
    Parsed,
    ParseDocument,
    ParseFailed,
    ParseRequested,
    RecordParsed,
    RecordParseFailure,
    Removed,
    RemoveDocument,
    Replaced,
    ReplacedByItself,
    ReplaceDocument,
    UnknownDocument,
    UploadDocument,
    Uploaded,
    document_id_of,
)
from tests.domain.history import MACHINE, History, fold

P, OTHER_PROJECT, OTHER = (UUID(int=0xD0C0 + number) for number in range(3))
HASH = "5f" * 32
D = document_id_of(P, HASH)

UPLOAD = UploadDocument(project_id=P, document_id=D, filename="Rozpočet.xlsx", content_hash=HASH, size=51_200)
UPLOADED = Uploaded(project_id=P, document_id=D, filename="Rozpočet.xlsx", content_hash=HASH, size=51_200)
READ = RecordParsed(
    project_id=P,
    document_id=D,
    bill_hash="ab" * 32,
    format="kros",
    confidence=98,
    items=412,
    priced=410,
    currency="CZK",
    declared_total=Decimal("8205797.76"),
    skipped=3,
    warnings=("One sheet has no header.",),
)
PARSED = Parsed(**msgspec.structs.asdict(READ))
FAILURE = RecordParseFailure(
    project_id=P, document_id=D, error_code="document.scanned", error="It holds only pictures."
)
FAILED = ParseFailed(project_id=P, document_id=D, error_code="document.scanned", error="It holds only pictures.")
REQUEST, REQUESTED = ParseDocument(project_id=P, document_id=D), ParseRequested(project_id=P, document_id=D)
REMOVE, REMOVED = RemoveDocument(project_id=P, document_id=D), Removed(project_id=P, document_id=D)
REPLACE, REPLACED = (
    ReplaceDocument(project_id=P, document_id=D, by=OTHER),
    Replaced(project_id=P, document_id=D, by=OTHER),
)
LATER: list[Command] = [REQUEST, READ, FAILURE, REPLACE, REMOVE]


def test_a_file_becomes_a_document_of_the_project(given: Any) -> None:
    given(DOCUMENT).when(UPLOAD).then(UPLOADED)


def test_the_same_bytes_again_are_the_same_document(given: Any) -> None:
    given(DOCUMENT, UPLOADED).when(msgspec.structs.replace(UPLOAD, filename="Copy.xlsx")).then()
    assert document_id_of(P, HASH) == D
    assert document_id_of(OTHER_PROJECT, HASH) != D
    assert document_id_of(P, "00" * 32) != D


def test_an_id_that_does_not_follow_from_the_bytes_is_refused(given: Any) -> None:
    given(DOCUMENT).when(msgspec.structs.replace(UPLOAD, document_id=OTHER)).refused(NotTheSameFile)
    given(DOCUMENT).when(msgspec.structs.replace(UPLOAD, content_hash="00" * 32)).refused(NotTheSameFile)


@pytest.mark.parametrize("gone", [REMOVED, REPLACED])
def test_a_document_that_went_may_come_back_as_new(given: Any, gone: Event) -> None:
    given(DOCUMENT, UPLOADED, PARSED, gone).when(UPLOAD).then(UPLOADED)
    assert fold(DOCUMENT, [UPLOADED, PARSED, gone, UPLOADED]) == fold(DOCUMENT, [UPLOADED])


@pytest.mark.parametrize("command", LATER)
@pytest.mark.parametrize("history", [(), (UPLOADED, REMOVED), (UPLOADED, REPLACED)])
def test_what_is_not_in_the_project_answers_nothing(given: Any, command: Command, history: tuple[Event, ...]) -> None:
    given(DOCUMENT, *history).when(command).refused(UnknownDocument)


@pytest.mark.parametrize("command", LATER)
def test_another_project_cannot_command_the_document(given: Any, command: Command) -> None:
    foreign = msgspec.structs.replace(command, project_id=OTHER_PROJECT)
    given(DOCUMENT, UPLOADED, PARSED).when(foreign).refused(UnknownDocument)


def test_reading_it_again_is_asked_for_when_no_reading_is_under_way(given: Any) -> None:
    given(DOCUMENT, UPLOADED).when(REQUEST).refused(AlreadyParsing)
    given(DOCUMENT, UPLOADED, PARSED).when(REQUEST).then(REQUESTED)
    given(DOCUMENT, UPLOADED, FAILED).when(REQUEST).then(REQUESTED)
    given(DOCUMENT, UPLOADED, FAILED, REQUESTED).when(REQUEST).refused(AlreadyParsing)


def test_what_a_reader_found_is_kept(given: Any) -> None:
    given(DOCUMENT, UPLOADED).when(READ).then(PARSED)
    document = fold(DOCUMENT, [UPLOADED, PARSED])
    assert (document.parse_status, document.bill_hash) == ("completed", "ab" * 32)


def test_why_it_could_not_be_read_is_kept(given: Any) -> None:
    given(DOCUMENT, UPLOADED).when(FAILURE).then(FAILED)
    assert fold(DOCUMENT, [UPLOADED, FAILED]).parse_status == "failed"


def test_another_document_takes_its_place(given: Any) -> None:
    given(DOCUMENT, UPLOADED).when(REPLACE).then(REPLACED)
    itself = ReplaceDocument(project_id=P, document_id=D, by=D)
    given(DOCUMENT, UPLOADED).when(itself).refused(ReplacedByItself)


def test_it_is_taken_out_of_the_project(given: Any) -> None:
    given(DOCUMENT, UPLOADED).when(REMOVE).then(REMOVED)
    assert not fold(DOCUMENT, [UPLOADED, REMOVED]).exists


def test_a_bill_counts_the_items_that_have_a_price() -> None:
    prices = [Decimal("12.50"), Decimal(0), None, Decimal(-3)]
    bill = Bill(format="plain", confidence=50, items=tuple(BillItem(unit_price=price) for price in prices))
    assert bill.priced == 2


class DocumentHistory(History):
    aggregate = DOCUMENT

    @rule(filename=st.sampled_from(["Rozpočet.xlsx", "Copy.xlsx"]))
    def upload(self, filename: str) -> None:
        self.command(msgspec.structs.replace(UPLOAD, filename=filename))
        assert self.state.exists

    @rule(command=st.sampled_from(LATER), foreign=st.booleans())
    def later(self, command: Command, foreign: bool) -> None:
        existed = self.state.exists
        where = {"project_id": OTHER_PROJECT} if foreign else {}
        self.command(msgspec.structs.replace(command, **where))
        assert (existed and not foreign) or type(self.refusal) is UnknownDocument


TestDocumentHistory = DocumentHistory.TestCase
TestDocumentHistory.settings = MACHINE
