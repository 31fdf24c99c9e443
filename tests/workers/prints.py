"""Bills as programs print them, made anew with typst: forms of KROS and of RTS, and free tables in many styles."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache

import typst

from domain.bill import Bill, BillItem

STYLES = {
    "grid": "0.5pt",
    "open": "none",
    "ruled": "(x, y) => (bottom: 0.5pt)",
    "striped": "none, fill: (x, y) => if calc.odd(y) { luma(240) }",
}
FONT = "#set text(size: 8.5pt)\n"

Line = tuple[str, ...]


def written(amount: Decimal | None, decimals: int, *, comma: bool) -> str:
    """A number as it is printed; "" for none."""
    if amount is None:
        return ""
    english = f"{amount:,.{decimals}f}"
    return english.translate(str.maketrans(",.", " ,")) if comma else english


def cell(text: str, *, bold: bool = False) -> str:
    """A cell's content."""
    shown = f"#{json.dumps(text, ensure_ascii=False)}"
    return f"[*{shown}*]" if bold else f"[{shown}]"


@cache
def free_table(header: Line, align: Line, rows: tuple[Line, ...], style: str, height: str) -> bytes:
    """A table over as many pages as it takes; headings come again on each, between a head and a foot."""
    widths = ("36pt", "1fr", "50pt", "50pt", "58pt", "62pt")
    cells = ",".join(cell(text) for row in rows for text in row)
    names = ",".join(cell(name, bold=True) for name in header)
    return typst.compile(
        (
            '#set page(paper: "a4", margin: 15mm, header: [Stavební firma #h(1fr) 2026-11], '
            "footer: context [#h(1fr) Strana #counter(page).display()])\n"
            f"{FONT}= Novostavba\n#table(columns: ({','.join(widths)}), stroke: {STYLES[style]}, "
            f"align: (x, y) => ({','.join(align)}).at(x) + {height}, table.header({names}), {cells})"
        ).encode()
    )


def kros(bill: Bill, title: str) -> bytes:
    """Sheets of an export one after another: a recapitulation, and for each object its cover and its table."""
    objects = [section for section in bill.sections if section.kind == "object"]
    forms = [_cover("REKAPITULACE STAVBY", title, "", bill.declared_total)]
    for section in objects:
        name = f"{section.path[0]} - {section.title}"
        forms.append(_cover("KRYCÍ LIST SOUPISU PRACÍ", title, name, section.declared_total))
        items = [item for item in bill.items if item.section[0] == section.path[0]]
        total = written(section.declared_total, 2, comma=True)
        whole = f"table.cell(colspan: 7)[Náklady soupisu celkem], {cell(total)},"
        forms.append(_names("SOUPIS PRACÍ", title, name) + _kros_table(bill, items, whole))
    page = '#set page(paper: "a4", margin: 12mm, footer: context [Strana #counter(page).display() z 9])\n'
    return typst.compile((page + FONT + "#pagebreak()\n".join(forms)).encode())


def _names(form: str, title: str, name: str) -> str:
    rows = [("Stavba:", ""), ("", title), *((("Objekt:", ""), ("", name)) if name else ())]
    cells = ",".join(cell(text) for row in rows for text in row)
    return f"*{form}*\n#table(columns: (40pt, 1fr), stroke: none, {cells})\n"


def _cover(form: str, title: str, name: str, net: Decimal | None) -> str:
    net = net or Decimal(0)
    tax = (net * Decimal("0.21")).quantize(Decimal("0.01"))
    net_shown, tax_shown, gross = (written(amount, 2, comma=True) for amount in (net, tax, net + tax))
    rows = [
        ("Cena bez DPH", "", "", net_shown),
        ("", "Základ daně", "Sazba daně", "Výše daně"),
        ("DPH základní", net_shown, "21,00%", tax_shown),
        ("Cena s DPH", "", "CZK", gross),
    ]
    cells = ",".join(cell(text) for row in rows for text in row)
    align = "align: (left, right, right, right)"
    return _names(form, title, name) + f"#table(columns: (1fr, 1fr, 1fr, 1fr), stroke: none, {align}, {cells})\n"


