"""Reading what is no spreadsheet: GAEB beside pygaeb on the same document; the other formats by their own speed."""

import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pygaeb import GAEBParser

from tests.workers.documents import bc3, category, gaeb, item, unixml
from tests.workers.papers import HEADINGS, pdf, table
from workers.readers import read_bill
from workers.sample_bill import sample_bill

ITEMS = 1_000
ROUNDS = 3
LONG = "<p><span>Liefern und einbauen,</span> mit allem, was dazu gehört.</p>" * 3


def run() -> dict[str, float]:
    """Print and return the figures."""
    documents = {"gaeb": _gaeb(), "unixml": _unixml(), "bc3": _bc3(), "pdf": _pdf()}
    ours = {name: _best(lambda data=data: read_bill(data)) for name, data in documents.items()}
    for name, data in documents.items():
        count = len(read_bill(data).items)
        assert count == ITEMS, name
        print(
            f"  {name:7} {len(data) / 2**20:6.2f} MiB  {ours[name] * 1e3:7.1f} ms  {count / ours[name]:9,.0f} items/s"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.x84"
        path.write_bytes(documents["gaeb"])
        theirs = _best(lambda: GAEBParser.parse(path), rounds=1)
    print(f"  pygaeb reads the same document in {theirs * 1e3:,.0f} ms: {theirs / ours['gaeb']:.1f} times as long")
    speeds = {f"read.{name}_items_s": ITEMS / seconds for name, seconds in ours.items()}
    return {"read.ratio_pygaeb": theirs / ours["gaeb"], **speeds}


def _best(read: Callable[[], object], rounds: int = ROUNDS) -> float:
    found: list[float] = []
    for _ in range(rounds):
        gc.collect()
        began = time.perf_counter()
        read()
        found.append(time.perf_counter() - began)
    return min(found)


def _gaeb() -> bytes:
    items = "".join(
        item(f"{at:04}", f"Position {at}", long=LONG, Qty=f"{at}.500", QU="m2", UP="12.35", IT="1.00")
        for at in range(ITEMS)
    )
    return gaeb(category("01", f"<Itemlist>{items}</Itemlist>", title="Gewerk"))


def _unixml() -> bytes:
    return unixml(read_bill(sample_bill(items=ITEMS)))


def _bc3() -> bytes:
    concepts = [f"C|P{at}|m2|Partida {at}|12.35|050326|0|" for at in range(ITEMS)]
    measured = [f"M|CAP#\\P{at}|1\\{at}\\|6|\\muro\\2\\3\\\\\\|" for at in range(ITEMS)]
    parts = "".join(f"P{at}\\1\\6\\" for at in range(ITEMS))
    tree = ("C|OBRA##||Nave|0|||", "D|OBRA##|CAP#\\1\\1\\|", "C|CAP#||Capítulo|0|||", f"D|CAP|{parts}|")
    return bc3(*tree, *concepts, *measured)


def _pdf() -> bytes:
    rows = [(str(at), f"12215{at:04}", "Excavation by machine", "m3", "2.5", "10.00", "25.00") for at in range(ITEMS)]
    return pdf([table([HEADINGS, *rows[at : at + 40]], ruled=True) for at in range(0, ITEMS, 40)])
