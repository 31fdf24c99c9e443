"""One small bill laid out in the ways that offices lay theirs out; it must read to the same lines and the same sums."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from domain.bill import Bill
from domain.position import line_total
from tests.workers.workbooks import Rows, csv, xlsx, xlsx_of
from workers.readers import Unreadable, read_bill

D = Decimal
Row = list[str | float | None]
SECTIONS = {
    "Zemní práce": [("122151103", "Výkop jámy", "m3", 2.5, 10.4, 26.0), ("162701105", "Odvoz", "m3", 4.0, 20.0, 80.0)],
    "Základy": [
        ("274313711", "Beton pasů", "m3", 3.0, 2000.5, 6001.5),
        ("274361821", "Výztuž", "t", 0.25, 40000.0, 10000.0),
    ],
}
LINES = [line for lines in SECTIONS.values() for line in lines]
NET = D("16107.5")
HEADER = ("P.č.", "Kód", "Popis", "MJ", "Množství", "J.cena", "Cena celkem")


def rows(header: Sequence[str] = HEADER, *, sections: bool = True) -> list[Row]:
    """The bill below its header: number, code, description, unit, quantity, unit price, total."""
    found: list[Row] = [[*header]]
    for at, (title, lines) in enumerate(SECTIONS.items(), 1):
        if sections:
            found.append([None, str(at), title, None, None, None, sum(line[5] for line in lines)])
        found.extend([number, *line] for number, line in enumerate(lines, 1))
    return found


def said(bill: Bill) -> list[tuple[object, ...]]:
    return [
        (item.code, item.description, item.unit, item.quantity, item.unit_price, item.declared_total)
        for item in bill.items
    ]


WANTED = [tuple(D(str(cell)) if isinstance(cell, float) else cell for cell in line) for line in LINES]


@pytest.mark.parametrize(
    "header",
    [
        ("Poř.", "Číslo položky", "Název položky", "Měr. jedn.", "Počet MJ", "Jedn. cena", "Celkem Kč"),
        ("č.", "Kód položky", "Název", "M.J.", "Množ.", "Cena/MJ", "Celkem bez DPH"),
        ("#", "Označení", "Popis prací", "Jedn.", "Množství celkem", "Cena za jedn. (Kč)", "Cena (Kč)"),
        ("Položka č.", "Kód", "Specifikace", "j.", "ks", "cena/ks", "cena"),
        ("poř.\nčíslo", "Kód", "Název\npoložky", "MJ", "Mno-\nžství", "Jedn.\ncena", "Cena\ncelkem"),
        ("p.č.", "Kód", "Druh práce", "měr.j.", "výměra", "j.c.", "celkem"),
        ("Č.", "Kód", "Skrátený popis", "MJ", "Množstvo celkom", "Cena jednotková", "Celkom bez DPH"),
        ("No", "Code", "Scope of Work", "U/M", "Est. Qty", "Unit Price (EUR)", "Extended Price"),
        ("Item", "Spec ref", "Details", "Unit", "Quantity", "Rate", "Value"),
        ("Pos.-Nr.", "Code", "Leistungsbeschreibung", "Einh.", "Mge.", "EP in €", "GP in €"),
        ("Position", "Code", "Text", "Einh", "Anzahl", "Einzelpreis", "Gesamt"),
        ("Lfd. Nr.", "Artikel", "Kurzbeschreibung", "Mengen-einheit", "LV-Menge", "E-Preis", "G-Preis"),
        ("Orden", "Código", "Resumen", "Ud", "CanPres", "PrPres", "ImpPres"),
        ("Ssz.", "Tételszám", "Tétel szövege", "Egység", "Mennyiség", "Egységár", "Összesen"),
    ],
)
def test_headings_are_shortened_broken_and_foreign(header: tuple[str, ...]) -> None:
    bill = read_bill(xlsx(rows(header)))
    assert said(bill) == WANTED
    assert [section.title for section in bill.sections if section.kind == "section"] == list(SECTIONS)
    assert not [warning for warning in bill.warnings if "not read" in warning]


def test_a_price_whose_heading_tells_nothing_is_found_by_the_totals_it_makes() -> None:
    bill = read_bill(xlsx(rows((*HEADER[:5], "Nabídka", HEADER[6]))))
    assert said(bill) == WANTED


def test_a_column_that_makes_no_totals_is_no_price() -> None:
    header, *body = rows((*HEADER[:5], "Hmotnost", HEADER[6]))
    table = [header, *([*row[:5], 7.5, row[6]] if row[4] else row for row in body)]
    bill = read_bill(xlsx(table))
    assert [item.unit_price for item in bill.items] == [None] * len(LINES)
    assert "Columns that were not read: Hmotnost." in bill.warnings


@pytest.mark.parametrize(
    "headers",
    [
        [("Kód", "Popis", "MJ", "Množství", "Materiál/MJ", "Materiál celkem", "Montáž/MJ", "Montáž celkem", "Celkem")],
        [
            ("Kód", "Popis", "MJ", "Množství", "Dodávka", None, "Montáž", None, "Celkem"),
            (None, None, None, None, "J.cena", "Celkem", "J.cena", "Celkem"),
        ],
        [
            ("Kód", "Popis", "MJ", "Množství", "Materiál", None, "Práce", None, "Cena celkem"),
            (None, None, None, None, "cena/MJ", "cena celkem", "cena/MJ", "cena celkem"),
        ],
        [("Code", "Description", "Unit", "Qty", "Supply rate", "Supply", "Labour rate", "Labour", "Total")],
    ],
)
def test_material_and_assembly_are_priced_apart(headers: Rows) -> None:
    table = [
        ("741120003", "Vodič", "m", 100, 12.5, 1250, 30, 3000, 4250),
        ("741310001", "Vypínač", "ks", 2, 80, 160, 95.5, 191, 351),
    ]
    bill = read_bill(xlsx([*headers, *table]))
    assert [
        (item.material_price, item.assembly_price, item.unit_price, item.declared_total) for item in bill.items
    ] == [
        (D("12.5"), D(30), D("42.5"), D(4250)),
        (D(80), D("95.5"), D("175.5"), D(351)),
    ]


def test_columns_of_material_and_assembly_that_hold_amounts_are_no_unit_prices() -> None:
    header = ("Kód", "Popis", "MJ", "Množství", "J.cena", "Materiál", "Montáž", "Celkem")
    bill = read_bill(xlsx([header, ("1", "Vodič", "m", 100, 42.5, 1250, 3000, 4250)]))
    assert [(item.unit_price, item.material_price, item.assembly_price) for item in bill.items] == [
        (D("42.5"), None, None)
    ]


def test_a_common_name_may_stand_over_a_unit_price_named_by_its_unit() -> None:
    header = [("Kód", "Popis", "MJ", "Množství", "Cena v Kč", None), (None, None, None, None, "MJ", "celkem")]
    bill = read_bill(xlsx([*header, *LINES]))
    assert said(bill) == WANTED


@pytest.mark.parametrize("below", [("a", "b", "c", "d", "e", "f", "g"), (1, 2, 3, 4, 5, 6, "7=5x6"), tuple("1234567")])
def test_columns_are_numbered_or_lettered_below_the_header(below: tuple[str | float, ...]) -> None:
    header, *body = rows()
    assert said(read_bill(xlsx([header, [*below], *body]))) == WANTED


def test_headings_further_down_may_put_the_columns_in_another_order() -> None:
    order = (0, 2, 1, 4, 3, 5, 6)
    table = [list(HEADER), *([1, *line] for line in SECTIONS["Zemní práce"])]
    again: list[Row] = [[*HEADER], *([1, *line] for line in SECTIONS["Základy"])]
    bill = read_bill(xlsx([*table, [], ["Základy"], *([row[at] for at in order] for row in again)]))
    assert said(bill) == WANTED
    assert [section.title for section in bill.sections if section.kind == "section"] == ["Základy"]


def test_headings_of_two_rows_may_come_again() -> None:
    two = [("Kód", "Popis", "MJ", "Množství", "Cena", None), (None, None, None, None, "celkem", "jednotková")]
    table = [(*line[:4], line[5], line[4]) for line in LINES]
    bill = read_bill(xlsx([*two, *table[:2], *two, *table[2:]]))
    assert said(bill) == WANTED
    assert [row.line for row in bill.skipped] == [5, 6]


@pytest.mark.parametrize(
    ("net", "tax", "gross"),
    [
        (["Cena bez DPH"], ["DPH 21 %"], ["Cena s DPH"]),
        ([None, None, "Základ DPH 21 %"], [None, None, "DPH 21 %"], [None, None, "Celkem vč. DPH"]),
        ([None, None, "Nabídková cena bez DPH"], [None, None, "Daň z přidané hodnoty 21 %"], [None, None, "K úhradě"]),
        ([None, None, "Celkem"], [None, None, "DPH", None, None, 0.21], [None, None, "Celkem s DPH"]),
        ([None, None, "Celkem"], ["DPH", None, None, None, "21%"], [None, None, "Celkem s DPH"]),
        ([None, None, "Cena celkom bez DPH"], [None, None, "DPH 21 %"], [None, None, "Cena celkom s DPH"]),
        ([None, None, "Zwischensumme"], [None, None, "zzgl. Mehrwertsteuer 21 %"], [None, None, "Endbetrag"]),
        (
            [None, None, "Presupuesto de ejecución material"],
            [None, None, "21 % IVA"],
            [None, None, "Total presupuesto"],
        ),
        ([None, None, "Total HT"], [None, None, "TVA 21 %"], [None, None, "Total TTC"]),
        ([None, None, "Contract sum"], [None, None, "Add VAT @ 21%"], [None, None, "Contract sum incl. VAT"]),
    ],
)
def test_totals_and_taxes_are_no_items_whatever_they_are_called(net: Row, tax: Row, gross: Row) -> None:
    amount = line_total(NET, D("0.21")) or D(0)
    sums = ((net, NET), (tax, amount), (gross, NET + amount))
    bill = read_bill(xlsx([*rows(), [], *([*name, *[None] * (6 - len(name)), float(worth)] for name, worth in sums)]))
    assert said(bill) == WANTED
    assert (bill.declared_total, bill.declared_total_with_vat) == (NET, NET + amount)
    assert [total.amount for total in bill.totals if total.kind == "vat"] == [amount]
    assert not bill.surcharges


@pytest.mark.parametrize("quantity", [0, 1])
def test_headings_whose_formulas_fill_all_columns_are_headings(quantity: int) -> None:
    table = [
        [*row[:4], quantity, row[6] if quantity else 0, row[6]] if isinstance(row[1], str) and row[0] is None else row
        for row in rows()
    ]
    bill = read_bill(xlsx(table))
    assert said(bill) == WANTED
    assert [(section.title, section.declared_total) for section in bill.sections if section.kind == "section"] == [
        ("Zemní práce", D(106)),
        ("Základy", D("16001.5")),
    ]


def test_a_recapitulation_below_the_table_is_no_second_set_of_items() -> None:
    summed = [
        [at, None, title, None, None, None, sum(line[5] for line in lines)]
        for at, (title, lines) in enumerate(SECTIONS.items(), 1)
    ]
    total: Row = [None, None, "Celkem", None, None, None, float(NET)]
    bill = read_bill(xlsx([*rows(), total, [], ["Rekapitulace"], *summed, total]))
    assert said(bill) == WANTED
    assert bill.declared_total == NET
    assert [row.reason for row in bill.skipped if row.reason.startswith("the sum of a section")] == [
        "the sum of a section again: Zemní práce",
        "the sum of a section again: Základy",
    ]


@pytest.mark.parametrize("label", ["Cena bez DPH", "Celkem bez DPH", "Total excl. VAT", "Gesamtsumme netto"])
def test_a_total_that_only_a_cover_states_is_the_bills(label: str) -> None:
    cover: list[Row] = [["Stavba:", "Dům"], [label, None, float(NET), "CZK"]]
    bill = read_bill(xlsx_of({"Krycí list": cover, "Rozpočet": rows()}))
    assert (bill.declared_total, said(bill)) == (NET, WANTED)
    assert [(total.sheet, total.line) for total in bill.totals] == [("Krycí list", 2)]
    above = read_bill(xlsx([*cover, [], *rows()], sheet="Rozpočet"))
    assert (above.declared_total, above.totals[0].path) == (NET, ("Rozpočet",))


def test_a_cover_does_not_overrule_the_table() -> None:
    total: Row = [None, None, "Celkem", None, None, None, float(NET)]
    cover: list[Row] = [["Cena bez DPH", 99.0]]
    assert read_bill(xlsx_of({"Krycí list": cover, "Rozpočet": [*rows(), total]})).declared_total == NET


def test_a_recapitulation_with_quantities_is_not_counted_twice() -> None:
    summed: list[Row] = [
        ["Popis", "MJ", "Množství", "Cena celkem"],
        *([title, "kpl", 1, sum(line[5] for line in lines)] for title, lines in SECTIONS.items()),
        ["Celkem", None, None, float(NET)],
    ]
    total: Row = [None, None, "Celkem", None, None, None, float(NET)]
    bill = read_bill(xlsx_of({"Rekapitulace": summed, "Rozpočet": [*rows(), total]}))
    assert (said(bill), bill.declared_total) == (WANTED, NET)
    assert [row.line for row in bill.skipped if row.sheet == "Rekapitulace"] == [2, 3]
    assert "The sheet 'Rekapitulace' repeats the sums of others and was not read as items." in bill.warnings
    summed[1][3] = 105.0
    assert len(read_bill(xlsx_of({"Rekapitulace": summed, "Rozpočet": rows()})).items) == len(LINES) + 2


@pytest.mark.parametrize(
    "between",
    [
        [["Strana 1 z 2"], [*HEADER]],
        [[None, None, "Přenos", None, None, None, 26.0], [*HEADER]],
        [[None, None, "Mezisoučet strana 1", None, None, None, 26.0]],
        [["Seite 1/2"], [None, None, "Übertrag", None, None, None, 26.0]],
    ],
)
def test_what_frames_a_printed_page_is_no_part_of_the_bill(between: list[Row]) -> None:
    table = rows()
    table[1][6] = None
    bill = read_bill(xlsx([*table[:3], *between, *table[3:]]))
    assert said(bill) == WANTED
    assert [(section.title, section.declared_total) for section in bill.sections if section.kind == "section"] == [
        ("Zemní práce", None),
        ("Základy", D("16001.5")),
    ]
    assert len(bill.skipped) == len(between)


def test_each_of_several_tables_stands_below_its_title() -> None:
    table: list[Row] = [["Rozpočet domu"], []]
    for at, (title, lines) in enumerate(SECTIONS.items(), 1):
        table += [[f"{at}. {title}"], [*HEADER], *([number, *line] for number, line in enumerate(lines, 1))]
        table += [[None, None, "Celkem", None, None, None, sum(line[5] for line in lines)], []]
    bill = read_bill(xlsx([*table, [None, None, "Celkem bez DPH", None, None, None, float(NET)]]))
    assert (said(bill), bill.declared_total, bill.title) == (WANTED, NET, "Rozpočet domu")
    assert [(section.title, section.declared_total) for section in bill.sections if section.kind == "section"] == [
        ("1. Zemní práce", D(106)),
        ("2. Základy", D("16001.5")),
    ]


@pytest.mark.parametrize("encoding", ["cp1250", "cp852", "iso8859-2"])
@pytest.mark.parametrize(
    "words", [("Množství", "Žlutý kůň šíleně příští dům"), ("Množstvo", "Kŕmička, ďaleko ľahšia žeď")]
)
def test_central_european_letters_survive_every_code_page(encoding: str, words: tuple[str, str]) -> None:
    heading, description = words
    bill = read_bill(csv([("Popis", "MJ", heading, "Cena"), (description, "ks", 1, 2)], encoding=encoding))
    assert [item.description for item in bill.items] == [description]


def test_of_several_quantities_the_one_that_makes_the_totals_is_taken() -> None:
    header = ("Kód", "Popis", "MJ", "Počet", "Délka", "Množství", "J.cena", "Cena celkem")
    assert said(read_bill(xlsx([header, *([*line[:3], 1, line[3], *line[3:]] for line in LINES)]))) == WANTED
    header = ("Kód", "Popis", "MJ", "Množství provedené", "Množství dle smlouvy", "J.cena", "Cena celkem")
    assert said(read_bill(xlsx([header, *([*line[:3], 0.5, *line[3:]] for line in LINES)]))) == WANTED
    blank = read_bill(xlsx([("Popis", "MJ", "Počet", "Délka", "Množství"), ("Výkop", "m3", 2, 3, 6)]))
    assert [item.quantity for item in blank.items] == [6]


@pytest.mark.parametrize("name", ["", "Charakteristika dodávky"])
def test_a_column_of_texts_between_named_ones_is_the_description(name: str) -> None:
    assert said(read_bill(xlsx(rows((*HEADER[:2], name, *HEADER[3:]))))) == WANTED


def test_a_table_of_numbers_without_descriptions_is_no_bill() -> None:
    table = [("Kód", "X", "MJ", "Množství", "J.cena", "Celkem"), *(("1", "a", "m", 1, 2, 2) for _ in range(5))]
    with pytest.raises(Unreadable):
        read_bill(xlsx(table))


def test_prices_may_stand_under_the_names_of_bidders() -> None:
    header = [
        ("Kód", "Popis", "MJ", "Množství", "Firma A", None, "Firma B", None),
        (*[None] * 4, *("J.cena", "Celkem") * 2),
    ]
    bill = read_bill(xlsx([*header, *([*line, 2 * line[4], 2 * line[5]] for line in LINES)]))
    assert said(bill) == WANTED
    assert "Columns that were not read: Celkem." in bill.warnings


@pytest.mark.parametrize("words", ["nur EP", "nur E.P.", "Rate only"])
def test_an_item_of_which_only_the_rate_is_asked_enters_no_sum(words: str) -> None:
    total: Row = [None, None, "Summe", None, None, None, float(NET)]
    bill = read_bill(xlsx([*rows(), [9, "9", "Felsabtrag", "m3", 10, 75, words], total]))
    assert [item.role for item in bill.items] == ["base"] * len(LINES) + ["optional"]
    assert (bill.declared_total, bill.items[-1].declared_total) == (NET, None)
    assert not [warning for warning in bill.warnings if "not a number" in warning]


def test_chapters_of_presto_have_a_quantity_a_price_and_a_closing_row() -> None:
    table: list[Row] = [["Código", "Nat", "Ud", "Resumen", "CanPres", "PrPres", "ImpPres"]]
    for at, (title, lines) in enumerate(SECTIONS.items(), 1):
        amount = sum(line[5] for line in lines)
        table.append([str(at), "Capítulo", None, title, 1, amount, amount])
        table += [[code, "Partida", unit, text, *numbers] for code, text, unit, *numbers in lines]
        table.append([None, None, None, str(at), 1, amount, amount])
    bill = read_bill(xlsx([*table, [None, None, None, "Obra", 1, float(NET), float(NET)]]))
    assert (said(bill), bill.declared_total) == (WANTED, NET)
    assert [section.declared_total for section in bill.sections if section.kind == "section"] == [D(106), D("16001.5")]


def test_a_lump_sum_without_a_unit_that_equals_the_next_item_stays_an_item() -> None:
    bill = read_bill(xlsx([HEADER, (1, "A", "Doprava", None, 1, 500, 500), (2, "B", "Úklid", "kpl", 1, 500, 500)]))
    assert [item.description for item in bill.items] == ["Doprava", "Úklid"]


@pytest.mark.parametrize("title", ["Přenos dat", "Levá strana mostu"])
def test_a_section_named_like_what_a_page_carries_is_a_section(title: str) -> None:
    table = rows()
    table[1][2] = title
    bill = read_bill(xlsx([*table[:4], [None, None, f"Celkem {title}", None, None, None, 106.0], *table[4:]]))
    assert [(section.title, section.declared_total) for section in bill.sections if section.kind == "section"] == [
        (title, D(106)),
        ("Základy", D("16001.5")),
    ]


@pytest.mark.parametrize(
    ("quantity", "price", "total", "code"),
    [
        ("Množství", "12,5", "Celkem bez DPH (EUR)", "EUR"),
        ("Množství", "12,50€", "Celkem", "EUR"),
        ("Qty", "£12.50", "Total", "GBP"),
        ("Množstvo", "12,5", "Spolu", "EUR"),
        ("Menge", "12,5", "Summe", "EUR"),
        ("Medición", "12,5", "Total", "EUR"),
        ("Ilość", "12,5", "Razem", "PLN"),
        ("Quantity", "12.5", "Total", "CZK"),
    ],
)
def test_a_currency_stands_in_cells_and_sums_and_else_the_language_tells_it(
    quantity: str, price: str, total: str, code: str
) -> None:
    table = [
        ("Description", "Unit", quantity, "Rate", "Amount"),
        ("Výkop", "m3", 2, price, 25),
        (total, None, None, None, 25),
    ]
    bill = read_bill(xlsx(table))
    assert (bill.currency, bill.items[0].unit_price, bill.declared_total) == (code, D("12.5"), 25)
    told = code in total or price.strip("€£") != price
    assert (f"The file names no currency: {code} is assumed." in bill.warnings) is not told


@pytest.mark.parametrize("text", [None, "Langtext der Position, geliefert und eingebaut."])
def test_the_numbers_of_an_item_may_stand_below_its_name(text: str | None) -> None:
    table: list[Row] = [["OZ", "Kurztext", "Menge", "ME", "EP", "GP"]]
    for at, (title, lines) in enumerate(SECTIONS.items(), 1):
        table.append([f"{at}.", title])
        for place, (_, name, unit, *numbers) in enumerate(lines, 1):
            table += [
                [f"{at}.{place}", name],
                *([[None, text]] if text else []),
                [None, None, numbers[0], unit, *numbers[1:]],
            ]
    bill = read_bill(xlsx([*table, [None, "Summe netto", None, None, None, float(NET)]]))
    assert [(item.number, item.description, item.unit, item.declared_total) for item in bill.items] == [
        (number, description, unit, total)
        for number, (_, description, unit, _, _, total) in zip(("1.1", "1.2", "2.1", "2.2"), WANTED, strict=True)
    ]
    assert bill.declared_total == NET
    assert [item.notes for item in bill.items] == [(text,) if text else ()] * len(LINES)
    assert [section.title for section in bill.sections if section.kind == "section"] == list(SECTIONS)


def test_a_quantity_may_bring_its_unit_where_there_is_no_column_of_units() -> None:
    table = [
        ("Kód", "Popis", "Množství", "J.cena", "Celkem"),
        ("1", "Výkop", "1 012,5 m3", 2, 2025),
        ("2", "Dveře", "2ks", 5, 10),
    ]
    bill = read_bill(xlsx(table))
    assert [(item.quantity, item.unit) for item in bill.items] == [(D("1012.5"), "m3"), (2, "ks")]


def test_headings_stand_out_among_notes_by_their_place_their_capitals_or_a_sum_before_them() -> None:
    note: Row = [None, None, "včetně dopravy a montáže"]

    def table(head: str, *, left: int = 0, sums: bool = False) -> list[Row]:
        found: list[Row] = [[*[None] * left, *HEADER]]
        for title, lines in SECTIONS.items():
            found.append([title] if left else [None, None, title.upper() if head == "capitals" else title])
            for number, line in enumerate(lines, 1):
                found += [[*[None] * left, number, *line], [*[None] * left, *note]]
            if sums:
                found.append([None, None, "Celkem", None, None, None, sum(line[5] for line in lines)])
        return found

    for laid_out in (table("capitals"), table("place", left=2), table("sum", sums=True)):
        bill = read_bill(xlsx(laid_out))
        assert [section.title.casefold() for section in bill.sections if section.kind == "section"] == [
            title.casefold() for title in SECTIONS
        ]
        assert [item.notes for item in bill.items] == [("včetně dopravy a montáže",)] * len(LINES)


def test_a_title_right_below_the_header_is_not_taken_for_part_of_it() -> None:
    header, *body = rows(("Pozn.", *HEADER[1:]), sections=False)
    bill = read_bill(xlsx([header, ["Zemní práce"], *body]))
    assert [section.title for section in bill.sections if section.kind == "section"] == ["Zemní práce"]
    assert said(bill) == WANTED


def test_types_of_products_are_no_types_of_rows() -> None:
    rows: Rows = [
        ("Kód", "Popis", "Typ", "MJ", "Množství", "Jednotková cena", "Cena celkem"),
        ("283764200", "Izolační deska", "XPS 100", "m2", 2.5, 10, 25),
        ("283764210", "Izolační deska", "XPS 120", "m2", 1, 12, 12),
    ]
    bill = read_bill(xlsx(rows))
    assert (bill.format, [item.code for item in bill.items]) == ("plain", ["283764200", "283764210"])