def _kros_table(bill: Bill, items: Iterable[BillItem], first: str) -> str:
    titles = {part.path: part for part in bill.sections}
    rows: list[tuple[Line, bool]] = []
    path: tuple[str, ...] = ()
    for item in items:
        for depth in range(2, len(item.section) + 1):
            if item.section[:depth] != path[:depth]:
                part = titles[item.section[:depth]]
                total = written(part.declared_total, 2, comma=True)
                rows.append((("", "D", part.path[-1], part.title, "", "", "", total), False))
        path = item.section
        amounts = (
            written(item.quantity, 3, comma=True),
            *(written(amount, 2, comma=True) for amount in (item.unit_price, item.declared_total)),
        )
        rows.append(((item.number, "K", item.code, item.description, item.unit, *amounts), True))
        rows += [(("", "P", "", note, "", "", "", ""), False) for note in item.notes]
        rows += [
            (("", "VV", "", row.expression, "", written(row.value, 3, comma=True), "", ""), False)
            for row in item.takeoff
        ]
    heads = ("PČ", "Typ", "Kód", "Popis", "MJ", "Množství", "J.cena [CZK]", "Cena celkem [CZK]")
    return _boxed(("22pt", "20pt", "55pt", "1fr", "28pt", "52pt", "55pt", "65pt"), heads, rows, first)


def rts(bill: Bill, title: str) -> bytes:
    """A part of a bill to a page, each page with the names of what is built and the headings."""
    parts: list[str] = []
    for section in (each for each in bill.sections if each.kind == "object"):
        items = [item for item in bill.items if item.section[0] == section.path[0]]
        names = [("S:", "38", title), ("O:", section.path[0], section.title), ("R:", "01", "Stavební práce")]
        cells = ",".join(cell(text) for row in names for text in row)
        above = f"#align(center)[*Položkový rozpočet*]\n#table(columns: (18pt, 60pt, 1fr), stroke: 0.5pt, {cells})\n"
        parts.append(above + _rts_table(bill, items))
    page = (
        '#set page(paper: "a4", margin: 12mm, footer: context [Zpracováno programem BUILDpower S, © RTS, a.s. #h(1fr) '
        "Stránka #counter(page).display() z 9])\n"
    )
    return typst.compile((page + FONT + "#pagebreak()\n".join(parts)).encode())


def _rts_table(bill: Bill, items: Iterable[BillItem]) -> str:
    titles = {part.path: part for part in bill.sections}
    rows: list[tuple[Line, bool]] = []
    path: tuple[str, ...] = ()
    for item in items:
        if item.section != path:
            path = item.section
            part = titles[path]
            total = written(part.declared_total, 2, comma=True)
            rows.append(((f"Díl:{path[-1]}", "", part.title, "", "", "", total), True))
        amounts = (
            written(item.quantity, 5, comma=True),
            *(written(amount, 2, comma=True) for amount in (item.unit_price, item.declared_total)),
        )
        rows.append(((item.number, item.code, item.description, item.unit, *amounts), True))
        rows += [(("", "", note, "", "", "", ""), False) for note in item.notes]
        rows += [
            (("", "", row.expression, "", written(row.value, 5, comma=True), "", ""), False) for row in item.takeoff
        ]
    heads = ("P.č.", "Číslo položky", "Název položky", "MJ", "Množství", "Cena / MJ", "Celkem")
    return _boxed(("30pt", "62pt", "1fr", "28pt", "58pt", "55pt", "65pt"), heads, rows)


def _boxed(widths: Sequence[str], heads: Sequence[str], rows: Sequence[tuple[Line, bool]], first: str = "") -> str:
    """A table in which only some rows have boxes around their cells; `first` is a row that is written already."""
    boxes = ",".join(("true", *(["false"] if first else []), *(str(box).lower() for _, box in rows)))
    cells = first + ",".join(cell(text) for row, _ in rows for text in row)
    right = ",".join("right" if name in {"Množství", "J.cena [CZK]", "Cena celkem [CZK]"} else "left" for name in heads)
    return (
        f"#let boxes = ({boxes})\n#table(columns: ({','.join(widths)}), align: ({right}), "
        "stroke: (x, y) => if boxes.at(y, default: false) { 0.5pt }, "
        f"table.header({','.join(cell(name) for name in heads)}), {cells})\n"
    )
