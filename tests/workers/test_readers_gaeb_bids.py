"""GAEB DA XML: what orders say of alternatives, and bids by what they leave out."""

from decimal import Decimal

import pytest

from tests.workers.documents import category, gaeb, item
from workers.readers import read_bill

PRICED = {"Qty": "2.000", "QU": "m", "UP": "10.00", "IT": "20.00"}


@pytest.mark.parametrize(
    ("base", "other", "roles"),
    [
        ({}, {}, ["base", "alternative"]),
        ({"Accepted": "BasReject"}, {"Accepted": "AltAccept"}, ["alternative", "base"]),
        ({}, {"Accepted": "AltAccept"}, ["alternative", "base"]),
        ({"Accepted": "BasReject"}, {}, ["alternative", "alternative"]),
    ],
)
def test_what_was_chosen_of_a_group_enters_sums(base: dict[str, str], other: dict[str, str], roles: list[str]) -> None:
    first = item("1", "Grund", ALNGroupNo="1", ALNSerNo="0", **base, **PRICED)
    second = item("2", "Wahl", ALNGroupNo="1", ALNSerNo="1", **other, **PRICED)
    bill = read_bill(gaeb(f"<Itemlist>{first}{second}</Itemlist>", phase="86"))
    assert [i.role for i in bill.items] == roles

    def group(number: str, said: dict[str, str]) -> str:
        told = "".join(f"<{name}>{value}</{name}>" for name, value in said.items())
        return f"<ALNBGroupNo>1</ALNBGroupNo><ALNBSerNo>{number}</ALNBSerNo>{told}"

    items = f"<Itemlist>{item('1', 'Beton', **PRICED)}</Itemlist>"
    body = category("01", items, more=group("0", base)) + category("02", items, more=group("1", other))
    assert [i.role for i in read_bill(gaeb(body, phase="86")).items] == roles


def bare(number: str, **parts: str) -> str:
    """An item as bids have it: no texts, no unit, no marks."""
    content = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    return f"<Item ID='I{number}' RNoPart='{number}'>{content}</Item>"


@pytest.mark.parametrize(
    ("stated", "role"),
    [("<Total>20.00</Total>", "optional"), ("", "optional"), ("<Total>50.00</Total>", "base")],
)
def test_a_bid_gives_no_total_to_items_outside_sums(stated: str, role: str) -> None:
    body = bare("1", Qty="2", UP="10", IT="20") + bare("2", Qty="3", UP="10") + bare("3", UP="7.50")
    info = f"<Totals>{stated}</Totals>" if stated else ""
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>", info=info))
    assert [i.role for i in bill.items] == ["base", role, "base"]
    assert any("taken for optional" in warning for warning in bill.warnings) == (role == "optional")
    assert (bill.items[2].quantity, bill.items[2].unit_price) == (None, Decimal("7.50"))


def test_totals_that_a_bid_leaves_out_altogether_tell_nothing() -> None:
    body = bare("1", Qty="2", UP="10") + bare("2", Qty="3", UP="10")
    assert [i.role for i in read_bill(gaeb(f"<Itemlist>{body}</Itemlist>")).items] == ["base", "base"]
    assert {i.role for i in read_bill(gaeb(f"<Itemlist>{body}</Itemlist>", phase="86")).items} == {"base"}


def test_what_is_not_offered_and_a_discount_by_amount_are_read() -> None:
    body = bare("1", Qty="2", UP="10", IT="20") + bare("2", NotOffered="Yes", Qty="3")
    totals = "<Totals><Total>20.00</Total><DiscountAmt>1.50</DiscountAmt><TotAfterDisc>18.50</TotAfterDisc></Totals>"
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>", info=totals))
    assert (bill.items[1].unit_price, bill.items[1].notes) == (None, ("Not offered.",))
    assert [surcharge.amount for surcharge in bill.surcharges] == [Decimal("-1.50")]
    assert bill.declared_total == Decimal("18.50")


def test_the_number_of_a_catalogue_is_the_code() -> None:
    text = "<Description><WICNo>K 12/3</WICNo><CompleteText><DetailTxt/></CompleteText></Description>"
    bill = read_bill(gaeb(f"<Itemlist><Item ID='I' RNoPart='1'>{text}</Item></Itemlist>"))
    assert bill.items[0].code == "K 12/3"
