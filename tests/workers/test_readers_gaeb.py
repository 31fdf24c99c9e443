"""GAEB DA XML: the real files, the format's rules about sums, pygaeb as a peer, and documents that do not conform."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pygaeb import GAEBParser

from domain.bill import Bill, BillItem
from domain.position import line_total
from tests.workers.documents import category, gaeb, item
from workers.readers import Unreadable, read_bill


def total(bill: Bill) -> Decimal:
    """What enters sums."""
    worth = (line_total(i.quantity, i.unit_price) or Decimal(0) for i in bill.items if i.role == "base")
    return sum(worth, Decimal(0))


def only(bill: Bill) -> BillItem:
    (found,) = bill.items
    return found


REAL = {
    "boq.x83": ("GAEB DA XML 3.3 X83", 6, "0"),
    "contract.x86": ("GAEB DA XML 3.3 X86", 2, "3475.00"),
    "markup.x83": ("GAEB DA XML 3.3 X83", 4, "0"),
    "nonconforming.x83": ("GAEB DA XML 3.3 X83", 1, "0"),
    "pygaeb_fixture.x83": ("GAEB DA XML 3.2 X83", 6, "0"),
    "realistic.x84": ("GAEB DA XML 3.3 X84", 4, "9649.00"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_documents(bills: Path, name: str) -> None:
    variant, items, amount = REAL[name]
    bill = read_bill((bills / name).read_bytes())
    assert (bill.format, bill.confidence, bill.variant, bill.currency) == ("gaeb", 100, variant, "EUR")
    assert (len(bill.items), total(bill)) == (items, Decimal(amount))
    assert {found.code_system for found in bill.items} == {"gaeb"}


def test_a_real_request_keeps_its_kinds_of_items(bills: Path) -> None:
    bill = read_bill((bills / "boq.x83").read_bytes())
    assert [(i.number, i.role, i.quantity, i.unit) for i in bill.items] == [
        ("01.02.0010", "base", 100, "m3"),
        ("01.02.0020", "base", 1, "psch"),
        ("03.0030", "base", 5, "Stk"),
        ("03.0040", "base", 10, "m2"),
        ("03.0040.1", "alternative", 10, "m2"),
        ("03.0050", "base", 20, "Std"),
    ]
    first = bill.items[0]
    assert (first.description, first.section, first.line) == ("Boden loesen", ("01", "02"), 29)
    assert first.notes[0].startswith("Boden loesen und lagern.\nBodenklasse 3-5.\nBodenklasse:\n3-5")
    assert first.notes[1:] == ("01.02.0010.1: Trockener Boden (60.000 m3)", "Trockener Boden je m3.")
    assert [(part.path, part.title) for part in bill.sections] == [
        (("01",), "Erdarbeiten"),
        (("01", "02"), "Aushub"),
        (("03",), "Zusatzleistungen"),
    ]


def test_a_real_bid_with_a_discount_states_its_totals(bills: Path) -> None:
    bill = read_bill((bills / "realistic.x84").read_bytes())
    assert (bill.declared_total, bill.declared_total_with_vat) == (Decimal("9166.55"), Decimal("10908.19"))
    (discount,) = bill.surcharges
    assert (discount.label, discount.amount) == ("Discount 5 %: the whole", Decimal("-482.45"))
    assert total(bill) + discount.amount == bill.declared_total
    assert {part.path: part.declared_total for part in bill.sections}["01",] == Decimal("2899.00")
    (vat,) = [stated for stated in bill.totals if stated.kind == "vat"]
    assert (vat.amount, vat.rate, vat.base) == (Decimal("1741.64"), 19, Decimal("9166.55"))
    assert [(found.description, found.unit) for found in bill.items] == [("", "")] * 4
    assert bill.items[0].notes[0] == "Fabrikat: Muster GmbH, Typ ABC-500"
    assert any("4 of the items have neither text nor unit" in warning for warning in bill.warnings)
    assert bill.items[3].quantity == 1
    assert any("state no quantity" in warning for warning in bill.warnings)


def test_a_real_request_with_markups_keeps_remarks(bills: Path) -> None:
    bill = read_bill((bills / "markup.x83").read_bytes())
    assert [(i.number, i.kind, i.unit) for i in bill.items[2:]] == [
        ("01.0090", "other", "%"),
        ("01.0091", "other", "%"),
    ]
    assert "On 50.000 of I0010." in bill.items[3].notes
    assert bill.items[0].vat_rate == 19
    assert [skipped.reason for skipped in bill.skipped] == [
        "a remark about the whole bill: Alle Preise sind netto anzugeben.",
        "a category that does not apply: 02 Entfallende Leistungen",
    ]
    assert bill.sections[0].notes == ("Bodenaushub allgemein\nGrundbeschreibung fuer alle Aushubpositionen.",)


def test_a_real_document_that_does_not_conform_says_how(bills: Path) -> None:
    bill = read_bill((bills / "nonconforming.x83").read_bytes())
    found = only(bill)
    assert (found.number, found.quantity, found.unit, found.description) == ("0010", 5, "St", "")
    for told in ("names no currency", "no project name", "have no text"):
        assert any(told in warning for warning in bill.warnings)


PRICED = {"Qty": "2.000", "QU": "m", "UP": "10.00", "IT": "20.00"}


def test_only_base_items_enter_sums() -> None:
    group = {"ALNGroupNo": "7"}
    body = (
        item("1", "Grund", ALNSerNo="0", **group, **PRICED)
        + item("2", "Wahl", ALNSerNo="1", **group, **PRICED)
        + item("3", "Bedarf ohne", Provis="WithoutTotal", **PRICED)
        + item("4", "Bedarf mit", Provis="WithTotal", **PRICED)
        + item("5", "Bedarf angenommen", Provis="WithoutTotal", ProvisAccpt="Yes", **PRICED)
        + item("6", "Bedarf seltsam", Provis="Vielleicht", **PRICED)
    )
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>"))
    assert [i.role for i in bill.items] == ["base", "alternative", "optional", "base", "base", "optional"]
    assert total(bill) == 60
    assert any("'Vielleicht'" in warning for warning in bill.warnings)


def test_the_accepted_alternative_takes_the_place_of_its_base() -> None:
    group = {"ALNGroupNo": "1"}
    first = item("1", "Grund", ALNSerNo="0", **group, **PRICED)
    second = item("2", "Wahl", ALNSerNo="1", Accepted="Yes", **group, **PRICED)
    bill = read_bill(gaeb(f"<Itemlist>{first}{second}</Itemlist>", phase="86"))
    assert [i.role for i in bill.items] == ["alternative", "base"]


def test_a_category_that_stands_for_another_one_enters_no_sum() -> None:
    def group(number: str) -> str:
        return f"<ALNBGroupNo>1</ALNBGroupNo><ALNBSerNo>{number}</ALNBSerNo><Totals><Total>20.00</Total></Totals>"

    items = f"<Itemlist>{item('1', 'Beton', **PRICED)}</Itemlist>"
    bill = read_bill(gaeb(category("01", items, more=group("0")) + category("02", items, more=group("1"))))
    assert [i.role for i in bill.items] == ["base", "alternative"]
    assert [part.declared_total for part in bill.sections] == [20, None]


def test_a_markup_is_so_many_per_cent_of_its_stated_base() -> None:
    body = (
        item("1", "Beton", Qty="3", QU="m3", UP="666.85", IT="2000.55")
        + item("9", "Zuschlag", tag="MarkupItem", ITMarkup="2000.55", Markup="5.00", IT="100.03")
        + item("10", "Pauschaler Zuschlag", tag="MarkupItem", IT="7.50")
    )
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>", info="<Totals><Total>2108.08</Total></Totals>"))
    assert total(bill) == bill.declared_total == Decimal("2108.08")
    assert [(i.kind, i.unit, i.quantity) for i in bill.items[1:]] == [("other", "%", 5), ("other", "psch", 1)]


def test_components_make_the_unit_price_where_it_is_missing() -> None:
    info = "<NoUPComps>2</NoUPComps><LblUPComp1>Lohn</LblUPComp1><LblUPComp2>Stoffe</LblUPComp2>"
    body = item("1", "A", Qty="2", QU="m", UPComp1="4.50", UPComp2="5.50") + item(
        "2", "B", Qty="2", QU="m", UP="9.00", UPComp1="4.50", UPComp2="5.50"
    )
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>", info=info))
    assert [i.unit_price for i in bill.items] == [10, 9]
    assert "Unit price: Lohn 4.50, Stoffe 5.50." in bill.items[0].notes
    assert any("do not add up" in warning for warning in bill.warnings)


def test_a_discount_on_an_item_lowers_its_unit_price() -> None:
    bill = read_bill(
        gaeb(f"<Itemlist>{item('1', 'A', Qty='3', QU='m', UP='10', DiscountPcnt='2.5', IT='29.25')}</Itemlist>")
    )
    found = only(bill)
    assert line_total(found.quantity, found.unit_price) == found.declared_total
    assert found.notes == ("Discount of 2.5 % on the unit price 10.",)


def test_priced_sub_descriptions_are_items_in_their_parents_stead() -> None:
    subs = "".join(
        f"<SubDescr><SubDNo>{number}</SubDNo><Qty>{number}</Qty><QU>m</QU><UP>10</UP></SubDescr>" for number in (1, 2)
    )
    body = item("1", "Rohr", SumDescr="Yes", IT="30").replace("</Item>", f"{subs}</Item>")
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>"))
    assert [(i.number, i.notes) for i in bill.items] == [("1.1", ("Rohr",)), ("1.2", ("Rohr",))]
    assert total(bill) == 30
    assert "sub-descriptions" in bill.skipped[0].reason


def test_a_lump_sum_needs_no_quantity_and_what_does_not_apply_is_listed() -> None:
    body = item("1", "Pauschal", LumpSumItem="Yes", UP="99.00") + item("2", "Entfällt", NotAppl="Yes", **PRICED)
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>"))
    assert (only(bill).quantity, only(bill).unit, total(bill)) == (1, "psch", 99)
    assert [skipped.reason for skipped in bill.skipped] == ["an item that does not apply: 2 Entfällt"]


def test_a_lump_sum_agreed_for_the_whole_is_a_surcharge() -> None:
    info = "<Totals><Total>20.00</Total><TotalLSUM>18.00</TotalLSUM><DiscountPcnt>10</DiscountPcnt></Totals>"
    bill = read_bill(gaeb(f"<Itemlist>{item('1', 'A', **PRICED)}</Itemlist>", info=info))
    assert [part.amount for part in bill.surcharges] == [Decimal("-2.00"), Decimal("-1.80")]


def test_long_texts_keep_their_lines_and_count_their_pictures() -> None:
    long = "<p><span>Erste </span><span>Zeile</span></p><p>Zweite<br/>Dritte</p><p><image>AAAA</image></p>"
    bill = read_bill(gaeb(f"<Itemlist>{item('1', 'Kurz', long=long, **PRICED)}</Itemlist>"))
    assert only(bill).notes == ("Erste Zeile\nZweite\nDritte\n(picture)",)
    assert any("picture (1)" in warning for warning in bill.warnings)


def test_without_a_short_text_the_first_line_serves() -> None:
    body = item("1", "", long="<p>Beton liefern</p><p>und einbauen</p>", **PRICED)
    found = only(read_bill(gaeb(f"<Itemlist>{body}</Itemlist>")))
    assert (found.description, found.notes) == ("Beton liefern", ("Beton liefern\nund einbauen",))


@pytest.mark.parametrize("phase", ["80", "81", "82", "83", "84", "85", "86", "89"])
@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2", "3.3"])
def test_phase_and_version_are_told(phase: str, version: str) -> None:
    bill = read_bill(gaeb(f"<Itemlist>{item('1', 'A', **PRICED)}</Itemlist>", phase=phase, version=version))
    assert bill.variant == f"GAEB DA XML {version} X{phase}"
    assert bill.dated == date(2026, 3, 5)


def test_a_variant_of_a_phase_is_at_home_in_its_namespace() -> None:
    bid = gaeb(f"<Itemlist>{item('1', 'A', **PRICED)}</Itemlist>").replace(b"<DP>84</DP>", b"<DP>84Z</DP>")
    bill = read_bill(bid)
    assert bill.variant.endswith(" X84Z")
    assert not [warning for warning in bill.warnings if "calls itself" in warning]


def test_an_invoice_is_read_by_what_it_charges() -> None:
    charged = {"BillQty": "3.333", "QU": "m", "UP": "0.10", "IT": "0.33"}
    body = item("1", "A", **charged) + item("2", "B", Qty="10.000", **charged)
    bill = read_bill(gaeb(f"<Itemlist>{body}</Itemlist>", phase="89"))
    assert [item.quantity for item in bill.items] == [Decimal("3.333")] * 2
    assert [item.notes for item in bill.items] == [(), ("Quantity ordered: 10.000.",)]
    assert not [warning for warning in bill.warnings if "quantity" in warning or "not read" in warning]


def test_the_old_namespace_and_none_at_all_are_read_too() -> None:
    data = gaeb(f"<Itemlist>{item('1', 'A', **PRICED)}</Itemlist>", version="3.1")
    old = data.replace(b"GAEB_DA_XML/DA84/3.1", b"GAEB_DA_XML/200407")
    assert (read_bill(old).confidence, read_bill(old).variant) == (100, "GAEB DA XML 3.1 X84")
    bare = data.replace(b' xmlns="http://www.gaeb.de/GAEB_DA_XML/DA84/3.1"', b"")
    assert (read_bill(bare).confidence, read_bill(bare).variant) == (90, "GAEB DA XML 3.1 X84")
    inside = read_bill(data.replace(b"<DP>84</DP>", b"<DP>86</DP>"))
    assert "The document calls itself X86 inside and X84 in its namespace." in inside.warnings


def test_lots_and_several_bills_are_objects() -> None:
    items = f"<Itemlist>{item('1', 'A', **PRICED)}</Itemlist>"
    lots = gaeb(category("1", category("01", items)), info="<BoQBkdn><Type>Lot</Type></BoQBkdn>")
    assert [part.kind for part in read_bill(lots).sections] == ["object", "section"]
    one = gaeb(items, info="<LblBoQ>Erster</LblBoQ>")
    two = one.replace(b"</BoQ></Award>", b"</BoQ><BoQ><BoQBody>" + items.encode() + b"</BoQBody></BoQ></Award>")
    assert [(part.path, part.kind) for part in read_bill(two).sections] == [(("LV",), "object"), (("2",), "object")]


def test_what_is_unknown_or_wrong_is_told() -> None:
    strange = item("1", "A", Seltsam="x", **PRICED) + item("1", "B", **PRICED) + "<Item><Qty>viel</Qty></Item><Ding/>"
    body = category("01", f"<Itemlist>{strange}</Itemlist>", more="<CtlgAssign/><Remark/>")
    bill = read_bill(gaeb(body))
    for told in ("CtlgAssign (1)", "Ding (1)", "Seltsam (1)", "another one has", "no number of their own", "'viel'"):
        assert any(told in warning for warning in bill.warnings), told
    assert [skipped.reason for skipped in bill.skipped] == ["an empty remark"]


def test_an_order_is_told_from_a_bill() -> None:
    with pytest.raises(Unreadable, match="holds no bill of quantities") as caught:
        read_bill(b'<GAEB xmlns="http://www.gaeb.de/GAEB_DA_XML/DA96/3.3"><Order><DP>96</DP></Order></GAEB>')
    assert caught.value.code == "unreadable.no_table"


def large(items: int) -> bytes:
    long = "<p><span>Liefern und einbauen, mit allem, was dazu gehört.</span></p>" * 3
    groups = "".join(
        category(
            f"{group:02}",
            "<Itemlist>"
            + "".join(
                item(f"{at:04}", f"Position {at}", long=long, Qty=f"{at}.500", QU="m2", UP="12.35", IT="1.00")
                for at in range(items // 10)
            )
            + "</Itemlist>",
            title="Gewerk",
        )
        for group in range(10)
    )
    return gaeb(groups)


def test_pygaeb_comes_to_the_same_sums(bills: Path, tmp_path: Path) -> None:
    for name in ("contract.x86", "realistic.x84"):
        peer = GAEBParser.parse(bills / name)
        assert total(read_bill((bills / name).read_bytes())) == peer.grand_total
    # It adds alternatives to their base (as of 1.20), so there are none here.
    body = (
        item("1", "Normal", **PRICED)
        + item("3", "Bedarf ohne", Provis="WithoutTotal", **PRICED)
        + item("4", "Bedarf mit", Provis="WithTotal", **PRICED)
    )
    path = tmp_path / "bill.x84"
    path.write_bytes(gaeb(category("01", f"<Itemlist>{body}</Itemlist>")))
    assert total(read_bill(path.read_bytes())) == GAEBParser.parse(path).grand_total == 40


def test_a_large_document_reads_whole() -> None:
    bill = read_bill(large(2000))
    assert len(bill.items) == 2000
    assert len({found.number for found in bill.items}) == 2000
