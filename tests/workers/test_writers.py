"""What is written reads back to the same positions and totals; totals recompute; text stays text."""

import csv
import io
import re
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import openpyxl
import pypdfium2
import pytest
from hypothesis import given, settings
from msgspec import structs
from msgspec.structs import replace

from domain.bill import Bill, BillItem, Rounding, Surcharge
from domain.budget import pricing
from domain.experts.context import BillFacts
from domain.experts.orchestrator import audit
from domain.job import ExportFormat
from domain.position import EXACT
from tests.workers.statements import (
    PROJECT,
    bills,
    in_tree_order,
    measures,
    of_one_rounding,
    plain,
    priced,
    real,
    statement,
    with_total,
    without_places,
)
from workers.jobs import positions_of
from workers.readers import read_bill
from workers.sample_bill import sample_bill
from workers.writers import WRITERS, Statement, Unwritable, csv_file
from workers.writers.statement import Judgement, Overridden, amount_of, tree_of
from workers.writers.xlsx_file import MOST_LETTERS, recomputed

FULL: tuple[ExportFormat, ...] = ("xlsx", "csv", "json")


def written(bill: Bill, name: ExportFormat) -> bytes:
    return WRITERS[name].write(statement(bill)).data


@pytest.mark.parametrize("name", FULL)
@settings(deadline=None, max_examples=20)
@given(bill=bills())
def test_our_own_files_read_back_to_the_same_positions_and_totals(name: ExportFormat, bill: Bill) -> None:
    back = read_bill(written(bill, name))
    found = [without_places(item) for item in back.items]
    assert found == ([without_places(item) for item in bill.items] if name == "json" else in_tree_order(bill))
    assert amount_of(back) == amount_of(bill)
    assert [(each.label, each.amount) for each in back.surcharges] == [
        (each.label, each.amount) for each in bill.surcharges
    ]
    assert (back.title, back.currency, back.rounding) == (bill.title, bill.currency, bill.rounding)
    titles = {section.path: section.title for section in back.sections}
    assert all(titles[section.path] == section.title for section in bill.sections)
    if name != "json":
        assert back.declared_total == amount_of(bill)
        totals = {node.section.path: node.total for node in tree_of(bill).walk()}
        assert all(section.declared_total == totals[section.path] for section in back.sections)
        assert back.warnings == ()


@settings(deadline=None, max_examples=20)
@given(bill=bills())
def test_the_formulas_of_a_workbook_come_to_our_cents(bill: Bill) -> None:
    data = written(bill, "xlsx")
    formulas = openpyxl.load_workbook(io.BytesIO(data))["Bill"]
    cached = openpyxl.load_workbook(io.BytesIO(data), data_only=True)["Bill"]
    sheet = {cell.coordinate: cell.value for row in formulas.iter_rows() for cell in row if cell.value is not None}
    computed = {at: evaluate(text, sheet) for at, text in sheet.items() if _is_formula(formulas, at)}
    for at, value in computed.items():
        assert Decimal(str(cached[at].value)) == value, at
    last = max(cell.row for cell in formulas["A"] if cell.value == "grand total")
    if f"J{last}" in computed:
        assert computed[f"J{last}"] == amount_of(bill)


def _is_formula(sheet: Any, at: str) -> bool:
    return sheet[at].data_type == "f"


