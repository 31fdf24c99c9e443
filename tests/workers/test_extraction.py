"""What papers say: found by pattern, with place and passage, and what is not there is named."""

import io
import zipfile
from collections.abc import Iterable
from decimal import Decimal

import pytest

from domain.extraction import Extraction, Fact
from tests.workers.papers import pdf
from workers import extraction
from workers.extraction import enriched, extract
from workers.extraction.passages import number
from workers.parsing import ParserPool
from workers.readers.unreadable import Unreadable

D = Decimal
CONTRACT = """SMLOUVA O DÍLO č. 12/2025

Objednatel: Stavby Morava a.s., se sídlem Hlavní 12, 602 00 Brno
IČO: 27082440, DIČ: CZ27082440
Zhotovitel:
Zdeněk Vzor s.r.o., IČ: 12345678

Článek 1
Předmět smlouvy
Zhotovitel provede dílo do 30. 6. 2026. Zahájení 1. března 2026, ne 31. 2. 2026.

2. Cena díla
Cena díla je sjednána na 8 205 797,76 Kč bez DPH.

3. Platební podmínky
Faktury jsou splatné do 30 dnů od doručení. Objednatel je oprávněn k pozastávce ve výši 10 % z ceny.

4. Záruka
Záruční doba činí 60 měsíců. Vady se odstraní do 5 pracovních dnů.

5. Sankce
Za prodlení zaplatí zhotovitel smluvní pokutu 0,05 % z ceny díla za každý den, nejvýše však smluvní pokutu
250.000,- Kč.
"""
ENGLISH = """SUBCONTRACT AGREEMENT dated 12 March 2026

Contractor: Northern Build Ltd, company number 12345678
Subcontractor - Smith & Sons Ltd (VAT No. GB123456789)

Article 3. Payment
The price of this contract shall be EUR 1,250,000.50. Invoices are payable within 45 days. Retention of 5% is withheld.
Article 9. Termination
Either party may terminate this agreement by 3 months notice, as of December 31st, 2026.
Liquidated damages are GBP 500 for each day of delay.
"""
PROPERTY = """Kupní smlouva o převodu nemovitosti
Vlastník: Jana Vzorová, bytem Lipová 5, 602 00 Brno
Pozemek parc. č. 123/4, 123/5 a 124 o výměře 1 250 m2, zapsaný na LV č. 567 pro k. ú. Černá Pole, obec Brno.
Dům na parcele č. st. 88, podlahová plocha 145,5 m².
Adresa: Hlavní 12/3, 602 00 Brno
Kupní cena činí 4 500 000,- Kč.
Na nemovitosti vázne zástavní právo smluvní.

Nemovitost je bez věcných břemen.
"""


def values(found: Extraction, field: str) -> list[str]:
    return [fact.value for fact in found.facts if fact.field == field]


def labelled(found: Extraction, field: str) -> list[tuple[str, str]]:
    return [(fact.value, fact.label) for fact in found.facts if fact.field == field]


def test_a_czech_contract() -> None:
    found = extract(CONTRACT.encode(), "contract")
    assert (found.kind, found.language, found.pages, found.characters) == ("contract", "cs", 1, len(CONTRACT))
    assert labelled(found, "party") == [("Stavby Morava a.s.", "client"), ("Zdeněk Vzor s.r.o.", "contractor")]
    assert labelled(found, "company_id") == [("27082440", ""), ("12345678", "check digit differs")]
    assert values(found, "tax_id") == ["CZ27082440"]
    assert values(found, "date") == ["2026-06-30", "2026-03-01"]
    assert labelled(found, "amount") == [("8205797.76 CZK", "price"), ("250000 CZK", "penalty")]
    assert labelled(found, "term") == [("30 day", "payment"), ("60 month", "warranty"), ("5 working day", "warranty")]
    assert values(found, "retention") == ["10 %"]
    assert values(found, "penalty") == ["0.05 %", "250000 CZK"]
    assert values(found, "clause") == ["subject", "price", "payment", "warranty", "penalties"]
    assert found.missing == ()


def test_an_english_contract() -> None:
    found = extract(ENGLISH.encode(), "contract")
    assert found.language == "en"
    assert labelled(found, "party") == [("Northern Build Ltd", "contractor"), ("Smith & Sons Ltd", "subcontractor")]
    assert (values(found, "company_id"), values(found, "tax_id")) == (["12345678"], ["GB123456789"])
    assert values(found, "date") == ["2026-03-12", "2026-12-31"]
    assert labelled(found, "amount") == [("1250000.50 EUR", "price"), ("500 GBP", "penalty")]
    assert labelled(found, "term") == [("45 day", "payment"), ("3 month", "notice")]
    assert (values(found, "retention"), values(found, "penalty")) == (["5 %"], ["500 GBP"])
    assert values(found, "clause") == ["payment", "termination"]


def test_a_paper_about_a_property() -> None:
    found = extract(PROPERTY.encode(), "property")
    assert values(found, "owner") == ["Jana Vzorová"]
    assert values(found, "parcel") == ["123/4", "123/5", "124", "st. 88"]
    assert (values(found, "title_deed"), values(found, "cadastral_area")) == (["567"], ["Černá Pole"])
    assert labelled(found, "area") == [("1250 m2", "plot"), ("145.5 m2", "floor")]
    assert values(found, "address") == ["Lipová 5, 602 00 Brno", "Hlavní 12/3, 602 00 Brno"]
    assert labelled(found, "value") == [("4500000 CZK", "purchase_price")]
    assert labelled(found, "encumbrance") == [("mortgage", "zástavní právo"), ("easement", "denied")]
    assert found.missing == ("date",)


