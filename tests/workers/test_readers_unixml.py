"""uniXML: the real one beside its KROS twin, our own twins, and what the format may hold besides."""

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain.bill import Bill, Rounding
from domain.position import line_total
from tests.workers.documents import unixml
from workers.readers import read_bill
from workers.sample_bill import sample_bill


def total(bill: Bill) -> Decimal:
    return sum((line_total(i.quantity, i.unit_price, bill.rounding) or Decimal(0) for i in bill.items), Decimal(0))


def multiset(bill: Bill) -> Counter[tuple[object, ...]]:
    return Counter((item.code, item.quantity, item.unit_price) for item in bill.items)


def words(bill: Bill) -> Counter[tuple[object, ...]]:
    return Counter((i.code, i.description, i.unit, i.section, i.kind, i.code_system, i.number) for i in bill.items)


def test_the_real_twin_equals_its_kros_workbook(bills: Path) -> None:
    bill = read_bill((bills / "unixml12_rd_valcha_PRICED.xml").read_bytes())
    kros = read_bill((bills / "kros_rd_valcha_PRICED.xlsx").read_bytes())
    assert (bill.format, bill.confidence, bill.variant, bill.title) == ("unixml", 100, "1.2", "RD Valcha SO1+ SO2")
    assert bill.rounding == Rounding(total=2, quantity=3, unit_price=2)
    assert (bill.currency, bill.dated) == ("CZK", date(2025, 9, 8))
    assert len(bill.items) == 298
    assert multiset(bill) == multiset(kros)
    assert words(bill) == words(kros)
    assert total(bill) == total(kros) == Decimal("8205797.76")
    assert {item.vat_rate for item in bill.items} == {Decimal(21)}
    assert len(bill.figures) == 10
    assert sum(len(item.takeoff) for item in bill.items) == 212
    assert bill.skipped == bill.warnings == ()


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_generated_twin_equals_its_workbook(version: str) -> None:
    kros = read_bill(sample_bill(items=120, seed=5))
    bill = read_bill(unixml(kros, version))
    assert (bill.format, bill.variant, bill.currency) == ("unixml", version, kros.currency)
    assert multiset(bill) == multiset(kros)
    assert words(bill) == words(kros)
    assert total(bill) == kros.declared_total
    assert [row.expression for i in bill.items for row in i.takeoff] == [
        row.expression for i in kros.items for row in i.takeoff
    ]


SMALL = """<unixml><stavba><nastaveni>{settings}</nastaveni>
<kryci_list><vrn_1><nazev>Zařízení staveniště</nazev><naklad>1500,50</naklad></vrn_1>
<kompletacni_cinnost><naklad>0,00</naklad></kompletacni_cinnost></kryci_list>
<souhrnny_list><polozky_souhrnneho_listu><radek><nazev>Rezerva</nazev></radek></polozky_souhrnneho_listu></souhrnny_list>
<objekty><objekt><kod_objektu>A</kod_objektu><poznamka>Pozor</poznamka><figury><figura><kod_figury>F1</kod_figury>
<merna_jednotka>m3</merna_jednotka><vymera>6,000</vymera><vykaz_vymer_figury><radek><typ_radku>VYRAZ</typ_radku>
<vyraz>2*3</vyraz></radek></vykaz_vymer_figury></figura></figury>
<objekty><objekt><kod_objektu>A.1</kod_objektu><nazev_objektu>Uvnitř</nazev_objektu>
<polozky><polozka><typ_vety>K</typ_vety><kod_polozky>1</kod_polozky><mnozstvi>2.5</mnozstvi>
<jednotkova_cena>mnoho</jednotkova_cena><poznamka_polozky>Jen tak</poznamka_polozky>
<vykaz_vymer><radky_vykazu_vymer><r><typ_radku>MEZISOUCET</typ_radku><kod_figury>F1</kod_figury></r>
</radky_vykazu_vymer></vykaz_vymer></polozka></polozky></objekt></objekty></objekt></objekty></stavba></unixml>"""


def small(settings: str = "") -> Bill:
    return read_bill(SMALL.format(settings=settings).encode())


def test_objects_nest_and_nothing_is_dropped_in_silence() -> None:
    bill = small()
    assert (bill.confidence, bill.currency, bill.dated) == (90, "CZK", None)
    assert [(part.path, part.kind, part.notes) for part in bill.sections] == [
        (("A",), "object", ("Pozor",)),
        (("A", "A.1"), "object", ()),
    ]
    (item,) = bill.items
    assert (item.quantity, item.unit_price, item.section, item.line) == (Decimal("2.5"), None, ("A", "A.1"), 9)
    assert item.notes == ("Jen tak",)
    assert [(row.expression, row.kind) for row in item.takeoff] == [("F1", "subtotal")]
    (figure,) = bill.figures
    assert (figure.code, figure.value, figure.path, figure.takeoff[0].expression) == ("F1", 6, ("A",), "2*3")
    assert [skipped.reason for skipped in bill.skipped] == ["an entry of the summary sheet: Rezerva"]
    assert any("no description" in warning for warning in bill.warnings)
    assert any("'mnoho' is not a number" in warning for warning in bill.warnings)


@pytest.mark.parametrize(("stated", "code"), [("Kč", "CZK"), ("eur", "EUR"), ("Koruna", "CZK")])
def test_the_currency_is_a_code_however_it_is_stated(stated: str, code: str) -> None:
    bill = small(f"<mena><mena_rozpocet>{stated}</mena_rozpocet></mena>")
    assert bill.currency == code
    assert any("names no currency" in warning for warning in bill.warnings) is (stated == "Koruna")


def test_costs_on_the_cover_are_surcharges() -> None:
    priced = SMALL.format(settings="").replace("mnoho", "10,00").encode()
    assert [(part.label, part.amount) for part in read_bill(priced).surcharges] == [
        ("Zařízení staveniště", Decimal("1500.50"))
    ]


def test_roundings_are_those_of_the_file() -> None:
    settings = (
        "<zaokrouhleni_rozpocet><jednotkova_cena>1,00</jednotkova_cena><mnozstvi>0,05</mnozstvi>"
        "<celkova_cena>0,1</celkova_cena></zaokrouhleni_rozpocet>"
    )
    assert small(settings).rounding == Rounding(total=1, quantity=None, unit_price=0)
    assert small().rounding == Rounding()
