"""Catalogues of prices: what there is, in which projects they count, and every price of every version."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.catalogue import (
    CatalogueAttached,
    CatalogueCreated,
    CatalogueDetached,
    CatalogueEvent,
    CatalogueRemoved,
    CatalogueRenamed,
    CatalogueVersioned,
    PricesFailed,
    PricesRecorded,
    PricesRequested,
    UnknownCatalogue,
)
from projections.asking import Listing, Order, Page, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row, amount

NAME = "catalogues"


class CatalogueRow(Row, frozen=True, kw_only=True):
    """A catalogue. `version` 0 has no prices; `waiting` counts price lists that are still to be read.

    `error` says why the last price list could not be read.
    """

    table: ClassVar = "catalogues"
    key: ClassVar = ("catalogue_id",)
    indexes: ClassVar = ("account_id", "USING gin (projects)")

    catalogue_id: UUID
    account_id: UUID
    name: str
    currency: str
    version: int = 0
    prices: int = 0
    skipped: int = 0
    priced_on: date | None = None
    source: str = ""
    waiting: int = 0
    error_code: str | None = None
    error: str | None = None
    projects: tuple[UUID, ...] = ()
    removed: bool = False
    created_at: datetime


class PriceRow(Row, frozen=True, kw_only=True):
    """A price, the `place`th of its version."""

    table: ClassVar = "catalogue_prices"
    key: ClassVar = ("catalogue_id", "version", "place")
    generated: ClassVar = (
        "code_key text NOT NULL GENERATED ALWAYS AS (public.search_code(code)) STORED",
        "folded text NOT NULL GENERATED ALWAYS AS (public.search_fold(description)) STORED",
    )
    indexes: ClassVar = ("code_key, catalogue_id, version", "USING gin (folded public.gin_trgm_ops)")

    catalogue_id: UUID
    version: int
    place: int
    code: str
    description: str
    unit: str
    unit_price: Decimal | None


def _keys(seen: Seen) -> Touched:
    event: CatalogueEvent = seen.event
    if not isinstance(event, CatalogueCreated | PricesRecorded):
        yield CatalogueRow, (event.catalogue_id,)


def _fold(rows: Rows, seen: Seen) -> None:
    event: CatalogueEvent = seen.event
    match event:
        case CatalogueCreated(account_id=account_id, catalogue_id=catalogue_id, name=name, currency=currency):
            rows.put(
                CatalogueRow(
                    catalogue_id=catalogue_id, account_id=account_id, name=name, currency=currency, created_at=seen.at
                )
            )
        case PricesRecorded(catalogue_id=catalogue_id, version=version, first=first, prices=prices):
            for place, price in enumerate(prices, start=first):
                rows.put(
                    PriceRow(
                        catalogue_id=catalogue_id,
                        version=version,
                        place=place,
                        code=price.code,
                        description=price.description,
                        unit=price.unit,
                        unit_price=amount(price.unit_price),
                    )
                )
        case _:
            if row := rows.get(CatalogueRow, event.catalogue_id):
                rows.put(_changed(row, event))


def _changed(row: CatalogueRow, event: CatalogueEvent) -> CatalogueRow:
    match event:
        case CatalogueRenamed(name=name):
            return structs.replace(row, name=name)
        case CatalogueRemoved():
            return structs.replace(row, removed=True)
        case CatalogueAttached(project_id=project_id):
            return structs.replace(row, projects=(*row.projects, project_id))
        case CatalogueDetached(project_id=project_id):
            return structs.replace(row, projects=tuple(each for each in row.projects if each != project_id))
        case PricesRequested():
            return structs.replace(row, waiting=row.waiting + 1)
        case CatalogueVersioned():
            return structs.replace(
                row,
                version=event.version,
                prices=event.prices,
                skipped=event.skipped,
                priced_on=event.priced_on,
                source=event.source,
                waiting=row.waiting - 1,
                error_code=None,
                error=None,
            )
        case PricesFailed(error_code=error_code, error=error):
            return structs.replace(row, waiting=row.waiting - 1, error_code=error_code, error=error)
        case CatalogueCreated() | PricesRecorded():
            return row


PROJECTION = Projection(
    name=NAME,
    version=1,
    rows=(CatalogueRow, PriceRow),
    events=(
        CatalogueCreated,
        CatalogueRenamed,
        CatalogueRemoved,
        CatalogueAttached,
        CatalogueDetached,
        PricesRequested,
        PricesRecorded,
        CatalogueVersioned,
        PricesFailed,
    ),
    keys=_keys,
    fold=_fold,
)


class ListCatalogues(Listing, frozen=True, kw_only=True, tag="catalogues.list"):
    """The asking account's catalogues."""


class CatalogueItem(Struct, frozen=True, kw_only=True):
    """A catalogue, see `CatalogueRow`."""

    catalogue_id: UUID
    name: str
    currency: str
    version: int
    prices: int
    skipped: int
    priced_on: date | None
    source: str
    waiting: int
    error_code: str | None
    error: str | None
    projects: tuple[UUID, ...]
    created_at: datetime


class ListPrices(Listing, frozen=True, kw_only=True, tag="catalogues.prices"):
    """A catalogue's prices in the order of its price list: of its present version, or of an earlier one.

    `code` wants prices of that code, whatever its blanks and dashes; `text` those whose description contains it.
    """

    catalogue_id: UUID
    version: int | None = None
    code: str | None = None
    text: str | None = None


class PriceItem(Struct, frozen=True, kw_only=True):
    """A price."""

    version: int
    place: int
    code: str
    description: str
    unit: str
    unit_price: Decimal | None


class _Version(Struct, frozen=True):
    version: int


CATALOGUES = "SELECT c.* FROM read.catalogues c WHERE c.account_id = %(viewer)s AND NOT c.removed"
MINE = """
SELECT version FROM read.catalogues
WHERE catalogue_id = %(catalogue_id)s AND NOT removed AND (account_id = %(viewer)s OR %(admin)s)
"""
PRICES = """
SELECT p.version, p.place, p.code, p.description, p.unit, p.unit_price FROM read.catalogue_prices p
WHERE p.catalogue_id = %(catalogue_id)s AND p.version = %(present)s
"""


async def _list_catalogues(reading: Reading, query: ListCatalogues) -> Page[CatalogueItem]:
    return await reading.page(query, CatalogueItem, CATALOGUES, Order(fields=("catalogue_id",), table="c"))


async def _list_prices(reading: Reading, query: ListPrices) -> Page[PriceItem]:
    found = await reading.select(_Version, MINE, {"catalogue_id": query.catalogue_id})
    if not found:
        raise UnknownCatalogue
    return await reading.page(
        query,
        PriceItem,
        PRICES,
        Order(fields=("place",), table="p", pinned=("version",)),
        ("code", "p.code_key = public.search_code(%(code)s)", query.code),
        ("text", "p.folded LIKE '%%' || public.search_fold(%(text)s) || '%%'", query.text),
        catalogue_id=query.catalogue_id,
        present=found[0].version if query.version is None else query.version,
    )


QUESTIONS = (
    Question(query=ListCatalogues, result=Page[CatalogueItem], sources=(NAME,), answer=_list_catalogues),
    Question(query=ListPrices, result=Page[PriceItem], sources=(NAME,), answer=_list_prices),
)
