"""Bills to be written: generated ones with everything that a budget can hold, and statements of them."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from domain.bill import Bill, BillItem, BillSection, Rounding, Surcharge, TakeoffLine
from domain.experts.finding import Verdict
from domain.position import line_total
from workers.readers import Unreadable, read_bill
from workers.writers.statement import Judgement, Statement

AT = datetime(2026, 3, 5, 12, 30, 7, 123456, tzinfo=UTC)
PROJECT = UUID(int=77)
DANGEROUS = ("=1+1", "+x", "-x", "@SUM(A1)", "\tx", "'quoted", "|cmd", "%x", '=HYPERLINK("x")')  # fmt: skip

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co", "Cn", "Zl", "Zp"]), max_size=20)
texts = st.one_of(words.map(lambda text: " ".join(text.split())), st.sampled_from((*DANGEROUS, "Žluťoučký kůň", "")))
names = st.sampled_from(("SO 01", "HSV", "1", "PSV", "711", "A;B", "=2"))
paths = st.lists(names, min_size=1, max_size=3).map(tuple)


def decimals(most: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**most) * 10**places, 10**most * 10**places).map(lambda n: Decimal(n).scaleb(-places))


quantities = st.none() | decimals(5, 3) | decimals(3, 4) | st.just(Decimal("1234567890123456.789"))
prices = st.none() | decimals(6, 2) | decimals(3, 4)
roundings = st.sampled_from((Rounding(), Rounding(total=0), Rounding(total=2, quantity=3, unit_price=2)))


@st.composite
def items(draw: st.DrawFn) -> BillItem:
    return BillItem(
        number=draw(texts),
        code=draw(texts),
        code_system=draw(st.sampled_from(("urs", "own", "gaeb"))),
        price_system=draw(texts),
        description=draw(texts),
        category=draw(texts),
        kind=draw(st.sampled_from(("work", "material", "other"))),
        role=draw(st.sampled_from(("base", "base", "base", "optional", "alternative"))),
        section=draw(paths),
        quantity=draw(quantities),
        unit=draw(st.sampled_from(("m3", "kus", "m²", ""))),
        unit_price=draw(prices),
        vat_rate=draw(st.sampled_from((None, Decimal(21), Decimal(12), Decimal(0)))),
        unit_hours=draw(st.none() | decimals(2, 3)),
        notes=tuple(draw(st.lists(texts.filter(bool), max_size=2))),
        takeoff=tuple(
            TakeoffLine(expression=draw(texts), value=draw(st.none() | decimals(3, 3)), kind=kind)
            for kind in draw(st.lists(st.sampled_from(("row", "subtotal", "total")), max_size=2))
        ),
        rounding=draw(st.none() | roundings),
    )


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    """Bills whose line totals follow from their numbers, as a budget's do."""
    rounding = draw(roundings)
    drawn = draw(st.lists(items(), min_size=1, max_size=12))
    priced = tuple(
        with_total(item if item.rounding != rounding else replace(item, rounding=None), rounding) for item in drawn
    )
    sections = draw(st.lists(paths, unique=True, max_size=4))
    return Bill(
        format="plumbline",
        confidence=100,
        title=draw(texts),
        currency=draw(st.sampled_from(("CZK", "EUR"))),
        rounding=rounding,
        sections=tuple(
            BillSection(path=path, title=draw(texts), kind="object" if len(path) == 1 else "section")
            for path in sections
        ),
        items=priced,
        surcharges=tuple(
            Surcharge(label=draw(texts), amount=draw(decimals(5, 2))) for _ in range(draw(st.integers(0, 2)))
        ),
    )


def with_total(item: BillItem, rounding: Rounding) -> BillItem:
    total = line_total(item.quantity, item.unit_price, item.rounding or rounding) if item.role == "base" else None
    return replace(item, declared_total=total)


def statement(bill: Bill, judgement: Judgement | None = None, verdicts: tuple[Verdict | None, ...] = ()) -> Statement:
    return Statement(
        project_id=PROJECT,
        project=bill.title or "House",
        version=3,
        asked_at=AT,
        bill=bill,
        position_ids=tuple(UUID(int=index + 1) for index in range(len(bill.items))),
        verdicts=verdicts or (None,) * len(bill.items),
        judgement=judgement,
    )


def without_places(item: BillItem) -> BillItem:
    return replace(item, sheet="", line=0, takeoff=tuple(replace(row, line=0) for row in item.takeoff))


def in_tree_order(bill: Bill) -> list[BillItem]:
    """The items as files with sections hold them."""
    from workers.writers.statement import tree_of  # noqa: PLC0415

    return [without_places(bill.items[index]) for node in tree_of(bill).walk() for index in node.items]


def real(bills_folder: Path) -> list[Bill]:
    """The priced real bills as budgets hold them: totals are ours."""
    found: list[Bill] = []
    for path in sorted(bills_folder.iterdir()):
        try:
            bill = read_bill(path.read_bytes())
        except Unreadable:  # some of them are no bills
            continue
        found.append(replace(bill, items=tuple(with_total(item, bill.rounding) for item in bill.items)))
    return found


def priced(bill: Bill) -> Bill:
    return replace(bill, items=tuple(with_total(item, bill.rounding) for item in bill.items))


def of_one_rounding(bill: Bill, rounding: Rounding) -> Bill:
    """The bill as formats of one rounding can hold it, with texts, and quantities that are none of fantasy."""
    items = (
        replace(
            item,
            rounding=None,
            description=item.description or "Text",
            quantity=None if item.quantity and item.quantity > 10**12 else item.quantity,
        )
        for item in bill.items
    )
    bill = priced(replace(bill, rounding=rounding, items=tuple(items)))
    has_prices = any(item.role == "base" and item.unit_price for item in bill.items)
    return bill if has_prices else replace(bill, surcharges=())


def measures(item: BillItem) -> tuple[str, ...]:
    """What every format tells; a price of 0 is none, and spaces are single."""
    return (*map(plain, (item.quantity, item.unit_price)), item.unit, " ".join(item.description.split()))


def plain(value: Decimal | None) -> str:
    return f"{value.normalize():f}" if value else ""
