"""Catalogues: one version per price list, attached to projects, each wish answered once."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import rule

from domain.catalogue import (
    CATALOGUE,
    MOST_PRICES_PER_EVENT,
    AttachCatalogue,
    Catalogue,
    CatalogueAttached,
    CatalogueCreated,
    CatalogueDetached,
    CatalogueIdTaken,
    CatalogueRemoved,
    CatalogueRenamed,
    CatalogueVersioned,
    CreateCatalogue,
    DetachCatalogue,
    ImportPrices,
    NoPrices,
    NoSuchRequest,
    Price,
    PricesFailed,
    PricesRecorded,
    PricesRequested,
    RecordImportFailure,
    RecordPrices,
    RemoveCatalogue,
    RenameCatalogue,
    TooManyProjects,
    UnknownCatalogue,
    Wanted,
)
from tests.domain.history import ALICE, BOB, MACHINE, History, fold

C, P, DOCUMENT = UUID(int=0xC1), UUID(int=0xC2), UUID(int=0xC3)
IDS: dict[str, Any] = {"account_id": ALICE, "catalogue_id": C}
HASH = "0" * 64
DAY = date(2026, 1, 15)
CREATED = CatalogueCreated(**IDS, name="Own prices", currency="CZK")
WANTED = Wanted(project_id=P, document_id=DOCUMENT, content_hash=HASH, priced_on=DAY, source="from us")
REQUESTED = PricesRequested(**IDS, request=1, wanted=WANTED)


def prices(count: int) -> tuple[Price, ...]:
    return tuple(Price(code=str(number), unit="m3", unit_price=Decimal(number)) for number in range(1, count + 1))


def versioned(request: int, version: int, count: int) -> CatalogueVersioned:
    numbers = {"request": request, "version": version, "prices": count, "skipped": 0}
    return CatalogueVersioned(**IDS, **numbers, priced_on=DAY, source="from us")


def test_a_catalogue_is_begun_once_renamed_and_removed(given: Any) -> None:
    create = CreateCatalogue(**IDS, name="Own prices", currency="CZK")
    given(CATALOGUE).when(create).then(CREATED)
    given(CATALOGUE, CREATED).when(create).refused(CatalogueIdTaken)
    given(CATALOGUE, CREATED).when(RenameCatalogue(**IDS, name="Other")).then(CatalogueRenamed(**IDS, name="Other"))
    given(CATALOGUE, CREATED).when(RenameCatalogue(**IDS, name="Own prices")).then()
    given(CATALOGUE, CREATED).when(RemoveCatalogue(**IDS)).then(CatalogueRemoved(**IDS))
    given(CATALOGUE, CREATED, CatalogueRemoved(**IDS)).when(RenameCatalogue(**IDS, name="Again")).refused(
        UnknownCatalogue
    )


def test_a_catalogue_is_its_owners_alone(given: Any) -> None:
    others = {"account_id": BOB, "catalogue_id": C}
    given(CATALOGUE, CREATED).when(RenameCatalogue(**others, name="Mine")).refused(UnknownCatalogue)
    given(CATALOGUE).when(RemoveCatalogue(**IDS)).refused(UnknownCatalogue)


def test_it_is_attached_to_projects_and_detached(given: Any) -> None:
    attached, attach = CatalogueAttached(**IDS, project_id=P), AttachCatalogue(**IDS, project_id=P)
    given(CATALOGUE, CREATED).when(attach).then(attached)
    given(CATALOGUE, CREATED, attached).when(attach).then()
    detach = DetachCatalogue(**IDS, project_id=P)
    given(CATALOGUE, CREATED, attached).when(detach).then(CatalogueDetached(**IDS, project_id=P))
    given(CATALOGUE, CREATED).when(detach).then()
    many = [CatalogueAttached(**IDS, project_id=UUID(int=10_000 + number)) for number in range(500)]
    given(CATALOGUE, CREATED, *many).when(attach).refused(TooManyProjects)


def test_a_price_list_is_asked_for_and_becomes_a_version(given: Any) -> None:
    wish = ImportPrices(**IDS, project_id=P, document_id=DOCUMENT, priced_on=DAY, source="from us")
    given(CATALOGUE, CREATED).when(wish, given=HASH).then(REQUESTED)
    record = RecordPrices(**IDS, request=1, prices=prices(2))
    recorded = PricesRecorded(**IDS, version=1, first=1, prices=prices(2))
    given(CATALOGUE, CREATED, REQUESTED).when(record).then(recorded, versioned(1, 1, 2))
    given(CATALOGUE, CREATED).when(record).refused(NoSuchRequest)
    given(CATALOGUE, CREATED, REQUESTED, recorded, versioned(1, 1, 2)).when(record).refused(NoSuchRequest)
    given(CATALOGUE, CREATED, REQUESTED).when(RecordPrices(**IDS, request=1, prices=())).refused(NoPrices)


def test_many_prices_are_cut_into_parts(given: Any) -> None:
    many = prices(MOST_PRICES_PER_EVENT + 1)
    given(CATALOGUE, CREATED, REQUESTED).when(RecordPrices(**IDS, request=1, prices=many)).then(
        PricesRecorded(**IDS, version=1, first=1, prices=many[:MOST_PRICES_PER_EVENT]),
        PricesRecorded(**IDS, version=1, first=MOST_PRICES_PER_EVENT + 1, prices=many[MOST_PRICES_PER_EVENT:]),
        versioned(1, 1, len(many)),
    )


def test_a_price_list_that_cannot_be_read_is_told_once(given: Any) -> None:
    failure = {**IDS, "request": 1, "error_code": "unreadable.empty", "error": "Nothing is in it."}
    given(CATALOGUE, CREATED, REQUESTED).when(RecordImportFailure(**failure)).then(PricesFailed(**failure))
    given(CATALOGUE, CREATED, REQUESTED, PricesFailed(**failure)).when(RecordImportFailure(**failure)).refused(
        NoSuchRequest
    )
    state: Catalogue = fold(CATALOGUE, [CREATED, REQUESTED, PricesFailed(**failure)])
    assert (state.waiting, state.version) == ({}, 0)


class CatalogueHistory(History):
    aggregate = CATALOGUE

    @rule()
    def create(self) -> None:
        self.command(CreateCatalogue(**IDS, name="Own prices", currency="CZK"))

    @rule(name=st.sampled_from(("A", "B")))
    def rename(self, name: str) -> None:
        self.command(RenameCatalogue(**IDS, name=name))

    @rule(project=st.integers(1, 3), attach=st.booleans())
    def attach(self, project: int, attach: bool) -> None:
        command = AttachCatalogue if attach else DetachCatalogue
        self.command(command(**IDS, project_id=UUID(int=project)))

    @rule(request=st.integers(1, 4), count=st.integers(0, 3), fails=st.booleans())
    def answer(self, request: int, count: int, fails: bool) -> None:
        before: Catalogue = self.state
        if fails:
            self.command(RecordImportFailure(**IDS, request=request, error_code="x", error="y"))
        else:
            self.command(RecordPrices(**IDS, request=request, prices=prices(count)))
        assert self.state.version - before.version in {0, 1}
        assert self.state.waiting.keys() <= before.waiting.keys()


TestCatalogueHistory = CatalogueHistory.TestCase
TestCatalogueHistory.settings = MACHINE
