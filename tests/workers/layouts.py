"""Workbooks in the layouts of RTS, Aspe, EstiCon and "Stavební rozpočet", with our own wording."""

from collections.abc import Sequence

from tests.workers.workbooks import Formula, Rows, xlsx_of

Row = list[str | float | Formula | None]
TYPES = 32
"""The column of RTS that says what a row is."""

RTS_HEADER = (
    *("P.č.", "Číslo položky", "Název položky", "MJ", "Množství", "Cena / MJ", "Celkem", "Dodávka", "Dodávka celk."),
    *("Montáž", "Montáž celk.", "DPH", "Cena s DPH", "Hmotnost / MJ", "Hmotnost celk.(t)", "Dem. hmotnost / MJ"),
    *("Dem. hmotnost celk.(t)", "Ceník", "Cen. soustava / platnost", "Cenová úroveň", "Nhod / MJ", "Nhod celk."),
    *("Dodavatel", "Typ položky", "Stav položky"),
)


def typed(kind: str, cells: Sequence[str | float | Formula | None], column: int = TYPES) -> Row:
    """Put a row's type far to the right."""
    return [*cells, *[None] * (column - len(cells)), kind]


def rts_part(objects: str, part: str, header: Sequence[str] = RTS_HEADER, above: int = 0) -> list[Row]:
    """One sheet of items: two sections, one work with takeoff, one material, one lump sum."""
    return [
        *[[] for _ in range(above)],
        typed("#TypZaznamu#", ["Položkový rozpočet "]),
        typed("STA", ["S:", "38", "Sklad u trati"]),
        typed("OBJ", ["O:", objects, "Hala"]),
        typed("ROZ", ["R:", part, "Stavební část"]),
        [],
        list(header),
        [],
        typed("DIL", ["Díl:", "1", "Zemní práce", None, None, None, 1250.5]),
        typed("POL1_1", [1, "132151253", "Rýha pro pas", "m3", 12.505, 100, 1250.5, *[None] * 4, 21, None, 0.5]),
        typed("POP", [None, None, "Odvoz do 5 km."]),
        typed("VV", [None, None, "pas : 5,002*2,5"]),
        typed("VV", [None, None, "12,505", None, 12.51]),
        typed("DIL", ["Díl:", "21-M", "Elektromontáže", None, None, None, 305]),
        typed("POL3_0", [2, "345-R", "Kabel", "m", 10, 30.5, 305, *[None] * 4, 21, *[None] * 11, "Specifikace"]),
        [*[None] * 30, 12, 21, "DPH"],
        typed("SUM", [None, "Celkem", None, None, None, None, 1555.5]),
        ["Poznámky uchazeče k zadání"],
        typed("END", []),
    ]


def rts_front(parts: int) -> list[Row]:
    """The first sheet, with the totals of so many parts."""
    net = 1555.5 * parts
    return [
        ["#RTSROZP#", "Položkový rozpočet stavby"],
        [None, "Stavba:", None, "38", "Sklad u trati"],
        [None, "Rozpis ceny", *[None] * 6, "Celkem"],
        [0, "Základ pro sníženou DPH", None, None, 12, "%", 0, None, None, "CZK"],
        [0, "Základ pro základní DPH", None, None, 21, "%", net, None, None, "CZK"],
        [0, "Základní DPH ", None, None, 21, "%", round(net * 0.21, 2), None, None, "CZK"],
        [0, "Zaokrouhlení", *[None] * 4, 0, None, None, "CZK"],
        [None, "Cena celkem bez DPH", *[None] * 4, net, None, None, "CZK"],
        [0, "Cena celkem s DPH", *[None] * 4, round(net * 1.21, 2), None, None, "CZK"],
        ["#CASTI>>", "Číslo", "Název", *[None] * 5, "Cena celkem"],
        ["#POPS", "Popis stavby"],
        [None, "Podmínky zadání."],
    ]


def rts(*, front: bool = True) -> bytes:
    """A whole workbook of two parts of one object, or its sheets copied out."""
    sheets: dict[str, Rows] = {"Stavba": rts_front(2)} if front else {}
    return xlsx_of({**sheets, "A": rts_part("SO01", "01"), "B": rts_part("SO01", "02")})


def aspe(total: str, *, cached: bool = True, program: str = "SŽDC05", decimals: float = 2) -> bytes:
    """One object of two sections; `total` is the formula of a line, with `{row}` for its row."""

    def item(row: int, number: int, code: str, quantity: float, price: float) -> Row:
        written = Formula(total.format(row=row), round(quantity * price + 1e-9, 2) if cached else None)
        return ["P", number, code, "a" if number == 1 else None, "Zásyp", "M3", quantity, price, written, "OTSKP 2025"]

    rows: list[Row] = [
        [program, None, None, None, "Firma:", *[None] * 10, decimals],
        [None, None, None, None, "Soupis prací objektu"],
        ["S", "Stavba:", "2550", None, "Obchvat", None, None, None, 42.13],
        ["O", "Objekt:", "SO 202", None, "Most"],
        ["O1", "Rozpočet:", "202", None, "Spodní stavba"],
        ["Typ", "Poř. číslo", "Kód položky", "Varianta", "Název položky", "MJ", "Množství", "Cena", None, "Soustava"],
        [None, None, None, None, None, None, None, "Jednotková", "Celkem"],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        ["SD", None, "1", None, "Zemní práce", None, None, None, 30.13],
        item(10, 1, "17411", 2.41, 12.5),
        ["PP", None, None, None, "se zhutněním"],
        ["VV", None, None, None, ' "rýha "2,41*1 = 2,410 [A]'],
        ["TS", None, None, None, "Položka zahrnuje přesun."],
        ["SD", None, "2", None, "Základy", None, None, None, 12],
        item(15, 2, "272314", 3, 4),
        ["VV", None, None, None, ' "Celkové množství "3 = 3,000 [A]'],
    ]
    return xlsx_of({"List": rows})


BUILDING = (
    ("Č", "Objekt", "Kód", "Zkrácený popis", "M.j.", "Množství", "Cena/MJ", "Náklady (Kč)", None, None, "Hmotnost (t)"),
    (None, None, None, "Rozměry", None, None, "(Kč)", "Dodávka", "Montáž", "Celkem", "Jednot.", "Celkem"),
)


def building() -> Rows:
    """A "Stavební rozpočet": costs in three columns under one heading, takeoff in the column of texts."""
    return [
        ("Stavební rozpočet",),
        ("Název stavby:", None, None, "Sklad u trati", None, None, "Objednatel:"),
        ("Druh stavby:",),
        (),
        *BUILDING,
        (None, None, "13", "Hloubené vykopávky", None, None, None, 0, 1250.5, 1250.5, None, 0),
        ("1", None, "132201101R00", "Rýha pro pas", "m3", 12.505, 100, 0, 1250.5, 1250.5, 0, 0),
        (None, None, None, "5,002*2,5", None, 12.505),
        (None, None, "63", "Podlahy", None, None, None, 200, 105, 305, None, 2),
        ("2", None, "631312611R00", "Mazanina", "m3", 10, 30.5, 200, 105, 305, 0.2, 2),
        (),
        (None, None, None, None, None, None, None, "Celkem:", None, 1555.5),
        ("Poznámka:",),
    ]
