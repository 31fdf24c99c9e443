"""Invented wording for sample bills: works in the style of Czech price lists, with made-up codes and plausible prices.

The first three digits of a code follow the public classification of building work (TSKP), so that rules about families
of codes find what they look for; the rest is ours.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from domain.bill import ItemKind

Measure = Literal["volume", "area", "length", "pieces", "mass", "sum"]


class Work(Struct, frozen=True):
    """A kind of item. `text` takes one of `sizes`; `prefix` is filled up to a code; `price` in CZK for the first size.

    `share` ties the quantity to the concrete above it: so many units per m³ of that.
    """

    prefix: str
    text: str
    unit: str
    price: Decimal
    measure: Measure
    sizes: tuple[str, ...] = ("",)
    kind: ItemKind = "work"
    share: Decimal | None = None


class Part(Struct, frozen=True):
    """A section of works. `cast` are the works of its concrete, in order; `closing` ends the section."""

    code: str
    title: str
    works: tuple[Work, ...]
    cast: tuple[Work, ...] = ()
    closing: Work | None = None


class Group(Struct, frozen=True):
    """A group of sections with a code of letters."""

    code: str
    title: str
    parts: tuple[Part, ...]


def _work(prefix: str, text: str, unit: str, price: str, measure: Measure, *sizes: str) -> Work:
    return Work(prefix, text, unit, Decimal(price), measure, sizes)


def _material(prefix: str, text: str, unit: str, price: str, measure: Measure, *sizes: str) -> Work:
    return Work(prefix, text, unit, Decimal(price), measure, sizes, kind="material")


def _cast(family: str, what: str, concrete: str, formwork: str, rebar: str) -> tuple[Work, ...]:
    """Reinforced concrete of one family with what belongs to it: formwork both ways, and rebar in tonnes per m³."""
    classes = ("C25/30 XC2", "C30/37 XC4", "C30/37 XF1")
    area, mass = Decimal(formwork), Decimal(rebar)
    return (
        Work(f"{family}32", f"Betonáž {what} ze železobetonu třídy {{}}", "m3", Decimal(concrete), "volume", classes),
        Work(f"{family}351", f"Sestavení bednění {what}", "m2", Decimal(438), "area", share=area),
        Work(f"{family}352", f"Odbednění a očištění bednění {what}", "m2", Decimal(97), "area", share=area),
        Work(f"{family}36", f"Výztuž {what} z oceli B500B", "t", Decimal(41800), "mass", share=mass),
    )


def _moving(code: str, trade: str) -> Work:
    return _work(
        f"998{code}", f"Přesun hmot pro {trade} v objektu výšky {{}}", "t", "1240", "mass", "do 6 m", "do 12 m"
    )


HSV = Group(
    "HSV",
    "Hlavní stavební výroba",
    (
        Part(
            "1",
            "Zemní práce",
            (
                _work("12115", "Shrnutí ornice strojem, vrstva {}", "m2", "31.5", "area", "150 mm", "200 mm", "300 mm"),
                _work("13215", "Výkop rýhy pro základ, zemina třídy {}", "m3", "342", "volume", "2", "3", "4"),
                _work("16275", "Odvoz výkopku na skládku do {}", "m3", "287", "volume", "5 km", "10 km", "20 km"),
                _work(
                    "17415", "Zpětný zásyp kolem {} se zhutněním", "m3", "164", "volume", "základů", "jímek", "šachet"
                ),
                _work("18195", "Srovnání a zhutnění pláně, sklon {}", "m2", "23.8", "area", "do 1:5", "přes 1:5"),
            ),
        ),
        Part(
            "2",
            "Základy",
            (
                _work("21531", "Štěrkový podsyp základů, frakce {}", "m3", "1190", "volume", "8-16", "16-32", "32-63"),
                _work(
                    "27131",
                    "Podkladní beton pod základy C12/15, tloušťka {}",
                    "m3",
                    "3150",
                    "volume",
                    "50 mm",
                    "100 mm",
                ),
                _work("21257", "Drenážní trubka v loži, průměr {}", "m", "214", "length", "100 mm", "150 mm", "200 mm"),
            ),
            cast=_cast("274", "základových pasů", "3920", "3.1", "0.085"),
        ),
        Part(
            "3",
            "Svislé konstrukce",
            (
                _work(
                    "31123", "Zdivo nosné z cihelných tvarovek, tloušťka {}", "m2", "1860", "area", "250 mm", "300 mm"
                ),
                _work(
                    "34224", "Příčka z tvarovek na tenkou spáru, tloušťka {}", "m2", "893", "area", "80 mm", "115 mm"
                ),
                _work(
                    "31716", "Překlad keramický osazený, délka {}", "kus", "612", "pieces", "1,25 m", "1,75 m", "2,25 m"
                ),
            ),
            cast=_cast("311", "nosných stěn", "4310", "6.4", "0.092"),
        ),
        Part(
            "4",
            "Vodorovné konstrukce",
            (
                _work("41735", "Ztužující věnec, obednění šířky {}", "m", "356", "length", "250 mm", "300 mm"),
                _work("45157", "Pískové lože pod potrubí, tloušťka {}", "m3", "1080", "volume", "100 mm", "150 mm"),
            ),
            cast=_cast("411", "stropních desek", "4180", "4.6", "0.108"),
        ),
        Part(
            "6",
            "Úpravy povrchů a podlahy",
            (
                _work("61134", "Omítka vnitřních stropů sádrová, tloušťka {}", "m2", "398", "area", "10 mm", "15 mm"),
                _work(
                    "62221", "Zateplení fasády deskami z minerální vlny {}", "m2", "1540", "area", "140 mm", "180 mm"
                ),
                _work(
                    "63131", "Potěr cementový vyhlazený, tloušťka {}", "m2", "463", "area", "50 mm", "65 mm", "80 mm"
                ),
                _material("5905", "lepicí a stěrkový tmel, balení {}", "kg", "17.9", "mass", "25 kg", "30 kg"),
            ),
        ),
        Part(
            "9",
            "Ostatní práce a bourání",
            (
                _work("94111", "Lešení rámové, montáž, výška {}", "m2", "92.4", "area", "do 10 m", "do 20 m"),
                _work(
                    "95290", "Vyčištění dokončených místností, {}", "m2", "58.3", "area", "byty", "společné prostory"
                ),
                _work("96203", "Vybourání příčky z cihel, tloušťka {}", "m2", "176", "area", "do 100 mm", "do 150 mm"),
            ),
            closing=_moving("011", "budovy zděné"),
        ),
    ),
)
PSV = Group(
    "PSV",
    "Přidružená stavební výroba",
    (
        Part(
            "711",
            "Izolace proti vodě",
            (
                _work("71111", "Penetrace podkladu nátěrem, plocha {}", "m2", "28.6", "area", "vodorovná", "svislá"),
                _work("71141", "Natavení asfaltového pásu, vrstva {}", "m2", "143", "area", "první", "druhá"),
                _material("6285", "pás asfaltový s vložkou {}", "m2", "168", "area", "skelnou", "polyesterovou"),
            ),
            closing=_moving("711", "izolace proti vodě"),
        ),
        Part(
            "713",
            "Izolace tepelné",
            (
                _work("71312", "Položení tepelné izolace podlah, vrstva {}", "m2", "54.7", "area", "jedna", "dvě"),
                _material("2837", "deska z pěnového polystyrenu tloušťky {}", "m2", "231", "area", "80 mm", "100 mm"),
            ),
            closing=_moving("713", "tepelné izolace"),
        ),
        Part(
            "725",
            "Zařizovací předměty",
            (
                _work("72511", "Osazení zařizovacího předmětu, {}", "soubor", "1870", "pieces", "klozet", "umyvadlo"),
                _work("72582", "Montáž baterie {}", "soubor", "746", "pieces", "umyvadlové", "sprchové", "vanové"),
                _material("5514", "baterie páková {}", "kus", "2290", "pieces", "umyvadlová", "sprchová", "vanová"),
            ),
            closing=_moving("725", "zařizovací předměty"),
        ),
        Part(
            "771",
            "Podlahy z dlaždic",
            (
                _work("77157", "Kladení dlažby do tmelu, formát {}", "m2", "687", "area", "300 mm", "450 mm", "600 mm"),
                _material("5976", "dlaždice slinutá, formát {}", "m2", "534", "area", "300 mm", "450 mm", "600 mm"),
            ),
            closing=_moving("771", "podlahy z dlaždic"),
        ),
        Part(
            "784",
            "Malby",
            (
                _work("78418", "Malba disperzní dvojnásobná, podklad {}", "m2", "63.9", "area", "sádrový", "vápenný"),
                _work("78415", "Napuštění podkladu před malbou, {}", "m2", "21.4", "area", "stěny", "stropy"),
            ),
        ),
    ),
)
VRN = Group(
    "VRN",
    "Vedlejší rozpočtové náklady",
    (
        Part(
            "VRN3",
            "Zařízení staveniště",
            (
                _work("03000", "Zařízení staveniště, {}", "kpl", "48500", "sum", "zřízení", "provoz", "odstranění"),
                _work("01325", "Dokumentace skutečného provedení, {}", "kpl", "26400", "sum", "stavba", "rozvody"),
            ),
        ),
    ),
)
GROUPS = (HSV, PSV, VRN)

OBJECTS = ("Bytový dům", "Podzemní garáž", "Venkovní úpravy", "Přípojky", "Opěrná zeď", "Parkoviště")
PLACES = ("osa A až C", "osa 1 až 4", "1. podlaží", "2. podlaží", "přístavek", "schodiště", "u vjezdu")
FULLER = "Položka zahrnuje dodávku, pomocné práce a úklid pracoviště; výměra podle skutečného provedení."
REMARK = "Poznámka k položce: rozsah potvrdí stavbyvedoucí před zahájením prací."
