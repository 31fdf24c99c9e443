"""Price lists: read from files, kept in catalogues, and found for the lines of a bill."""

import asyncio
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import xlsxwriter

from commands import Forbidden
from commands.write_side import WriteSide
from domain.budget import ImportPositions
from domain.catalogue import AttachCatalogue, CreateCatalogue, ImportPrices, Price, RecordPrices, UnknownCatalogue
from domain.document import UnknownDocument, UploadDocument, document_id_of
from domain.project import AcceptInvitation, InviteMember, UnknownProject
from projections.models import ALL
from projections.price_matches import counting, prices_for
from projections.tables import ensure_tables
from runtime.blobs import Blobs
from runtime.database import Pool
from runtime.ids import new_id
from tests.acting import create_project, register
from tests.domain.lines import line
from tests.projections.tables import catch_up
from tests.workers.test_jobs import Start, blobs, of, start_worker
from workers.readers.price_list import read_prices
from workers.readers.unreadable import Unreadable

__all__ = ["blobs", "start_worker"]

D = Decimal
DAY = date(2026, 1, 15)
XC4 = """<?xml version="1.0" encoding="utf-8"?>
<XC4><CenoveSoustavy><typ_CS>OTSKP</typ_CS><Polozky>
<Polozka><znacka>11120</znacka><nazev>Odstranění křovin</nazev><MJ>M2</MJ><jedn_cena>38,50</jedn_cena></Polozka>
<Polozka><znacka>11130</znacka><nazev>Sejmutí drnu</nazev><MJ>M2</MJ><jedn_cena>0</jedn_cena></Polozka>
</Polozky></CenoveSoustavy></XC4>"""


def workbook(*rows: tuple[Any, ...], header: tuple[str, ...] = ("Kód položky", "Popis", "MJ", "Cena (Kč)")) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet("Ceník")
        sheet.write_row(0, 0, ("Ceník prací 2026",))
        sheet.write_row(2, 0, header)
        for at, row in enumerate(rows, start=3):
            sheet.write_row(at, 0, row)
    return content.getvalue()


LIST = workbook(
    ("622000001", "Work 1", "m2", 100),
    ("622000002", "Work 2", "m2", "1 250,50"),
    ("", "Sanační omítka vnitřní stěn jádrová", "m²", 480.5),
    ("622000009", "Without a price", "m2", ""),
    ("", "A chapter", "", ""),
)


def test_a_table_of_prices_is_read_and_what_has_no_price_is_told() -> None:
    found = read_prices(LIST)
    assert [(each.code, each.unit, each.unit_price, each.line) for each in found.items] == [
        ("622000001", "m2", D(100), 4),
        ("622000002", "m2", D("1250.50"), 5),
        ("", "m²", D("480.5"), 6),
    ]
    assert (found.currency, [each.line for each in found.skipped]) == ("CZK", [7])


