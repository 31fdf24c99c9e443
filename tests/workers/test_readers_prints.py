"""Prints: what a program's forms say on paper is read as from its workbook, and free tables in whatever style."""

from decimal import Decimal

import pytest

from domain.bill import Bill, BillItem
from tests.workers import prints
from tests.workers.papers import Text, pdf
from workers.readers import read_bill
from workers.sample_bill import sample_bill

D = Decimal
WHOLE = read_bill(sample_bill(objects=2, items=60, seed=11))


def facts(items: tuple[BillItem, ...]) -> list[tuple[object, ...]]:
    return [
        (i.number, i.code, i.description, i.unit, i.quantity, i.unit_price, i.declared_total, i.section[1:])
        for i in items
    ]


def measured(items: tuple[BillItem, ...]) -> list[tuple[object, ...]]:
    return [(row.expression, row.value and row.value.quantize(D("0.001"))) for i in items for row in i.takeoff]


def test_a_print_of_kros_equals_its_workbook() -> None:
    bill = read_bill(prints.kros(WHOLE, "Bytový dům"))
    assert (bill.format, bill.confidence, bill.title) == ("pdf", 85, "Bytový dům")
    assert bill.variant.startswith("kros with recapitulation, ")
    assert facts(bill.items) == facts(WHOLE.items)
    assert measured(bill.items) == measured(WHOLE.items)
    assert [(part.title, part.kind, part.declared_total) for part in bill.sections] == [
        (part.title, part.kind, part.declared_total) for part in WHOLE.sections
    ]
    assert [" ".join(note.split()) for item in bill.items for note in item.notes] == [
        " ".join(note.split()) for item in WHOLE.items for note in item.notes
    ]
    net = WHOLE.declared_total or D(0)
    assert (bill.declared_total, bill.currency) == (net, "CZK")
    tax = [(total.rate, total.base) for total in bill.totals if total.kind == "vat" and not total.path]
    assert tax == [(D(21), net)]
    assert bill.warnings == ()


def test_each_row_of_a_print_knows_its_page_and_line() -> None:
    bill = read_bill(prints.kros(WHOLE, "Bytový dům"))
    pages = [int(item.sheet) for item in bill.items]
    assert pages == sorted(pages)
    assert len(set(pages)) > 2
    assert all(
        first.line < second.line
        for first, second in zip(bill.items, bill.items[1:], strict=False)
        if first.sheet == second.sheet
    )
    assert all(row.line for item in bill.items for row in item.takeoff)


def test_a_print_of_rts_is_read_by_the_looks_of_its_rows() -> None:
    bill = read_bill(prints.rts(WHOLE, "Bytový dům"))
    assert (bill.format, bill.title) == ("pdf", "Bytový dům")
    assert bill.variant.startswith("rts ")
    assert [row[:-1] for row in facts(bill.items)] == [row[:-1] for row in facts(WHOLE.items)]
    assert [item.section for item in bill.items] == [(item.section[0], "01", item.section[-1]) for item in WHOLE.items]
    assert [row for row in measured(bill.items) if row[1]] == [row for row in measured(WHOLE.items) if row[1]]


def test_a_note_that_goes_on_over_the_page_stays_one_note() -> None:
    places = (30, 60, 90, 170, 400, 440, 500, 560)
    heads = ("PC", "Typ", "Kód", "Popis", "MJ", "Množství", "J.cena", "Cena celkem")
    item = ("1", "K", "121151103", "Sejmutí ornice", "m2", "2,000", "10,00", "20,00")
    note = ("", "PP", "", "Poznámka, která je dlouhá", "", "", "", "")
    following = ("2", "K", "132251253", "Hloubení rýh", "m3", "1,000", "5,00", "5,00")

    def page(*rows: tuple[str, ...]) -> list[Text]:
        return [
            (place, 100 + 14 * line, text)
            for line, row in enumerate(rows)
            for place, text in zip(places, row, strict=True)
            if text
        ]

    rest = ("", "", "", "a konec na druhé", "", "", "", "")
    bill = read_bill(pdf([(page(heads, item, note), []), (page(heads, rest, following), [])]))
    assert [(found.code, found.notes) for found in bill.items] == [
        ("121151103", ("Poznámka, která je dlouhá a konec na druhé",)),
        ("132251253", ()),
    ]
    assert bill.items[1].sheet == "2"


GERMAN = ("OZ", "Leistungsbeschreibung", "Menge", "ME", "Einheitspreis", "Gesamtpreis")
ENGLISH = ("No.", "Description of works", "Unit", "Quantity", "Unit rate EUR", "Amount EUR")
LONG = " and a longer text that goes on over several lines of the cell, so that it has to be wrapped"


def rows_of(bill: Bill, language: str) -> tuple[list[tuple[str, ...]], list[tuple[object, ...]], list[str]]:
    """The rows of a table, and the items and titles that are to be read of it."""
    rows: list[tuple[str, ...]] = []
    items: list[tuple[object, ...]] = []
    titles: list[str] = []
    named = {part.path: part.title for part in bill.sections}
    path: tuple[str, ...] = ()
    for place, item in enumerate(bill.items[:45], 1):
        if item.section != path:
            path = item.section
            titles.append(named[path])
            rows.append((f"{len(titles):02}", named[path], "", "", "", ""))
        text = item.description + LONG * (place % 3 == 0)
        comma = language == "de"
        quantity = prints.written(item.quantity, 3, comma=comma)
        price, total = (prints.written(amount, 2, comma=comma) for amount in (item.unit_price, item.declared_total))
        measures = (quantity, item.unit) if comma else (item.unit, quantity)
        rows.append((f"1.{place:03}", text, *measures, price, total))
        items.append((f"1.{place:03}", text, item.unit, item.quantity, item.unit_price, item.declared_total))
    return rows, items, titles


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("height", ["top", "horizon", "bottom"])
@pytest.mark.parametrize("style", list(prints.STYLES))
def test_a_free_table_is_read_in_any_style(style: str, height: str, language: str) -> None:
    rows, items, titles = rows_of(WHOLE, language)
    header = GERMAN if language == "de" else ENGLISH
    align = ("left", "left", *(("right", "left") if language == "de" else ("left", "right")), "right", "right")
    bill = read_bill(prints.free_table(header, align, tuple(rows), style, height))
    assert [(i.number, i.description, i.unit, i.quantity, i.unit_price, i.declared_total) for i in bill.items] == items
    assert [part.title for part in bill.sections] == titles