def test_an_english_property() -> None:
    text = (
        "Registered proprietor: John Smith, born 1960\nThe property located at 5 Mill Lane, Leeds\n"
        "Title number: YK12345. Site area 0.5 ha, floor area 1,200 sq ft. Market value: £250,000\n"
        "A right of way and a mortgage; free of any lien.\n"
    )
    found = extract(text.encode(), "property")
    assert (values(found, "owner"), values(found, "address")) == (["John Smith"], ["5 Mill Lane, Leeds"])
    assert (values(found, "title_deed"), values(found, "value")) == (["YK12345"], ["250000 GBP"])
    assert labelled(found, "area") == [("0.5 ha", "plot"), ("1200 ft2", "floor")]
    assert [label == "denied" for _, label in labelled(found, "encumbrance")] == [False, False, True]


def test_every_fact_stands_where_it_says() -> None:
    pages = CONTRACT.split("\n\n3.")
    found = extract("\f".join(pages).encode(), "contract")
    assert found.pages == 2
    assert {fact.page for fact in found.facts} == {1, 2}
    for fact in found.facts:
        page = pages[fact.page - 1]
        if fact.field in {"party", "company_id", "tax_id"}:
            assert page[fact.offset :].startswith(fact.value)
        assert fact.passage in " ".join(page.split())
    price = next(fact for fact in found.facts if fact.field == "amount")
    assert (price.amount, price.unit) == (D("8205797.76"), "CZK")
    assert "8 205 797,76 Kč" in price.passage


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1.250.000,00", "1250000.00"), ("1,250,000.5", "1250000.5"), ("0,125", "0.125"), ("1 250", "1250"), ("7", "7")],
)
def test_numbers_are_read_with_whatever_separators(written: str, meant: str) -> None:
    assert number(written) == D(meant)


def docx(*paragraphs: str, name: str = "word/document.xml") -> bytes:
    body = "".join(
        f"<w:p><w:r><w:t>{text}</w:t><w:tab/></w:r></w:p>"
        if text
        else "<w:p><w:r><w:lastRenderedPageBreak/></w:r></w:p>"
        for text in paragraphs
    )
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, f'<w:document xmlns:w="{word}"><w:body>{body}<w:br/></w:body></w:document>')
    return content.getvalue()


def test_a_docx_is_read_page_by_page() -> None:
    found = extract(docx("Objednatel: Alfa a.s.", "", "Cena díla je 100 Kč"), "contract")
    assert found.pages == 2
    assert [(fact.value, fact.page) for fact in found.facts] == [("Alfa a.s.", 1), ("100 CZK", 2)]
    assert "term" in found.missing


def test_a_pdf_with_text_is_read_page_by_page() -> None:
    pages = [([(50.0, 50.0, "Client: Alfa Ltd, Leeds Road 12"), (50.0, 80.0, "dated 2026-03-12")], [])]
    pages.append(([(50.0, 50.0, "The price shall be EUR 100.50 under this agreement")], []))
    found = extract(pdf(pages), "contract")
    assert (found.pages, found.language) == (2, "en")
    assert [(fact.field, fact.page) for fact in found.facts] == [("party", 1), ("date", 1), ("amount", 2)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf([([], [])], pictures=True), "needs_ocr"),
        (b"%PDF-1.4\nbroken", "malformed"),
        (b"", "no_text"),
        (bytes(range(32)) * 20, "no_text"),
        (docx("x", name="xl/workbook.xml"), "no_text"),
        (docx(), "empty"),
        (docx("x")[:60], "malformed"),
    ],
)
def test_what_has_no_text_is_refused_with_what_to_do(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        extract(data, "contract")
    assert refused.value.code == f"unreadable.{code}"


def test_facts_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "MOST_FACTS", 3)
    found = extract(b"EUR 1\nEUR 2\nEUR 3\nEUR 4\nEUR 5\n", "contract")
    assert (len(found.facts), found.dropped) == (3, 2)
    assert found.counts() == {"amount": 3}


def test_a_model_adds_what_stands_there_and_removes_nothing() -> None:
    pages = ["Client: Alfa Ltd\nThe works are insured."]
    found = extract(pages[0].encode(), "contract")
    assert "term" in found.missing

    def model(_pages: object, seen: Extraction) -> Iterable[Fact]:
        yield Fact(field="term", value="insured", page=1, offset=17, passage="The works  are insured.")
        yield Fact(field="penalty", value="made up", page=1, offset=0, passage="a fine of 5 %")
        yield Fact(field="penalty", value="nowhere", page=2, offset=0, passage="Client")
        yield from seen.facts

    more = enriched(found, pages, model)
    assert more.facts[: len(found.facts)] == found.facts
    assert [(fact.value, fact.source) for fact in more.facts[len(found.facts) :]] == [("insured", "model")]
    assert set(found.missing) - set(more.missing) == {"term"}


async def test_papers_are_read_in_the_limited_child() -> None:
    async with ParserPool() as parser:
        found = await parser.extract(CONTRACT.encode(), "contract")
        assert found == extract(CONTRACT.encode(), "contract")
        with pytest.raises(Unreadable) as refused:
            await parser.extract(pdf([([], [])], pictures=True), "property")
    assert refused.value.code == "unreadable.needs_ocr"
