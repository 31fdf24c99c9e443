"""Catalogues and their prices, as queries show them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.catalogue import (
    AttachCatalogue,
    CreateCatalogue,
    ImportPrices,
    Price,
    RecordImportFailure,
    RecordPrices,
    RemoveCatalogue,
    UnknownCatalogue,
)
from projections.catalogues import ListCatalogues, ListPrices
from runtime.ids import new_id
from tests.projections.shelf import OUTSIDER, OWNER, Shelf
from tests.projections.world import account

DAY = date(2026, 1, 15)


def price(code: str, amount: int, description: str = "Zdivo z cihel") -> Price:
    return Price(code=code, description=description, unit="m3", unit_price=Decimal(amount))


def imported(shelf: Shelf, ids: dict[str, Any], request: int, *prices: Price) -> None:
    wish = ImportPrices(**ids, project_id=new_id(), document_id=new_id(), priced_on=DAY, source="us")
    shelf.world.do(wish, OWNER, "0" * 64)
    if prices:
        shelf.world.do(RecordPrices(**ids, request=request, prices=prices, skipped=1))


async def test_a_catalogue_shows_its_versions_prices(shelf: Shelf) -> None:
    ids = {"account_id": account(OWNER), "catalogue_id": new_id()}
    shelf.world.do(CreateCatalogue(**ids, name="Own prices", currency="CZK"), OWNER)
    imported(shelf, ids, 1, price("311 23-1", 5), price("", 6, "Žlab betonový"))
    imported(shelf, ids, 2, price("311231", 7), price("9", 8), price("10", 9))
    imported(shelf, ids, 3)
    project_id = new_id()
    shelf.world.do(AttachCatalogue(**ids, project_id=project_id), OWNER)
    await shelf.keep_up()
    (item,) = (await shelf.ask(ListCatalogues())).items
    assert (item.version, item.prices, item.skipped, item.waiting) == (2, 3, 1, 1)
    assert (item.priced_on, item.source, item.projects) == (DAY, "us", (project_id,))
    prices = await shelf.pages(ListPrices(catalogue_id=ids["catalogue_id"], limit=2))
    assert [(each.place, each.code, each.unit_price) for each in prices] == [
        (1, "311231", 7),
        (2, "9", 8),
        (3, "10", 9),
    ]
    (old,) = await shelf.pages(ListPrices(catalogue_id=ids["catalogue_id"], version=1, code="311231"))
    assert old.unit_price == 5
    (found,) = await shelf.pages(ListPrices(catalogue_id=ids["catalogue_id"], version=1, text="zlab BETON"))
    assert found.description == "Žlab betonový"

    failure = RecordImportFailure(**ids, request=3, error_code="unreadable.empty", error="Nothing is in it.")
    shelf.world.do(failure)
    await shelf.keep_up()
    (item,) = (await shelf.ask(ListCatalogues())).items
    assert (item.waiting, item.error_code, item.version) == (0, "unreadable.empty", 2)


async def test_a_catalogue_is_shown_to_its_owner_alone_and_not_once_it_is_removed(shelf: Shelf) -> None:
    ids = {"account_id": account(OWNER), "catalogue_id": new_id()}
    shelf.world.do(CreateCatalogue(**ids, name="Own prices", currency="CZK"), OWNER)
    await shelf.keep_up()
    assert (await shelf.ask(ListCatalogues(), OUTSIDER)).items == []
    query = ListPrices(catalogue_id=ids["catalogue_id"])
    with pytest.raises(UnknownCatalogue):
        await shelf.ask(query, OUTSIDER)
    assert (await shelf.answer(query, OUTSIDER, admin=True)).body.items == []
    shelf.world.do(RemoveCatalogue(**ids), OWNER)
    await shelf.keep_up()
    assert (await shelf.ask(ListCatalogues())).items == []
    with pytest.raises(UnknownCatalogue):
        await shelf.ask(query)