def test_a_price_list_of_xc4_is_read() -> None:
    found = read_prices(XC4.encode())
    assert [(each.code, each.description, each.unit_price) for each in found.items] == [
        ("11120", "Odstranění křovin", D("38.50"))
    ]
    assert (found.currency, len(found.skipped)) == ("", 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (workbook(("1", "Wall", "m3", 3, 4), header=("Kód", "Popis", "MJ", "Množství", "J.cena")), "not_a_price_list"),
        (b"<XC4><objekty><objekt/></objekty></XC4>", "not_a_price_list"),
        (workbook(("1", "Wall", "m3", 0)), "empty"),
        (b"name;street\na;b\n", "no_table"),
        (b"<GAEB/>", "not_a_price_list"),
        (b"", "empty"),
    ],
)
def test_what_is_no_price_list_is_refused_with_what_it_is(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_prices(data)
    assert refused.value.code == f"unreadable.{code}"


@pytest.mark.parametrize(("name", "count"), [("otskp_price_list_xc4.xml", 1), ("uozi_2026_von.xls", 71)])
def test_real_price_lists_are_read(bills: Path, name: str, count: int) -> None:
    path = bills.parent / "catalog" / name
    if not path.exists():
        pytest.skip(f"no {name} in {path.parent}")
    assert len(read_prices(path.read_bytes()).items) == count


async def uploaded(write: WriteSide, blobs: Blobs, project_id: UUID, owner: str, data: bytes) -> UUID:
    blob = await blobs.put(data)
    document_id = document_id_of(project_id, blob.sha256)
    command = UploadDocument(
        project_id=project_id, document_id=document_id, filename="prices", content_hash=blob.sha256, size=blob.size
    )
    await write.bus.execute(command, actor=owner)
    return document_id


async def created(write: WriteSide, owner: str, currency: str = "CZK") -> dict[str, Any]:
    ids = {"account_id": UUID(owner.removeprefix("account:")), "catalogue_id": new_id()}
    await write.bus.execute(CreateCatalogue(**ids, name="Own prices", currency=currency), actor=owner)
    return ids


async def read_models(pool: Pool) -> None:
    """Bring the read models to where the log is."""
    async with pool.connection() as connection:
        await ensure_tables(connection, ALL)
        await catch_up(connection)


async def heard(write: WriteSide, feed: str, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            events = [(event.type, msgspec.json.decode(event.data)) for event in await write.store.feed(feed)]
            if found := of(events, kind):
                return found[-1]
            await asyncio.sleep(0.05)


async def test_an_uploaded_price_list_becomes_a_version_and_audits_are_held_against_it(
    write: WriteSide, pool: Pool, blobs: Blobs, start_worker: Start
) -> None:
    await start_worker()
    owner = await register(write)
    project_id = await create_project(write, owner)
    document_id = await uploaded(write, blobs, project_id, owner, LIST)
    ids = await created(write, owner)
    wish = ImportPrices(**ids, project_id=project_id, document_id=document_id, priced_on=datetime.now(UTC).date())
    await write.bus.execute(wish, actor=owner)
    done = await heard(write, owner, "catalogue.versioned")
    assert (done["version"], done["prices"], done["skipped"]) == (1, 3, 1)
    await write.bus.execute(AttachCatalogue(**ids, project_id=project_id), actor=owner)
    await read_models(pool)
    lines = [
        line(1, unit_price=D(140)),
        line(2, unit_price=D("1250.50")),
        line(3, code="", description="Omítka sanační vnitřní stěn jádrová", unit="m2", unit_price=D(600)),
        line(4),
    ]
    positions = tuple(msgspec.structs.replace(each, position_id=new_id()) for each in lines)
    command = ImportPositions(project_id=project_id, document_id=new_id(), positions=positions, currency="CZK")
    await write.bus.execute(command, actor="system")
    feed = f"project:{project_id}"
    audited = await heard(write, feed, "audit.completed")
    (started,) = of(
        [(each.type, msgspec.json.decode(each.data)) for each in await write.store.feed(feed)], "audit.started"
    )
    at = started["rules"].index("C3")
    found = await heard(write, feed, "audit.findings_recorded")
    said = [found["outcomes"][str(each.position_id)][at] for each in positions]
    assert said == ["R", "G", "A", "2"]
    assert audited["rules"]["C3"]["RED"] == 1
    (text,) = [
        each
        for each in found["findings"]
        if each["rule"] == "C3" and each["position_id"] == str(positions[2].position_id)
    ]
    assert (text["evidence"]["matched_by"], text["evidence"]["catalogue_price"]) == ("text", "480.5")


async def test_a_price_list_in_another_currency_or_no_price_list_is_told(
    write: WriteSide, blobs: Blobs, start_worker: Start
) -> None:
    await start_worker()
    owner = await register(write)
    project_id = await create_project(write, owner)
    for currency, data, code in (
        ("EUR", LIST, "unreadable.other_currency"),
        ("CZK", b"nothing", "unreadable.no_table"),
    ):
        ids = await created(write, owner, currency)
        document_id = await uploaded(write, blobs, project_id, owner, data)
        wish = ImportPrices(**ids, project_id=project_id, document_id=document_id, priced_on=DAY)
        await write.bus.execute(wish, actor=owner)
        async with asyncio.timeout(60):
            while (failed := await heard(write, owner, "catalogue.prices_failed"))["catalogue_id"] != str(
                ids["catalogue_id"]
            ):
                await asyncio.sleep(0.05)
        assert failed["error_code"] == code


async def test_only_ones_own_catalogue_and_documents_that_one_may_read_can_be_used(
    write: WriteSide, blobs: Blobs
) -> None:
    owner, other = await register(write), await register(write)
    project_id = await create_project(write, owner)
    document_id = await uploaded(write, blobs, project_id, owner, LIST)
    mine, theirs = await created(write, owner), await created(write, other)
    values: dict[str, Any] = {"project_id": project_id, "document_id": document_id, "priced_on": DAY}
    with pytest.raises(Forbidden):
        await write.bus.execute(ImportPrices(**mine, **values), actor=other)
    with pytest.raises(UnknownProject):
        await write.bus.execute(ImportPrices(**theirs, **values), actor=other)
    with pytest.raises(UnknownCatalogue):
        await write.bus.execute(ImportPrices(**theirs | {"account_id": mine["account_id"]}, **values), actor=owner)
    with pytest.raises(UnknownDocument):
        await write.bus.execute(ImportPrices(**mine, **values | {"document_id": new_id()}), actor=owner)
    await write.bus.execute(
        InviteMember(project_id=project_id, account_id=theirs["account_id"], role="viewer"), actor=owner
    )
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=other)
    with pytest.raises(Forbidden):
        await write.bus.execute(AttachCatalogue(**theirs, project_id=project_id), actor=other)


async def test_of_several_catalogues_the_newest_counts_while_its_owner_may_edit(
    write: WriteSide, pool: Pool, blobs: Blobs
) -> None:
    owner, other = await register(write), await register(write)
    project_id = await create_project(write, owner)
    accounts = [UUID(each.removeprefix("account:")) for each in (owner, other)]
    await write.bus.execute(InviteMember(project_id=project_id, account_id=accounts[1], role="editor"), actor=owner)
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=other)
    for who, day, amount in ((owner, DAY, "100"), (other, date(2026, 3, 1), "200")):
        ids = await created(write, who)
        document_id = await uploaded(write, blobs, project_id, owner, amount.encode())
        wish = ImportPrices(**ids, project_id=project_id, document_id=document_id, priced_on=day)
        await write.bus.execute(wish, actor=who)
        prices = (
            Price(code="622 000 001", unit="m²", unit_price=D(amount)),
            Price(code="622000002", unit="m3", unit_price=D(amount)),
        )
        await write.bus.execute(RecordPrices(**ids, request=1, prices=prices), actor="system")
        await write.bus.execute(AttachCatalogue(**ids, project_id=project_id), actor=who)
    await read_models(pool)
    lines = [line(1), line(2)]
    for who, amount in ((accounts, 200), (accounts[:1], 100)):
        catalogues = await counting(pool, project_id, "CZK", who)
        matches = await prices_for(pool, catalogues, lines)
        assert {number.int: match.unit_price for number, match in matches.items()} == {1: D(amount)}
    assert await counting(pool, project_id, "EUR", accounts) == []
    assert await counting(pool, new_id(), "CZK", accounts) == []
    assert await prices_for(pool, [], lines) == {}