def evaluate(formula: str, sheet: dict[str, Any]) -> Decimal:
    """Compute what a spreadsheet program would: SUM, ROUND, products and sums of cells, in 15 digits."""
    text = formula.removeprefix("=")
    if (terms := _split(text, "+")) != [text]:
        return Decimal(f"{sum(float(evaluate(term, sheet)) for term in terms):.15g}")
    if (factors := _split(text, "*")) != [text]:
        left, right = (float(evaluate(factor, sheet)) for factor in factors)
        return Decimal(f"{left * right:.15g}")
    if inner := re.fullmatch(r"ROUND\((.*),(\d+)\)", text):
        return _half_up(evaluate(inner[1], sheet), int(inner[2]))
    if reach := re.fullmatch(r"SUM\(([A-Z]+)(\d+):[A-Z]+(\d+)\)", text):
        cells = (sheet.get(f"{reach[1]}{at}") for at in range(int(reach[2]), int(reach[3]) + 1))
        values = (
            evaluate(cell, sheet) if isinstance(cell, str) and cell.startswith("=ROUND") else cell for cell in cells
        )
        total = sum(float(value) for value in values if isinstance(value, int | float | Decimal))
        return Decimal(f"{total:.15g}")
    return Decimal(str(sheet[text]))


def _split(text: str, sign: str) -> list[str]:
    depth, parts = 0, [""]
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == sign and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _half_up(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def test_no_text_is_ever_a_formula() -> None:
    texts = ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|x", "'=1", "\uff1d1")  # fmt: skip
    items = tuple(BillItem(number=text, code=text, description=text, section=(text,), notes=(text,)) for text in texts)
    bill = Bill(format="plumbline", confidence=100, title="=1", items=items)
    sheet = openpyxl.load_workbook(io.BytesIO(written(bill, "xlsx")))["Bill"]
    assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    rows = list(csv.reader(io.StringIO(written(bill, "csv").decode("utf-8-sig")), delimiter=";"))
    assert not [cell for row in rows for cell in row if cell.startswith(csv_file.FORMULA_PREFIXES)]
    for name in ("xlsx", "csv"):
        assert [item.description for item in read_bill(written(bill, name)).items] == list(texts)


def test_what_binary_arithmetic_would_round_otherwise_stands_as_a_number() -> None:
    wide = BillItem(quantity=Decimal("123456.789"), unit_price=Decimal("987654321.1234"), section=("A",))
    bill = Bill(format="plumbline", confidence=100, items=(with_total(wide, Rounding()),))
    assert recomputed(wide.quantity, wide.unit_price, Rounding()) != bill.items[0].declared_total
    assert read_bill(written(bill, "xlsx")).items[0].declared_total == bill.items[0].declared_total


@pytest.mark.parametrize(
    ("quantity", "price", "total"),
    [
        ("1000000000", "1000000", "1000000000000000"),
        ("1000000000", "-1000000", "-1000000000000000"),
        ("999999999999", "999.99", "999989999999000.01"),
        ("123456789012345", "1000000000", "123456789012345000000000"),
        ("1234567890123456.789", "1.01", "1246913569024691.36"),
        ("1", "999999999999999", "999999999999999"),
        ("1", "9999999999999.99", "9999999999999.99"),
    ],
)
def test_totals_of_any_size_are_read_back_to_the_cent(quantity: str, price: str, total: str) -> None:
    item = BillItem(description="Work", quantity=Decimal(quantity), unit_price=Decimal(price), section=("A",))
    small = BillItem(description="Other", quantity=Decimal(1), unit_price=Decimal("0.01"), section=("A",))
    lines = tuple(with_total(each, Rounding()) for each in (item, small))
    assert lines[0].declared_total == Decimal(total)
    bill = Bill(
        format="plumbline", confidence=100, items=lines, surcharges=(Surcharge(label="x", amount=Decimal(total)),)
    )
    for name in FULL:
        back = read_bill(written(bill, name))
        assert [each.declared_total for each in back.items] == [each.declared_total for each in lines], name
        assert (back.items[0].quantity, back.items[0].unit_price) == (item.quantity, item.unit_price), name
        assert (back.surcharges[0].amount, amount_of(back)) == (Decimal(total), amount_of(bill)), name
        assert not back.warnings
    workbook = read_bill(written(bill, "xlsx"))
    assert (workbook.declared_total, workbook.sections[0].declared_total) == (
        amount_of(bill),
        EXACT.add(Decimal(total), Decimal("0.01")),
    )


def test_an_edited_workbook_is_read_as_it_was_edited() -> None:
    bill = read_bill(sample_bill(items=30))
    book = openpyxl.load_workbook(io.BytesIO(written(bill, "xlsx")))
    sheet = book["Bill"]
    row = next(at for at in range(3, 60) if sheet.cell(at, 1).value == "item")
    sheet.cell(row, 7).value = 12.5
    sheet.cell(row, 5).value = "Another text"
    out = io.BytesIO()
    book.save(out)
    first = read_bill(out.getvalue()).items[0]
    assert (first.quantity, first.description, first.line) == (Decimal("12.5"), "Another text", row)


@pytest.mark.parametrize("name", FULL)
def test_an_edited_currency_is_read_as_a_code_or_warned_about(name: ExportFormat) -> None:
    bill = Bill(format="plumbline", confidence=100, items=(BillItem(description="Beton", section=("A",)),))
    sign = read_bill(written(structs.replace(bill, currency="€"), name))
    assert (sign.currency, sign.warnings) == ("EUR", ())
    none = read_bill(written(structs.replace(bill, currency="Koruna"), name))
    assert none.currency == "CZK"
    assert [warning for warning in none.warnings if "'Koruna' is none" in warning]


def test_a_text_beyond_a_cell_is_refused_with_the_way_out() -> None:
    item = BillItem(description="x" * (MOST_LETTERS + 1), section=("A",))
    bill = Bill(format="plumbline", confidence=100, items=(item,))
    with pytest.raises(Unwritable, match="take CSV or JSON") as refused:
        written(bill, "xlsx")
    assert refused.value.code == "export.text_too_long"
    assert read_bill(written(bill, "csv")).items[0].description == item.description


@pytest.mark.parametrize("name", FULL)
def test_the_same_bill_gives_the_same_bytes(name: ExportFormat) -> None:
    bill = read_bill(sample_bill(items=40))
    assert written(bill, name) == written(bill, name)


@pytest.mark.parametrize("name", ["xlsx", "csv", "json", "unixml"])
def test_the_real_bills_come_back(request: pytest.FixtureRequest, name: ExportFormat) -> None:
    for bill in real(request.getfixturevalue("bills")):
        if name == "unixml" and bill.rounding.total != 2:
            continue  # refused, see below
        back = read_bill(written(bill, name))
        assert amount_of(priced(back)) == amount_of(bill), bill.title
        if name == "unixml":
            assert Counter(map(measures, back.items)) == Counter(map(measures, _without_optional(bill).items))
        else:
            assert Counter(map(_key, back.items)) == Counter(map(_key, bill.items)), bill.title


def _without_optional(bill: Bill) -> Bill:
    """The bill as uniXML can hold it: what is not in sums has no price."""
    return replace(
        bill, items=tuple(item if item.role == "base" else replace(item, unit_price=None) for item in bill.items)
    )


def _key(item: BillItem) -> tuple[str, ...]:
    return (*measures(item), item.code, plain(item.declared_total), *item.section)


@settings(deadline=None, max_examples=30)
@given(bill=bills())
def test_unixml_reads_back_to_the_same_positions_and_totals(bill: Bill) -> None:
    bill = of_one_rounding(bill, bill.rounding)
    back = read_bill(written(bill, "unixml"))
    assert (amount_of(priced(back)) or 0) == (amount_of(bill) or 0)
    assert Counter(map(measures, back.items)) == Counter(map(measures, _without_optional(bill).items))
    assert {item.section for item in back.items} == {item.section for item in bill.items}
    assert Counter(item.kind == "material" for item in back.items) == Counter(
        item.kind == "material" for item in bill.items
    )
    codes = Counter(re.sub(r" \(\d+\)$|^P\d+$", "", item.code) for item in back.items)
    assert codes == Counter(item.code.strip() for item in bill.items)


def test_formats_that_round_in_one_way_refuse_lines_that_do_not() -> None:
    item = with_total(BillItem(quantity=Decimal("1.5"), unit_price=Decimal("1.01"), section=("A",)), Rounding(total=0))
    bill = Bill(format="plumbline", confidence=100, items=(item,))
    for name, code in (
        ("unixml", "export.mixed_rounding"),
        ("gaeb", "export.not_in_cents"),
        ("gaeb_x82", "export.not_in_cents"),
    ):
        with pytest.raises(Unwritable) as refused:
            written(bill, name)
        assert refused.value.code == code


def judged(bill: Bill) -> Statement:
    """A statement with what the rules say of the bill."""
    positions = [structs.replace(position, revision=1) for position in positions_of(bill, UUID(int=1 << 64), PROJECT)]
    positions = [pricing.priced(position, bill.rounding.total) for position in positions]
    result = audit(positions, BillFacts(currency=bill.currency, rounding=bill.rounding.total))
    made = statement(bill, verdicts=tuple(result.verdicts[position.position_id] for position in positions))
    judgement = Judgement(
        audit_id=UUID(int=9),
        version=2,
        rules=result.rule_counts,
        settings=None,
        findings=tuple(finding for finding in result.findings if finding.recommendation != "GREEN"),
        overridden=(Overridden(position_id=positions[3].position_id, verdict="GREEN", reason="#import [x]"),),
        sequence=12,
        position=34,
        feed_digest="ab" * 32,
    )
    return structs.replace(
        made, position_ids=tuple(position.position_id for position in positions), judgement=judgement
    )


def words_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    pages = [page.get_textpage().get_text_bounded() for page in document]
    return " ".join(" ".join(pages).split())


def test_the_report_says_what_was_checked_by_what_and_what_it_rests_on() -> None:
    bill = replace(read_bill(sample_bill(items=120, faults=("wrong_line_total", "zero_price"))), title="Žluťoučký kůň")
    made = judged(bill)
    assert made.judgement is not None
    pdf = WRITERS["pdf"].write(made).data
    words = words_of(pdf)
    assert pdf == WRITERS["pdf"].write(made).data
    counts = Counter(made.verdicts)
    for part in (
        "Žluťoučký kůň",
        "version 3, 120 positions",
        "version 2, the latest audited one",
        f"RED {counts['RED']} ",
        f"AMBER {counts['AMBER']} ",
        "#import [x]",
        f"plumbline verify --feed project:{PROJECT} --sequence 12 --digest",
        *(f"{rule} " for rule in made.judgement.rules),
    ):
        assert part in words, part
    first = next(each for each in made.judgement.findings if each.recommendation == "RED" and each.position_id)
    index = made.position_ids.index(first.position_id or PROJECT)
    assert f"row {bill.items[index].line}" in words


def test_a_version_without_an_audit_has_no_report() -> None:
    with pytest.raises(Unwritable) as refused:
        WRITERS["pdf"].write(statement(read_bill(sample_bill(items=5))))
    assert refused.value.code == "export.not_audited"


def test_a_workbook_shows_verdicts_in_colour_and_findings_with_their_row() -> None:
    bill = read_bill(sample_bill(items=120, faults=("wrong_line_total", "zero_price")))
    made = judged(bill)
    book = openpyxl.load_workbook(io.BytesIO(WRITERS["xlsx"].write(made).data))
    shown = {cell.value: cell.fill.start_color.rgb for cell in book["Bill"]["L"] if cell.value in made.verdicts}
    assert shown["RED"] == "FFFFC7CE"
    assert shown["GREEN"] == "FFC6EFCE"
    rows = list(book["Findings"].iter_rows(min_row=2, values_only=True))
    assert made.judgement is not None
    assert len(rows) == len(made.judgement.findings)
    for row in rows:
        if row[7] is not None:
            assert book["Bill"].cell(int(str(row[7])), 5).value == row[5]
