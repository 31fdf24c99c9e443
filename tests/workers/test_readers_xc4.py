"""XC4: bills as AspeEsticon writes them, and price lists, which are no bills."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.workers.documents import xc4
from workers.readers import Unreadable, read_bill

ITEM = {"znacka": "272325", "nazev": "Základy", "id_mj": "M3", "mnozstvi": "43.800000"}


def test_the_real_bill(bills: Path) -> None:
    bill = read_bill((bills / "aspe_xc4.xml").read_bytes())
    assert (bill.format, bill.confidence, bill.variant, bill.priced) == ("xc4", 100, "1.0", 0)
    assert [(i.number, i.code, i.code_system, i.quantity, i.unit, i.line) for i in bill.items] == [
        ("1", "272325", "otskp", Decimal("867.136"), "M3", 11),
        ("2", "422336", "otskp", Decimal("2697.941"), "M3", 18),
    ]
    assert bill.items[0].description == "ZÁKLADY ZE ŽELEZOBETONU DO C30/37"
    assert bill.sections == ()


def test_a_real_price_list_is_called_by_its_name(bills: Path) -> None:
    with pytest.raises(Unreadable, match="price list \\(OTSKP, 1 prices\\)") as caught:
        read_bill((bills.parent / "catalog" / "otskp_price_list_xc4.xml").read_bytes())
    assert caught.value.code == "unreadable.price_list"


def test_names_numbers_and_sections_are_read() -> None:
    priced = ITEM | {"jedn_cena": "1250,50", "popis": "Dodávka a montáž", "cena_celkem": "54771,90", "barva": "modrá"}
    bill = read_bill(xc4([priced, ITEM]))
    first, second = bill.items
    assert bill.title == "Silnice"
    assert [(part.path, part.title, part.kind) for part in bill.sections] == [
        (("SO 201",), "Most", "object"),
        (("SO 201", "2"), "Základy", "section"),
    ]
    assert (first.quantity, first.unit_price) == (Decimal("43.800000"), Decimal("1250.50"))
    assert (first.declared_total, first.notes) == (Decimal("54771.90"), ("Dodávka a montáž",))
    assert (second.unit_price, second.section) == (None, ("SO 201", "2"))
    assert any("barva" in warning for warning in bill.warnings)


def test_objects_stand_side_by_side_and_without_names_too() -> None:
    item = "<polozka><znacka>272325</znacka><nazev>Z</nazev><mnozstvi>1</mnozstvi></polozka>"
    part = f"<objekt><stavDily>{item}</stavDily></objekt>"
    bill = read_bill(f"<XC4><stavba><nazev>S</nazev></stavba>{part}{part}</XC4>".encode())
    assert bill.confidence == 90
    assert [part.path for part in bill.sections] == [("1",), ("2",)]
    assert [found.section for found in bill.items] == [("1",), ("2",)]


def test_a_bill_that_carries_its_price_list_is_a_bill() -> None:
    head = "<zdroj>AspeEsticon</zdroj><CenoveSoustavy><typ_CS>OTSKP</typ_CS></CenoveSoustavy>"
    assert len(read_bill(xc4([ITEM], head=head)).items) == 1


def test_an_item_inside_an_item_and_strange_parts_are_not_lost() -> None:
    inner = "<polozka><znacka>2</znacka><mnozstvi>1</mnozstvi></polozka>"
    outer = f"<polozka><znacka>1</znacka><mnozstvi>1</mnozstvi><dalsi>{inner}</dalsi><vv><r>2*3</r></vv></polozka>"
    bill = read_bill(f"<XC4><objekty>{outer}</objekty></XC4>".encode())
    assert [found.code for found in bill.items] == ["1", "2"]
    assert [skipped.reason for skipped in bill.skipped] == ["a part of an item of unknown kind: vv"]
