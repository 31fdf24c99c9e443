"""One small bill of every layout that is read, to begin fuzzing with."""

from domain.job import ExportFormat
from tests.workers import prints
from tests.workers.biff import xls
from tests.workers.documents import bc3, category, gaeb, item, unixml, xc4
from tests.workers.papers import HEADINGS, pdf, table
from tests.workers.statements import statement
from tests.workers.workbooks import csv, ods, xlsx
from workers.readers import read_bill
from workers.sample_bill import sample_bill
from workers.writers import WRITERS

OWN: tuple[ExportFormat, ...] = ("xlsx", "csv", "json")
HEADER = ("Kód", "Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
ROWS = [(None, "Zemní práce"), ("122151103", "Výkop", "m3", 2.5, 10, 25), ("1", "Zásyp", "m3", 1, 2, 2), (None, "Celkem", None, None, None, 27)]  # fmt: skip # noqa: E501 - a table

ITEMS = "".join(
    (
        item("0010", "Beton", long="<p>C25/30<br/>XC2</p>", Qty="2.000", QU="m3", UP="10.00", IT="20.00"),
        item("0020", "Wahl", ALNGroupNo="1", ALNSerNo="1", Qty="1", UPComp1="3.00", DiscountPcnt="5", IT="2.85"),
        item("0030", "Bedarf", Provis="WithoutTotal", LumpSumItem="Yes", UP="7.00"),
        item("0040", "Zuschlag", tag="MarkupItem", MarkupType="AllInCat", ITMarkup="20.00", Markup="5", IT="1.00"),
    )
)
TREE = (
    "K|\\2\\3\\3\\2\\2\\2\\2\\EUR\\|0\\13\\6\\\\21|",
    "C|OBRA##||Nave|24.00|050326|0|",
    "D|OBRA##|CAP#\\1\\1\\|",
    "C|CAP#||Capítulo|24.00|050326|0|",
    "D|CAP|P1\\1\\2\\%MA\\1\\0.20\\|",
    "C|P1|m2|Fábrica|10.00|050326|0|",
    "D|P1|MO\\1\\1\\%MA\\1\\0.1\\|",
    "C|MO|h|Oficial|9.00||1|",
    "C|%MA|%|Medios|0|||",
    "M|CAP#\\P1|1\\1\\|2|\\muro\\2\\1\\\\\\3\\a*b\\1\\2\\\\\\1\\\\\\\\\\\\|",
    "T|P1|Texto|",
)


def seeds() -> dict[str, bytes]:
    """The layouts by name."""
    kros = sample_bill(items=12, seed=2)
    texts, rules = table([HEADINGS, ("1", "122", "Excavation\nby hand", "m3", "2.5", "10.00", "25.00")], ruled=True)
    return {
        "kros": kros,
        "xlsx": xlsx([HEADER, *ROWS]),
        "ods": ods([HEADER, *ROWS]),
        "xls": xls([HEADER, *ROWS], {50: "#,##0.00"}),
        "csv": csv([HEADER, *ROWS]),
        "unixml": unixml(read_bill(kros)),
        "xc4": xc4([{"znacka": "272325", "nazev": "Základy", "id_mj": "M3", "mnozstvi": "43,8", "jedn_cena": "10"}]),
        "gaeb": gaeb(
            category("01", f"<Itemlist>{ITEMS}</Itemlist>", title="Bau"), info="<Totals><Total>20</Total></Totals>"
        ),
        "bc3": bc3(*TREE),
        **{f"own {name}": WRITERS[name].write(statement(read_bill(kros))).data for name in OWN},
        "pdf": pdf([(texts, rules), (texts, [])]),
        "kros print": prints.kros(read_bill(kros), "Dům"),
        "rts print": prints.rts(read_bill(kros), "Dům"),
    }
